/* L1, L2 and refcounts of an image that is being written. */
#include <inttypes.h>

#include "base/mem.h"
#include "qcow2/writer_priv.h"

/* ---- L1 and L2 ---- */

/* Writes a table, NULL: none, and forgets it. */
static int write_l2(struct qcow2_writer *w, struct writer_l2 **slot, struct qcow2_fault *f)
{
    AUTO(mem) void *owner = TAKE(*slot);
    const struct writer_l2 *t = owner;
    return t ? writer_write_part(w, t->host, t->words, t->used * 8, w->cs, f) : 0;
}

static struct writer_l2 *table_of(struct qcow2_writer *w, uint64_t index)
{
    struct writer_l2 *t = w->l2[index];
    if (!t) {
        t = mem_zalloc(sizeof *t + w->cs);
        t->host = writer_take(w, 1);
        w->l2[index] = t;
        w->l1[index] = htobe64(t->host | QCOW2_COPIED);
    }
    return t;
}

int writer_entries(struct qcow2_writer *w, uint64_t guest, uint64_t *count, uint64_t **ret_words,
                   struct qcow2_fault *f)
{
    if (w->finished || w->failed)
        return writer_usage(w, f, "the writer has failed or finished before");
    if (guest >= w->clusters || *count > w->clusters - guest)
        return qcow2_fault_set(f, QCOW2_USAGE, w->sink->name, QCOW2_NO_OFFSET,
                               "guest cluster %" PRIu64 " is past the last one, %" PRIu64,
                               guest + *count - 1, w->clusters - 1);
    uint64_t table = guest / w->per_l2, first = guest % w->per_l2;
    /* While it is likely to be in the window. */
    if (w->full && write_l2(w, w->full, f) < 0)
        return -1;
    w->full = NULL;
    if (table < w->l1_done || (w->l1[table] && !w->l2[table]))
        return qcow2_fault_set(f, QCOW2_USAGE, w->sink->name, QCOW2_NO_OFFSET,
                               "guest cluster %" PRIu64 " is written twice, or was declared done",
                               guest);
    uint64_t n = *count < w->per_l2 - first ? *count : w->per_l2 - first;
    struct writer_l2 *t = table_of(w, table);
    uint64_t *words = t->words + first * w->entry_words, end = first * w->entry_words;
    for (uint64_t i = 0; i < n * w->entry_words && end + i < t->used; i++)
        if (words[i])
            return qcow2_fault_set(f, QCOW2_USAGE, w->sink->name, QCOW2_NO_OFFSET,
                                   "guest cluster %" PRIu64 " is written twice",
                                   guest + i / w->entry_words);
    end += n * w->entry_words;
    t->used = end > t->used ? end : t->used;
    t->filled += n;
    w->full = t->filled == w->per_l2 ? &w->l2[table] : NULL;
    *count = n;
    *ret_words = words;
    return 0;
}

static int tables_done(struct qcow2_writer *w, uint32_t end, struct qcow2_fault *f)
{
    w->full = NULL;
    for (; w->l1_done < end; w->l1_done++)
        if (write_l2(w, &w->l2[w->l1_done], f) < 0)
            return -1;
    return 0;
}

int qcow2_writer_done_below(struct qcow2_writer *w, uint64_t guest_cluster,
                            struct qcow2_fault *retfault)
{
    uint64_t tables = guest_cluster / w->per_l2;
    return tables_done(w, tables < w->l1_count ? (uint32_t)tables : w->l1_count, retfault);
}

int writer_tables(struct qcow2_writer *w, struct qcow2_fault *f)
{
    if (tables_done(w, w->l1_count, f) < 0)
        return -1;
    return writer_write(w, w->l1_offset, w->l1, (size_t)w->l1_count * 8, f);
}

/* ---- refcounts ---- */

static struct writer_count *add_count(struct qcow2_writer *w, uint64_t host, uint64_t count)
{
    w->counts = mem_grow(w->counts, &w->count_cap, w->count_count + 1, sizeof(*w->counts));
    w->counts[w->count_count] = (struct writer_count){host, count};
    return &w->counts[w->count_count++];
}

void writer_refer_again(struct qcow2_writer *w, uint64_t host)
{
    struct writer_count *last = w->count_count ? &w->counts[w->count_count - 1] : NULL;
    if (!last || last->host != host)
        last = add_count(w, host, 1);
    last->count++;
}

