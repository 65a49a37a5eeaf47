/* Watches: where they begin, what a selector makes of a change, how they end. */
#include "tests/unit/sim/kit.h"

#include "kube/time.h"
#include "tests/unit/suite.h"

static struct apiwatch *open_watch(struct kit *k, const char *rv, const char *label)
{
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    req.resource_version = rv;
    req.label_selector = label;
    struct api_response ret = {0};
    struct apiwatch *w = apiserver_watch(k->server, &req, &ret);
    ck_assert_msg(w != NULL, "%s", api_message(&ret));
    return w;
}

/* All events that are there, as "ADDED a, DELETED b". New. */
static char *drain(struct apiwatch *w)
{
    AUTO(strbuf) struct strbuf out = {0};
    struct api_event ev;
    while (apiwatch_next(w, &ev))
        strbuf_addf(&out, "%s%s %s", out.len ? ", " : "", api_event_name(ev.type),
                    meta_name(ev.object));
    return strbuf_take(&out);
}

static void want_events(struct apiwatch *w, const char *want)
{
    AUTO(str) char *have = drain(w);
    ck_assert_msg(strcmp(have, want) == 0, "want '%s', got '%s'", want, have);
}

static char *now_of(struct kit *k)
{
    return mem_printf("%lld", (long long)apiserver_revision(k->server));
}

static void add(struct kit *k, const char *name)
{
    json_decref(kit_make(k, "configmaps", config_map(name, "v")));
}

START_TEST(from_now_and_from_a_revision)
{
    AUTO(kit) struct kit k = kit_create();
    add(&k, "old");
    AUTO(apiwatch) struct apiwatch *state = open_watch(&k, NULL, NULL);
    AUTO(apiwatch) struct apiwatch *zero = open_watch(&k, "0", NULL);
    AUTO(str) char *rv = now_of(&k);
    AUTO(apiwatch) struct apiwatch *live = open_watch(&k, rv, NULL);
    add(&k, "new");
    json_decref(
        kit_do(&k, API_PATCH, "configmaps", "default", "new", js("{'data':{'k':'w'}}"), 200));
    json_decref(
        kit_do(&k, API_PATCH, "configmaps", "default", "new", js("{'data':{'k':'w'}}"), 200));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "old", NULL, 200));
    json_decref(
        kit_do(&k, API_CREATE, "configmaps", "kube-system", NULL, config_map("x", "v"), 201));
    want_events(state, "ADDED old, ADDED new, MODIFIED new, DELETED old");
    want_events(zero, "ADDED old, ADDED new, MODIFIED new, DELETED old");
    want_events(live, "ADDED new, MODIFIED new, DELETED old");
    AUTO(apiwatch) struct apiwatch *again = open_watch(&k, rv, NULL);
    want_events(again, "ADDED new, MODIFIED new, DELETED old");
    want_events(again, "");
}
END_TEST

START_TEST(revisions_rise)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(apiwatch) struct apiwatch *w = open_watch(&k, NULL, NULL);
    add(&k, "a");
    json_decref(kit_do(&k, API_PATCH, "configmaps", "default", "a", js("{'data':{'k':'w'}}"), 200));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "a", NULL, 200));
    struct api_event ev;
    long last = 0;
    while (apiwatch_next(w, &ev)) {
        long rv = strtol(meta_resource_version(ev.object), NULL, 10);
        ck_assert_int_gt(rv, last);
        last = rv;
        if (ev.type == EVENT_DELETED)
            want_text(ev.object, "data.k", "w");
    }
    ck_assert_int_eq(last, apiserver_revision(k.server));
}
END_TEST

START_TEST(selectors_turn_changes)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(apiwatch) struct apiwatch *w = open_watch(&k, NULL, "in=yes");
    add(&k, "a");
    want_events(w, "");
    json_decref(kit_do(&k, API_PATCH, "configmaps", "default", "a",
                       js("{'metadata':{'labels':{'in':'yes'}}}"), 200));
    want_events(w, "ADDED a");
    json_decref(kit_do(&k, API_PATCH, "configmaps", "default", "a", js("{'data':{'k':'1'}}"), 200));
    want_events(w, "MODIFIED a");
    json_decref(kit_do(&k, API_PATCH, "configmaps", "default", "a",
                       js("{'data':{'k':'2'},'metadata':{'labels':{'in':'no'}}}"), 200));
    struct api_event ev;
    ck_assert(apiwatch_next(w, &ev));
    ck_assert_int_eq(ev.type, EVENT_DELETED);
    want_text(ev.object, "data.k", "1");
    want_text(ev.object, "metadata.labels.in", "yes");
    ck_assert_int_eq(strtol(meta_resource_version(ev.object), NULL, 10),
                     apiserver_revision(k.server));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "a", NULL, 200));
    want_events(w, "");
}
END_TEST

START_TEST(field_selector_by_name)
{
    AUTO(kit) struct kit k = kit_create();
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    req.field_selector = "metadata.name=b";
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    add(&k, "a");
    add(&k, "b");
    want_events(w, "ADDED b");
    req.field_selector = "data.k=v";
    ck_assert(apiserver_watch(k.server, &req, &ret) == NULL);
    ck_assert_int_eq(ret.code, 400);
    api_response_finish(&ret);
}
END_TEST

START_TEST(too_old_is_gone)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(str) char *rv = now_of(&k);
    AUTO(apiwatch) struct apiwatch *early = open_watch(&k, rv, NULL);
    add(&k, "a");
    apiserver_compact(k.server, apiserver_revision(k.server));
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    req.resource_version = rv;
    struct api_response ret = {0};
    ck_assert(apiserver_watch(k.server, &req, &ret) == NULL);
    ck_assert_int_eq(ret.code, 410);
    ck_assert_str_eq(api_reason(&ret), "Expired");
    ck_assert(strstr(api_message(&ret), "too old resource version") != NULL);
    api_response_finish(&ret);
    want_events(early, "ADDED a"); /* what is open goes on */
}
END_TEST

