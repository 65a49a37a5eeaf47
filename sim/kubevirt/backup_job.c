/* The launcher: what happens to a machine's disks when it is told to back them up (kubevirt-csi.md
 * 4.4, 4.5). One job at a time; the moments of all disks are taken when it begins, the bytes are
 * written when it ends. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "kube/quantity.h"
#include "sim/kubelet/kubelet.h"
#include "sim/kubevirt/backup_priv.h"

/* ---- life ---- */

struct launcher *kv_launcher(struct guest *g)
{
    if (!g->launcher) {
        g->launcher = mem_zalloc(sizeof *g->launcher);
        g->launcher->checkpoints = strmap_create();
        g->launcher->plugged = strmap_create();
        g->launcher->host_disks = strmap_create();
    }
    return g->launcher;
}

void kv_job_free(struct job *job)
{
    if (!job)
        return;
    for (size_t i = 0; i < job->disk_count; i++) {
        free(job->disks[i].volume);
        disk_moment_unref(job->disks[i].from);
        disk_moment_unref(job->disks[i].to);
    }
    free(job->disks);
    free(job->backup);
    free(job->started);
    free(job->ended);
    free(job->checkpoint);
    free(job->claim);
    free(job->folder);
    free(job->message);
    json_decref(job->fault);
    free(job);
}

static void drop_job(struct kv *kv, struct launcher *l)
{
    if (l->job && l->job->event)
        sched_cancel(kv->sched, l->job->event);
    kv_job_free(l->job);
    l->job = NULL;
}

static void drop_disk(void *disk)
{
    disk_destroy(disk);
}

void kv_launcher_destroy(struct launcher *l)
{
    if (!l)
        return;
    kv_job_free(l->job);
    strmap_destroy(l->checkpoints, checkpoint_destroy);
    strmap_destroy(l->plugged, free);
    strmap_destroy(l->host_disks, drop_disk);
    free(l->vm_uid);
    free(l);
}

void kv_launcher_end(struct guest *g)
{
    struct launcher *l = g->launcher;
    size_t i = 0;
    const char *name;
    void *checkpoint;
    if (!l)
        return;
    drop_job(g->kv, l);
    strmap_destroy(l->plugged, free);
    l->plugged = strmap_create();
    while (strmap_each(l->checkpoints, &i, &name, &checkpoint))
        checkpoint_close(checkpoint, g->ending && !strcmp(g->ending, "Failed"));
}

static void forget_checkpoints(struct launcher *l)
{
    strmap_destroy(l->checkpoints, checkpoint_destroy);
    l->checkpoints = strmap_create();
}

void kv_launcher_tracked(struct guest *g, const json_t *vmi)
{
    struct launcher *l = kv_launcher(g);
    const json_t *owner = meta_controller_of(vmi);
    const char *uid = owner ? json_str_or_empty(owner, "uid") : meta_uid(vmi);
    if (l->vm_uid && !strcmp(l->vm_uid, uid))
        return;
    forget_checkpoints(l);
    free(l->vm_uid);
    l->vm_uid = mem_strdup(uid);
}

void kv_launcher_untracked(struct guest *g)
{
    if (g->launcher)
        forget_checkpoints(g->launcher);
}

/* ---- what virt-handler sees ---- */

/* `with_types`: what is announced; `with_targets`: what was there up to 1.8. */
static void put_volumes(json_t *status, const struct job *job, bool with_types, bool with_targets)
{
    json_t *list = json_array();
    for (size_t i = 0; i < job->disk_count; i++) {
        json_t *entry = json_pack("{s:s}", "volumeName", job->disks[i].volume);
        if (with_types)
            json_put_str(entry, "type", job->disks[i].from ? "Incremental" : "Full");
        if (with_targets) {
            AUTO(str) char *target = mem_printf("vd%c", (char)('a' + i % 26));
            json_put_str(entry, "diskTarget", target);
        }
        json_array_append_new(list, entry);
    }
    json_object_set_new(status, "volumes", list);
}

