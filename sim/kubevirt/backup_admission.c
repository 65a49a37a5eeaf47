/* virt-api's webhooks for backups and trackers (kubevirt-csi.md 4.1). They run before the name of
 * the object is looked up, so a backup that is there already is refused here. What may not change
 * is the definitions' own business. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/backup_priv.h"

#define HOOK_BACKUP "virtualmachinebackup-validator.backup.kubevirt.io"
#define HOOK_TRACKER "virtualmachinebackuptracker-validator.backup.kubevirt.io"

static int check_gate(const struct kv *kv, const char *kind, const char *hook,
                      struct api_response *ret)
{
    const struct fault_attr attrs[] = {{"kind", kind}, {"cluster", cluster_name(kv->cluster)}};
    const json_t *action = fault_hit(world_faults(kv->world), "gate", attrs, ARRAY_LEN(attrs));
    if (kv_gate(kv, GATE_INCREMENTAL_BACKUP) && !json_bool(action, "closed", false))
        return 0;
    return kv_hook_refuse(ret, hook, "IncrementalBackup feature gate not enabled");
}

static int check_others(const struct kv *kv, const struct admission_review *r,
                        struct api_response *ret)
{
    const char *ns = kv_hook_namespace(r);
    AUTO(json) json_t *all = ctl_peek_all(&kv->backup, &KIND_BACKUP, ns);
    size_t i;
    json_t *other;
    json_array_foreach(all, i, other)
    {
        if (*meta_name(r->object) && !strcmp(meta_name(other), meta_name(r->object)))
            return kv_hook_deny(ret, HOOK_BACKUP, "VirtualMachineBackup \"%s\" already exists",
                                meta_name(other));
    }
    json_array_foreach(all, i, other)
    {
        const json_t *theirs = json_path(other, "spec.source");
        const json_t *ours = json_path(r->object, "spec.source");
        if (theirs && ours && json_same(theirs, ours) && !kv_backup_terminal(other))
            return kv_hook_deny(ret, HOOK_BACKUP,
                                "VirtualMachineBackup \"%s\" in progress for source",
                                meta_name(other));
    }
    return 0;
}

static int admit_backup(void *cookie, const struct admission_review *r, struct api_response *ret)
{
    if (!kv_hook_is_write(r))
        return 0;
    if (kv_hook_check_up(cookie, HOOK_BACKUP, ret) < 0)
        return -1;
    if (r->old)
        return 0;
    if (check_gate(cookie, KIND_BACKUP.kind, HOOK_BACKUP, ret) < 0)
        return -1;
    return check_others(cookie, r, ret);
}

static int admit_tracker(void *cookie, const struct admission_review *r, struct api_response *ret)
{
    if (!kv_hook_is_write(r))
        return 0;
    if (kv_hook_check_up(cookie, HOOK_TRACKER, ret) < 0)
        return -1;
    return r->old ? 0 : check_gate(cookie, KIND_TRACKER.kind, HOOK_TRACKER, ret);
}

void kv_backup_admission_start(struct kv *kv)
{
    struct apiserver *a = cluster_server(kv->cluster);
    apiserver_admit(a, KIND_BACKUP.group, KIND_BACKUP.plural, admit_backup, kv);
    apiserver_admit(a, KIND_TRACKER.group, KIND_TRACKER.plural, admit_tracker, kv);
}
