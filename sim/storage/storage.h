/* Simulated storage: volumes whose capacity really ends, PVC/PV binding, CSI volume snapshots
 * (kubevirt-csi.md section 5).
 *
 * A volume is a disk of content by rule (guests write there) until somebody needs real bytes: then
 * it is a folder or a fixed-size file below the world's folder, on a tmpfs of the volume's size
 * when the world may mount. */
#ifndef VMCONFORM_SIM_STORAGE_STORAGE_H
#define VMCONFORM_SIM_STORAGE_STORAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"
#include "sim/world.h"

/* The CSI driver of every class that the simulator serves. Other provisioners' claims stay Pending,
 * as if theirs were not installed. */
#define STORAGE_DRIVER "csi.vmconform.dev"

/* Starts provisioner, binder, pvc-protection and snapshot controllers of a cluster, and creates
 * StorageClass "standard" (default, Immediate, expandable) and VolumeSnapshotClass
 * "standard-snapshots" when absent. */
int storage_start(struct cluster *c, struct err *reterr);

/* The volume behind a bound claim; NULL when the claim is not bound (or unknown). Borrowed until
 * the driver deletes it. */
struct volume;
struct volume *storage_volume(const struct cluster *c, const char *ns, const char *claim);
uint64_t volume_capacity(const struct volume *v);
/* The claims that a pod's volumes name: *at begins at 0; NULL: there are no more. */
const char *pod_next_claim(const json_t *pod, size_t *at);
bool pod_uses_claim(const json_t *pod, const char *claim);
bool volume_is_block(const struct volume *v);

/* The disk by rule that guests write to and snapshots remember; made on first use. It begins with
 * what the real bytes of the volume hold then (disk.img, or the device), zeros without any. */
struct disk_model *volume_disk(struct volume *v);

/* Makes the volume real: *ret_path is its folder (Filesystem) or file (Block), borrowed. A
 * Filesystem volume is a tmpfs of its capacity where the world may mount and TMPFS_TOTAL_MAX is not
 * used up; else a plain folder, which only a volume of storage_limit_next() refuses
 * (ERR_UNSUPPORTED). A Block volume is a fixed-size file with stale, non-zero content in it. */
#define TMPFS_TOTAL_MAX (UINT64_C(1) << 30)
int volume_make_real(struct volume *v, const char **ret_path, struct err *reterr);
/* The path when it is real already, else NULL. */
const char *volume_real_path(const struct volume *v);

/* Scenario knob: the capacity that the volume of the next claim whose name matches the glob really
 * has, whatever it asked for. Such a volume must be limited for real: where the world may not
 * mount, making it real is ERR_UNSUPPORTED. */
void storage_limit_next(struct cluster *c, const char *claim_glob, uint64_t bytes);

/* Durations (ns) by name: "provision" 1 s, "delete" 0, "snapshot" 2 s, "snapshot-ready" 0 (from
 * creationTime on), "resize" 1 s. */
int storage_set_duration(struct cluster *c, const char *what, int64_t ns, struct err *reterr);
/* The driver answers the next `times` calls (0: all, until storage_fail_clear()) of an rpc
 * (CreateVolume, DeleteVolume, CreateSnapshot, DeleteSnapshot, ControllerExpandVolume) whose object
 * matches the glob (claim, PV, VolumeSnapshot or content name) with a gRPC code
 * ("ResourceExhausted", "Internal", ...) and text. */
int storage_fail_next(struct cluster *c, const char *rpc, const char *glob, const char *code,
                      const char *text, unsigned times, struct err *reterr);
/* Ends every rule of storage_fail_next(); what waited tries again. */
void storage_fail_clear(struct cluster *c);
/* Takes a controller down or brings it back: "persistent-volume-binder",
 * "pvc-protection-controller", "pv-protection-controller", "external-provisioner",
 * "external-resizer", "snapshot-controller", "csi-snapshotter". */
int storage_set_down(struct cluster *c, const char *controller, bool down, struct err *reterr);

/* The disk's moment that a ready VolumeSnapshotContent holds: the disk model and the name of the
 * checkpoint within it. The disk of a deleted volume stays for as long as the world lives. */
bool storage_snapshot_moment(const struct cluster *c, const char *content_name,
                             struct disk_model **ret_disk, const char **ret_checkpoint);

#endif
