/* J. Authentication, authorisation, admission. */
#include "tests/api/harness.h"

#define RBAC "/apis/rbac.authorization.k8s.io/v1/"
#define SECRETS DEFAULT_NS "secrets"

static const char *admin(void)
{
    return as("kubernetes-admin");
}

/* A role in namespace default with these rules, bound to user jane. */
static void grant_jane(const char *rules)
{
    want_code(ask("POST", RBAC "namespaces/default/roles", admin(),
                  "{'metadata':{'name':'some'},'rules':%s}", rules),
              201);
    want_code(ask("POST", RBAC "namespaces/default/rolebindings", admin(),
                  "{'metadata':{'name':'some'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io',"
                  "'kind':'Role','name':'some'},'subjects':[{'kind':'User','name':'jane',"
                  "'apiGroup':'rbac.authorization.k8s.io'}]}"),
              201);
}

static void j01(void)
{
    const struct answer *a = ask("GET", SECRETS, "Authorization: Bearer nonsense", NULL);

    want_status(a, 401, "Unauthorized", "Unauthorized");
    want_code(ask("GET", "/version", "Authorization: Bearer nonsense", NULL), 401);
    want_code(ask("GET", SECRETS, admin(), NULL), 200);
}

static void j02(void)
{
    const struct answer *a = get(SECRETS);

    want_status(a, 403, "Forbidden",
                "secrets is forbidden: User 'system:anonymous' cannot list resource 'secrets' in "
                "API group '' in the namespace 'default'");
    want_str(a, "details.kind", "secrets");
    want_code(get("/version"), 200); /* for everybody */
    want_status(get("/metrics"), 403, "Forbidden",
                "forbidden: User 'system:anonymous' cannot get path '/metrics'");
}

static void j03(void)
{
    const char *jane = as("jane");

    want_status(ask("GET", CMS "/a", jane, NULL), 403, "Forbidden",
                "configmaps 'a' is forbidden: User 'jane' cannot get resource 'configmaps' in API "
                "group '' in the namespace 'default'");
    want_status(ask("GET", "/api/v1/nodes", jane, NULL), 403, "Forbidden",
                "nodes is forbidden: User 'jane' cannot list resource 'nodes' in API group '' at "
                "the cluster scope");
    want_status(ask("GET", "/apis/apps/v1/namespaces/default/deployments/a/status", jane, NULL),
                403, "Forbidden",
                "deployments.apps 'a' is forbidden: User 'jane' cannot get resource "
                "'deployments/status' in API group 'apps' in the namespace 'default'");
    /* before the object is looked for, and for what nobody knows */
    want_status(ask("GET", "/apis/nosuch.example.com/v1/namespaces/default/things/a", jane, NULL),
                403, "Forbidden",
                "things.nosuch.example.com 'a' is forbidden: User 'jane' cannot get resource "
                "'things' in API group 'nosuch.example.com' in the namespace 'default'");
    grant_jane("[{'apiGroups':[''],'resources':['configmaps'],'verbs':['get']}]");
    want_code(ask("GET", CMS "/a", jane, NULL), 404);
    want_code(ask("GET", CMS, jane, NULL), 403);
    want_code(ask("GET", "/api/v1/namespaces/kube-public/configmaps/a", jane, NULL), 403);
}

static void j04(void)
{
    const struct answer *a =
        ask("GET", SECRETS, text("%s\nImpersonate-Group: system:masters", admin()), NULL);

    want_status(a, 400, "BadRequest", NULL);
    want(strstr(str(a, "message"), "requested [") == str(a, "message") &&
             strstr(str(a, "message"), "] without impersonating a user"),
         "%s", str(a, "message"));
}

#define WHO_AM_I "/apis/authentication.k8s.io/v1/selfsubjectreviews"

static void j05(void)
{
    const struct answer *a =
        ask("POST", WHO_AM_I,
            text("%s\nImpersonate-User: system:serviceaccount:osac:operator", admin()),
            "{'apiVersion':'authentication.k8s.io/v1','kind':'SelfSubjectReview'}");

    want_code(a, 201);
    want_str(a, "status.userInfo.username", "system:serviceaccount:osac:operator");
    want_json(a, "status.userInfo.groups",
              "['system:serviceaccounts','system:serviceaccounts:osac','system:authenticated']");
    a = ask("GET", SECRETS,
            text("%s\nImpersonate-User: system:serviceaccount:osac:operator", admin()), NULL);
    want_status(a, 403, "Forbidden",
                "secrets is forbidden: User 'system:serviceaccount:osac:operator' cannot list "
                "resource 'secrets' in API group '' in the namespace 'default'");
    a = ask("GET", SECRETS, text("%s\nImpersonate-User: bob", as("jane")), NULL);
    want_status(a, 403, "Forbidden",
                "users 'bob' is forbidden: User 'jane' cannot impersonate resource 'users' in API "
                "group '' at the cluster scope");
}

