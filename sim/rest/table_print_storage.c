/* Rows of volumes, claims and classes. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "sim/rest/table_priv.h"

/* "RWO,ROX": each mode once, in this order. */
static void add_modes(struct table_row *row, const json_t *modes)
{
    static const struct {
        const char *mode, *word;
    } known[] = {{"ReadWriteOnce", "RWO"},
                 {"ReadOnlyMany", "ROX"},
                 {"ReadWriteMany", "RWX"},
                 {"ReadWriteOncePod", "RWOP"}};
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t k = 0; k < ARRAY_LEN(known); k++) {
        bool has = false;
        for (size_t i = 0; i < json_array_size(modes); i++) {
            const char *mode = json_string_value(json_array_get(modes, i));
            has |= mode && strcmp(mode, known[k].mode) == 0;
        }
        if (has)
            table_join(&out, ",", known[k].word);
    }
    row_text(row, strbuf_str(&out));
}

/* An old annotation goes before the field. */
static void add_class(struct table_row *row, const json_t *object)
{
    const char *old = meta_annotation(object, "volume.beta.kubernetes.io/storage-class");
    if (old)
        row_text(row, old);
    else
        row_str(row, object, "spec.storageClassName", "");
}

static void add_phase(struct table_row *row, const json_t *object)
{
    if (meta_deleting(object))
        row_text(row, "Terminating");
    else
        row_str(row, object, "status.phase", "");
}

static const struct table_column volume_columns[] = {
    COLUMN_NAME,
    COLUMN("Capacity"),
    COLUMN("Access Modes"),
    COLUMN("Reclaim Policy"),
    COLUMN("Status"),
    COLUMN("Claim"),
    COLUMN("StorageClass"),
    COLUMN("VolumeAttributesClass"),
    COLUMN("Reason"),
    COLUMN_AGE,
    COLUMN_WIDE("VolumeMode"),
};

static void volume_fill(struct table_row *row, const json_t *object)
{
    const json_t *claim = json_path(object, "spec.claimRef");
    row_name(row, object);
    row_str(row, object, "spec.capacity.storage", "0");
    add_modes(row, json_path(object, "spec.accessModes"));
    row_str(row, object, "spec.persistentVolumeReclaimPolicy", "");
    add_phase(row, object);
    if (json_is_object(claim))
        row_textf(row, "%s/%s", json_str_or_empty(claim, "namespace"),
                  json_str_or_empty(claim, "name"));
    else
        row_text(row, "");
    add_class(row, object);
    row_str(row, object, "spec.volumeAttributesClassName", "<unset>");
    row_str(row, object, "status.reason", "");
    row_age(row, object);
    row_str(row, object, "spec.volumeMode", "<unset>");
}

static const struct table_column claim_columns[] = {
    COLUMN_NAME,
    COLUMN("Status"),
    COLUMN("Volume"),
    COLUMN("Capacity"),
    COLUMN("Access Modes"),
    COLUMN("StorageClass"),
    COLUMN("VolumeAttributesClass"),
    COLUMN_AGE,
    COLUMN_WIDE("VolumeMode"),
};

static void claim_fill(struct table_row *row, const json_t *object)
{
    bool bound = *json_str_or_empty(object, "spec.volumeName");
    row_name(row, object);
    add_phase(row, object);
    row_str(row, object, "spec.volumeName", "");
    if (bound)
        row_str(row, object, "status.capacity.storage", "0");
    else
        row_text(row, "");
    add_modes(row, bound ? json_path(object, "status.accessModes") : NULL);
    add_class(row, object);
    row_str(row, object, "spec.volumeAttributesClassName", "<unset>");
    row_age(row, object);
    row_str(row, object, "spec.volumeMode", "<unset>");
}

static const struct table_column class_columns[] = {
    COLUMN_NAME,
    COLUMN("Provisioner"),
    COLUMN("ReclaimPolicy"),
    COLUMN("VolumeBindingMode"),
    {"AllowVolumeExpansion", "boolean", "", "", 0},
    COLUMN_AGE,
};

static bool is_default(const json_t *object)
{
    static const char *const marks[] = {"storageclass.kubernetes.io/is-default-class",
                                        "storageclass.beta.kubernetes.io/is-default-class"};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const char *mark = meta_annotation(object, marks[i]);
        if (mark && strcmp(mark, "true") == 0)
            return true;
    }
    return false;
}

