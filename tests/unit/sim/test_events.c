/* Events: two APIs, one store (kube-apiserver.md 7.6). */
#include "tests/unit/sim/kit.h"

#include "sim/apiserver/catalog.h"
#include "tests/unit/suite.h"

enum api { OLD, NEW };
static const struct api_resource apis[] = {{"", "v1", "events"}, {"events.k8s.io", "v1", "events"}};

static json_t *ask_in(struct kit *k, enum api api, struct api_request req, int want)
{
    req.resource = apis[api];
    return kit_send(k, &req, want);
}

static json_t *ask(struct kit *k, enum api api, enum api_verb verb, const char *name,
                   json_t *body /* taken */, int want)
{
    AUTO(json) json_t *held = body;
    struct api_request req = kit_req(verb, "events", "default", name, held);
    req.patch = verb == API_PATCH ? PATCH_STRATEGIC : PATCH_NONE;
    req.field_validation = VALIDATION_STRICT;
    return ask_in(k, api, req, want);
}

/* Without what the server gives. */
static void want_same(const char *name, json_t *have, const char *want)
{
    static const char *const given[] = {"uid", "creationTimestamp", "resourceVersion"};
    AUTO(json) json_t *wanted = js("%s", want);
    AUTO(json) json_t *shown = json_copy_of(have);
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        json_object_del(json_object_get(shown, "metadata"), given[i]);
    AUTO(str) char *text = json_text(shown);
    ck_assert_msg(json_same(shown, wanted), "%s: want %s, got %s", name, want, text);
}

#define OLD_HEAD                                                                                   \
    "'apiVersion':'v1','kind':'Event','metadata':{'name':'e','namespace':'default'},"              \
    "'involvedObject':{'kind':'Pod','name':'p','namespace':'default'}"
#define NEW_HEAD                                                                                   \
    "'apiVersion':'events.k8s.io/v1','kind':'Event','metadata':{'name':'e','namespace':'default'}" \
    ",'regarding':{'kind':'Pod','name':'p','namespace':'default'}"
#define WHEN "2026-01-01T00:00:00.000000Z"
#define SINCE "2026-01-01T00:00:00Z"
#define NEW_REST "'eventTime':'" WHEN "','action':'Do','reason':'Done','type':'Normal'"
#define REPORTED "'reportingController':'c','reportingInstance':'c-1'"
#define NEW_EVENT "{" NEW_HEAD "," NEW_REST "," REPORTED ",'note':'n'}"

/* ---- the same event on both sides ---- */

static const struct pair {
    const char *name;
    enum api made_in; /* the other API only shows it */
    const char *old, *new;
} pairs[] = {
    {"a new one", NEW,
     "{" OLD_HEAD "," NEW_REST ",'reportingComponent':'c','reportingInstance':'c-1',"
     "'message':'n'}",
     NEW_EVENT},
    {"an old one", OLD,
     "{" OLD_HEAD ",'source':{'component':'c','host':'h'},'firstTimestamp':'" SINCE
     "','lastTimestamp':'" SINCE "','count':3,'message':'m','reason':'R','type':'Odd'}",
     "{" NEW_HEAD
     ",'deprecatedSource':{'component':'c','host':'h'},'deprecatedFirstTimestamp':'" SINCE
     "','deprecatedLastTimestamp':'" SINCE
     "','deprecatedCount':3,'note':'m','reason':'R','type':'Odd'}"},
    {"a series about two", NEW,
     "{" OLD_HEAD "," NEW_REST ",'reportingComponent':'c','reportingInstance':'c-1','series':{"
     "'count':2,'lastObservedTime':'" WHEN "'},'related':{'kind':'Node','name':'n'}}",
     "{" NEW_HEAD "," NEW_REST "," REPORTED ",'series':{'count':2,'lastObservedTime':'" WHEN
     "'},'related':{'kind':'Node','name':'n'}}"},
    {"bare", OLD, "{" OLD_HEAD "}", "{" NEW_HEAD "}"},
};

