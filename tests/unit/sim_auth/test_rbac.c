/* Rules against requests, and what those hear who may not. */
#include "sim/auth/auth_priv.h"
#include "sim/controllermanager/controllermanager.h"
#include "tests/unit/sim_auth/auth_kit.h"
#include "tests/unit/suite.h"

#define RBAC "rbac.authorization.k8s.io"

/* Role, and whom it is bound to: "U:name", "G:name", "S:namespace/name". ns NULL: a ClusterRole and
 * a ClusterRoleBinding. */
static const struct fixture {
    const char *name, *role_ns, *binding_ns, *subject, *rules;
} fixtures[] = {
    {"pods", NULL, NULL, "U:reader",
     "[{'verbs':['get','list'],'apiGroups':[''],'resources':['pods']}]"},
    {"star-sub", NULL, NULL, "U:scaler",
     "[{'verbs':['*'],'apiGroups':['*'],'resources':['*/scale','pods/log']}]"},
    {"star", NULL, NULL, "U:allmighty", "[{'verbs':['*'],'apiGroups':['*'],'resources':['*']}]"},
    {"named", NULL, NULL, "U:keeper",
     "[{'verbs':['*'],'apiGroups':[''],'resources':['secrets'],'resourceNames':['a','b']}]"},
    {"paths", NULL, NULL, "U:prober",
     "[{'verbs':['get'],'nonResourceURLs':['/metrics','/logs/*','/x*y','/deep/**']}]"},
    {"any-path", NULL, NULL, "U:crawler", "[{'verbs':['*'],'nonResourceURLs':['*']}]"},
    {"local", "default", "default", "U:local",
     "[{'verbs':['get'],'apiGroups':['apps',''],'resources':['deployments','pods']}]"},
    {"borrowed", NULL, "default", "G:team",
     "[{'verbs':['get'],'apiGroups':[''],'resources':['configmaps']},"
     "{'verbs':['get'],'nonResourceURLs':['/metrics']}]"},
    {"account", "default", "default", "S:osac/operator",
     "[{'verbs':['create'],'apiGroups':['kubevirt.io'],'resources':['virtualmachines']}]"},
    {"own-account", "default", "default", "S:/here",
     "[{'verbs':['get'],'apiGroups':[''],'resources':['pods']}]"},
};

static json_t *subject_of(const char *text)
{
    const char *name = text + 2, *slash = strchr(name, '/');
    if (text[0] == 'U')
        return js("{'kind':'User','apiGroup':'" RBAC "','name':'%s'}", name);
    if (text[0] == 'G')
        return js("{'kind':'Group','apiGroup':'" RBAC "','name':'%s'}", name);
    return js("{'kind':'ServiceAccount','namespace':'%.*s','name':'%s'}", (int)(slash - name), name,
              slash + 1);
}

static void put_role(struct auth_kit *kit, const char *name, const char *ns, const char *rules)
{
    AUTO(json) json_t *list = js("%s", rules);
    json_t *body = js("{'metadata':{'name':'%s'}}", name);
    json_object_set(body, "rules", list);
    json_decref(auth_put(kit, RBAC, ns ? "roles" : "clusterroles", ns, body));
}

static void put_binding(struct auth_kit *kit, const char *name, const char *role_kind,
                        const char *role, const char *ns, const char *subject)
{
    json_t *body = js("{'metadata':{'name':'%s'},'roleRef':{'apiGroup':'" RBAC
                      "','kind':'%s','name':'%s'},'subjects':[]}",
                      name, role_kind, role);
    json_array_append_new(json_object_get(body, "subjects"), subject_of(subject));
    json_decref(auth_put(kit, RBAC, ns ? "rolebindings" : "clusterrolebindings", ns, body));
}

static struct auth_kit rbac_kit(void)
{
    struct auth_kit kit = auth_kit_create(true, true);
    for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
        const struct fixture *f = &fixtures[i];
        put_role(&kit, f->name, f->role_ns, f->rules);
        put_binding(&kit, f->name, f->role_ns ? "Role" : "ClusterRole", f->name, f->binding_ns,
                    f->subject);
    }
    return kit;
}

