/* The backup controller: one VirtualMachineBackup from its prerequisites to its end
 * (kubevirt-csi.md 4.3 to 4.5). What the launcher does is in backup_job.c; here it is told and
 * asked. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/backup_priv.h"

const struct kind KIND_BACKUP = {"backup.kubevirt.io", "v1alpha1", "virtualmachinebackups",
                                 "VirtualMachineBackup"};

/* What one pass looks at. */
struct view {
    struct kv *kv;
    const json_t *backup;
    json_t *tracker, *vmi; /* of our own; NULL: there is none */
    const char *ns, *name, *vm;
};

/* ---- sources ---- */

bool kv_backup_of_tracker(const json_t *backup)
{
    return !strcmp(json_str_or_empty(backup, "spec.source.kind"), KIND_TRACKER.kind);
}

char *kv_backup_vm(const struct kv *kv, const json_t *backup)
{
    const char *source = json_str_or_empty(backup, "spec.source.name");
    if (!kv_backup_of_tracker(backup))
        return mem_strdup(source);
    AUTO(json)
    json_t *tracker = ctl_peek(&kv->backup, &KIND_TRACKER, meta_namespace(backup), source);
    return mem_strdup(json_str_or_empty(tracker, "spec.source.name"));
}

static bool is_pull(const json_t *backup)
{
    return !strcmp(json_str_or_empty(backup, "spec.mode"), "Pull");
}

static const json_t *job_status(const json_t *vmi)
{
    return json_at(vmi, "status", "changedBlockTracking", "backupStatus", NULL);
}

/* ---- writes ---- */

static int write_status(const struct view *v, const json_t *changed, struct err *reterr)
{
    if (json_same(v->backup, changed))
        return 0;
    return ctl_update(&v->kv->backup, &KIND_BACKUP, "status", changed, reterr);
}

static json_t *editable(const struct view *v)
{
    AUTO(json)
    json_t *latest = ctl_peek(&v->kv->backup, &KIND_BACKUP, v->ns, v->name);
    return json_copy_parts(latest ? latest : v->backup, "status", NULL);
}

static int say(const struct view *v, enum backup_phase phase, const char *reason,
               const char *message, struct err *reterr)
{
    AUTO(json) json_t *copy = editable(v);
    kv_backup_say(v->kv, copy, phase, reason, message);
    return write_status(v, copy, reterr);
}

static int wait_for(const struct view *v, struct err *reterr, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int wait_for(const struct view *v, struct err *reterr, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    bool first = !json_object_get(v->backup, "status");
    int rc = say(v, BACKUP_WAITING, NULL, text, reterr);
    if (!rc && first)
        kv_backup_event(v->kv, v->backup, BACKUP_WAITING, text);
    return rc;
}

static int end(const struct view *v, enum backup_phase phase, const char *reason,
               const char *message, const char *checkpoint, struct err *reterr)
{
    AUTO(json) json_t *copy = editable(v);
    kv_backup_say(v->kv, copy, phase, reason, message);
    if (checkpoint)
        json_put_str(copy, "status.checkpointName", checkpoint);
    int rc = write_status(v, copy, reterr);
    if (!rc)
        kv_backup_event(v->kv, v->backup, phase, message);
    return rc;
}

/* ---- before the start ---- */

static bool any_eligible(const json_t *vmi)
{
    size_t i;
    json_t *volume;
    json_array_foreach(json_at(vmi, "spec", "volumes", NULL), i, volume)
    {
        if (kv_cbt_eligible(volume))
            return true;
    }
    return false;
}

/* 0 and *ret_waits when something is missing; it is told then. */
static int check_prerequisites(const struct view *v, bool *ret_waits, struct err *reterr)
{
    AUTO(json) json_t *vm = ctl_peek(&v->kv->backup, &KIND_VM, v->ns, v->vm);
    *ret_waits = true;
    if (!vm)
        return wait_for(v, reterr, "VM %s/%s doesnt exist", v->ns, v->vm);
    if (!v->vmi)
        return wait_for(v, reterr, "vm %s is not running, cannot do backup", v->vm);
    if (!any_eligible(v->vmi))
        return wait_for(v, reterr, "vm %s has no volumes to backup", v->vm);
    if (strcmp(kv_cbt_state(v->vmi), "Enabled"))
        return wait_for(v, reterr, "vm %s has no ChangedBlockTracking, cannot start backup", v->vm);
    if (json_bool(v->tracker, "status.checkpointRedefinitionRequired", false))
        return wait_for(v, reterr, "Waiting for checkpoint redefinition on tracker %s",
                        meta_name(v->tracker));
    if (kv_vmi_migrating(v->vmi))
        return wait_for(v, reterr,
                        "vm %s is currently migrating, waiting for migration to complete before "
                        "starting backup",
                        v->vm);
    *ret_waits = false;
    return 0;
}

static int check_target(const struct view *v, bool *ret_waits, struct err *reterr)
{
    const char *claim = json_str_or_empty(v->backup, "spec.pvcName");
    AUTO(json) json_t *pvc = ctl_peek(&v->kv->backup, &KIND_PVC, v->ns, claim);
    *ret_waits = !pvc;
    if (!pvc)
        return wait_for(v, reterr, "PVC %s/%s doesnt exist", v->ns, claim);
    if (!strcmp(json_str_or_empty(pvc, "spec.volumeMode"), "Block")) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "backup target PVC must be a filesystem PVC, provided pvc %s/%s is block", v->ns,
                claim);
        return -400;
    }
    return 0;
}

