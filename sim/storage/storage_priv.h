/* What the controllers of storage share: the driver's state, knobs, and the loops that wake each
 * other. */
#ifndef VMCONFORM_SIM_STORAGE_STORAGE_PRIV_H
#define VMCONFORM_SIM_STORAGE_STORAGE_PRIV_H

#include "base/strmap.h"
#include "sim/controller/loop.h"
#include "sim/storage/storage.h"

#define ANN_BIND_COMPLETED "pv.kubernetes.io/bind-completed"
#define ANN_BOUND_BY_CONTROLLER "pv.kubernetes.io/bound-by-controller"
#define ANN_PROVISIONED_BY "pv.kubernetes.io/provisioned-by"
#define ANN_PROVISIONER "volume.kubernetes.io/storage-provisioner"
#define ANN_PROVISIONER_BETA "volume.beta.kubernetes.io/storage-provisioner"
#define ANN_SELECTED_NODE "volume.kubernetes.io/selected-node"
#define ANN_DEFAULT_CLASS "storageclass.kubernetes.io/is-default-class"
#define ANN_DEFAULT_SNAPSHOT_CLASS "snapshot.storage.kubernetes.io/is-default-class"
#define ANN_BEING_CREATED "snapshot.storage.kubernetes.io/volumesnapshot-being-created"
#define ANN_BEING_DELETED "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted"
#define ANN_MODE_CHANGE "snapshot.storage.kubernetes.io/allow-volume-mode-change"

#define FIN_PVC_PROTECTION "kubernetes.io/pvc-protection"
#define FIN_PV_PROTECTION "kubernetes.io/pv-protection"
#define FIN_PROVISIONER "external-provisioner.volume.kubernetes.io/finalizer"
#define FIN_CLONING "provisioner.storage.kubernetes.io/cloning-protection"
#define FIN_SNAPSHOT_PROVISIONING                                                                  \
    "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
#define FIN_SNAPSHOT_SOURCE "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection"
#define FIN_SNAPSHOT_BOUND "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"
#define FIN_CONTENT_BOUND "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"
#define FIN_CLAIM_SOURCE "snapshot.storage.kubernetes.io/pvc-as-source-protection"

enum storage_duration {
    DURATION_PROVISION,
    DURATION_DELETE,
    DURATION_SNAPSHOT,
    DURATION_SNAPSHOT_READY,
    DURATION_RESIZE,
    DURATION_COUNT
};

enum storage_loop {
    LOOP_BINDER,
    LOOP_PROTECTION,
    LOOP_VOLUME_PROTECTION,
    LOOP_PROVISIONER,
    LOOP_RESIZER,
    LOOP_SNAPSHOT,
    LOOP_SIDECAR,
    LOOP_COUNT
};

/* One volume of the driver, whatever PV stands for it. */
struct volume {
    struct storage *storage;
    char *handle; /* volumeHandle of the CSI source, or the PV's name */
    char *pv;
    uint64_t capacity;
    uint64_t limit; /* what it really holds, when a scenario said so; else 0 */
    bool block;
    bool deleted; /* by the driver; the disk stays for the snapshots taken of it */
    struct disk_model *disk;
    char *path;             /* NULL until real */
    uint64_t mounted_bytes; /* of the tmpfs at path; 0: none */
};

/* A snapshot of the driver. */
struct snapshot {
    char *handle;
    struct volume *source;
    struct disk_moment *moment; /* owned */
    int64_t cut_ns, ready_ns;
    uint64_t bytes; /* of the source volume then */
};

/* Work that the driver has begun: the answer comes at done_ns. */
struct csi_call {
    int64_t done_ns;
    struct disk_moment *moment; /* what CreateSnapshot has cut; owned, else NULL */
};

struct fail_rule {
    char *rpc, *glob, *code, *text;
    unsigned left; /* 0: for ever */
    bool spent;
};

struct limit_rule {
    char *glob;
    uint64_t bytes;
    bool spent;
};

struct storage {
    struct cluster *cluster;
    struct simloop *loops[LOOP_COUNT];
    int64_t durations[DURATION_COUNT];
    struct strmap *volumes;   /* handle -> struct volume; deleted ones stay */
    struct strmap *snapshots; /* handle -> struct snapshot */
    struct strmap *calls;     /* "rpc/id" -> struct csi_call */
    struct fail_rule **fails; /* spent ones stay: callers hold them across requests */
    size_t fail_count, fail_cap;
    struct limit_rule *limits;
    size_t limit_count, limit_cap;
};