START_TEST(converted)
{
    const struct pair *p = &pairs[_i];
    const char *const texts[] = {p->old, p->new};
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *made = ask(&k, p->made_in, API_CREATE, NULL, js("%s", texts[p->made_in]), 201);
    want_same(p->name, made, texts[p->made_in]);
    for (enum api api = OLD; api <= NEW; api++) {
        AUTO(json) json_t *got = ask(&k, api, API_GET, "e", NULL, 200);
        want_same(p->name, got, texts[api]);
        /* Put back as it was read: nothing happens. */
        int64_t revision = apiserver_revision(k.server);
        json_decref(ask(&k, api, API_UPDATE, "e", json_incref(got), 200));
        ck_assert_int_eq(apiserver_revision(k.server), revision);
        AUTO(json) json_t *list = ask(&k, api, API_LIST, NULL, NULL, 200);
        want_text(list, "apiVersion", meta_api_version(got));
        want_text(list, "kind", "EventList");
        json_t *item = json_array_get(json_object_get(list, "items"), 0);
        json_put_str(item, "apiVersion", meta_api_version(got));
        json_put_str(item, "kind", "Event");
        want_same(p->name, item, texts[api]);
    }
    enum api other = p->made_in == OLD ? NEW : OLD;
    json_decref(ask(&k, other, API_DELETE, "e", NULL, 200));
    AUTO(json) json_t *gone = ask(&k, p->made_in, API_GET, "e", NULL, 404);
    want_text(gone, "message",
              p->made_in == OLD ? "events \"e\" not found"
                                : "events.events.k8s.io \"e\" not found");
}
END_TEST

START_TEST(deleted_together)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(ask(&k, OLD, API_CREATE, NULL, js("{" OLD_HEAD "}"), 201));
    AUTO(json) json_t *list = ask(&k, NEW, API_DELETE_COLLECTION, NULL, NULL, 200);
    want_text(list, "apiVersion", "events.k8s.io/v1");
    json_decref(ask(&k, OLD, API_GET, "e", NULL, 404));
}
END_TEST

/* ---- what is refused ---- */

#define NEW_WITH(about, rest)                                                                      \
    "{'metadata':{'name':'e','namespace':'default'},'regarding':{" about "}," rest "}"
