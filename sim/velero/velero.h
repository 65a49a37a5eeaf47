/* The simulated Velero server of a cluster: the loop that drives item actions over a backup and a
 * restore, and what hangs on it (datamover.md 1.7, 2).
 *
 *     Backup   New -> InProgress -> WaitingForPluginOperations -> Finalizing -> Completed
 *     Restore  New -> InProgress -> WaitingForPluginOperations -> Finalizing -> Completed
 *     DeleteBackupRequest  New -> InProgress -> Processed, the Backup Deleting meanwhile
 *
 * with FailedValidation and Failed on the way, and ...PartiallyFailed once an item or an operation
 * has failed. A BackupStorageLocation without a phase is looked at, and becomes Available or
 * Unavailable.
 *
 * A backup is three documents below PREFIX/backups/NAME/ in the location's bucket, written when all
 * items have been collected: NAME.json (the items, in the order in which they were backed up; a
 * tarball in the real one), NAME-itemoperations.json, NAME-results.json (warnings and errors), with
 * NAME-volumeinfo.json (what became of each claim) and velero-backup.json. Velero's own movers of
 * data are not simulated: a claim that they would take is told in volumeinfo, and nothing more.
 *
 * It is one process, whose crash is the server's: what was InProgress is Failed when it starts
 * again, as in the real one; operations go on being polled. */
#ifndef VMCONFORM_SIM_VELERO_VELERO_H
#define VMCONFORM_SIM_VELERO_VELERO_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "sim/world.h"

#define VELERO_NAMESPACE "openshift-adp"
#define VELERO_USER "system:serviceaccount:" VELERO_NAMESPACE ":velero"

enum velero_kind { VELERO_BACKUP_ACTION, VELERO_RESTORE_ACTION, VELERO_DELETE_ACTION };

/* All borrowed for the call. */
struct velero_input {
    const json_t *item;             /* as the actions before have left it */
    const json_t *item_from_backup; /* restores: as it was stored; else NULL */
    const json_t *owner;            /* the Backup; of a restore the Restore */
};
struct velero_output {
    json_t *item;       /* new; NULL: unchanged */
    json_t *additional; /* new array of {resource: "datauploads.velero.io", namespace, name} */
    char *operation;    /* new; NULL: nothing goes on */
    bool skip;          /* restores: the item is not restored */
    json_t *warnings;   /* new array of texts that were logged; NULL: none */
};
void velero_output_finish(struct velero_output *o);

struct velero_progress {
    bool completed;
    char *error; /* new; NULL: none */
};

/* One item action of a plugin. The functions are called on the server's fibers and may block. -1:
 * *reterr is what the plugin returned, or that it died. */
struct velero_action {
    const char *name;
    enum velero_kind kind;
    const char *resources; /* "virtualmachines.kubevirt.io", comma-separated; "pods" for the core */
    void *cookie;
    int (*execute)(const struct velero_action *a, const struct velero_input *in,
                   struct velero_output *out, struct err *reterr);
    /* NULL: it has no operations. owner as in the input. */
    int (*progress)(const struct velero_action *a, const char *operation, const json_t *owner,
                    struct velero_progress *ret, struct err *reterr);
    int (*cancel)(const struct velero_action *a, const char *operation, const json_t *owner,
                  struct err *reterr);
};

struct velero_config {
    struct cluster *cluster;
    struct process *process; /* that it runs in */
    /* The actions that plugins have, sorted by name; fn is called for each. They live as long as
     * the world. */
    void (*each_action)(void *cookie, void (*fn)(void *arg, const struct velero_action *a),
                        void *arg);
    void *cookie;
};

/* Starts it; the world frees it. Once for each process: a crashed one is started again with a new
 * process. */
void velero_start(const struct velero_config *config);

#endif