/* ---- the start ---- */

static const char *base_checkpoint(const struct view *v)
{
    if (json_bool(v->backup, "spec.forceFullBackup", false))
        return NULL;
    return json_str(v->tracker, "status.latestCheckpoint.name");
}

static int claim_instance(const struct view *v, struct err *reterr)
{
    static const char path[] = "/status/changedBlockTracking/backupStatus";
    const json_t *old = job_status(v->vmi);
    if (old && !strcmp(json_str_or_empty(old, "backupName"), v->name))
        return 0;
    AUTO(json)
    json_t *patch =
        json_pack("[{s:s, s:s, s:n}, {s:s, s:s, s:{s:s, s:s}}]", "op", "test", "path", path,
                  "value", "op", "add", "path", path, "value", "backupName", v->name,
                  "startTimestamp", json_str_or_empty(v->backup, "metadata.creationTimestamp"));
    return ctl_patch(&v->kv->backup, &KIND_VMI, v->ns, v->vm, NULL, PATCH_JSON, patch, reterr);
}

static int start_job(const struct view *v, struct err *reterr)
{
    struct job_request request = {
        .vmi = v->vmi,
        .backup = v->name,
        .started = json_str_or_empty(v->backup, "metadata.creationTimestamp"),
        .claim = json_str_or_empty(v->backup, "spec.pvcName"),
        .incremental = base_checkpoint(v),
        .pull = is_pull(v->backup),
        .skip_quiesce = json_bool(v->backup, "spec.skipQuiesce", false),
    };
    int rc = kv_job_start(v->kv, &request, reterr);
    if (rc < -1)
        ctl_event(&v->kv->handler, v->vmi, "Warning", "BackupError", "Failed backing up VM: %s",
                  reterr->msg ? reterr->msg : "");
    return rc;
}

static int start(const struct view *v, struct err *reterr)
{
    const char *other = json_str(job_status(v->vmi), "backupName");
    if (other && strcmp(other, v->name)) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "another backup %s is already in progress, cannot start backup %s", other, v->name);
        return -409;
    }
    const char *type = base_checkpoint(v) ? "Incremental" : "Full";
    int rc = start_job(v, reterr);
    if (rc || (rc = claim_instance(v, reterr)))
        return rc;
    AUTO(json) json_t *copy = editable(v);
    kv_backup_say(v->kv, copy, BACKUP_RUNNING, NULL, NULL);
    json_put_str(copy, "status.type", type);
    rc = write_status(v, copy, reterr);
    if (!rc)
        kv_backup_event(v->kv, v->backup, BACKUP_RUNNING, NULL);
    return rc;
}

