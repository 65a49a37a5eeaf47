/* The target claim becomes a utility volume of the instance, and goes again: what the backup
 * controller asks for, and what virt-handler reports (kubevirt-csi.md 1.9, 4.4). The attachment pod
 * is not simulated. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/backup_priv.h"

#define SUFFIX "backup-target-pvc"
#define NAME_MAX_LEN 63

static uint32_t fnv1a(const char *text)
{
    uint32_t h = UINT32_C(2166136261);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT32_C(16777619);
    return h;
}

char *kv_target_volume(const char *backup)
{
    AUTO(str) char *whole = mem_printf("%s-" SUFFIX, backup);
    if (strlen(whole) <= NAME_MAX_LEN)
        return TAKE(whole);
    int room = NAME_MAX_LEN - (int)strlen("-12345678-" SUFFIX);
    return mem_printf("%.*s-%08" PRIx32 "-" SUFFIX, room, backup, fnv1a(whole));
}

static const json_t *utility_volumes(const json_t *vmi)
{
    return json_at(vmi, "spec", "utilityVolumes", NULL);
}

bool kv_vmi_uses_utility(const json_t *vmi, const char *claim)
{
    return json_find(utility_volumes(vmi), "claimName", claim) != NULL;
}

static const json_t *status_entry(const json_t *vmi, const char *volume)
{
    return json_find(json_at(vmi, "status", "volumeStatus", NULL), "name", volume);
}

/* ---- the controller's side ---- */

static int patch_list(struct kv *kv, const json_t *vmi, json_t *list /* taken */,
                      struct err *reterr)
{
    static const char path[] = "/spec/utilityVolumes";
    const json_t *old = utility_volumes(vmi);
    AUTO(json)
    json_t *patch = json_pack("[{s:s, s:s, s:o}]", "op", "test", "path", path, "value",
                              old ? json_copy_of(old) : json_null());
    if (json_array_size(list) > 0)
        json_array_append_new(patch, json_pack("{s:s, s:s, s:O}", "op", old ? "replace" : "add",
                                               "path", path, "value", list));
    else
        json_array_append_new(patch, json_pack("{s:s, s:s}", "op", "remove", "path", path));
    json_decref(list);
    return ctl_patch(&kv->backup, &KIND_VMI, meta_namespace(vmi), meta_name(vmi), NULL, PATCH_JSON,
                     patch, reterr);
}

int kv_target_attach(struct kv *kv, const json_t *vmi, const char *backup, const char *claim,
                     bool *ret_mounted, struct err *reterr)
{
    AUTO(str) char *volume = kv_target_volume(backup);
    const json_t *old = utility_volumes(vmi);
    *ret_mounted = !strcmp(json_str_or_empty(status_entry(vmi, volume), "phase"), "MountedToPod");
    if (json_find(old, "name", volume))
        return 0;
    *ret_mounted = false;
    json_t *list = old ? json_copy_of(old) : json_array();
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s}", "name", volume, "claimName", claim, "type", "Backup"));
    return patch_list(kv, vmi, list, reterr);
}

int kv_target_detach(struct kv *kv, const json_t *vmi, const char *backup, bool *ret_gone,
                     struct err *reterr)
{
    AUTO(str) char *volume = kv_target_volume(backup);
    const json_t *old = utility_volumes(vmi);
    *ret_gone = false;
    if (!json_find(old, "name", volume)) {
        *ret_gone = !status_entry(vmi, volume);
        return 0;
    }
    json_t *list = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)old, i, entry)
    {
        if (strcmp(json_str_or_empty(entry, "name"), volume))
            json_array_append_new(list, json_copy_of(entry));
    }
    return patch_list(kv, vmi, list, reterr);
}

/* ---- virt-handler's side ---- */

static json_t *entry_of(const char *volume, const char *phase, const char *reason,
                        const char *message)
{
    json_t *entry = json_pack("{s:s, s:s, s:s, s:{}}", "name", volume, "target", "", "phase", phase,
                              "hotplugVolume");
    if (reason)
        json_put_str(entry, "reason", reason);
    if (message)
        json_put_str(entry, "message", message);
    return entry;
}