/* Whoever is named, with the groups that follow from the name, and "team" behind a plus. */
static void who_is(const char *text, struct auth_identity *ret)
{
    static const char *const team[] = {"team", "system:authenticated", NULL};
    if (*text != '+') {
        auth_identity_of_name(text, ret);
        return;
    }
    ret->id = (struct api_identity){.name = text + 1, .groups = team};
}

/* ---- resources ---- */

static const struct ask {
    const char *who, *verb, *group, *plural, *sub, *ns, *name;
    bool allowed;
} asks[] = {
    {"reader", "get", "", "pods", NULL, "default", "p", true},
    {"reader", "list", "", "pods", NULL, NULL, NULL, true},
    {"reader", "watch", "", "pods", NULL, "default", NULL, false},
    {"reader", "get", "", "pods", "log", "default", "p", false},
    {"reader", "get", "", "pod", NULL, "default", "p", false},
    {"reader", "get", "", "secrets", NULL, "default", "p", false},
    {"reader", "get", "apps", "pods", NULL, "default", "p", false},
    {"Reader", "get", "", "pods", NULL, "default", "p", false},
    {"+reader", "get", "", "pods", NULL, "kube-system", "p", true},
    {"scaler", "update", "apps", "deployments", "scale", "default", "d", true},
    {"scaler", "update", "apps", "deployments", NULL, "default", "d", false},
    {"scaler", "update", "apps", "deployments", "status", "default", "d", false},
    {"scaler", "update", "apps", "deployments", "xscale", "default", "d", false},
    {"scaler", "get", "", "pods", "log", "default", "p", true},
    {"scaler", "get", "", "pods", "logs", "default", "p", false},
    {"scaler", "get", "", "pods", NULL, "default", "p", false},
    {"allmighty", "frobnicate", "no.such", "things", "parts", "nowhere", "t", true},
    {"allmighty", "*", "*", "*", NULL, NULL, NULL, true},
    {"keeper", "get", "", "secrets", NULL, "default", "a", true},
    {"keeper", "delete", "", "secrets", NULL, "default", "b", true},
    {"keeper", "get", "", "secrets", NULL, "default", "c", false},
    {"keeper", "get", "", "secrets", NULL, "default", "", false},
    {"keeper", "create", "", "secrets", NULL, "default", NULL, false},
    {"keeper", "list", "", "secrets", NULL, "default", NULL, false},
    {"keeper", "list", "", "secrets", NULL, "default", "a", true},
    {"keeper", "deletecollection", "", "secrets", NULL, "default", NULL, false},
    {"local", "get", "apps", "deployments", NULL, "default", "d", true},
    {"local", "get", "", "deployments", NULL, "default", "d", true},
    {"local", "get", "apps", "deployments", NULL, "kube-system", "d", false},
    {"local", "get", "apps", "deployments", NULL, NULL, "d", false},
    {"local", "get", "", "pods", NULL, "default", "p", true},
    {"+jane", "get", "", "configmaps", NULL, "default", "c", true},
    {"jane", "get", "", "configmaps", NULL, "default", "c", false},
    {"+jane", "get", "", "configmaps", NULL, "kube-public", "c", false},
    {"+jane", "list", "", "configmaps", NULL, NULL, NULL, false},
    {"system:serviceaccount:osac:operator", "create", "kubevirt.io", "virtualmachines", NULL,
     "default", NULL, true},
    {"system:serviceaccount:osac:operator", "create", "kubevirt.io", "virtualmachines", NULL,
     "osac", NULL, false},
    {"system:serviceaccount:default:operator", "create", "kubevirt.io", "virtualmachines", NULL,
     "default", NULL, false},
    {"system:serviceaccount:default:here", "get", "", "pods", NULL, "default", "p", true},
    {"system:serviceaccount:other:here", "get", "", "pods", NULL, "default", "p", false},
    /* what a cluster starts with */
    {"kubernetes-admin", "delete", "", "nodes", NULL, NULL, "n", true},
    {"jane", "create", "authorization.k8s.io", "selfsubjectaccessreviews", NULL, NULL, NULL, true},
    {"jane", "create", "authorization.k8s.io", "subjectaccessreviews", NULL, NULL, NULL, false},
    {"system:anonymous", "create", "authorization.k8s.io", "selfsubjectaccessreviews", NULL, NULL,
     NULL, false},
    {"system:anonymous", "list", "", "secrets", NULL, NULL, NULL, false},
    {"system:node:n1", "update", "", "nodes", "status", NULL, "n1", true},
    {KCM_NAMESPACE_USER, "delete", "", "pods", NULL, "x", "p", true},
    {KCM_NAMESPACE_USER, "deletecollection", "example.com", "widgets", NULL, "x", NULL, true},
    {KCM_NAMESPACE_USER, "update", "", "namespaces", "finalize", NULL, "x", true},
    {KCM_NAMESPACE_USER, "update", "", "namespaces", NULL, NULL, "x", false},
    {KCM_NAMESPACE_USER, "patch", "", "pods", NULL, "x", "p", false},
    {KCM_GC_USER, "patch", "example.com", "widgets", NULL, "x", "w", true},
    {KCM_GC_USER, "create", "", "events", NULL, "x", NULL, true},
    {KCM_GC_USER, "create", "", "pods", NULL, "x", NULL, false},
    {KCM_GC_USER, "deletecollection", "", "pods", NULL, "x", NULL, false},
    {KCM_SHARED_USER, "deletecollection", "", "pods", NULL, "x", NULL, true},
    {"system:serviceaccount:kubevirt:kubevirt-controller", "create", "", "pods", NULL, "x", NULL,
     true},
    {"system:serviceaccount:osac-system:osac-operator", "get", "", "pods", NULL, "x", "p", false},
};

