/* The few rules of built-in kinds that controllers notice. */
#include "tests/unit/sim/kit.h"
#include "tests/unit/suite.h"

#define CLAIMS "persistentvolumeclaims"
#define CLAIM                                                                                      \
    "{'metadata':{'name':'c'},'spec':{'accessModes':['ReadWriteOnce'],'storageClassName':'s',"     \
    "'resources':{'requests':{'storage':'1Gi'}}}}"

static const struct edit {
    const char *name;
    bool bound;
    const char *patch;
    int code;
} edits[] = {
    {"grow when bound", true, "{'spec':{'resources':{'requests':{'storage':'2Gi'}}}}", 200},
    {"grow when pending", false, "{'spec':{'resources':{'requests':{'storage':'2Gi'}}}}", 422},
    {"shrink", true, "{'spec':{'resources':{'requests':{'storage':'1Mi'}}}}", 422},
    {"other class", true, "{'spec':{'storageClassName':'t'}}", 422},
    {"other mode", true, "{'spec':{'volumeMode':'Block'}}", 422},
    {"volume name once", false, "{'spec':{'volumeName':'pv'}}", 200},
    {"labels", true, "{'metadata':{'labels':{'a':'b'}}}", 200},
};

START_TEST(claims)
{
    const struct edit *e = &edits[_i];
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *c = kit_make(&k, CLAIMS, js(CLAIM));
    want_text(c, "status.phase", "Pending");
    want_text(c, "spec.volumeMode", "Filesystem");
    ck_assert(!json_path(c, "metadata.generation"));
    if (e->bound) {
        json_decref(
            kit_do(&k, API_PATCH, CLAIMS, "default", "c", js("{'spec':{'volumeName':'pv'}}"), 200));
        json_decref(kit_status(&k, API_PATCH, CLAIMS, "default", "c",
                               js("{'status':{'phase':'Bound'}}"), 200));
    }
    AUTO(json) json_t *patch = js("%s", e->patch);
    struct api_request req = kit_req(API_PATCH, CLAIMS, "default", "c", patch);
    req.patch = PATCH_MERGE;
    struct api_response ret = {0};
    apiserver_handle(k.server, &req, &ret);
    ck_assert_msg(ret.code == e->code, "%s: %d %s", e->name, ret.code, api_message(&ret));
    api_response_finish(&ret);
}
END_TEST

static const struct creation {
    const char *name, *resource, *ns, *body;
    int code;
} creations[] = {
    {"claim without size", CLAIMS, "default",
     "{'metadata':{'name':'c'},'spec':{'accessModes':['ReadWriteOnce']}}", 422},
    {"claim without modes", CLAIMS, "default",
     "{'metadata':{'name':'c'},'spec':{'resources':{'requests':{'storage':'1Gi'}}}}", 422},
    {"class without provisioner", "storageclasses", NULL, "{'metadata':{'name':'c'}}", 422},
    {"volume without capacity", "persistentvolumes", NULL,
     "{'metadata':{'name':'c'},'spec':{'accessModes':['ReadWriteOnce']}}", 422},
    {"pod without containers", "pods", "default", "{'metadata':{'name':'c'},'spec':{}}", 422},
    {"revision", "controllerrevisions", "default",
     "{'metadata':{'name':'c'},'data':{'a':1},'revision':1}", 201},
    {"revision below zero", "controllerrevisions", "default",
     "{'metadata':{'name':'c'},'revision':-1}", 422},
};

START_TEST(creates)
{
    const struct creation *c = &creations[_i];
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_do(&k, API_CREATE, c->resource, c->ns, NULL, js("%s", c->body), c->code));
}
END_TEST

START_TEST(data_source_is_mirrored)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *body = js(CLAIM);
    json_put_take(body, "spec.dataSource",
                  js("{'apiGroup':'snapshot.storage.k8s.io','kind':'VolumeSnapshot','name':'s'}"));
    AUTO(json) json_t *c = kit_make(&k, CLAIMS, json_incref(body));
    want_text(c, "spec.dataSourceRef.name", "s");
}
END_TEST

START_TEST(immutable_data)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_make(&k, "configmaps",
                         js("{'metadata':{'name':'a'},'data':{'k':'v'},'immutable':true}")));
    AUTO(json)
    json_t *no = kit_do(&k, API_PATCH, "configmaps", "default", "a", js("{'data':{'k':'w'}}"), 422);
    want_text(
        no, "message",
        "ConfigMap \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set");
    AUTO(json)
    json_t *s =
        kit_make(&k, "secrets", js("{'metadata':{'name':'s'},'stringData':{'p':'hunter2'}}"));
    want_text(s, "data.p", "aHVudGVyMg==");
    want_text(s, "type", "Opaque");
    ck_assert(!json_path(s, "stringData"));
    json_decref(kit_make(&k, "controllerrevisions",
                         js("{'metadata':{'name':'r'},'data':{'a':1},'revision':1}")));
    json_decref(
        kit_do(&k, API_PATCH, "controllerrevisions", "default", "r", js("{'data':{'a':2}}"), 422));
    json_decref(kit_do(&k, API_PATCH, "controllerrevisions", "default", "r",
                       js("{'metadata':{'labels':{'a':'b'}}}"), 200));
}
END_TEST

