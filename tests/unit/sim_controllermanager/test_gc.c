/* The garbage collector: propagation, absent owners, identity by uid. */
#include "tests/unit/sim/kit.h"

#include "sched/fault.h"
#include "sim/controllermanager/controllermanager.h"
#include "tests/unit/suite.h"

/* A configmap "name" in ns owned by the given references. */
static json_t *owned(const char *name, const char *refs)
{
    return js("{'metadata':{'name':'%s','ownerReferences':[%s]}}", name, refs);
}

static char *ref_to(const json_t *owner, bool block)
{
    return mem_printf(
        "{'apiVersion':'v1','kind':'ConfigMap','name':'%s','uid':'%s','blockOwnerDeletion':%s}",
        meta_name(owner), meta_uid(owner), block ? "true" : "false");
}

static json_t *make(struct kit *k, const char *ns, json_t *body)
{
    return kit_do(k, API_CREATE, "configmaps", ns, NULL, body, 201);
}

static bool there(const struct kit *k, const char *ns, const char *name)
{
    return apiserver_peek(k->server, "", "configmaps", ns, name) != NULL;
}

START_TEST(background)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    AUTO(str) char *ref = ref_to(owner, true);
    AUTO(json) json_t *child = make(&k, "default", owned("child", ref));
    AUTO(str) char *ref2 = ref_to(child, true);
    json_decref(make(&k, "default", owned("grandchild", ref2)));
    kit_settle(&k);
    ck_assert(there(&k, "default", "child"));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "owner", NULL, 200));
    ck_assert(there(&k, "default", "child")); /* not in the request itself */
    kit_settle(&k);
    ck_assert(!there(&k, "default", "child"));
    ck_assert(!there(&k, "default", "grandchild"));
    const char *text = strbuf_str(trace_text(world_trace(k.world)));
    ck_assert(strstr(text, "\"user\":\"" KCM_GC_USER "\",\"verb\":\"delete\"") != NULL);
    ck_assert(strstr(text, "\"preconditions\":{\"resourceVersion\":") != NULL);
}
END_TEST

START_TEST(foreground)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    AUTO(str) char *block = ref_to(owner, true);
    AUTO(str) char *loose = ref_to(owner, false);
    AUTO(json) json_t *held = owned("held", block);
    json_put_take(held, "metadata.finalizers", js("['a.b/c']"));
    json_decref(make(&k, "default", json_incref(held)));
    AUTO(json) json_t *loosely = owned("loose", loose);
    json_put_take(loosely, "metadata.finalizers", js("['a.b/c']"));
    json_decref(make(&k, "default", json_incref(loosely)));
    json_decref(make(&k, "default", owned("free", block)));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "owner",
                       js("{'propagationPolicy':'Foreground'}"), 200));
    kit_settle(&k);
    ck_assert(there(&k, "default", "owner"));
    ck_assert(there(&k, "default", "held"));
    ck_assert(!there(&k, "default", "free"));
    json_decref(kit_do(&k, API_PATCH, "configmaps", "default", "held",
                       js("{'metadata':{'finalizers':null}}"), 200));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "held"));
    ck_assert(
        !there(&k, "default", "owner")); /* it does not wait for the one that does not block */
    ck_assert(there(&k, "default", "loose"));
    ck_assert(meta_deleting(apiserver_peek(k.server, "", "configmaps", "default", "loose")));
}
END_TEST

START_TEST(orphan)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    AUTO(str) char *ref = ref_to(owner, true);
    json_decref(make(&k, "default", owned("a", ref)));
    json_decref(make(&k, "default", owned("b", ref)));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "owner",
                       js("{'propagationPolicy':'Orphan'}"), 200));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "owner"));
    ck_assert(there(&k, "default", "a") && there(&k, "default", "b"));
    ck_assert(!json_path(apiserver_peek(k.server, "", "configmaps", "default", "a"),
                         "metadata.ownerReferences"));
}
END_TEST