START_TEST(resource)
{
    const struct ask *q = &asks[_i];
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    AUTO(auth_identity) struct auth_identity who = {0};
    who_is(q->who, &who);
    const struct api_attributes what = {.identity = &who.id,
                                        .verb = q->verb,
                                        .group = q->group,
                                        .version = "v1",
                                        .plural = q->plural,
                                        .subresource = q->sub,
                                        .ns = q->ns,
                                        .name = q->name};
    AUTO(str) char *reason = NULL;
    bool allowed = apiserver_may(kit.k.server, &what, &reason);
    ck_assert_msg(allowed == q->allowed, "row %d: %s %s %s/%s", _i, q->who, q->verb, q->plural,
                  q->sub ? q->sub : "");
    ck_assert_msg(!reason, "row %d: %s", _i, reason);
}
END_TEST

/* A rule of other types than a rule's says less, and harms nobody. */
START_TEST(odd_rules)
{
    AUTO(json)
    json_t *array = js("[{'verbs':'*','apiGroups':{},'resources':['*']},7,null,[],"
                       "{'verbs':[1,null,'get'],'apiGroups':[''],'resources':['pods',{}]}]");
    const struct api_attributes what = {.verb = "get", .group = "", .plural = "pods"};
    struct rules r;
    rules_init(&r, array);
    ck_assert_uint_eq(r.count, 5);
    for (size_t i = 0; i < r.count; i++)
        ck_assert_msg(rule_allows(&r.list[i], &what) == (i == 4), "rule %zu", i);
    rules_finish(&r);
}
END_TEST

/* ---- paths ---- */

static const struct path_ask {
    const char *who, *verb, *path;
    bool allowed;
} paths[] = {
    {"prober", "get", "/metrics", true},
    {"prober", "get", "/metrics/", false},
    {"prober", "post", "/metrics", false},
    {"prober", "get", "/logs/a/b", true},
    {"prober", "get", "/logs/", true},
    {"prober", "get", "/logs", false},
    {"prober", "get", "/xay", false},
    {"prober", "get", "/x*y", true},
    {"prober", "get", "/deep/er", true},
    {"prober", "get", "/deeper", false},
    {"crawler", "put", "/anything", true},
    {"local", "get", "/metrics", false},
    {"+jane", "get", "/metrics", false},
    {"jane", "get", "/version", true},
    {"jane", "get", "/apis/apps/v1", true},
    {"system:anonymous", "get", "/version", true},
    {"system:anonymous", "get", "/healthz", true},
    {"system:anonymous", "get", "/apis", false},
    {"kubernetes-admin", "delete", "/x", true},
};

