/* One layer of a backup: a moment of a disk, or what changed between two, as the image that a
 * push-mode backup writes. */
#ifndef VMCONFORM_QCOW2_LAYER_H
#define VMCONFORM_QCOW2_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/disk.h"
#include "qcow2/fault.h"
#include "qcow2/sink.h"
#include "qcow2/writer.h"

/* What a full backup stores for clusters that nobody ever wrote. */
enum qcow2_layer_never {
    QCOW2_NEVER_DATA,        /* zeros as data: what an overlay on a preallocated raw volume gives */
    QCOW2_NEVER_UNALLOCATED, /* nothing */
    QCOW2_NEVER_ZERO,        /* zero clusters */
};

/* Zeroed: the defaults, which are the shape of a push-mode backup. */
struct qcow2_layer_options {
    uint32_t cluster_bits;  /* 0: 18 */
    uint32_t version;       /* 0: 3. In version 2 zeros are written as data */
    uint32_t refcount_bits; /* 0: 16 */
    bool extended_l2;       /* increments store subclusters, not whole clusters */
    enum qcow2_compression compression;
    /* A persistent bitmap of that name with the blocks that changed since `from` (a full backup:
     * none), 64 KiB granules; NULL: none. */
    const char *bitmap;
    const char *backing_name, *backing_format; /* recorded in the header; NULL: standalone */
    enum qcow2_layer_never never;              /* full backups only */
    bool in_order;         /* data in guest order; otherwise pieces of 1 MiB finish out of order, as
                              parallel workers do */
    uint64_t scatter_seed; /* decides that order */
};

/* Writes `to` as a full backup (from NULL), or the clusters that an operation touched since `from`:
 * whole clusters, zero-plain ones where nothing but zeros is left; with extended_l2 only the
 * subclusters that were touched. Compression is tried on whole clusters of data. The sink is
 * borrowed and committed. ret_size may be NULL. Memory: a few MiB, 16 bytes for each entry of the
 * L1 table, and the bitmap. */
int qcow2_layer_write(struct qcow2_sink *sink, const struct disk_moment *from,
                      const struct disk_moment *to, const struct qcow2_layer_options *options,
                      uint64_t *ret_size, struct qcow2_fault *retfault);

#endif
