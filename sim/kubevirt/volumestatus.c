/* VirtualMachine.status.volumeSnapshotStatuses, which the snapshot controller keeps
 * (kubevirt-csi.md 1.10). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

/* NULL when the volume can be snapshotted, else why not; new. */
static char *obstacle(struct kv *kv, const json_t *vm, const json_t *volume)
{
    const char *claim = kv_volume_claim(volume), *name = json_str_or_empty(volume, "name");
    if (!claim)
        return mem_printf("Snapshot is not supported for this volumeSource type [%s]", name);
    AUTO(json) json_t *pvc = ctl_peek(&kv->snapshot, &KIND_PVC, meta_namespace(vm), claim);
    if (!pvc)
        return mem_strdup("PVC not found");
    const char *sc = json_str(pvc, "spec.storageClassName");
    AUTO(json) json_t *bound = json_copy_parts(pvc, "status", NULL);
    json_put_str(bound, "status.phase", "Bound"); /* the class counts here, not the binding */
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    AUTO(str) char *class = NULL;
    if (kv_snapshot_class(kv, bound, &class, &e) < 0)
        return mem_strdup(e.msg);
    if (class)
        return NULL;
    return mem_printf("No VolumeSnapshotClass: Volume snapshots are not configured for this "
                      "StorageClass [%s] [%s]",
                      sc ? sc : "", name);
}

static json_t *statuses_of(struct kv *kv, const json_t *vm)
{
    json_t *list = json_array();
    size_t i;
    json_t *volume;
    json_array_foreach(kv_vm_volumes(vm), i, volume)
    {
        AUTO(str) char *why = obstacle(kv, vm, volume);
        json_t *entry = json_pack("{s:s, s:b}", "name", json_str_or_empty(volume, "name"),
                                  "enabled", why == NULL);
        if (why)
            json_put_str(entry, "reason", why);
        json_array_append_new(list, entry);
    }
    return list;
}

int kv_volume_status_reconcile(void *cookie, const char *ns, const char *name,
                               int64_t *ret_after_ns, struct err *reterr)
{
    struct kv *kv = cookie;
    (void)ret_after_ns;
    AUTO(json) json_t *vm = ctl_peek(&kv->snapshot, &KIND_VM, ns, name);
    if (!vm || meta_deleting(vm))
        return 0;
    AUTO(json) json_t *statuses = statuses_of(kv, vm);
    const json_t *old = json_path(vm, "status.volumeSnapshotStatuses");
    if (old ? json_same(old, statuses) : !json_array_size(statuses))
        return 0;
    AUTO(json) json_t *copy = json_copy_parts(vm, "status", NULL);
    json_put_take(copy, "status.volumeSnapshotStatuses", json_incref(statuses));
    return ctl_update(&kv->snapshot, &KIND_VM, "status", copy, reterr);
}