START_TEST(absent_owner_and_other_uid)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    json_decref(
        make(&k, "default",
             owned("nobody", "{'apiVersion':'v1','kind':'ConfigMap','name':'never','uid':'u-1'}")));
    json_decref(make(
        &k, "default",
        owned("impostor", "{'apiVersion':'v1','kind':'ConfigMap','name':'owner','uid':'u-2'}")));
    AUTO(str) char *ref = ref_to(owner, true);
    AUTO(str)
    char *two =
        mem_printf("%s,{'apiVersion':'v1','kind':'ConfigMap','name':'never','uid':'u-3'}", ref);
    json_decref(make(&k, "default", owned("half", two)));
    json_decref(make(&k, "default", config_map("alone", "v")));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "nobody"));
    ck_assert(!there(&k, "default", "impostor"));
    ck_assert(there(&k, "default", "alone") && there(&k, "default", "owner"));
    const json_t *half = apiserver_peek(k.server, "", "configmaps", "default", "half");
    ck_assert(half != NULL);
    const json_t *refs = json_path(half, "metadata.ownerReferences");
    ck_assert_uint_eq(json_array_size(refs), 1);
    want_text(json_array_get(refs, 0), "uid", meta_uid(owner));
}
END_TEST

START_TEST(other_namespace_is_absent)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *owner = make(&k, "kube-system", config_map("owner", "v"));
    AUTO(str) char *ref = ref_to(owner, true);
    json_decref(make(&k, "default", owned("a", ref)));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "a"));
    ck_assert(there(&k, "kube-system", "owner"));
    AUTO(json) json_t *events = apiserver_peek_all(k.server, "", "events", "default");
    ck_assert_uint_eq(json_array_size(events), 1);
    want_text(json_array_get(events, 0), "reason", "OwnerRefInvalidNamespace");
}
END_TEST

START_TEST(cluster_scoped_with_namespaced_owner_stays)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    json_decref(kit_do(&k, API_CREATE, "storageclasses", NULL, NULL,
                       js("{'metadata':{'name':'sc','ownerReferences':[{'apiVersion':'v1','kind':'"
                          "ConfigMap','name':'x','uid':'u'}]},'provisioner':'p'}"),
                       201));
    kit_settle(&k);
    ck_assert(apiserver_peek(k.server, "storage.k8s.io", "storageclasses", NULL, "sc") != NULL);
}
END_TEST

START_TEST(cycles_are_broken)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *a = make(&k, "default", config_map("a", "v"));
    AUTO(str) char *ref_a = ref_to(a, true);
    AUTO(json) json_t *b = make(&k, "default", owned("b", ref_a));
    json_decref(kit_do(&k, API_PATCH, "configmaps", "default", "a",
                       js("{'metadata':{'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap','"
                          "name':'b','uid':'%s','blockOwnerDeletion':true}]}}",
                          meta_uid(b)),
                       200));
    kit_settle(&k);
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "a",
                       js("{'propagationPolicy':'Foreground'}"), 200));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "a"));
    ck_assert(!there(&k, "default", "b"));
}
END_TEST

static int deny_protected(void *cookie, const struct admission_review *review,
                          struct api_response *ret)
{
    (void)cookie;
    const char *label = review->old ? meta_label(review->old, "protect") : NULL;
    if (review->object || !label)
        return 0;
    ret->code = 422;
    ret->body = js("{'kind':'Status','message':'protected','reason':'Invalid','code':422}");
    return -1;
}

START_TEST(denied_is_tried_again_after_a_change)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    apiserver_admit(k.server, "", "configmaps", deny_protected, NULL);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    AUTO(str) char *ref = ref_to(owner, true);
    AUTO(json) json_t *child = owned("child", ref);
    json_put_take(child, "metadata.labels", js("{'protect':'true'}"));
    json_decref(make(&k, "default", json_incref(child)));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "owner", NULL, 200));
    kit_settle(&k); /* a refusal keeps nobody busy */
    ck_assert(there(&k, "default", "child"));
    json_decref(kit_do(&k, API_PATCH, "configmaps", "default", "child",
                       js("{'metadata':{'labels':null}}"), 200));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "child"));
}
END_TEST

START_TEST(transient_errors_are_retried)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json)
    json_t *rule = js("{'point':'api','match':{'verb':'delete','by':'main/"
                      "*'},'times':3,'action':{'answer':500}}");
    struct err e = {0};
    ck_assert_int_gt(fault_add(world_faults(k.world), rule, &e), 0);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    AUTO(str) char *ref = ref_to(owner, true);
    json_decref(make(&k, "default", owned("child", ref)));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "owner", NULL, 200));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "child"));
    ck_assert_int_gt(world_now(k.world), WORLD_START_NS);
}
END_TEST

START_TEST(late_owner_is_found)
{
    /* Two references give one uid different names: only the dependent that is wrong goes. */
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    AUTO(str) char *right = ref_to(owner, false);
    AUTO(str)
    char *wrong = mem_printf("{'apiVersion':'v1','kind':'ConfigMap','name':'other','uid':'%s'}",
                             meta_uid(owner));
    json_decref(make(&k, "default", owned("bad", wrong)));
    json_decref(make(&k, "default", owned("good", right)));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "bad"));
    ck_assert(there(&k, "default", "good"));
}
END_TEST