/* Entry i of a refcount block, which is zero or 1 now. */
static void set_refcount(unsigned char *block, uint64_t i, uint32_t order, uint64_t count)
{
    if (order < 3) {
        unsigned shift = (unsigned)(i << order) % 8, mask = (1u << (1u << order)) - 1;
        unsigned char *byte = &block[i >> (3 - order)];
        *byte = (unsigned char)((*byte & ~(mask << shift)) | ((unsigned)count & mask) << shift);
        return;
    }
    size_t width = (size_t)1 << (order - 3);
    unsigned char *last = block + (i + 1) * width - 1;
    for (size_t k = 0; k < width; k++, count >>= 8)
        *(last - k) = (unsigned char)count;
}

/* Where the blocks and the table lie: extra blocks in a row at the end; behind them the table, when
 * it has outgrown its first place. Both count themselves. */
static int place_refcounts(struct qcow2_writer *w, uint64_t *ret_blocks, uint64_t *ret_extra,
                           struct qcow2_fault *f)
{
    uint64_t first = w->end, blocks = 1, moved = 0;
    for (bool grown = true; grown;) {
        uint64_t need = divide_up(first + blocks - 1 + moved, w->per_block);
        uint64_t table = divide_up(need * 8, w->cs);
        grown = need > blocks || table > (moved ? moved : w->rt_clusters);
        moved = table > (moved ? moved : w->rt_clusters) ? table : moved;
        blocks = need > blocks ? need : blocks;
    }
    *ret_blocks = blocks;
    *ret_extra = writer_take(w, blocks - 1);
    if (moved) {
        for (uint64_t i = 0; i < w->rt_clusters; i++)
            add_count(w, w->rt_offset / w->cs + i, 0);
        w->rt_clusters = moved;
        w->rt_offset = writer_take(w, moved);
    }
    if (w->rt_clusters * w->cs > QCOW2_RT_BYTES_MAX)
        return qcow2_fault_set(f, QCOW2_LIMIT, w->sink->name, QCOW2_NO_OFFSET,
                               "the file needs more refcount blocks than the table of 8 MiB holds");
    return 0;
}

static int by_host(const void *a, const void *b)
{
    const struct writer_count *x = a, *y = b;
    return x->host < y->host ? -1 : x->host > y->host;
}

/* block: all entries 1. *at: the first of w->counts that is not behind this block. */
static int write_block(struct qcow2_writer *w, uint64_t index, uint64_t offset,
                       const unsigned char *ones, size_t *at, struct qcow2_fault *f)
{
    uint64_t first = index * w->per_block;
    uint64_t used = w->end - first < w->per_block ? w->end - first : w->per_block;
    bool odd = *at < w->count_count && w->counts[*at].host - first < w->per_block;
    size_t bytes = divide_up(used << w->refcount_order, 8);
    if (used == w->per_block && !odd)
        return writer_write(w, offset, ones, bytes, f);
    AUTO(mem) void *owner = mem_dup(ones, bytes);
    unsigned char *block = owner;
    for (uint64_t i = used; i << w->refcount_order < bytes * 8; i++)
        set_refcount(block, i, w->refcount_order, 0);
    for (; *at < w->count_count && w->counts[*at].host - first < w->per_block; ++*at)
        set_refcount(block, w->counts[*at].host - first, w->refcount_order, w->counts[*at].count);
    return writer_write_part(w, offset, block, bytes, w->cs, f);
}

int writer_refcounts(struct qcow2_writer *w, struct qcow2_fault *f)
{
    uint64_t blocks, extra;
    if (place_refcounts(w, &blocks, &extra, f) < 0)
        return -1;
    if (w->count_count)
        qsort(w->counts, w->count_count, sizeof(*w->counts), by_host);
    AUTO(mem) void *table = mem_zalloc(blocks * 8);
    AUTO(mem) void *ones = mem_zalloc(w->cs);
    for (uint64_t i = 0; i < w->per_block && i < w->end; i++)
        set_refcount(ones, i, w->refcount_order, 1);
    size_t at = 0;
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t offset = i == 0 ? w->first_block : extra + (i - 1) * w->cs;
        be64_put(table, i * 8, offset);
        if (write_block(w, i, offset, ones, &at, f) < 0)
            return -1;
    }
    return writer_write_part(w, w->rt_offset, table, blocks * 8, w->rt_clusters * w->cs, f);
}
