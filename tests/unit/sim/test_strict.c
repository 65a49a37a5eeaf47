/* What a request is told of unknown fields, keys that stand twice, and values of the wrong type;
 * and the warnings of the pipeline's own. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

#define WIDGET_SPEC                                                                                \
    "{'type':'object','properties':{'n':{'type':'integer'},'list':{'type':'array','items':"        \
    "{'type':'object','properties':{'a':{'type':'string'}}}},'free':{'type':'object',"             \
    "'x-kubernetes-preserve-unknown-fields':true,'properties':{'known':{'type':'object',"          \
    "'properties':{'x':{'type':'string'}}}}},'map':{'type':'object','additionalProperties':"       \
    "{'type':'object','properties':{'v':{'type':'string'}}}}}}"

#define POD(more)                                                                                  \
    "{'metadata':{'name':'x'},'spec':{'containers':[{'name':'c','image':'i'" more "}]}}"
#define NO_CONTAINER_FIELD                                                                         \
    "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field "      \
    "\"spec.containers[0].foo\""

static const struct create_case {
    const char *name, *resource, *body, *findings; /* findings NULL: none */
    const char *message;                           /* when strict */
    const char *warnings;                          /* when warning; joined by | */
} creates[] = {
    {"a field of a widget", "widgets", "{'metadata':{'name':'x'},'spec':{'n':1,'m':2}}", NULL,
     "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field "
     "\"spec.m\"",
     "unknown field \"spec.m\""},
    {"several, sorted, metadata first", "widgets",
     "{'metadata':{'name':'x','zzz':1},'spec':{'y':1,'list':[{'a':'1'},{'b':'2'}],'free':{'q':1,"
     "'known':{'x':'1','w':2}},'map':{'k':{'v':'1','u':2}}},'other':1}",
     NULL,
     "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field "
     "\"metadata.zzz\", unknown field \"other\", unknown field \"spec.free.known.w\", unknown "
     "field "
     "\"spec.list[1].b\", unknown field \"spec.map.k.u\", unknown field \"spec.y\"",
     "unknown field \"metadata.zzz\"|unknown field \"other\"|unknown field "
     "\"spec.free.known.w\"|unknown field \"spec.list[1].b\"|unknown field "
     "\"spec.map.k.u\"|unknown field \"spec.y\""},
    {"a key twice", "widgets", "{'metadata':{'name':'x'},'spec':{'n':1,'m':2}}",
     "['duplicate field \\\"spec.n\\\"']",
     "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: duplicate "
     "field \"spec.n\", unknown field \"spec.m\"",
     "duplicate field \"spec.n\"|unknown field \"spec.m\""},
    {"a field of a pod", "pods", POD(",'foo':1"), NULL, NO_CONTAINER_FIELD,
     "unknown field \"spec.containers[0].foo\""},
    {"metadata of a pod", "pods",
     "{'metadata':{'name':'x','foo':1},'spec':{'containers':[{'name':'c','image':'i'}]}}", NULL,
     "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field "
     "\"metadata.foo\"",
     "unknown field \"metadata.foo\""},
    {"an owner's field", "configmaps",
     "{'metadata':{'name':'x','ownerReferences':[{'apiVersion':'v1','kind':'A','name':'a','uid':"
     "'1','foo':2}]}}",
     NULL,
     "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown "
     "field \"metadata.ownerReferences[0].foo\"",
     "unknown field \"metadata.ownerReferences[0].foo\""},
    {"at the top", "configmaps", "{'metadata':{'name':'x'},'dta':{'a':'b'}}", NULL,
     "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown "
     "field \"dta\"",
     "unknown field \"dta\""},
    {"nothing", "configmaps", "{'metadata':{'name':'x'},'data':{'a':'b'}}", NULL, NULL, ""},
};

static char *warnings_of(const struct api_response *ret)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < json_array_size(ret->warnings); i++)
        strbuf_addf(&out, "%s%s", i ? "|" : "",
                    json_string_value(json_array_get(ret->warnings, i)));
    return strbuf_take(&out);
}

static void check_strict(struct kit *k, struct api_request *req, const struct create_case *c)
{
    struct api_response ret = {0};
    req->field_validation = VALIDATION_STRICT;
    apiserver_handle(k->server, req, &ret);
    ck_assert_msg(ret.code == (c->message ? 400 : 201), "%s: %d %s", c->name, ret.code,
                  api_message(&ret));
    if (c->message)
        ck_assert_msg(strcmp(api_message(&ret), c->message) == 0, "%s: got '%s'", c->name,
                      api_message(&ret));
    ck_assert_msg(!ret.warnings, "%s: refused, and warned", c->name);
    api_response_finish(&ret);
    json_decref(c->message ? NULL : kit_do(k, API_DELETE, c->resource, "default", "x", NULL, 200));
}

