/* The scale subresource: kinds defined and built in (kube-apiserver.md 4.3, checklist F22, F23). */
#include "tests/unit/sim/kit.h"

#include "sim/apiserver/catalog.h"
#include "tests/unit/suite.h"

/* widgets with replicas at .spec.replicas, .status.replicas, .status.selector. New. */
static json_t *scalable_crd(void)
{
    json_t *crd = widget_crd("{'type':'object','x-kubernetes-preserve-unknown-fields':true}");
    json_put_take(json_array_get(json_path(crd, "spec.versions"), 0), "subresources.scale",
                  js("{'specReplicasPath':'.spec.replicas','statusReplicasPath':"
                     "'.status.replicas','labelSelectorPath':'.status.selector'}"));
    return crd;
}

static struct api_request scale_req(enum api_verb verb, const char *resource, const json_t *body)
{
    struct api_request req = kit_req(verb, resource, "default", "a", body);
    if (!strcmp(resource, "deployments") || !strcmp(resource, "statefulsets"))
        req.resource = (struct api_resource){"apps", "v1", resource};
    req.subresource = "scale";
    req.patch = verb != API_PATCH ? PATCH_NONE : json_is_array(body) ? PATCH_JSON : PATCH_MERGE;
    return req;
}

static json_t *scale_do(struct kit *k, enum api_verb verb, const char *resource,
                        json_t *body /* taken */, int want)
{
    AUTO(json) json_t *held = body;
    struct api_request req = scale_req(verb, resource, held);
    return kit_send(k, &req, want);
}

static struct kit with_widget(const char *spec, const char *status)
{
    struct kit k = kit_create();
    kit_add_crd(&k, scalable_crd());
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'a'},'spec':%s}", spec)));
    json_decref(
        kit_status(&k, API_PATCH, "widgets", "default", "a", js("{'status':%s}", status), 200));
    return k;
}

START_TEST(shows_a_defined_kind)
{
    AUTO(kit)
    struct kit k = with_widget("{'replicas':2,'other':1}", "{'replicas':1,'selector':'a=b'}");
    AUTO(json) json_t *object = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    AUTO(json) json_t *scale = scale_do(&k, API_GET, "widgets", NULL, 200);
    AUTO(json)
    json_t *want = js("{'kind':'Scale','apiVersion':'autoscaling/v1','metadata':{'name':'a',"
                      "'namespace':'default','uid':'%s','resourceVersion':'%s',"
                      "'creationTimestamp':'%s'},'spec':{'replicas':2},'status':{'replicas':1,"
                      "'selector':'a=b'}}",
                      meta_uid(object), meta_resource_version(object),
                      json_str_or_empty(object, "metadata.creationTimestamp"));
    AUTO(str) char *text = json_text(scale);
    ck_assert_msg(json_same(scale, want), "%s", text);
}
END_TEST