START_TEST(path)
{
    const struct path_ask *q = &paths[_i];
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    AUTO(auth_identity) struct auth_identity who = {0};
    who_is(q->who, &who);
    AUTO(response) struct api_response ret = {0};
    int rc = auth_check_path(kit.auth, &who.id, q->verb, q->path, &ret);
    ck_assert_msg((rc == 0) == q->allowed, "row %d: %s %s %s", _i, q->who, q->verb, q->path);
}
END_TEST

START_TEST(path_text)
{
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    AUTO(auth_identity) struct auth_identity who = {0};
    who_is("<b>\"jane\"", &who);
    AUTO(response) struct api_response ret = {0};
    ck_assert_int_eq(auth_check_path(kit.auth, &who.id, "get", "/x?a&b", &ret), -1);
    AUTO(str) char *text = json_text(ret.body);
    /* Escaped once for browsers, and once more by JSON. */
    WANT_TEXT("path", text,
              "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
              "\"message\":\"forbidden: User \\\"\\u0026lt;b\\u0026gt;\\\\\\\"jane\\\\\\\"\\\" "
              "cannot get path \\\"/x?a\\u0026amp;b\\\"\",\"reason\":\"Forbidden\",\"details\":{},"
              "\"code\":403}");
}
END_TEST

/* ---- through the pipeline ---- */

static const struct call {
    const char *row, *who;
    enum api_verb verb;
    const char *group, *plural, *sub, *ns, *name, *field_selector;
    int code;
    const char *message; /* of a refusal */
} calls[] = {
    {"anonymous lists secrets", "system:anonymous", API_LIST, "", "secrets", NULL, "default", NULL,
     NULL, 403,
     "secrets is forbidden: User \"system:anonymous\" cannot list resource \"secrets\" in API "
     "group \"\" in the namespace \"default\""},
    {"all namespaces", "jane", API_LIST, "", "secrets", NULL, NULL, NULL, NULL, 403,
     "secrets is forbidden: User \"jane\" cannot list resource \"secrets\" in API group \"\" at "
     "the cluster scope"},
    {"with group and name", "jane", API_GET, "apps", "deployments", NULL, "default", "d", NULL, 403,
     "deployments.apps \"d\" is forbidden: User \"jane\" cannot get resource \"deployments\" in "
     "API group \"apps\" in the namespace \"default\""},
    {"subresource", "jane", API_UPDATE, "", "pods", "status", "default", "p", NULL, 403,
     "pods \"p\" is forbidden: User \"jane\" cannot update resource \"pods/status\" in API group "
     "\"\" in the namespace \"default\""},
    {"before existence", "jane", API_GET, "", "pods", NULL, "nowhere", "p", NULL, 403,
     "pods \"p\" is forbidden: User \"jane\" cannot get resource \"pods\" in API group \"\" in the "
     "namespace \"nowhere\""},
    {"unknown type", "jane", API_LIST, "no.such", "things", NULL, NULL, NULL, NULL, 403,
     "things.no.such is forbidden: User \"jane\" cannot list resource \"things\" in API group "
     "\"no.such\" at the cluster scope"},
    {"unknown type for one who may", "allmighty", API_LIST, "no.such", "things", NULL, NULL, NULL,
     NULL, 404, NULL},
    {"a namespace is asked about inside itself", "jane", API_GET, "", "namespaces", NULL, NULL,
     "default", NULL, 403,
     "namespaces \"default\" is forbidden: User \"jane\" cannot get resource \"namespaces\" in API "
     "group \"\" in the namespace \"default\""},
    {"list of one name", "keeper", API_LIST, "", "secrets", NULL, "default", NULL,
     "metadata.name=a", 200, NULL},
    {"list of one name among terms", "keeper", API_LIST, "", "secrets", NULL, "default", NULL,
     "type!=x,metadata.name==b", 200, NULL},
    {"list of another name", "keeper", API_LIST, "", "secrets", NULL, "default", NULL,
     "metadata.name=c", 403,
     "secrets \"c\" is forbidden: User \"keeper\" cannot list resource \"secrets\" in API group "
     "\"\" in the namespace \"default\""},
    {"list of all but one", "keeper", API_LIST, "", "secrets", NULL, "default", NULL,
     "metadata.name!=a", 403,
     "secrets is forbidden: User \"keeper\" cannot list resource \"secrets\" in API group \"\" in "
     "the namespace \"default\""},
    {"list of no name", "keeper", API_LIST, "", "secrets", NULL, "default", NULL,
     "metadata.name=", 403,
     "secrets is forbidden: User \"keeper\" cannot list resource \"secrets\" in API group \"\" in "
     "the namespace \"default\""},
    {"deletecollection of one name", "keeper", API_DELETE_COLLECTION, "", "secrets", NULL,
     "default", NULL, "metadata.name=a", 403,
     "secrets is forbidden: User \"keeper\" cannot deletecollection resource \"secrets\" in API "
     "group \"\" in the namespace \"default\""},
    {"user in need of escapes", "<x>&\n", API_LIST, "", "pods", NULL, NULL, NULL, NULL, 403,
     "pods is forbidden: User \"&lt;x&gt;&amp;\\n\" cannot list resource \"pods\" in API group "
     "\"\" at the cluster scope"},
};