static void check_silent(struct kit *k, struct api_request *req, const struct create_case *c,
                         enum api_field_validation how, const char *want)
{
    struct api_response ret = {0};
    req->field_validation = how;
    apiserver_handle(k->server, req, &ret);
    ck_assert_msg(ret.code == 201, "%s: %d %s", c->name, ret.code, api_message(&ret));
    AUTO(str) char *have = warnings_of(&ret);
    ck_assert_msg(strcmp(have, want) == 0, "%s: want '%s', got '%s'", c->name, want, have);
    AUTO(str) char *text = json_text(ret.body);
    ck_assert_msg(!strstr(text, "foo") && !strstr(text, "dta") && !strstr(text, "zzz"), "%s: %s",
                  c->name, text);
    api_response_finish(&ret);
    json_decref(kit_do(k, API_DELETE, c->resource, "default", "x", NULL, 200));
}

START_TEST(creations)
{
    const struct create_case *c = &creates[_i];
    AUTO(kit) struct kit k = kit_create();
    apiserver_track_fields(k.server, true);
    kit_add_crd(&k, widget_crd(WIDGET_SPEC));
    AUTO(json) json_t *body = js("%s", c->body);
    AUTO(json) json_t *findings = c->findings ? js("%s", c->findings) : NULL;
    struct api_request req = kit_req(API_CREATE, c->resource, "default", NULL, body);
    req.body_findings = findings;
    check_strict(&k, &req, c);
    check_silent(&k, &req, c, VALIDATION_WARN, c->warnings);
    check_silent(&k, &req, c, VALIDATION_IGNORE, "");
}
END_TEST

static const struct patch_case {
    const char *name, *resource;
    enum api_patch_type type;
    const char *patch, *findings;
    int strict;
    const char *message, *warnings;
} patches[] = {
    {"merge", "widgets", PATCH_MERGE, "{'spec':{'m':1}}", NULL, 422,
     " \"\" is invalid: patch: Invalid value: ", "unknown field \"spec.m\""},
    {"merge, twice", "configmaps", PATCH_MERGE, "{'data':{'m':'1'}}",
     "['duplicate field \\\"data.m\\\"']", 422, "strict decoding error: duplicate field \"data.m\"",
     "duplicate field \"data.m\""},
    {"JSON patch", "configmaps", PATCH_JSON, "[{'op':'add','path':'/foo','value':1}]", NULL, 422,
     "strict decoding error: unknown field \"foo\"", "unknown field \"foo\""},
    {"JSON patch, twice", "configmaps", PATCH_JSON,
     "[{'op':'add','path':'/data','value':{'a':'b'}}]", "['duplicate field \\\"[0].op\\\"']", 422,
     "strict decoding error: json patch duplicate field \"[0].op\"",
     "json patch duplicate field \"[0].op\""},
    {"strategic", "configmaps", PATCH_STRATEGIC, "{'foo':{'a':1}}", NULL, 422,
     " \"\" is invalid: patch: Invalid value: \"map[foo:map[a:1]]\": strict decoding error: "
     "unknown "
     "field \"foo\"",
     "unknown field \"foo\""},
    {"known", "configmaps", PATCH_STRATEGIC, "{'data':{'a':'1'}}", NULL, 200, "", ""},
};

START_TEST(patching)
{
    const struct patch_case *p = &patches[_i];
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(WIDGET_SPEC));
    json_decref(kit_make(&k, p->resource, js("{'metadata':{'name':'x'}}")));
    AUTO(json) json_t *body = js("%s", p->patch);
    AUTO(json) json_t *findings = p->findings ? js("%s", p->findings) : NULL;
    struct api_request req = kit_req(API_PATCH, p->resource, "default", "x", body);
    struct api_response ret = {0};
    req.patch = p->type;
    req.body_findings = findings;
    req.field_validation = VALIDATION_STRICT;
    apiserver_handle(k.server, &req, &ret);
    ck_assert_msg(ret.code == p->strict && strstr(api_message(&ret), p->message), "%s: %d '%s'",
                  p->name, ret.code, api_message(&ret));
    if (ret.code != 200) {
        const json_t *cause = json_array_get(json_path(ret.body, "details.causes"), 0);
        want_text(cause, "field", "patch");
        want_text(cause, "reason", "FieldValueInvalid");
    }
    api_response_finish(&ret);
    req.field_validation = VALIDATION_WARN;
    apiserver_handle(k.server, &req, &ret);
    AUTO(str) char *have = warnings_of(&ret);
    ck_assert_msg(ret.code == 200 && strcmp(have, p->warnings) == 0, "%s: %d '%s'", p->name,
                  ret.code, have);
    api_response_finish(&ret);
}
END_TEST

