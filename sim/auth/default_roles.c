/* The roles and bindings that a new cluster has, as real objects: what people read with kubectl is
 * what is evaluated. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "sim/auth/auth_priv.h"

#define READ "get,list,watch "
#define WRITE "create,delete,deletecollection,patch,update "
#define ALL "create,delete,deletecollection,get,list,patch,update,watch "
#define LABEL_ADMIN RBAC_GROUP "/aggregate-to-admin"
#define LABEL_EDIT RBAC_GROUP "/aggregate-to-edit"
#define LABEL_VIEW RBAC_GROUP "/aggregate-to-view"

/* A rule is a line: verbs, groups, resources and (seldom) names, or verbs and paths. Commas
 * separate, "core" is the group without a name. */
struct role_def {
    const char *name;
    const char *label;     /* that others aggregate by, or NULL */
    const char *aggregate; /* the label that it aggregates, or NULL */
    const char *rules;
};

static const struct role_def roles[] = {
    {"cluster-admin", NULL, NULL, "* * *\n* *"},
    {"admin", NULL, LABEL_ADMIN, ""},
    {"edit", LABEL_ADMIN, LABEL_EDIT, ""},
    {"view", LABEL_EDIT, LABEL_VIEW, ""},
    {"system:aggregate-to-admin", LABEL_ADMIN, NULL,
     "create authorization.k8s.io localsubjectaccessreviews\n" ALL RBAC_GROUP
     " rolebindings,roles"},
    {"system:aggregate-to-edit", LABEL_EDIT, NULL,
     READ "core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy\n"
          "impersonate core serviceaccounts\n" WRITE
          "core pods,pods/attach,pods/exec,pods/portforward,pods/proxy\n"
          "create core pods/eviction\n" WRITE
          "core configmaps,events,persistentvolumeclaims,replicationcontrollers,"
          "replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy\n"
          "create core serviceaccounts/token\n" WRITE
          "apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,"
          "replicasets/scale,statefulsets,statefulsets/scale\n" WRITE
          "autoscaling horizontalpodautoscalers\n" WRITE "batch cronjobs,jobs\n" WRITE
          "policy poddisruptionbudgets\n" WRITE "networking.k8s.io ingresses,networkpolicies\n" ALL
          "coordination.k8s.io leases"},
    {"system:aggregate-to-view", LABEL_VIEW, NULL,
     READ "core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,"
          "replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,"
          "services/status\n" READ
          "core bindings,events,limitranges,namespaces/status,pods/log,pods/status,"
          "replicationcontrollers/status,resourcequotas,resourcequotas/status\n" READ
          "core namespaces\n" READ "discovery.k8s.io endpointslices\n" READ
          "apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,"
          "deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,"
          "statefulsets/scale,statefulsets/status\n" READ
          "autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status\n" READ
          "batch cronjobs,cronjobs/status,jobs,jobs/status\n" READ
          "policy poddisruptionbudgets,poddisruptionbudgets/status\n" READ
          "networking.k8s.io ingresses,ingresses/status,networkpolicies"},
    {"system:basic-user", NULL, NULL,
     "create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews\n"
     "create authentication.k8s.io selfsubjectreviews"},
    {"system:discovery", NULL, NULL,
     "get /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,"
     "/version/"},
    {"system:public-info-viewer", NULL, NULL, "get /healthz,/livez,/readyz,/version,/version/"},
    {"system:monitoring", NULL, NULL,
     "get /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*"},
    {"system:service-account-issuer-discovery", NULL, NULL,
     "get /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,"
     "/openid/v1/jwks/"},
    {"system:auth-delegator", NULL, NULL,
     "create authentication.k8s.io tokenreviews\ncreate authorization.k8s.io subjectaccessreviews"},
    {"system:kube-aggregator", NULL, NULL, READ "core endpoints,services"},
    {"system:kube-dns", NULL, NULL, "list,watch core endpoints,services"},
    {"system:persistent-volume-provisioner", NULL, NULL,
     "create,delete,get,list,watch core persistentvolumes\n"
     "get,list,update,watch core persistentvolumeclaims\n" READ "storage.k8s.io storageclasses\n"
     "watch core events\ncreate,patch,update core,events.k8s.io events"},
    {"system:node", NULL, NULL,
     "create authentication.k8s.io tokenreviews\n"
     "create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews\n" READ
     "core services\ncreate,get,list,watch core nodes\npatch,update core nodes/status\n"
     "patch,update core nodes\n" READ "core pods\ncreate,delete core pods\n"
     "patch,update core pods/status\ncreate core pods/eviction\nget,list,watch core "
     "configmaps,secrets\nget core persistentvolumeclaims,persistentvolumes\n"
     "get core endpoints\n" READ "certificates.k8s.io certificatesigningrequests\n"
     "create certificates.k8s.io certificatesigningrequests\n"
     "create,delete,get,patch,update coordination.k8s.io leases\n"
     "get storage.k8s.io volumeattachments\ncreate core serviceaccounts/token\n"
     "get,patch,update core persistentvolumeclaims/status\n" READ "storage.k8s.io csidrivers\n"
     "create,delete,get,patch,update storage.k8s.io csinodes\n" READ
     "node.k8s.io runtimeclasses\ncreate,patch,update core,events.k8s.io events"},
    {"system:node-proxier", NULL, NULL,
     "list,watch core endpoints,services\n" READ "core nodes\n"
     "create,patch,update core,events.k8s.io events\nlist,watch discovery.k8s.io endpointslices"},
};

