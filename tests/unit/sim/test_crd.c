/* CustomResourceDefinitions as objects: conditions, versions, changes, deletion; and the ones that
 * are built in. */
#include "tests/unit/sim/kit.h"

#include "sim/crds/crds.h"

#define CRDS "customresourcedefinitions"

/* Types of the events of one object, joined. New. */
static char *events_of(struct apiwatch *w, const char *name)
{
    AUTO(strbuf) struct strbuf out = {0};
    struct api_event ev;
    while (apiwatch_next(w, &ev))
        if (strcmp(meta_name(ev.object), name) == 0)
            strbuf_addf(&out, "%s%s", out.len ? "," : "", api_event_name(ev.type));
    return strbuf_take(&out);
}

START_TEST(created_through_the_api)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(str) char *rv = mem_printf("%lld", (long long)apiserver_revision(k.server));
    json_decref(kit_do(&k, API_CREATE, CRDS, NULL, NULL, widget_crd("{'type':'object'}"), 201));
    struct api_request req = kit_req(API_WATCH, CRDS, NULL, NULL, NULL);
    req.resource_version = rv;
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    AUTO(str) char *events = events_of(w, "widgets.example.com");
    ck_assert_str_eq(events, "ADDED,MODIFIED,MODIFIED");
    AUTO(json) json_t *crd = kit_do(&k, API_GET, CRDS, NULL, "widgets.example.com", NULL, 200);
    ck_assert_str_eq(meta_condition_status(crd, "NamesAccepted"), "True");
    ck_assert_str_eq(meta_condition_status(crd, "Established"), "True");
    want_text(crd, "spec.names.listKind", "WidgetList");
    want_text(crd, "status.acceptedNames.singular", "widget");
    AUTO(json) json_t *list = kit_do(&k, API_LIST, "widgets", "default", NULL, NULL, 200);
    want_text(list, "kind", "WidgetList");
    want_text(list, "apiVersion", "example.com/v1");
    ck_assert(json_path(list, "metadata.continue") != NULL);
}
END_TEST

static const struct bad_crd {
    const char *name, *patch, *message;
} bad_crds[] = {
    {"wrong name", "{'metadata':{'name':'gadgets.example.com'}}", "must be spec.names.plural"},
    {"no dot", "{'metadata':{'name':'widgets.example'},'spec':{'group':'example'}}",
     "at least one dot"},
    {"scope", "{'spec':{'scope':'Galaxy'}}", "Unsupported value: \"Galaxy\""},
    {"no storage",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':false,'schema':{'openAPIV3Schema':{"
     "'type':'object'}}}]}}",
     "exactly one version marked as storage version"},
    {"no schema", "{'spec':{'versions':[{'name':'v1','served':true,'storage':true}]}}",
     "schemas are required"},
    {"no type",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','properties':{'a':{}}}}}]}}",
     "properties[a].type: Required value"},
    {"ref",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','properties':{'a':{'$ref':'x'}}}}}]}}",
     "$ref is not supported"},
    {"bad pattern",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','properties':{'a':{'type':'string','pattern':'('}}}}}]}}",
     "must be a valid regular expression"},
    {"bad rule",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','x-kubernetes-validations':[{'rule':'self.a &&'}]}}}]}}",
     "compilation failed"},
    {"type in a junctor",
     "{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'"
     "type':'object','properties':{'a':{'type':'object','allOf':[{'type':'object'}]}}}}}]}}",
     "must be empty to be structural"},
};

START_TEST(bad_definitions)
{
    const struct bad_crd *b = &bad_crds[_i];
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *crd = widget_crd("{'type':'object'}");
    AUTO(json) json_t *patch = js("%s", b->patch);
    json_object_update_recursive(crd, patch);
    AUTO(json) json_t *answer = kit_do(&k, API_CREATE, CRDS, NULL, NULL, json_incref(crd), 422);
    ck_assert_msg(strstr(json_str_or_empty(answer, "message"), b->message) != NULL, "%s: %s",
                  b->name, json_str_or_empty(answer, "message"));
    struct err e = {0};
    ck_assert_int_eq(apiserver_add_crd(k.server, crd, &e), -1);
    err_clear(&e);
}
END_TEST

START_TEST(kinds_do_not_clash)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    AUTO(json) json_t *other = widget_crd("{'type':'object'}");
    json_put_str(other, "metadata.name", "gadgets.example.com");
    json_put_str(other, "spec.names.plural", "gadgets");
    json_put_str(other, "spec.names.singular", "gadget");
    json_decref(kit_do(&k, API_CREATE, CRDS, NULL, NULL, json_incref(other), 201));
    AUTO(json) json_t *crd = kit_do(&k, API_GET, CRDS, NULL, "gadgets.example.com", NULL, 200);
    ck_assert_str_eq(meta_condition_status(crd, "NamesAccepted"), "False");
    want_text(meta_condition(crd, "NamesAccepted"), "reason", "KindConflict");
    ck_assert_str_eq(meta_condition_status(crd, "Established"), "False");
}
END_TEST

