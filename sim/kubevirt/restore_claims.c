/* The claims of a restore (kubevirt-csi.md 3.7): their names, their content, who owns them, and
 * what is waited for. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/quantity.h"
#include "sim/kubevirt/kv_priv.h"

enum { NAME_MAX_LABEL = 63 };

static bool is_policy(const json_t *restore, const char *path, const char *value)
{
    return !strcmp(json_str_or_empty(restore, path), value);
}

static char *claim_name(const json_t *restore, const json_t *backup)
{
    const char *volume = json_str_or_empty(backup, "volumeName");
    const json_t *override =
        json_find(json_path(restore, "spec.volumeRestoreOverrides"), "volumeName", volume);
    const char *chosen = override ? json_str(override, "restoreName") : NULL;
    if (chosen && *chosen)
        return mem_strdup(chosen);
    if (is_policy(restore, "spec.volumeRestorePolicy", "InPlace"))
        return mem_strdup(json_str_or_empty(backup, "persistentVolumeClaim.metadata.name"));
    if (is_policy(restore, "spec.volumeRestorePolicy", "PrefixTargetName")) {
        AUTO(str)
        char *full = mem_printf("%s-%s", json_str_or_empty(restore, "spec.target.name"), volume);
        return name_shorten(full, NAME_MAX_LABEL);
    }
    return mem_printf("restore-%s-%s", meta_uid(restore), volume);
}

void kv_restore_plan(json_t *restore, const json_t *content)
{
    json_t *list = json_array();
    size_t i;
    json_t *backup;
    json_array_foreach(json_path(content, "spec.volumeBackups"), i, backup)
    {
        AUTO(str) char *name = claim_name(restore, backup);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "volumeName",
                                              json_str_or_empty(backup, "volumeName"),
                                              "persistentVolumeClaim", name, "volumeSnapshotName",
                                              json_str_or_empty(backup, "volumeSnapshotName")));
    }
    json_put_take(restore, "status.restores", list);
}

/* ---- one claim ---- */

static bool annotation_stays(const char *key)
{
    static const char *const dropped[] = {
        "pv.kubernetes.io",     "volume.beta.kubernetes.io", "cdi.kubevirt.io",
        "volume.kubernetes.io", "k8s.io/CloneRequest",       "k8s.io/CloneOf",
    };
    if (!strcmp(key, "cdi.kubevirt.io/storage.contentType"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(dropped); i++) {
        if (!strncmp(key, dropped[i], strlen(dropped[i])))
            return false;
    }
    return true;
}

static void copy_metadata(json_t *pvc, const json_t *source, const json_t *restore,
                          const json_t *vm_meta_holder)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_at_mut((json_t *)source, "metadata", "labels", NULL), key, value)
    {
        if (strcmp(key, "persistent-state-for"))
            meta_set_label(pvc, key, json_string_value(value));
    }
    json_object_foreach(json_at_mut((json_t *)source, "metadata", "annotations", NULL), key, value)
    {
        if (annotation_stays(key))
            meta_set_annotation(pvc, key, json_string_value(value));
    }
    AUTO(str) char *id = kv_restore_id(restore);
    meta_set_label(pvc, "restore.kubevirt.io/source-vm-name", meta_name(vm_meta_holder));
    meta_set_label(pvc, "restore.kubevirt.io/source-vm-namespace", meta_namespace(vm_meta_holder));
    meta_set_annotation(pvc, "restore.kubevirt.io/name", meta_name(restore));
    meta_set_annotation(pvc, "restore.kubevirt.io/lastRestoreUID", id);
}

static void apply_override(json_t *pvc, const json_t *override)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(override, "labels"), key, value)
        meta_set_label(pvc, key, json_string_value(value));
    json_object_foreach(json_object_get(override, "annotations"), key, value)
        meta_set_annotation(pvc, key, json_string_value(value));
}

/* The larger of the source's request and the snapshot's restoreSize. */
static void set_size(json_t *pvc, const json_t *source, const json_t *vs)
{
    const char *request = json_str(source, "spec.resources.requests.storage");
    const char *least = json_str(vs, "status.restoreSize");
    if (request && least && quantity_bytes(least) > quantity_bytes(request))
        request = least;
    if (request)
        json_put_str(pvc, "spec.resources.requests.storage", request);
}

static void set_owner(json_t *pvc, const json_t *restore, const json_t *source, const json_t *vm)
{
    if (is_policy(restore, "spec.volumeOwnershipPolicy", "None"))
        return;
    if (vm) {
        json_t *owners = json_array();
        json_array_append_new(owners, meta_owner_ref(vm, true, true));
        json_put_take(pvc, "metadata.ownerReferences", owners);
        return;
    }
    const json_t *owner = meta_controller_of(source);
    if (owner && !strcmp(json_str_or_empty(owner, "kind"), "VirtualMachine"))
        meta_set_annotation(pvc, "restore.kubevirt.io/owned-by-vm", meta_name(restore));
}

