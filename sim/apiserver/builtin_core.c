/* The core group's plain kinds: namespaces, data, accounts, nodes, quotas. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"
#include "sim/apiserver/crd.h"
#include "sim/apiserver/crd_object_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"

/* ---- namespaces ---- */

static void namespace_prepare(json_t *object, const json_t *old)
{
    json_t *meta = json_object_get(object, "metadata");
    if (!json_is_object(json_object_get(meta, "labels")))
        json_object_set_new(meta, "labels", json_object());
    json_object_set_new(json_object_get(meta, "labels"), "kubernetes.io/metadata.name",
                        json_string(meta_name(object)));
    if (old)
        return;
    if (json_array_size(json_path(object, "spec.finalizers")) == 0)
        json_put_take(object, "spec.finalizers", json_pack("[s]", "kubernetes"));
    json_put_str(object, "status.phase", "Active");
}

static void namespace_mark_deleting(json_t *object)
{
    json_put_str(object, "status.phase", "Terminating");
}

static const char *const namespaces_kept[] = {"default", "kube-system", "kube-public", NULL};

/* ---- endpoints ---- */

static void default_protocols(json_t *ports)
{
    for (size_t i = 0; i < json_array_size(ports); i++)
        default_str(json_array_get(ports, i), "protocol", "TCP");
}

static void endpoints_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *subsets = json_object_get(object, "subsets");
    for (size_t i = 0; i < json_array_size(subsets); i++)
        default_protocols(json_object_get(json_array_get(subsets, i), "ports"));
}

static void slice_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *ports = json_object_get(object, "ports");
    default_protocols(ports);
    for (size_t i = 0; i < json_array_size(ports); i++)
        default_str(json_array_get(ports, i), "name", "");
}

static void slice_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const types[] = {"IPv4", "IPv6", "FQDN", NULL};
    if (!json_path(object, "addressType"))
        must_stand(object, "addressType", errors);
    else
        must_be_one_of(object, "addressType", types, errors);
    must_not_change(object, old, "addressType", errors);
}

/* ---- nodes ---- */

static const json_t *node_field(const json_t *object, const char *field)
{
    return field_of_bool(object, field, "spec.unschedulable");
}

/* ---- leases ---- */

static void lease_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    (void)old;
    const json_t *duration = json_path(object, "spec.leaseDurationSeconds");
    if (json_is_integer(duration) && json_integer_value(duration) <= 0)
        field_errors_add(errors, FIELD_INVALID, "spec.leaseDurationSeconds", duration,
                         "must be greater than 0");
    must_not_be_negative(object, "spec.leaseTransitions", errors);
}

static const struct builtin kinds[] = {
    {"", "v1", "Namespace", "namespaces", "ns", "status.phase", .has_status = true,
     .unconditional = true, .no_collection = true, .names = NAME_LABEL,
     .prepare = namespace_prepare, .mark_deleting = namespace_mark_deleting,
     .finalizers = "spec.finalizers", .kept = namespaces_kept, .rank = 1},
    {"", "v1", "ConfigMap", "configmaps", "cm", NULL, .namespaced = true, .unconditional = true,
     .validate = config_map_validate, .rank = 5},
    {"", "v1", "Secret", "secrets", NULL, "type", .namespaced = true, .unconditional = true,
     .prepare = secret_prepare, .validate = secret_validate, .rank = 6},
    {"", "v1", "ServiceAccount", "serviceaccounts", "sa", NULL, .namespaced = true,
     .unconditional = true, .delete_returns = true, .rank = 7},
    {"", "v1", "Node", "nodes", "no", "spec.unschedulable", .field_value = node_field,
     .has_status = true, .unconditional = true, .rank = 9},
    {"", "v1", "Endpoints", "endpoints", "ep", NULL, .namespaced = true, .unconditional = true,
     .create_on_put = true, .prepare = endpoints_prepare},
    {"", "v1", "ResourceQuota", "resourcequotas", "quota", NULL, .namespaced = true,
     .has_status = true, .unconditional = true, .delete_returns = true},
    {"", "v1", "LimitRange", "limitranges", "limits", NULL, .namespaced = true,
     .unconditional = true, .create_on_put = true},
    {"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", NULL, NULL, .namespaced = true,
     .unconditional = true, .generation = GENERATION_ALL, .prepare = slice_prepare,
     .validate = slice_validate},
    {"coordination.k8s.io", "v1", "Lease", "leases", NULL, NULL, .namespaced = true,
     .create_on_put = true, .validate = lease_validate, .rank = 11},
    {CRD_GROUP, "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd crds", NULL,
     .has_status = true, .generation = GENERATION_SPEC, .prepare = crd_object_prepare,
     .validate = crd_object_validate, .rank = 22},
};
const struct builtin_table builtin_core = {kinds, ARRAY_LEN(kinds)};
