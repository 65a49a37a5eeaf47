/* Who is tracked: the states of machines and instances (kubevirt-csi.md 1.11). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/backup_priv.h"

#define PENDING "PendingRestart"
#define INITIALIZING "Initializing"
#define ENABLED "Enabled"
#define DISABLED "Disabled"
#define GATE_OFF "IncrementalBackupFeatureGateDisabled"

static bool is(const char *state, const char *other)
{
    return strcmp(state, other) == 0;
}

const char *kv_cbt_state(const json_t *object)
{
    return json_str_or_empty(object, "status.changedBlockTracking.state");
}

static const char *selected_next(bool has_vmi, const char *vm, const char *vmi)
{
    if (!has_vmi)
        return is(vm, ENABLED) ? ENABLED : INITIALIZING;
    if (is(vm, INITIALIZING) || is(vm, ENABLED))
        return is(vmi, ENABLED) ? ENABLED : INITIALIZING;
    if (is(vm, "") || is(vm, GATE_OFF))
        return PENDING;
    return is(vmi, ENABLED) ? ENABLED : is(vmi, INITIALIZING) ? INITIALIZING : PENDING;
}

static const char *gated_next(bool selected, bool tracked, const char *vm)
{
    if (tracked)
        return is(vm, INITIALIZING) || is(vm, ENABLED) ? PENDING : vm;
    return selected ? GATE_OFF : "";
}

const char *kv_cbt_next(bool gate, bool selected, bool has_vmi, const char *vm, const char *vmi)
{
    bool tracked = has_vmi && !is(vmi, "") && !is(vmi, DISABLED);
    if (!gate)
        return gated_next(selected, tracked, vm);
    if (selected)
        return selected_next(has_vmi, vm, vmi);
    if (is(vm, "") || is(vm, DISABLED))
        return vm;
    return tracked ? PENDING : DISABLED;
}

void kv_cbt_vm_status(struct kv *kv, json_t *vm, const json_t *vmi)
{
    const char *next = kv_cbt_next(kv_gate(kv, GATE_INCREMENTAL_BACKUP), kv_cbt_selected(kv, vm),
                                   vmi != NULL, kv_cbt_state(vm), vmi ? kv_cbt_state(vmi) : "");
    if (*next)
        json_put_str(vm, "status.changedBlockTracking.state", next);
    else
        json_drop(vm, "status.changedBlockTracking");
}

void kv_cbt_instance(const struct kv *kv, const json_t *vm, json_t *vmi)
{
    if (!kv_gate(kv, GATE_INCREMENTAL_BACKUP))
        return;
    if (kv_cbt_selected(kv, vm))
        json_put_str(vmi, "status.changedBlockTracking.state", INITIALIZING);
    else if (*kv_cbt_state(vm))
        json_put_str(vmi, "status.changedBlockTracking.state", DISABLED);
}

/* ---- virt-handler ---- */

bool kv_cbt_eligible(const json_t *volume)
{
    return json_str(volume, "persistentVolumeClaim.claimName") ||
           json_str(volume, "dataVolume.name") || json_str(volume, "hostDisk.path");
}

/* Every tracked volume has its overlay as soon as there is a volume to lay it over. */
static bool overlays_ready(const struct kv *kv, const json_t *vmi)
{
    size_t i;
    json_t *volume;
    json_array_foreach(json_at(vmi, "spec", "volumes", NULL), i, volume)
    {
        if (kv_cbt_eligible(volume) && kv_volume_claim(volume) &&
            (!storage_volume(kv->cluster, meta_namespace(vmi), kv_volume_claim(volume)) ||
             kv_plug_hangs(kv, vmi, kv_volume_claim(volume), "overlay")))
            return false;
    }
    return true;
}

/* libvirt knows no checkpoint of an earlier run: whoever remembers one must have it defined again
 * before it is used. */
static int mark_trackers(struct kv *kv, const json_t *vmi, struct err *reterr)
{
    AUTO(json) json_t *all = ctl_peek_all(&kv->handler, &KIND_TRACKER, meta_namespace(vmi));
    size_t i;
    json_t *tracker;
    json_array_foreach(all, i, tracker)
    {
        if (strcmp(json_str_or_empty(tracker, "spec.source.name"), meta_name(vmi)) ||
            !json_str(tracker, "status.latestCheckpoint.name") ||
            json_bool(tracker, "status.checkpointRedefinitionRequired", false))
            continue;
        AUTO(json)
        json_t *patch = json_pack("{s:{s:b}}", "status", "checkpointRedefinitionRequired", true);
        int rc = ctl_patch(&kv->handler, &KIND_TRACKER, meta_namespace(tracker), meta_name(tracker),
                           "status", PATCH_MERGE, patch, reterr);
        if (rc == -404)
            err_clear(reterr);
        else if (rc)
            return rc;
    }
    return 0;
}

int kv_cbt_running(struct kv *kv, struct guest *g, json_t *vmi, struct err *reterr)
{
    const char *state = kv_cbt_state(vmi);
    if (!is(state, INITIALIZING) && !is(state, ENABLED)) {
        kv_launcher_untracked(g);
        return 0;
    }
    if (is(state, ENABLED) || !overlays_ready(kv, vmi))
        return 0;
    kv_launcher_tracked(g, vmi);
    int rc = mark_trackers(kv, vmi, reterr);
    if (!rc)
        json_put_str(vmi, "status.changedBlockTracking.state", ENABLED);
    return rc;
}