static const struct mismatch {
    const char *name, *resource, *body, *message;
} mismatches[] = {
    {"a list that is a text", "pods", "{'metadata':{'name':'x'},'spec':{'containers':'a'}}",
     "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal string into Go "
     "struct "
     "field PodSpec.spec.containers of type []v1.Container"},
    {"a number that is a text", "configmaps", "{'metadata':{'name':'x'},'data':{'a':1}}",
     "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number "
     "into Go struct field ConfigMap.data of type string"},
    {"a label", "configmaps", "{'metadata':{'name':'x','labels':{'a':1}}}",
     "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number "
     "into Go struct field ObjectMeta.metadata.labels of type string"},
};

START_TEST(wrong_types)
{
    const struct mismatch *m = &mismatches[_i];
    AUTO(kit) struct kit k = kit_create();
    apiserver_track_fields(k.server, true);
    AUTO(json)
    json_t *no = kit_do(&k, API_CREATE, m->resource, "default", NULL, js("%s", m->body), 400);
    want_text(no, "message", m->message);
}
END_TEST

START_TEST(wrong_types_of_a_patch)
{
    AUTO(kit) struct kit k = kit_create();
    apiserver_track_fields(k.server, true);
    json_decref(kit_make(&k, "configmaps", js("{'metadata':{'name':'x'}}")));
    AUTO(json)
    json_t *no = kit_do(&k, API_PATCH, "configmaps", "default", "x", js("{'data':{'a':1}}"), 422);
    const char *text = json_str_or_empty(no, "message");
    ck_assert_msg(strstr(text, "\\\"data\\\":{\\\"a\\\":1}") &&
                      strstr(text, "cannot unmarshal number into Go struct field"),
                  "%s", text);
}
END_TEST

/* ---- what Go makes of a body ---- */

START_TEST(null_and_empty_are_nothing)
{
    AUTO(kit) struct kit k = kit_create();
    apiserver_track_fields(k.server, true);
    AUTO(json)
    json_t *made = kit_make(&k, "configmaps", js("{'metadata':{'name':'x'}}"));
    AUTO(json)
    json_t *same = kit_do(&k, API_UPDATE, "configmaps", "default", "x",
                          js("{'metadata':{'name':'x'},'binaryData':null,'immutable':null,"
                             "'data':{}}"),
                          200);
    ck_assert_str_eq(meta_resource_version(same), meta_resource_version(made));
    ck_assert(!json_path(same, "data") && !json_path(same, "immutable"));
    AUTO(json)
    json_t *text =
        kit_do(&k, API_UPDATE, "configmaps", "default", "x",
               js("{'metadata':{'name':'x','labels':{'b':null}},'data':{'a':null}}"), 200);
    ck_assert(json_is_string(json_path(text, "metadata.labels.b")));
    ck_assert_str_eq(json_str_or_empty(text, "data.a"), "");
    ck_assert(json_is_string(json_path(text, "data.a")));
}
END_TEST

/* A list of managers that is empty is not absent: it makes the server forget them. */
START_TEST(no_managers_is_something)
{
    AUTO(kit) struct kit k = kit_create();
    apiserver_track_fields(k.server, true);
    json_decref(kit_make(&k, "configmaps", config_map("x", "v")));
    AUTO(json) json_t *made = kit_do(&k, API_GET, "configmaps", "default", "x", NULL, 200);
    ck_assert_uint_eq(json_array_size(json_path(made, "metadata.managedFields")), 1);
    AUTO(json)
    json_t *none = kit_do(&k, API_UPDATE, "configmaps", "default", "x",
                          js("{'metadata':{'name':'x','managedFields':[]},'data':{'k':'v'}}"), 200);
    ck_assert(!json_path(none, "metadata.managedFields"));
}
END_TEST

/* Who writes in the process and asks for no check gets what he wrote. */
START_TEST(unchecked_stays)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *made = kit_make(&k, "configmaps", js("{'metadata':{'name':'x'},'data':{}}"));
    ck_assert(json_path(made, "data") != NULL);
}
END_TEST