static int on_waiting(const struct view *v, struct err *reterr)
{
    bool waits, mounted;
    int rc = check_prerequisites(v, &waits, reterr);
    if (rc || waits)
        return rc;
    rc = ctl_add_finalizer(&v->kv->backup, &KIND_BACKUP, v->backup, FINALIZER_BACKUP, reterr);
    if (rc || (rc = check_target(v, &waits, reterr)) || waits)
        return rc;
    /* 1.8 tells that it has begun to prepare; later versions say nothing until the job runs. */
    if (kv_old_dialect(v->kv) && (rc = wait_for(v, reterr, "Initializing VirtualMachineBackup")))
        return rc;
    rc = kv_target_attach(v->kv, v->vmi, v->name, json_str_or_empty(v->backup, "spec.pvcName"),
                          &mounted, reterr);
    return rc || !mounted ? rc : start(v, reterr);
}

/* Deleted before it had begun: what was prepared is undone. */
static int on_deleted_early(const struct view *v, struct err *reterr)
{
    bool gone;
    if (!v->vmi)
        return ctl_remove_finalizer(&v->kv->backup, &KIND_BACKUP, v->backup, FINALIZER_BACKUP,
                                    reterr);
    int rc = kv_target_detach(v->kv, v->vmi, v->name, &gone, reterr);
    if (rc || !gone)
        return rc;
    return end(v, BACKUP_FAILED, "DeletedDuringInit", "backup was deleted during initialization",
               NULL, reterr);
}

/* ---- while it runs ---- */

static int release_instance(const struct view *v, struct err *reterr)
{
    AUTO(json)
    json_t *patch = json_pack("[{s:s, s:s}]", "op", "remove", "path",
                              "/status/changedBlockTracking/backupStatus");
    return ctl_patch(&v->kv->backup, &KIND_VMI, v->ns, v->vm, NULL, PATCH_JSON, patch, reterr);
}

/* kubevirt/kubevirt#18959: a pass that has not seen the completion yet finds the job's status gone.
 */
static int overwrite(const struct view *v, struct err *reterr)
{
    AUTO(json) json_t *copy = editable(v);
    ctl_drop_condition(json_object_get(copy, "status"), "Complete");
    kv_backup_say(v->kv, copy, BACKUP_FAILED, "SourceLost", "VMI backup status was lost");
    int rc = write_status(v, copy, reterr);
    if (!rc)
        kv_backup_event(v->kv, v->backup, BACKUP_FAILED, "VMI backup status was lost");
    return rc;
}

/* The tracker first, then the target, then the instance, then the word: a crash in between repeats
 * the same writes. */
static int on_completed(const struct view *v, struct err *reterr)
{
    /* The status goes with the instance's field. */
    AUTO(json) json_t *job = json_copy_of(job_status(v->vmi));
    bool failed = json_bool(job, "failed", false), gone;
    const char *message = json_str(job, "backupMsg");
    int rc =
        v->tracker && !failed ? kv_tracker_advance(v->kv, v->tracker, v->backup, job, reterr) : 0;
    if (rc || (rc = kv_target_detach(v->kv, v->vmi, v->name, &gone, reterr)) || !gone)
        return rc;
    rc = release_instance(v, reterr);
    if (rc)
        return rc;
    const char *checkpoint = v->tracker && !failed ? json_str(job, "checkpointName") : NULL;
    if (failed)
        return end(v, BACKUP_FAILED, NULL, message ? message : "unknown, no completion message",
                   checkpoint, reterr);
    rc = end(v, message ? BACKUP_WARNED : BACKUP_DONE, NULL, message, checkpoint, reterr);
    return !rc && kv_job_overwritten(v->kv, v->vmi, v->name) ? overwrite(v, reterr) : rc;
}

static int abort_job(const struct view *v, const char *message, struct err *reterr)
{
    const json_t *told = meta_condition(v->backup, "Progressing");
    AUTO(json) json_t *copy = editable(v);
    kv_backup_say(v->kv, copy, BACKUP_ABORTING, NULL, message);
    bool first = !told || strcmp(json_str_or_empty(told, "reason"),
                                 json_str_or_empty(meta_condition(copy, "Progressing"), "reason"));
    int rc = write_status(v, copy, reterr);
    if (rc)
        return rc;
    if (first)
        kv_backup_event(v->kv, v->backup, BACKUP_ABORTING, message);
    return kv_job_abort(v->kv, v->vmi, v->name, reterr);
}