START_TEST(slow_reader_is_ended)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(apiwatch) struct apiwatch *w = open_watch(&k, NULL, NULL);
    add(&k, "a");
    for (int i = 0; i < 5000; i++)
        json_decref(
            kit_do(&k, API_PATCH, "configmaps", "default", "a", js("{'data':{'k':'%d'}}", i), 200));
    want_events(w, "");
    ck_assert(apiwatch_ended(w));
    AUTO(apiwatch) struct apiwatch *fresh = open_watch(&k, NULL, NULL);
    want_events(fresh, "ADDED a");
}
END_TEST

START_TEST(bookmarks)
{
    AUTO(kit) struct kit k = kit_create();
    add(&k, "a");
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    req.send_initial_events = true;
    struct api_response ret = {0};
    ck_assert(apiserver_watch(k.server, &req, &ret) == NULL);
    ck_assert_int_eq(ret.code, 422);
    api_response_finish(&ret);
    req.resource_version_match = "NotOlderThan";
    req.allow_bookmarks = true;
    req.timeout_s = 10;
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    struct api_event ev;
    ck_assert(apiwatch_next(w, &ev) && ev.type == EVENT_ADDED);
    ck_assert(apiwatch_next(w, &ev) && ev.type == EVENT_BOOKMARK);
    ck_assert_str_eq(meta_annotation(ev.object, "k8s.io/initial-events-end"), "true");
    want_text(ev.object, "kind", "ConfigMap");
    add(&k, "b");
    want_events(w, "ADDED b");
    kit_settle(&k);
    ck_assert_int_eq(world_now(k.world) - WORLD_START_NS, 10 * NS_PER_S);
    ck_assert(apiwatch_ended(w));
    ck_assert(apiwatch_next(w, &ev) && ev.type == EVENT_BOOKMARK);
    ck_assert(!meta_annotation(ev.object, "k8s.io/initial-events-end"));
    ck_assert(!apiwatch_next(w, &ev));
}
END_TEST

static const struct watch_options {
    const char *name, *revision, *match;
    bool send, none;
    int code;             /* of the refusal; 0: it opens */
    const char *expected; /* then: what stands there at the beginning */
} options[] = {
    {"nothing", NULL, NULL, false, false, 0, "ADDED a"},
    {"any", "0", NULL, false, false, 0, "ADDED a"},
    {"live only", "0", "NotOlderThan", false, true, 0, ""},
    {"live only, of the newest", NULL, "NotOlderThan", false, true, 0, ""},
    {"a streamed list", NULL, "NotOlderThan", true, false, 0, "ADDED a"},
    {"a list of at least that", "1", "NotOlderThan", true, false, 0, "ADDED a"},
    {"a list of the future", "999", "NotOlderThan", true, false, 504, NULL},
    {"the future", "999", NULL, false, false, 0, ""},
    {"a list without a match", NULL, NULL, true, false, 422, NULL},
    {"no list without a match", "0", NULL, false, true, 422, NULL},
    {"a list of exactly", "5", "Exact", true, false, 422, NULL},
    {"a match alone", "5", "NotOlderThan", false, false, 422, NULL},
    {"no number", "abc", NULL, false, false, 500, NULL},
};

START_TEST(how_it_begins)
{
    const struct watch_options *o = &options[_i];
    AUTO(kit) struct kit k = kit_create();
    add(&k, "a");
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    req.resource_version = o->revision;
    req.resource_version_match = o->match;
    req.send_initial_events = o->send;
    req.no_initial_events = o->none;
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    ck_assert_msg(!w == (o->code != 0) && ret.code == o->code, "%s: %d %s", o->name, ret.code,
                  api_message(&ret));
    if (w)
        want_events(w, o->expected);
    api_response_finish(&ret);
}
END_TEST

static void count(void *cookie)
{
    (*(int *)cookie)++;
}

START_TEST(wakes_for_its_own_only)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(apiwatch) struct apiwatch *w = open_watch(&k, NULL, "in=yes");
    int woken = 0;
    apiwatch_on_event(w, count, &woken);
    add(&k, "a");
    ck_assert_int_eq(woken, 0);
    json_decref(kit_do(&k, API_PATCH, "configmaps", "default", "a",
                       js("{'metadata':{'labels':{'in':'yes'}}}"), 200));
    ck_assert_int_eq(woken, 1);
    int64_t at;
    ck_assert(apiwatch_peek(w, &at));
    ck_assert_int_eq(at, WORLD_START_NS);
}
END_TEST

START_TEST(bad_revision)
{
    AUTO(kit) struct kit k = kit_create();
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    req.resource_version = "abc";
    struct api_response ret = {0};
    ck_assert(apiserver_watch(k.server, &req, &ret) == NULL);
    ck_assert_int_eq(ret.code, 500);
    ck_assert_str_eq(api_reason(&ret), "");
    api_response_finish(&ret);
    req.resource_version = "99999"; /* the future: silent until it comes */
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    ck_assert(w != NULL);
    want_events(w, "");
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.watch",
                      SUITE_LONG_CASE("watch", 60, TEST(from_now_and_from_a_revision),
                                      TEST(revisions_rise), TEST(selectors_turn_changes),
                                      TEST(field_selector_by_name), TEST(too_old_is_gone),
                                      TEST(slow_reader_is_ended), TEST(bookmarks),
                                      EACH(how_it_begins, options), TEST(wakes_for_its_own_only),
                                      TEST(bad_revision)));
}
