/* Inside qcow2/ only: where the compressed clusters of one image have their data.
 *
 * Compressed data stand byte behind byte, so several clusters may share a host cluster, and the
 * sector in which one ends and the next begins. Whatever shares more than that is no image that
 * anybody compressed: a small file that unfolds one cluster into a whole disk, or damage. */
#ifndef VMCONFORM_QCOW2_PACKED_PRIV_H
#define VMCONFORM_QCOW2_PACKED_PRIV_H

#include "base/mem.h"
#include "qcow2/image_priv.h"

/* Zeroed: none. Memory: 8 bytes for each cluster, twice that while those of no order are sorted. */
struct packed {
    uint64_t *items; /* descriptors; their low bits are the offset */
    size_t count, cap;
    uint64_t last; /* offset of the one added last */
    bool unsorted;
};

/* A descriptor and its offset, which is inside the file. In a header, since a file may hold
 * millions of them. */
static inline void packed_add(struct packed *p, uint64_t descriptor, uint64_t offset)
{
    p->unsorted = p->unsorted || offset < p->last;
    p->last = offset;
    if (p->count == p->cap)
        p->items = mem_grow(p->items, &p->cap, p->count + 1, sizeof(*p->items));
    p->items[p->count++] = descriptor;
}
/* False when no two share data. Else the later one's place. Time is linear. */
bool packed_overlap(struct packed *p, const struct qcow2_image *image, uint64_t *ret_offset,
                    uint64_t *ret_len);
void packed_finish(struct packed *p);

#endif
