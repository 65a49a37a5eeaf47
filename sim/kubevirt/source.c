/* The machine that a snapshot is taken of: its lock, and how its claims can be snapshotted
 * (kubevirt-csi.md 2.5, 2.6). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

json_t *kv_snapshot_source(const struct kv *kv, const json_t *snapshot)
{
    return ctl_peek(&kv->snapshot, &KIND_VM, meta_namespace(snapshot),
                    json_str_or_empty(snapshot, "spec.source.name"));
}

static bool lock_is_ours(const json_t *vm, const json_t *snapshot)
{
    return !strcmp(json_str_or_empty(vm, "status.snapshotInProgress"), meta_name(snapshot));
}

bool kv_source_locked(const json_t *vm, const json_t *snapshot)
{
    return vm && lock_is_ours(vm, snapshot) && meta_has_finalizer(vm, FINALIZER_SOURCE);
}

/* ---- what is in the way of the lock: new text, NULL when nothing ---- */

static char *claims_in_the_way(const struct kv *kv, const json_t *vm)
{
    const char *ns = meta_namespace(vm);
    size_t i;
    json_t *volume;
    AUTO(json) json_t *volumes = kv_vm_all_volumes(kv, vm);
    json_array_foreach(volumes, i, volume)
    {
        const char *claim = kv_volume_claim(volume);
        if (!claim)
            continue;
        AUTO(json) json_t *pvc = ctl_peek(&kv->snapshot, &KIND_PVC, ns, claim);
        const char *why = !pvc                 ? "volume doesnt exist"
                          : meta_deleting(pvc) ? "volume is being deleted"
                          : strcmp(json_str_or_empty(pvc, "status.phase"), "Bound")
                              ? "volume not bound"
                              : NULL;
        if (why)
            return mem_printf(" source %s/%s %s: %s", ns, meta_name(vm), why, claim);
    }
    return NULL;
}

static bool pod_uses(const json_t *pod, const json_t *vm)
{
    size_t i;
    json_t *volume;
    json_array_foreach(json_path(pod, "spec.volumes"), i, volume)
    {
        const char *claim = json_str(volume, "persistentVolumeClaim.claimName");
        if (claim && kv_vm_uses_claim(vm, claim))
            return true;
    }
    return false;
}

/* Failed pods count as users, succeeded ones do not. */
static char *pods_in_the_way(const struct kv *kv, const json_t *vm)
{
    const char *ns = meta_namespace(vm);
    AUTO(json) json_t *vmi = ctl_peek(&kv->snapshot, &KIND_VMI, ns, meta_name(vm));
    if (vmi)
        return NULL;
    AUTO(json) json_t *pods = ctl_peek_all(&kv->snapshot, &KIND_POD, ns);
    size_t users = 0, i;
    json_t *pod;
    json_array_foreach(pods, i, pod) users +=
        strcmp(json_str_or_empty(pod, "status.phase"), "Succeeded") && pod_uses(pod, vm);
    if (!users)
        return NULL;
    struct strbuf claims = {0};
    json_t *volume;
    json_array_foreach(kv_vm_volumes(vm), i, volume)
    {
        const char *claim = kv_volume_claim(volume);
        if (claim)
            strbuf_addf(&claims, "%s%s", claims.len ? " " : "", claim);
    }
    char *text =
        mem_printf(" source is offline but %zu pods using PVCs [%s]", users, strbuf_str(&claims));
    strbuf_finish(&claims);
    return text;
}

static char *lock_obstacle(const struct kv *kv, const json_t *vm)
{
    char *why = claims_in_the_way(kv, vm);
    if (!why)
        why = pods_in_the_way(kv, vm);
    const char *other = json_str(vm, "status.snapshotInProgress");
    if (!why && other && *other)
        why = mem_printf(" snapshot \"%s\" in progress", other);
    return why;
}

/* Two writes, status then finalizer: after the first alone the lock is partial, and the next pass
 * completes it. */
int kv_source_lock(struct kv *kv, const json_t *vm, const json_t *snapshot, char **ret_why,
                   struct err *reterr)
{
    *ret_why = NULL;
    if (lock_is_ours(vm, snapshot))
        return ctl_add_finalizer(&kv->snapshot, &KIND_VM, vm, FINALIZER_SOURCE, reterr);
    *ret_why = lock_obstacle(kv, vm);
    if (*ret_why)
        return 0;
    AUTO(json) json_t *copy = json_copy_of(vm);
    json_put_str(copy, "status.snapshotInProgress", meta_name(snapshot));
    return ctl_update(&kv->snapshot, &KIND_VM, "status", copy, reterr);
}

int kv_source_unlock(struct kv *kv, const json_t *vm, const json_t *snapshot, struct err *reterr)
{
    if (!lock_is_ours(vm, snapshot))
        return 0;
    int rc = ctl_remove_finalizer(&kv->snapshot, &KIND_VM, vm, FINALIZER_SOURCE, reterr);
    if (rc)
        return rc;
    AUTO(json) json_t *now = ctl_peek(&kv->snapshot, &KIND_VM, meta_namespace(vm), meta_name(vm));
    if (!now || !lock_is_ours(now, snapshot))
        return 0; /* the finalizer was its last */
    AUTO(json) json_t *copy = json_copy_of(now);
    json_drop(copy, "status.snapshotInProgress");
    rc = ctl_update(&kv->snapshot, &KIND_VM, "status", copy, reterr);
    if (rc == -404) {
        err_clear(reterr);
        return 0;
    }
    return rc;
}

/* ---- classes ---- */

int kv_snapshot_class(const struct kv *kv, const json_t *claim, char **ret_class,
                      struct err *reterr)
{
    const char *sc_name = json_str(claim, "spec.storageClassName");
    *ret_class = NULL;
    if (!sc_name || strcmp(json_str_or_empty(claim, "status.phase"), "Bound"))
        return 0;
    AUTO(json) json_t *sc = ctl_peek(&kv->snapshot, &KIND_STORAGE_CLASS, NULL, sc_name);
    if (!sc)
        return 0;
    AUTO(json) json_t *classes = ctl_peek_all(&kv->snapshot, &KIND_VOLUME_SNAPSHOT_CLASS, NULL);
    const char *driver = json_str_or_empty(sc, "provisioner"), *any = NULL, *chosen = NULL;
    size_t i, matching = 0;
    json_t *class;
    json_array_foreach(classes, i, class)
    {
        if (strcmp(json_str_or_empty(class, "driver"), driver))
            continue;
        matching++;
        any = meta_name(class);
        /* The key decides, whatever its value. */
        if (!chosen && meta_annotation(class, "snapshot.storage.kubernetes.io/is-default-class"))
            chosen = any;
    }
    if (matching > 1 && !chosen)
        return err_set(reterr, ERR_INVALID, NO_POS, "%zu matching VolumeSnapshotClasses for %s",
                       matching, sc_name);
    if (any)
        *ret_class = mem_strdup(matching == 1 ? any : chosen);
    return 0;
}
