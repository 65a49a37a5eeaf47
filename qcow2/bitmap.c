/* Persistent bitmaps: a directory of entries, each with a table of clusters, each with bits, lowest
 * first. A table entry without a cluster stands for a cluster of zeros or of ones. */
#include "qcow2/bitmap.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/image_priv.h"
#include "qcow2/table_priv.h"

enum entry_field {
    ENTRY_TABLE_OFFSET = 0,
    ENTRY_TABLE_SIZE = 8,
    ENTRY_FLAGS = 12,
    ENTRY_TYPE = 16,
    ENTRY_GRANULARITY = 17,
    ENTRY_NAME_LEN = 18,
    ENTRY_EXTRA_LEN = 20,
    ENTRY_NAME = QCOW2_BITMAP_DIRECTORY_ENTRY,
};

enum { TYPE_DIRTY = 1, GRANULARITY_MIN = 9, GRANULARITY_MAX = 31, WINDOW_ENTRIES = 512 };

#define NOTHING UINT64_MAX

struct qcow2_bitmaps {
    struct qcow2_image *image;
    struct qcow2_bitmap_info *items;
    size_t count;
    /* What was read last while looking for bits. */
    uint64_t window_at; /* where in the file; NOTHING */
    unsigned char window[WINDOW_ENTRIES * 8];
    uint64_t bits_at; /* the cluster; NOTHING */
    unsigned char *bits;
};

int qcow2_read_padded(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                      struct qcow2_fault *retfault)
{
    uint64_t have = offset < io->size ? io->size - offset : 0;
    if (have > len)
        have = len;
    memset((char *)buf + have, 0, len - have);
    return have == 0 ? 0 : qcow2_io_read(io, offset, buf, have, retfault);
}

/* ---- directory ---- */

static int refuse(const struct qcow2_bitmaps *b, struct qcow2_fault *f, uint64_t at,
                  const char *what, uint64_t found)
{
    return qcow2_fault_set(f, QCOW2_BITMAP, b->image->io->name, at, "%s: %" PRIu64, what, found);
}

/* Table entries for the bits of the whole disk, which are stored in words of 8 bytes. */
static uint64_t entries_needed(const struct qcow2_image *image, uint64_t granularity)
{
    uint64_t size = image->info.virtual_size / 512 * 512, cs = image_cluster_size(image);
    uint64_t granules = size / granularity + (size % granularity != 0);
    uint64_t bytes = (granules / 64 + (granules % 64 != 0)) * 8;
    return bytes / cs + (bytes % cs != 0);
}

/* What stands in an entry, held against the format; `at` is its place in the file. */
static int check_entry(const struct qcow2_bitmaps *b, const struct qcow2_bitmap_info *info,
                       const unsigned char *e, uint64_t at, struct qcow2_fault *f)
{
    const struct qcow2_image *image = b->image;
    unsigned granularity = e[ENTRY_GRANULARITY];
    uint64_t bytes = (uint64_t)info->table_entries << image->info.cluster_bits;
    if (info->table_entries == 0 || bytes > QCOW2_BITMAP_BYTES_MAX)
        return refuse(b, f, at, "a bitmap's table is empty or too large", info->table_entries);
    if (info->table_offset == 0 || info->table_offset % image_cluster_size(image) != 0)
        return refuse(b, f, at, "a bitmap's table is not aligned", info->table_offset);
    if (be32_at(e, ENTRY_FLAGS) & ~(QCOW2_BITMAP_IN_USE | QCOW2_BITMAP_AUTO))
        return refuse(b, f, at, "a bitmap has unknown flags", be32_at(e, ENTRY_FLAGS));
    if (e[ENTRY_TYPE] != TYPE_DIRTY)
        return refuse(b, f, at, "a bitmap has an unknown type", e[ENTRY_TYPE]);
    if (granularity < GRANULARITY_MIN || granularity > GRANULARITY_MAX)
        return refuse(b, f, at, "a bitmap's granularity must be 2^9 to 2^31, found 2^n with n",
                      granularity);
    if (info->name_len == 0 || info->name_len > QCOW2_BITMAP_NAME_MAX)
        return refuse(b, f, at, "a bitmap's name must have 1 to 1023 bytes", info->name_len);
    /* The specification wants no shorter table; qemu opens no longer one either. */
    if (!info->in_use && info->table_entries != entries_needed(image, info->granularity))
        return refuse(b, f, at, "a bitmap's table does not fit the disk, entries",
                      info->table_entries);
    return 0;
}

