#include "fuzz/qcow2_sketch.h"
#include "qcow2/format.h"

/* One in so many defects stays, so that the doors are tried too. */
#define LEAVE 12u

static void mend(struct sketch *s, uint64_t at, unsigned bytes, bool fine, uint64_t value)
{
    if (!fine && !sketch_once_in(s, LEAVE))
        sketch_put(s, at, bytes, value);
}

static void repair_first(struct sketch *s)
{
    uint64_t bits = sketch_get(s, HDR_CLUSTER_BITS, 4);
    mend(s, HDR_MAGIC, 4, sketch_get(s, HDR_MAGIC, 4) == QCOW2_MAGIC_NUMBER, QCOW2_MAGIC_NUMBER);
    mend(s, HDR_VERSION, 4, s->version == 2 || s->version == 3, 3);
    mend(s, HDR_CLUSTER_BITS, 4, bits >= QCOW2_CLUSTER_BITS_MIN && bits <= QCOW2_CLUSTER_BITS_MAX,
         QCOW2_CLUSTER_BITS_MIN);
    mend(s, HDR_CRYPT, 4, sketch_get(s, HDR_CRYPT, 4) == 0, 0);
}

static void repair_v3(struct sketch *s)
{
    uint64_t length = sketch_get(s, HDR_LENGTH, 4), features = sketch_get(s, HDR_INCOMPATIBLE, 8);
    mend(s, HDR_LENGTH, 4,
         length >= QCOW2_V3_HEADER_MIN && length % 8 == 0 && length <= s->cs && length <= s->len,
         QCOW2_V3_HEADER);
    mend(s, HDR_REFCOUNT_ORDER, 4, sketch_get(s, HDR_REFCOUNT_ORDER, 4) <= 6, 4);
    uint64_t readable = QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_COMPRESSION;
    if (s->cluster_bits >= 14)
        readable |= QCOW2_INCOMPAT_EXTENDED_L2;
    uint64_t kind = sketch_get(s, HDR_COMPRESSION, 1);
    mend(s, HDR_COMPRESSION, 1, kind <= 1, kind & 1);
    bool zstd = sketch_get(s, HDR_COMPRESSION, 1) != 0;
    uint64_t wanted = features & readable & ~QCOW2_INCOMPAT_COMPRESSION;
    wanted |= zstd ? QCOW2_INCOMPAT_COMPRESSION : 0;
    mend(s, HDR_INCOMPATIBLE, 8, features == wanted, wanted);
    mend(s, HDR_COMPRESSION + 1, 7, sketch_get(s, HDR_COMPRESSION + 1, 7) == 0, 0);
}

static void repair_place(struct sketch *s, uint64_t at, uint64_t bytes)
{
    uint64_t offset = sketch_get(s, at, 8), clusters = s->len / s->cs;
    bool fine =
        offset % s->cs == 0 && offset >= s->cs && offset < s->len && bytes <= s->len - offset;
    mend(s, at, 8, fine || clusters < 2, (1 + sketch_below(s, clusters - 1)) * s->cs);
}

static void repair_sizes(struct sketch *s)
{
    uint64_t size = s->virtual_size, coverage = s->cs / s->entry_bytes * s->cs;
    if (size == 0 || size > UINT64_C(1) << 40)
        size = (1 + sketch_below(s, 64)) * s->cs;
    size = (size + 511) / 512 * 512;
    mend(s, HDR_SIZE, 8, size == s->virtual_size, size);
    uint64_t needed = (sketch_get(s, HDR_SIZE, 8) - 1) / coverage + 1;
    uint64_t entries = sketch_get(s, HDR_L1_SIZE, 4);
    mend(s, HDR_L1_SIZE, 4, entries >= needed && entries <= s->len / 8, needed);
    uint64_t clusters = sketch_get(s, HDR_RT_CLUSTERS, 4);
    mend(s, HDR_RT_CLUSTERS, 4, clusters >= 1 && clusters <= s->len / s->cs, 1);
    repair_place(s, HDR_L1_OFFSET, needed * 8);
    repair_place(s, HDR_RT_OFFSET, s->cs);
}

void sketch_repair(struct sketch *s)
{
    /* Now and then the image stays as it is. */
    if (sketch_once_in(s, 16))
        return;
    sketch_look(s);
    repair_first(s);
    sketch_look(s);
    if (s->version == 3)
        repair_v3(s);
    sketch_look(s);
    repair_sizes(s);
    /* A backing name that leads outside ends everything; without a length it is none. */
    uint64_t name = sketch_get(s, HDR_BACKING_OFFSET, 8);
    mend(s, HDR_BACKING_OFFSET, 8, name < s->cs && (name == 0 || name >= s->extensions_at), 0);
}