START_TEST(alternate_coordinates)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    json_decref(make(&k, "default",
                     owned("a", "{'apiVersion':'v1','kind':'ConfigMap','name':'x','uid':'u'}")));
    json_decref(make(&k, "default",
                     owned("b", "{'apiVersion':'v1','kind':'Secret','name':'x','uid':'u'}")));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "a"));
    ck_assert(!there(&k, "default", "b"));
}
END_TEST

/* Changes the child just before the collector's delete reaches the server. */
struct meddler {
    struct kit *k;
    const char *patch;
    int deletes;
    bool done;
};

static void meddle(void *cookie, enum request_moment moment, const struct request_info *info)
{
    struct meddler *m = cookie;
    if (moment != REQUEST_BEFORE || info->request->verb != API_DELETE)
        return;
    m->deletes++;
    if (m->done)
        return;
    m->done = true;
    json_decref(kit_do(m->k, API_PATCH, "configmaps", "default", "child", js("%s", m->patch), 200));
}

START_TEST(conflict_with_equal_owners_deletes)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    AUTO(str) char *ref = ref_to(owner, true);
    json_decref(make(&k, "default", owned("child", ref)));
    struct meddler m = {.k = &k, .patch = "{'data':{'k':'new'}}"};
    world_on_request(k.world, meddle, &m);
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "owner", NULL, 200));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "child"));
    ck_assert_int_eq(m.deletes, 2); /* with the revision, then without */
}
END_TEST

START_TEST(adopted_meanwhile_is_kept)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *owner = make(&k, "default", config_map("owner", "v"));
    AUTO(json) json_t *other = make(&k, "default", config_map("other", "v"));
    AUTO(str) char *ref = ref_to(owner, true);
    AUTO(str) char *adopt = ref_to(other, true);
    AUTO(str) char *patch = mem_printf("{'metadata':{'ownerReferences':[%s]}}", adopt);
    json_decref(make(&k, "default", owned("child", ref)));
    struct meddler m = {.k = &k, .patch = patch};
    world_on_request(k.world, meddle, &m);
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "owner", NULL, 200));
    kit_settle(&k);
    ck_assert(there(&k, "default", "child"));
}
END_TEST

START_TEST(a_waiting_owner_is_let_go)
{
    /* One solid owner and one that waits for its dependents: the reference to the latter goes. */
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    AUTO(json) json_t *solid = make(&k, "default", config_map("solid", "v"));
    AUTO(json) json_t *going = make(&k, "default", config_map("going", "v"));
    AUTO(str) char *a = ref_to(solid, true);
    AUTO(str) char *b = ref_to(going, true);
    AUTO(str) char *both = mem_printf("%s,%s", a, b);
    json_decref(make(&k, "default", owned("child", both)));
    json_decref(kit_do(&k, API_DELETE, "configmaps", "default", "going",
                       js("{'propagationPolicy':'Foreground'}"), 200));
    kit_settle(&k);
    ck_assert(!there(&k, "default", "going"));
    const json_t *child = apiserver_peek(k.server, "", "configmaps", "default", "child");
    ck_assert_uint_eq(json_array_size(json_path(child, "metadata.ownerReferences")), 1);
}
END_TEST

START_TEST(an_idle_world_has_nothing_to_do)
{
    AUTO(kit) struct kit k = kit_create_by(kcm_add_cluster);
    kit_settle(&k);
    ck_assert_int_eq(sched_next(world_sched(k.world)), SCHED_NEVER);
    ck_assert_int_eq(world_now(k.world), WORLD_START_NS);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "sim.gc",
        SUITE_LONG_CASE("gc", 60, TEST(background), TEST(foreground), TEST(orphan),
                        TEST(absent_owner_and_other_uid), TEST(other_namespace_is_absent),
                        TEST(cluster_scoped_with_namespaced_owner_stays), TEST(cycles_are_broken),
                        TEST(denied_is_tried_again_after_a_change),
                        TEST(transient_errors_are_retried), TEST(late_owner_is_found),
                        TEST(alternate_coordinates), TEST(conflict_with_equal_owners_deletes),
                        TEST(adopted_meanwhile_is_kept), TEST(a_waiting_owner_is_let_go),
                        TEST(an_idle_world_has_nothing_to_do)));
}