START_TEST(schema_changes_show_at_once)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(
        &k, widget_crd(
                "{'type':'object','properties':{'a':{'type':'integer'},'old':{'type':'string'}}}"));
    AUTO(json)
    json_t *a = kit_do(&k, API_CREATE, "widgets", "default", NULL,
                       js("{'metadata':{'name':'a'},'spec':{'old':'x'}}"), 201);
    struct api_request req = kit_req(API_WATCH, "widgets", "default", NULL, NULL);
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &req, &ret);
    kit_add_crd(&k,
                widget_crd("{'type':'object','properties':{'a':{'type':'integer','default':7}}}"));
    ck_assert(apiwatch_ended(w));
    AUTO(json) json_t *b = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    ck_assert_int_eq(json_int(b, "spec.a", 0), 7);
    ck_assert(!json_path(b, "spec.old"));
    ck_assert_str_eq(meta_resource_version(a), meta_resource_version(b));
}
END_TEST

START_TEST(names_and_scope_stay)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_do(&k, API_PATCH, CRDS, NULL, "widgets.example.com",
                       js("{'spec':{'scope':'Cluster'}}"), 422));
    json_decref(kit_do(&k, API_PATCH, CRDS, NULL, "widgets.example.com",
                       js("{'spec':{'names':{'kind':'Gizmo'}}}"), 422));
    AUTO(json) json_t *same = kit_do(&k, API_GET, CRDS, NULL, "widgets.example.com", NULL, 200);
    ck_assert_int_eq(meta_generation(same), 1);
}
END_TEST

#define TWO_VERSIONS                                                                               \
    "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"                   \
    "'metadata':{'name':'plains.example.com'},'spec':{'group':'example.com','scope':'Cluster',"    \
    "'names':{'plural':'plains','kind':'Plain'},'versions':["                                      \
    "{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'type':'object',"      \
    "'properties':{'spec':{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'"     \
    "integer'}}},"                                                                                 \
    "'status':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}}},"                  \
    "{'name':'v2','served':true,'storage':false,'schema':{'openAPIV3Schema':{'type':'object',"     \
    "'properties':{'spec':{'type':'object','properties':{'a':{'type':'integer'},'c':{'type':'"     \
    "string','default':'new'}}},"                                                                  \
    "'status':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}}},"                  \
    "{'name':'v0','served':false,'storage':false,'schema':{'openAPIV3Schema':{'type':'object'}}}]" \
    "}}"

START_TEST(versions_are_views)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, js(TWO_VERSIONS));
    AUTO(json)
    json_t *a = kit_do(&k, API_CREATE, "plains", NULL, NULL,
                       js("{'metadata':{'name':'a'},'spec':{'a':1,'b':2},'status':{'s':1}}"), 201);
    ck_assert_int_eq(json_int(a, "status.s", 0), 1); /* no status subresource: kept */
    struct api_request req = kit_req(API_GET, "plains", NULL, "a", NULL);
    req.resource.version = "v2";
    AUTO(json) json_t *b = kit_send(&k, &req, 200);
    want_text(b, "apiVersion", "example.com/v2");
    want_text(b, "spec.c", "new");
    ck_assert(!json_path(b, "spec.b"));
    ck_assert_str_eq(meta_resource_version(a), meta_resource_version(b));
    req.resource.version = "v0";
    json_decref(kit_send(&k, &req, 404));

    struct api_request watch = kit_req(API_WATCH, "plains", NULL, NULL, NULL);
    watch.resource.version = "v2";
    struct api_response ret = {0};
    AUTO(apiwatch) struct apiwatch *w = apiserver_watch(k.server, &watch, &ret);
    struct api_event ev;
    ck_assert(apiwatch_next(w, &ev));
    want_text(ev.object, "apiVersion", "example.com/v2");
    /* Without a status subresource a change of status counts. */
    AUTO(json)
    json_t *c = kit_do(&k, API_PATCH, "plains", NULL, "a", js("{'status':{'s':2}}"), 200);
    ck_assert_int_eq(meta_generation(c), 2);
    ck_assert(apiwatch_next(w, &ev));
    want_text(ev.object, "apiVersion", "example.com/v2");
}
END_TEST

