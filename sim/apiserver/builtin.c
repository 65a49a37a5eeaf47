/* The kinds that need no definition: a table, and the few rules that controllers notice. */
#include <string.h>

#include "kube/quantity.h"
#include "sim/apiserver/server_priv.h"

static void set_default(json_t *object, const char *path, const char *value)
{
    if (!json_path(object, path))
        json_put_str(object, path, value);
}

static bool unchanged(const json_t *object, const json_t *old, const char *path)
{
    const json_t *a = json_path(object, path), *b = json_path(old, path);
    return a && b ? json_same(a, b) : a == b;
}

static void must_not_change(const json_t *object, const json_t *old, const char *path,
                            struct field_errors *errors)
{
    if (old && !unchanged(object, old, path))
        field_errors_add(errors, FIELD_INVALID, path, json_path(object, path),
                         "field is immutable");
}

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

/* ---- pods ---- */

static void pod_prepare(json_t *object, const json_t *old)
{
    set_default(object, "spec.restartPolicy", "Always");
    set_default(object, "spec.dnsPolicy", "ClusterFirst");
    set_default(object, "spec.schedulerName", "default-scheduler");
    if (!json_path(object, "spec.terminationGracePeriodSeconds"))
        json_put_take(object, "spec.terminationGracePeriodSeconds", json_integer(30));
    if (!old)
        json_put_str(object, "status.phase", "Pending");
}

static void pod_containers(const json_t *object, struct field_errors *errors)
{
    const json_t *list = json_path(object, "spec.containers");
    if (json_array_size(list) == 0)
        field_errors_add(errors, FIELD_REQUIRED, "spec.containers", NULL, "%s", "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        AUTO(str) char *at = mem_printf("spec.containers[%zu].name", i);
        if (!*json_str_or_empty(one, "name"))
            field_errors_add(errors, FIELD_REQUIRED, at, NULL, "%s", "");
        for (size_t k = 0; k < i; k++)
            if (strcmp(json_str_or_empty(one, "name"),
                       json_str_or_empty(json_array_get(list, k), "name")) == 0)
                field_errors_add(errors, FIELD_DUPLICATE, at, json_object_get(one, "name"), "%s",
                                 "");
    }
}

static json_t *pod_fixed_spec(const json_t *pod)
{
    static const char *const free_fields[] = {"activeDeadlineSeconds", "tolerations",
                                              "terminationGracePeriodSeconds", "schedulingGates"};
    static const char *const lists[] = {"containers", "initContainers"};
    json_t *spec = json_copy_of(json_object_get(pod, "spec"));
    for (size_t i = 0; i < ARRAY_LEN(free_fields); i++)
        json_object_del(spec, free_fields[i]);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_t *list = json_object_get(spec, lists[i]);
        for (size_t k = 0; k < json_array_size(list); k++)
            json_object_del(json_array_get(list, k), "image");
    }
    return spec;
}

static void pod_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    pod_containers(object, errors);
    if (!old || unchanged(object, old, "spec"))
        return;
    AUTO(json) json_t *a = pod_fixed_spec(object);
    AUTO(json) json_t *b = pod_fixed_spec(old);
    /* The simulated scheduler may name the node once without going through pods/binding. */
    if (!*json_str_or_empty(b, "nodeName"))
        json_object_del(a, "nodeName");
    json_object_del(b, "nodeName");
    if (*json_str_or_empty(old, "spec.nodeName") && unchanged(object, old, "spec.nodeName"))
        json_object_del(a, "nodeName");
    if (!json_same(a, b))
        field_errors_add(errors, FIELD_FORBIDDEN, "spec", NULL,
                         "pod updates may not change fields other than "
                         "`spec.containers[*].image`,`spec.initContainers[*].image`,"
                         "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
                         "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to "
                         "be set to 1 if it was previously negative)");
}

/* ---- claims and volumes ---- */

static void claim_prepare(json_t *object, const json_t *old)
{
    set_default(object, "spec.volumeMode", "Filesystem");
    const json_t *source = json_path(object, "spec.dataSource");
    const json_t *ref = json_path(object, "spec.dataSourceRef");
    if (source && !ref)
        json_put_take(object, "spec.dataSourceRef", json_copy_of(source));
    else if (ref && !source && !*json_str_or_empty(ref, "namespace"))
        json_put_take(object, "spec.dataSource", json_copy_of(ref));
    if (!old)
        json_put_str(object, "status.phase", "Pending");
}

static bool storage_of(const json_t *object, struct quantity *ret)
{
    const char *text = json_str(object, "spec.resources.requests.storage");
    return text && quantity_parse(text, ret);
}

