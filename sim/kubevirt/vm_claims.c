/* Claims of a machine's dataVolumeTemplates. No CDI stands behind this simulation: a template
 * becomes an empty claim of its name, owned by the machine, at once (kubevirt-csi.md 1.5 item
 * 3, 1.10). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

static json_t *claim_of(const json_t *vm, const json_t *template)
{
    static const char *const kept[] = {"accessModes", "resources", "storageClassName",
                                       "volumeMode"};
    json_t *pvc =
        ctl_object(&KIND_PVC, meta_namespace(vm), json_str_or_empty(template, "metadata.name"));
    const json_t *wanted = json_path(template, "spec.storage");
    if (!wanted)
        wanted = json_path(template, "spec.pvc");
    json_put_take(pvc, "spec.accessModes", json_pack("[s]", "ReadWriteOnce"));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        json_t *value = json_object_get(wanted, kept[i]);
        if (value)
            json_object_set_new(json_object_get(pvc, "spec"), kept[i], json_copy_of(value));
    }
    meta_set_label(pvc, "kubevirt.io/created-by", meta_uid(vm));
    json_t *owners = json_array();
    json_array_append_new(owners, meta_owner_ref(vm, true, true));
    json_put_take(pvc, "metadata.ownerReferences", owners);
    return pvc;
}

static int ensure_claim(struct kv *kv, const json_t *vm, const json_t *template, struct err *reterr)
{
    const char *name = json_str(template, "metadata.name");
    AUTO(json) json_t *have = name ? ctl_peek(&kv->vm, &KIND_PVC, meta_namespace(vm), name) : NULL;
    if (!name || have)
        return 0;
    AUTO(json) json_t *pvc = claim_of(vm, template);
    bool made;
    int rc = ctl_ensure(&kv->vm, &KIND_PVC, pvc, &made, reterr);
    if (rc)
        ctl_event(&kv->vm, vm, "Warning", "FailedDataVolumeCreate",
                  "Error creating DataVolume %s: %s", name, reterr->msg ? reterr->msg : "");
    else if (made)
        ctl_event(&kv->vm, vm, "Normal", "SuccessfulDataVolumeCreate", "Created DataVolume %s",
                  name);
    return rc;
}

int kv_vm_ensure_claims(struct kv *kv, const json_t *vm, struct err *reterr)
{
    size_t i;
    json_t *template;
    json_array_foreach(json_path(vm, "spec.dataVolumeTemplates"), i, template)
    {
        int rc = ensure_claim(kv, vm, template, reterr);
        if (rc)
            return rc;
    }
    return 0;
}
