/* Parts added by hand to images in memory: what the writer has no need to write. */
#ifndef VMCONFORM_TESTS_QCOW2_PARTS_H
#define VMCONFORM_TESTS_QCOW2_PARTS_H

#include "tests/unit/qcow2/support.h"

uint64_t parts_cluster_size(const struct bytes *b);
/* The refcount of the cluster at offset, at whatever width; its block must be there. */
uint64_t parts_refcount(const struct bytes *b, uint64_t offset);
void parts_set_refcount(struct bytes *b, uint64_t offset, uint64_t value);
/* So many clusters of zeros at the end, their refcounts 1. Returns their offset. */
uint64_t parts_append(struct bytes *b, uint64_t clusters);
/* A header extension in front of the end marker. Returns where its data stand. */
uint64_t parts_extension(struct bytes *b, uint32_t type, const void *data, uint32_t len);

/* Snapshots of the disk as it is: `count` of them, each with an L1 table of its own. */
void parts_snapshots(struct bytes *b, unsigned count);

struct parts_bitmap {
    const char *name;
    unsigned granularity_bits;
    uint32_t flags;
    const unsigned char *bits; /* of the whole disk; what they do not fill is zero */
    size_t len;
};
/* A bitmap directory; at most one cluster of it, and tables of at most one cluster. Returns its
 * offset. */
uint64_t parts_bitmaps(struct bytes *b, const struct parts_bitmap *list, size_t count);

#endif