static void claim_validate_new(const json_t *object, struct field_errors *errors)
{
    struct quantity size;
    if (json_array_size(json_path(object, "spec.accessModes")) == 0)
        field_errors_add(errors, FIELD_REQUIRED, "spec.accessModes", NULL,
                         "at least 1 access mode is required");
    const json_t *text = json_path(object, "spec.resources.requests.storage");
    if (!text)
        field_errors_add(errors, FIELD_REQUIRED, "spec.resources[storage]", NULL, "%s", "");
    else if (!storage_of(object, &size) || size.nanos <= 0)
        field_errors_add(errors, FIELD_INVALID, "spec.resources[storage]", text,
                         "must be greater than zero");
    const char *mode = json_str_or_empty(object, "spec.volumeMode");
    if (strcmp(mode, "Filesystem") != 0 && strcmp(mode, "Block") != 0)
        field_errors_add(errors, FIELD_NOT_SUPPORTED, "spec.volumeMode",
                         json_path(object, "spec.volumeMode"),
                         "supported values: \"Block\", \"Filesystem\"");
}

/* What may differ is taken from the old one; the rest must be equal. */
static void claim_validate_update(const json_t *object, const json_t *old,
                                  struct field_errors *errors)
{
    AUTO(json) json_t *spec = json_copy_of(json_object_get(object, "spec"));
    const json_t *was = json_object_get(old, "spec");
    if (!*json_str_or_empty(was, "volumeName"))
        json_object_del(spec, "volumeName");
    if (!*json_str_or_empty(was, "volumeName") && json_object_get(was, "volumeName"))
        json_object_set(spec, "volumeName", json_object_get(was, "volumeName"));
    if (!json_object_get(was, "storageClassName"))
        json_object_del(spec, "storageClassName");
    bool bound = strcmp(json_str_or_empty(old, "status.phase"), "Bound") == 0;
    if (bound) {
        struct quantity now, before;
        if (storage_of(object, &now) && storage_of(old, &before) &&
            quantity_compare(&now, &before) < 0)
            field_errors_add(errors, FIELD_FORBIDDEN, "spec.resources.requests.storage", NULL,
                             "field can not be less than previous value");
        const json_t *requests = json_path(was, "resources.requests");
        if (requests)
            json_put_take(spec, "resources.requests", json_copy_of(requests));
        const json_t *class = json_object_get(was, "volumeAttributesClassName");
        json_object_del(spec, "volumeAttributesClassName");
        if (class)
            json_object_set(spec, "volumeAttributesClassName", (json_t *)class);
    }
    if (!json_same(spec, was))
        field_errors_add(errors, FIELD_FORBIDDEN, "spec", NULL,
                         "spec is immutable after creation except resources.requests and "
                         "volumeAttributesClassName for bound claims");
}

static void claim_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    if (!old)
        claim_validate_new(object, errors);
    else if (!unchanged(object, old, "spec"))
        claim_validate_update(object, old, errors);
}

static void volume_prepare(json_t *object, const json_t *old)
{
    set_default(object, "spec.persistentVolumeReclaimPolicy", "Retain");
    set_default(object, "spec.volumeMode", "Filesystem");
    if (!old)
        json_put_str(object, "status.phase", "Pending");
}

static void volume_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const sources[] = {"spec.csi", "spec.hostPath", "spec.nfs", "spec.local",
                                          "spec.volumeMode"};
    struct quantity size;
    const char *text = json_str(object, "spec.capacity.storage");
    if (!text)
        field_errors_add(errors, FIELD_REQUIRED, "spec.capacity", NULL, "%s", "");
    else if (!quantity_parse(text, &size) || size.nanos <= 0)
        field_errors_add(errors, FIELD_INVALID, "spec.capacity[storage]",
                         json_path(object, "spec.capacity.storage"), "must be greater than zero");
    if (json_array_size(json_path(object, "spec.accessModes")) == 0)
        field_errors_add(errors, FIELD_REQUIRED, "spec.accessModes", NULL, "%s", "");
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        must_not_change(object, old, sources[i], errors);
}

static void class_prepare(json_t *object, const json_t *old)
{
    (void)old;
    set_default(object, "reclaimPolicy", "Delete");
    set_default(object, "volumeBindingMode", "Immediate");
}

static void class_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const fixed[] = {"provisioner", "parameters", "reclaimPolicy",
                                        "volumeBindingMode"};
    if (!*json_str_or_empty(object, "provisioner"))
        field_errors_add(errors, FIELD_REQUIRED, "provisioner", NULL, "%s", "");
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        must_not_change(object, old, fixed[i], errors);
}

/* ---- plain data ---- */

static void data_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    static const char *const fields[] = {"data", "binaryData"};
    if (!old || !json_bool(old, "immutable", false))
        return;
    if (!json_bool(object, "immutable", false))
        field_errors_add(errors, FIELD_FORBIDDEN, "immutable", NULL,
                         "field is immutable when `immutable` is set");
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!unchanged(object, old, fields[i]))
            field_errors_add(errors, FIELD_FORBIDDEN, fields[i], NULL,
                             "field is immutable when `immutable` is set");
}

static char *base64_of(const char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)(unsigned char)bytes[i] << 16;
        if (have > 1)
            bits |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
        if (have > 2)
            bits |= (unsigned char)bytes[i + 2];
        for (size_t k = 0; k < 4; k++)
            strbuf_addch(&out, k <= have ? digits[(bits >> (18 - 6 * k)) & 63] : '=');
    }
    return strbuf_take(&out);
}