void kv_job_report(const struct guest *g, json_t *vmi)
{
    json_t *status = json_at_mut(vmi, "status", "changedBlockTracking", "backupStatus", NULL);
    const struct job *job = g->launcher ? g->launcher->job : NULL;
    if (!job || !json_is_object(status) ||
        strcmp(json_str_or_empty(status, "backupName"), job->backup) ||
        strcmp(json_str_or_empty(status, "startTimestamp"), job->started))
        return;
    json_put_str(status, "checkpointName", job->checkpoint);
    put_volumes(status, job, g->kv->knobs.per_disk_full, kv_old_dialect(g->kv));
    if (*job->quiesce)
        json_put_str(status, "quiesceStatus", job->quiesce);
    if (job->message)
        json_put_str(status, "backupMsg", job->message);
    if (!job->ended)
        return;
    json_put_str(status, "endTimestamp", job->ended);
    json_object_set_new(status, "completed", json_true());
    if (job->failed)
        json_object_set_new(status, "failed", json_true());
}

/* ---- the end of a job ---- */

static void end_job(struct guest *g, bool failed, const char *message)
{
    struct job *job = g->launcher->job;
    char when[TIME_TEXT];
    assert(!job->ended); /* once */
    if (job->event)
        sched_cancel(g->kv->sched, job->event);
    job->event = 0;
    time_format(ctl_now(&g->kv->handler), when);
    job->ended = mem_strdup(when);
    job->failed = failed;
    if (message) {
        free(job->message);
        job->message = mem_strdup(message);
    }
    worker_add(g->kv->vmis, g->ns, g->name);
}

static const char *fault_message(const struct job *job)
{
    const char *how = json_str(job->fault, "fail");
    if (json_bool(job->fault, "rawTarget", false))
        return "Invalid argument";
    return !how                     ? NULL
           : !strcmp(how, "ENOSPC") ? "No space left on device"
           : !strcmp(how, "EIO")    ? "Input/output error"
                                    : "unknown failure reason";
}

/* qemu stops a guest whose disk cannot be written; here that hides the end of the job. */
static void pause_by_error(struct guest *g)
{
    g->paused = g->io_error = true;
    worker_add(g->kv->vmis, g->ns, g->name);
}

static void on_job_done(void *cookie)
{
    struct guest *g = cookie;
    struct job *job = g->launcher->job;
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    assert(job && job->event && !job->ended); /* whoever drops or ends one cancels this */
    job->event = 0;
    const char *fault = fault_message(job);
    if (json_bool(job->fault, "lost", false))
        pause_by_error(g);
    else if (fault)
        end_job(g, true, fault);
    else if (job->pull || kv_files_write(g->kv, g->ns, job, &e) == 0)
        end_job(g, false, NULL);
    else if (e.code == ERR_NO_SPACE)
        end_job(g, true, "No space left on device");
    else
        end_job(g, true, e.msg);
}

/* ---- the start ---- */

/* What the launcher says, as it reaches the caller through virt-api. */
static int refuse(struct err *reterr, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct err *reterr, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_setv(reterr, ERR_INVALID, NO_POS, fmt, ap);
    va_end(ap);
    return -500;
}

/* 1: it is this very job, and runs. */
static int check_free(const struct job *job, const struct job_request *r, struct err *reterr)
{
    if (!job)
        return 0;
    bool same = !strcmp(job->backup, r->backup) && !strcmp(job->started, r->started);
    if (same && !job->ended)
        return 1;
    if (same)
        return refuse(reterr,
                      "backup %s that started at %s already executed, finished at %s, completed: "
                      "%s",
                      job->backup, job->started, job->ended, job->failed ? "false" : "true");
    if (!job->ended)
        return refuse(reterr, "backup %s already in progress, need to wait for completion",
                      job->backup);
    return 0;
}

