/* What the files of this folder share: KubeVirt of one cluster, its controllers and its guests. */
#ifndef VMCONFORM_SIM_KUBEVIRT_KV_PRIV_H
#define VMCONFORM_SIM_KUBEVIRT_KV_PRIV_H

#include "base/strmap.h"
#include "kube/time.h"
#include "sim/controller/ctl.h"
#include "sim/kubevirt/kubevirt.h"

#define KV_NAMESPACE "kubevirt"
#define KV_USER_OPERATOR "system:serviceaccount:" KV_NAMESPACE ":kubevirt-operator"

#define FINALIZER_VM "kubevirt.io/virtualMachineControllerFinalize"
#define FINALIZER_VMI "kubevirt.io/foregroundDeleteVirtualMachine"
#define FINALIZER_SNAPSHOT "snapshot.kubevirt.io/vmsnapshot-protection"
#define FINALIZER_CONTENT "snapshot.kubevirt.io/vmsnapshotcontent-protection"
#define FINALIZER_SOURCE "snapshot.kubevirt.io/snapshot-source-protection"
#define FINALIZER_RESTORE "snapshot.kubevirt.io/vmrestore-protection"

extern const struct kind KIND_VM, KIND_VMI, KIND_SNAPSHOT, KIND_CONTENT, KIND_RESTORE, KIND_PVC,
    KIND_POD, KIND_STORAGE_CLASS, KIND_VOLUME_SNAPSHOT, KIND_VOLUME_SNAPSHOT_CLASS, KIND_REVISION;

enum { KV_WORKER_COUNT = 10, KV_FEEDERS_MAX = 16 };
enum kv_duration {
#define DURATION(what, name, seconds, says) KV_##what,
#include "sim/kubevirt/durations.list"
#undef DURATION
    KV_DURATION_COUNT
};

/* What a scenario may change about backups; zeroed: as KubeVirt's head is, with its gates open. */
struct kv_knobs {
    unsigned version;       /* 10502: 1.5.2; 0: the latest */
    const char *ref_policy; /* for instance types; NULL: as KubeVirt's object says */
    bool no_object_graph;
#define KNOB(name, field, sets, says) bool field;
#include "sim/kubevirt/knobs.list"
#undef KNOB
};

struct launcher; /* backup_priv.h */

/* What happens inside a machine, beside its API objects. Lives as long as the world: a name is a
 * machine. */
struct guest {
    bool agent_down;           /* a running guest has an agent unless told otherwise */
    bool paused, frozen;       /* of the instance `uid`; both end with it */
    bool io_error;             /* why it is paused; so does this */
    char *uid;                 /* of the instance that these flags belong to */
    const char *ending;        /* phase that the instance shall end with, NULL: none */
    int64_t freeze_after_ns;   /* not tried again before */
    uint64_t thaw_event;       /* the launcher's safety timer, 0: none */
    struct strmap *marks;      /* moment -> struct mark */
    struct launcher *launcher; /* its backups; NULL until the first */
    struct kv *kv;             /* for the timer */
    char *ns, *name;
};

/* The accounts that KubeVirt's processes act as. */
struct kv_users {
    char *controller, *handler, *api;
};

/* What one start of the controllers made. A crashed start stays until the world ends: its actors
 * must have unwound. */
struct kv_start {
    struct kv_users users;
    struct recorder *recorder, *handler_recorder;
    struct worker *workers[KV_WORKER_COUNT];
    struct feeder *feeders[KV_FEEDERS_MAX];
    size_t feeder_count;
    struct process *controller, *handler;
    struct kv_start *earlier;
};

struct kv {
    struct cluster *cluster;
    char *ns;                     /* that it is installed in */
    const struct kv_users *users; /* of the latest start */
    struct world *world;
    struct sched *sched;
    struct ctl vm, handler, snapshot, restore, backup; /* identities */
    struct worker *vms, *vmis, *snapshots, *contents, *restores, *volume_statuses, *backups,
        *trackers, *migrations, *exports; /* of the latest start */
    struct kv_start *latest;
    bool api_down;
    struct kv_knobs knobs;
    int64_t duration_ns[KV_DURATION_COUNT];
    struct strmap *guests; /* "ns/name" -> struct guest */
};

