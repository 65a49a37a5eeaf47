/* The internal snapshots of an image, as a list. Their content is not read: a backup has none. */
#ifndef VMCONFORM_QCOW2_SNAPSHOT_H
#define VMCONFORM_QCOW2_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "qcow2/image.h"

struct qcow2_snapshot_info {
    const char *id, *name; /* hostile text with a NUL behind it; qcow2_quote() before showing */
    size_t id_len, name_len;
    uint64_t l1_offset;
    uint32_t l1_entries;
    uint32_t seconds, nanoseconds; /* since 1970 */
    uint64_t guest_ns;
    uint64_t vm_state_size, disk_size; /* disk_size 0: not recorded */
};

struct qcow2_snapshots;

/* The image must have been opened with accept_snapshots. New; NULL on failure (QCOW2_SNAP). */
struct qcow2_snapshots *qcow2_snapshots_read(struct qcow2_image *image,
                                             struct qcow2_fault *retfault);
void qcow2_snapshots_destroy(struct qcow2_snapshots *s);
DEFINE_CLEANUP(struct qcow2_snapshots, qcow2_snapshots, qcow2_snapshots_destroy);
size_t qcow2_snapshots_count(const struct qcow2_snapshots *s);
/* Borrowed. */
const struct qcow2_snapshot_info *qcow2_snapshots_at(const struct qcow2_snapshots *s, size_t index);

#endif