/* Subjects: "Group:name", "User:name", "ServiceAccount:namespace/name"; separated by spaces. */
static const struct binding_def {
    const char *name, *role, *subjects;
} bindings[] = {
    {"cluster-admin", "cluster-admin", "Group:" GROUP_MASTERS},
    {"system:basic-user", "system:basic-user", "Group:" GROUP_AUTHENTICATED},
    {"system:discovery", "system:discovery", "Group:" GROUP_AUTHENTICATED},
    {"system:public-info-viewer", "system:public-info-viewer",
     "Group:" GROUP_AUTHENTICATED " Group:" GROUP_UNAUTHENTICATED},
    {"system:monitoring", "system:monitoring", "Group:system:monitoring"},
    {"system:service-account-issuer-discovery", "system:service-account-issuer-discovery",
     "Group:" GROUP_ACCOUNTS},
    {"system:node", "system:node", "Group:" GROUP_NODES},
    {"system:node-proxier", "system:node-proxier", "User:system:kube-proxy"},
    /* The parts of the simulation itself, by name: controllers of the cluster, storage, KubeVirt,
     * the stand-in for the provider's tooling. What is under test is not among them. */
    {"vmconform:simulation", "cluster-admin",
     "User:system:kube-controller-manager User:system:kube-scheduler "
     "ServiceAccount:kube-system/generic-garbage-collector "
     "ServiceAccount:kube-system/namespace-controller "
     "ServiceAccount:kube-system/service-account-controller "
     "ServiceAccount:kube-system/root-ca-cert-publisher "
     "ServiceAccount:kube-system/clusterrole-aggregation-controller "
     "ServiceAccount:kube-system/persistent-volume-binder "
     "ServiceAccount:kube-system/pvc-protection-controller "
     "ServiceAccount:kube-system/pv-protection-controller "
     "ServiceAccount:kube-system/csi-provisioner ServiceAccount:kube-system/csi-resizer "
     "ServiceAccount:kube-system/snapshot-controller ServiceAccount:kube-system/csi-snapshotter "
     "ServiceAccount:kubevirt/kubevirt-controller ServiceAccount:kubevirt/kubevirt-handler "
     "ServiceAccount:kubevirt/kubevirt-apiserver "
     "ServiceAccount:osac-system/provisioner Group:" GROUP_NODES},
};

/* ---- from the tables to objects ---- */

/* The next word up to one of the stops; *at moves behind it. New, or NULL at the end. */
static char *next_word(const char **at, const char *stops)
{
    const char *start = *at + strspn(*at, " ,");
    size_t len = strcspn(start, stops);
    *at = start + len;
    return len ? mem_strndup(start, len) : NULL;
}