START_TEST(pipeline)
{
    const struct call *c = &calls[_i];
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    AUTO(json) json_t *body = js("{'metadata':{'name':'%s'}}", c->name ? c->name : "n");
    const struct api_request req = {.verb = c->verb,
                                    .resource = {c->group, "v1", c->plural},
                                    .ns = c->ns,
                                    .name = c->name,
                                    .subresource = c->sub,
                                    .field_selector = c->field_selector,
                                    .body = c->verb == API_UPDATE ? body : NULL,
                                    .user = c->who};
    AUTO(json) json_t *answer = kit_send(&kit.k, &req, c->code);
    if (c->message) {
        WANT_TEXT(c->row, json_str_or_empty(answer, "message"), c->message);
        WANT_TEXT(c->row, json_str_or_empty(answer, "details.kind"), c->plural);
    }
}
END_TEST

START_TEST(watch_is_asked_too)
{
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    const struct api_request req = {
        .verb = API_WATCH, .resource = {"", "v1", "pods"}, .ns = "default", .user = "reader"};
    AUTO(response) struct api_response ret = {0};
    ck_assert(!apiserver_watch(kit.k.server, &req, &ret));
    ck_assert_int_eq(ret.code, 403);
}
END_TEST

/* A PUT of an absent Lease creates it: that needs another right. */
START_TEST(put_that_creates)
{
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    put_role(&kit, "leases", NULL,
             "[{'verbs':['update'],'apiGroups':['coordination.k8s.io'],'resources':['leases']}]");
    put_binding(&kit, "leases", "ClusterRole", "leases", NULL, "U:elector");
    AUTO(json) json_t *body = js("{'metadata':{'name':'l'},'spec':{}}");
    const struct api_request req = {.verb = API_UPDATE,
                                    .resource = {"coordination.k8s.io", "v1", "leases"},
                                    .ns = "default",
                                    .name = "l",
                                    .body = body,
                                    .user = "elector"};
    AUTO(json) json_t *answer = kit_send(&kit.k, &req, 403);
    WANT_TEXT("put", json_str_or_empty(answer, "message"),
              "leases.coordination.k8s.io \"l\" is forbidden: User \"elector\" cannot create "
              "resource \"leases\" in API group \"coordination.k8s.io\" in the namespace "
              "\"default\"");
    ck_assert(!apiserver_peek(kit.k.server, "coordination.k8s.io", "leases", "default", "l"));
}
END_TEST

