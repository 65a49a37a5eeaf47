/* Namespaces: birth, protection, and how they are emptied. */
#include "tests/unit/sim/kit.h"

#include "kube/time.h"
#include "sim/controllermanager/controllermanager.h"
#include "tests/unit/suite.h"

static void make_namespace(struct kit *k, const char *name)
{
    json_decref(kit_do(k, API_CREATE, "namespaces", NULL, NULL,
                       js("{'metadata':{'name':'%s'}}", name), 201));
}

static json_t *ns_of(const struct kit *k, const char *name)
{
    return apiserver_peek(k->server, "", "namespaces", NULL, name);
}

START_TEST(born_with_finalizer_and_label)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json)
    json_t *a =
        kit_do(&k, API_CREATE, "namespaces", NULL, NULL, js("{'metadata':{'name':'a'}}"), 201);
    ck_assert_str_eq(meta_label(a, "kubernetes.io/metadata.name"), "a");
    want_text(a, "status.phase", "Active");
    ck_assert_uint_eq(json_array_size(json_path(a, "spec.finalizers")), 1);
    json_decref(
        kit_do(&k, API_CREATE, "namespaces", NULL, NULL, js("{'metadata':{'name':'a.b'}}"), 422));
    AUTO(json) json_t *no = kit_do(&k, API_DELETE, "namespaces", NULL, "default", NULL, 403);
    want_text(no, "message",
              "namespaces \"default\" is forbidden: this namespace may not be deleted");
}
END_TEST

START_TEST(emptied_and_gone)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    make_namespace(&k, "a");
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    json_decref(kit_do(&k, API_CREATE, "configmaps", "a", NULL, config_map("c", "v"), 201));
    json_decref(kit_do(&k, API_CREATE, "widgets", "a", NULL, js("{'metadata':{'name':'w'}}"), 201));
    AUTO(json) json_t *going = kit_do(&k, API_DELETE, "namespaces", NULL, "a", NULL, 200);
    want_text(going, "status.phase", "Terminating");
    json_decref(kit_do(&k, API_DELETE, "namespaces", NULL, "a", NULL, 200)); /* again: fine */
    AUTO(json)
    json_t *no = kit_do(&k, API_CREATE, "configmaps", "a", NULL, config_map("d", "v"), 403);
    want_text(
        no, "message",
        "configmaps \"d\" is forbidden: unable to create new content in namespace a because it "
        "is being terminated");
    want_text(json_array_get(json_path(no, "details.causes"), 0), "reason", "NamespaceTerminating");
    json_decref(kit_do(&k, API_PATCH, "configmaps", "a", "c", js("{'data':{'k':'w'}}"), 200));
    kit_settle(&k);
    ck_assert(ns_of(&k, "a") == NULL);
    ck_assert(apiserver_peek(k.server, "", "configmaps", "a", "c") == NULL);
    ck_assert_int_ge(world_now(k.world) - WORLD_START_NS, 5 * NS_PER_S);
}
END_TEST

START_TEST(stuck_by_a_finalizer)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    make_namespace(&k, "a");
    json_decref(kit_do(&k, API_CREATE, "configmaps", "a", NULL,
                       js("{'metadata':{'name':'c','finalizers':['a.b/c']}}"), 201));
    json_decref(kit_do(&k, API_DELETE, "namespaces", NULL, "a", NULL, 200));
    kit_settle(&k); /* waits for a change, not for time */
    const json_t *ns = ns_of(&k, "a");
    ck_assert(ns != NULL);
    ck_assert_str_eq(meta_condition_status(ns, "NamespaceContentRemaining"), "True");
    ck_assert_str_eq(meta_condition_status(ns, "NamespaceFinalizersRemaining"), "True");
    ck_assert_str_eq(meta_condition_status(ns, "NamespaceDeletionContentFailure"), "False");
    ck_assert_str_eq(meta_condition_status(ns, "NamespaceDeletionDiscoveryFailure"), "False");
    json_decref(
        kit_do(&k, API_PATCH, "configmaps", "a", "c", js("{'metadata':{'finalizers':null}}"), 200));
    kit_settle(&k);
    ck_assert(ns_of(&k, "a") == NULL);
}
END_TEST

static const char *message_of(const json_t *ns, const char *type)
{
    return json_str_or_empty(meta_condition(ns, type), "message");
}

/* Kinds are emptied in any order, and told in that of their names. */
START_TEST(told_in_order)
{
    static const char *const kinds[] = {"secrets", "configmaps", "persistentvolumeclaims", "leases",
                                        "widgets"};
    static const char held[] = "{'metadata':{'name':'%c','finalizers':['z.b/%c','a.b/c']},"
                               "'spec':{'accessModes':['ReadWriteOnce'],"
                               "'resources':{'requests':{'storage':'1Gi'}}}}";
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    make_namespace(&k, "a");
    kit_add_crd(&k, widget_crd("{'type':'object'}"));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        json_decref(kit_do(&k, API_CREATE, kinds[i], "a", NULL, js(held, 'x', 'b'), 201));
    json_decref(kit_do(&k, API_CREATE, "secrets", "a", NULL, js(held, 'y', 'a'), 201));
    json_decref(kit_do(&k, API_DELETE, "namespaces", NULL, "a", NULL, 200));
    kit_settle(&k);
    const json_t *ns = ns_of(&k, "a");
    ck_assert_str_eq(message_of(ns, "NamespaceContentRemaining"),
                     "Some resources are remaining: configmaps. has 1 resource instances, "
                     "leases.coordination.k8s.io has 1 resource instances, "
                     "persistentvolumeclaims. has 1 resource instances, "
                     "secrets. has 2 resource instances, "
                     "widgets.example.com has 1 resource instances");
    ck_assert_str_eq(message_of(ns, "NamespaceFinalizersRemaining"),
                     "Some content in the namespace has finalizers remaining: "
                     "a.b/c in 6 resource instances, z.b/a in 1 resource instances, "
                     "z.b/b in 5 resource instances");
    ck_assert_str_eq(message_of(ns, "NamespaceDeletionContentFailure"),
                     "All content successfully deleted, may be waiting on finalization");
}
END_TEST