/* stringData is write-only: it lands in data. */
static void secret_prepare(json_t *object, const json_t *old)
{
    (void)old;
    AUTO(json) json_t *plain = json_incref(json_object_get(object, "stringData"));
    json_object_del(object, "stringData");
    const char *key;
    json_t *value;
    json_object_foreach(plain, key, value)
    {
        if (!json_is_string(value))
            continue;
        AUTO(str) char *text = base64_of(json_string_value(value), json_string_length(value));
        if (!json_is_object(json_object_get(object, "data")))
            json_object_set_new(object, "data", json_object());
        json_object_set_new(json_object_get(object, "data"), key, json_string(text));
    }
    set_default(object, "type", "Opaque");
}

static void secret_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    data_validate(object, old, errors);
    must_not_change(object, old, "type", errors);
}

static void revision_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    if (json_int(object, "revision", 0) < 0)
        field_errors_add(errors, FIELD_INVALID, "revision", json_object_get(object, "revision"),
                         "must be greater than or equal to 0");
    must_not_change(object, old, "data", errors);
}

#define EVENT_FIELDS                                                                               \
    "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid "         \
    "involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath reason "    \
    "reportingComponent source type"
#define POD_FIELDS                                                                                 \
    "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName "                 \
    "spec.hostNetwork status.phase status.podIP status.podIPs status.nominatedNodeName"

const struct builtin builtins[] = {
    {"", "v1", "Namespace", "namespaces", "ns", "status.phase", .has_status = true,
     .unconditional = true, .no_collection = true, .names = NAME_LABEL,
     .prepare = namespace_prepare},
    {"", "v1", "Pod", "pods", "po", POD_FIELDS, .namespaced = true, .has_status = true,
     .unconditional = true, .delete_returns = true, .generation = GENERATION_SPEC,
     .prepare = pod_prepare, .validate = pod_validate},
    {"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", NULL, .namespaced = true,
     .has_status = true, .unconditional = true, .delete_returns = true, .prepare = claim_prepare,
     .validate = claim_validate},
    {"", "v1", "PersistentVolume", "persistentvolumes", "pv", NULL, .has_status = true,
     .unconditional = true, .delete_returns = true, .prepare = volume_prepare,
     .validate = volume_validate},
    {"", "v1", "ConfigMap", "configmaps", "cm", NULL, .namespaced = true, .unconditional = true,
     .validate = data_validate},
    {"", "v1", "Secret", "secrets", NULL, "type", .namespaced = true, .unconditional = true,
     .prepare = secret_prepare, .validate = secret_validate},
    {"", "v1", "ServiceAccount", "serviceaccounts", "sa", NULL, .namespaced = true,
     .unconditional = true, .delete_returns = true},
    {"", "v1", "Service", "services", "svc", "spec.clusterIP spec.type", .namespaced = true,
     .has_status = true, .unconditional = true, .delete_returns = true, .names = NAME_LABEL_1035},
    {"", "v1", "Node", "nodes", "no", "spec.unschedulable", .has_status = true,
     .unconditional = true},
    {"", "v1", "Event", "events", "ev", EVENT_FIELDS, .namespaced = true, .unconditional = true,
     .create_on_put = true},
    {"coordination.k8s.io", "v1", "Lease", "leases", NULL, NULL, .namespaced = true,
     .create_on_put = true},
    {"storage.k8s.io", "v1", "StorageClass", "storageclasses", "sc", NULL, .unconditional = true,
     .prepare = class_prepare, .validate = class_validate},
    {"storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", NULL, NULL,
     .has_status = true, .unconditional = true},
    {"apps", "v1", "ControllerRevision", "controllerrevisions", NULL, NULL, .namespaced = true,
     .validate = revision_validate},
    {"apps", "v1", "Deployment", "deployments", "deploy", NULL, .namespaced = true,
     .has_status = true, .unconditional = true, .generation = GENERATION_SPEC},
    {"apps", "v1", "StatefulSet", "statefulsets", "sts", NULL, .namespaced = true,
     .has_status = true, .unconditional = true, .generation = GENERATION_SPEC, .names = NAME_LABEL},
    {"batch", "v1", "Job", "jobs", NULL, "status.successful", .namespaced = true,
     .has_status = true, .unconditional = true, .generation = GENERATION_SPEC},
    {"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", NULL, NULL,
     .unconditional = true, .create_on_put = true, .names = NAME_PATH},
    {"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", NULL, NULL,
     .unconditional = true, .create_on_put = true, .names = NAME_PATH},
    {"rbac.authorization.k8s.io", "v1", "Role", "roles", NULL, NULL, .namespaced = true,
     .unconditional = true, .create_on_put = true, .names = NAME_PATH},
    {"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", NULL, NULL,
     .namespaced = true, .unconditional = true, .create_on_put = true, .names = NAME_PATH},
    {CRD_GROUP, "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd crds", NULL,
     .has_status = true, .generation = GENERATION_SPEC, .prepare = crd_object_prepare,
     .validate = crd_object_validate},
};
const size_t builtin_count = ARRAY_LEN(builtins);