static const struct refusal {
    enum api api;
    const char *body;
    int code;
    const char *text;
} refusals[] = {
    {NEW, "{" NEW_HEAD "," REPORTED ",'action':'a','reason':'r','type':'Normal'}", 422,
     "Event \"e\" is invalid: eventTime: Required value"},
    {NEW, "{" NEW_HEAD "," NEW_REST ",'reportingInstance':'i'}", 422,
     "reportingController: Required value"},
    {NEW, "{" NEW_HEAD "," NEW_REST ",'reportingController':'c'}", 422,
     "reportingInstance: Required value"},
    {NEW, "{" NEW_HEAD "," NEW_REST ",'reportingController':'c d','reportingInstance':'i'}", 422,
     "reportingController: Invalid value: \"c d\""},
    {NEW, "{" NEW_HEAD ",'eventTime':'" WHEN "'," REPORTED ",'reason':'r','type':'Normal'}", 422,
     "action: Required value"},
    {NEW, "{" NEW_HEAD ",'eventTime':'" WHEN "'," REPORTED ",'action':'a','type':'Normal'}", 422,
     "reason: Required value"},
    {NEW, "{" NEW_HEAD ",'eventTime':'" WHEN "'," REPORTED ",'action':'a','reason':'r'}", 422,
     "type: Invalid value: \"\": has invalid value: "},
    {NEW, "{" NEW_HEAD "," NEW_REST "," REPORTED ",'deprecatedCount':1}", 422,
     "count: Invalid value: \"\": needs to be unset"},
    {NEW, "{" NEW_HEAD "," NEW_REST "," REPORTED ",'deprecatedSource':{'host':'h'}}", 422,
     "source: Invalid value: \"\": needs to be unset"},
    {NEW,
     "{" NEW_HEAD "," NEW_REST "," REPORTED ",'series':{'count':1,'lastObservedTime':'" WHEN "'}}",
     422, "series.count: Invalid value: \"\": should be at least 2"},
    {NEW, "{" NEW_HEAD "," NEW_REST "," REPORTED ",'series':{'count':2}}", 422,
     "series.lastObservedTime: Required value"},
    {NEW, NEW_WITH("'kind':'Pod','name':'p','namespace':'other'", NEW_REST "," REPORTED), 422,
     "involvedObject.namespace: Invalid value: \"other\": does not match event.namespace"},
    {NEW, NEW_WITH("'kind':'Node','name':'n'", NEW_REST "," REPORTED), 201, ""},
    /* Go's clients send what they left empty. */
    {NEW,
     "{" NEW_HEAD "," NEW_REST "," REPORTED
     ",'deprecatedSource':{},'deprecatedFirstTimestamp':null,'deprecatedLastTimestamp':null}",
     201, ""},
    {NEW, "{" OLD_HEAD "}", 400, "(v1) does not match the expected API version (events.k8s.io/v1)"},
    {NEW, NEW_WITH("", "'message':'m'"), 400, "strict decoding error: unknown field \"message\""},
    {OLD, NEW_EVENT, 400, "(events.k8s.io/v1) does not match the expected API version (v1)"},
    {OLD, "{" OLD_HEAD ",'note':'n'}", 400, "strict decoding error: unknown field \"note\""},
    {OLD, "{" OLD_HEAD ",'eventTime':'" WHEN "','action':'a','reason':'r'}", 422,
     "[reportingComponent: Required value, reportingInstance: Required value]"},
};

START_TEST(refused)
{
    const struct refusal *r = &refusals[_i];
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *answer = ask(&k, r->api, API_CREATE, NULL, js("%s", r->body), r->code);
    const char *text = json_str_or_empty(answer, "message");
    ck_assert_msg(strstr(text, r->text), "want '%s', got '%s'", r->text, text);
}
END_TEST

/* ---- changes ---- */

static const struct change {
    enum api api;
    const char *patch;
    int code;
    const char *text; /* of the refusal */
} changes[] = {
    {NEW, "{'series':{'count':2,'lastObservedTime':'" WHEN "'}}", 200, NULL},
    {NEW, "{'metadata':{'labels':{'a':'b'}}}", 200, NULL},
    {NEW, "{'series':{'count':1,'lastObservedTime':'" WHEN "'}}", 422, "series.count"},
    {NEW, "{'note':'other'}", 422, "message: Invalid value: \"other\": field is immutable"},
    {NEW, "{'reportingController':'d'}", 422,
     "reportingController: Invalid value: \"d\": field is immutable"},
    {NEW, "{'regarding':{'name':'q'}}", 422, "involvedObject: Invalid value: "},
    {NEW, "{'eventTime':null}", 422, "eventTime: Invalid value: null: field is immutable"},
    {OLD, "{'message':'other','count':2}", 200, NULL},
};

START_TEST(changed)
{
    const struct change *c = &changes[_i];
    AUTO(kit) struct kit k = kit_create();
    json_decref(ask(&k, NEW, API_CREATE, NULL, js(NEW_EVENT), 201));
    AUTO(json) json_t *answer = ask(&k, c->api, API_PATCH, "e", js("%s", c->patch), c->code);
    if (c->text) {
        const char *text = json_str_or_empty(answer, "message");
        ck_assert_msg(strstr(text, c->text), "want '%s', got '%s'", c->text, text);
        return;
    }
    AUTO(json) json_t *old = ask(&k, OLD, API_GET, "e", NULL, 200);
    ck_assert_str_eq(meta_resource_version(old), meta_resource_version(answer));
    want_text(old, "message", c->api == OLD ? "other" : "n");
}
END_TEST