static int take_entry(struct qcow2_bitmaps *b, const unsigned char *e, uint64_t left, uint64_t at,
                      uint64_t *ret_len, struct qcow2_fault *f)
{
    if (left < QCOW2_BITMAP_DIRECTORY_ENTRY)
        return refuse(b, f, at, "the bitmap directory ends inside an entry, bytes left", left);
    if (b->count == b->image->info.bitmaps)
        return refuse(b, f, at, "the bitmap directory has more entries than are declared",
                      b->count);
    uint64_t name_len = be16_at(e, ENTRY_NAME_LEN);
    uint64_t len =
        (QCOW2_BITMAP_DIRECTORY_ENTRY + (uint64_t)be32_at(e, ENTRY_EXTRA_LEN) + name_len + 7) / 8 *
        8;
    if (len > left)
        return refuse(b, f, at, "a bitmap's entry leaves the directory, length", len);
    if (be32_at(e, ENTRY_EXTRA_LEN) != 0)
        return refuse(b, f, at, "a bitmap's extra data is not supported, length",
                      be32_at(e, ENTRY_EXTRA_LEN));
    uint32_t flags = be32_at(e, ENTRY_FLAGS);
    struct qcow2_bitmap_info info = {
        .name_len = name_len,
        .granularity = UINT64_C(1) << (e[ENTRY_GRANULARITY] & 63),
        .in_use = flags & QCOW2_BITMAP_IN_USE,
        .automatic = flags & QCOW2_BITMAP_AUTO,
        .table_offset = be64_at(e, ENTRY_TABLE_OFFSET),
        .table_entries = be32_at(e, ENTRY_TABLE_SIZE),
    };
    if (check_entry(b, &info, e, at, f) < 0)
        return -1;
    info.name = memcpy(mem_zalloc(name_len + 1), e + ENTRY_NAME, name_len);
    b->items[b->count++] = info;
    *ret_len = len;
    return 0;
}

static int take_directory(struct qcow2_bitmaps *b, const unsigned char *bytes, uint64_t len,
                          struct qcow2_fault *f)
{
    uint64_t base = b->image->info.bitmaps_offset;
    uint64_t entry_len = 0;
    for (uint64_t at = 0; at < len; at += entry_len)
        if (take_entry(b, bytes + at, len - at, base + at, &entry_len, f) < 0)
            return -1;
    if (b->count != b->image->info.bitmaps)
        return refuse(b, f, base, "the bitmap directory has fewer entries than are declared",
                      b->count);
    return 0;
}

