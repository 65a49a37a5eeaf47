/* One image: picks a field, an entry or a table and gives it a value that somebody might have
 * forgotten. */
#include <string.h>

#include "base/cleanup.h"
#include "fuzz/qcow2_mutate.h"
#include "fuzz/qcow2_sketch.h"
#include "qcow2/format.h"

/* ---- values ---- */

static uint64_t some_number(struct sketch *s, uint64_t old, unsigned bytes)
{
    unsigned bits = bytes * 8;
    uint64_t power = UINT64_C(1) << sketch_below(s, bits);
    switch (sketch_below(s, 11)) {
    case 0:
        return sketch_below(s, 4);
    case 1:
        return power;
    case 2:
        return power - 1;
    case 3:
        return old + 1;
    case 4:
        return old - 1;
    case 5:
        return old ^ power;
    case 6:
        return old * 2;
    case 7:
        return old / 2;
    case 8:
        return UINT64_MAX;
    case 9:
        return UINT64_MAX << (bits / 2);
    default:
        return prng_next(&s->prng);
    }
}

/* A host offset: `at` is where it will stand. */
static uint64_t some_offset(struct sketch *s, uint64_t at, uint64_t old)
{
    switch (sketch_below(s, 14)) {
    case 0:
        return 0;
    case 1:
        return at & ~(s->cs - 1); /* itself */
    case 2:
        return s->len & ~(s->cs - 1); /* the last piece of a cluster, or the end */
    case 3:
        return (s->len & ~(s->cs - 1)) - s->cs;
    case 4:
        return (s->len & ~(s->cs - 1)) + s->cs;
    case 5:
        return old + 512;
    case 6:
        return old ^ 1;
    case 7:
        return old + s->cs;
    case 8:
        return old - s->cs;
    case 9:
        return UINT64_C(1) << (55 + sketch_below(s, 9));
    case 10:
        return (UINT64_C(1) << (30 + sketch_below(s, 26))) - s->cs;
    default:
        return sketch_table(s);
    }
}

static uint64_t some_descriptor(struct sketch *s)
{
    unsigned x = 62 - (s->cluster_bits - 8);
    uint64_t offset = sketch_table(s);
    if (sketch_once_in(s, 2))
        offset += sketch_below(s, s->cs);
    if (sketch_once_in(s, 8))
        offset = s->len - sketch_below(s, 1024);
    uint64_t sectors = sketch_below(s, UINT64_C(1) << (s->cluster_bits - 8));
    return QCOW2_COMPRESSED | sectors << x | (offset & ((UINT64_C(1) << x) - 1));
}

static uint64_t some_entry(struct sketch *s, uint64_t at, uint64_t old)
{
    switch (sketch_below(s, 8)) {
    case 0:
        return old ^ QCOW2_COPIED;
    case 1:
        return old ^ QCOW2_ZERO;
    case 2:
        return old ^ QCOW2_COMPRESSED;
    case 3:
        return old ^ UINT64_C(1) << sketch_below(s, 64);
    default:
        return some_offset(s, at, old & QCOW2_OFFSET_MASK) |
               (sketch_once_in(s, 4) ? 0 : QCOW2_COPIED);
    }
}

/* ---- fields ---- */

static const struct {
    uint8_t at, bytes;
    bool offset;
} header_fields[] = {
    {HDR_VERSION, 4, false},
    {HDR_BACKING_OFFSET, 8, false},
    {HDR_BACKING_SIZE, 4, false},
    {HDR_CLUSTER_BITS, 4, false},
    {HDR_SIZE, 8, false},
    {HDR_SIZE, 8, false},
    {HDR_CRYPT, 4, false},
    {HDR_L1_SIZE, 4, false},
    {HDR_L1_OFFSET, 8, true},
    {HDR_L1_OFFSET, 8, true},
    {HDR_RT_OFFSET, 8, true},
    {HDR_RT_CLUSTERS, 4, false},
    {HDR_SNAPSHOTS, 4, false},
    {HDR_SNAPSHOTS_OFFSET, 8, true},
    {HDR_INCOMPATIBLE, 8, false},
    {HDR_COMPATIBLE, 8, false},
    {HDR_AUTOCLEAR, 8, false},
    {HDR_REFCOUNT_ORDER, 4, false},
    {HDR_LENGTH, 4, false},
    {HDR_COMPRESSION, 1, false},
    {HDR_COMPRESSION + 1, 7, false},
};

static void change_field(struct sketch *s, uint64_t at, unsigned bytes, bool offset)
{
    uint64_t old = sketch_get(s, at, bytes);
    sketch_put(s, at, bytes, offset ? some_offset(s, at, old) : some_number(s, old, bytes));
}

static void change_header(struct sketch *s)
{
    size_t i = sketch_below(s, ARRAY_LEN(header_fields));
    change_field(s, header_fields[i].at, header_fields[i].bytes, header_fields[i].offset);
}

