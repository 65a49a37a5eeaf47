/* Layout, as qemu-img creates it: header, refcount table, first refcount block, L1 table, then L2
 * tables, data and bitmaps in the order in which they are first needed, then further refcount
 * blocks. Clusters are handed out from the front and never given back, so refcounts are 1 and
 * COPIED is set everywhere, except where compressed clusters share one. */
#include "qcow2/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/format.h"
#include "qcow2/writer_priv.h"

/* A small image is one write: its window begins with the header. */
#define SMALL_TABLES (UINT64_C(64) << 10)

int writer_usage(const struct qcow2_writer *w, struct qcow2_fault *f, const char *what)
{
    return qcow2_fault_set(f, QCOW2_USAGE, w->sink->name, QCOW2_NO_OFFSET, "%s", what);
}

/* ---- creation ---- */

static const char *check_v2(const struct qcow2_writer_options *o)
{
    if (o->refcount_bits != 16)
        return "version 2 has 16 refcount bits";
    if (o->extended_l2)
        return "version 2 has no subclusters";
    if (o->compression == QCOW2_COMPRESSION_ZSTD)
        return "version 2 has no zstd";
    return NULL;
}

/* o: defaults filled in. What is wrong with them, NULL: nothing. */
static const char *check_options(const struct qcow2_writer_options *o)
{
    uint32_t cb = o->cluster_bits;
    if (o->virtual_size == 0 || o->virtual_size % 512 != 0)
        return "virtual size must be a multiple of 512 above zero";
    if (cb < QCOW2_CLUSTER_BITS_MIN || cb > QCOW2_CLUSTER_BITS_MAX)
        return "cluster bits must be 9 to 21";
    if (o->version != 2 && o->version != 3)
        return "version must be 2 or 3";
    if (o->refcount_bits & (o->refcount_bits - 1) || o->refcount_bits > 64)
        return "refcount bits must be a power of two up to 64";
    if (o->extended_l2 && cb < 14)
        return "subclusters need clusters of 16 KiB or more";
    if ((unsigned)o->compression > QCOW2_COMPRESSION_ZSTD)
        return "no such compression";
    if ((o->virtual_size - 1) >> (2 * cb - (o->extended_l2 ? 4 : 3)) >= QCOW2_L1_ENTRIES_MAX)
        return "virtual size needs too large an L1 table";
    if (o->backing_format && strlen(o->backing_format) > BACKING_FORMAT_MAX)
        return "a backing format has at most 15 bytes";
    return o->version == 2 ? check_v2(o) : NULL;
}

/* Room in the refcount table for a file in which every guest cluster has data. */
static uint64_t refcount_table_clusters(const struct qcow2_writer *w)
{
    uint64_t clusters = w->clusters + w->l1_count + divide_up((uint64_t)w->l1_count * 8, w->cs) + 2;
    uint64_t blocks = divide_up(clusters, w->per_block - 1) + 1;
    uint64_t table = divide_up(blocks * 8, w->cs);
    blocks += divide_up(table, w->per_block - 1);
    table = divide_up(blocks * 8, w->cs);
    uint64_t max = QCOW2_RT_BYTES_MAX / w->cs;
    return table < max ? table : max;
}

static void lay_out(struct qcow2_writer *w)
{
    const struct qcow2_writer_options *o = &w->options;
    w->cs = UINT64_C(1) << o->cluster_bits;
    w->clusters = divide_up(o->virtual_size, w->cs);
    w->entry_words = o->extended_l2 ? 2 : 1;
    w->per_l2 = w->cs / 8 / w->entry_words;
    w->refcount_order = (uint32_t)__builtin_ctz(o->refcount_bits);
    w->per_block = w->cs * 8 >> w->refcount_order;
    w->l1_count = (uint32_t)divide_up(w->clusters, w->per_l2);
    w->rt_clusters = refcount_table_clusters(w);
    w->rt_offset = w->cs;
    w->first_block = w->rt_offset + w->rt_clusters * w->cs;
    w->l1_offset = w->first_block + w->cs;
    w->end = w->l1_offset / w->cs + divide_up((uint64_t)w->l1_count * 8, w->cs);
    w->tables_end = w->end;
    w->l1 = mem_zalloc(w->l1_count * sizeof(*w->l1));
    w->l2 = mem_zalloc(w->l1_count * sizeof(*w->l2));
}

