/* What people may do to machines by the roles that come with KubeVirt. */
#include "sim/kubevirt/roles.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/auth/auth.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/kubevirt/kubevirt.h"
#include "tests/unit/suite.h"

#define RBAC "rbac.authorization.k8s.io"
#define CORE "kubevirt.io"
#define SUB "subresources.kubevirt.io"

struct platform {
    struct world *world;
    struct cluster *cluster;
    struct auth *auth;
};

static void finish(struct platform *p)
{
    auth_destroy(p->auth);
    world_destroy(p->world);
}

static void start(struct platform *p, bool with_kubevirt)
{
    AUTO(err) struct err e = {0};
    p->world = world_create(&(struct world_config){.seed = 1});
    p->cluster = kcm_add_cluster(p->world, "main", &e);
    ck_assert(p->cluster && storage_start(p->cluster, &e) == 0);
    ck_assert(!with_kubevirt || kubevirt_start(p->cluster, &e) == 0);
    kubevirt_roles_create(p->cluster);
    p->auth = auth_create(&(struct auth_config){
        .server = cluster_server(p->cluster), .sched = world_sched(p->world), .rbac = true});
}

/* The user "edit" has the role edit in the namespace default, and so on. */
static void bind(struct platform *p, const char *role)
{
    AUTO(json)
    json_t *body =
        json_pack("{s:{s:s}, s:{s:s, s:s, s:s}, s:[{s:s, s:s, s:s}]}", "metadata", "name", role,
                  "roleRef", "apiGroup", RBAC, "kind", "ClusterRole", "name", role, "subjects",
                  "kind", "User", "apiGroup", RBAC, "name", role);
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {RBAC, "v1", "rolebindings"},
                                    .ns = "default",
                                    .user = "kubernetes-admin",
                                    .body = body};
    AUTO(response) struct api_response res = {0};
    apiserver_handle(cluster_server(p->cluster), &req, &res);
    ck_assert_msg(api_ok(&res), "%d %s", res.code, api_message(&res));
}

static const struct ask {
    const char *user, *verb, *group, *plural, *subresource, *ns;
    bool may;
} asks[] = {
    {"edit", "update", SUB, "virtualmachines", "start", "default", true},
    {"edit", "update", SUB, "virtualmachines", "start", "kube-public", false},
    {"edit", "update", SUB, "virtualmachines", "migrate", "default", false},
    {"edit", "update", SUB, "virtualmachineinstances", "evacuate/cancel", "default", true},
    {"edit", "get", SUB, "virtualmachineinstances", "vnc", "default", true},
    {"edit", "create", CORE, "virtualmachines", NULL, "default", true},
    {"edit", "deletecollection", CORE, "virtualmachines", NULL, "default", false},
    {"edit", "create", CORE, "virtualmachineinstancemigrations", NULL, "default", false},
    {"edit", "create", "snapshot.kubevirt.io", "virtualmachinerestores", NULL, "default", true},
    {"edit", "create", "backup.kubevirt.io", "virtualmachinebackups", NULL, "default", true},
    {"edit", "create", "export.kubevirt.io", "virtualmachineexports", NULL, "default", true},
    {"edit", "delete", "instancetype.kubevirt.io", "virtualmachinepreferences", NULL, "default",
     true},
    {"admin", "deletecollection", CORE, "virtualmachines", NULL, "default", true},
    {"admin", "update", SUB, "virtualmachines", "restart", "default", true},
    {"admin", "deletecollection", "backup.kubevirt.io", "virtualmachinebackuptrackers", NULL,
     "default", true},
    {"view", "list", CORE, "virtualmachines", NULL, "default", true},
    {"view", "watch", "snapshot.kubevirt.io", "virtualmachinesnapshots", NULL, "default", true},
    {"view", "get", SUB, "virtualmachineinstances", "guestosinfo", "default", true},
    {"view", "get", SUB, "virtualmachineinstances", "console", "default", false},
    {"view", "update", SUB, "virtualmachines", "start", "default", false},
    {"view", "create", CORE, "virtualmachines", NULL, "default", false},
    {"kubevirt.io:migrate", "update", SUB, "virtualmachines", "migrate", "default", true},
    {"kubevirt.io:migrate", "update", SUB, "virtualmachines", "start", "default", false},
    {"anybody", "list", "instancetype.kubevirt.io", "virtualmachineclusterinstancetypes", NULL,
     NULL, true},
    {"anybody", "list", "instancetype.kubevirt.io", "virtualmachineinstancetypes", NULL, "default",
     false},
    {"anybody", "get", SUB, "version", NULL, NULL, true},
    {"anybody", "list", CORE, "virtualmachines", NULL, "default", false},
};

START_TEST(asked)
{
    static const char *const bound[] = {"admin", "edit", "view", "kubevirt.io:migrate"};
    const struct ask *a = &asks[_i];
    struct platform p;
    start(&p, true);
    for (size_t i = 0; i < ARRAY_LEN(bound); i++)
        bind(&p, bound[i]);
    AUTO(auth_identity) struct auth_identity who = {0};
    auth_identity_of_name(a->user, &who);
    const struct api_attributes what = {.identity = &who.id,
                                        .verb = a->verb,
                                        .group = a->group,
                                        .plural = a->plural,
                                        .subresource = a->subresource,
                                        .ns = a->ns};
    AUTO(str) char *reason = NULL;
    ck_assert_msg(apiserver_may(cluster_server(p.cluster), &what, &reason) == a->may,
                  "%s: %s %s/%s", a->user, a->verb, a->plural,
                  a->subresource ? a->subresource : "");
    finish(&p);
}
END_TEST

START_TEST(as_objects)
{
    struct platform p;
    start(&p, true);
    const struct apiserver *server = cluster_server(p.cluster);
    const json_t *edit = apiserver_peek(server, RBAC, "clusterroles", NULL, "kubevirt.io:edit");
    const json_t *base = apiserver_peek(server, RBAC, "clusterroles", NULL, "kubevirt.io:default");
    ck_assert(edit && base);
    ck_assert_str_eq(meta_label(edit, RBAC "/aggregate-to-edit"), "true");
    ck_assert_str_eq(meta_label(edit, "kubevirt.io"), "");
    ck_assert(!meta_label(edit, "kubernetes.io/bootstrapping"));
    ck_assert_str_eq(meta_label(base, "kubernetes.io/bootstrapping"), "rbac-defaults");
    ck_assert_str_eq(meta_annotation(base, "rbac.authorization.kubernetes.io/autoupdate"), "true");
    finish(&p);
}
END_TEST

START_TEST(without_kubevirt)
{
    struct platform p;
    start(&p, false);
    ck_assert(
        !apiserver_peek(cluster_server(p.cluster), RBAC, "clusterroles", NULL, "kubevirt.io:edit"));
    finish(&p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim.kubevirt.roles");
    TCase *tc = tcase_create("roles");

    json_init();
    tcase_add_loop_test(tc, asked, 0, (int)ARRAY_LEN(asks));
    tcase_add_test(tc, as_objects);
    tcase_add_test(tc, without_kubevirt);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