/* One request each: (verb, body, spec it meets) -> code, text. */
static const struct scale_case {
    const char *name, *spec;
    enum api_verb verb;
    const char *body;
    int code;
    const char *text;
    int replicas; /* of the object afterwards; -1: none */
} cases[] = {
    {"no number yet", "{}", API_GET, "null", 500,
     "Internal error occurred: the spec replicas field \".spec.replicas\" does not exist", -1},
    {"put", "{'replicas':1}", API_UPDATE, "{'metadata':{'name':'a'},'spec':{'replicas':3}}", 200,
     "", 3},
    {"put where none was", "{}", API_UPDATE, "{'metadata':{'name':'a'},'spec':{'replicas':3}}", 200,
     "", 3},
    {"put zero", "{'replicas':1}", API_UPDATE, "{'metadata':{'name':'a'}}", 200, "", 0},
    {"put with an old revision", "{'replicas':1}", API_UPDATE,
     "{'metadata':{'name':'a','resourceVersion':'1'},'spec':{'replicas':3}}", 409,
     "the object has been modified", 1},
    {"put with another uid", "{'replicas':1}", API_UPDATE,
     "{'metadata':{'name':'a','uid':'b'},'spec':{'replicas':3}}", 409, "Precondition failed: UID",
     1},
    {"put under another name", "{'replicas':1}", API_UPDATE,
     "{'metadata':{'name':'b'},'spec':{'replicas':3}}", 400,
     "the name of the object (b) does not match the name on the URL (a)", 1},
    {"put into another namespace", "{'replicas':1}", API_UPDATE,
     "{'metadata':{'name':'a','namespace':'b'},'spec':{'replicas':3}}", 400, "namespace", 1},
    {"put of another version", "{'replicas':1}", API_UPDATE,
     "{'apiVersion':'apps/v1','metadata':{'name':'a'},'spec':{'replicas':3}}", 400,
     "the API version in the data (apps/v1) does not match the expected API version "
     "(autoscaling/v1)",
     1},
    {"put of another kind", "{'replicas':1}", API_UPDATE,
     "{'kind':'Widget','metadata':{'name':'a'},'spec':{'replicas':3}}", 400, "Widget", 1},
    {"put of a text", "{'replicas':1}", API_UPDATE,
     "{'metadata':{'name':'a'},'spec':{'replicas':'3'}}", 400, "of type int32", 1},
    {"put of too many", "{'replicas':1}", API_UPDATE,
     "{'metadata':{'name':'a'},'spec':{'replicas':2147483648}}", 400, "of type int32", 1},
    {"put below zero", "{'replicas':1}", API_UPDATE,
     "{'metadata':{'name':'a'},'spec':{'replicas':-1}}", 422,
     ".spec.replicas: Invalid value: -1: should be a non-negative integer", 1},
    {"put of a list", "{'replicas':1}", API_UPDATE, "[]", 400, "must be of type Scale", 1},
    {"merge", "{'replicas':1}", API_PATCH, "{'spec':{'replicas':4}}", 200, "", 4},
    {"merge of nothing", "{}", API_PATCH, "{'metadata':{}}", 400,
     "the spec replicas field \".spec.replicas\" cannot be empty", -1},
    {"merge with an old revision", "{'replicas':1}", API_PATCH,
     "{'metadata':{'resourceVersion':'1'},'spec':{'replicas':4}}", 409, "has been modified", 1},
    {"json patch", "{'replicas':1}", API_PATCH,
     "[{'op':'test','path':'/spec/replicas','value':1},{'op':'replace','path':'/spec/replicas',"
     "'value':5}]",
     200, "", 5},
    {"json patch whose test fails", "{'replicas':1}", API_PATCH,
     "[{'op':'test','path':'/spec/replicas','value':2}]", 422, "rejected our request", 1},
    {"create", "{'replicas':1}", API_CREATE, "{}", 405, "", 1},
    {"delete", "{'replicas':1}", API_DELETE, "{}", 405, "", 1},
};

START_TEST(requests)
{
    const struct scale_case *t = &cases[_i];
    AUTO(kit) struct kit k = with_widget(t->spec, "{}");
    AUTO(json) json_t *before = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    AUTO(json)
    json_t *answer = scale_do(&k, t->verb, "widgets",
                              strcmp(t->body, "null") ? js("%s", t->body) : NULL, t->code);
    ck_assert_msg(strstr(json_str_or_empty(answer, "message"), t->text) != NULL, "%s: %s", t->name,
                  json_str_or_empty(answer, "message"));
    AUTO(json) json_t *after = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    ck_assert_msg(json_int(after, "spec.replicas", -1) == t->replicas, "%s: %lld", t->name,
                  (long long)json_int(after, "spec.replicas", -1));
    bool changed = json_int(before, "spec.replicas", -1) != t->replicas;
    ck_assert_msg(meta_generation(after) == meta_generation(before) + changed, "%s: generation",
                  t->name);
    if (t->code != 200)
        return;
    want_text(answer, "kind", "Scale");
    ck_assert_int_eq(json_int(answer, "spec.replicas", 0), t->replicas);
    ck_assert_str_eq(meta_resource_version(answer), meta_resource_version(after));
}
END_TEST

START_TEST(the_rest_stays)
{
    AUTO(kit) struct kit k = with_widget("{'replicas':2,'other':1}", "{'replicas':1}");
    json_decref(scale_do(&k, API_UPDATE, "widgets",
                         js("{'metadata':{'name':'a','labels':{'x':'y'}},'spec':{'replicas':3},"
                            "'status':{'replicas':9}}"),
                         200));
    AUTO(json) json_t *object = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    ck_assert_int_eq(json_int(object, "spec.other", 0), 1);
    ck_assert_int_eq(json_int(object, "status.replicas", 0), 1);
    ck_assert(!json_path(object, "metadata.labels"));
    AUTO(json)
    json_t *again = scale_do(&k, API_UPDATE, "widgets",
                             js("{'metadata':{'name':'a'},'spec':{'replicas':3}}"), 200);
    ck_assert_str_eq(meta_resource_version(again), meta_resource_version(object)); /* no write */
}
END_TEST