/* NULL when KubeVirt does not run there. */
struct kv *kv_of(const struct cluster *c);
/* Installs it in another namespace: its processes start again under the accounts of that one. */
int kv_move(struct kv *kv, const char *ns, struct err *reterr);

/* ---- machines (vm.c, vmstatus.c, vmi.c) ---- */
reconcile_fn kv_vm_reconcile, kv_vmi_reconcile;
/* "Always", "Halted", ...: spec.runStrategy or what spec.running stands for. */
const char *kv_run_strategy(const json_t *vm);
/* The claim behind an entry of spec.volumes[], NULL when it has none. Borrowed. */
const char *kv_volume_claim(const json_t *volume);
/* spec.template.spec.volumes of a VM; may be NULL. Borrowed. */
const json_t *kv_vm_volumes(const json_t *vm);
bool kv_vm_uses_claim(const json_t *vm, const char *claim);
bool kv_vmi_final(const json_t *vmi);
/* A claim that waits for its first consumer gets its node, as with a pod of the launcher's. */
int kv_select_node(struct kv *kv, const json_t *pvc, struct err *reterr);
/* Creates the claims of spec.dataVolumeTemplates (vm_claims.c). */
int kv_vm_ensure_claims(struct kv *kv, const json_t *vm, struct err *reterr);
/* Does what status.volumeRequests asks for, on the machine and its instance (vm_volumes.c). */
int kv_vm_plug_volumes(struct kv *kv, const json_t *vm, const json_t *vmi, struct err *reterr);
/* Drops the requests that are done from the caller's copy of the status. */
void kv_vm_trim_volume_requests(const json_t *vm, json_t *status, const json_t *vmi);
/* Edits vm->status (vm is the caller's copy) to what holds now; vmi may be NULL. */
void kv_vm_status(struct kv *kv, json_t *vm, const json_t *vmi);
/* The ns to wait until a machine that keeps failing may start again; 0: now. */
int64_t kv_start_delay(const struct kv *kv, const json_t *vm);

/* ---- the claim of a tracked machine (backend.c) ---- */
#define KV_BACKEND_VOLUME "persistent-state-for-this-vm"
/* The volumes of the spec and, where there is one, that of the claim. New. */
json_t *kv_vm_all_volumes(const struct kv *kv, const json_t *vm);
/* Makes it, or says in the caller's copy of the instance what is waited for. */
int kv_backend_ensure(struct kv *kv, json_t *vmi, bool *ret_ready, struct err *reterr);
bool kv_backend_too_small(const struct kv *kv, const json_t *vmi);

/* ---- live migration (migration.c) ---- */
reconcile_fn kv_migration_reconcile;
bool kv_vmi_migrating(const json_t *vmi);

/* ---- guests (guest.c, guest_disk.c) ---- */
/* KubeVirt of the cluster, and a machine by name (new); NULL with the error that a step tells. */
struct kv *kv_guest_kv(struct cluster *c, struct err *reterr);
json_t *kv_guest_vm(struct kv *kv, const char *ns, const char *name, struct err *reterr);
void kv_mark_destroy(void *mark);
/* Made on first use. */
struct guest *kv_guest(struct kv *kv, const char *ns, const char *name);
/* Forgets the flags of an earlier instance. */
void kv_guest_boot(struct guest *g, const char *uid);
void kv_guest_end(struct guest *g);
void kv_guest_destroy(void *guest);
/* The launcher's freeze call through virt-api: 0, or minus the HTTP code with the text in *reterr.
 * timeout 0: no safety timer. */
int kv_guest_freeze(struct kv *kv, const char *ns, const char *name, int64_t timeout_ns,
                    struct err *reterr);
int kv_guest_thaw(struct kv *kv, const char *ns, const char *name, struct err *reterr);
/* What a fault of the point "api" has for a command to the launcher: 0, or minus the code. */
int kv_guest_call_fault(struct kv *kv, const char *subresource, const char *ns, const char *name,
                        struct err *reterr);
/* The launcher's own work, once a command has reached it; none of these blocks or fails. */
void kv_guest_set_frozen(struct guest *g, bool frozen, int64_t timeout_ns);
void kv_guest_pause(struct guest *g, bool paused);
void kv_guest_reset(struct guest *g);

/* ---- changed block tracking (cbt.c) ---- */
/* Edits status.changedBlockTracking of the caller's copies: of a machine; of an instance that is
 * about to be made; of a running one (writes to trackers before). */
