/* Create, get, update, patch: the rules that clients meet on every request. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

#include <signal.h>

#define ANY_SPEC "{'type':'object','x-kubernetes-preserve-unknown-fields':true}"
#define WIDGET(name, spec)                                                                         \
    "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'" name "'},'spec':" spec "}"

static struct kit widgets(void)
{
    struct kit k = kit_create();
    kit_add_crd(&k, widget_crd(ANY_SPEC));
    return k;
}

START_TEST(create_sets_system_fields)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *a = kit_make(&k, "configmaps",
                         js("{'metadata':{'name':'a','uid':'x','creationTimestamp':"
                            "'2001-01-01T00:00:00Z','deletionTimestamp':"
                            "'2001-01-01T00:00:00Z','generation':7}}"));
    want_text(a, "kind", "ConfigMap");
    want_text(a, "apiVersion", "v1");
    want_text(a, "metadata.creationTimestamp", "2026-01-01T00:00:00Z");
    want_text(a, "metadata.namespace", "default");
    ck_assert_uint_eq(strlen(meta_uid(a)), 36);
    ck_assert(!meta_deleting(a));
    ck_assert(!json_path(a, "metadata.generation"));
    ck_assert_int_gt(strtol(meta_resource_version(a), NULL, 10), 0);
    AUTO(json) json_t *b = kit_do(&k, API_GET, "configmaps", "default", "a", NULL, 200);
    ck_assert(json_same(a, b));
}
END_TEST

/* What is refused, with the text that clients match. */
static const struct refusal {
    const char *name;
    enum api_verb verb;
    const char *resource, *ns, *object, *body;
    int code;
    const char *reason, *message;
} refusals[] = {
    {"get missing", API_GET, "configmaps", "default", "x", NULL, 404, "NotFound",
     "configmaps \"x\" not found"},
    {"get missing custom", API_GET, "widgets", "default", "x", NULL, 404, "NotFound",
     "widgets.example.com \"x\" not found"},
    {"create twice", API_CREATE, "configmaps", "default", NULL, "{'metadata':{'name':'there'}}",
     409, "AlreadyExists", "configmaps \"there\" already exists"},
    {"revision on create", API_CREATE, "configmaps", "default", NULL,
     "{'metadata':{'name':'a','resourceVersion':'5'}}", 500, "",
     "resourceVersion should not be set on objects to be created"},
    {"no name", API_CREATE, "configmaps", "default", NULL, "{}", 422, "Invalid",
     "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"},
    {"namespace mismatch", API_CREATE, "configmaps", "default", NULL,
     "{'metadata':{'name':'a','namespace':'b'}}", 400, "BadRequest",
     "the namespace of the provided object does not match the namespace sent on the request"},
    {"no namespace", API_CREATE, "configmaps", "nowhere", NULL, "{'metadata':{'name':'a'}}", 404,
     "NotFound", "namespaces \"nowhere\" not found"},
    {"other version", API_CREATE, "configmaps", "default", NULL,
     "{'apiVersion':'v2','metadata':{'name':'a'}}", 400, "BadRequest",
     "the API version in the data (v2) does not match the expected API version (v1)"},
    {"other kind", API_CREATE, "widgets", "default", NULL,
     "{'kind':'Gadget','metadata':{'name':'a'}}", 422, "Invalid",
     "Widget.example.com \"a\" is invalid: kind: Invalid value: \"Gadget\": must be Widget"},
    {"labels not text", API_CREATE, "configmaps", "default", NULL,
     "{'metadata':{'name':'a','labels':{'a':1}}}", 400, "BadRequest", NULL},
    {"metadata not a map", API_CREATE, "configmaps", "default", NULL, "{'metadata':[]}", 400,
     "BadRequest", NULL},
    {"body not a map", API_CREATE, "configmaps", "default", NULL, "[]", 400, "BadRequest", NULL},
    {"bad label", API_CREATE, "configmaps", "default", NULL,
     "{'metadata':{'name':'a','labels':{'a':'b c'}}}", 422, "Invalid", NULL},
    {"two controllers", API_CREATE, "configmaps", "default", NULL,
     "{'metadata':{'name':'a','ownerReferences':["
     "{'apiVersion':'v1','kind':'A','name':'x','uid':'1','controller':true},"
     "{'apiVersion':'v1','kind':'B','name':'y','uid':'2','controller':true}]}}",
     422, "Invalid", NULL},
    {"owner without uid", API_CREATE, "configmaps", "default", NULL,
     "{'metadata':{'name':'a','ownerReferences':[{'apiVersion':'v1','kind':'A','name':'x'}]}}", 422,
     "Invalid",
     "ConfigMap \"a\" is invalid: metadata.ownerReferences.uid: Invalid value: \"\": uid must "
     "not be empty"},
    {"orphan and foreground", API_CREATE, "configmaps", "default", NULL,
     "{'metadata':{'name':'a','finalizers':['orphan','foregroundDeletion']}}", 422, "Invalid",
     NULL},
    {"update missing", API_UPDATE, "configmaps", "default", "x", "{'metadata':{'name':'x'}}", 404,
     "NotFound", "configmaps \"x\" not found"},
    {"update other name", API_UPDATE, "configmaps", "default", "there", "{'metadata':{'name':'x'}}",
     400, "BadRequest", "the name of the object (x) does not match the name on the URL (there)"},
    {"update stale", API_UPDATE, "configmaps", "default", "there",
     "{'metadata':{'name':'there','resourceVersion':'1'}}", 409, "Conflict",
     "Operation cannot be fulfilled on configmaps \"there\": the object has been modified; please "
     "apply your changes to the latest version and try again"},
    {"update custom without revision", API_UPDATE, "widgets", "default", "there",
     "{'metadata':{'name':'there'}}", 422, "Invalid",
     "widgets.example.com \"there\" is invalid: metadata.resourceVersion: Invalid value: 0x0: must "
     "be specified for an update"},
    {"update other uid", API_UPDATE, "configmaps", "default", "there",
     "{'metadata':{'name':'there','uid':'zzz'}}", 409, "Conflict", NULL},
    {"deletionTimestamp by hand", API_UPDATE, "configmaps", "default", "there",
     "{'metadata':{'name':'there','deletionTimestamp':'2026-01-01T00:00:00Z'}}", 422, "Invalid",
     "ConfigMap \"there\" is invalid: metadata.deletionTimestamp: Invalid value: "
     "\"2026-01-01T00:00:00Z\": field is immutable"},
    {"json patch that does not apply", API_PATCH, "configmaps", "default", "there",
     "[{'op':'test','path':'/data/k','value':'other'}]", 422, "Invalid",
     "the server rejected our request due to an error in our request"},
    {"json patch that is none", API_PATCH, "configmaps", "default", "there", "[1]", 400,
     "BadRequest", NULL},
    {"merge patch with stale revision", API_PATCH, "configmaps", "default", "there",
     "{'metadata':{'resourceVersion':'1'}}", 409, "Conflict", NULL},
    {"patch changes uid", API_PATCH, "configmaps", "default", "there", "{'metadata':{'uid':'q'}}",
     422, "Invalid",
     "ConfigMap \"there\" is invalid: metadata.uid: Invalid value: \"q\": field is immutable"},
    {"patch missing", API_PATCH, "configmaps", "default", "x", "{}", 404, "NotFound", NULL},
    {"unknown resource", API_GET, "gadgets", "default", "x", NULL, 404, "NotFound",
     "the server could not find the requested resource"},
    {"cluster-scoped in a namespace", API_GET, "namespaces", "default", "default", NULL, 404,
     "NotFound", NULL},
    {"namespaced without one", API_GET, "configmaps", NULL, "x", NULL, 404, "NotFound", NULL},
};