START_TEST(pods_first)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    make_namespace(&k, "a");
    json_decref(kit_do(
        &k, API_CREATE, "pods", "a", NULL,
        js("{'metadata':{'name':'p','finalizers':['a.b/c']},'spec':{'containers':[{'name':'c'}]}}"),
        201));
    json_decref(kit_do(&k, API_CREATE, "configmaps", "a", NULL, config_map("c", "v"), 201));
    json_decref(kit_do(&k, API_DELETE, "namespaces", NULL, "a", NULL, 200));
    kit_settle(&k);
    ck_assert(apiserver_peek(k.server, "", "configmaps", "a", "c") != NULL);
    ck_assert(meta_deleting(apiserver_peek(k.server, "", "pods", "a", "p")));
    json_decref(
        kit_do(&k, API_PATCH, "pods", "a", "p", js("{'metadata':{'finalizers':null}}"), 200));
    kit_settle(&k);
    ck_assert(ns_of(&k, "a") == NULL);
}
END_TEST

static int deny_all(void *cookie, const struct admission_review *review, struct api_response *ret)
{
    const bool *denying = cookie;
    if (review->object || !*denying)
        return 0;
    ret->code = 422;
    ret->body = js("{'kind':'Status','message':'protected','reason':'Invalid','code':422}");
    return -1;
}

START_TEST(refused_content)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    bool denying = true;
    apiserver_admit(k.server, "", "configmaps", deny_all, &denying);
    make_namespace(&k, "a");
    json_decref(kit_do(&k, API_CREATE, "configmaps", "a", NULL, config_map("c", "v"), 201));
    json_decref(kit_do(&k, API_CREATE, "secrets", "a", NULL, js("{'metadata':{'name':'s'}}"), 201));
    json_decref(kit_do(&k, API_DELETE, "namespaces", NULL, "a", NULL, 200));
    kit_settle(&k);
    const json_t *ns = ns_of(&k, "a");
    ck_assert_str_eq(meta_condition_status(ns, "NamespaceDeletionContentFailure"), "True");
    ck_assert(
        strstr(json_str_or_empty(meta_condition(ns, "NamespaceDeletionContentFailure"), "message"),
               "protected") != NULL);
    ck_assert_str_eq(meta_condition_status(ns, "NamespaceContentRemaining"), "False");
    ck_assert(apiserver_peek(k.server, "", "secrets", "a", "s") == NULL);
    denying = false;
    json_decref(kit_do(&k, API_PATCH, "configmaps", "a", "c", js("{'data':{'k':'w'}}"), 200));
    kit_settle(&k);
    ck_assert(ns_of(&k, "a") == NULL);
}
END_TEST

START_TEST(finalize_alone_changes_spec_finalizers)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    make_namespace(&k, "a");
    json_decref(
        kit_do(&k, API_PATCH, "namespaces", NULL, "a", js("{'spec':{'finalizers':[]}}"), 200));
    ck_assert_uint_eq(json_array_size(json_path(ns_of(&k, "a"), "spec.finalizers")), 1);
    AUTO(json) json_t *body = json_copy_of(ns_of(&k, "a"));
    json_put_take(body, "spec.finalizers", json_array());
    struct api_request req = kit_req(API_UPDATE, "namespaces", NULL, "a", body);
    req.subresource = "finalize";
    json_decref(kit_send(&k, &req, 200));
    ck_assert_uint_eq(json_array_size(json_path(ns_of(&k, "a"), "spec.finalizers")), 0);
    json_decref(kit_do(&k, API_DELETE, "namespaces", NULL, "a", NULL, 200));
    ck_assert(ns_of(&k, "a") == NULL);
}
END_TEST

START_TEST(finalizers_of_nothing)
{
    static const char *const lists[] = {"[null]", "['kubernetes',null]"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
        make_namespace(&k, "a");
        AUTO(json)
        json_t *body = js("{'metadata':{'name':'a'},'spec':{'finalizers':%s}}", lists[i]);
        struct api_request req = kit_req(API_UPDATE, "namespaces", NULL, "a", body);
        req.subresource = "finalize";
        json_decref(kit_send(&k, &req, 200));
        json_decref(kit_do(&k, API_DELETE, "namespaces", NULL, "a", NULL, 200));
        sched_run(world_sched(k.world), world_now(k.world) + 60 * NS_PER_S);
        AUTO(json) json_t *left = kit_do(&k, API_GET, "namespaces", NULL, "a", NULL, 200);
        ck_assert_uint_eq(json_array_size(json_path(left, "spec.finalizers")), 1);
    }
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.controllermanager.namespaces",
                      SUITE_LONG_CASE("namespaces", 60, TEST(born_with_finalizer_and_label),
                                      TEST(emptied_and_gone), TEST(stuck_by_a_finalizer),
                                      TEST(told_in_order), TEST(pods_first), TEST(refused_content),
                                      TEST(finalize_alone_changes_spec_finalizers),
                                      TEST(finalizers_of_nothing)));
}
