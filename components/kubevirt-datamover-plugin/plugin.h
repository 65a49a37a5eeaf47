/* One instance of the plugin, and what its actions share. */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_PLUGIN_PLUGIN_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_PLUGIN_PLUGIN_H

#include <stdbool.h>

#include "components/item_action.h"
#include "components/runtime/client.h"

#define PLUGIN_NAME "kubevirt-datamover-plugin"
#define DATAMOVER "kubevirt"
#define OPERATION_TIMEOUT "4h0m0s" /* unless the Backup or Restore has one */

#define KEY_UPLOAD "velero.io/data-upload-name"
#define KEY_CLAIM "velero.io/pvc-namespace-name"
#define KEY_BACKUP "velero.io/backup-name"
#define KEY_RESTORE "velero.io/restore-name"
#define KEY_OPERATION "kubevirt-datamover.io/operation-id"
#define KEY_VM_NAME "kubevirt-datamover.io/vm-name"
#define KEY_VM_NAME_DESIGN "kubevirt-datamover-vm"
#define KEY_VM_NAMESPACE "kubevirt-datamover.io/vm-namespace"
#define KEY_SIZE "kubevirt-datamover.io/backup-pvc-size"
#define KEY_FORCE_FULL "kubevirt-datamover.io/force-full-backup"
#define KEY_RUN_STRATEGY "kubevirt-datamover.io/original-run-strategy"
#define KEY_RUN_SOURCE "kubevirt-datamover.io/original-run-strategy-source"
/* Velero takes additional items of namespaces that the backup leaves out only with this one. */
#define KEY_MUST_INCLUDE "backup.velero.io/must-include-additional-items"
#define KEY_BIND_COMPLETED "pv.kubernetes.io/bind-completed"
#define KEY_BOUND_BY_CONTROLLER "pv.kubernetes.io/bound-by-controller"

extern const struct kind plugin_upload, plugin_download, plugin_backup, plugin_location,
    plugin_claim, plugin_volume, plugin_pod, plugin_vm, plugin_configmap, plugin_secret;

struct plugin {
    struct host *host;
    struct client client;
    char *ns, *cluster;
    /* Where design and implementation differ (datamover.md 0.3, 2.1). */
    bool design;
    /* Claims of the VMs of a namespace, of one backup: {uid of the Backup: {ns: {claim: [vm]}}}.
     * Nothing of an older backup is kept. */
    json_t *users;
};

/* Names of the claims of a VM's volumes, in their order, each once. KubeVirt's checkpoints have no
 * memory dumps: disks leaves out the claims that hold nothing else. New array. */
enum plugin_claims { CLAIMS_ALL, CLAIMS_DISKS, CLAIMS_DUMPS };
json_t *plugin_claims_of(const json_t *vm, enum plugin_claims which);
/* spec.itemOperationTimeout of a Backup or Restore, or the default. Borrowed. */
const char *plugin_timeout(const json_t *owner);
/* Whether status.phase is this. */
bool plugin_phase_is(const json_t *mover, const char *phase);
/* What ended it badly: its message, or words of ours. New. */
char *plugin_failure(const json_t *mover);
/* How far a DataUpload or DataDownload is; NULL: it does not exist. */
void plugin_progress(const json_t *mover, const char *name, struct item_progress *ret);
/* The same of the one whose name is the prefix and the operation. That it cannot be read now is no
 * error, which would be the end of the operation. */
int plugin_ask(struct plugin *p, const struct kind *k, const char *prefix, const char *operation,
               const json_t *owner, struct item_progress *ret, struct err *reterr);
/* The annotation that names the VM of a claim in a backup. */
const char *plugin_vm_key(const struct plugin *p);
/* Sets spec.cancel, and nothing else: whoever writes the status meanwhile loses nothing. One that
 * is gone is no error. Tries three times, since Velero asks once and drops the error. */
int plugin_cancel(struct plugin *p, const struct kind *k, const char *name, struct err *reterr);

extern const struct item_action plugin_vm_backup, plugin_claim_backup, plugin_claim_restore,
    plugin_discard, plugin_vm_restore, plugin_vm_delete;

#endif