START_TEST(refuse)
{
    const struct refusal *r = &refusals[_i];
    AUTO(kit) struct kit k = widgets();
    json_decref(kit_make(&k, "configmaps", config_map("there", "v")));
    json_decref(kit_make(&k, "widgets", js(WIDGET("there", "{}"))));
    int64_t before = apiserver_revision(k.server);
    AUTO(json) json_t *body = r->body ? js("%s", r->body) : NULL;
    struct api_request req = kit_req(r->verb, r->resource, r->ns, r->object, body);
    req.patch = r->verb != API_PATCH ? PATCH_NONE : json_is_array(body) ? PATCH_JSON : PATCH_MERGE;
    struct api_response ret = {0};
    apiserver_handle(k.server, &req, &ret);
    ck_assert_msg(ret.code == r->code, "%s: want %d, got %d: %s", r->name, r->code, ret.code,
                  api_message(&ret));
    ck_assert_msg(strcmp(api_reason(&ret), r->reason) == 0, "%s: reason '%s'", r->name,
                  api_reason(&ret));
    if (r->message)
        ck_assert_msg(strcmp(api_message(&ret), r->message) == 0, "%s: '%s'", r->name,
                      api_message(&ret));
    ck_assert_int_eq(json_int(ret.body, "code", 0), r->code);
    ck_assert_int_eq(apiserver_revision(k.server), before);
    api_response_finish(&ret);
}
END_TEST