struct storage *storage_of(const struct cluster *c);

/* ---- volumes (volume.c) ---- */

struct volume *volume_create(struct storage *st, const char *handle, const char *pv,
                             uint64_t capacity, bool block);
void volume_destroy(struct volume *v);
/* A volume whose disk begins with a moment: restored or cloned. Grows to its capacity. */
void volume_begin_from(struct volume *v, const struct disk_moment *moment);
/* A new disk gets what the real bytes hold, where there are any (adopt.c). */
void volume_adopt(struct volume *v);
/* Deletes the real bytes; the disk stays. */
void volume_delete(struct volume *v);
/* Grows disk and real bytes. */
int volume_grow(struct volume *v, uint64_t capacity, struct err *reterr);
/* The volume that a PV stands for, made when it is a static one seen for the first time; NULL when
 * the driver has deleted it. */
struct volume *volume_of_pv(struct storage *st, const json_t *pv);

/* ---- the driver (driver.c) ---- */

/* Begins or continues the call: 1 while it runs (the key is queued for its end), 0 when it answers,
 * with the rule that makes it fail in *ret_fail, or NULL. `id` (a name made of a uid) tells calls
 * apart; `object` is what globs of rules match. */
int csi_call(struct storage *st, struct simloop *l, const char *key, const char *rpc,
             const char *id, const char *object, enum storage_duration duration,
             const struct fail_rule **ret_fail);
/* Forgets a call without an answer. */
void csi_call_drop(struct storage *st, const char *rpc, const char *id);
/* The running call, or NULL. */
struct csi_call *csi_call_find(struct storage *st, const char *rpc, const char *id);
/* Canceled, DeadlineExceeded, ...: the work may go on in the background. */
bool csi_code_is_final(const char *code, bool snapshot);
void csi_fail_free(struct fail_rule *rule);
void csi_call_free(void *call);
/* When to try again after a failure; a rule that lasts for ever is not retried by time, else a
 * world with one never comes to rest. */
void csi_retry(struct simloop *l, const char *key, const struct fail_rule *rule);
/* The limit that a scenario wants for this claim's volume; 0: none. Takes it. */
uint64_t storage_take_limit(struct storage *st, const char *claim);
void snapshot_free(void *snapshot);

/* ---- claims and classes at a glance (claims.c) ---- */

const char *claim_class(const json_t *claim);     /* "" when none */
const char *claim_volume_mode(const json_t *obj); /* of a claim or PV; "Filesystem" by default */
int64_t claim_request(const json_t *claim);
int64_t volume_size(const json_t *pv);
bool claim_is_bound(const json_t *claim); /* phase Bound and bind completed */
bool class_waits(const struct simloop *l, const char *class_name); /* WaitForFirstConsumer */
/* The latest default class, "" when there is none. */
const char *default_class(const struct storage *st);
/* The objects of pods that use the claim: calls fn for each until it returns true. */
bool claim_pods_any(const struct apiserver *a, const char *ns, const char *claim,
                    bool (*fn)(const json_t *pod));
/* Writes the object with the finalizer, unless it is going, or without; not at all when that is no
 * change. */
int put_finalizer(struct simloop *l, const struct api_resource *r, const json_t *obj,
                  const char *finalizer, bool wanted);
/* All objects of a resource, as simloop_list_fn's queue them. */
void queue_all(struct storage *st, struct simloop *l, const struct api_resource *r,
               const char *kind);

/* ---- the loops' functions ---- */

void storage_install_admission(struct storage *st);
int binder_reconcile(void *cookie, struct simloop *l, const char *key);
int claim_protection_reconcile(void *cookie, struct simloop *l, const char *key);
int volume_protection_reconcile(void *cookie, struct simloop *l, const char *key);
int provisioner_reconcile(void *cookie, struct simloop *l, const char *key);
int resizer_reconcile(void *cookie, struct simloop *l, const char *key);
int snapshot_reconcile(void *cookie, struct simloop *l, const char *key);
int sidecar_reconcile(void *cookie, struct simloop *l, const char *key);

#endif
