/* What the files of backups share: the configuration that counts for them, the launcher's side
 * (jobs and checkpoints of one guest), the controller's words.
 *
 *   cbt.c            who is tracked: states of machines and instances (kubevirt-csi.md 1.11)
 *   tracker.c        what a tracker remembers, and its redefinition after a restart (4.6)
 *   backup.c         the backup controller: prerequisites, start, end (4.3 to 4.5)
 *   backup_status.c  conditions and events in both dialects
 *   backup_attach.c  the target claim as a utility volume: both sides
 *   backup_job.c     the launcher: one job at a time
 *   backup_files.c   the bytes on the target claim (4.9)
 *   checkpoint.c     what libvirt and the overlays know of past backups
 */
#ifndef VMCONFORM_SIM_KUBEVIRT_BACKUP_PRIV_H
#define VMCONFORM_SIM_KUBEVIRT_BACKUP_PRIV_H

#include "sim/kubevirt/kv_priv.h"

#define FINALIZER_BACKUP "backup.kubevirt.io/vmbackup-protection"
#define GATE_INCREMENTAL_BACKUP "IncrementalBackup"
#define GATE_UTILITY_VOLUMES "UtilityVolumes"

extern const struct kind KIND_KUBEVIRT, KIND_BACKUP, KIND_TRACKER, KIND_NAMESPACE, KIND_MIGRATION,
    KIND_EXPORT;

/* ---- configuration (config.c) ---- */
/* By the knob, and by the KubeVirt object where there is one. */
bool kv_gate(const struct kv *kv, const char *gate);
/* Whether the label selectors choose the machine. */
bool kv_cbt_selected(const struct kv *kv, const json_t *vm);
/* Conditions as up to 1.8. */
bool kv_old_dialect(const struct kv *kv);

/* ---- changed block tracking (cbt.c) ---- */
/* "" when there is none. Borrowed. */
const char *kv_cbt_state(const json_t *vm_or_vmi);
/* The machine's next state; "" : the field goes. States are "" when absent. */
const char *kv_cbt_next(bool gate, bool selected, bool has_vmi, const char *vm, const char *vmi);
/* A volume of an instance whose blocks are tracked. */
bool kv_cbt_eligible(const json_t *volume);

/* ---- checkpoints (checkpoint.c) ---- */

/* One disk of a checkpoint: what a bitmap of that name holds is what changed since the moment. */
struct checkpoint_disk {
    char *volume;
    uint64_t seed;              /* of the disk: another one has no such bitmap */
    struct disk_moment *moment; /* NULL: the bitmap is lost */
    bool corrupt;
};
struct checkpoint {
    char *name;
    bool defined; /* libvirt knows it; forgotten when the guest ends, bitmaps are not */
    struct checkpoint_disk *disks;
    size_t disk_count;
};
struct checkpoint *checkpoint_create(const char *name);
void checkpoint_add(struct checkpoint *c, const char *volume, uint64_t seed,
                    const struct disk_moment *moment);
void checkpoint_destroy(void *checkpoint);
/* The guest has ended. Bitmaps are written back then, and are inconsistent when it crashed. */
void checkpoint_close(struct checkpoint *c, bool crashed);
void checkpoint_remove(struct checkpoint *c, size_t disk);
/* NULL when the volume is not part of it. Borrowed. */
struct checkpoint_disk *checkpoint_disk(const struct checkpoint *c, const char *volume);
/* What the fault point "bitmap" has for its disks happens to them. */
void checkpoint_look(struct kv *kv, const struct guest *g, struct checkpoint *c,
                     const char *during);
/* Whether an incremental job may begin with this disk's bitmap. `disk` is the disk as it is. */
bool checkpoint_usable(const struct checkpoint_disk *d, const struct disk_model *disk);

/* ---- the launcher (backup_job.c) ---- */

struct job_disk {
    char *volume;
    struct disk_moment *from, *to; /* from NULL: full */
};
struct job {
    char *backup, *started, *ended; /* RFC 3339; ended NULL while it runs */
    char *checkpoint, *claim, *folder, *message;
    const char *quiesce; /* "", or the reason of the condition */
    struct job_disk *disks;
    size_t disk_count;
    bool pull, failed;
    json_t *fault; /* what the fault point "backup" had for it, NULL: nothing */
    uint64_t event;
};
/* Of one guest: lives as long as the guest does. */
struct launcher {
    struct strmap *checkpoints; /* name -> struct checkpoint */
    struct job *job;            /* the latest of the running instance; NULL: none */
    char *vm_uid;               /* of the machine whose overlays these are */
    struct strmap *host_disks;  /* path on the node -> struct disk_model */
    struct strmap *plugged;     /* utility volume that is being plugged -> int64_t, since when */
};
struct job_request {
    const json_t *vmi;
    const char *backup, *started, *claim;
    const char *incremental; /* a checkpoint's name; NULL: full */
    bool pull, skip_quiesce;
};
/* Made on first use. */
struct launcher *kv_launcher(struct guest *g);
/* kv_launcher_end() (kv_priv.h): jobs and what libvirt knew are gone, overlays stay. */
/* A tracked instance runs: overlays of another machine of that name, or from before tracking was
 * off, are not its. */