static int copy_progress(const struct view *v, struct err *reterr)
{
    const json_t *job = job_status(v->vmi);
    const json_t *volumes = json_object_get(job, "volumes");
    const char *checkpoint = json_str(job, "checkpointName");
    AUTO(json) json_t *copy = editable(v);
    if (volumes && !json_at(copy, "status", "includedVolumes", NULL))
        json_put_take(copy, "status.includedVolumes", json_copy_of(volumes));
    if (checkpoint)
        json_put_str(copy, "status.checkpointName", checkpoint);
    kv_backup_say_quiesced(v->kv, copy, json_str_or_empty(job, "quiesceStatus"));
    /* What an export is of must be told before. */
    int rc = is_pull(v->backup) && volumes ? kv_backup_export(v->kv, copy, v->vmi, reterr) : 0;
    return rc ? rc : write_status(v, copy, reterr);
}

/* Pull mode ends by itself when its time is over. */
static bool expired(const struct view *v, int64_t *ret_after_ns)
{
    if (!is_pull(v->backup))
        return false;
    int64_t left = ctl_created(v->backup) + kv_ttl(v->backup) - ctl_now(&v->kv->backup);
    if (left > 0)
        *ret_after_ns = left;
    return left <= 0;
}

static int on_started(const struct view *v, int64_t *ret_after_ns, struct err *reterr)
{
    const json_t *job = job_status(v->vmi);
    if (!v->vmi || !job)
        return end(v, BACKUP_FAILED, "SourceLost",
                   v->vmi ? "VMI backup status was lost" : "VMI was deleted during backup", NULL,
                   reterr);
    if (json_bool(job, "completed", false))
        return on_completed(v, reterr);
    const char *phase = json_str_or_empty(v->vmi, "status.phase");
    if (strcmp(phase, "Running") || meta_deleting(v->vmi)) {
        AUTO(str) char *why = mem_printf("VMI is not in a running state: %s", phase);
        return end(v, BACKUP_FAILED, "SourceUnhealthy", why, NULL, reterr);
    }
    if (meta_deleting(v->backup))
        return abort_job(v, NULL, reterr);
    if (expired(v, ret_after_ns))
        return abort_job(v, "pull mode backup TTL has expired: Backup is aborting", reterr);
    return copy_progress(v, reterr);
}

/* ---- one pass ---- */

static int pass(struct view *v, int64_t *ret_after_ns, struct err *reterr)
{
    bool foreign = v->kv->knobs.adopts_foreign_job && job_status(v->vmi);
    if (json_str(v->backup, "status.type") || foreign)
        return on_started(v, ret_after_ns, reterr);
    if (meta_deleting(v->backup))
        return on_deleted_early(v, reterr);
    return on_waiting(v, reterr);
}

int kv_backup_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                        struct err *reterr)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *backup = ctl_peek(&kv->backup, &KIND_BACKUP, ns, name);
    if (!backup)
        return 0;
    if (kv_backup_terminal(backup))
        return meta_deleting(backup) ? ctl_remove_finalizer(&kv->backup, &KIND_BACKUP, backup,
                                                            FINALIZER_BACKUP, reterr)
                                     : 0;
    struct view v = {.kv = kv, .backup = backup, .ns = ns, .name = name};
    const char *source = json_str_or_empty(backup, "spec.source.name");
    bool tracked = kv_backup_of_tracker(backup);
    AUTO(json) json_t *tracker = tracked ? ctl_peek(&kv->backup, &KIND_TRACKER, ns, source) : NULL;
    /* Before anything else, also before a deletion is looked at, as KubeVirt does. */
    if (tracked && !tracker)
        return wait_for(&v, reterr, "BackupTracker %s does not exist", source);
    v.tracker = tracker;
    v.vm = tracked ? json_str_or_empty(tracker, "spec.source.name") : source;
    AUTO(json) json_t *vmi = ctl_peek(&kv->backup, &KIND_VMI, ns, v.vm);
    v.vmi = vmi;
    return pass(&v, ret_after_ns, reterr);
}
