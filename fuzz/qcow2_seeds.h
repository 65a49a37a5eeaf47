/* Sound images of every kind, small, made by the writer from a seed: what mutation starts from. */
#ifndef VMCONFORM_FUZZ_QCOW2_SEEDS_H
#define VMCONFORM_FUZZ_QCOW2_SEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"
#include "qcow2/writer.h"

struct seed_shape {
    struct qcow2_writer_options options;
    /* Of 16 guest clusters, about so many are each; the rest is not allocated. */
    unsigned data, zero, packed, parts;
    unsigned bitmaps;   /* version 3 only */
    unsigned snapshots; /* each with an L1 table of its own; refcounts are not raised for them */
    bool shuffled;      /* file order is not guest order */
};

/* One of all kinds; the disk has at most 4 MiB. */
void seed_shape_draw(struct seed_shape *shape, struct prng *p);
/* A whole image, new; same arguments, same bytes. */
uint8_t *seed_image(const struct seed_shape *shape, uint64_t seed, size_t *ret_len);

#endif
