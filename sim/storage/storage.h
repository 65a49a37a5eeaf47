/* Simulated storage: volumes whose capacity really ends, PVC/PV binding, CSI volume snapshots (kubevirt-csi.md section 5).
 *
 * A volume is a disk of content by rule (guests write there) until somebody needs real bytes: then it is a folder or a fixed-size file below
 * the world's folder, on a tmpfs of the volume's size when the world may mount. */
#ifndef VMCONFORM_SIM_STORAGE_STORAGE_H
#define VMCONFORM_SIM_STORAGE_STORAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"
#include "sim/world.h"

/* Starts provisioner, binder, pvc-protection and snapshot controllers of a cluster, and creates StorageClass "standard" (default,
 * Immediate, expandable) and VolumeSnapshotClass "standard-snapshots" when absent. */
int storage_start(struct cluster *c, struct err *reterr);

/* The volume behind a bound claim; NULL when the claim is not bound (or unknown). Borrowed until the PV goes. */
struct volume;
struct volume *storage_volume(const struct cluster *c, const char *ns, const char *claim);
struct volume *storage_volume_by_pv(const struct cluster *c, const char *pv);
const char *volume_pv(const struct volume *v);
uint64_t volume_capacity(const struct volume *v);
bool volume_is_block(const struct volume *v);

/* The disk by rule that guests write to and snapshots remember; made on first use. */
struct disk_model *volume_disk(struct volume *v);

/* Makes the volume real: *ret_path is its folder (Filesystem) or file (Block), borrowed. A Filesystem volume of `real_capacity` bytes is a tmpfs
 * of that size where the world may mount; otherwise ERR_UNSUPPORTED when limit_needed, else a plain folder. */
int volume_make_real(struct volume *v, const char **ret_path, struct err *reterr);
/* Scenario knob: the capacity that the volume of the next claim whose name matches the glob really has, whatever it asked for.
 * Such a volume must be limited for real: where the world may not mount, making it real is ERR_UNSUPPORTED. */
void storage_limit_next(struct cluster *c, const char *claim_glob, uint64_t bytes);

/* The disk's moment that a ready VolumeSnapshotContent holds: the disk model and the name of the checkpoint within it. */
bool storage_snapshot_moment(const struct cluster *c, const char *content_name,
                             struct disk_model **ret_disk, const char **ret_checkpoint);

#endif
