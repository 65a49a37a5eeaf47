/* The claim that holds a tracked machine's overlays (kubevirt-csi.md 1.11): made at the first start
 * that is tracked, in every snapshot of the machine, gone with it. What is in it is not simulated:
 * bitmaps are moments (checkpoint.c). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/backup_priv.h"

#define LABEL "persistent-state-for"
#define SIZE "522Mi"      /* 10Mi of state, 512Mi for overlays */
#define SIZE_SMALL "11Mi" /* before those were thought of */

static json_t *find_claim(const struct kv *kv, const char *ns, const char *vm)
{
    AUTO(json) json_t *all = ctl_peek_all(&kv->vm, &KIND_PVC, ns);
    size_t i;
    json_t *claim;
    json_array_foreach(all, i, claim)
    {
        const char *owner = meta_label(claim, LABEL);
        if (owner && !strcmp(owner, vm) && !meta_deleting(claim))
            return json_incref(claim);
    }
    return NULL;
}

json_t *kv_vm_all_volumes(const struct kv *kv, const json_t *vm)
{
    const json_t *spec = kv_vm_volumes(vm);
    json_t *all = spec ? json_copy_of(spec) : json_array();
    AUTO(json) json_t *claim = find_claim(kv, meta_namespace(vm), meta_name(vm));
    if (claim)
        json_array_append_new(all,
                              json_pack("{s:s, s:{s:s}}", "name", KV_BACKEND_VOLUME,
                                        "persistentVolumeClaim", "claimName", meta_name(claim)));
    return all;
}

static json_t *claim_for(const struct kv *kv, const json_t *vmi)
{
    const json_t *owner = meta_controller_of(vmi);
    json_t *claim = ctl_object(&KIND_PVC, meta_namespace(vmi), "");
    AUTO(str) char *prefix = mem_printf(LABEL "-%s-", meta_name(vmi));
    json_drop(claim, "metadata.name");
    json_put_str(claim, "metadata.generateName", prefix);
    meta_set_label(claim, LABEL, meta_name(vmi));
    meta_set_label(claim, "cdi.kubevirt.io/applyStorageProfile", "true");
    if (owner)
        json_put_take(claim, "metadata.ownerReferences", json_pack("[O]", (json_t *)owner));
    json_put_take(claim, "spec.accessModes", json_pack("[s]", "ReadWriteOnce"));
    json_put_str(claim, "spec.resources.requests.storage",
                 kv->knobs.small_overlays ? SIZE_SMALL : SIZE);
    return claim;
}

static void wait_for_it(json_t *vmi, const char *reason, const char *message, int64_t now)
{
    ctl_set_condition(json_object_get(vmi, "status"), "Synchronized", "False", reason, message,
                      now);
}

int kv_backend_ensure(struct kv *kv, json_t *vmi, bool *ret_ready, struct err *reterr)
{
    int64_t now = ctl_now(&kv->vm);
    *ret_ready = true;
    if (strcmp(kv_cbt_state(vmi), "Initializing"))
        return 0;
    AUTO(json) json_t *claim = find_claim(kv, meta_namespace(vmi), meta_name(vmi));
    *ret_ready = claim && !strcmp(json_str_or_empty(claim, "status.phase"), "Bound");
    if (*ret_ready)
        return 0;
    if (claim) {
        wait_for_it(vmi, "BackendStorageNotReady", "PVC pending", now);
        return kv_select_node(kv, claim, reterr);
    }
    AUTO(json) json_t *made = claim_for(kv, vmi);
    __attribute__((cleanup(cleanup_err))) struct err why = {0};
    int rc = ctl_create(&kv->vm, &KIND_PVC, made, NULL, &why);
    if (rc < -1)
        wait_for_it(vmi, "FailedBackendStorageCreate", why.msg ? why.msg : "", now);
    else if (!rc)
        wait_for_it(vmi, "BackendStorageNotReady", "PVC pending", now);
    return rc == -1 ? err_move(reterr, &why) : 0;
}

/* Each tracked disk has an overlay with its bitmaps; there was room for one. */
bool kv_backend_too_small(const struct kv *kv, const json_t *vmi)
{
    size_t i, tracked = 0;
    json_t *volume;
    if (!kv->knobs.small_overlays || strcmp(kv_cbt_state(vmi), "Initializing"))
        return false;
    json_array_foreach(json_at(vmi, "spec", "volumes", NULL), i, volume) tracked +=
        kv_cbt_eligible(volume);
    return tracked > 1;
}