START_TEST(generated_names)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *a = kit_make(&k, "configmaps", js("{'metadata':{'generateName':'a-'}}"));
    ck_assert_uint_eq(strlen(meta_name(a)), 7);
    ck_assert(strncmp(meta_name(a), "a-", 2) == 0);
    want_text(a, "metadata.generateName", "a-");
    AUTO(json)
    json_t *b = kit_make(&k, "configmaps", js("{'metadata':{'generateName':'a-'}}"));
    ck_assert_str_ne(meta_name(a), meta_name(b));
}
END_TEST

START_TEST(dry_run_stores_nothing)
{
    AUTO(kit) struct kit k = kit_create();
    int64_t before = apiserver_revision(k.server);
    AUTO(json) json_t *body = config_map("a", "v");
    struct api_request req = kit_req(API_CREATE, "configmaps", "default", NULL, body);
    req.dry_run = true;
    AUTO(json) json_t *shown = kit_send(&k, &req, 201);
    want_text(shown, "metadata.resourceVersion", "");
    ck_assert_int_eq(apiserver_revision(k.server), before);
    json_decref(kit_make(&k, "configmaps", config_map("a", "v")));

    AUTO(json) json_t *next = config_map("a", "w");
    req = kit_req(API_UPDATE, "configmaps", "default", "a", next);
    req.dry_run = true;
    AUTO(json) json_t *updated = kit_send(&k, &req, 200);
    want_text(updated, "data.k", "w");
    AUTO(json) json_t *stored = kit_do(&k, API_GET, "configmaps", "default", "a", NULL, 200);
    want_text(stored, "data.k", "v");
    ck_assert_str_eq(meta_resource_version(updated), meta_resource_version(stored));
    req = kit_req(API_DELETE, "configmaps", "default", "a", NULL);
    req.dry_run = true;
    json_decref(kit_send(&k, &req, 200));
    json_decref(kit_do(&k, API_GET, "configmaps", "default", "a", NULL, 200));
}
END_TEST

START_TEST(no_change_is_no_write)
{
    AUTO(kit) struct kit k = widgets();
    AUTO(json)
    json_t *a = kit_make(&k, "widgets", js(WIDGET("a", "{'x':1}")));
    int64_t before = apiserver_revision(k.server);
    AUTO(json)
    json_t *same = kit_do(&k, API_UPDATE, "widgets", "default", "a", json_copy_of(a), 200);
    ck_assert_str_eq(meta_resource_version(a), meta_resource_version(same));
    json_decref(kit_do(&k, API_PATCH, "widgets", "default", "a", js("{'spec':{'x':1}}"), 200));
    json_decref(kit_status(&k, API_PATCH, "widgets", "default", "a", js("{}"), 200));
    json_decref(
        kit_do(&k, API_PATCH, "widgets", "default", "a", js("{'metadata':{'labels':{}}}"), 200));
    ck_assert_int_eq(apiserver_revision(k.server), before);
}
END_TEST