/* ---- selectors and watches ---- */

static const struct choice {
    enum api api;
    const char *selector;
    int code, count;
} choices[] = {
    {NEW, "regarding.name=p", 200, 1},
    {NEW, "regarding.name=q", 200, 0},
    {NEW, "reportingController=c,reason=Done,type=Normal", 200, 1},
    {NEW, "reportingController!=c", 200, 0},
    {NEW, "metadata.name=e,metadata.namespace=default", 200, 1},
    {NEW, "involvedObject.name=p", 400, 0},
    {NEW, "reportingComponent=c", 400, 0},
    {OLD, "involvedObject.name=p,reportingComponent=c", 200, 1},
    {OLD, "regarding.name=p", 400, 0},
};

START_TEST(chosen)
{
    const struct choice *c = &choices[_i];
    AUTO(kit) struct kit k = kit_create();
    json_decref(ask(&k, NEW, API_CREATE, NULL, js(NEW_EVENT), 201));
    struct api_request req = kit_req(API_LIST, "events", "default", NULL, NULL);
    req.field_selector = c->selector;
    AUTO(json) json_t *list = ask_in(&k, c->api, req, c->code);
    if (c->code == 200)
        ck_assert_int_eq(json_array_size(json_object_get(list, "items")), c->count);
}
END_TEST

/* a has each value of the first column, b none of them. */
static const struct field_case {
    const char *field, *a;
} field_cases[] = {
    {"involvedObject.kind", "Pod"},
    {"involvedObject.namespace", "default"},
    {"involvedObject.name", "p"},
    {"involvedObject.uid", "u-1"},
    {"involvedObject.apiVersion", "v1"},
    {"involvedObject.resourceVersion", "7"},
    {"involvedObject.fieldPath", "spec.containers{c}"},
    {"reason", "Done"},
    {"reportingComponent", "scheduler"},
    {"source", "kubelet"},
    {"type", "Normal"},
};

#define EVENT_A                                                                                    \
    "{'metadata':{'name':'a'},'involvedObject':{'kind':'Pod','namespace':'default','name':'p',"    \
    "'uid':'u-1','apiVersion':'v1','resourceVersion':'7','fieldPath':'spec.containers{c}'},"       \
    "'reason':'Done','type':'Normal','source':{'component':'kubelet','host':'node01'},"            \
    "'reportingComponent':'scheduler'}"
#define EVENT_B "{'metadata':{'name':'b'},'involvedObject':{},'type':'Warning'}"

START_TEST(chosen_by_each_field)
{
    static const char *const signs[] = {"=", "==", "!="}, *const names[] = {"a", "a", "b"};
    const struct field_case *c = &field_cases[_i];
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_make(&k, "events", js(EVENT_A)));
    json_decref(kit_make(&k, "events", js(EVENT_B)));
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        struct api_request req = kit_req(API_LIST, "events", "default", NULL, NULL);
        AUTO(str) char *selector = mem_printf("%s%s%s", c->field, signs[i], c->a);
        req.field_selector = selector;
        AUTO(json) json_t *list = kit_send(&k, &req, 200);
        const json_t *items = json_object_get(list, "items");
        ck_assert_msg(json_array_size(items) == 1, "%s: %zu events", selector,
                      json_array_size(items));
        ck_assert_msg(strcmp(meta_name(json_array_get(items, 0)), names[i]) == 0, "%s", selector);
    }
}
END_TEST

/* An event of the new API has no source of its own; its reporter stands for one. */
START_TEST(source_of_new_ones)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(ask(&k, NEW, API_CREATE, NULL, js(NEW_EVENT), 201));
    struct api_request req = kit_req(API_LIST, "events", "default", NULL, NULL);
    req.field_selector = "source=c";
    AUTO(json) json_t *list = kit_send(&k, &req, 200);
    ck_assert_uint_eq(json_array_size(json_object_get(list, "items")), 1);
}
END_TEST