/* A file of the node that is a disk: nobody writes to it here. Borrowed. */
static struct disk_model *host_disk(struct guest *g, const json_t *volume)
{
    const char *path = json_str_or_empty(volume, "hostDisk.path");
    struct strmap *disks = kv_launcher(g)->host_disks;
    struct disk_model *disk = strmap_get(disks, path);
    int64_t bytes = quantity_bytes(json_str_or_empty(volume, "hostDisk.capacity"));
    if (!disk && bytes > 0) {
        disk = disk_create(prng_hash(prng_hash(0, NODE_NAME), path),
                           ((uint64_t)bytes + DISK_BLOCK - 1) / DISK_BLOCK);
        strmap_put(disks, path, disk);
    }
    return disk;
}

static struct disk_model *disk_of(struct guest *g, const json_t *volume)
{
    if (json_str(volume, "hostDisk.path"))
        return host_disk(g, volume);
    struct volume *v = storage_volume(g->kv->cluster, g->ns, kv_volume_claim(volume));
    return v ? volume_disk(v) : NULL;
}

/* The bitmap to begin with. 0 and *ret NULL: the disk is backed up in full. */
static int find_base(struct kv *kv, const struct checkpoint *base, const char *volume,
                     const struct disk_model *disk, struct disk_moment **ret, struct err *reterr)
{
    const struct checkpoint_disk *d = base ? checkpoint_disk(base, volume) : NULL;
    *ret = NULL;
    if (!d) /* not in the checkpoint: a disk that came later */
        return 0;
    if (checkpoint_usable(d, disk)) {
        *ret = disk_moment_ref(d->moment);
        return 0;
    }
    if (kv->knobs.per_disk_full)
        return 0;
    /* One top-level checkpoint for all disks: libvirt takes it for all or for none. */
    return refuse(reterr, "checkpoint inconsistent: missing or broken bitmap '%s' for disk '%s'",
                  base->name, volume);
}

static int add_disks(struct guest *g, struct job *job, const struct job_request *r,
                     const struct checkpoint *base, struct err *reterr)
{
    size_t i, cap = 0;
    json_t *volume;
    json_array_foreach(json_at(r->vmi, "spec", "volumes", NULL), i, volume)
    {
        const char *name = json_str_or_empty(volume, "name");
        struct disk_model *disk = kv_cbt_eligible(volume) ? disk_of(g, volume) : NULL;
        struct disk_moment *from;
        if (!disk)
            continue;
        int rc = find_base(g->kv, base, name, disk, &from, reterr);
        if (rc)
            return rc;
        job->disks = mem_grow(job->disks, &cap, job->disk_count + 1, sizeof *job->disks);
        job->disks[job->disk_count++] =
            (struct job_disk){.volume = mem_strdup(name), .from = from, .to = disk_now(disk)};
    }
    return 0;
}

/* The latest checkpoint of that name is what libvirt must know. */
static int find_checkpoint(struct kv *kv, const struct guest *g, const char *name,
                           struct checkpoint **ret, struct err *reterr)
{
    struct checkpoint *c = strmap_get(g->launcher->checkpoints, name);
    if (!c || !c->defined)
        return refuse(reterr,
                      "Domain checkpoint not found: no domain checkpoint with matching "
                      "name '%s'",
                      name);
    checkpoint_look(kv, g, c, "backup");
    *ret = c;
    return 0;
}

/* File systems are frozen and thawed while the job is set up, which takes no time here. That they
 * could not be fails nothing. */
static void quiesce(struct kv *kv, struct guest *g, struct job *job, bool skip)
{
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    if (skip) {
        job->quiesce = "QuiesceSkipped";
        return;
    }
    if (g->agent_down)
        err_set(&e, ERR_INVALID, NO_POS,
                "Guest agent is not responding: QEMU guest agent is not "
                "connected");
    else
        kv_guest_call_fault(kv, "freeze", g->ns, g->name, &e);
    job->quiesce = err_pending(&e) ? "QuiesceFailed" : "QuiesceSucceeded";
    if (err_pending(&e))
        job->message = mem_printf("Failed freezing guest file systems: %s", e.msg);
}