START_TEST(generation_counts_spec)
{
    AUTO(kit) struct kit k = widgets();
    AUTO(json)
    json_t *a =
        kit_make(&k, "widgets", js("{'metadata':{'name':'a'},'spec':{'x':1},'status':{'y':1}}"));
    ck_assert_int_eq(meta_generation(a), 1);
    ck_assert(!json_path(a, "status"));
    static const struct {
        const char *patch;
        bool status;
        int64_t want;
    } steps[] = {
        {"{'metadata':{'labels':{'a':'b'}}}", false, 1},
        {"{'spec':{'x':2}}", false, 2},
        {"{'spec':{'x':3},'status':{'phase':'Ready'}}", true, 2},
        {"{'status':{'phase':'Lost'}}", false, 2},
        {"{'metadata':{'generation':99}}", false, 2},
        {"{'spec':{'x':3}}", false, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        AUTO(json)
        json_t *b = steps[i].status ? kit_status(&k, API_PATCH, "widgets", "default", "a",
                                                 js("%s", steps[i].patch), 200)
                                    : kit_do(&k, API_PATCH, "widgets", "default", "a",
                                             js("%s", steps[i].patch), 200);
        ck_assert_msg(meta_generation(b) == steps[i].want, "%s: %lld", steps[i].patch,
                      (long long)meta_generation(b));
    }
    AUTO(json) json_t *b = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    want_text(b, "status.phase", "Ready");
    ck_assert_int_eq(json_int(b, "spec.x", 0), 3);
    want_text(b, "metadata.labels.a", "b");
}
END_TEST

START_TEST(status_endpoint_takes_status_alone)
{
    AUTO(kit) struct kit k = widgets();
    AUTO(json)
    json_t *a =
        kit_make(&k, "widgets", js("{'metadata':{'name':'a','labels':{'l':'1'}},'spec':{'x':1}}"));
    AUTO(json)
    json_t *b = kit_status(&k, API_UPDATE, "widgets", "default", "a",
                           js("{'metadata':{'name':'a','resourceVersion':'%s','labels':{'l':'2'},'"
                              "finalizers':['a/b']},"
                              "'spec':{'x':5,'z':1},'status':{'s':1},'other':1}",
                              meta_resource_version(a)),
                           200);
    want_text(b, "metadata.labels.l", "1");
    ck_assert(!json_path(b, "metadata.finalizers"));
    ck_assert_int_eq(json_int(b, "spec.x", 0), 1);
    ck_assert(!json_path(b, "spec.z") && !json_path(b, "other"));
    ck_assert_int_eq(json_int(b, "status.s", 0), 1);
    AUTO(json)
    json_t *stale = kit_status(&k, API_UPDATE, "widgets", "default", "a", json_copy_of(a), 409);
    want_text(stale, "reason", "Conflict");
    json_decref(kit_status(&k, API_GET, "configmaps", "default", "a", NULL, 404));
}
END_TEST

START_TEST(unconditional_updates)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_make(&k, "configmaps", config_map("a", "v")));
    AUTO(json)
    json_t *b = kit_do(&k, API_UPDATE, "configmaps", "default", "a", config_map("a", "w"), 200);
    want_text(b, "data.k", "w");
    /* A lease is made by the first update, and then insists on a revision. */
    json_decref(kit_do(&k, API_UPDATE, "leases", "default", "l",
                       js("{'metadata':{'name':'l'},'spec':{'holderIdentity':'x'}}"), 201));
    json_decref(kit_do(&k, API_UPDATE, "leases", "default", "l",
                       js("{'metadata':{'name':'l'},'spec':{'holderIdentity':'y'}}"), 422));
}
END_TEST