/* ---- what changes ---- */

static int list_pods(struct auth_kit *kit, const char *user, char **ret_message)
{
    const struct api_request req = {
        .verb = API_LIST, .resource = {"", "v1", "pods"}, .ns = "default", .user = user};
    AUTO(response) struct api_response ret = {0};
    apiserver_handle(kit->k.server, &req, &ret);
    *ret_message = mem_strdup(api_message(&ret));
    return ret.code;
}

START_TEST(roles_come_and_go)
{
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    AUTO(str) char *a = NULL;
    AUTO(str) char *b = NULL;
    AUTO(str) char *c = NULL;
    AUTO(str) char *d = NULL;
    ck_assert_int_eq(list_pods(&kit, "late", &a), 403);
    put_binding(&kit, "late", "ClusterRole", "late-role", NULL, "U:late");
    ck_assert_int_eq(list_pods(&kit, "late", &b), 403);
    WANT_TEXT("missing role", b,
              "pods is forbidden: User \"late\" cannot list resource \"pods\" in API group \"\" in "
              "the namespace \"default\": RBAC: clusterrole.rbac.authorization.k8s.io "
              "\"late-role\" not found");
    put_binding(&kit, "later", "Role", "later-role", "default", "U:late");
    ck_assert_int_eq(list_pods(&kit, "late", &d), 403);
    ck_assert_msg(strstr(d, ": RBAC: [clusterrole.rbac.authorization.k8s.io \"late-role\" not "
                            "found, role.rbac.authorization.k8s.io \"later-role\" not found]"),
                  "%s", d);
    put_role(&kit, "late-role", NULL, "[{'verbs':['list'],'apiGroups':[''],'resources':['pods']}]");
    ck_assert_int_eq(list_pods(&kit, "late", &c), 200);
    const struct api_request req = {
        .verb = API_DELETE, .resource = {RBAC, "v1", "clusterrolebindings"}, .name = "late"};
    json_decref(kit_send(&kit.k, &req, 200));
    AUTO(str) char *e = NULL;
    ck_assert_int_eq(list_pods(&kit, "late", &e), 403);
}
END_TEST

START_TEST(aggregation)
{
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    put_binding(&kit, "viewer", "ClusterRole", "view", "default", "U:viewer");
    AUTO(str) char *a = NULL;
    ck_assert_int_eq(list_pods(&kit, "viewer", &a), 200);
    const struct api_request req = {.verb = API_LIST,
                                    .resource = {"kubevirt.io", "v1", "virtualmachines"},
                                    .ns = "default",
                                    .user = "viewer"};
    json_decref(kit_send(&kit.k, &req, 403));
    json_decref(auth_put(&kit, RBAC, "clusterroles", NULL,
                         js("{'metadata':{'name':'kubevirt:view','labels':{"
                            "'" RBAC "/aggregate-to-view':'true'}},'rules':[{'verbs':['list'],"
                            "'apiGroups':['kubevirt.io'],'resources':['virtualmachines']}]}")));
    kit_settle(&kit.k);
    json_decref(kit_send(&kit.k, &req, 200));
    const json_t *admin = apiserver_peek(kit.k.server, RBAC, "clusterroles", NULL, "admin");
    AUTO(str) char *rules = json_text(json_object_get(admin, "rules"));
    ck_assert_msg(strstr(rules, "kubevirt.io") != NULL, "%s", rules);
}
END_TEST

/* A world's own objects stay as they are. */
START_TEST(defaults_that_exist)
{
    struct kit k = kit_create();
    struct auth_kit kit = {.k = k};
    json_decref(auth_put(&kit, RBAC, "clusterroles", NULL,
                         js("{'metadata':{'name':'cluster-admin'},'rules':[]}")));
    const struct auth_config config = {
        .server = k.server, .sched = world_sched(k.world), .rbac = true};
    kit.auth = auth_create(&config);
    const json_t *own = apiserver_peek(k.server, RBAC, "clusterroles", NULL, "cluster-admin");
    ck_assert_uint_eq(json_array_size(json_object_get(own, "rules")), 0);
    ck_assert(apiserver_peek(k.server, RBAC, "clusterroles", NULL, "view"));
    cleanup_auth_kit(&kit);
}
END_TEST