static void class_fill(struct table_row *row, const json_t *object)
{
    row_textf(row, "%s%s", meta_name(object), is_default(object) ? " (default)" : "");
    row_str(row, object, "provisioner", "");
    row_str(row, object, "reclaimPolicy", "Delete");
    row_str(row, object, "volumeBindingMode", "Immediate");
    json_array_append_new(row->cells,
                          json_boolean(json_bool(object, "allowVolumeExpansion", false)));
    row_age(row, object);
}

static const struct table_column attachment_columns[] = {
    COLUMN_NAME,
    COLUMN("Attacher"),
    COLUMN("PV"),
    COLUMN("Node"),
    {"Attached", "boolean", "", "", 0},
    COLUMN_AGE,
};

static void attachment_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_str(row, object, "spec.attacher", "");
    row_str(row, object, "spec.source.persistentVolumeName", "");
    row_str(row, object, "spec.nodeName", "");
    json_array_append_new(row->cells, json_boolean(json_bool(object, "status.attached", false)));
    row_age(row, object);
}

/* ---- drivers ---- */

static const struct table_column driver_columns[] = {
    COLUMN_NAME,
    {"AttachRequired", "boolean", "", "", 0},
    {"PodInfoOnMount", "boolean", "", "", 0},
    {"StorageCapacity", "boolean", "", "", 0},
    COLUMN("TokenRequests"),
    {"RequiresRepublish", "boolean", "", "", 0},
    COLUMN("Modes"),
    COLUMN_AGE,
};

static void add_bool(struct table_row *row, const json_t *object, const char *path, bool otherwise)
{
    json_array_append_new(row->cells, json_boolean(json_bool(object, path, otherwise)));
}

static void driver_fill(struct table_row *row, const json_t *object)
{
    const json_t *tokens = json_path(object, "spec.tokenRequests");
    const json_t *modes = json_path(object, "spec.volumeLifecycleModes");
    AUTO(strbuf) struct strbuf audiences = {0}, words = {0};
    for (size_t i = 0; i < json_array_size(tokens); i++)
        table_join(&audiences, ",", json_str_or_empty(json_array_get(tokens, i), "audience"));
    for (size_t i = 0; i < json_array_size(modes); i++)
        if (json_is_string(json_array_get(modes, i)))
            table_join(&words, ",", json_string_value(json_array_get(modes, i)));
    row_name(row, object);
    add_bool(row, object, "spec.attachRequired", true);
    add_bool(row, object, "spec.podInfoOnMount", false);
    add_bool(row, object, "spec.storageCapacity", false);
    row_text(row, tokens ? strbuf_str(&audiences) : "<unset>");
    add_bool(row, object, "spec.requiresRepublish", false);
    row_text(row, strbuf_str(&words));
    row_age(row, object);
}

static const struct table_column node_columns[] = {COLUMN_NAME, COLUMN_INT("Drivers"), COLUMN_AGE};

static void node_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_int(row, (int64_t)json_array_size(json_path(object, "spec.drivers")));
    row_age(row, object);
}

static const struct table_column capacity_columns[] = {COLUMN_NAME, COLUMN("StorageClassName"),
                                                       COLUMN("Capacity")};

static void capacity_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_str(row, object, "storageClassName", "");
    row_str(row, object, "capacity", "<unset>");
}

static const struct table_printer printers[] = {
    PRINTER("", "PersistentVolume", volume_columns, volume_fill),
    PRINTER("", "PersistentVolumeClaim", claim_columns, claim_fill),
    PRINTER("storage.k8s.io", "StorageClass", class_columns, class_fill),
    PRINTER("storage.k8s.io", "VolumeAttachment", attachment_columns, attachment_fill),
    PRINTER("storage.k8s.io", "CSIDriver", driver_columns, driver_fill),
    PRINTER("storage.k8s.io", "CSINode", node_columns, node_fill),
    PRINTER("storage.k8s.io", "CSIStorageCapacity", capacity_columns, capacity_fill),
};
const struct table_printers table_storage_printers = {printers, ARRAY_LEN(printers)};