void kv_launcher_tracked(struct guest *g, const json_t *vmi);
void kv_launcher_untracked(struct guest *g);
/* Commands: 0, or minus the HTTP code with the text of virt-api in *reterr. */
int kv_job_start(struct kv *kv, const struct job_request *request, struct err *reterr);
int kv_job_abort(struct kv *kv, const json_t *vmi, const char *backup, struct err *reterr);
/* The launcher learns where an export is served. */
int kv_job_export(struct kv *kv, const json_t *vmi, const char *backup, struct err *reterr);
int kv_job_redefine(struct kv *kv, const json_t *vmi, const char *checkpoint, struct err *reterr);
/* Whether the fault point "backup" wants its completion overwritten. */
bool kv_job_overwritten(struct kv *kv, const json_t *vmi, const char *backup);
void kv_job_free(struct job *job);

/* ---- files (backup_files.c) ---- */
/* FOLDER/BACKUP-VOLUME.qcow2 for each disk, empty: what a job begins with. */
int kv_files_begin(struct kv *kv, const char *ns, struct job *job, struct err *reterr);
/* Fills them. -1 with ERR_NO_SPACE when the target is full; what was written stays. */
int kv_files_write(struct kv *kv, const char *ns, struct job *job, struct err *reterr);

/* ---- the target as a utility volume (backup_attach.c) ---- */
/* "BACKUP-backup-target-pvc", at most 63 bytes. New. */
char *kv_target_volume(const char *backup);
/* Plugs it: 0 and *ret_mounted. */
int kv_target_attach(struct kv *kv, const json_t *vmi, const char *backup, const char *claim,
                     bool *ret_mounted, struct err *reterr);
/* Pulls it: 0 and *ret_gone. */
int kv_target_detach(struct kv *kv, const json_t *vmi, const char *backup, bool *ret_gone,
                     struct err *reterr);
/* What the fault point "plug" has for a claim of the instance. */
bool kv_plug_hangs(const struct kv *kv, const json_t *vmi, const char *claim, const char *op);
bool kv_vmi_uses_utility(const json_t *vmi, const char *claim);

/* ---- trackers (tracker.c) ---- */
reconcile_fn kv_tracker_reconcile;
/* After a good backup. */
int kv_tracker_advance(struct kv *kv, const json_t *tracker, const json_t *backup,
                       const json_t *backup_status, struct err *reterr);

/* ---- pull mode (export.c) ---- */
reconcile_fn kv_export_reconcile;
/* spec.ttlDuration, two hours without one. */
int64_t kv_ttl(const json_t *backup_or_export);
/* Makes the export of a running backup, and takes what it tells over into the caller's copy. */
int kv_backup_export(struct kv *kv, json_t *backup, const json_t *vmi, struct err *reterr);

/* ---- what the controller says (backup_status.c) ---- */
enum backup_phase {
    BACKUP_WAITING,
    BACKUP_RUNNING,
    BACKUP_ABORTING,
    BACKUP_DONE,
    BACKUP_WARNED,
    BACKUP_FAILED,
};
bool kv_backup_terminal(const json_t *backup);
/* Sets the conditions of the caller's copy. reason NULL: the usual one of the phase; message is the
 * bare text. */
void kv_backup_say(const struct kv *kv, json_t *backup, enum backup_phase phase, const char *reason,
                   const char *message);
void kv_backup_say_quiesced(const struct kv *kv, json_t *backup, const char *reason);
/* The event that goes with a phase, where there is one. */
void kv_backup_event(struct kv *kv, const json_t *backup, enum backup_phase phase,
                     const char *message);

/* ---- the controller (backup.c) ---- */
reconcile_fn kv_backup_reconcile;
/* The name of the machine that a backup or a tracker is of; "" when its tracker is not there. New.
 */
char *kv_backup_vm(const struct kv *kv, const json_t *backup);
bool kv_backup_of_tracker(const json_t *backup);

#endif
