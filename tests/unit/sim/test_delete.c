/* Delete: preconditions, finalizers, grace, collections. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

static json_t *held(const char *name)
{
    return js("{'metadata':{'name':'%s','finalizers':['example.com/hold']}}", name);
}

START_TEST(plain)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *a = kit_make(&k, "configmaps", config_map("a", "v"));
    AUTO(json) json_t *gone = kit_do(&k, API_DELETE, "configmaps", "default", "a", NULL, 200);
    want_text(gone, "kind", "Status");
    want_text(gone, "status", "Success");
    want_text(gone, "details.name", "a");
    want_text(gone, "details.kind", "configmaps");
    want_text(gone, "details.uid", meta_uid(a));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "a", NULL, 404));
}
END_TEST

START_TEST(finalizers_hold)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_make(&k, "configmaps", held("a")));
    AUTO(json) json_t *marked = kit_do(&k, API_DELETE, "configmaps", "default", "a", NULL, 200);
    want_text(marked, "metadata.deletionTimestamp", "2026-01-01T00:00:00Z");
    ck_assert_int_eq(json_int(marked, "metadata.deletionGracePeriodSeconds", -1), 0);
    AUTO(json) json_t *again = kit_do(&k, API_DELETE, "configmaps", "default", "a", NULL, 200);
    ck_assert_str_eq(meta_resource_version(again), meta_resource_version(marked));

    AUTO(json)
    json_t *taken = kit_do(&k, API_CREATE, "configmaps", "default", NULL, held("a"), 409);
    want_text(taken, "message", "object is being deleted: configmaps \"a\" already exists");
    AUTO(json)
    json_t *more =
        kit_do(&k, API_PATCH, "configmaps", "default", "a",
               js("{'metadata':{'finalizers':['example.com/hold','example.com/x']}}"), 422);
    ck_assert(strstr(json_str_or_empty(more, "message"),
                     "metadata.finalizers: Forbidden: no new finalizers can be added if the object "
                     "is being deleted, found new finalizers []string{\"example.com/x\"}") != NULL);
    AUTO(json)
    json_t *kept = kit_do(&k, API_PATCH, "configmaps", "default", "a",
                          js("{'metadata':{'deletionTimestamp':null},'data':{'k':'1'}}"), 200);
    ck_assert(meta_deleting(kept));

    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    req.resource_version = meta_resource_version(kept);
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    AUTO(json)
    json_t *last = kit_do(&k, API_PATCH, "configmaps", "default", "a",
                          js("{'metadata':{'finalizers':null}}"), 200);
    want_text(last, "data.k", "1");
    json_decref(kit_do(&k, API_GET, "configmaps", "default", "a", NULL, 404));
    struct api_event ev;
    ck_assert(apiwatch_next(w, &ev));
    ck_assert_int_eq(ev.type, EVENT_DELETED);
    ck_assert(!apiwatch_next(w, &ev));
}
END_TEST

START_TEST(generation_rises_once)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_make(&k, "widgets", held("a")));
    AUTO(json) json_t *one = kit_do(&k, API_DELETE, "widgets", "default", "a", NULL, 200);
    ck_assert_int_eq(meta_generation(one), 2);
    AUTO(json) json_t *two = kit_do(&k, API_DELETE, "widgets", "default", "a", NULL, 200);
    ck_assert_int_eq(meta_generation(two), 2);
}
END_TEST

static const struct option_case {
    const char *options;
    int code;
    const char *finalizer; /* that is there afterwards */
} options[] = {
    {"{'propagationPolicy':'Foreground'}", 200, "foregroundDeletion"},
    {"{'propagationPolicy':'Orphan'}", 200, "orphan"},
    {"{'orphanDependents':true}", 200, "orphan"},
    {"{'propagationPolicy':'Sideways'}", 422, NULL},
    {"{'propagationPolicy':'Orphan','orphanDependents':true}", 422, NULL},
    {"{'preconditions':{'uid':'other'}}", 409, NULL},
    {"{'preconditions':{'resourceVersion':'1'}}", 409, NULL},
    {"{'dryRun':['All']}", 200, NULL},
    {"{'dryRun':['Some']}", 422, NULL},
};

START_TEST(delete_options)
{
    const struct option_case *o = &options[_i];
    /* Without the collector, so that its finalizers stay. */
    struct sched_config config = {.seed = 1, .start_ns = WORLD_START_NS};
    struct sched *s = sched_create(&config);
    struct kit k = {.server = apiserver_create(s, "main")};
    json_decref(kit_make(&k, "configmaps", config_map("a", "v")));
    json_decref(
        kit_do(&k, API_DELETE, "configmaps", "default", "a", js("%s", o->options), o->code));
    AUTO(json) json_t *left = kit_do(&k, API_GET, "configmaps", "default", "a", NULL, 200);
    ck_assert(meta_deleting(left) == (o->finalizer != NULL));
    if (o->finalizer)
        ck_assert_msg(meta_has_finalizer(left, o->finalizer), "%s", o->options);
    apiserver_destroy(k.server);
    sched_destroy(s);
}
END_TEST

START_TEST(preconditions_that_hold)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *a = kit_make(&k, "configmaps", config_map("a", "v"));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "a",
                       js("{'preconditions':{'uid':'%s','resourceVersion':'%s'}}", meta_uid(a),
                          meta_resource_version(a)),
                       200));
}
END_TEST