/* ---- warnings ---- */

static const struct warned {
    const char *name, *resource, *body, *warnings;
} warned[] = {
    {"finalizer without a domain", "widgets",
     "{'metadata':{'name':'x','finalizers':['foo','bar.io','a.io/b','orphan']}}",
     "metadata.finalizers: \"foo\": prefer a domain-qualified finalizer name to avoid accidental "
     "conflicts with other finalizer writers|metadata.finalizers: \"bar.io\": prefer a "
     "domain-qualified finalizer name including a path (/) to avoid accidental conflicts with "
     "other "
     "finalizer writers"},
    {"the same on a configmap", "configmaps", "{'metadata':{'name':'x','finalizers':['foo.io/a']}}",
     ""},
    {"owners twice", "configmaps",
     "{'metadata':{'name':'x','ownerReferences':[{'apiVersion':'v1','kind':'A','name':'a','uid':"
     "'u1'},{'apiVersion':'v1','kind':'A','name':'a','uid':'u1'}]}}",
     ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in "
     "1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate "
     "UID(s) observed: u1"},
};

START_TEST(warnings)
{
    const struct warned *w = &warned[_i];
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(WIDGET_SPEC));
    AUTO(json) json_t *body = js("%s", w->body);
    struct api_request req = kit_req(API_CREATE, w->resource, "default", NULL, body);
    req.field_validation = VALIDATION_WARN;
    struct api_response ret = {0};
    apiserver_handle(k.server, &req, &ret);
    AUTO(str) char *have = warnings_of(&ret);
    ck_assert_msg(ret.code == 201 && strcmp(have, w->warnings) == 0, "%s: %d '%s'", w->name,
                  ret.code, have);
    api_response_finish(&ret);
}
END_TEST

/* ---- lists as long as a body can hold ---- */

#define MANY 100000 /* comparing each with each would take minutes */

/* A widget with "f0", "f1", ...: names without a domain. New. */
static json_t *with_finalizers(size_t count)
{
    json_t *w = js("{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'x',"
                   "'finalizers':[]},'spec':{}}");
    json_t *list = json_at_mut(w, "metadata", "finalizers", NULL);
    for (size_t i = 0; i < count; i++) {
        AUTO(str) char *name = mem_printf("f%zu", i);
        json_array_append_new(list, json_string(name));
    }
    return w;
}

static void send_widget(struct kit *k, enum api_verb verb, const json_t *body,
                        enum api_field_validation validation, struct api_response *ret)
{
    struct api_request req =
        kit_req(verb, "widgets", "default", verb == API_CREATE ? NULL : "x", body);
    req.field_validation = validation;
    *ret = (struct api_response){0};
    apiserver_handle(k->server, &req, ret);
}

static void take_version(json_t *body, const json_t *stored)
{
    json_put_str(body, "metadata.resourceVersion",
                 json_str_or_empty(stored, "metadata.resourceVersion"));
}

START_TEST(many_finalizers)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(WIDGET_SPEC));
    AUTO(json) json_t *body = with_finalizers(MANY);
    struct api_response ret;
    send_widget(&k, API_CREATE, body, VALIDATION_WARN, &ret);
    ck_assert_msg(ret.code == 201, "%d %s", ret.code, api_message(&ret));
    ck_assert_uint_eq(json_array_size(ret.warnings), API_WARNINGS_MAX);
    take_version(body, ret.body);
    api_response_finish(&ret);
    json_array_append_new(json_at_mut(body, "metadata", "finalizers", NULL), json_string("new"));
    send_widget(&k, API_UPDATE, body, VALIDATION_WARN, &ret);
    ck_assert_msg(ret.code == 200, "%d %s", ret.code, api_message(&ret));
    ck_assert_uint_eq(json_array_size(ret.warnings), 1);
    api_response_finish(&ret);
    AUTO(json) json_t *going = kit_do(&k, API_DELETE, "widgets", "default", "x", NULL, 200);
    take_version(body, going);
    json_array_append_new(json_at_mut(body, "metadata", "finalizers", NULL), json_string("later"));
    send_widget(&k, API_UPDATE, body, VALIDATION_WARN, &ret);
    ck_assert_int_eq(ret.code, 422);
    ck_assert_ptr_nonnull(strstr(api_message(&ret), "found new finalizers []string{\"later\"}"));
    api_response_finish(&ret);
}
END_TEST