static void put_list(json_t *rule, const char *key, const char *words)
{
    json_t *list = json_array();
    char *word;
    while ((word = next_word(&words, ","))) {
        json_array_append_new(list, json_string(strcmp(word, "core") == 0 ? "" : word));
        free(word);
    }
    json_object_set_new(rule, key, list);
}

static json_t *rule_of(const char *line)
{
    static const char *const keys[] = {"verbs", "apiGroups", "resources", "resourceNames"};
    json_t *rule = json_object();
    char *words[ARRAY_LEN(keys)] = {NULL};
    size_t count = 0;
    while (count < ARRAY_LEN(keys) && (words[count] = next_word(&line, " ")))
        count++;
    for (size_t i = 0; i < count; i++) {
        put_list(rule, count == 2 && i == 1 ? "nonResourceURLs" : keys[i], words[i]);
        free(words[i]);
    }
    return rule;
}

static json_t *rules_of(const char *text)
{
    json_t *rules = json_array();
    char *line;
    while ((line = next_word(&text, "\n"))) {
        json_array_append_new(rules, rule_of(line));
        text += *text == '\n';
        free(line);
    }
    return rules;
}

static json_t *new_object(const char *kind, const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s, s:{s:s}, s:{s:s}}}", "apiVersion", RBAC_GROUP "/v1",
                     "kind", kind, "metadata", "name", name, "annotations",
                     "rbac.authorization.kubernetes.io/autoupdate", "true", "labels",
                     "kubernetes.io/bootstrapping", "rbac-defaults");
}

static void create(struct auth *a, const char *plural, const json_t *body)
{
    const struct api_request req = {.verb = API_CREATE,
                                    .resource = {RBAC_GROUP, "v1", plural},
                                    .body = body,
                                    .user = USER_SERVER,
                                    .field_manager = "kube-apiserver"};
    AUTO(response) struct api_response ret = {0};
    apiserver_handle(a->config.server, &req, &ret);
    /* What objects of files brought along stays as it is. */
    if (ret.code == 409)
        return;
    assert(api_ok(&ret));
}

static void create_role(struct auth *a, const struct role_def *d)
{
    AUTO(json) json_t *object = new_object("ClusterRole", d->name);
    if (d->label)
        json_object_set_new(json_at_mut(object, "metadata", "labels", NULL), d->label,
                            json_string("true"));
    if (d->aggregate)
        json_object_set_new(object, "aggregationRule",
                            json_pack("{s:[{s:{s:s}}]}", "clusterRoleSelectors", "matchLabels",
                                      d->aggregate, "true"));
    json_object_set_new(object, "rules", rules_of(d->rules));
    create(a, "clusterroles", object);
}

static json_t *subject_of(const char *word)
{
    const char *name = strchr(word, ':') + 1, *slash = strchr(name, '/');
    json_t *subject = json_object();
    AUTO(str) char *kind = mem_strndup(word, (size_t)(name - word - 1));
    bool account = strcmp(kind, "ServiceAccount") == 0;
    json_put_str(subject, "kind", kind);
    if (!account)
        json_put_str(subject, "apiGroup", RBAC_GROUP);
    json_put_str(subject, "name", account ? slash + 1 : name);
    if (account)
        json_object_set_new(subject, "namespace", json_stringn(name, (size_t)(slash - name)));
    return subject;
}

static void create_binding(struct auth *a, const struct binding_def *d)
{
    AUTO(json) json_t *object = new_object("ClusterRoleBinding", d->name);
    json_object_set_new(object, "roleRef",
                        json_pack("{s:s, s:s, s:s}", "apiGroup", RBAC_GROUP, "kind", "ClusterRole",
                                  "name", d->role));
    json_t *subjects = json_array();
    const char *at = d->subjects;
    char *word;
    while ((word = next_word(&at, " "))) {
        json_array_append_new(subjects, subject_of(word));
        free(word);
    }
    json_object_set_new(object, "subjects", subjects);
    create(a, "clusterrolebindings", object);
}

void default_roles_create(struct auth *a)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        create_role(a, &roles[i]);
    for (size_t i = 0; i < ARRAY_LEN(bindings); i++)
        create_binding(a, &bindings[i]);
}
