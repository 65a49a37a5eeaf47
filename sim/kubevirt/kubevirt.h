/* KubeVirt as the API shows it: VMs, guests, snapshots, restores (kubevirt-csi.md sections 1 to 3).
 *
 * One actor each for virt-api (admission, in the server), virt-controller (VM, VMI, VMSnapshot,
 * VMRestore, DataVolume-free) and the guests. Timings are virtual and fixed (durations.list),
 * unless a scenario says otherwise. */
#ifndef VMCONFORM_SIM_KUBEVIRT_KUBEVIRT_H
#define VMCONFORM_SIM_KUBEVIRT_KUBEVIRT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sim/storage/storage.h"
#include "sim/world.h"

/* Starts KubeVirt on a cluster (its CRDs are built in). Needs storage_start() first. */
int kubevirt_start(struct cluster *c, struct err *reterr);

/* How long something takes, by a name of durations.list. Unknown names: error. */
int kubevirt_set_duration(struct cluster *c, const char *what, int64_t ns, struct err *reterr);

/* Knobs of backups: "version" ("1.8", ...: up to 1.8 conditions have another shape; default: the
 * latest), and those of knobs.list, which are true or false. Unknown names and other values: error.
 */
int kubevirt_set_knob(struct cluster *c, const char *name, const json_t *value, struct err *reterr);

/* Which KubeVirt it is (delete-protection.md section 4): "version" ("1.3", "1.5.2", ...; without a
 * patch the latest one, without any the latest version), "namespace" that it is installed in,
 * "referencePolicy" of instance types ("reference", "expand", "expandAll"), "objectGraph" (the
 * feature gate: true or false). Set before machines are made. Unknown names and other values:
 * error.
 */
int kubevirt_set(struct cluster *c, const char *name, const json_t *value, struct err *reterr);

/* virt-api goes away or comes back. Without it creates and updates of machines, instances,
 * snapshots and restores answer 500, and so do status writes of machines, which it checks too. */
int kubevirt_set_api_down(struct cluster *c, bool down, struct err *reterr);
/* Crashes virt-controller and virt-handler, and starts them again with empty caches and queues.
 * Guests run on. */
int kubevirt_restart(struct cluster *c, struct err *reterr);

/* ---- guests ----
 * The agent's freeze and thaw are faults "api" with kind VirtualMachineInstance and subresource
 * freeze or unfreeze. */

/* The guest of a VM writes `blocks` blocks from `first` to the disk of spec volume `disk` (NULL:
 * the first one). Works while the VM is Running and neither paused nor frozen, and while it is
 * stopped (an administrator writes to the volume). ERR_INVALID otherwise; ERR_NO_SPACE past the
 * end. */
int guest_write(struct cluster *c, const char *ns, const char *vm, const char *disk, uint64_t first,
                uint64_t blocks, struct err *reterr);
int guest_discard(struct cluster *c, const char *ns, const char *vm, const char *disk,
                  uint64_t first, uint64_t blocks, struct err *reterr);
/* Remembers this moment of all disks of the VM under a name. */
int guest_mark(struct cluster *c, const char *ns, const char *vm, const char *moment,
               struct err *reterr);
/* One disk of the VM at such a moment. Both borrowed; NULL with *reterr. */
struct disk_model;
struct disk_moment;
const struct disk_moment *guest_moment(struct cluster *c, const char *ns, const char *vm,
                                       const char *disk, const char *moment,
                                       struct disk_model **ret_disk, struct err *reterr);
/* Compares every disk of the VM with the moment: 0 and *ret_same; *ret_why (new text, NULL when the
 * same) explains the first differences. moment NULL: compares with nothing, error. */
int guest_compare(struct cluster *c, const char *ns, const char *vm, const char *moment,
                  bool *ret_same, char **ret_why, struct err *reterr);
/* Power seen from inside: "shutdown", "reset", "crash", "pause", "unpause"; agent: "agent-up",
 * "agent-down". */
int guest_power(struct cluster *c, const char *ns, const char *vm, const char *what,
                struct err *reterr);

/* What a running KubeVirt serves below its machines, in KUBEVIRT_COMMAND_GROUP; NULL ends. */
#define KUBEVIRT_COMMAND_GROUP "subresources.kubevirt.io"
const char *kubevirt_command_at(size_t i);

#endif