START_TEST(deletion_takes_instances_along)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_do(&k, API_CREATE, "widgets", "default", NULL,
                       js("{'metadata':{'name':'free'}}"), 201));
    json_decref(kit_do(&k, API_CREATE, "widgets", "default", NULL,
                       js("{'metadata':{'name':'held','finalizers':['a.b/c']}}"), 201));
    AUTO(json) json_t *going = kit_do(&k, API_DELETE, CRDS, NULL, "widgets.example.com", NULL, 200);
    want_text(going, "kind", "CustomResourceDefinition");
    json_decref(kit_do(&k, API_GET, "widgets", "default", "free", NULL, 404));
    AUTO(json) json_t *held = kit_do(&k, API_GET, "widgets", "default", "held", NULL, 200);
    ck_assert(meta_deleting(held));
    AUTO(json)
    json_t *no =
        kit_do(&k, API_CREATE, "widgets", "default", NULL, js("{'metadata':{'name':'x'}}"), 403);
    ck_assert(strstr(json_str_or_empty(no, "message"),
                     "create not allowed while custom resource definition is terminating") != NULL);
    json_decref(kit_do(&k, API_PATCH, "widgets", "default", "held",
                       js("{'metadata':{'finalizers':null}}"), 200));
    AUTO(json) json_t *gone = kit_do(&k, API_GET, "widgets", "default", "held", NULL, 404);
    want_text(gone, "message", "the server could not find the requested resource");
    json_decref(kit_do(&k, API_GET, CRDS, NULL, "widgets.example.com", NULL, 404));
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(
        kit_do(&k, API_CREATE, "widgets", "default", NULL, js("{'metadata':{'name':'x'}}"), 201));
}
END_TEST

START_TEST(selectable_fields)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *crd = widget_crd("{'type':'object','properties':{'color':{'type':'string'}}}");
    json_object_set_new(json_array_get(json_path(crd, "spec.versions"), 0), "selectableFields",
                        js("[{'jsonPath':'.spec.color'}]"));
    kit_add_crd(&k, json_incref(crd));
    json_decref(kit_do(&k, API_CREATE, "widgets", "default", NULL,
                       js("{'metadata':{'name':'a'},'spec':{'color':'red'}}"), 201));
    json_decref(kit_do(&k, API_CREATE, "widgets", "default", NULL,
                       js("{'metadata':{'name':'b'},'spec':{}}"), 201));
    struct api_request req = kit_req(API_LIST, "widgets", "default", NULL, NULL);
    req.field_selector = "spec.color=red";
    AUTO(json) json_t *list = kit_send(&k, &req, 200);
    ck_assert_uint_eq(json_array_size(json_object_get(list, "items")), 1);
    req.field_selector = "spec.shape=round";
    AUTO(json) json_t *no = kit_send(&k, &req, 400);
    want_text(no, "message", "field label not supported: spec.shape");
}
END_TEST

START_TEST(built_in_ones_are_whole)
{
    for (size_t i = 0; i < crds_count(); i++) {
        struct err e = {0};
        AUTO(json) json_t *object = crds_json(i, &e);
        ck_assert_msg(object != NULL, "%s: %s", crds_name(i), e.msg ? e.msg : "");
        /* Compiled anew, so that a mistake is told by the file's name and not by an abort. */
        struct sched_config config = {.seed = 1, .start_ns = WORLD_START_NS};
        AUTO(sched) struct sched *s = sched_create(&config);
        AUTO(apiserver) struct apiserver *a = apiserver_create(s, "main");
        int rc = apiserver_add_crd(a, object, &e);
        ck_assert_msg(rc == 0, "%s: %s", crds_name(i), e.msg ? e.msg : "");
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim.crd");
    TCase *tc = tcase_create("crd");

    json_init();
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, built_in_ones_are_whole);
    tcase_add_test(tc, created_through_the_api);
    tcase_add_loop_test(tc, bad_definitions, 0, (int)ARRAY_LEN(bad_crds));
    tcase_add_test(tc, kinds_do_not_clash);
    tcase_add_test(tc, schema_changes_show_at_once);
    tcase_add_test(tc, names_and_scope_stay);
    tcase_add_test(tc, versions_are_views);
    tcase_add_test(tc, deletion_takes_instances_along);
    tcase_add_test(tc, selectable_fields);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
