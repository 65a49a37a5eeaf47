/* Inside qcow2/ only: words of tables; snapshot entries and bitmap directories as both their own
 * lists and the check read them. */
#ifndef VMCONFORM_QCOW2_TABLE_PRIV_H
#define VMCONFORM_QCOW2_TABLE_PRIV_H

#include <stdbool.h>

#include "qcow2/bitmap.h"
#include "qcow2/image_priv.h"
#include "qcow2/snapshot.h"

/* Sixteen bytes, in whichever order. */
typedef uint64_t qcow2_lane __attribute__((vector_size(16)));
static inline qcow2_lane qcow2_lane_at(const unsigned char *bytes)
{
    qcow2_lane lane;
    memcpy(&lane, bytes, sizeof lane);
    return lane;
}

/* The first of words[i..count) that is not zero; count when there is none. Tables of increments
 * hold little else than zeros, so this decides how fast a chain opens. */
static inline size_t qcow2_skip_zeros(const unsigned char *words, size_t i, size_t count)
{
    enum { STEP = 8 };
    if (i < count && be64_at(words, i * 8) != 0)
        return i;
    for (; count - i >= STEP; i += STEP) {
        const unsigned char *at = words + i * 8;
        qcow2_lane any = qcow2_lane_at(at) | qcow2_lane_at(at + 16) | qcow2_lane_at(at + 32) |
                         qcow2_lane_at(at + 48);
        if (any[0] | any[1])
            break;
    }
    while (i < count && be64_at(words, i * 8) == 0)
        i++;
    return i;
}

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
