/* Nobody hands out what he does not have. */
#include "tests/unit/sim_auth/auth_kit.h"
#include "tests/unit/suite.h"

#define RBAC "rbac.authorization.k8s.io"
#define DENIED(groups)                                                                             \
    "user \"granter\" (groups=[" groups "]) is attempting to grant RBAC permissions not "          \
    "currently held:\n"
#define GRANTER DENIED("\"system:authenticated\"")

/* What the granter has, beside the right to write roles and bindings. */
#define OWN                                                                                        \
    "{'verbs':['get','list'],'apiGroups':['','apps'],'resources':['pods','deployments']},"         \
    "{'verbs':['*'],'apiGroups':['batch'],'resources':['*']},"                                     \
    "{'verbs':['update'],'apiGroups':['*'],'resources':['*/scale']},"                              \
    "{'verbs':['get'],'apiGroups':[''],'resources':['secrets'],'resourceNames':['a','b']},"        \
    "{'verbs':['get'],'nonResourceURLs':['/logs/*','/metrics']}"

static const struct row {
    const char *row, *user, *rules;
    const char *want; /* NULL: allowed */
} rows[] = {
    {"no rules", "granter", "[]", NULL},
    {"the very same", "granter", "[" OWN "]", NULL},
    {"less", "granter", "[{'verbs':['get'],'apiGroups':['apps'],'resources':['deployments']}]",
     NULL},
    {"put together from two", "granter",
     "[{'verbs':['get'],'apiGroups':['apps','batch'],'resources':['deployments']}]", NULL},
    {"under a star", "granter",
     "[{'verbs':['delete','*'],'apiGroups':['batch'],'resources':['jobs','jobs/status']}]", NULL},
    {"under a star of subresources", "granter",
     "[{'verbs':['update'],'apiGroups':['apps'],'resources':['deployments/scale']}]", NULL},
    {"names within names", "granter",
     "[{'verbs':['get'],'apiGroups':[''],'resources':['secrets'],'resourceNames':['b','a']}]",
     NULL},
    {"names within all", "granter",
     "[{'verbs':['get'],'apiGroups':[''],'resources':['pods'],'resourceNames':['x']}]", NULL},
    {"paths", "granter", "[{'verbs':['get'],'nonResourceURLs':['/logs/x/*','/metrics']}]", NULL},
    {"another verb", "granter",
     "[{'verbs':['get','delete','watch'],'apiGroups':[''],'resources':['pods']}]",
     GRANTER "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\" \"watch\"]}"},
    {"sorted", "granter",
     "[{'verbs':['get'],'apiGroups':['z.io','a.io'],'resources':['x']},"
     "{'verbs':['put'],'nonResourceURLs':['/logs/a']}]",
     GRANTER "{APIGroups:[\"a.io\"], Resources:[\"x\"], Verbs:[\"get\"]}\n"
             "{APIGroups:[\"z.io\"], Resources:[\"x\"], Verbs:[\"get\"]}\n"
             "{NonResourceURLs:[\"/logs/a\"], Verbs:[\"put\"]}"},
    {"everything", "granter", "[{'verbs':['*'],'apiGroups':['*'],'resources':['*']}]",
     GRANTER "{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}"},
    {"without names", "granter", "[{'verbs':['get'],'apiGroups':[''],'resources':['secrets']}]",
     GRANTER "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}"},
    {"another name", "granter",
     "[{'verbs':['get'],'apiGroups':[''],'resources':['secrets'],'resourceNames':['a','c']}]",
     GRANTER "{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"c\"], "
             "Verbs:[\"get\"]}"},
    {"scale itself is not the object", "granter",
     "[{'verbs':['update'],'apiGroups':['apps'],'resources':['deployments']}]",
     GRANTER "{APIGroups:[\"apps\"], Resources:[\"deployments\"], Verbs:[\"update\"]}"},
    {"a wider path", "granter", "[{'verbs':['get'],'nonResourceURLs':['/*']}]",
     GRANTER "{NonResourceURLs:[\"/*\"], Verbs:[\"get\"]}"},
    {"one who may escalate", "escalator", "[{'verbs':['*'],'apiGroups':['*'],'resources':['*']}]",
     NULL},
    {"a master", "kubernetes-admin", "[{'verbs':['*'],'apiGroups':['*'],'resources':['*']}]", NULL},
};

