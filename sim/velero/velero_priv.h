/* What the server's files share. */
#ifndef VMCONFORM_SIM_VELERO_VELERO_PRIV_H
#define VMCONFORM_SIM_VELERO_VELERO_PRIV_H

#include "base/strmap.h"
#include "kube/volume_policy.h"
#include "sim/controller/ctl.h"
#include "sim/velero/velero.h"

extern const struct kind VELERO_BACKUP, VELERO_RESTORE, VELERO_DELETION, VELERO_LOCATION,
    VELERO_UPLOAD, VELERO_DOWNLOAD, VELERO_CONFIGMAP, VELERO_POD, VELERO_CLAIM, VELERO_VOLUME,
    VELERO_SPACE;

#define VELERO_FEEDERS 4
struct velero {
    struct velero_config config;
    struct ctl ctl;
    struct worker *backups, *restores, *deletions, *locations;
    struct feeder *feeders[VELERO_FEEDERS];
    struct strmap *operations; /* key of the document -> json_t, read once and kept */
};

struct sched *velero_sched(const struct velero *v);
bool velero_down(const struct velero *v); /* the running actor has crashed */
/* Merge-patches an object of the server's namespace. */
int velero_patch(struct velero *v, const struct kind *k, const char *name, json_t *patch_take,
                 struct err *reterr);
/* {"status": {"phase": phase}}. New. */
json_t *velero_phase(const char *phase);
bool velero_phase_is(const json_t *object, const char *phase);
/* The current time as text. New. */
json_t *velero_time(const struct velero *v);
/* At most 63 characters, as Velero shortens what goes into a label: cut, and six digits of a digest
 * behind. New. */
char *velero_label(const char *text);

/* ---- types.c: what the cluster serves ---- */

struct velero_type {
    struct api_resource resource;
    const char *kind;
    bool namespaced;
    char *name; /* "virtualmachines.kubevirt.io", "pods" */
};
struct velero_types {
    struct velero_type *items;
    size_t count, cap;
};
/* In the order in which a backup collects them. */
void velero_types_read(const struct velero *v, struct velero_types *ret);
void velero_types_finish(struct velero_types *t);
/* By "plural.group" or plural; NULL: not served. */
const struct velero_type *velero_types_find(const struct velero_types *t, const char *name);
int velero_get(const struct velero *v, const struct velero_type *t, const char *ns,
               const char *name, json_t **ret, struct err *reterr);
int velero_list(const struct velero *v, const struct velero_type *t, const char *ns,
                json_t **ret_items, struct err *reterr);
/* Whether a list of names ("*" too), or the absence of one, has it. */
bool velero_lists(const json_t *list, const char *name);
/* Whether the type is one of "pods", "pods.", "virtualmachines.kubevirt.io"; comma-separated. */
bool velero_resources_have(const char *resources, const struct velero_type *t);

/* ---- bucket.c: documents ---- */

struct velero_bucket {
    char *bucket, *prefix;
    char *location;
};
/* Of a BackupStorageLocation. ERR_INVALID: it is not there or not Available. */
int velero_bucket_of(struct velero *v, const char *location, struct velero_bucket *ret,
                     struct err *reterr);
void velero_bucket_finish(struct velero_bucket *b);
static inline void cleanup_velero_bucket(struct velero_bucket *b)
{
    velero_bucket_finish(b);
}
/* folder: "backups" or "restores"; of NAME, file NAME<suffix>. */
int velero_put_doc(struct velero *v, const struct velero_bucket *b, const char *folder,
                   const char *name, const char *suffix, const json_t *doc, struct err *reterr);
/* An absent one is ERR_NOT_FOUND. */
json_t *velero_get_doc(struct velero *v, const struct velero_bucket *b, const char *folder,
                       const char *name, const char *suffix, struct err *reterr);
int velero_delete_docs(struct velero *v, const struct velero_bucket *b, const char *folder,
                       const char *name, struct err *reterr);

/* ---- run.c: what a backup or a restore goes through ---- */

struct velero_run {
    struct velero *v;
    const json_t *owner; /* Backup or Restore, with its defaults */
    enum velero_kind kind;
    struct velero_types types;
    const struct velero_action **actions; /* of this kind, by name */
    size_t action_count, action_cap;
    json_t *warnings, *errors; /* texts */
    json_t *operations;
    json_t *items; /* backups: stored so far; restores: all of the backup */
    struct strmap *done;
    /* backups */
    struct volume_policies *policies;
    json_t *volumes; /* volumeinfo */
    /* restores */
    struct strmap *lost_volumes; /* names of volumes that are provisioned anew */
};
void velero_run_start(struct velero_run *r, struct velero *v, const json_t *owner,
                      enum velero_kind kind);
void velero_run_finish(struct velero_run *r);
void velero_run_warn(struct velero_run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void velero_run_error(struct velero_run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Calls one action; what it warned of is added. */
int velero_run_action(struct velero_run *r, const struct velero_action *a,
                      const struct velero_input *in, struct velero_output *out, struct err *reterr);
/* Remembers that something goes on. */
void velero_run_operation(struct velero_run *r, const struct velero_action *a,
                          const struct velero_type *t, const json_t *item, const char *operation);
/* "kind ns/name" texts in messages. New. */
char *velero_item_name(const struct velero_type *t, const json_t *item);
/* The two documents that both kinds of run leave. */
int velero_run_store(struct velero_run *r, const struct velero_bucket *b, struct err *reterr);
/* Counts and the next phase: what goes on decides. */
json_t *velero_run_status(const struct velero_run *r);

/* ---- backup_item.c, restore_item.c ---- */

/* must: it was named by an item that says so, and no filter applies. */
void velero_backup_item(struct velero_run *r, const struct velero_type *t, const json_t *item,
                        bool must);
void velero_restore_item(struct velero_run *r, const json_t *stored);
/* Whether the simulated `kubevirt` plugin, or Velero itself, does not restore such an item. */
bool velero_never_restored(const struct velero_type *t, const json_t *item);

/* ---- operations.c ---- */

/* Polls what goes on for a Backup or Restore, and moves it on when nothing does any more.
 * *ret_after_ns: when to look again. */
int velero_poll(struct velero *v, const struct kind *k, const json_t *owner, const char *location,
                int64_t *ret_after_ns, struct err *reterr);
bool velero_waits(const json_t *owner);

/* ---- the reconcilers ---- */

reconcile_fn velero_reconcile_backup, velero_reconcile_restore, velero_reconcile_deletion,
    velero_reconcile_location;
/* The location of a Backup: its own, else the default one. New. */
char *velero_location_name(struct velero *v, const json_t *backup);
/* What a server that starts finds InProgress has failed. */
void velero_fail_interrupted(struct velero *v);

#endif