static const struct answer *may_jane(const char *verb)
{
    return ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", as("jane"),
               "{'apiVersion':'authorization.k8s.io/v1','kind':'SelfSubjectAccessReview','spec':{"
               "'resourceAttributes':{'namespace':'default','verb':'%s','resource':'configmaps'}}}",
               verb);
}

static void j06(void)
{
    const struct answer *a;

    grant_jane("[{'apiGroups':[''],'resources':['configmaps'],'verbs':['get']}]");
    a = may_jane("get");
    want_code(a, 201);
    want_str(a, "kind", "SelfSubjectAccessReview");
    want_json(a, "status.allowed", "true");
    a = may_jane("delete");
    want_code(a, 201);
    want_json(a, "status.allowed", "false");
}

static void j07(void)
{
    const char *jane = as("jane");
    const struct answer *a;

    grant_jane("[{'apiGroups':[''],'resources':['configmaps'],'resourceNames':['a'],'verbs':["
               "'list','watch']}]");
    want_code(ask("POST", CMS, admin(), "{'metadata':{'name':'a'}}"), 201);
    a = ask("GET", CMS "?fieldSelector=metadata.name%3Da", jane, NULL);
    want_code(a, 200);
    want(strcmp(names(a), "a") == 0, "items %s", names(a));
    want_event(watch_open_as(jane, CMS "?watch=true&fieldSelector=metadata.name%%3Da"), "ADDED",
               "a");
    want_code(ask("GET", CMS, jane, NULL), 403);
    want_code(ask("GET", CMS "?fieldSelector=metadata.name%3Db", jane, NULL), 403);
}

static void j13(void)
{
    const struct answer *a =
        post(DEFAULT_NS "persistentvolumeclaims",
             "{'metadata':{'name':'a'},'spec':{'accessModes':['ReadWriteOnce'],'resources':{"
             "'requests':{'storage':'1Gi'}}}}");

    want_code(a, 201);
    want_json(a, "metadata.finalizers", "['kubernetes.io/pvc-protection']");
    a = post("/api/v1/persistentvolumes",
             "{'metadata':{'name':'a'},'spec':{'accessModes':['ReadWriteOnce'],'capacity':{"
             "'storage':'1Gi'},'hostPath':{'path':'/x'}}}");
    want_code(a, 201);
    want_json(a, "metadata.finalizers", "['kubernetes.io/pv-protection']");
}

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"

static void j14(void)
{
    const char *jane = as("jane");

    grant_jane("[{'apiGroups':['coordination.k8s.io'],'resources':['leases'],'verbs':['update',"
               "'get','patch']}]");
    want_status(ask("PUT", LEASES "/l", jane, "{'metadata':{'name':'l'}}"), 403, "Forbidden",
                "leases.coordination.k8s.io 'l' is forbidden: User 'jane' cannot create resource "
                "'leases' in API group 'coordination.k8s.io' in the namespace 'default'");
    want_code(ask("PATCH", LEASES "/l?fieldManager=m",
                  text("%s\nContent-Type: application/apply-patch+yaml", jane),
                  "{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'l'}}"),
              403);
    want_code(ask("GET", LEASES "/l", jane, NULL), 404);
    want_code(ask("PUT", LEASES "/l", admin(), "{'metadata':{'name':'l'}}"), 201);
}

/* Webhooks (J08 to J12, J15) are not served. */
static const struct row rows[] = {
    {"J01", "bad bearer token: 401, anonymous or not", ROW_RBAC, j01},
    {"J02", "anonymous list of secrets: 403 with system:anonymous", ROW_RBAC, j02},
    {"J03", "RBAC denies: 403, exact texts", ROW_RBAC, j03},
    {"J04", "Impersonate-Group without user: 400", ROW_RBAC, j04},
    {"J05", "acting as a service account: its name and groups", ROW_RBAC, j05},
    {"J06", "SelfSubjectAccessReview: 201 status.allowed", ROW_RBAC, j06},
    {"J07", "resourceNames and a list by metadata.name: allowed", ROW_RBAC, j07},
    {"J13", "claims and volumes: protection finalizers", ROW_STORAGE, j13},
    {"J14", "a PUT that creates, without the right to create: 403", ROW_RBAC, j14},
};
ROWS_MAIN(rows)
