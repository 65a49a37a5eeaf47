/* The target of a restore (kubevirt-csi.md 3.8): its new spec, or the machine itself when there is
 * none. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/patch.h"
#include "sim/kubevirt/instancetype_priv.h"

#define ANNOTATION_LAST "restore.kubevirt.io/lastRestoreUID"
#define ANNOTATION_OWNED "restore.kubevirt.io/owned-by-vm"

/* Volumes point to the new claims; memory dumps are dropped; what the snapshot does not hold keeps
 * its reference. */
static void point_volumes(json_t *spec, const json_t *restore)
{
    json_t *volumes = json_at_mut(spec, "template", "spec", "volumes", NULL);
    for (size_t i = json_array_size(volumes); i-- > 0;) {
        json_t *volume = json_array_get(volumes, i);
        if (json_object_get(volume, "memoryDump")) {
            json_array_remove(volumes, i);
            continue;
        }
        const json_t *entry = json_find(json_path(restore, "status.restores"), "volumeName",
                                        json_str_or_empty(volume, "name"));
        if (!entry)
            continue;
        json_object_del(volume, "dataVolume");
        json_put_str(volume, "persistentVolumeClaim.claimName",
                     json_str_or_empty(entry, "persistentVolumeClaim"));
    }
}

/* No CDI stands behind this simulation, so a restored disk is a plain claim, and the template that
 * it came from goes. */
static void drop_templates(json_t *spec)
{
    json_t *templates = json_object_get(spec, "dataVolumeTemplates");
    for (size_t i = json_array_size(templates); i-- > 0;) {
        const json_t *template = json_array_get(templates, i);
        if (!json_find(json_path(spec, "template.spec.volumes"), "dataVolume.name",
                       json_str_or_empty(template, "metadata.name")))
            json_array_remove(templates, i);
    }
    if (templates && !json_array_size(templates))
        json_object_del(spec, "dataVolumeTemplates");
}

static json_t *restored_spec(const json_t *restore, const json_t *content)
{
    json_t *spec = json_copy_of(json_path(content, "spec.source.virtualMachine.spec"));
    point_volumes(spec, restore);
    drop_templates(spec);
    return spec;
}

void kv_restore_note_deleted(json_t *restore, const json_t *content, const json_t *vm)
{
    AUTO(json) json_t *spec = restored_spec(restore, content);
    json_t *gone = json_array();
    size_t i;
    json_t *template;
    json_array_foreach(json_path(vm, "spec.dataVolumeTemplates"), i, template)
    {
        const char *name = json_str_or_empty(template, "metadata.name");
        if (!json_find(json_object_get(spec, "dataVolumeTemplates"), "metadata.name", name))
            json_array_append_new(gone, json_string(name));
    }
    if (json_array_size(gone))
        json_put_take(restore, "status.deletedDataVolumes", json_incref(gone));
    json_decref(gone);
}

/* ---- an existing machine: everything but its run strategy ---- */

static int update_vm(struct kv *kv, const json_t *restore, const json_t *content, const json_t *vm,
                     struct err *reterr)
{
    AUTO(json) json_t *copy = json_copy_of(vm);
    AUTO(json) json_t *spec = restored_spec(restore, content);
    int rc = kv_revision_restore(kv, restore, content, vm, spec, reterr);
    if (rc)
        return rc;
    const char *strategy = json_str(vm, "spec.runStrategy");
    json_object_del(spec, "running");
    json_object_del(spec, "runStrategy");
    if (strategy)
        json_put_str(spec, "runStrategy", strategy);
    else
        json_object_set_new(spec, "running", json_false());
    json_object_set(copy, "spec", spec);
    AUTO(str) char *id = kv_restore_id(restore);
    meta_set_annotation(copy, ANNOTATION_LAST, id);
    return ctl_update(&kv->restore, &KIND_VM, NULL, copy, reterr);
}

/* ---- a new machine: halted, with the snapshot's labels and the restore's patches ---- */

static void copy_texts(json_t *vm, const json_t *source, const char *path)
{
    const json_t *texts = json_path(source, path);
    if (texts)
        json_put_take(vm, path, json_copy_of(texts));
}