void kv_cbt_vm_status(struct kv *kv, json_t *vm, const json_t *vmi);
void kv_cbt_instance(const struct kv *kv, const json_t *vm, json_t *vmi);
int kv_cbt_running(struct kv *kv, struct guest *g, json_t *vmi, struct err *reterr);
/* virt-handler's side of utility volumes and jobs, in the caller's copy (backup_attach.c,
 * backup_job.c). *ret_after_ns: when to look again. */
int kv_utility_volumes(struct kv *kv, struct guest *g, json_t *vmi, int64_t *ret_after_ns,
                       struct err *reterr);
void kv_job_report(const struct guest *g, json_t *vmi);
void kv_launcher_end(struct guest *g);
void kv_launcher_destroy(struct launcher *l);

/* ---- snapshots (snapshot.c, content.c, source.c, volumestatus.c) ---- */
reconcile_fn kv_snapshot_reconcile, kv_content_reconcile, kv_volume_status_reconcile;
bool kv_snapshot_progressing(const json_t *snapshot);
bool kv_snapshot_keeps_content(const json_t *snapshot, const json_t *content);
char *kv_content_name(const json_t *snapshot);
/* The VM that a snapshot is of, new; NULL when absent. */
json_t *kv_snapshot_source(const struct kv *kv, const json_t *snapshot);
bool kv_source_locked(const json_t *vm, const json_t *snapshot);
/* 0 and *ret_why "" when locked; *ret_why (new) tells what is in the way. One write at most per
 * call. */
int kv_source_lock(struct kv *kv, const json_t *vm, const json_t *snapshot, char **ret_why,
                   struct err *reterr);
int kv_source_unlock(struct kv *kv, const json_t *vm, const json_t *snapshot, struct err *reterr);
/* The class to snapshot a claim with (new), NULL when there is none. -1: several match and none is
 * the default. */
int kv_snapshot_class(const struct kv *kv, const json_t *claim, char **ret_class,
                      struct err *reterr);
int kv_content_create(struct kv *kv, const json_t *vm, const json_t *snapshot, struct err *reterr);

/* ---- restores (restore.c, restore_claims.c, restore_target.c) ---- */
reconcile_fn kv_restore_reconcile;
/* Fills status.restores of the caller's copy from the content. */
void kv_restore_plan(json_t *restore, const json_t *content);
/* Creates missing claims: 0 and *ret_waiting tells that some are not there or not bound yet;
 * *ret_begun_ns is when the last one was created, 0 without any. */
int kv_restore_claims(struct kv *kv, const json_t *restore, const json_t *content, const json_t *vm,
                      bool *ret_waiting, int64_t *ret_begun_ns, struct err *reterr);
/* Fills status.deletedDataVolumes of the caller's copy: templates that the target has and will have
 * no more. */
void kv_restore_note_deleted(json_t *restore, const json_t *content, const json_t *vm);
/* Gives the target the snapshot's spec. *ret_changed: a write was made, call again. */
int kv_restore_apply(struct kv *kv, const json_t *restore, const json_t *content, const json_t *vm,
                     bool *ret_changed, struct err *reterr);
char *kv_restore_id(const json_t *restore);

/* ---- virt-api (admission.c, backup_admission.c, subresources*.c) ---- */
/* Denials, and the check that virt-api is there, as all webhooks word them. */
int kv_hook_deny(struct api_response *ret, const char *hook, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int kv_hook_refuse(struct api_response *ret, const char *hook, const char *why);
/* With the causes as virt-api gives them: {reason, message, field} each. */
int kv_hook_deny_causes(struct api_response *ret, const char *hook, const char *why,
                        json_t *causes);
int kv_hook_deny_field(struct api_response *ret, const char *hook, const char *reason,
                       const char *field, const char *why);
int kv_hook_check_up(const struct kv *kv, const char *hook, struct api_response *ret);
bool kv_hook_is_write(const struct admission_review *r);
const char *kv_hook_namespace(const struct admission_review *r);
void kv_backup_admission_start(struct kv *kv);
void kv_admission_start(struct kv *kv);
void kv_subresources_start(struct kv *kv);

/* ---- rights (roles.c) ---- */
/* Gives the accounts of another namespace than the usual one what those of that have. */
void kv_accounts_bind(const struct kv *kv);

#endif
