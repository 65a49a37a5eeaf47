/* Inside fuzz/: an image that may be broken anywhere, as a mutator sees it. Reading outside gives
 * zeros, writing outside does nothing. */
#ifndef VMCONFORM_FUZZ_QCOW2_SKETCH_H
#define VMCONFORM_FUZZ_QCOW2_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"

struct sketch {
    uint8_t *data;
    size_t len, cap;
    const uint8_t *other;
    size_t other_len;
    struct prng prng;
    /* Geometry, from the header, clamped to what makes sense. */
    unsigned cluster_bits, version, entry_bytes;
    uint64_t cs, virtual_size;
    uint64_t l1_at, l1_count, rt_at, rt_count;
    uint64_t snapshots_at, snapshots;
    uint64_t bitmaps_at, bitmaps_len; /* the directory */
    uint64_t extensions_at;
};

/* Learns the geometry. */
void sketch_look(struct sketch *s);
uint64_t sketch_get(const struct sketch *s, uint64_t at, unsigned bytes);
void sketch_put(struct sketch *s, uint64_t at, unsigned bytes, uint64_t value);
/* Up to len bytes, as many as are in both places. */
void sketch_copy(struct sketch *s, uint64_t to, uint64_t from, uint64_t len);
/* Grows with zeros (up to cap) or cuts. */
void sketch_resize(struct sketch *s, uint64_t len);
uint64_t sketch_below(struct sketch *s, uint64_t bound);
/* True once in n. */
bool sketch_once_in(struct sketch *s, unsigned n);

/* Places of entries; 0: there is none. */
uint64_t sketch_l1_entry(struct sketch *s);
uint64_t sketch_l2_entry(struct sketch *s);
uint64_t sketch_rt_entry(struct sketch *s);
/* The host offset of a table or of data. */
uint64_t sketch_table(struct sketch *s);
/* The place of extension `type`'s data; 0: it is not there. */
uint64_t sketch_extension(const struct sketch *s, uint32_t type);

/* qcow2_repair.c: mends, mostly, what stops a reader at the door. */
void sketch_repair(struct sketch *s);

#endif
