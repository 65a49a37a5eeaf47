/* The roles and bindings that a new cluster has, as real objects: what people read with kubectl is
 * what is evaluated. */
#include "sim/auth/auth_priv.h"
#include "sim/auth/roles.h"

#define READ "get,list,watch "
#define WRITE "create,delete,deletecollection,patch,update "
#define ALL "create,delete,deletecollection,get,list,patch,update,watch "
#define LABEL_ADMIN ROLE_LABEL_ADMIN
#define LABEL_EDIT ROLE_LABEL_EDIT
#define LABEL_VIEW ROLE_LABEL_VIEW

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
    {"system:controller:generic-garbage-collector", NULL, NULL,
     "delete,get,list,patch,update,watch * *\ncreate,patch,update core,events.k8s.io events"},
    {"system:controller:namespace-controller", NULL, NULL,
     "delete,get,list,watch core namespaces\n"
     "update core namespaces/finalize,namespaces/status\ndelete,deletecollection,get,list * *"},
    {"system:node-proxier", NULL, NULL,
     "list,watch core endpoints,services\n" READ "core nodes\n"
     "create,patch,update core,events.k8s.io events\nlist,watch discovery.k8s.io endpointslices"},
};

static const struct binding_def bindings[] = {
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
    {"system:controller:generic-garbage-collector", "system:controller:generic-garbage-collector",
     "ServiceAccount:kube-system/generic-garbage-collector"},
    {"system:controller:namespace-controller", "system:controller:namespace-controller",
     "ServiceAccount:kube-system/namespace-controller"},
    /* The parts of the simulation itself, by name: other controllers of the cluster, storage,
     * KubeVirt, the stand-in for the provider's tooling, and Velero, whose account has all rights
     * in real clusters, too. What is under test is not among them. */
    {"vmconform:simulation", "cluster-admin",
     "User:system:kube-controller-manager User:system:kube-scheduler "
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
     "ServiceAccount:osac-system/provisioner ServiceAccount:openshift-adp/velero "
     "Group:" GROUP_NODES},
};

void default_roles_create(struct auth *a)
{
    static const struct role_set set = {.roles = roles,
                                        .role_count = ARRAY_LEN(roles),
                                        .bindings = bindings,
                                        .binding_count = ARRAY_LEN(bindings),
                                        .user = USER_SERVER,
                                        .manager = "kube-apiserver"};
    role_set_create(a->config.server, &set);
}
