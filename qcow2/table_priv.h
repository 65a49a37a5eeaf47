/* Inside qcow2/ only: snapshot entries and bitmap directories as both their own lists and the check
 * read them. */
#ifndef VMCONFORM_QCOW2_TABLE_PRIV_H
#define VMCONFORM_QCOW2_TABLE_PRIV_H

#include <stdbool.h>

#include "qcow2/bitmap.h"
#include "qcow2/image_priv.h"
#include "qcow2/snapshot.h"

/* Bytes behind the end of the file are zeros, as qemu reads them. */
int qcow2_read_padded(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                      struct qcow2_fault *retfault);

/* One entry of a snapshot table, nothing checked, its texts not read. */
struct qcow2_snapshot_entry {
    struct qcow2_snapshot_info info; /* id and name NULL */
    uint64_t at, texts_at, end;
    uint32_t extra_len;
};

/* Reads padded. *at moves to the next entry: less than 2^33 bytes further. */
int qcow2_snapshot_entry(struct qcow2_io *io, uint64_t *at, struct qcow2_snapshot_entry *ret,
                         struct qcow2_fault *retfault);

/* The directory alone, of an image with a trusted bitmaps extension: what qemu refuses is refused,
 * but where tables lie and what they hold is not looked at. Memory: at most what the file holds of
 * the directory, a cluster, and 64 bytes for each bitmap. New; NULL on failure. */
struct qcow2_bitmaps *qcow2_bitmaps_directory(struct qcow2_image *image,
                                              struct qcow2_fault *retfault);

/* What a table entry may be: reserved bits zero, aligned, all-ones only without a cluster. */
static inline bool qcow2_bitmap_entry_valid(uint64_t entry, uint64_t cluster_size)
{
    uint64_t offset = entry & QCOW2_OFFSET_MASK;
    return !(entry & QCOW2_BITMAP_RESERVED) && !(offset && (entry & 1)) &&
           offset % cluster_size == 0;
}

#endif