static void remember(struct guest *g, const struct job *job, const struct job_request *r)
{
    struct launcher *l = g->launcher;
    struct checkpoint *c = checkpoint_create(job->checkpoint);
    size_t i;
    json_t *volume;
    json_array_foreach(json_at(r->vmi, "spec", "volumes", NULL), i, volume)
    {
        const char *name = json_str_or_empty(volume, "name");
        for (size_t k = 0; k < job->disk_count; k++) {
            if (!strcmp(job->disks[k].volume, name))
                checkpoint_add(c, name, disk_seed(disk_of(g, volume)), job->disks[k].to);
        }
    }
    assert(c->disk_count == job->disk_count);
    struct checkpoint *old = strmap_put(l->checkpoints, c->name, c);
    if (old)
        checkpoint_destroy(old);
}

static void ask_fault(struct kv *kv, const struct guest *g, struct job *job, bool incremental)
{
    const struct fault_attr attrs[] = {
        {"ns", g->ns},
        {"name", job->backup},
        {"vm", g->name},
        {"type", incremental ? "Incremental" : "Full"},
        {"cluster", cluster_name(kv->cluster)},
    };
    job->fault = json_incref(
        (json_t *)fault_hit(world_faults(kv->world), "backup", attrs, ARRAY_LEN(attrs)));
}

/* "BACKUP-2026-01-01_00-00-08": the backup's name and start. New. */
static char *checkpoint_name(const char *backup, const char *started)
{
    AUTO(str) char *when = mem_strdup(started);
    for (char *p = when; *p; p++)
        *p = *p == 'T' ? '_' : *p == ':' ? '-' : *p == 'Z' ? '\0' : *p;
    return mem_printf("%s-%s", backup, when);
}

static int begin(struct kv *kv, struct guest *g, struct job *job, const struct job_request *r,
                 struct err *reterr)
{
    struct checkpoint *base = NULL;
    int rc = r->incremental ? find_checkpoint(kv, g, r->incremental, &base, reterr) : 0;
    if (rc || (rc = add_disks(g, job, r, base, reterr)))
        return rc;
    ask_fault(kv, g, job, r->incremental != NULL);
    if (kv_files_begin(kv, g->ns, job, reterr) < 0)
        return -500;
    quiesce(kv, g, job, r->skip_quiesce);
    remember(g, job, r);
    int64_t after = kv->duration_ns[KV_BACKUP] + json_int(job->fault, "slow", 0);
    if (!r->pull && !json_bool(job->fault, "hang", false))
        job->event = sched_post(kv->sched, sched_now(kv->sched) + after, on_job_done, g);
    return 0;
}

int kv_job_start(struct kv *kv, const struct job_request *r, struct err *reterr)
{
    struct guest *g = kv_guest(kv, meta_namespace(r->vmi), meta_name(r->vmi));
    if (sched_point(kv->sched, "backup") == SCHED_CRASHED)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    int rc = kv_guest_call_fault(kv, "backup", g->ns, g->name, reterr);
    if (rc)
        return rc;
    struct launcher *l = kv_launcher(g);
    if (strcmp(kv_cbt_state(r->vmi), "Enabled"))
        return refuse(reterr, "Backup failed ChangedBlockTracking is not enabled");
    if (kv_vmi_migrating(r->vmi))
        return refuse(reterr, "failed to do backup, VMI is currently during migration");
    rc = check_free(l->job, r, reterr);
    if (rc)
        return rc < 0 ? rc : 0;
    struct job *job = mem_zalloc(sizeof *job);
    job->backup = mem_strdup(r->backup);
    job->started = mem_strdup(r->started);
    job->claim = mem_strdup(r->claim);
    job->pull = r->pull;
    job->quiesce = "";
    job->checkpoint = checkpoint_name(r->backup, r->started);
    job->folder = mem_printf("%s/%s", g->name, job->checkpoint);
    rc = begin(kv, g, job, r, reterr);
    if (rc) {
        kv_job_free(job);
        return rc;
    }
    assert(!l->job || l->job->ended); /* one at a time */
    drop_job(kv, l);
    l->job = job;
    worker_add(kv->vmis, g->ns, g->name);
    return 0;
}

