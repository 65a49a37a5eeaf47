/* Whom the requests of the controllers come from, and what these accounts may do. */
#include "tests/unit/sim_auth/auth_kit.h"

#include "sim/controllermanager/controllermanager.h"

#define ROLES "rbac.authorization.k8s.io"

static bool there(const struct auth_kit *kit, const char *ns, const char *name)
{
    return apiserver_peek(kit->k.server, "", "configmaps", ns, name) != NULL;
}

static void put_map(struct auth_kit *kit, const char *ns, const char *name, const char *owners)
{
    json_decref(auth_put(kit, "", "configmaps", ns,
                         js("{'metadata':{'name':'%s','ownerReferences':[%s]}}", name, owners)));
}

static void put_owned(struct auth_kit *kit, const char *owner, const char *dependent)
{
    put_map(kit, "default", owner, "");
    AUTO(str)
    char *ref =
        mem_printf("{'apiVersion':'v1','kind':'ConfigMap','name':'%s','uid':'%s'}", owner,
                   meta_uid(apiserver_peek(kit->k.server, "", "configmaps", "default", owner)));
    put_map(kit, "default", dependent, ref);
}

static void discard(struct auth_kit *kit, const char *group, const char *plural, const char *ns,
                    const char *name)
{
    const struct api_request req = {
        .verb = API_DELETE, .resource = {group, "v1", plural}, .ns = ns, .name = name};
    json_decref(kit_send(&kit->k, &req, 200));
}

static bool traced(const struct auth_kit *kit, const char *user, const char *verb)
{
    AUTO(str) char *text = mem_printf("\"user\":\"%s\",\"verb\":\"%s\"", user, verb);
    return strstr(strbuf_str(trace_text(world_trace(kit->k.world))), text) != NULL;
}

static const struct identity_case {
    bool shared;
    const char *collector, *emptier;
} identities[] = {
    {false, KCM_GC_USER, KCM_NAMESPACE_USER},
    {true, KCM_SHARED_USER, KCM_SHARED_USER},
};

START_TEST(identity)
{
    const struct identity_case *c = &identities[_i];
    AUTO(auth_kit)
    struct auth_kit kit = auth_kit_of(kit_create_by(kcm_add_cluster), false, true);
    kcm_share_identity(kit.k.cluster, c->shared);
    put_owned(&kit, "owner", "dependent");
    json_decref(auth_put(&kit, "", "namespaces", NULL, js("{'metadata':{'name':'a'}}")));
    put_map(&kit, "a", "inside", "");
    kit_settle(&kit.k);
    discard(&kit, "", "configmaps", "default", "owner");
    discard(&kit, "", "namespaces", NULL, "a");
    kit_settle(&kit.k);
    ck_assert(!there(&kit, "default", "dependent"));
    ck_assert(!apiserver_peek(kit.k.server, "", "namespaces", NULL, "a"));
    ck_assert(traced(&kit, c->collector, "delete"));
    ck_assert(traced(&kit, c->emptier, "deletecollection"));
    ck_assert(traced(&kit, KCM_SHARED_USER, "delete") == c->shared);
    ck_assert(traced(&kit, KCM_GC_USER, "delete") != c->shared);
}
END_TEST

/* Without its rights a controller waits, and goes on when it has them again. */
START_TEST(rights_come_and_go)
{
    static const char role[] = "system:controller:generic-garbage-collector";
    AUTO(auth_kit)
    struct auth_kit kit = auth_kit_of(kit_create_by(kcm_add_cluster), false, true);
    put_owned(&kit, "owner", "dependent");
    kit_settle(&kit.k);
    discard(&kit, ROLES, "clusterrolebindings", NULL, role);
    discard(&kit, "", "configmaps", "default", "owner");
    kit_settle(&kit.k);
    ck_assert(there(&kit, "default", "dependent"));
    json_decref(
        auth_put(&kit, ROLES, "clusterrolebindings", NULL,
                 js("{'metadata':{'name':'%s'},'roleRef':{'apiGroup':'" ROLES
                    "','kind':'ClusterRole','name':'%s'},'subjects':[{'kind':'ServiceAccount',"
                    "'namespace':'kube-system','name':'generic-garbage-collector'}]}",
                    role, role)));
    kit_settle(&kit.k);
    ck_assert(!there(&kit, "default", "dependent"));
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.controllermanager.identity",
                      SUITE_CASE("identity", EACH(identity, identities), TEST(rights_come_and_go)));
}
