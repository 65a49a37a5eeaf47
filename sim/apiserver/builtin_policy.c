/* Policies of running: disruption budgets, autoscalers, quotas of priority, and who may (RBAC). */
#include <string.h>

#include "base/json.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

#define RBAC "rbac.authorization.k8s.io"

/* ---- budgets ---- */

static void budget_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    (void)old;
    const json_t *low = json_path(object, "spec.minAvailable");
    const json_t *high = json_path(object, "spec.maxUnavailable");
    if (low && high)
        field_errors_add(errors, FIELD_INVALID, "spec", json_object_get(object, "spec"),
                         "minAvailable and maxUnavailable cannot be both set");
    must_not_be_negative(object, "spec.minAvailable", errors);
    must_not_be_negative(object, "spec.maxUnavailable", errors);
}

/* ---- autoscalers ---- */

static void scaler_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = default_object(object, "spec");
    default_int(spec, "minReplicas", 1);
    if (json_array_size(json_object_get(spec, "metrics")) == 0 && json_is_object(spec))
        json_object_set_new(spec, "metrics",
                            json_pack("[{s:s, s:{s:s, s:{s:s, s:i}}}]", "type", "Resource",
                                      "resource", "name", "cpu", "target", "type", "Utilization",
                                      "averageUtilization", 80));
}

static void scaler_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    (void)old;
    int64_t low = json_int(object, "spec.minReplicas", 1);
    int64_t high = json_int(object, "spec.maxReplicas", 0);
    must_stand(object, "spec.scaleTargetRef.kind", errors);
    must_stand(object, "spec.scaleTargetRef.name", errors);
    if (low < 1)
        field_errors_add(errors, FIELD_INVALID, "spec.minReplicas",
                         json_path(object, "spec.minReplicas"),
                         "must be greater than or equal to 1");
    AUTO(json) json_t *shown = json_integer(high);
    if (high < 1)
        field_errors_add(errors, FIELD_INVALID, "spec.maxReplicas", shown,
                         "must be greater than 0");
    if (high < low)
        field_errors_add(errors, FIELD_INVALID, "spec.maxReplicas", shown,
                         "must be greater than or equal to `minReplicas`");
}

/* ---- priorities ---- */

static void priority_prepare(json_t *object, const json_t *old)
{
    (void)old;
    default_str(object, "preemptionPolicy", "PreemptLowerPriority");
}

static void priority_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    if (old && json_int(object, "value", 0) != json_int(old, "value", 0))
        field_errors_add(errors, FIELD_FORBIDDEN, "value", NULL,
                         "may not be changed in an update.");
    if (old && !unchanged(object, old, "preemptionPolicy"))
        field_errors_add(errors, FIELD_INVALID, "preemptionPolicy",
                         json_object_get(object, "preemptionPolicy"), "field is immutable");
}

static const struct builtin kinds[] = {
    {RBAC, "v1", "ClusterRole", "clusterroles", NULL, NULL, .unconditional = true,
     .create_on_put = true, .names = NAME_PATH, .validate = role_validate, .rank = 18},
    {RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", NULL, NULL, .unconditional = true,
     .create_on_put = true, .names = NAME_PATH, .prepare = binding_prepare,
     .validate = binding_validate, .rank = 19},
    {RBAC, "v1", "Role", "roles", NULL, NULL, .namespaced = true, .unconditional = true,
     .create_on_put = true, .names = NAME_PATH, .validate = role_validate, .rank = 20},
    {RBAC, "v1", "RoleBinding", "rolebindings", NULL, NULL, .namespaced = true,
     .unconditional = true, .create_on_put = true, .names = NAME_PATH, .prepare = binding_prepare,
     .validate = binding_validate, .rank = 21},
    {"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", NULL, .namespaced = true,
     .has_status = true, .generation = GENERATION_SPEC, .validate = budget_validate},
    {"autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", NULL,
     .namespaced = true, .has_status = true, .unconditional = true, .prepare = scaler_prepare,
     .validate = scaler_validate},
    {"scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "pc", NULL,
     .unconditional = true, .generation = GENERATION_ALL, .prepare = priority_prepare,
     .validate = priority_validate},
};
const struct builtin_table builtin_policies = {kinds, ARRAY_LEN(kinds)};