static json_t *pod(const char *name, const char *node)
{
    return js("{'metadata':{'name':'%s'},'spec':{'nodeName':'%s','containers':[{'name':'c','image':"
              "'i'}]}}",
              name, node);
}

START_TEST(pods_have_grace)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_make(&k, "pods", pod("free", "")));
    AUTO(json) json_t *gone = kit_do(&k, API_DELETE, "pods", "default", "free", NULL, 200);
    want_text(gone, "kind", "Pod"); /* the object, not a Status */
    json_decref(kit_do(&k, API_GET, "pods", "default", "free", NULL, 404));

    json_decref(kit_make(&k, "pods", pod("bound", "node")));
    AUTO(json) json_t *marked = kit_do(&k, API_DELETE, "pods", "default", "bound", NULL, 200);
    want_text(marked, "metadata.deletionTimestamp", "2026-01-01T00:00:30Z");
    ck_assert_int_eq(json_int(marked, "metadata.deletionGracePeriodSeconds", -1), 30);
    ck_assert(!json_path(marked, "metadata.generation"));
    /* Writes in between do not end it. */
    json_decref(kit_do(&k, API_PATCH, "pods", "default", "bound",
                       js("{'metadata':{'labels':{'a':'b'}}}"), 200));
    json_decref(kit_do(&k, API_GET, "pods", "default", "bound", NULL, 200));
    json_decref(
        kit_do(&k, API_DELETE, "pods", "default", "bound", js("{'gracePeriodSeconds':0}"), 200));
    json_decref(kit_do(&k, API_GET, "pods", "default", "bound", NULL, 404));
}
END_TEST

static const struct {
    const char *own, *asked; /* what the pod says, and the options */
    const char *want;
    int64_t seconds;
} graces[] = {
    {"9", "{'gracePeriodSeconds':9223372036854775807}", "2094-01-19T03:14:07Z", INT32_MAX},
    {"9223372036854775807", "{}", "2094-01-19T03:14:07Z", INT32_MAX},
    {"9", "{'gracePeriodSeconds':-9223372036854775807}", "2026-01-01T00:00:01Z", 1},
};

START_TEST(grace_is_bounded)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_make(&k, "pods",
                         js("{'metadata':{'name':'p'},'spec':{'nodeName':'node',"
                            "'terminationGracePeriodSeconds':%s,'containers':[{'name':'c','image':"
                            "'i'}]}}",
                            graces[_i].own)));
    AUTO(json)
    json_t *marked =
        kit_do(&k, API_DELETE, "pods", "default", "p", js("%s", graces[_i].asked), 200);
    want_text(marked, "metadata.deletionTimestamp", graces[_i].want);
    ck_assert_int_eq(json_int(marked, "metadata.deletionGracePeriodSeconds", -1),
                     graces[_i].seconds);
}
END_TEST

START_TEST(collections)
{
    AUTO(kit) struct kit k = kit_create();
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_decref(
            kit_make(&k, "configmaps",
                     js("{'metadata':{'name':'%s','labels':{'n':'%s'}}}", names[i], names[i])));
    struct api_request req = kit_req(API_DELETE_COLLECTION, "configmaps", "default", NULL, NULL);
    req.label_selector = "n in (a,b)";
    AUTO(json) json_t *list = kit_send(&k, &req, 200);
    want_text(list, "kind", "ConfigMapList");
    ck_assert_uint_eq(json_array_size(json_object_get(list, "items")), 2);
    json_decref(kit_do(&k, API_GET, "configmaps", "default", "a", NULL, 404));
    json_decref(kit_do(&k, API_GET, "configmaps", "default", "c", NULL, 200));
    json_decref(kit_do(&k, API_DELETE_COLLECTION, "namespaces", NULL, NULL, NULL, 405));
    json_decref(kit_do(&k, API_DELETE_COLLECTION, "configmaps", NULL, NULL, NULL, 405));
}
END_TEST

static int deny_b(void *cookie, const struct admission_review *review, struct api_response *ret)
{
    (void)cookie;
    if (review->request->verb == API_CREATE)
        return 0;
    ck_assert(review->request->name == NULL); /* the collection's request names nothing */
    ck_assert(review->object == NULL);
    if (strcmp(meta_name(review->old), "b") != 0)
        return 0;
    ret->code = 422;
    ret->body = js("{'kind':'Status','message':'no','reason':'Invalid','code':422}");
    return -1;
}

START_TEST(collection_stops_at_a_refusal)
{
    AUTO(kit) struct kit k = kit_create();
    apiserver_admit(k.server, "", "configmaps", deny_b, NULL);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_decref(kit_make(&k, "configmaps", config_map(names[i], "v")));
    json_decref(kit_do(&k, API_DELETE_COLLECTION, "configmaps", "default", NULL, NULL, 422));
    json_decref(kit_do(&k, API_GET, "configmaps", "default", "a", NULL, 404));
    json_decref(kit_do(&k, API_GET, "configmaps", "default", "b", NULL, 200));
    json_decref(kit_do(&k, API_GET, "configmaps", "default", "c", NULL, 200));
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.delete",
                      SUITE_LONG_CASE("delete", 60, TEST(plain), TEST(finalizers_hold),
                                      TEST(generation_rises_once), EACH(delete_options, options),
                                      TEST(preconditions_that_hold), TEST(pods_have_grace),
                                      EACH(grace_is_bounded, graces), TEST(collections),
                                      TEST(collection_stops_at_a_refusal)));
}
