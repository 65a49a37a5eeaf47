/* E. Watch. */
#include "tests/api/harness.h"

#define LIST_FIRST "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
#define BOOKMARKS "&allowWatchBookmarks=true"
#define ENDED "metadata.annotations.k8s\\.io/initial-events-end"

static struct watch *watch_cms(int64_t from)
{
    return watch_open(CMS "?watch=true&resourceVersion=%" PRId64, from);
}

static void set_cm(const char *name, const char *value)
{
    want_code(merge_patch(text(CMS "/%s", name), "{'data':{'k':'%s'}}", value), 200);
}

static void label_cm(const char *name, const char *value)
{
    want_code(merge_patch(text(CMS "/%s", name), "{'metadata':{'labels':{'app':%s}}}", value), 200);
}

static void e01(void)
{
    int64_t n = rv(create_cm("a"));
    struct watch *w = watch_cms(n);
    const struct answer *b, *ev;

    want_silence(w);
    b = create_cm("b");
    ev = want_event(w, "ADDED", "b");
    want(rv(ev) > n && rv(ev) == rv(b), "revision %" PRId64, rv(ev));
    want_str(ev, "kind", "ConfigMap");
    want_str(ev, "apiVersion", "v1");
    want_str(ev, "data.k", "v");
    want_silence(w);
}

static void e02(void)
{
    struct watch *w = watch_cms(rv(create_cm("a")));

    set_cm("a", "new");
    want_str(want_event(w, "MODIFIED", "a"), "data.k", "new");
    set_cm("a", "new");
    want_silence(w);
    want_code(put_object(CMS "/a", get(CMS "/a")), 200);
    want_silence(w);
}

static void e03(void)
{
    int64_t last = rv(create_cm("a"));
    struct watch *w = watch_cms(last);
    const struct answer *ev, *next;

    want_code(del(CMS "/a"), 200);
    ev = want_event(w, "DELETED", "a");
    want_str(ev, "data.k", "v");
    want(rv(ev) > last, "the object's revision, not the deletion's");
    next = create_cm("b");
    want(rv(next) == rv(ev) + 1, "the deletion took %" PRId64 ", the next write %" PRId64, rv(ev),
         rv(next));
    want_json(ev, "metadata.deletionTimestamp", NULL);
}

static void e04(void)
{
    struct watch *w;

    create_cm("b");
    create_cm("a");
    w = watch_open(CMS "?watch=true");
    want_event(w, "ADDED", "a"); /* by key, not by revision */
    want_event(w, "ADDED", "b");
    want_silence(w);
    set_cm("a", "new");
    want_event(w, "MODIFIED", "a");
}

static void e05(void)
{
    struct watch *w;

    create_cm("a");
    w = watch_open(CMS "?watch=true&resourceVersion=0&sendInitialEvents=false"
                       "&resourceVersionMatch=NotOlderThan");
    want_silence(w);
    create_cm("b");
    want_event(w, "ADDED", "b");
}

static void e06(void)
{
    const struct answer *ev;
    struct watch *w;
    int64_t newest;

    create_cm("b");
    newest = rv(create_cm("a"));
    w = watch_open(CMS "?watch=true" BOOKMARKS LIST_FIRST);
    want_event(w, "ADDED", "a");
    want_event(w, "ADDED", "b");
    ev = want_event(w, "BOOKMARK", NULL);
    want_str(ev, ENDED, "true");
    want(rv(ev) >= newest, "the bookmark's revision");
    want_str(ev, "kind", "ConfigMap");
    want_str(ev, "apiVersion", "v1");
    create_cm("c");
    want_event(w, "ADDED", "c");
    want_silence(w);
}

static void e07(void)
{
    struct watch *w;

    create_cm("a");
    w = watch_open(CMS "?watch=true" LIST_FIRST);
    want_event(w, "ADDED", "a");
    want_silence(w);
    create_cm("b");
    want_event(w, "ADDED", "b");
}