static void give(struct auth_kit *kit, const char *user, const char *rules)
{
    AUTO(json)
    json_t *list = js("[{'verbs':['create','update','patch'],'apiGroups':['" RBAC
                      "'],'resources':['roles','clusterroles','rolebindings',"
                      "'clusterrolebindings']},%s]",
                      rules);
    json_t *role = js("{'metadata':{'name':'%s'}}", user);
    json_object_set(role, "rules", list);
    json_decref(auth_put(kit, RBAC, "clusterroles", NULL, role));
    json_decref(auth_put(kit, RBAC, "clusterrolebindings", NULL,
                         js("{'metadata':{'name':'%s'},'roleRef':{'kind':'ClusterRole','name':'%s'}"
                            ",'subjects':[{'kind':'User','name':'%s'}]}",
                            user, user, user)));
}

static struct auth_kit escalate_kit(void)
{
    struct auth_kit kit = auth_kit_create(true, true);
    give(&kit, "granter", OWN);
    give(&kit, "escalator", "{'verbs':['escalate'],'apiGroups':['" RBAC "'],'resources':['*']}");
    give(&kit, "binder",
         "{'verbs':['bind'],'apiGroups':['" RBAC "'],'resources':['clusterroles'],"
         "'resourceNames':['view']}");
    return kit;
}

static void check(struct auth_kit *kit, const char *row, const struct api_request *req,
                  const char *prefix, const char *want)
{
    AUTO(response) struct api_response ret = {0};
    apiserver_handle(kit->k.server, req, &ret);
    ck_assert_msg(want ? ret.code == 403 : api_ok(&ret), "%s: %d %s", row, ret.code,
                  api_message(&ret));
    if (want) {
        AUTO(str) char *message = mem_printf("%s is forbidden: %s", prefix, want);
        WANT_TEXT(row, api_message(&ret), message);
    }
}

START_TEST(role)
{
    const struct row *r = &rows[_i];
    AUTO(auth_kit) struct auth_kit kit = escalate_kit();
    AUTO(json) json_t *rules = js("%s", r->rules);
    AUTO(json) json_t *body = js("{'metadata':{'name':'r'}}");
    json_object_set(body, "rules", rules);
    struct api_request req = {.verb = API_CREATE,
                              .resource = {RBAC, "v1", "clusterroles"},
                              .body = body,
                              .user = r->user};
    check(&kit, r->row, &req, "clusterroles." RBAC " \"r\"", r->want);
    ck_assert((apiserver_peek(kit.k.server, RBAC, "clusterroles", NULL, "r") != NULL) == !r->want);
    req.resource.plural = "roles";
    req.ns = "default";
    /* What she may grant, a Role may still not hold. */
    if (!r->want && strstr(r->rules, "nonResourceURLs")) {
        AUTO(response) struct api_response ret = {0};
        apiserver_handle(kit.k.server, &req, &ret);
        ck_assert_int_eq(ret.code, 422);
        return;
    }
    check(&kit, r->row, &req, "roles." RBAC " \"r\"", r->want);
}
END_TEST

/* An update is held against the new rules, too: but not when only finalizers go. */
START_TEST(update)
{
    AUTO(auth_kit) struct auth_kit kit = escalate_kit();
    json_decref(auth_put(&kit, RBAC, "roles", "default",
                         js("{'metadata':{'name':'r','finalizers':['a.io/x']},'rules':[{'verbs':"
                            "['get'],'apiGroups':[''],'resources':['nodes']}]}")));
    AUTO(json) json_t *labels = js("{'metadata':{'labels':{'a':'b'}}}");
    AUTO(json) json_t *finalizers = js("{'metadata':{'finalizers':null}}");
    struct api_request req = {.verb = API_PATCH,
                              .patch = PATCH_MERGE,
                              .resource = {RBAC, "v1", "roles"},
                              .ns = "default",
                              .name = "r",
                              .body = labels,
                              .user = "granter"};
    check(&kit, "labels", &req, "roles." RBAC " \"r\"",
          GRANTER "{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}");
    req.body = finalizers;
    check(&kit, "finalizers", &req, NULL, NULL);
}
END_TEST