/* What keeps the claim from being attached; NULL: nothing. */
static json_t *obstacle(struct kv *kv, const json_t *vmi, const char *volume, const char *claim,
                        struct err *reterr)
{
    AUTO(json) json_t *pvc = ctl_peek(&kv->handler, &KIND_PVC, meta_namespace(vmi), claim);
    if (!pvc) {
        AUTO(str) char *text = mem_printf("PVC %s not found", claim);
        return entry_of(volume, "Pending", "FailedPvcNotFound", text);
    }
    if (!strcmp(json_str_or_empty(pvc, "spec.volumeMode"), "Block")) {
        AUTO(str)
        char *text =
            mem_printf("Utility volume PVC %s must be filesystem mode, not block mode", claim);
        return entry_of(volume, "Pending", NULL, text);
    }
    if (strcmp(json_str_or_empty(pvc, "status.phase"), "Bound")) {
        bool lost = !strcmp(json_str_or_empty(pvc, "status.phase"), "Lost");
        kv_select_node(kv, pvc, reterr);
        return entry_of(volume, "Pending", "PVCNotReady",
                        lost ? "PVC is in phase Lost" : "PVC is in phase ClaimPending");
    }
    return NULL;
}

bool kv_plug_hangs(const struct kv *kv, const json_t *vmi, const char *claim, const char *op)
{
    const struct fault_attr attrs[] = {
        {"ns", meta_namespace(vmi)},
        {"vm", meta_name(vmi)},
        {"claim", claim},
        {"op", op},
        {"cluster", cluster_name(kv->cluster)},
    };
    return json_bool(fault_hit(world_faults(kv->world), "plug", attrs, ARRAY_LEN(attrs)), "hang",
                     false);
}

/* What was pulled and does not come off. */
static void keep_hanging(struct kv *kv, const json_t *vmi, const json_t *wanted, json_t *list)
{
    size_t i;
    json_t *old;
    json_array_foreach(json_at(vmi, "status", "volumeStatus", NULL), i, old)
    {
        const char *volume = json_str_or_empty(old, "name");
        const char *claim = json_str_or_empty(old, "persistentVolumeClaimInfo.claimName");
        if (!json_find(wanted, "name", volume) && kv_plug_hangs(kv, vmi, claim, "detach")) {
            json_t *entry = json_copy_of(old);
            json_put_str(entry, "phase", "Detaching");
            json_array_append_new(list, entry);
        }
    }
}

static json_t *plugged_entry(struct kv *kv, struct launcher *l, const char *volume,
                             const char *phase, int64_t *ret_after_ns)
{
    int64_t now = ctl_now(&kv->handler);
    if (!strcmp(phase, "MountedToPod"))
        return entry_of(volume, phase, NULL, NULL);
    int64_t *since = strmap_get(l->plugged, volume);
    if (!since) {
        since = mem_zalloc(sizeof *since);
        *since = now;
        strmap_put(l->plugged, volume, since);
    }
    int64_t left = *since + kv->duration_ns[KV_ATTACH] - now;
    if (left <= 0) {
        free(strmap_remove(l->plugged, volume));
        return entry_of(volume, "MountedToPod", NULL, NULL);
    }
    *ret_after_ns = *ret_after_ns > 0 && *ret_after_ns < left ? *ret_after_ns : left;
    return entry_of(volume, "AttachedToNode", NULL, NULL);
}

int kv_utility_volumes(struct kv *kv, struct guest *g, json_t *vmi, int64_t *ret_after_ns,
                       struct err *reterr)
{
    const json_t *wanted = utility_volumes(vmi);
    json_t *status = json_object_get(vmi, "status");
    if (!json_array_size(wanted) && !json_object_get(status, "volumeStatus"))
        return 0;
    if (!kv_gate(kv, GATE_UTILITY_VOLUMES))
        return 0; /* nobody looks at the list */
    json_t *list = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)wanted, i, entry)
    {
        const char *volume = json_str_or_empty(entry, "name");
        const char *claim = json_str_or_empty(entry, "claimName");
        const char *phase = json_str_or_empty(status_entry(vmi, volume), "phase");
        json_t *shown = obstacle(kv, vmi, volume, claim, reterr);
        if (!shown && strcmp(phase, "MountedToPod") && kv_plug_hangs(kv, vmi, claim, "attach"))
            shown = entry_of(volume, "AttachedToNode", NULL, NULL);
        if (!shown)
            shown = plugged_entry(kv, kv_launcher(g), volume, phase, ret_after_ns);
        json_put_str(shown, "persistentVolumeClaimInfo.claimName", claim);
        json_array_append_new(list, shown);
    }
    keep_hanging(kv, vmi, wanted, list);
    if (json_array_size(list) > 0)
        json_object_set_new(status, "volumeStatus", json_incref(list));
    else
        json_object_del(status, "volumeStatus");
    json_decref(list);
    return err_pending(reterr) ? -1 : 0;
}