static void change_small_size(struct sketch *s)
{
    /* A few sectors more or less: the end of the disk moves within what the tables cover. */
    uint64_t step = sketch_once_in(s, 2) ? 512 : s->cs;
    uint64_t by = step * (1 + sketch_below(s, 4));
    sketch_put(s, HDR_SIZE, 8, s->virtual_size + (sketch_once_in(s, 2) ? by : -by));
}

static void change_extension(struct sketch *s)
{
    static const uint32_t types[] = {
        QCOW2_EXT_END,  QCOW2_EXT_BACKING_FORMAT, QCOW2_EXT_FEATURES, QCOW2_EXT_BITMAPS,
        QCOW2_EXT_LUKS, QCOW2_EXT_DATA_FILE,      0x12345678};
    uint64_t at = s->extensions_at;
    for (uint64_t skip = sketch_below(s, 4); skip > 0 && sketch_get(s, at, 4) != 0; skip--)
        at += 8 + (sketch_get(s, at + 4, 4) + 7) / 8 * 8;
    uint64_t i = sketch_below(s, ARRAY_LEN(types));
    switch (sketch_below(s, 4)) {
    case 0: /* another type */
        sketch_put(s, at, 4, types[i]);
        return;
    case 1:
        change_field(s, at + 4, 4, false);
        return;
    case 2: /* one more in front */
        sketch_copy(s, at + 16, at, s->cs > at + 16 ? s->cs - at - 16 : 0);
        sketch_put(s, at, 4, types[i]);
        sketch_put(s, at + 4, 4, sketch_below(s, 9));
        return;
    default:
        sketch_put(s, at + 8 + sketch_below(s, 64), 1, sketch_below(s, 256));
    }
}

static void change_l1(struct sketch *s)
{
    uint64_t at = sketch_l1_entry(s);
    sketch_put(s, at, 8, some_entry(s, at, sketch_get(s, at, 8)));
}

static void change_l2(struct sketch *s)
{
    uint64_t at = sketch_l2_entry(s);
    if (at == 0)
        return;
    uint64_t old = sketch_get(s, at, 8);
    if (s->entry_bytes == 16 && sketch_once_in(s, 3)) {
        change_field(s, at + 8, 8, false);
        return;
    }
    bool packed = sketch_once_in(s, (old & QCOW2_COMPRESSED) ? 2 : 8);
    sketch_put(s, at, 8, packed ? some_descriptor(s) : some_entry(s, at, old));
    if (packed && s->entry_bytes == 16 && !sketch_once_in(s, 4))
        sketch_put(s, at + 8, 8, 0);
}

/* Subclusters that make sense: no bit in both halves. */
static void change_subclusters(struct sketch *s)
{
    uint64_t at = sketch_l2_entry(s);
    if (at == 0 || s->entry_bytes != 16)
        return;
    uint64_t bits = prng_next(&s->prng);
    if (sketch_once_in(s, 2))
        bits &= ~(bits << 32);
    else
        bits &= UINT64_MAX << 32;
    sketch_put(s, at + 8, 8, bits);
}

static void change_refcounts(struct sketch *s)
{
    uint64_t at = sketch_rt_entry(s);
    uint64_t block = sketch_get(s, at, 8) & QCOW2_OFFSET_MASK;
    if (at && block && !sketch_once_in(s, 3))
        sketch_put(s, block + sketch_below(s, 128), 1, sketch_below(s, 4));
    else if (at)
        sketch_put(s, at, 8, some_offset(s, at, block));
}

static void change_snapshots(struct sketch *s)
{
    static const struct {
        uint8_t at, bytes;
        bool offset;
    } fields[] = {{0, 8, true},   {8, 4, false},  {12, 2, false}, {14, 2, false}, {16, 4, false},
                  {32, 4, false}, {36, 4, false}, {40, 8, false}, {48, 8, false}, {56, 8, false}};
    if (s->snapshots == 0 && !sketch_once_in(s, 4))
        return;
    if (s->snapshots == 0) {
        sketch_put(s, HDR_SNAPSHOTS, 4, 1 + sketch_below(s, 3));
        sketch_put(s, HDR_SNAPSHOTS_OFFSET, 8, sketch_table(s));
        return;
    }
    size_t i = sketch_below(s, ARRAY_LEN(fields));
    change_field(s, s->snapshots_at + fields[i].at, fields[i].bytes, fields[i].offset);
}

