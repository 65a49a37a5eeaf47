#include "tests/unit/qcow2/parts.h"

#include <check.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/format.h"

static unsigned cluster_bits(const struct bytes *b)
{
    return be32_at(b->data, HDR_CLUSTER_BITS);
}

uint64_t parts_cluster_size(const struct bytes *b)
{
    return UINT64_C(1) << cluster_bits(b);
}

/* ---- refcounts ---- */

static unsigned refcount_order(const struct bytes *b)
{
    return be32_at(b->data, HDR_VERSION) < 3 ? 4 : be32_at(b->data, HDR_REFCOUNT_ORDER);
}

/* The bits of one refcount: the number of the first in its block, counted as bytes in file order
 * with the lowest bit of each first. */
static unsigned char *block_of(const struct bytes *b, uint64_t offset, uint64_t *ret_index)
{
    uint64_t cluster = offset >> cluster_bits(b);
    uint64_t per_block = parts_cluster_size(b) * 8 >> refcount_order(b);
    uint64_t rt = be64_at(b->data, HDR_RT_OFFSET);
    uint64_t block = be64_at(b->data, rt + cluster / per_block * 8);
    ck_assert_uint_ne(block, 0);
    *ret_index = cluster % per_block;
    return b->data + block;
}

uint64_t parts_refcount(const struct bytes *b, uint64_t offset)
{
    uint64_t index, value = 0;
    const unsigned char *block = block_of(b, offset, &index);
    unsigned width = 1u << refcount_order(b);
    if (width < 8)
        return block[index * width / 8] >> (index * width % 8) & ((1u << width) - 1);
    for (unsigned i = 0; i < width / 8; i++)
        value = value << 8 | block[index * (width / 8) + i];
    return value;
}

void parts_set_refcount(struct bytes *b, uint64_t offset, uint64_t value)
{
    uint64_t index;
    unsigned char *block = block_of(b, offset, &index);
    unsigned width = 1u << refcount_order(b);
    if (width < 8) {
        unsigned shift = index * width % 8, mask = ((1u << width) - 1) << shift;
        unsigned char *byte = &block[index * width / 8];
        *byte = (unsigned char)((*byte & ~mask) | (value << shift & mask));
        return;
    }
    for (unsigned i = width / 8; i-- > 0; value >>= 8)
        block[index * (width / 8) + i] = (unsigned char)value;
}

uint64_t parts_append(struct bytes *b, uint64_t clusters)
{
    uint64_t cs = parts_cluster_size(b);
    uint64_t at = (b->len + cs - 1) / cs * cs, end = at + clusters * cs;
    b->data = mem_realloc(b->data, end);
    memset(b->data + b->len, 0, end - b->len);
    b->len = end;
    for (uint64_t i = 0; i < clusters; i++)
        parts_set_refcount(b, at + i * cs, 1);
    return at;
}

/* ---- extensions ---- */

uint64_t parts_extension(struct bytes *b, uint32_t type, const void *data, uint32_t len)
{
    bool v3 = be32_at(b->data, HDR_VERSION) == 3;
    uint64_t at = v3 ? be32_at(b->data, HDR_LENGTH) : QCOW2_V2_HEADER;
    while (be32_at(b->data, at) != QCOW2_EXT_END)
        at += 8 + (be32_at(b->data, at + 4) + 7) / 8 * 8;
    be32_put(b->data, at, type);
    be32_put(b->data, at + 4, len);
    memcpy(b->data + at + 8, data, len);
    memset(b->data + at + 8 + (len + 7) / 8 * 8, 0, 8);
    return at + 8;
}

/* ---- snapshots ---- */

/* A cluster with one more reference is no longer the active disk's own. */
static void share(struct bytes *b, uint64_t entry_at)
{
    uint64_t entry = be64_at(b->data, entry_at), offset = entry & QCOW2_OFFSET_MASK;
    if (offset == 0 || entry & QCOW2_COMPRESSED)
        return;
    be64_put(b->data, entry_at, entry & ~QCOW2_COPIED);
    parts_set_refcount(b, offset, parts_refcount(b, offset) + 1);
}

static void share_all(struct bytes *b)
{
    uint64_t l1 = be64_at(b->data, HDR_L1_OFFSET), cs = parts_cluster_size(b);
    for (uint64_t i = 0; i < be32_at(b->data, HDR_L1_SIZE); i++) {
        uint64_t l2 = be64_at(b->data, l1 + i * 8) & QCOW2_OFFSET_MASK;
        share(b, l1 + i * 8);
        for (uint64_t k = 0; l2 && k < cs / 8; k++)
            share(b, l2 + k * 8);
    }
}

enum { SNAPSHOT_BYTES = QCOW2_SNAPSHOT_ENTRY + 16 + 8 };

