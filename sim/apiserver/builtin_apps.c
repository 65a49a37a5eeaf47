/* apps/v1. */
#include <string.h>

#include "base/json.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

static void revision_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    if (json_int(object, "revision", 0) < 0)
        field_errors_add(errors, FIELD_INVALID, "revision", json_object_get(object, "revision"),
                         "must be greater than or equal to 0");
    must_not_change(object, old, "data", errors);
}

static void deployment_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = default_object(object, "spec");
    template_default(object);
    default_int(spec, "replicas", 1);
    default_int(spec, "revisionHistoryLimit", 10);
    default_int(spec, "progressDeadlineSeconds", 600);
    json_t *strategy = default_object(spec, "strategy");
    default_str(strategy, "type", "RollingUpdate");
    if (strcmp(json_str_or_empty(strategy, "type"), "RollingUpdate") != 0)
        return;
    json_t *rolling = default_object(strategy, "rollingUpdate");
    default_str(rolling, "maxUnavailable", "25%");
    default_str(rolling, "maxSurge", "25%");
}

static void deployment_validate(const json_t *object, const json_t *old,
                                struct field_errors *errors)
{
    workload_validate(object, old, "deployment", errors);
    if (strcmp(json_str_or_empty(object, "spec.strategy.type"), "Recreate") == 0 &&
        json_path(object, "spec.strategy.rollingUpdate"))
        field_errors_add(errors, FIELD_FORBIDDEN, "spec.strategy.rollingUpdate", NULL,
                         "may not be specified when strategy `type` is 'Recreate'");
}

static void replica_set_prepare(json_t *object, const json_t *old)
{
    (void)old;
    template_default(object);
    default_int(default_object(object, "spec"), "replicas", 1);
}

static void replica_set_validate(const json_t *object, const json_t *old,
                                 struct field_errors *errors)
{
    workload_validate(object, old, "replicaset", errors);
}

static void stateful_set_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = default_object(object, "spec");
    template_default(object);
    default_int(spec, "replicas", 1);
    default_int(spec, "revisionHistoryLimit", 10);
    default_str(spec, "podManagementPolicy", "OrderedReady");
    json_t *update = default_object(spec, "updateStrategy");
    default_str(update, "type", "RollingUpdate");
    if (strcmp(json_str_or_empty(update, "type"), "RollingUpdate") == 0)
        default_int(default_object(update, "rollingUpdate"), "partition", 0);
    json_t *retention = default_object(spec, "persistentVolumeClaimRetentionPolicy");
    default_str(retention, "whenDeleted", "Retain");
    default_str(retention, "whenScaled", "Retain");
    json_t *claims = json_object_get(spec, "volumeClaimTemplates");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        json_t *claim = json_array_get(claims, i);
        default_str(claim, "apiVersion", "v1");
        default_str(claim, "kind", "PersistentVolumeClaim");
        default_str(default_object(claim, "spec"), "volumeMode", "Filesystem");
        default_str(default_object(claim, "status"), "phase", "Pending");
    }
}

/* What a set may not take back once it made pods and claims. */
static void stateful_set_validate(const json_t *object, const json_t *old,
                                  struct field_errors *errors)
{
    static const char *const open[] = {"replicas",
                                       "ordinals",
                                       "template",
                                       "updateStrategy",
                                       "minReadySeconds",
                                       "persistentVolumeClaimRetentionPolicy",
                                       "revisionHistoryLimit"};
    workload_validate(object, NULL, "statefulset", errors);
    if (!old)
        return;
    AUTO(json) json_t *a = json_copy(json_object_get(object, "spec"));
    AUTO(json) json_t *b = json_copy(json_object_get(old, "spec"));
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        json_object_del(a, open[i]);
        json_object_del(b, open[i]);
    }
    if (!json_same(a, b))
        field_errors_add(errors, FIELD_FORBIDDEN, "spec", NULL,
                         "updates to statefulset spec for fields other than 'replicas', "
                         "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
                         "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
                         "forbidden");
}

static void daemon_set_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = default_object(object, "spec");
    template_default(object);
    default_int(spec, "revisionHistoryLimit", 10);
    json_t *update = default_object(spec, "updateStrategy");
    default_str(update, "type", "RollingUpdate");
    if (strcmp(json_str_or_empty(update, "type"), "RollingUpdate") != 0)
        return;
    json_t *rolling = default_object(update, "rollingUpdate");
    default_int(rolling, "maxUnavailable", 1);
    default_int(rolling, "maxSurge", 0);
}

static void daemon_set_validate(const json_t *object, const json_t *old,
                                struct field_errors *errors)
{
    workload_validate(object, old, "daemonset", errors);
}

static const struct builtin kinds[] = {
    {"apps", "v1", "ControllerRevision", "controllerrevisions", NULL, NULL, .namespaced = true,
     .validate = revision_validate, .rank = 14},
    {"apps", "v1", "Deployment", "deployments", "deploy", NULL, .namespaced = true,
     .has_status = true, .unconditional = true, .generation = GENERATION_SPEC_AND_ANNOTATIONS,
     .prepare = deployment_prepare, .validate = deployment_validate, .rank = 15},
    {"apps", "v1", "StatefulSet", "statefulsets", "sts", NULL, .namespaced = true,
     .has_status = true, .unconditional = true, .generation = GENERATION_SPEC, .names = NAME_LABEL,
     .prepare = stateful_set_prepare, .validate = stateful_set_validate, .rank = 16},
    {"apps", "v1", "ReplicaSet", "replicasets", "rs", "status.replicas", .namespaced = true,
     .has_status = true, .unconditional = true, .generation = GENERATION_SPEC,
     .prepare = replica_set_prepare, .validate = replica_set_validate},
    {"apps", "v1", "DaemonSet", "daemonsets", "ds", NULL, .namespaced = true, .has_status = true,
     .unconditional = true, .generation = GENERATION_SPEC, .prepare = daemon_set_prepare,
     .validate = daemon_set_validate},
};
const struct builtin_table builtin_apps = {kinds, ARRAY_LEN(kinds)};