/* What is done through one API is seen through the other. */
START_TEST(watched)
{
    static const enum api_event_type want[] = {EVENT_ADDED, EVENT_MODIFIED, EVENT_DELETED};
    enum api api = _i ? NEW : OLD, other = _i ? OLD : NEW;
    AUTO(kit) struct kit k = kit_create();
    struct api_request req = kit_req(API_WATCH, "events", "default", NULL, NULL);
    req.resource = apis[api];
    req.field_selector = api == NEW ? "regarding.name=p" : "involvedObject.name=p";
    req.resource_version = "0";
    struct api_response failed = {0};
    struct apiwatch *w = apiserver_watch(k.server, &req, &failed);
    ck_assert_ptr_nonnull(w);
    const char *made = other == NEW ? NEW_EVENT : "{" OLD_HEAD ",'message':'n'}";
    json_decref(ask(&k, other, API_CREATE, NULL, js("%s", made), 201));
    json_decref(ask(&k, other, API_PATCH, "e", js("{'metadata':{'labels':{'a':'b'}}}"), 200));
    json_decref(ask(&k, other, API_DELETE, "e", NULL, 200));
    struct api_event e;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        ck_assert(apiwatch_next(w, &e));
        ck_assert_int_eq(e.type, want[i]);
        want_text(e.object, "apiVersion", api == NEW ? "events.k8s.io/v1" : "v1");
        want_text(e.object, api == NEW ? "note" : "message", "n");
        ck_assert_ptr_null(json_object_get(e.object, api == NEW ? "message" : "note"));
    }
    ck_assert(!apiwatch_next(w, &e));
    apiwatch_close(w);
}
END_TEST

/* ---- owners of fields ---- */

static json_t *write_as(struct kit *k, enum api api, enum api_verb verb, enum api_patch_type patch,
                        const char *manager, json_t *body /* taken */, int want)
{
    AUTO(json) json_t *held = body;
    struct api_request req =
        kit_req(verb, "events", "default", verb == API_CREATE ? NULL : "e", held);
    req.field_manager = manager;
    req.patch = patch;
    return ask_in(k, api, req, want);
}

static bool owns(const json_t *object, const char *manager, const char *api_version,
                 const char *field)
{
    const json_t *entries = json_at(object, "metadata", "managedFields", NULL);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *e = json_array_get(entries, i);
        if (strcmp(json_str_or_empty(e, "manager"), manager) == 0 &&
            strcmp(json_str_or_empty(e, "apiVersion"), api_version) == 0 &&
            json_object_get(json_object_get(e, "fieldsV1"), field))
            return true;
    }
    return false;
}

START_TEST(owned)
{
    AUTO(kit) struct kit k = kit_create();
    apiserver_track_fields(k.server, true);
    json_decref(write_as(&k, OLD, API_CREATE, PATCH_NONE, "old",
                         js("{" OLD_HEAD ",'message':'m','action':'a','reason':'r'}"), 201));
    AUTO(json)
    json_t *taken = write_as(&k, OLD, API_PATCH, PATCH_MERGE, "other", js("{'message':'n'}"), 200);
    ck_assert(!owns(taken, "old", "v1", "f:message"));
    ck_assert(owns(taken, "other", "v1", "f:message"));
    AUTO(json)
    json_t *shown = write_as(&k, NEW, API_PATCH, PATCH_MERGE, "new",
                             js("{'metadata':{'labels':{'a':'b'}}}"), 200);
    /* Changed through the other API or not, entries keep their own API's names. */
    ck_assert(owns(shown, "old", "v1", "f:involvedObject"));
    ck_assert(owns(shown, "other", "v1", "f:message"));
    ck_assert(owns(shown, "new", "events.k8s.io/v1", "f:metadata"));
    ck_assert(!owns(shown, "new", "events.k8s.io/v1", "f:note"));
    AUTO(json)
    json_t *bare = write_as(&k, OLD, API_PATCH, PATCH_JSON, "other",
                            js("[{'op':'remove','path':'/metadata/labels'}]"), 200);
    ck_assert(!owns(bare, "new", "events.k8s.io/v1", "f:metadata"));
}
END_TEST