static int apply_patches(json_t **vm, const json_t *restore, struct err *reterr)
{
    const json_t *patches = json_path(restore, "spec.patches");
    AUTO(json) json_t *operations = json_array();
    size_t i;
    json_t *text;
    if (!json_array_size(patches))
        return 0;
    json_array_foreach(patches, i, text)
    {
        const char *p = json_string_value(text);
        json_t *operation = json_read(p, strlen(p), "patch", reterr);
        if (!operation)
            return -1;
        json_array_append_new(operations, operation);
    }
    json_t *patched = patch_json(*vm, operations, reterr);
    if (!patched)
        return -1;
    json_decref(*vm);
    *vm = patched;
    return 0;
}

static int create_vm(struct kv *kv, const json_t *restore, const json_t *content,
                     struct err *reterr)
{
    const json_t *source = json_path(content, "spec.source.virtualMachine");
    AUTO(json)
    json_t *vm = ctl_object(&KIND_VM, meta_namespace(restore),
                            json_str_or_empty(restore, "spec.target.name"));
    copy_texts(vm, source, "metadata.labels");
    copy_texts(vm, source, "metadata.annotations");
    AUTO(str) char *id = kv_restore_id(restore);
    meta_set_annotation(vm, ANNOTATION_LAST, id);
    AUTO(json) json_t *spec = restored_spec(restore, content);
    int rc = kv_revision_restore(kv, restore, content, NULL, spec, reterr);
    if (rc)
        return rc;
    if (json_object_get(spec, "runStrategy"))
        json_put_str(spec, "runStrategy", "Halted");
    else
        json_object_set_new(spec, "running", json_false());
    json_object_set(vm, "spec", spec);
    if (apply_patches(&vm, restore, reterr) < 0)
        return -1;
    return ctl_create(&kv->restore, &KIND_VM, vm, NULL, reterr);
}

/* Claims of templates that went with the old spec go too; a plain claim would stay behind. */
static int delete_old_claims(struct kv *kv, const json_t *restore, struct err *reterr)
{
    const char *ns = meta_namespace(restore);
    size_t i;
    json_t *name;
    json_array_foreach(json_path(restore, "status.deletedDataVolumes"), i, name)
    {
        AUTO(json) json_t *pvc = ctl_peek(&kv->restore, &KIND_PVC, ns, json_string_value(name));
        if (!pvc || meta_deleting(pvc) || !meta_label(pvc, "kubevirt.io/created-by"))
            continue;
        int rc = ctl_delete(&kv->restore, &KIND_PVC, ns, meta_name(pvc), meta_uid(pvc), reterr);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- after it: claims that waited for the new machine become its own ---- */

static int adopt_claims(struct kv *kv, const json_t *restore, const json_t *vm, bool *ret_changed,
                        struct err *reterr)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_path(restore, "status.restores"), i, entry)
    {
        AUTO(json)
        json_t *pvc = ctl_peek(&kv->restore, &KIND_PVC, meta_namespace(restore),
                               json_str_or_empty(entry, "persistentVolumeClaim"));
        if (!pvc || !meta_annotation(pvc, ANNOTATION_OWNED))
            continue;
        AUTO(json) json_t *copy = json_copy_of(pvc);
        meta_set_annotation(copy, ANNOTATION_OWNED, NULL);
        json_t *owners = json_array();
        json_array_append_new(owners, meta_owner_ref(vm, true, true));
        json_put_take(copy, "metadata.ownerReferences", owners);
        int rc = ctl_update(&kv->restore, &KIND_PVC, NULL, copy, reterr);
        if (rc)
            return rc;
        *ret_changed = true;
    }
    return 0;
}

int kv_restore_apply(struct kv *kv, const json_t *restore, const json_t *content, const json_t *vm,
                     bool *ret_changed, struct err *reterr)
{
    AUTO(str) char *id = kv_restore_id(restore);
    const char *last = vm ? meta_annotation(vm, ANNOTATION_LAST) : NULL;
    if (last && !strcmp(last, id)) {
        int rc = delete_old_claims(kv, restore, reterr);
        if (!rc)
            rc = adopt_claims(kv, restore, vm, ret_changed, reterr);
        return rc || *ret_changed ? rc : kv_revision_claim(kv, vm, ret_changed, reterr);
    }
    *ret_changed = true;
    return vm ? update_vm(kv, restore, content, vm, reterr)
              : create_vm(kv, restore, content, reterr);
}