START_TEST(aggregation)
{
    AUTO(auth_kit) struct auth_kit kit = escalate_kit();
    AUTO(json)
    json_t *body = js("{'metadata':{'name':'r'},'aggregationRule':{'clusterRoleSelectors':[]},"
                      "'rules':[]}");
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {RBAC, "v1", "clusterroles"},
                                    .body = body,
                                    .user = "granter"};
    check(&kit, "aggregation", &req, "clusterroles." RBAC " \"r\"",
          "must have cluster-admin privileges to use the aggregationRule");
}
END_TEST

/* A role of a few hundred kilobytes must not cost a minute. */
START_TEST(too_many)
{
    AUTO(auth_kit) struct auth_kit kit = escalate_kit();
    AUTO(json) json_t *words = json_array();
    for (int i = 0; i < 1000; i++) {
        AUTO(str) char *word = mem_printf("w%d", i);
        json_array_append_new(words, json_string(word));
    }
    AUTO(json) json_t *body = js("{'metadata':{'name':'r'},'rules':[{}]}");
    json_t *rule = json_array_get(json_object_get(body, "rules"), 0);
    json_object_set(rule, "verbs", words);
    json_object_set(rule, "apiGroups", words);
    json_object_set(rule, "resources", words);
    json_object_set(rule, "resourceNames", words);
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {RBAC, "v1", "clusterroles"},
                                    .body = body,
                                    .user = "granter"};
    check(&kit, "too many", &req, "clusterroles." RBAC " \"r\"",
          "the rules have more than 10000 combinations of verb, group, resource and name to be "
          "checked against those of user \"granter\"");
}
END_TEST

/* ---- bindings ---- */

static const struct binding_row {
    const char *row, *user, *kind, *role;
    bool namespaced;
    int code;
} bindings[] = {
    {"has it all", "granter", "ClusterRole", "small", false, 201},
    {"has it all, in a namespace", "granter", "ClusterRole", "small", true, 201},
    {"local role", "granter", "Role", "local", true, 201},
    {"has not", "granter", "ClusterRole", "cluster-admin", false, 403},
    {"has not, in a namespace", "granter", "ClusterRole", "cluster-admin", true, 403},
    {"no such role", "granter", "ClusterRole", "nothing", false, 404},
    {"no such local role", "granter", "Role", "nothing", true, 404},
    {"may bind", "binder", "ClusterRole", "view", false, 201},
    {"may bind, in a namespace", "binder", "ClusterRole", "view", true, 201},
    {"may bind another one", "binder", "ClusterRole", "edit", false, 403},
    {"may escalate, which is not to bind", "escalator", "ClusterRole", "view", false, 403},
    {"a master", "kubernetes-admin", "ClusterRole", "cluster-admin", false, 201},
    {"a master binds what is not there yet", "kubernetes-admin", "ClusterRole", "nothing", false,
     201},
};

START_TEST(binding)
{
    const struct binding_row *r = &bindings[_i];
    AUTO(auth_kit) struct auth_kit kit = escalate_kit();
    static const char rules[] = "[{'verbs':['get'],'apiGroups':[''],'resources':['pods']}]";
    json_decref(auth_put(&kit, RBAC, "clusterroles", NULL,
                         js("{'metadata':{'name':'small'},'rules':%s}", rules)));
    json_decref(auth_put(&kit, RBAC, "roles", "default",
                         js("{'metadata':{'name':'local'},'rules':%s}", rules)));
    AUTO(json)
    json_t *body = js("{'metadata':{'name':'b'},'roleRef':{'apiGroup':'" RBAC
                      "','kind':'%s','name':'%s'},'subjects':[{'kind':'User','name':'x'}]}",
                      r->kind, r->role);
    const struct api_request req = {
        .verb = API_CREATE,
        .resource = {RBAC, "v1", r->namespaced ? "rolebindings" : "clusterrolebindings"},
        .ns = r->namespaced ? "default" : NULL,
        .body = body,
        .user = r->user};
    AUTO(response) struct api_response ret = {0};
    apiserver_handle(kit.k.server, &req, &ret);
    ck_assert_msg(ret.code == r->code, "%s: %d %s", r->row, ret.code, api_message(&ret));
    if (r->code == 403)
        ck_assert_msg(strstr(api_message(&ret), "attempting to grant RBAC permissions"), "%s: %s",
                      r->row, api_message(&ret));
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim_auth.escalate",
                      SUITE_LONG_CASE("escalate", 60, EACH(role, rows), EACH(binding, bindings),
                                      TEST(update), TEST(aggregation), TEST(too_many)));
}