START_TEST(warnings_for_nobody)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(WIDGET_SPEC));
    AUTO(json) json_t *body = with_finalizers(1);
    struct api_response ret;
    send_widget(&k, API_CREATE, body, VALIDATION_IGNORE, &ret);
    ck_assert_int_eq(ret.code, 201);
    ck_assert_ptr_null(ret.warnings);
    api_response_finish(&ret);
}
END_TEST

START_TEST(many_owners)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(WIDGET_SPEC));
    AUTO(json) json_t *body = with_finalizers(0);
    AUTO(json) json_t *owners = json_array();
    for (size_t i = 0; i < 6000; i++)
        json_array_append_new(
            owners, js("{'apiVersion':'v1','kind':'A','name':'a','uid':'u%zu'}", i % 2000));
    json_put_take(body, "metadata.ownerReferences", json_incref(owners));
    struct api_response ret;
    send_widget(&k, API_CREATE, body, VALIDATION_WARN, &ret);
    ck_assert_msg(ret.code == 201, "%d %s", ret.code, api_message(&ret));
    const json_t *left = json_at(ret.body, "metadata", "ownerReferences", NULL);
    ck_assert_uint_eq(json_array_size(left), 2000);
    ck_assert_str_eq(json_str_or_empty(json_array_get(left, 1999), "uid"), "u1999");
    ck_assert_uint_eq(json_array_size(ret.warnings), 1);
    const char *told = json_string_value(json_array_get(ret.warnings, 0));
    ck_assert_ptr_nonnull(strstr(told, "observed: u0, u1, u2, "));
    ck_assert_uint_lt(strlen(told), 2000);
    ck_assert_str_eq(told + strlen(told) - 3, "...");
    api_response_finish(&ret);
}
END_TEST

static const struct deprecated {
    const char *name, *versions, *want;
} deprecated[] = {
    {"alone", "", "example.com/v1beta1 Gadget is deprecated"},
    {"its own words", "", "use something else"},
    {"a newer one",
     "{'name':'v2','served':true,'storage':false,'schema':{'openAPIV3Schema':"
     "{'type':'object'}}},{'name':'v1','served':true,'storage':false,'schema':"
     "{'openAPIV3Schema':{'type':'object'}}},",
     "example.com/v1beta1 Gadget is deprecated; use example.com/v2 Gadget"},
    {"only older ones",
     "{'name':'v1alpha1','served':true,'storage':false,'schema':"
     "{'openAPIV3Schema':{'type':'object'}}},",
     "example.com/v1beta1 Gadget is deprecated"},
    {"a newer one that is not served",
     "{'name':'v2','served':false,'storage':false,'schema':{'openAPIV3Schema':{'type':'object'}}},",
     "example.com/v1beta1 Gadget is deprecated"},
};

START_TEST(deprecations)
{
    const struct deprecated *d = &deprecated[_i];
    bool own = strstr(d->want, "something") != NULL;
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(
        &k, js("{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
               "'metadata':{'name':'gadgets.example.com'},'spec':{'group':'example.com',"
               "'scope':'Namespaced','names':{'plural':'gadgets','kind':'Gadget'},'versions':[%s"
               "{'name':'v1beta1','served':true,'storage':true,'deprecated':true,%s"
               "'schema':{'openAPIV3Schema':{'type':'object'}}}]}}",
               d->versions, own ? "'deprecationWarning':'use something else'," : ""));
    struct api_request req = {
        .verb = API_LIST, .ns = "default", .resource = {"example.com", "v1beta1", "gadgets"}};
    struct api_response ret = {0};
    apiserver_handle(k.server, &req, &ret);
    AUTO(str) char *have = warnings_of(&ret);
    ck_assert_msg(ret.code == 200 && strcmp(have, d->want) == 0, "%s: %d '%s'", d->name, ret.code,
                  have);
    ck_assert_str_eq(apiserver_deprecation(k.server, &req.resource), d->want);
    api_response_finish(&ret);
    req.resource.version = "v2";
    ck_assert_ptr_null(apiserver_deprecation(k.server, &req.resource));
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "sim.strict",
        SUITE_LONG_CASE("strict", 60, EACH(creations, creates), EACH(patching, patches),
                        EACH(wrong_types, mismatches), TEST(wrong_types_of_a_patch),
                        TEST(null_and_empty_are_nothing), TEST(no_managers_is_something),
                        TEST(unchecked_stays), EACH(warnings, warned), TEST(many_finalizers),
                        TEST(warnings_for_nobody), TEST(many_owners),
                        EACH(deprecations, deprecated)));
}