static int order_names(const void *a, const void *b)
{
    const struct qcow2_bitmap_info *x = *(const struct qcow2_bitmap_info *const *)a;
    const struct qcow2_bitmap_info *y = *(const struct qcow2_bitmap_info *const *)b;
    size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
    int r = memcmp(x->name, y->name, len);
    return r ? r : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

static int order_tables(const void *a, const void *b)
{
    const struct qcow2_bitmap_info *x = *(const struct qcow2_bitmap_info *const *)a;
    const struct qcow2_bitmap_info *y = *(const struct qcow2_bitmap_info *const *)b;
    return (x->table_offset > y->table_offset) - (x->table_offset < y->table_offset);
}

typedef int (*order_fn)(const void *, const void *);

/* New: pointers to the items, sorted; to be freed. */
static const struct qcow2_bitmap_info **sorted(const struct qcow2_bitmaps *b, order_fn order)
{
    const struct qcow2_bitmap_info **list = mem_reallocarray(NULL, b->count + 1, sizeof *list);
    for (size_t i = 0; i < b->count; i++)
        list[i] = &b->items[i];
    qsort(list, b->count, sizeof *list, order);
    return list;
}

static int check_names(const struct qcow2_bitmaps *b, struct qcow2_fault *f)
{
    const struct qcow2_bitmap_info **list = sorted(b, order_names);
    char quoted[64];
    int r = 0;
    for (size_t i = 1; r == 0 && i < b->count; i++)
        if (order_names(&list[i - 1], &list[i]) == 0)
            r = qcow2_fault_set(
                f, QCOW2_BITMAP, b->image->io->name, b->image->info.bitmaps_offset,
                "two bitmaps have the name '%s'",
                qcow2_quote(quoted, sizeof quoted, list[i]->name, list[i]->name_len));
    free(list);
    return r;
}

struct qcow2_bitmaps *qcow2_bitmaps_directory(struct qcow2_image *image,
                                              struct qcow2_fault *retfault)
{
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *b = mem_zalloc(sizeof *b);
    b->image = image;
    b->window_at = b->bits_at = NOTHING;
    const struct qcow2_info *info = &image->info;
    /* Behind the end of the file are zeros, and an entry of zeros is a broken one: not much of that
     * is needed. */
    uint64_t flen = image->io->size, len = info->bitmaps_bytes;
    uint64_t have = info->bitmaps_offset < flen ? flen - info->bitmaps_offset : 0;
    if (len > have + image_cluster_size(image))
        len = have + image_cluster_size(image);
    /* Entries that the bytes at hand do not hold are not to be paid for. */
    size_t cap = len / QCOW2_BITMAP_DIRECTORY_ENTRY;
    b->items =
        mem_reallocarray(NULL, (cap < info->bitmaps ? cap : info->bitmaps) + 1, sizeof *b->items);
    AUTO(mem) void *bytes = mem_alloc(len + 1);
    if (qcow2_read_padded(image->io, info->bitmaps_offset, bytes, len, retfault) < 0)
        return NULL;
    if (take_directory(b, bytes, len, retfault) < 0 || check_names(b, retfault) < 0)
        return NULL;
    return TAKE(b);
}

/* ---- tables ---- */

/* A word of a table that lies inside the file, through the window. */
static int table_word(struct qcow2_bitmaps *b, const struct qcow2_bitmap_info *info, uint64_t index,
                      uint64_t *ret, struct qcow2_fault *f)
{
    uint64_t first = index / WINDOW_ENTRIES * WINDOW_ENTRIES;
    uint64_t at = info->table_offset + first * 8;
    if (b->window_at != at) {
        b->window_at = NOTHING;
        uint64_t n = info->table_entries - first;
        if (n > WINDOW_ENTRIES)
            n = WINDOW_ENTRIES;
        memset(b->window, 0, sizeof b->window);
        if (qcow2_io_read(b->image->io, at, b->window, n * 8, f) < 0)
            return -1;
        b->window_at = at;
    }
    *ret = be64_at(b->window, (index - first) * 8);
    uint64_t cs = image_cluster_size(b->image), flen = b->image->io->size;
    uint64_t offset = *ret & QCOW2_OFFSET_MASK;
    if (!qcow2_bitmap_entry_valid(*ret, cs) ||
        (offset && (offset < cs || flen < cs || offset > flen - cs)))
        return qcow2_fault_set(f, QCOW2_BITMAP, b->image->io->name, info->table_offset + index * 8,
                               "a bitmap's table entry has reserved bits or leads to no cluster of "
                               "the file: 0x%016" PRIx64,
                               *ret);
    return 0;
}

/* Tables inside the file and apart from each other: so all of them together are no more than the
 * file. */
static int check_tables(struct qcow2_bitmaps *b, struct qcow2_fault *f)
{
    const struct qcow2_bitmap_info **list = sorted(b, order_tables);
    uint64_t end = 0, flen = b->image->io->size, word;
    int r = 0;
    for (size_t i = 0; r == 0 && i < b->count; i++) {
        uint64_t bytes = (uint64_t)list[i]->table_entries * 8, at = list[i]->table_offset;
        if (bytes > flen || at > flen - bytes)
            r = refuse(b, f, b->image->info.bitmaps_offset,
                       "a bitmap's table lies outside the file", at);
        else if (at < end)
            r = refuse(b, f, b->image->info.bitmaps_offset, "two bitmaps share a table", at);
        for (uint64_t k = 0; r == 0 && k < list[i]->table_entries; k++)
            r = table_word(b, list[i], k, &word, f);
        end = at + bytes;
    }
    free(list);
    return r;
}

struct qcow2_bitmaps *qcow2_bitmaps_read(struct qcow2_image *image, struct qcow2_fault *retfault)
{
    if (image->info.bitmaps == 0 || !image->info.bitmaps_trusted) {
        struct qcow2_bitmaps *none = mem_zalloc(sizeof *none);
        none->image = image;
        return none;
    }
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *b = qcow2_bitmaps_directory(image, retfault);
    if (!b || check_tables(b, retfault) < 0)
        return NULL;
    return TAKE(b);
}

void qcow2_bitmaps_destroy(struct qcow2_bitmaps *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        free((char *)(uintptr_t)b->items[i].name);
    free(b->items);
    free(b->bits);
    free(b);
}

size_t qcow2_bitmaps_count(const struct qcow2_bitmaps *b)
{
    return b->count;
}

const struct qcow2_bitmap_info *qcow2_bitmaps_at(const struct qcow2_bitmaps *b, size_t index)
{
    assert(index < b->count);
    return &b->items[index];
}

/* ---- bits ---- */

static int load_bits(struct qcow2_bitmaps *b, uint64_t offset, struct qcow2_fault *f)
{
    if (b->bits_at == offset)
        return 0;
    uint64_t cs = image_cluster_size(b->image);
    if (!b->bits)
        b->bits = mem_alloc(cs);
    b->bits_at = NOTHING;
    if (qcow2_io_read(b->image->io, offset, b->bits, cs, f) < 0)
        return -1;
    b->bits_at = offset;
    return 0;
}

static bool bit_at(const unsigned char *bits, uint64_t index)
{
    return bits[index / 8] >> index % 8 & 1;
}

/* The first bit from `from` on that is `want`, below `end`; end when there is none. */
static uint64_t find_bit(const unsigned char *bits, uint64_t from, uint64_t end, bool want)
{
    unsigned char boring = want ? 0 : 0xff;
    uint64_t i = from;
    while (i < end) {
        if (i % 8 == 0 && bits[i / 8] == boring)
            i += 8;
        else if (bit_at(bits, i) == want)
            return i;
        else
            i++;
    }
    return end;
}

/* The first granule from *granule on that is dirty, or clean; `end` when there is none. */
static int find_granule(struct qcow2_bitmaps *b, const struct qcow2_bitmap_info *info,
                        uint64_t granule, uint64_t end, bool want, uint64_t *ret,
                        struct qcow2_fault *f)
{
    uint64_t per_cluster = image_cluster_size(b->image) * 8, word;
    while (granule < end) {
        uint64_t index = granule / per_cluster, first = index * per_cluster;
        /* A bitmap in use may be too short: nothing is known of the rest. */
        if (index >= info->table_entries) {
            *ret = want ? end : granule;
            return 0;
        }
        if (table_word(b, info, index, &word, f) < 0)
            return -1;
        uint64_t stop = end - first < per_cluster ? end - first : per_cluster, found = stop;
        if (!(word & QCOW2_OFFSET_MASK)) {
            if ((word & 1) == want)
                found = granule - first;
        } else {
            if (load_bits(b, word & QCOW2_OFFSET_MASK, f) < 0)
                return -1;
            found = find_bit(b->bits, granule - first, stop, want);
        }
        granule = first + found;
        if (found < stop)
            break;
    }
    *ret = granule < end ? granule : end;
    return 0;
}

int qcow2_bitmap_next(struct qcow2_bitmaps *b, size_t index, uint64_t *offset, uint64_t *ret_len,
                      struct qcow2_fault *retfault)
{
    assert(index < b->count);
    const struct qcow2_bitmap_info *info = &b->items[index];
    uint64_t size = b->image->info.virtual_size, g = info->granularity, start, stop;
    uint64_t end = size / g + (size % g != 0);
    if (*offset >= size) {
        *ret_len = 0;
        return 0;
    }
    if (find_granule(b, info, *offset / g, end, true, &start, retfault) < 0 ||
        find_granule(b, info, start, end, false, &stop, retfault) < 0)
        return -1;
    if (start == end) {
        *offset = size;
        *ret_len = 0;
        return 0;
    }
    if (start * g > *offset)
        *offset = start * g;
    *ret_len = (stop == end ? size : stop * g) - *offset;
    return 0;
}
