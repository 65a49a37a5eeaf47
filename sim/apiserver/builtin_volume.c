/* Volumes: claims, volumes, classes, and what drivers tell of themselves. */
#include <string.h>

#include "base/json.h"
#include "kube/quantity.h"
#include "kube/status.h"
#include "sim/apiserver/builtin_priv.h"

static void set_default(json_t *object, const char *path, const char *value)
{
    if (!json_path(object, path))
        json_put_str(object, path, value);
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

/* ---- attachments and drivers ---- */

static void attachment_validate(const json_t *object, const json_t *old,
                                struct field_errors *errors)
{
    must_stand(object, "spec.attacher", errors);
    must_stand(object, "spec.nodeName", errors);
    must_not_change(object, old, "spec", errors);
}

static void driver_prepare(json_t *object, const json_t *old)
{
    (void)old;
    json_t *spec = default_object(object, "spec");
    default_bool(spec, "attachRequired", true);
    default_bool(spec, "podInfoOnMount", false);
    default_bool(spec, "storageCapacity", false);
    default_bool(spec, "requiresRepublish", false);
    default_bool(spec, "seLinuxMount", false);
    default_str(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    default_take(spec, "volumeLifecycleModes", json_pack("[s]", "Persistent"));
}

static void driver_validate(const json_t *object, const json_t *old, struct field_errors *errors)
{
    must_not_change(object, old, "spec.attachRequired", errors);
    must_not_change(object, old, "spec.volumeLifecycleModes", errors);
}

static const struct builtin kinds[] = {
    {"", "v1", "PersistentVolume", "persistentvolumes", "pv", NULL, .has_status = true,
     .unconditional = true, .delete_returns = true, .prepare = volume_prepare,
     .validate = volume_validate, .rank = 4},
    {"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", NULL, .namespaced = true,
     .has_status = true, .unconditional = true, .delete_returns = true, .prepare = claim_prepare,
     .validate = claim_validate, .rank = 3},
    {"storage.k8s.io", "v1", "StorageClass", "storageclasses", "sc", NULL, .unconditional = true,
     .delete_returns = true, .prepare = class_prepare, .validate = class_validate, .rank = 12},
    {"storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", NULL, NULL,
     .has_status = true, .unconditional = true, .delete_returns = true,
     .validate = attachment_validate, .rank = 13},
    {"storage.k8s.io", "v1", "CSIDriver", "csidrivers", NULL, NULL, .delete_returns = true,
     .prepare = driver_prepare, .validate = driver_validate},
    {"storage.k8s.io", "v1", "CSINode", "csinodes", NULL, NULL, .delete_returns = true},
    {"storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", NULL, NULL,
     .namespaced = true, .unconditional = true},
};
const struct builtin_table builtin_volumes = {kinds, ARRAY_LEN(kinds)};