/* Fills in the defaults and makes the names ours. */
static void take_options(struct qcow2_writer *w, const struct qcow2_writer_options *options)
{
    struct qcow2_writer_options *o = &w->options;
    *o = *options;
    o->cluster_bits = o->cluster_bits ? o->cluster_bits : QCOW2_WRITER_CLUSTER_BITS;
    o->version = o->version ? o->version : 3;
    o->refcount_bits = o->refcount_bits ? o->refcount_bits : 16;
    w->backing_name = o->backing_name ? mem_strdup(o->backing_name) : NULL;
    w->backing_format = o->backing_format ? mem_strdup(o->backing_format) : NULL;
    o->backing_name = w->backing_name;
    o->backing_format = w->backing_format;
}

static int write_header(struct qcow2_writer *w, bool bitmaps, struct qcow2_fault *f)
{
    size_t len;
    AUTO(mem) void *header = writer_header(w, bitmaps, &len, f);
    return header ? writer_write(w, 0, header, len, f) : -1;
}

struct qcow2_writer *qcow2_writer_create_sink(struct qcow2_sink *sink,
                                              const struct qcow2_writer_options *options,
                                              struct qcow2_fault *retfault)
{
    AUTO(qcow2_writer) struct qcow2_writer *w = mem_zalloc(sizeof *w);
    w->sink = sink;
    take_options(w, options);
    const char *wrong = check_options(&w->options);
    if (!wrong && sink->sequential)
        wrong = "an image cannot be written to a pipe";
    if (wrong) {
        writer_usage(w, retfault, wrong);
        return NULL;
    }
    lay_out(w);
    size_t len;
    AUTO(mem) void *header = writer_header(w, false, &len, retfault);
    if (!header)
        return NULL;
    if (w->tables_end * w->cs <= SMALL_TABLES)
        writer_window_open(w, w->tables_end * w->cs);
    return TAKE(w);
}

struct qcow2_writer *qcow2_writer_create(const char *path,
                                         const struct qcow2_writer_options *options, unsigned flags,
                                         struct qcow2_fault *retfault)
{
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_file(path, flags, retfault);
    if (!sink)
        return NULL;
    struct qcow2_writer *w = qcow2_writer_create_sink(sink, options, retfault);
    if (w)
        w->own_sink = TAKE(sink);
    return w;
}

void qcow2_writer_destroy(struct qcow2_writer *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; w->l2 && i < w->l1_count; i++)
        free(w->l2[i]);
    for (size_t i = 0; i < w->bitmap_count; i++)
        free(w->bitmaps[i].name);
    free(w->bitmaps);
    free(w->l2);
    free(w->l1);
    free(w->counts);
    free(w->window.bytes);
    free(w->padded);
    free(w->backing_name);
    free(w->backing_format);
    writer_compressor_destroy(w->compressor);
    qcow2_sink_destroy(w->own_sink);
    free(w);
}

uint64_t qcow2_writer_cluster_size(const struct qcow2_writer *w)
{
    return w->cs;
}

uint64_t qcow2_writer_clusters(const struct qcow2_writer *w)
{
    return w->clusters;
}

/* ---- clusters ---- */

/* data, or a copy of it that fills a cluster. */
static const void *whole_cluster(struct qcow2_writer *w, const void *data, size_t len)
{
    assert(len <= w->cs);
    if (len == w->cs)
        return data;
    if (!w->padded)
        w->padded = mem_alloc(w->cs);
    memcpy(w->padded, data, len);
    memset(w->padded + len, 0, w->cs - len);
    return w->padded;
}

/* Entries of `count` clusters that lie in a row from host on (0: nowhere, so all of them zero). */
static void fill_entries(const struct qcow2_writer *w, uint64_t *words, uint64_t host,
                         uint64_t count)
{
    for (uint64_t i = 0; i < count; i++, words += w->entry_words) {
        words[0] = htobe64(host ? (host + i * w->cs) | QCOW2_COPIED : QCOW2_ZERO);
        if (!w->options.extended_l2)
            continue;
        words[0] = host ? words[0] : 0;
        words[1] = htobe64(host ? UINT64_C(0x00000000ffffffff) : UINT64_C(0xffffffff00000000));
    }
}

static int store(struct qcow2_writer *w, uint64_t *words, uint64_t count, const void *data,
                 struct qcow2_fault *f)
{
    uint64_t host = writer_take(w, count);
    fill_entries(w, words, host, count);
    return writer_write(w, host, data, count * w->cs, f);
}

int qcow2_writer_put_run(struct qcow2_writer *w, uint64_t guest_cluster, uint64_t count,
                         const void *data, struct qcow2_fault *retfault)
{
    const unsigned char *from = data;
    while (count > 0) {
        uint64_t n = count, *words;
        if (writer_entries(w, guest_cluster, &n, &words, retfault) < 0)
            return -1;
        if (store(w, words, n, from, retfault) < 0)
            return -1;
        guest_cluster += n;
        count -= n;
        from += n * w->cs;
    }
    return 0;
}

