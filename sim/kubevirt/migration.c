/* Live migration as far as backups meet it (kubevirt-csi.md 4.8): the two never run at the same
 * time, a backup that runs holds a migration back, and a system-critical one ends the backup. There
 * is one node, so an instance arrives where it was. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubelet/kubelet.h"
#include "sim/kubevirt/backup_priv.h"

#define UTILITY_VOLUMES_MAX_NS (150 * NS_PER_S)

const struct kind KIND_MIGRATION = {"kubevirt.io", "v1", "virtualmachineinstancemigrations",
                                    "VirtualMachineInstanceMigration"};

static const json_t *state_of(const json_t *vmi)
{
    return json_at(vmi, "status", "migrationState", NULL);
}

bool kv_vmi_migrating(const json_t *vmi)
{
    const json_t *state = state_of(vmi);
    return json_str(state, "startTimestamp") && !json_bool(state, "completed", false) &&
           !json_bool(state, "failed", false);
}

static bool is_final(const json_t *migration)
{
    const char *phase = json_str_or_empty(migration, "status.phase");
    return !strcmp(phase, "Succeeded") || !strcmp(phase, "Failed");
}

static int write_phase(struct kv *kv, const json_t *old, const char *phase, const char *blocked,
                       const char *why, struct err *reterr)
{
    AUTO(json) json_t *copy = json_copy_parts(old, "status", NULL);
    json_put_str(copy, "status.phase", phase);
    json_t *status = json_object_get(copy, "status");
    if (blocked)
        ctl_set_condition(status, "BlockedByBackup", "True", blocked, why, ctl_now(&kv->vm));
    else
        ctl_drop_condition(status, "BlockedByBackup");
    if (json_same(old, copy))
        return 0;
    return ctl_update(&kv->vm, &KIND_MIGRATION, "status", copy, reterr);
}

static int write_state(struct kv *kv, const json_t *vmi, json_t *state /* taken */,
                       struct err *reterr)
{
    AUTO(json) json_t *patch = json_pack("{s:{s:o}}", "status", "migrationState", state);
    return ctl_patch(&kv->vm, &KIND_VMI, meta_namespace(vmi), meta_name(vmi), NULL, PATCH_MERGE,
                     patch, reterr);
}

/* ---- a backup is in the way ---- */

static int on_backup(struct kv *kv, const json_t *migration, const json_t *vmi, const json_t *job,
                     struct err *reterr)
{
    const char *name = json_str_or_empty(job, "backupName");
    AUTO(str) char *why = mem_printf("Waiting for backup %s to complete", name);
    int rc = write_phase(kv, migration, "Pending", "BackupInProgress", why, reterr);
    bool critical = !strcmp(json_str_or_empty(migration, "spec.priority"), "system-critical");
    if (rc || !critical || json_bool(job, "completed", false))
        return rc;
    rc = kv_job_abort(kv, vmi, name, reterr);
    if (rc < -1)
        ctl_event(&kv->vm, vmi, "Warning", "BackupAbortFailed", "%s",
                  reterr->msg ? reterr->msg : "");
    else if (!rc)
        ctl_event(&kv->vm, vmi, "Normal", "BackupAbortedForMigration",
                  "Backup %s was aborted for migration %s", name, meta_name(migration));
    return rc;
}

/* The target of a backup is still plugged: that is waited for, but not for ever. */
static int on_plugged(struct kv *kv, const json_t *migration, int64_t *ret_after_ns,
                      struct err *reterr)
{
    int64_t left = ctl_created(migration) + UTILITY_VOLUMES_MAX_NS - ctl_now(&kv->vm);
    if (left <= 0)
        return write_phase(kv, migration, "Failed", NULL, NULL, reterr);
    *ret_after_ns = left;
    return write_phase(kv, migration, "Pending", NULL, NULL, reterr);
}

/* ---- the migration itself ---- */

static json_t *new_state(const json_t *migration, const char *when)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:n, s:n, s:n}", "migrationUid", meta_uid(migration),
                     "startTimestamp", when, "sourceNode", NODE_NAME, "targetNode", NODE_NAME,
                     "endTimestamp", "completed", "failed");
}

static int begin(struct kv *kv, const json_t *migration, const json_t *vmi, struct err *reterr)
{
    char now[TIME_TEXT];
    time_format(ctl_now(&kv->vm), now);
    int rc = write_state(kv, vmi, new_state(migration, now), reterr);
    return rc ? rc : write_phase(kv, migration, "Running", NULL, NULL, reterr);
}

/* Bitmaps travel with the disks, if all goes well (datamover.md B-48). */
static void carry_bitmaps(struct kv *kv, const json_t *vmi)
{
    struct guest *g = kv_guest(kv, meta_namespace(vmi), meta_name(vmi));
    size_t i = 0;
    const char *name;
    void *checkpoint;
    while (g->launcher && strmap_each(g->launcher->checkpoints, &i, &name, &checkpoint))
        checkpoint_look(kv, g, checkpoint, "migration");
}

static int finish(struct kv *kv, const json_t *migration, const json_t *vmi, int64_t *ret_after_ns,
                  struct err *reterr)
{
    int64_t started = 0, now = ctl_now(&kv->vm);
    time_parse(json_str_or_empty(state_of(vmi), "startTimestamp"), &started);
    int64_t left = started + kv->duration_ns[KV_MIGRATE] - now;
    if (left > 0) {
        *ret_after_ns = left;
        return 0;
    }
    char when[TIME_TEXT];
    time_format(now, when);
    int rc =
        write_state(kv, vmi, json_pack("{s:s, s:b}", "endTimestamp", when, "completed", 1), reterr);
    if (!rc)
        carry_bitmaps(kv, vmi);
    return rc ? rc : write_phase(kv, migration, "Succeeded", NULL, NULL, reterr);
}

int kv_migration_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                           struct err *reterr)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *migration = ctl_peek(&kv->vm, &KIND_MIGRATION, ns, name);
    if (!migration || is_final(migration))
        return 0;
    AUTO(json)
    json_t *vmi = ctl_peek(&kv->vm, &KIND_VMI, ns, json_str_or_empty(migration, "spec.vmiName"));
    if (!vmi || meta_deleting(vmi) || strcmp(json_str_or_empty(vmi, "status.phase"), "Running"))
        return write_phase(kv, migration, "Failed", NULL, NULL, reterr);
    const char *mine = json_str_or_empty(state_of(vmi), "migrationUid");
    if (!strcmp(mine, meta_uid(migration)))
        return kv_vmi_migrating(vmi) ? finish(kv, migration, vmi, ret_after_ns, reterr)
                                     : write_phase(kv, migration, "Succeeded", NULL, NULL, reterr);
    if (kv_vmi_migrating(vmi)) /* one at a time */
        return write_phase(kv, migration, "Pending", NULL, NULL, reterr);
    const json_t *job = json_at(vmi, "status", "changedBlockTracking", "backupStatus", NULL);
    if (job)
        return on_backup(kv, migration, vmi, job, reterr);
    if (json_array_size(json_at(vmi, "spec", "utilityVolumes", NULL)) > 0)
        return on_plugged(kv, migration, ret_after_ns, reterr);
    return begin(kv, migration, vmi, reterr);
}
