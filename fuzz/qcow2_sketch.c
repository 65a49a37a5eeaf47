#include "fuzz/qcow2_sketch.h"

#include <string.h>

#include "qcow2/format.h"

uint64_t sketch_get(const struct sketch *s, uint64_t at, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | (at < s->len && i < s->len - at ? s->data[at + i] : 0);
    return v;
}

void sketch_put(struct sketch *s, uint64_t at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        if (at < s->len && i < s->len - at)
            s->data[at + i] = (uint8_t)(value >> (bytes - 1 - i) * 8);
}

void sketch_copy(struct sketch *s, uint64_t to, uint64_t from, uint64_t len)
{
    if (to >= s->len || from >= s->len)
        return;
    uint64_t first = to > from ? to : from;
    len = len < s->len - first ? len : s->len - first;
    memmove(s->data + to, s->data + from, len);
}

void sketch_resize(struct sketch *s, uint64_t len)
{
    size_t n = len < s->cap ? (size_t)len : s->cap;
    if (n > s->len)
        memset(s->data + s->len, 0, n - s->len);
    s->len = n;
}

uint64_t sketch_below(struct sketch *s, uint64_t bound)
{
    return bound ? prng_below(&s->prng, bound) : 0;
}

bool sketch_once_in(struct sketch *s, unsigned n)
{
    return prng_below(&s->prng, n) == 0;
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

void sketch_look(struct sketch *s)
{
    uint64_t bits = sketch_get(s, HDR_CLUSTER_BITS, 4);
    s->cluster_bits = bits < QCOW2_CLUSTER_BITS_MIN || bits > QCOW2_CLUSTER_BITS_MAX
                          ? QCOW2_CLUSTER_BITS_MIN
                          : (unsigned)bits;
    s->cs = UINT64_C(1) << s->cluster_bits;
    s->version = (unsigned)sketch_get(s, HDR_VERSION, 4);
    s->virtual_size = sketch_get(s, HDR_SIZE, 8);
    bool wide =
        s->version != 2 && (sketch_get(s, HDR_INCOMPATIBLE, 8) & QCOW2_INCOMPAT_EXTENDED_L2);
    s->entry_bytes = wide ? 16 : 8;
    s->l1_at = sketch_get(s, HDR_L1_OFFSET, 8);
    s->l1_count = at_most(sketch_get(s, HDR_L1_SIZE, 4), s->len / 8);
    s->rt_at = sketch_get(s, HDR_RT_OFFSET, 8);
    s->rt_count = at_most(sketch_get(s, HDR_RT_CLUSTERS, 4) * s->cs, s->len) / 8;
    s->snapshots_at = sketch_get(s, HDR_SNAPSHOTS_OFFSET, 8);
    s->snapshots = at_most(sketch_get(s, HDR_SNAPSHOTS, 4), s->len / 40);
    s->extensions_at = s->version == 2 ? QCOW2_V2_HEADER : sketch_get(s, HDR_LENGTH, 4);
    uint64_t bitmaps = sketch_extension(s, QCOW2_EXT_BITMAPS);
    s->bitmaps_len = bitmaps ? at_most(sketch_get(s, bitmaps + 8, 8), s->len) : 0;
    s->bitmaps_at = bitmaps ? sketch_get(s, bitmaps + 16, 8) : 0;
}

uint64_t sketch_extension(const struct sketch *s, uint32_t type)
{
    uint64_t at = s->extensions_at;
    for (unsigned i = 0; i < 32 && at + 8 <= s->len; i++) {
        uint64_t found = sketch_get(s, at, 4), len = sketch_get(s, at + 4, 4);
        if (found == type)
            return at + 8;
        if (found == QCOW2_EXT_END)
            return 0;
        at += 8 + (len + 7) / 8 * 8;
    }
    return 0;
}

/* One of up to 64 entries, one that is not zero when a few tries find one. */
static uint64_t entry_of(struct sketch *s, uint64_t at, uint64_t count, unsigned bytes)
{
    uint64_t place = 0;
    count = at_most(count, 64 * 1024);
    for (unsigned i = 0; i < 6 && at < s->len && count > 0; i++) {
        /* Mostly near the beginning, where small images have their entries. */
        uint64_t among = sketch_once_in(s, 4) ? count : at_most(count, 8);
        place = at + sketch_below(s, among) * bytes;
        if (sketch_get(s, place, 8) != 0)
            break;
    }
    return place;
}

uint64_t sketch_l1_entry(struct sketch *s)
{
    return entry_of(s, s->l1_at, s->l1_count, 8);
}

uint64_t sketch_l2_entry(struct sketch *s)
{
    uint64_t l1 = sketch_l1_entry(s);
    uint64_t l2 = l1 ? sketch_get(s, l1, 8) & QCOW2_OFFSET_MASK : 0;
    return l2 ? entry_of(s, l2, s->cs / s->entry_bytes, s->entry_bytes) : 0;
}

uint64_t sketch_rt_entry(struct sketch *s)
{
    return entry_of(s, s->rt_at, s->rt_count, 8);
}

uint64_t sketch_table(struct sketch *s)
{
    uint64_t at;
    switch (sketch_below(s, 9)) {
    case 0:
        return s->l1_at;
    case 1:
        return s->rt_at;
    case 2:
        at = sketch_l1_entry(s);
        return at ? sketch_get(s, at, 8) & QCOW2_OFFSET_MASK : s->cs;
    case 3:
    case 4:
        at = sketch_l2_entry(s);
        return at ? sketch_get(s, at, 8) & QCOW2_OFFSET_MASK : 2 * s->cs;
    case 5:
        at = sketch_rt_entry(s);
        return at ? sketch_get(s, at, 8) & QCOW2_OFFSET_MASK : 3 * s->cs;
    case 6:
        return s->bitmaps_at;
    case 7:
        return s->snapshots_at;
    default:
        return sketch_below(s, s->len / s->cs + 1) * s->cs;
    }
}
