/* Persistent bitmaps: bits and table where they are given, the directory at the end. */
#include <assert.h>
#include <inttypes.h>

#include "base/content.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "qcow2/writer_priv.h"

static int check_bitmap(const struct qcow2_writer *w, const char *name, unsigned granularity_bits,
                        uint64_t entries, struct qcow2_fault *f)
{
    size_t len = strlen(name);
    if (w->finished || w->failed)
        return writer_usage(w, f, "the writer has failed or finished before");
    if (w->options.version < 3)
        return writer_usage(w, f, "version 2 has no bitmaps");
    if (granularity_bits < BITMAP_GRANULARITY_MIN || granularity_bits > BITMAP_GRANULARITY_MAX)
        return writer_usage(w, f, "granularity bits must be 9 to 31");
    if (len == 0 || len > BITMAP_NAME_MAX)
        return writer_usage(w, f, "a bitmap's name must have 1 to 1023 bytes");
    if (entries > BITMAP_BYTES_MAX / w->cs || w->bitmap_count == BITMAPS_MAX)
        return writer_usage(w, f, "a bitmap of more than 512 MiB, or more than 65535 bitmaps");
    for (size_t i = 0; i < w->bitmap_count; i++)
        if (strcmp(w->bitmaps[i].name, name) == 0)
            return writer_usage(w, f, "two bitmaps have the same name");
    size_t header_len;
    AUTO(mem) void *header = writer_header(w, true, &header_len, f); /* does it fit? */
    return header ? 0 : -1;
}

static bool all_ones(const unsigned char *bits, size_t len)
{
    return bits[0] == 0xff && memcmp(bits, bits + 1, len - 1) == 0;
}

/* One cluster's worth of bits, of which the last byte counts only up to `mask`. Its table entry. */
static int write_bits(struct qcow2_writer *w, const unsigned char *bits, size_t len,
                      unsigned char mask, uint64_t *ret_entry, struct qcow2_fault *f)
{
    AUTO(mem) void *owner = mem_dup(bits, len);
    unsigned char *copy = owner;
    copy[len - 1] |= (unsigned char)~mask;
    *ret_entry = htobe64(BITMAP_ONES);
    if (all_ones(copy, len))
        return 0;
    copy[len - 1] &= mask;
    *ret_entry = 0;
    if (content_is_zero(copy, len))
        return 0;
    uint64_t host = writer_take(w, 1);
    *ret_entry = htobe64(host);
    return writer_write_part(w, host, copy, len, w->cs, f);
}

static void add_bitmap(struct qcow2_writer *w, const char *name, unsigned granularity_bits,
                       uint64_t table_offset, uint64_t entries)
{
    w->bitmaps = mem_grow(w->bitmaps, &w->bitmap_cap, w->bitmap_count + 1, sizeof(*w->bitmaps));
    w->bitmaps[w->bitmap_count++] = (struct writer_bitmap){
        .name = mem_strdup(name),
        .granularity_bits = granularity_bits,
        .table_offset = table_offset,
        .table_entries = (uint32_t)entries,
    };
}

int qcow2_writer_bitmap(struct qcow2_writer *w, const char *name, unsigned granularity_bits,
                        const void *bits, struct qcow2_fault *retfault)
{
    unsigned shift = granularity_bits < 63 ? granularity_bits : 63; /* judged below */
    uint64_t count = divide_up(w->options.virtual_size, UINT64_C(1) << shift);
    uint64_t bytes = divide_up(count, 8), entries = divide_up(bytes, w->cs);
    if (check_bitmap(w, name, granularity_bits, entries, retfault) < 0)
        return -1;
    AUTO(mem) void *owner = mem_zalloc(entries * 8);
    uint64_t *table = owner;
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t rest = bytes - i * w->cs;
        bool last = rest <= w->cs;
        unsigned char mask = last && count % 8 ? (unsigned char)((1u << count % 8) - 1) : 0xff;
        if (write_bits(w, (const unsigned char *)bits + i * w->cs, last ? rest : w->cs, mask,
                       &table[i], retfault) < 0)
            return -1;
    }
    uint64_t clusters = divide_up(entries * 8, w->cs);
    uint64_t offset = writer_take(w, clusters);
    add_bitmap(w, name, granularity_bits, offset, entries);
    return writer_write_part(w, offset, table, entries * 8, clusters * w->cs, retfault);
}

int writer_bitmap_directory(struct qcow2_writer *w, struct qcow2_fault *f)
{
    static const char zeros[8];
    if (w->bitmap_count == 0)
        return 0;
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < w->bitmap_count; i++) {
        const struct writer_bitmap *b = &w->bitmaps[i];
        unsigned char entry[BITMAP_ENTRY] = {0};
        size_t len = strlen(b->name);
        be64_put(entry, 0, b->table_offset);
        be32_put(entry, 8, b->table_entries);
        be32_put(entry, 12, BITMAP_AUTO);
        entry[16] = BITMAP_DIRTY;
        entry[17] = (unsigned char)b->granularity_bits;
        entry[18] = (unsigned char)(len >> 8);
        entry[19] = (unsigned char)len;
        strbuf_add(&out, entry, sizeof entry);
        strbuf_add(&out, b->name, len);
        strbuf_add(&out, zeros, (8 - len % 8) % 8);
    }
    if (out.len > BITMAP_DIRECTORY_MAX)
        return writer_usage(w, f, "the bitmap directory is larger than qemu reads");
    uint64_t clusters = divide_up(out.len, w->cs);
    w->bitmap_directory = writer_take(w, clusters);
    w->bitmap_directory_size = out.len;
    return writer_write_part(w, w->bitmap_directory, out.data, out.len, clusters * w->cs, f);
}