START_TEST(patches)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_make(&k, "configmaps", config_map("a", "v")));
    AUTO(json)
    json_t *b =
        kit_do(&k, API_PATCH, "configmaps", "default", "a", js("{'data':{'k':null,'n':'1'}}"), 200);
    ck_assert(!json_path(b, "data.k"));
    want_text(b, "data.n", "1");
    AUTO(json)
    json_t *c = kit_do(&k, API_PATCH, "configmaps", "default", "a",
                       js("[{'op':'replace','path':'/data/new','value':'2'}]"), 200);
    want_text(c, "data.new", "2");
    AUTO(json) json_t *body = json_object();
    struct api_request req = kit_req(API_PATCH, "configmaps", "default", "a", body);
    req.patch = PATCH_APPLY; /* says nothing of its manager */
    json_decref(kit_send(&k, &req, 422));
    req.patch = PATCH_NONE;
    json_decref(kit_send(&k, &req, 415));
}
END_TEST

static const struct strategic {
    const char *name, *resource, *patch;
    int code;
    const char *message; /* of a refusal, or NULL */
} strategic[] = {
    {"by name", "pods", "{'spec':{'containers':[{'name':'b','image':'j'}]}}", 200, NULL},
    {"stale", "pods", "{'metadata':{'resourceVersion':'1'}}", 409, NULL},
    {"without a key", "pods", "{'spec':{'containers':[{'image':'j'}]}}", 500,
     "map: map[image:j] does not contain declared merge key: name"},
    {"bad format", "pods", "{'spec':{'$retainKeys':'a'}}", 400,
     "invalid patch format of retainKeys"},
    {"another type", "pods", "{'metadata':{'finalizers':[['a']]}}", 500,
     "list element types are not identical: [[f.io/x] [[a]]]"},
    {"lists of lists", "pods", "{'status':{'conditions':[[]]}}", 422, NULL},
    {"of a custom resource", "widgets", "{'spec':{}}", 415,
     "the body of the request was in an unknown format - accepted media types include: "
     "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"},
};

START_TEST(strategic_patches)
{
    const struct strategic *s = &strategic[_i];
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'x'}}")));
    json_decref(
        kit_make(&k, "pods",
                 js("{'metadata':{'name':'x','finalizers':[]},'spec':{'containers':[{'name':"
                    "'a','image':'i'},{'name':'b','image':'i'}]}}")));
    json_decref(kit_do(&k, API_PATCH, "pods", "default", "x",
                       js("{'metadata':{'finalizers':['f.io/x']}}"), 200));
    json_decref(
        kit_status(&k, API_PATCH, "pods", "default", "x", js("{'status':{'conditions':[]}}"), 200));
    AUTO(json) json_t *patch = js("%s", s->patch);
    struct api_request req = kit_req(API_PATCH, s->resource, "default", "x", patch);
    req.patch = PATCH_STRATEGIC;
    struct api_response ret = {0};
    apiserver_handle(k.server, &req, &ret);
    ck_assert_msg(ret.code == s->code && (!s->message || !strcmp(api_message(&ret), s->message)),
                  "%s: %d %s", s->name, ret.code, api_message(&ret));
    if (s->code == 200) {
        const json_t *list = json_path(ret.body, "spec.containers");
        ck_assert_uint_eq(json_array_size(list), 2);
        ck_assert_str_eq(json_str(json_array_get(list, 0), "image"), "i");
        ck_assert_str_eq(json_str(json_array_get(list, 1), "image"), "j");
    }
    api_response_finish(&ret);
    req.name = "nosuch";
    json_decref(kit_send(&k, &req, 404));
}
END_TEST