static void change_bitmaps(struct sketch *s)
{
    static const struct {
        uint8_t at, bytes;
        bool offset;
    } fields[] = {{0, 8, true},   {8, 4, false},  {12, 4, false}, {16, 1, false},
                  {17, 1, false}, {18, 2, false}, {20, 4, false}, {24, 1, false}};
    uint64_t extension = sketch_extension(s, QCOW2_EXT_BITMAPS);
    if (extension == 0)
        return;
    uint64_t table = sketch_get(s, s->bitmaps_at, 8);
    switch (sketch_below(s, 4)) {
    case 0:
        change_field(s, extension + (uint64_t[]){0, 8, 16}[sketch_below(s, 3)], 8, true);
        return;
    case 1:
        change_field(s, table + sketch_below(s, 4) * 8, 8, true);
        return;
    default:;
        size_t i = sketch_below(s, ARRAY_LEN(fields));
        change_field(s, s->bitmaps_at + fields[i].at, fields[i].bytes, fields[i].offset);
    }
}

/* ---- pieces ---- */

static void copy_entry(struct sketch *s)
{
    bool l2 = !sketch_once_in(s, 3);
    uint64_t to = l2 ? sketch_l2_entry(s) : sketch_l1_entry(s);
    uint64_t from = l2 ? sketch_l2_entry(s) : sketch_l1_entry(s);
    if (sketch_once_in(s, 2))
        to += s->entry_bytes;
    if (to && from)
        sketch_copy(s, to, from, l2 ? s->entry_bytes : 8);
    if (from && sketch_once_in(s, 2)) /* moved, not doubled */
        sketch_put(s, from, 8, 0);
}

static void copy_cluster(struct sketch *s)
{
    uint64_t to = sketch_table(s), from = sketch_table(s);
    if (to >= s->cs || sketch_once_in(s, 8))
        sketch_copy(s, to, from, s->cs);
}

/* A cluster at the end, and an entry that leads there. */
static void append_cluster(struct sketch *s)
{
    uint64_t end = (s->len + s->cs - 1) / s->cs * s->cs;
    if (end + s->cs > s->cap)
        return;
    sketch_resize(s, end + s->cs);
    sketch_copy(s, end, sketch_table(s), s->cs);
    uint64_t at = sketch_once_in(s, 3) ? sketch_l1_entry(s) : sketch_l2_entry(s);
    if (at)
        sketch_put(s, at, 8, QCOW2_COPIED | end);
}

static void change_length(struct sketch *s)
{
    uint64_t len = s->len;
    switch (sketch_below(s, 5)) {
    case 0:
        sketch_resize(s, len - sketch_below(s, len < 600 ? len : 600));
        return;
    case 1:
        sketch_resize(s, sketch_below(s, len / s->cs + 1) * s->cs);
        return;
    case 2:
        sketch_resize(s, sketch_table(s) + sketch_below(s, 17));
        return;
    case 3:
        sketch_resize(s, len + sketch_below(s, 1024));
        return;
    default:
        sketch_resize(s, (len + s->cs - 1) / s->cs * s->cs);
    }
}

static void splice_other(struct sketch *s)
{
    if (s->other_len == 0 || s->len == 0)
        return;
    uint64_t cluster = sketch_below(s, s->other_len / s->cs + 1) * s->cs;
    uint64_t to = sketch_once_in(s, 2) ? cluster : sketch_table(s);
    if (to >= s->len || cluster >= s->other_len)
        return;
    uint64_t n = s->cs < s->len - to ? s->cs : s->len - to;
    n = n < s->other_len - cluster ? n : s->other_len - cluster;
    memcpy(s->data + to, s->other + cluster, n);
}

static void change_bytes(struct sketch *s)
{
    if (s->len == 0)
        return;
    uint64_t at =
        sketch_once_in(s, 2) ? sketch_below(s, s->len) : sketch_table(s) + sketch_below(s, 64);
    for (uint64_t n = 1 + sketch_below(s, 4); n > 0; n--)
        sketch_put(s, at++, 1, sketch_below(s, 256));
}

/* ---- the whole ---- */

typedef void (*change_fn)(struct sketch *s);

/* What stands twice is tried twice as often. */
static const change_fn changes[] = {
    change_header,    change_small_size, change_extension, change_l1,      change_l1,
    change_l2,        change_l2,         change_l2,        change_l2,      change_subclusters,
    change_refcounts, change_snapshots,  change_bitmaps,   change_bitmaps, copy_entry,
    copy_entry,       copy_cluster,      append_cluster,   change_length,  splice_other,
    change_bytes,
};

size_t qcow2_mutate_image(uint8_t *data, size_t size, size_t max, const uint8_t *other,
                          size_t other_size, uint64_t seed)
{
    struct sketch s = {
        .data = data, .len = size, .cap = max, .other = other, .other_len = other_size};
    prng_init(&s.prng, seed, "qcow2-mutate");
    for (uint64_t n = 1 + sketch_below(&s, sketch_once_in(&s, 4) ? 8 : 3); n > 0; n--) {
        sketch_look(&s);
        changes[sketch_below(&s, ARRAY_LEN(changes))](&s);
    }
    sketch_repair(&s);
    return s.len;
}