START_TEST(dry_run_stores_nothing)
{
    AUTO(kit) struct kit k = with_widget("{'replicas':2}", "{}");
    AUTO(json) json_t *body = js("{'spec':{'replicas':7}}");
    struct api_request req = scale_req(API_PATCH, "widgets", body);
    req.dry_run = true;
    AUTO(json) json_t *scale = kit_send(&k, &req, 200);
    ck_assert_int_eq(json_int(scale, "spec.replicas", 0), 7);
    AUTO(json) json_t *object = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    ck_assert_int_eq(json_int(object, "spec.replicas", 0), 2);
}
END_TEST

START_TEST(who_has_none)
{
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(scale_do(&k, API_GET, "widgets", NULL, 404));
    json_decref(scale_do(&k, API_GET, "configmaps", NULL, 404));
    kit_add_crd(&k, scalable_crd());
    AUTO(json) json_t *no = scale_do(&k, API_GET, "widgets", NULL, 404);
    want_text(no, "message", "widgets.example.com \"a\" not found");
    json_decref(scale_do(&k, API_UPDATE, "widgets",
                         js("{'metadata':{'name':'a'},'spec':{'replicas':1}}"), 404));
    struct api_request smp = scale_req(API_PATCH, "widgets", NULL);
    AUTO(json) json_t *body = js("{'spec':{'replicas':1}}");
    json_decref(kit_make(&k, "widgets", js("{'metadata':{'name':'a'},'spec':{'replicas':1}}")));
    smp.body = body;
    smp.patch = PATCH_STRATEGIC; /* of a defined kind: not even here */
    json_decref(kit_send(&k, &smp, 415));
}
END_TEST