START_TEST(duplicate_owners_fold)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *a =
        kit_make(&k, "configmaps",
                 js("{'metadata':{'name':'a','ownerReferences':[{'apiVersion':'v1','kind':'A'"
                    ",'name':'x','uid':'1'},"
                    "{'apiVersion':'v1','kind':'A','name':'x','uid':'1'}]}}"));
    ck_assert_uint_eq(json_array_size(json_path(a, "metadata.ownerReferences")), 1);
}
END_TEST

static int deny_red(void *cookie, const struct admission_review *review, struct api_response *ret)
{
    int *calls = cookie;
    (*calls)++;
    if (!review->object)
        return 0;
    if (strcmp(json_str_or_empty(review->object, "data.k"), "red") == 0) {
        ret->code = 422;
        ret->body = js("{'kind':'Status','message':'no red','reason':'Invalid','code':422}");
        return -1;
    }
    json_put_str(review->object, "data.seen", review->old ? "update" : "create");
    return 0;
}

START_TEST(admission_edits_and_denies)
{
    AUTO(kit) struct kit k = kit_create();
    int calls = 0;
    apiserver_admit(k.server, "", "configmaps", deny_red, &calls);
    AUTO(json)
    json_t *a = kit_make(&k, "configmaps", config_map("a", "v"));
    want_text(a, "data.seen", "create");
    AUTO(json)
    json_t *b = kit_do(&k, API_PATCH, "configmaps", "default", "a", js("{'data':{'k':'w'}}"), 200);
    want_text(b, "data.seen", "update");
    AUTO(json)
    json_t *no =
        kit_do(&k, API_PATCH, "configmaps", "default", "a", js("{'data':{'k':'red'}}"), 422);
    want_text(no, "message", "no red");
    json_decref(kit_make(&k, "secrets", js("{'metadata':{'name':'s'}}")));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "a", NULL, 200));
    ck_assert_int_eq(calls, 4);
}
END_TEST

START_TEST(lookups)
{
    AUTO(kit) struct kit k = widgets();
    struct resource_info info;
    bool ambiguous;
    ck_assert(apiserver_find_kind(k.server, "example.com/v1", "Widget", &info));
    ck_assert_str_eq(info.resource.plural, "widgets");
    ck_assert(info.namespaced && info.has_status);
    ck_assert(!apiserver_find_kind(k.server, "example.com/v2", "Widget", &info));
    static const char *const words[] = {"Widget", "widgets", "wd", "widget.example.com", "WIDGET"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        ck_assert_msg(apiserver_find_any(k.server, words[i], &info, &ambiguous), "%s", words[i]);
        ck_assert_str_eq(info.kind, "Widget");
    }
    ck_assert(!apiserver_find_any(k.server, "widget.other", &info, &ambiguous));
    size_t count;
    const char *const *kinds = apiserver_kinds(k.server, &count);
    ck_assert_uint_gt(count, 10);
    for (size_t i = 1; i < count; i++)
        ck_assert_int_le(strcmp(kinds[i - 1], kinds[i]), 0);
}
END_TEST

#ifdef VMCONFORM_CHECK_FROZEN
START_TEST(stored_objects_are_frozen)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_make(&k, "configmaps", config_map("a", "v")));
    apiserver_check_frozen(k.server);
    json_put_str(apiserver_peek(k.server, "", "configmaps", "default", "a"), "data.k", "w");
    apiserver_check_frozen(k.server);
}
END_TEST
#define FROZEN_TESTS TEST_KILLED(stored_objects_are_frozen, SIGABRT)
#else
#define FROZEN_TESTS
#endif

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "sim.api",
        SUITE_LONG_CASE("api", 60, TEST(create_sets_system_fields), EACH(refuse, refusals),
                        TEST(generated_names), TEST(dry_run_stores_nothing),
                        TEST(no_change_is_no_write), TEST(generation_counts_spec),
                        TEST(status_endpoint_takes_status_alone), TEST(unconditional_updates),
                        TEST(patches), EACH(strategic_patches, strategic),
                        TEST(duplicate_owners_fold), TEST(admission_edits_and_denies),
                        TEST(lookups), FROZEN_TESTS));
}