START_TEST(pods)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json)
    json_t *p =
        kit_make(&k, "pods",
                 js("{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c','image':'i'}]}}"));
    want_text(p, "status.phase", "Pending");
    want_text(p, "spec.restartPolicy", "Always");
    AUTO(json) json_t *target = js("{'target':{'kind':'Node','name':'n1'}}");
    struct api_request req = kit_req(API_CREATE, "pods", "default", "p", target);
    req.subresource = "binding";
    json_decref(kit_send(&k, &req, 201));
    json_decref(kit_send(&k, &req, 409));
    json_decref(
        kit_do(&k, API_PATCH, "pods", "default", "p", js("{'spec':{'nodeName':'n2'}}"), 422));
    json_decref(kit_do(&k, API_PATCH, "pods", "default", "p",
                       js("{'spec':{'containers':[{'name':'c','image':'j'}]}}"), 200));
    json_decref(kit_do(&k, API_PATCH, "pods", "default", "p",
                       js("{'spec':{'containers':[{'name':'d','image':'j'}]}}"), 422));
    json_decref(kit_status(&k, API_PATCH, "pods", "default", "p",
                           js("{'status':{'phase':'Running'}}"), 200));
    req = kit_req(API_LIST, "pods", NULL, NULL, NULL);
    req.field_selector = "spec.nodeName=n1,status.phase=Running";
    AUTO(json) json_t *list = kit_send(&k, &req, 200);
    ck_assert_uint_eq(json_array_size(json_object_get(list, "items")), 1);
}
END_TEST

/* A bool that nobody set is false. */
START_TEST(bools_are_fields)
{
    AUTO(kit) struct kit k = kit_create();
    json_decref(kit_do(&k, API_CREATE, "nodes", NULL, NULL, js("{'metadata':{'name':'a'}}"), 201));
    json_decref(kit_do(&k, API_CREATE, "nodes", NULL, NULL,
                       js("{'metadata':{'name':'b'},'spec':{'unschedulable':true}}"), 201));
    json_decref(
        kit_make(&k, "pods",
                 js("{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c','image':'i'}]}}")));
    static const struct {
        const char *plural, *selector, *name;
    } rows[] = {
        {"nodes", "spec.unschedulable=false", "a"},
        {"nodes", "spec.unschedulable!=false", "b"},
        {"nodes", "spec.unschedulable=true", "b"},
        {"pods", "spec.hostNetwork=false", "p"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_request req = kit_req(API_LIST, rows[i].plural, NULL, NULL, NULL);
        req.field_selector = rows[i].selector;
        AUTO(json) json_t *list = kit_send(&k, &req, 200);
        const json_t *items = json_object_get(list, "items");
        ck_assert_msg(json_array_size(items) == 1, "%s", rows[i].selector);
        ck_assert_str_eq(meta_name(json_array_get(items, 0)), rows[i].name);
    }
}
END_TEST

/* So many that comparing each with each would take minutes. */
START_TEST(many_containers)
{
    AUTO(kit) struct kit k = kit_create();
    AUTO(json) json_t *body = js("{'metadata':{'name':'p'},'spec':{'containers':[]}}");
    json_t *list = json_at_mut(body, "spec", "containers", NULL);
    for (size_t i = 0; i < 40000; i++)
        json_array_append_new(list, js("{'name':'c%zu','image':'i'}", i));
    json_array_append_new(list, js("{'name':'c7','image':'i'}"));
    json_array_append_new(list, js("{'name':'c7','image':'i'}"));
    AUTO(json)
    json_t *refused = kit_do(&k, API_CREATE, "pods", "default", NULL, json_incref(body), 422);
    const json_t *causes = json_path(refused, "details.causes");
    ck_assert_uint_eq(json_array_size(causes), 2);
    want_text(json_array_get(causes, 1), "field", "spec.containers[40001].name");
    want_text(json_array_get(causes, 1), "message", "Duplicate value: \"c7\"");
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.builtin",
                      SUITE_LONG_CASE("builtin", 60, EACH(claims, edits), EACH(creates, creations),
                                      TEST(data_source_is_mirrored), TEST(immutable_data),
                                      TEST(pods), TEST(bools_are_fields), TEST(many_containers)));
}