static void e08(void)
{
    const struct answer *a = get(CMS "?watch=true&sendInitialEvents=true");

    want_status(a, 422, "Invalid",
                "ListOptions.meta.k8s.io '' is invalid: resourceVersionMatch: Forbidden: "
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    want_code(get(CMS "?watch=true&sendInitialEvents=true&resourceVersionMatch=Exact"), 422);
    a = get(CMS "?watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan");
    want_status(a, 422, "Invalid",
                "ListOptions.meta.k8s.io '' is invalid: resourceVersionMatch: Forbidden: "
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
}

static void e09(void)
{
    int64_t n = rv(create_cm("a"));
    struct watch *w;
    const struct answer *ev;

    set_cm("a", "1");
    set_cm("a", "2");
    apiserver_compact(the_server(), apiserver_revision(the_server()));
    w = watch_cms(n);
    ev = want_event(w, "ERROR", NULL);
    want_str(ev, "kind", "Status");
    want_str(ev, "apiVersion", "v1");
    want_json(ev, "metadata", "{}");
    want_str(ev, "status", "Failure");
    want_str(ev, "reason", "Expired");
    want_num(ev, "code", 410);
    want(strncmp(str(ev, "message"), text("too old resource version: %" PRId64 " (", n),
                 strlen(text("too old resource version: %" PRId64 " (", n))) == 0,
         "%s", str(ev, "message"));
    want_end(w);
}

static void e10(void)
{
    const struct answer *a = get(CMS "?watch=true&resourceVersion=abc");

    want_status(a, 500, "",
                "resourceVersion: Invalid value: 'abc': strconv.ParseUint: parsing 'abc': invalid "
                "syntax");
}

static struct watch *watch_app_x(void)
{
    int64_t n = rv(create_cm("a"));

    return watch_open(CMS "?watch=true&labelSelector=app%%3Dx&resourceVersion=%" PRId64, n);
}

static void e11(void)
{
    struct watch *w = watch_app_x();

    want_silence(w);
    label_cm("a", "'x'");
    want_str(want_event(w, "ADDED", "a"), "metadata.labels.app", "x");
    want_silence(w);
}

static void e12(void)
{
    struct watch *w = watch_app_x();
    const struct answer *ev;
    int64_t before;

    label_cm("a", "'x'");
    before = rv(want_event(w, "ADDED", "a"));
    label_cm("a", "'y'");
    ev = want_event(w, "DELETED", "a");
    want_str(ev, "metadata.labels.app", "x"); /* the object as it was */
    want(rv(ev) > before && rv(ev) == rv(get(CMS "/a")), "the change's revision");
    want_silence(w);
}

static void e13(void)
{
    struct watch *w = watch_app_x();

    set_cm("a", "unseen");
    want_silence(w);
    label_cm("a", "'x'");
    want_event(w, "ADDED", "a");
    set_cm("a", "seen");
    want_str(want_event(w, "MODIFIED", "a"), "data.k", "seen");
    create_cm("b");
    want_code(del(CMS "/b"), 200);
    want_silence(w);
}

static void e14(void)
{
    struct watch *w;

    create_cm("a");
    create_cm("b");
    w = watch_open(CMS "?watch=true&fieldSelector=metadata.name%%3Da");
    want_event(w, "ADDED", "a");
    set_cm("b", "1");
    want_silence(w);
    set_cm("a", "1");
    want_event(w, "MODIFIED", "a");
}

static void e15(void)
{
    int64_t n = rv(create_cm("a")), created = rv(create_cm("b")), opened = sched_now(the_sched());
    struct watch *marked =
        watch_open(CMS "?watch=true" BOOKMARKS "&timeoutSeconds=1&resourceVersion=%" PRId64, n);
    struct watch *plain =
        watch_open(CMS "?watch=true&timeoutSeconds=1&resourceVersion=%" PRId64, n);
    const struct answer *ev;

    want_event(marked, "ADDED", "b");
    want_event(plain, "ADDED", "b");
    if (!over_http()) { /* there, the clock runs by itself */
        advance_ms(900);
        want_silence(marked);
        want_silence(plain);
        advance_ms(200);
    }
    ev = want_event(marked, "BOOKMARK", NULL);
    want(rv(ev) == created, "what was delivered last");
    want_json(ev, ENDED, NULL);
    want_end(marked);
    want_end(plain);
    want(sched_now(the_sched()) >= opened + 1000000000, "it ended early");
}

static void e16(void)
{
    const struct answer *ev;
    struct watch *w;

    define_widgets();
    create_widget("a");
    w = watch_open(WIDGETS "?watch=true" BOOKMARKS "&timeoutSeconds=1&resourceVersion=%" PRId64,
                   rv(get(WIDGETS)));
    advance_ms(1100);
    ev = want_event(w, "BOOKMARK", NULL);
    want(json_object_size(ev->json) == 3, "%zu members", json_object_size(ev->json));
    want_str(ev, "kind", "Widget");
    want_str(ev, "apiVersion", "example.com/v1");
    want_json(ev, "metadata", text("{'resourceVersion':'%" PRId64 "'}", rv(ev)));
}

static void e17(void)
{
    int64_t n = rv(create_cm("a"));
    struct watch *w = watch_cms(n + 2);

    want_silence(w);
    set_cm("a", "1");
    set_cm("a", "2");
    want_silence(w);
    set_cm("a", "3");
    want_str(want_event(w, "MODIFIED", "a"), "data.k", "3");
}

static void e18(void)
{
    struct watch *one = watch_cms(rv(create_cm("z"))), *other;
    int64_t last = 0;

    other = watch_open("/api/v1/configmaps?watch=true&resourceVersion=%" PRId64, rv(get(CMS "/z")));
    create_cm("b");
    create_cm("a");
    set_cm("b", "1");
    want_code(del(CMS "/a"), 200);
    set_cm("z", "1");
    create_cm("a");
    for (int i = 0; i < 6; i++) {
        const struct answer *x = next_event(one), *y = next_event(other);

        want(json_equal(x->json, y->json), "event %d differs", i);
        want(strtoll(str(x, "object.metadata.resourceVersion"), NULL, 10) > last, "event %d", i);
        last = strtoll(str(x, "object.metadata.resourceVersion"), NULL, 10);
    }
    want_silence(one);
    want_silence(other);
}

static int64_t create_held(void)
{
    const struct answer *a =
        post(CMS, "{'metadata':{'name':'a','finalizers':['example.com/hold']},'data':{'k':'v'}}");

    want_code(a, 201);
    return rv(a);
}

static void e19(void)
{
    struct watch *w = watch_cms(create_held());
    const struct answer *ev;

    want_code(del(CMS "/a"), 200);
    want_event(w, "MODIFIED", "a");
    want_code(merge_patch(CMS "/a", "{'metadata':{'finalizers':null}}"), 200);
    ev = want_event(w, "DELETED", "a");
    want_some(ev, "metadata.deletionTimestamp");
    want_silence(w);
    want_code(get(CMS "/a"), 404);
}

static void e20(void)
{
    int64_t n = create_held();
    struct watch *w = watch_cms(n);
    const struct answer *ev;

    want_code(del(CMS "/a"), 200);
    ev = want_event(w, "MODIFIED", "a");
    want_some(ev, "metadata.deletionTimestamp");
    want_num(ev, "metadata.deletionGracePeriodSeconds", 0);
    want(rv(ev) > n, "revision");
    want_silence(w);
}

static void e21(void)
{
    struct watch *w = watch_cms(rv(create_cm("a")));
    const struct answer *a = watch_answer(w);

    want_header(a, "Content-Type", "application/json");
    want_header(a, "Cache-Control", "no-cache, private");
    want(header(a, "Audit-Id"), "no Audit-Id");
    if (over_http())
        want_header(a, "Transfer-Encoding", "chunked");
    want_silence(w); /* and yet the head has come */
    w = watch_open_as("Accept: application/yaml", CMS "?watch=true&resourceVersion=0");
    want_header(watch_answer(w), "Content-Type", "application/yaml;stream=watch");
}

static void e22(void)
{
    struct watch *w, *others;
    const struct answer *crd;

    define_widgets();
    create_widget("a");
    w = watch_open(WIDGETS "?watch=true&resourceVersion=%" PRId64, rv(get(WIDGETS)));
    others = watch_cms(rv(get(CMS)));
    want_silence(w);
    crd = get(CRDS "/widgets.example.com");
    want_code(merge_patch(CRDS "/widgets.example.com", "{'metadata':{'labels':{'a':'b'}}}"), 200);
    want_silence(w); /* the definition, not its spec */
    want_code(json_patch(CRDS "/widgets.example.com",
                         "[{'op':'add','path':'/spec/versions/0/schema/openAPIV3Schema/properties/"
                         "spec/properties/extra','value':{'type':'string'}}]"),
              200);
    want_end(w);
    want_silence(others);
    want(rv(get(CRDS "/widgets.example.com")) > rv(crd), "the definition has changed");
    w = watch_open(WIDGETS "?watch=true");
    want_event(w, "ADDED", "a");
}

static void e23(void)
{
    struct watch *w = watch_cms(rv(create_cm("a")));

    want_silence(w);
    shut_down();
    want_end(w);
}

/* What a reflector of client-go 1.35 does, then what one without WatchList does. */
static void e24(void)
{
    struct watch *w;
    const struct answer *ev, *list;
    unsigned added = 0;

    create_cm("a");
    create_cm("b");
    w = watch_open(CMS "?allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
                       "&sendInitialEvents=true&timeoutSeconds=451&watch=true");
    for (;;) {
        ev = next_event(w);
        if (strcmp(str(ev, "type"), "BOOKMARK") == 0)
            break;
        want_str(ev, "type", "ADDED");
        want_str(ev, "object.kind", "ConfigMap");
        added++;
    }
    want_str(ev, "object." ENDED, "true");
    want(added == count(get(CMS), "items"), "%u objects", added);
    w = watch_open(CMS "?allowWatchBookmarks=true&timeoutSeconds=451&watch=true&resourceVersion=%s",
                   str(ev, "object.metadata.resourceVersion"));
    want_silence(w);
    list = get(CMS "?limit=500&resourceVersion=0");
    want_code(list, 200);
    w = watch_open(CMS "?allowWatchBookmarks=true&timeoutSeconds=451&watch=true&resourceVersion=%s",
                   str(list, "metadata.resourceVersion"));
    create_cm("c");
    want_event(w, "ADDED", "c");
}

static void e25(void)
{
    struct watch *w;

    create_cm("a");
    create_cm("b");
    w = watch_open("/api/v1/watch/namespaces/default/configmaps/a");
    want_event(w, "ADDED", "a");
    set_cm("b", "1");
    want_code(del(CMS "/a"), 200);
    want_event(w, "DELETED", "a");
    create_cm("a");
    want_event(w, "ADDED", "a");
    want_silence(w);
}

static void e26(void)
{
    struct watch *w;
    const struct answer *ev;

    define_widgets();
    create_widget("a");
    w = watch_open_as("Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
                      WIDGETS "?watch=true" BOOKMARKS LIST_FIRST);
    ev = want_event(w, "ADDED", "a");
    want_str(ev, "kind", "PartialObjectMetadata");
    want_str(ev, "apiVersion", "meta.k8s.io/v1");
    want_json(ev, "spec", NULL);
    ev = want_event(w, "BOOKMARK", NULL);
    want_str(ev, "kind", "PartialObjectMetadata");
    want_str(ev, "apiVersion", "meta.k8s.io/v1");
    want_str(ev, ENDED, "true");
}

static const struct row rows[] = {
    {"E01", "watch rv=n, then create: ADDED with RV > n", 0, e01},
    {"E02", "update: MODIFIED; an update that changes nothing: nothing", 0, e02},
    {"E03", "delete: DELETED, last state, revision of the deletion", 0, e03},
    {"E04", "watch without rv: ADDED for all by key, then live", 0, e04},
    {"E05", "rv=0 sendInitialEvents=false: live only", 0, e05},
    {"E06", "sendInitialEvents with bookmarks: ADDED*, annotated BOOKMARK, live", 0, e06},
    {"E07", "the same without allowWatchBookmarks: no bookmark", 0, e07},
    {"E08", "sendInitialEvents=true without match: 422", 0, e08},
    {"E09", "rv older than compaction: 200, ERROR 410 Expired, the end", 0, e09},
    {"E10", "rv=abc: 500 without reason", 0, e10},
    {"E11", "an object starts to match: ADDED", 0, e11},
    {"E12", "an object stops to match: DELETED with the previous object, new RV", 0, e12},
    {"E13", "a matching object changes: MODIFIED; others: nothing", 0, e13},
    {"E14", "fieldSelector metadata.name: that object alone", 0, e14},
    {"E15", "timeoutSeconds=1: clean end, a bookmark before if allowed", ROW_FAST, e15},
    {"E16", "a bookmark has kind, apiVersion, resourceVersion alone", ROW_FAST, e16},
    {"E17", "a future rv: opens, is silent", 0, e17},
    {"E18", "two watchers: same order, RV strictly increasing", 0, e18},
    {"E19", "removal of a finalizer that deletes: one DELETED, no MODIFIED", 0, e19},
    {"E20", "delete with a finalizer: MODIFIED with deletionTimestamp", 0, e20},
    {"E21", "head before the first event; Content-Type application/json", 0, e21},
    {"E22", "a definition's schema changes: watches of its objects end", 0, e22},
    {"E23", "shutdown: clean end", 0, e23},
    {"E24", "what an informer of client-go does: in step after it", 0, e24},
    {"E25", "watch of one name by its URL: that object alone", 0, e25},
    {"E26", "watch of PartialObjectMetadata: events and bookmarks converted", 0, e26},
};
ROWS_MAIN(rows)