static void put_snapshot(struct bytes *b, uint64_t at, uint64_t l1, uint32_t entries, unsigned id)
{
    unsigned char *e = b->data + at;
    be64_put(e, 0, l1);
    be32_put(e, 8, entries);
    e[13] = 1; /* id: one letter */
    e[15] = 4; /* name: four */
    be32_put(e, 16, 1700000000 + id);
    be32_put(e, 36, 16);
    be64_put(e, QCOW2_SNAPSHOT_ENTRY + 8, be64_at(b->data, HDR_SIZE));
    e[QCOW2_SNAPSHOT_ENTRY + 16] = (unsigned char)('1' + id);
    memcpy(e + QCOW2_SNAPSHOT_ENTRY + 17, "name", 4);
}

void parts_snapshots(struct bytes *b, unsigned count)
{
    uint32_t entries = be32_at(b->data, HDR_L1_SIZE);
    uint64_t cs = parts_cluster_size(b), l1_clusters = (entries * UINT64_C(8) + cs - 1) / cs;
    uint64_t table = parts_append(b, (count * (uint64_t)SNAPSHOT_BYTES + cs - 1) / cs);
    for (unsigned i = 0; i < count; i++) {
        share_all(b);
        uint64_t l1 = parts_append(b, l1_clusters);
        put_snapshot(b, table + i * (uint64_t)SNAPSHOT_BYTES, l1, entries, i);
    }
    /* Now that no flag is left, the copies. */
    for (unsigned i = 0; i < count; i++)
        memcpy(b->data + be64_at(b->data, table + i * (uint64_t)SNAPSHOT_BYTES),
               b->data + be64_at(b->data, HDR_L1_OFFSET), entries * 8);
    be32_put(b->data, HDR_SNAPSHOTS, count);
    be64_put(b->data, HDR_SNAPSHOTS_OFFSET, table);
}

/* ---- bitmaps ---- */

/* A table entry for one cluster of bits. */
static uint64_t put_bits(struct bytes *b, const unsigned char *bits, size_t len)
{
    uint64_t cs = parts_cluster_size(b);
    AUTO(mem) void *cluster = mem_zalloc(cs);
    AUTO(mem) void *ones = mem_alloc(cs);
    AUTO(mem) void *zeros = mem_zalloc(cs);
    memset(ones, 0xff, cs);
    memcpy(cluster, bits, len < cs ? len : cs);
    if (memcmp(cluster, zeros, cs) == 0)
        return 0;
    if (memcmp(cluster, ones, cs) == 0)
        return 1;
    uint64_t at = parts_append(b, 1);
    memcpy(b->data + at, cluster, cs);
    return at;
}

static uint64_t put_table(struct bytes *b, const struct parts_bitmap *m, uint32_t *ret_entries)
{
    uint64_t cs = parts_cluster_size(b), size = be64_at(b->data, HDR_SIZE);
    uint64_t granules = ((size - 1) >> m->granularity_bits) + 1;
    uint64_t bytes = (granules + 63) / 64 * 8;
    uint64_t table = parts_append(b, 1);
    *ret_entries = (uint32_t)((bytes + cs - 1) / cs);
    ck_assert_uint_le(*ret_entries * UINT64_C(8), cs);
    for (uint64_t i = 0; i < *ret_entries && i * cs < m->len; i++) {
        uint64_t entry = put_bits(b, m->bits + i * cs, m->len - i * cs);
        be64_put(b->data, table + i * 8, entry);
    }
    return table;
}

uint64_t parts_bitmaps(struct bytes *b, const struct parts_bitmap *list, size_t count)
{
    uint64_t directory = parts_append(b, 1), at = directory;
    for (size_t i = 0; i < count; i++) {
        uint32_t entries;
        uint64_t table = put_table(b, &list[i], &entries);
        size_t name_len = strlen(list[i].name);
        unsigned char *e = b->data + at;
        be64_put(e, 0, table);
        be32_put(e, 8, entries);
        be32_put(e, 12, list[i].flags);
        e[16] = 1;
        e[17] = (unsigned char)list[i].granularity_bits;
        e[18] = (unsigned char)(name_len >> 8);
        e[19] = (unsigned char)name_len;
        memcpy(e + QCOW2_BITMAP_DIRECTORY_ENTRY, list[i].name, name_len);
        at += (QCOW2_BITMAP_DIRECTORY_ENTRY + name_len + 7) / 8 * 8;
    }
    unsigned char ext[24] = {0};
    be32_put(ext, 0, (uint32_t)count);
    be64_put(ext, 8, at - directory);
    be64_put(ext, 16, directory);
    parts_extension(b, QCOW2_EXT_BITMAPS, ext, sizeof ext);
    be64_put(b->data, HDR_AUTOCLEAR, be64_at(b->data, HDR_AUTOCLEAR) | QCOW2_AUTOCLEAR_BITMAPS);
    return directory;
}
