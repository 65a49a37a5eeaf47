/* The persistent dirty bitmaps of an image: which ranges a guest wrote since a checkpoint. */
#ifndef VMCONFORM_QCOW2_BITMAP_H
#define VMCONFORM_QCOW2_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "qcow2/image.h"

struct qcow2_bitmap_info {
    const char *name; /* as it stands in the image, name_len bytes and a NUL: hostile text;
                         qcow2_quote() before showing. Borrowed */
    size_t name_len;
    uint64_t granularity; /* bytes that one bit speaks of */
    bool in_use;          /* was open for writing when the image was left: its bits mean nothing */
    bool automatic;       /* qemu: enabled as soon as the image is opened */
    uint64_t table_offset;
    uint32_t table_entries;
};

/* Directory and tables, read and checked. The bits are read when they are asked for. */
struct qcow2_bitmaps;

/* None at all is a list of length 0; so is a directory that the image itself calls stale (autoclear
 * bit unset). The image is borrowed and outlives the result. New; NULL on failure (QCOW2_BITMAP).
 */
struct qcow2_bitmaps *qcow2_bitmaps_read(struct qcow2_image *image, struct qcow2_fault *retfault);
void qcow2_bitmaps_destroy(struct qcow2_bitmaps *b);
DEFINE_CLEANUP(struct qcow2_bitmaps, qcow2_bitmaps, qcow2_bitmaps_destroy);

size_t qcow2_bitmaps_count(const struct qcow2_bitmaps *b);
/* Borrowed. */
const struct qcow2_bitmap_info *qcow2_bitmaps_at(const struct qcow2_bitmaps *b, size_t index);
/* Moves *offset to the first dirty byte at or behind it and tells how many follow, in whole
 * granules, clipped to the disk; 0: no more. Bits of a bitmap that is in use are read all the same.
 */
int qcow2_bitmap_next(struct qcow2_bitmaps *b, size_t index, uint64_t *offset, uint64_t *ret_len,
                      struct qcow2_fault *retfault);

#endif