int qcow2_writer_put(struct qcow2_writer *w, uint64_t guest_cluster, const void *data, size_t len,
                     struct qcow2_fault *retfault)
{
    return qcow2_writer_put_run(w, guest_cluster, 1, whole_cluster(w, data, len), retfault);
}

int qcow2_writer_put_compressed(struct qcow2_writer *w, uint64_t guest_cluster, const void *data,
                                size_t len, struct qcow2_fault *retfault)
{
    if (w->options.compression == QCOW2_COMPRESSION_NONE)
        return writer_usage(w, retfault, "the image has no compression");
    uint64_t one = 1, *words;
    const void *whole = whole_cluster(w, data, len), *bytes;
    size_t bytes_len;
    if (writer_entries(w, guest_cluster, &one, &words, retfault) < 0)
        return -1;
    w->failed = writer_compress(w, whole, &bytes, &bytes_len, retfault) < 0;
    if (w->failed)
        return -1;
    if (!bytes)
        return store(w, words, 1, whole, retfault);
    w->failed = writer_pack(w, bytes, bytes_len, words, retfault) < 0;
    return w->failed ? -1 : 0;
}

/* Writes the subclusters of mask, neighbours together. */
static int write_subclusters(struct qcow2_writer *w, uint64_t host, const unsigned char *data,
                             uint32_t mask, struct qcow2_fault *f)
{
    uint64_t size = w->cs / QCOW2_SUBCLUSTERS;
    for (unsigned i = 0; i < QCOW2_SUBCLUSTERS;) {
        unsigned n = 0;
        while (i + n < QCOW2_SUBCLUSTERS && mask >> (i + n) & 1)
            n++;
        if (n > 0 && writer_write(w, host + i * size, data + i * size, n * size, f) < 0)
            return -1;
        i += n + 1;
    }
    return 0;
}

int qcow2_writer_put_subclusters(struct qcow2_writer *w, uint64_t guest_cluster, const void *data,
                                 uint32_t data_mask, uint32_t zero_mask,
                                 struct qcow2_fault *retfault)
{
    if (!w->options.extended_l2)
        return writer_usage(w, retfault, "the image has no subclusters");
    if (data_mask & zero_mask || !(data_mask | zero_mask))
        return writer_usage(w, retfault, "a subcluster must be data or zero, and one must be");
    uint64_t one = 1, *words;
    if (writer_entries(w, guest_cluster, &one, &words, retfault) < 0)
        return -1;
    words[1] = htobe64((uint64_t)zero_mask << 32 | data_mask);
    if (!data_mask)
        return 0;
    uint64_t host = writer_take(w, 1);
    words[0] = htobe64(host | QCOW2_COPIED);
    return write_subclusters(w, host, data, data_mask, retfault);
}

int qcow2_writer_zero_run(struct qcow2_writer *w, uint64_t guest_cluster, uint64_t count,
                          struct qcow2_fault *retfault)
{
    if (w->options.version < 3)
        return writer_usage(w, retfault, "version 2 has no zero clusters");
    while (count > 0) {
        uint64_t n = count, *words;
        if (writer_entries(w, guest_cluster, &n, &words, retfault) < 0)
            return -1;
        fill_entries(w, words, 0, n);
        guest_cluster += n;
        count -= n;
    }
    return 0;
}

int qcow2_writer_zero(struct qcow2_writer *w, uint64_t guest_cluster, struct qcow2_fault *retfault)
{
    return qcow2_writer_zero_run(w, guest_cluster, 1, retfault);
}

int qcow2_writer_finish(struct qcow2_writer *w, uint64_t *ret_size, struct qcow2_fault *retfault)
{
    assert(!w->finished);
    if (w->failed)
        return writer_usage(w, retfault, "the writer has failed before");
    if (writer_bitmap_directory(w, retfault) < 0 || writer_tables(w, retfault) < 0 ||
        writer_refcounts(w, retfault) < 0 || write_header(w, w->bitmap_count > 0, retfault) < 0 ||
        writer_flush(w, retfault) < 0)
        return -1;
    w->finished = true;
    /* As with qemu, an image whose last structure is the L1 table ends with its last entry. */
    uint64_t size =
        w->end == w->tables_end ? w->l1_offset + (uint64_t)w->l1_count * 8 : w->end * w->cs;
    if (w->sink->ops->commit(w->sink, size, retfault) < 0)
        return -1;
    if (ret_size)
        *ret_size = size;
    return 0;
}