static json_t *claim_of(const json_t *restore, const json_t *entry, const json_t *backup,
                        const json_t *content, const json_t *vs, const json_t *vm)
{
    static const char *const kept[] = {"accessModes", "volumeMode", "storageClassName",
                                       "resources"};
    const json_t *source = json_object_get(backup, "persistentVolumeClaim");
    json_t *pvc = ctl_object(&KIND_PVC, meta_namespace(restore),
                             json_str_or_empty(entry, "persistentVolumeClaim"));
    copy_metadata(pvc, source, restore, json_path(content, "spec.source.virtualMachine"));
    apply_override(pvc, json_find(json_path(restore, "spec.volumeRestoreOverrides"), "volumeName",
                                  json_str_or_empty(backup, "volumeName")));
    json_object_set_new(pvc, "spec", json_object());
    json_t *spec = json_object_get(pvc, "spec");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        json_t *value = json_object_get(json_object_get(source, "spec"), kept[i]);
        if (value)
            json_object_set_new(spec, kept[i], json_copy_of(value));
    }
    set_size(pvc, source, vs);
    json_t *data = json_pack("{s:s, s:s, s:s}", "apiGroup", "snapshot.storage.k8s.io", "kind",
                             "VolumeSnapshot", "name", meta_name(vs));
    json_object_set(spec, "dataSource", data);
    json_object_set_new(spec, "dataSourceRef", json_copy_of(data));
    json_decref(data);
    set_owner(pvc, restore, source, vm);
    return pvc;
}

static int create_claim(struct kv *kv, const json_t *restore, const json_t *entry,
                        const json_t *content, const json_t *vm, struct err *reterr)
{
    const char *ns = meta_namespace(restore);
    const json_t *backup = json_find(json_path(content, "spec.volumeBackups"), "volumeName",
                                     json_str_or_empty(entry, "volumeName"));
    const char *vs_name = json_str_or_empty(entry, "volumeSnapshotName");
    AUTO(json) json_t *vs = ctl_peek(&kv->restore, &KIND_VOLUME_SNAPSHOT, ns, vs_name);
    if (!backup || !vs)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "missing volumeSnapshot %s", vs_name);
    AUTO(json) json_t *pvc = claim_of(restore, entry, backup, content, vs, vm);
    return ctl_create(&kv->restore, &KIND_PVC, pvc, NULL, reterr);
}

/* A claim that binds at its first consumer is not waited for. */
static int check_binding(struct kv *kv, const json_t *pvc, bool *ret_waiting, struct err *reterr)
{
    const char *phase = json_str_or_empty(pvc, "status.phase");
    const char *class = json_str(pvc, "spec.storageClassName");
    if (!strcmp(phase, "Bound"))
        return 0;
    if (!strcmp(phase, "Lost"))
        return err_set(reterr, ERR_INVALID, NO_POS, "PVC %s/%s in status \"Lost\"",
                       meta_namespace(pvc), meta_name(pvc));
    if (class && *class) {
        AUTO(json) json_t *sc = ctl_peek(&kv->restore, &KIND_STORAGE_CLASS, NULL, class);
        if (!sc)
            return err_set(reterr, ERR_INVALID, NO_POS, "StorageClass %s does not exist", class);
        if (!strcmp(json_str_or_empty(sc, "volumeBindingMode"), "WaitForFirstConsumer"))
            return 0;
    }
    *ret_waiting = true;
    return 0;
}

static int ensure_claim(struct kv *kv, const json_t *restore, const json_t *entry,
                        const json_t *content, const json_t *vm, bool *ret_waiting,
                        int64_t *ret_begun_ns, struct err *reterr)
{
    const char *name = json_str_or_empty(entry, "persistentVolumeClaim");
    AUTO(json) json_t *pvc = ctl_peek(&kv->restore, &KIND_PVC, meta_namespace(restore), name);
    AUTO(str) char *id = kv_restore_id(restore);
    if (!pvc) {
        *ret_waiting = true;
        return create_claim(kv, restore, entry, content, vm, reterr);
    }
    const char *made_by = meta_annotation(pvc, "restore.kubevirt.io/lastRestoreUID");
    if (ctl_created(pvc) > *ret_begun_ns)
        *ret_begun_ns = ctl_created(pvc);
    if (made_by && !strcmp(made_by, id))
        return check_binding(kv, pvc, ret_waiting, reterr);
    if (!is_policy(restore, "spec.volumeRestorePolicy", "InPlace"))
        return err_set(reterr, ERR_INVALID, NO_POS, "persistentvolumeclaims \"%s\" already exists",
                       name);
    /* In place: the old claim makes room. pvc-protection may hold it for as long as a pod uses
     * it. */
    *ret_waiting = true;
    if (meta_deleting(pvc))
        return 0;
    return ctl_delete(&kv->restore, &KIND_PVC, meta_namespace(pvc), name, meta_uid(pvc), reterr);
}

int kv_restore_claims(struct kv *kv, const json_t *restore, const json_t *content, const json_t *vm,
                      bool *ret_waiting, int64_t *ret_begun_ns, struct err *reterr)
{
    size_t i;
    json_t *entry;
    *ret_waiting = false;
    *ret_begun_ns = 0;
    json_array_foreach(json_path(restore, "status.restores"), i, entry)
    {
        int rc = ensure_claim(kv, restore, entry, content, vm, ret_waiting, ret_begun_ns, reterr);
        if (rc)
            return rc;
    }
    return 0;
}