/* What the paths lead to must be numbers and a text whenever the object is written. */
START_TEST(values_are_checked_on_every_write)
{
    AUTO(kit) struct kit k = with_widget("{'replicas':1}", "{}");
    static const struct {
        const char *spec, *text;
    } bad[] = {
        {"{'replicas':'x'}", ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: x "
                             "is of the type string, expected int64"},
        {"{'replicas':-2}", ".spec.replicas: Invalid value: -2: should be a non-negative integer"},
        {"{'replicas':2147483648}", "should be less than or equal to 2147483647"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(json)
        json_t *no =
            kit_do(&k, API_PATCH, "widgets", "default", "a", js("{'spec':%s}", bad[i].spec), 422);
        ck_assert_msg(strstr(json_str_or_empty(no, "message"), bad[i].text) != NULL, "%s",
                      json_str_or_empty(no, "message"));
    }
    json_decref(kit_status(&k, API_PATCH, "widgets", "default", "a",
                           js("{'status':{'replicas':-1}}"), 422));
    json_decref(kit_status(&k, API_PATCH, "widgets", "default", "a",
                           js("{'status':{'selector':{}}}"), 422));
}
END_TEST

/* What is in the way of a path stays: stored before the definition had the path. */
static const struct in_the_way {
    const char *spec;
    int get, put;
    const char *text; /* of both failures */
} in_the_way[] = {
    {"{'a':[1]}", 500, 500,
     ".spec.a.b accessor error: [1] is of the type []interface {}, expected map[string]interface "
     "{}"},
    {"{'a':'x'}", 500, 500,
     ".spec.a.b accessor error: x is of the type string, expected map[string]interface {}"},
    {"{'a':null}", 500, 500, ""},
    {"{'a':{'b':1}}", 200, 200, NULL},
    {"{}", 500, 200, NULL},
};

START_TEST(what_is_in_the_way_stays)
{
    const struct in_the_way *row = &in_the_way[_i];
    AUTO(kit) struct kit k = kit_create();
    kit_add_crd(&k, widget_crd("{'type':'object','x-kubernetes-preserve-unknown-fields':true}"));
    AUTO(json)
    json_t *made = kit_make(&k, "widgets", js("{'metadata':{'name':'a'},'spec':%s}", row->spec));
    AUTO(json) json_t *crd = scalable_crd();
    json_put_str(json_array_get(json_path(crd, "spec.versions"), 0),
                 "subresources.scale.specReplicasPath", ".spec.a.b");
    json_decref(kit_do(&k, API_PATCH, "customresourcedefinitions", NULL, "widgets.example.com",
                       json_copy_parts(crd, "spec", NULL), 200));
    AUTO(json) json_t *got = scale_do(&k, API_GET, "widgets", NULL, row->get);
    AUTO(json)
    json_t *put = scale_do(&k, API_UPDATE, "widgets",
                           js("{'metadata':{'name':'a'},'spec':{'replicas':3}}"), row->put);
    AUTO(json) json_t *after = kit_do(&k, API_GET, "widgets", "default", "a", NULL, 200);
    if (!row->text) {
        ck_assert_int_eq(json_int(after, "spec.a.b", 0), 3);
        return;
    }
    ck_assert(json_same(json_path(after, "spec"), json_path(made, "spec")));
    const char *why = json_str_or_empty(put, "message");
    if (*row->text) {
        want_text(got, "message", row->text);
        want_text(put, "message", row->text);
        json_decref(kit_do(&k, API_PATCH, "widgets", "default", "a",
                           js("{'metadata':{'labels':{'x':'y'}}}"), 422));
    } else {
        ck_assert_str_eq(why, "value cannot be set because .spec.a is not a "
                              "map[string]interface{}");
    }
}
END_TEST

#define DEPLOYMENT                                                                                 \
    "{'metadata':{'name':'a'},'spec':{'replicas':2,'selector':{'matchLabels':{'z':'1','b':'2'},"   \
    "'matchExpressions':[{'key':'c','operator':'In','values':['y','x']},{'key':'d','operator':"    \
    "'Exists'},{'key':'e','operator':'DoesNotExist'},{'key':'f','operator':'NotIn','values':["     \
    "'q']}]},'template':{'metadata':{'labels':{'z':'1','b':'2','c':'x','d':''}},'spec':{'"         \
    "containers':[{'name':"                                                                        \
    "'c','image':'i'}]}}}}"

START_TEST(built_in_kinds)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *body = js(DEPLOYMENT);
    struct api_request make = kit_req(API_CREATE, "deployments", "default", NULL, body);
    make.resource = (struct api_resource){"apps", "v1", "deployments"};
    json_decref(kit_send(&k, &make, 201));
    AUTO(json) json_t *scale = scale_do(&k, API_GET, "deployments", NULL, 200);
    ck_assert_int_eq(json_int(scale, "spec.replicas", 0), 2);
    ck_assert_int_eq(json_int(scale, "status.replicas", -1), 0);
    want_text(scale, "status.selector", "b=2,c in (x,y),d,!e,f notin (q),z=1");
    AUTO(json)
    json_t *more = scale_do(&k, API_UPDATE, "deployments",
                            js("{'metadata':{'name':'a'},'spec':{'replicas':5}}"), 200);
    ck_assert_int_eq(json_int(more, "spec.replicas", 0), 5);
    AUTO(json)
    json_t *no = scale_do(&k, API_UPDATE, "deployments",
                          js("{'metadata':{'name':'a'},'spec':{'replicas':-1}}"), 422);
    want_text(no, "message",
              "Scale.autoscaling \"a\" is invalid: spec.replicas: Invalid value: -1: must be "
              "greater than or equal to 0");
    AUTO(json) json_t *patch = js("{'spec':{'replicas':6}}");
    struct api_request smp = scale_req(API_PATCH, "deployments", patch);
    smp.patch = PATCH_STRATEGIC;
    AUTO(json) json_t *six = kit_send(&k, &smp, 200);
    ck_assert_int_eq(json_int(six, "spec.replicas", 0), 6);
}
END_TEST

static void note_scale(void *cookie, const struct catalog_entry *e)
{
    unsigned *seen = cookie;
    if (!e->subresource || strcmp(e->subresource, "scale") != 0)
        return;
    ck_assert_str_eq(e->group, "autoscaling");
    ck_assert_str_eq(e->version, "v1");
    ck_assert_str_eq(e->kind, "Scale");
    ck_assert_str_eq(e->verbs[0], "get");
    ++*seen;
}

START_TEST(discovery_knows)
{
    AUTO(kit) struct kit k = kit_create();
    unsigned seen = 0;
    kit_add_crd(&k, scalable_crd());
    catalog_each(k.server, "example.com", "v1", note_scale, &seen);
    ck_assert_uint_eq(seen, 1);
    catalog_each(k.server, "apps", "v1", note_scale, &seen);
    ck_assert_uint_ge(seen, 3); /* deployments and stateful sets at least */
    seen = 0;
    catalog_each(k.server, "batch", "v1", note_scale, &seen);
    ck_assert_uint_eq(seen, 0);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.scale",
                      SUITE_CASE("scale", TEST(shows_a_defined_kind), EACH(requests, cases),
                                 TEST(the_rest_stays), TEST(dry_run_stores_nothing),
                                 TEST(who_has_none), TEST(values_are_checked_on_every_write),
                                 EACH(what_is_in_the_way_stays, in_the_way), TEST(built_in_kinds),
                                 TEST(discovery_knows)));
}