/* Each rule is compared with none of the others one by one: ten thousand take no minute. */
START_TEST(aggregation_of_many)
{
    const int count = 20000;
    AUTO(auth_kit) struct auth_kit kit = rbac_kit();
    const json_t *edit = apiserver_peek(kit.k.server, RBAC, "clusterroles", NULL, "view");
    size_t before = json_array_size(json_object_get(edit, "rules"));
    json_t *body =
        js("{'metadata':{'name':'many','labels':{'" RBAC "/aggregate-to-view':'true'}}}");
    json_t *rules = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(
            rules, js("{'verbs':['list'],'apiGroups':['g%d'],'resources':['r']}", i / 2));
    json_object_set_new(body, "rules", rules);
    json_decref(auth_put(&kit, RBAC, "clusterroles", NULL, body));
    kit_settle(&kit.k);
    const json_t *view = apiserver_peek(kit.k.server, RBAC, "clusterroles", NULL, "view");
    ck_assert_uint_eq(json_array_size(json_object_get(view, "rules")), before + count / 2);
}
END_TEST

START_TEST(no_rbac)
{
    AUTO(auth_kit) struct auth_kit kit = auth_kit_create(true, false);
    AUTO(str) char *a = NULL;
    ck_assert_int_eq(list_pods(&kit, "jane", &a), 200);
    ck_assert(!apiserver_peek(kit.k.server, RBAC, "clusterroles", NULL, "admin"));
}
END_TEST

/* ---- what every namespace has ---- */

START_TEST(accounts)
{
    struct kit k = kit_create_by(kcm_add_cluster);
    const struct auth_config config = {
        .server = k.server, .sched = world_sched(k.world), .rbac = true, .ca_pem = "PEM"};
    struct auth_kit kit = {.k = k, .auth = auth_create(&config)};
    ck_assert(apiserver_peek(k.server, "", "serviceaccounts", "kube-system", "default"));
    const json_t *ca = apiserver_peek(k.server, "", "configmaps", "default", "kube-root-ca.crt");
    const json_t *pem = json_at(ca, "data", "ca.crt", NULL);
    ck_assert_str_eq(json_string_value(pem), "PEM");
    json_decref(auth_put(&kit, "", "namespaces", NULL, js("{'metadata':{'name':'new'}}")));
    kit_settle(&k);
    ck_assert(apiserver_peek(k.server, "", "serviceaccounts", "new", "default"));
    ck_assert(apiserver_peek(k.server, "", "configmaps", "new", "kube-root-ca.crt"));
    const struct api_request req = {.verb = API_DELETE,
                                    .resource = {"", "v1", "serviceaccounts"},
                                    .ns = "new",
                                    .name = "default"};
    json_decref(kit_send(&k, &req, 200));
    kit_settle(&k);
    ck_assert(apiserver_peek(k.server, "", "serviceaccounts", "new", "default"));
    const struct api_request gone = {
        .verb = API_DELETE, .resource = {"", "v1", "namespaces"}, .name = "new"};
    json_decref(kit_send(&k, &gone, 200));
    kit_settle(&k);
    ck_assert(!apiserver_peek(k.server, "", "namespaces", NULL, "new"));
    cleanup_auth_kit(&kit);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim_auth.rbac",
                      SUITE_LONG_CASE("rbac", 60, EACH(resource, asks), EACH(path, paths),
                                      EACH(pipeline, calls), TEST(odd_rules), TEST(path_text),
                                      TEST(watch_is_asked_too), TEST(put_that_creates),
                                      TEST(roles_come_and_go), TEST(aggregation),
                                      TEST(aggregation_of_many), TEST(defaults_that_exist),
                                      TEST(no_rbac), TEST(accounts)));
}