/* An apply meets the owners of the other API under its own names. */
START_TEST(applied)
{
    AUTO(kit) struct kit k = kit_create();
    apiserver_track_fields(k.server, true);
    json_decref(write_as(&k, NEW, API_CREATE, PATCH_NONE, "maker", js(NEW_EVENT), 201));
    AUTO(json)
    json_t *conflict = write_as(&k, OLD, API_PATCH, PATCH_APPLY, "applier",
                                js("{" OLD_HEAD ",'message':'other'}"), 409);
    want_text(json_array_get(json_path(conflict, "details.causes"), 0), "field", ".message");
    AUTO(json) json_t *held = js("{" OLD_HEAD ",'message':'other'}");
    struct api_request req = kit_req(API_PATCH, "events", "default", "e", held);
    req.patch = PATCH_APPLY;
    req.field_manager = "applier";
    req.force = true;
    AUTO(json) json_t *forced = ask_in(&k, OLD, req, 200);
    want_text(forced, "message", "other");
    ck_assert(owns(forced, "applier", "v1", "f:message"));
    ck_assert(!owns(forced, "maker", "events.k8s.io/v1", "f:note"));
    ck_assert(owns(forced, "maker", "events.k8s.io/v1", "f:regarding"));
    AUTO(json) json_t *got = ask(&k, NEW, API_GET, "e", NULL, 200);
    want_text(got, "note", "other");
    /* Again through the new API: the applier is the same in whatever version it speaks. */
    AUTO(json)
    json_t *again = write_as(&k, NEW, API_PATCH, PATCH_APPLY, "applier",
                             js("{" NEW_HEAD ",'note':'other'}"), 200);
    ck_assert(owns(again, "applier", "events.k8s.io/v1", "f:note"));
    ck_assert(!owns(again, "applier", "v1", "f:message"));
}
END_TEST

/* ---- what people and discovery find ---- */

START_TEST(found)
{
    static const struct {
        const char *word, *group;
    } words[] = {
        {"events", ""}, {"ev", ""}, {"event.events.k8s.io", "events.k8s.io"}, {"events.", ""}};
    AUTO(kit) struct kit k = kit_create();
    struct resource_info info;
    bool ambiguous;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        ck_assert(apiserver_find_any(k.server, words[i].word, &info, &ambiguous));
        ck_assert(!ambiguous);
        ck_assert_str_eq(info.resource.group, words[i].group);
    }
    ck_assert(!apiserver_find_any(k.server, "events.example.com", &info, &ambiguous));
    ck_assert(apiserver_find_kind(k.server, "events.k8s.io/v1", "Event", &info));
    ck_assert_str_eq(info.resource.group, "events.k8s.io");
    ck_assert(!apiserver_find_kind(k.server, "events.k8s.io/v1beta1", "Event", &info));
    struct catalog_type type;
    ck_assert(catalog_find(k.server, &apis[NEW], &type));
    ck_assert_str_eq(type.resource.group, "events.k8s.io");
    ck_assert(catalog_find(k.server, &apis[OLD], &type));
    ck_assert_str_eq(type.resource.group, "");
    /* A kind once, however many APIs show it. */
    size_t count, seen = 0;
    const char *const *kinds = apiserver_kinds(k.server, &count);
    for (size_t i = 0; i < count; i++)
        seen += strcmp(kinds[i], "Event") == 0;
    ck_assert_int_eq(seen, 1);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.events",
                      SUITE_CASE("events", EACH(converted, pairs), TEST(deleted_together),
                                 EACH(refused, refusals), EACH(changed, changes),
                                 EACH(chosen, choices), EACH(chosen_by_each_field, field_cases),
                                 TEST(source_of_new_ones), RANGE(watched, 0, 2), TEST(owned),
                                 TEST(applied), TEST(found)));
}