int kv_job_abort(struct kv *kv, const json_t *vmi, const char *backup, struct err *reterr)
{
    struct guest *g = kv_guest(kv, meta_namespace(vmi), meta_name(vmi));
    if (sched_point(kv->sched, "abort") == SCHED_CRASHED)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    int rc = kv_guest_call_fault(kv, "backup", g->ns, g->name, reterr);
    struct job *job = kv_launcher(g)->job;
    if (rc)
        return rc;
    if (!job)
        return refuse(reterr, "failed to abort backup: could not find ongoing backup");
    if (strcmp(job->backup, backup))
        return refuse(reterr, "failed to abort backup: requested backup differs from ongoing one");
    if (job->ended)
        return refuse(reterr, "failed to abort backup: backup already completed");
    end_job(g, !job->pull, job->pull ? NULL : "backup aborted");
    if (g->io_error) /* virt-handler tries to resume it again and again */
        g->paused = g->io_error = false;
    return 0;
}

bool kv_job_overwritten(struct kv *kv, const json_t *vmi, const char *backup)
{
    const struct launcher *l = kv_guest(kv, meta_namespace(vmi), meta_name(vmi))->launcher;
    return l && l->job && !strcmp(l->job->backup, backup) &&
           json_bool(l->job->fault, "overwritten", false);
}

int kv_job_export(struct kv *kv, const json_t *vmi, const char *backup, struct err *reterr)
{
    struct guest *g = kv_guest(kv, meta_namespace(vmi), meta_name(vmi));
    if (sched_point(kv->sched, "export") == SCHED_CRASHED)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    int rc = kv_guest_call_fault(kv, "backup", g->ns, g->name, reterr);
    const struct job *job = kv_launcher(g)->job;
    if (rc)
        return rc;
    if (!job || job->ended || strcmp(job->backup, backup))
        return refuse(reterr, "failed to export backup: could not find ongoing backup");
    return 0;
}

/* ---- redefinition ---- */

static int no_bitmap(struct err *reterr, const char *checkpoint)
{
    err_set(reterr, ERR_INVALID, NO_POS,
            "Internal error occurred: unexpected return code 422 (422 Unprocessable Entity), "
            "message: no disks found with checkpoint bitmap %s",
            checkpoint);
    return -422;
}

int kv_job_redefine(struct kv *kv, const json_t *vmi, const char *name, struct err *reterr)
{
    struct guest *g = kv_guest(kv, meta_namespace(vmi), meta_name(vmi));
    if (sched_point(kv->sched, "redefine-checkpoint") == SCHED_CRASHED)
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    int rc = kv_guest_call_fault(kv, "redefine-checkpoint", g->ns, g->name, reterr);
    if (rc)
        return rc;
    struct checkpoint *c = strmap_get(kv_launcher(g)->checkpoints, name);
    bool any = false;
    if (!c)
        return no_bitmap(reterr, name);
    checkpoint_look(kv, g, c, "redefinition");
    /* Disks without a consistent bitmap are no longer part of it. */
    for (size_t i = 0; i < c->disk_count; i++) {
        const json_t *volume =
            json_find(json_at(vmi, "spec", "volumes", NULL), "name", c->disks[i].volume);
        const struct disk_model *disk = volume ? disk_of(g, volume) : NULL;
        if (checkpoint_usable(&c->disks[i], disk))
            any = true;
        else
            checkpoint_remove(c, i--);
    }
    if (!any)
        return no_bitmap(reterr, name);
    assert(c->disk_count > 0);
    c->defined = true;
    return 0;
}
