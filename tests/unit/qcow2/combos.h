/* Every kind of layer that qcow2/layer.h can write, over one story of a disk. */
#ifndef VMCONFORM_TESTS_QCOW2_COMBOS_H
#define VMCONFORM_TESTS_QCOW2_COMBOS_H

#include "base/disk.h"
#include "tests/unit/qcow2/support.h"

#define COMBO_LAYERS 5u
#define COMBO_BITMAP "vmb-backup-1"

struct combo {
    char name[128];
    struct qcow2_layer_options options;
    uint32_t cluster_bits;
};

size_t combo_count(void);
struct combo combo_at(size_t index);

/* A disk with COMBO_LAYERS moments: writes, discards, an empty increment, growth, rewrites. New. */
struct disk_model *combo_disk(uint64_t seed);
/* Layer i of it: the first is full. New. */
struct bytes combo_layer(const struct combo *c, const struct disk_model *d, size_t i);

/* Opens the layers as a chain and compares it with a moment: bytes that differ. Fails the test when
 * they cannot be read. */
uint64_t combo_differs(const struct bytes *layers, size_t count, const struct disk_moment *want,
                       const char *what);

/* The bits of the image's only bitmap, straight from the file; *ret_count of them. New. */
unsigned char *image_bitmap(const struct bytes *image, const char *name, unsigned granularity_bits,
                            uint64_t *ret_count);

#endif
