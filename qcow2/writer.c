/* Layout, as qemu-img creates it: header, refcount table, first refcount block, L1 table, then L2
 * tables and data in the order in which they are first needed, then further refcount blocks.
 * Clusters are handed out from the front and never given back, so every refcount up to the end is 1
 * and COPIED is set everywhere. */
#include "qcow2/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "qcow2/format.h"

struct l2_table {
    uint64_t host;    /* 0: not there */
    uint32_t entries; /* written up to here; the rest of the cluster stays a hole */
    uint64_t *words;  /* big-endian */
};

struct qcow2_writer {
    struct qcow2_sink *sink, *own_sink;
    struct qcow2_writer_options options; /* names are not used after create */
    unsigned char *header;
    size_t header_len;
    uint64_t cs, clusters; /* cluster size; guest clusters */
    uint64_t per_l2, per_block;
    uint64_t rt_clusters, rt_offset, first_block, l1_offset;
    uint32_t l1_count;
    struct l2_table *l2;
    uint64_t end;          /* host clusters handed out */
    unsigned char *padded; /* one cluster, for short data */
    bool finished;
};

/* ---- the header cluster ---- */

static const struct {
    unsigned char set, bit;
    const char *name;
} feature_names[] = {
    {0, 0, "dirty bit"},        {0, 1, "corrupt bit"},         {0, 2, "external data file"},
    {0, 3, "compression type"}, {0, 4, "extended L2 entries"}, {1, 0, "lazy refcounts"},
    {2, 0, "bitmaps"},          {2, 1, "raw external data"},
};

static void add_extension(struct strbuf *out, uint32_t type, const void *data, size_t len)
{
    static const char zeros[8];
    unsigned char head[8];
    be32_put(head, 0, type);
    be32_put(head, 4, (uint32_t)len);
    strbuf_add(out, head, sizeof head);
    strbuf_add(out, data, len);
    strbuf_add(out, zeros, (8 - len % 8) % 8);
}

static void add_feature_table(struct strbuf *out)
{
    unsigned char table[ARRAY_LEN(feature_names) * QCOW2_FEATURE_ENTRY] = {0};
    for (size_t i = 0; i < ARRAY_LEN(feature_names); i++) {
        unsigned char *entry = table + i * QCOW2_FEATURE_ENTRY;
        entry[0] = feature_names[i].set;
        entry[1] = feature_names[i].bit;
        memcpy(entry + 2, feature_names[i].name, strlen(feature_names[i].name));
    }
    add_extension(out, QCOW2_EXT_FEATURES, table, sizeof table);
}

static uint32_t refcount_order(const struct qcow2_writer_options *o)
{
    return o->refcount_bits ? (uint32_t)__builtin_ctz(o->refcount_bits) : 4;
}

static uint32_t cluster_bits(const struct qcow2_writer_options *o)
{
    return o->cluster_bits ? o->cluster_bits : QCOW2_WRITER_CLUSTER_BITS;
}

static uint32_t version(const struct qcow2_writer_options *o)
{
    return o->version ? o->version : 3;
}

unsigned char *qcow2_writer_header(const struct qcow2_writer_options *options, size_t *ret_len,
                                   struct qcow2_fault *retfault)
{
    uint32_t cb = cluster_bits(options);
    bool v3 = version(options) == 3;
    unsigned char fixed[QCOW2_V3_HEADER] = {0};
    be32_put(fixed, HDR_MAGIC, QCOW2_MAGIC_NUMBER);
    be32_put(fixed, HDR_VERSION, version(options));
    be32_put(fixed, HDR_CLUSTER_BITS, cb);
    be64_put(fixed, HDR_SIZE, options->virtual_size);
    if (v3) {
        be32_put(fixed, HDR_REFCOUNT_ORDER, refcount_order(options));
        be32_put(fixed, HDR_LENGTH, QCOW2_V3_HEADER);
    }
    AUTO(strbuf) struct strbuf out = {0};
    strbuf_add(&out, fixed, v3 ? QCOW2_V3_HEADER : QCOW2_V2_HEADER);
    if (options->backing_format)
        add_extension(&out, QCOW2_EXT_BACKING_FORMAT, options->backing_format,
                      strlen(options->backing_format));
    if (v3 && cb > 12) /* qemu leaves the table out of small clusters */
        add_feature_table(&out);
    add_extension(&out, QCOW2_EXT_END, "", 0);
    if (options->backing_name) {
        size_t len = strlen(options->backing_name);
        if (len == 0 || len > QCOW2_BACKING_NAME_MAX || len + out.len > (UINT64_C(1) << cb)) {
            qcow2_fault_set(retfault, QCOW2_BACKING_NAME, "header", HDR_BACKING_SIZE,
                            "a backing file name of %zu bytes does not fit", len);
            return NULL;
        }
        be64_put(out.data, HDR_BACKING_OFFSET, out.len);
        be32_put(out.data, HDR_BACKING_SIZE, (uint32_t)len);
        strbuf_addstr(&out, options->backing_name);
    }
    *ret_len = out.len;
    return (unsigned char *)strbuf_take(&out);
}

/* ---- creation ---- */

static int check_options(const struct qcow2_writer_options *o, const char *name,
                         struct qcow2_fault *f)
{
    uint32_t cb = cluster_bits(o);
    const char *wrong = NULL;
    if (o->virtual_size == 0 || o->virtual_size % 512 != 0)
        wrong = "virtual size must be a multiple of 512 above zero";
    else if (cb < QCOW2_CLUSTER_BITS_MIN || cb > QCOW2_CLUSTER_BITS_MAX)
        wrong = "cluster bits must be 9 to 21";
    else if (version(o) != 2 && version(o) != 3)
        wrong = "version must be 2 or 3";
    else if (o->refcount_bits & (o->refcount_bits - 1) || o->refcount_bits > 64)
        wrong = "refcount bits must be a power of two up to 64";
    else if (version(o) == 2 && refcount_order(o) != 4)
        wrong = "version 2 has 16 refcount bits";
    else if ((o->virtual_size - 1) / (UINT64_C(1) << (2 * cb - 3)) >= QCOW2_L1_ENTRIES_MAX)
        wrong = "virtual size needs too large an L1 table";
    if (wrong)
        return qcow2_fault_set(f, QCOW2_USAGE, name, QCOW2_NO_OFFSET, "%s", wrong);
    return 0;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
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
    w->cs = UINT64_C(1) << cluster_bits(o);
    w->clusters = divide_up(o->virtual_size, w->cs);
    w->per_l2 = w->cs / 8;
    w->per_block = w->cs * 8 >> refcount_order(o);
    w->l1_count = (uint32_t)divide_up(w->clusters, w->per_l2);
    w->rt_clusters = refcount_table_clusters(w);
    w->rt_offset = w->cs;
    w->first_block = w->rt_offset + w->rt_clusters * w->cs;
    w->l1_offset = w->first_block + w->cs;
    w->end = w->l1_offset / w->cs + divide_up((uint64_t)w->l1_count * 8, w->cs);
    w->l2 = mem_zalloc(w->l1_count * sizeof(*w->l2));
}

struct qcow2_writer *qcow2_writer_create_sink(struct qcow2_sink *sink,
                                              const struct qcow2_writer_options *options,
                                              struct qcow2_fault *retfault)
{
    if (check_options(options, sink->name, retfault) < 0)
        return NULL;
    AUTO(qcow2_writer) struct qcow2_writer *w = mem_zalloc(sizeof *w);
    w->sink = sink;
    w->header = qcow2_writer_header(options, &w->header_len, retfault);
    if (!w->header)
        return NULL;
    w->options = *options;
    w->options.backing_name = w->options.backing_format = NULL;
    lay_out(w);
    be64_put(w->header, HDR_L1_OFFSET, w->l1_offset);
    be32_put(w->header, HDR_L1_SIZE, w->l1_count);
    be64_put(w->header, HDR_RT_OFFSET, w->rt_offset);
    be32_put(w->header, HDR_RT_CLUSTERS, (uint32_t)w->rt_clusters);
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
        free(w->l2[i].words);
    free(w->l2);
    free(w->header);
    free(w->padded);
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

static int write_at(struct qcow2_writer *w, uint64_t offset, const void *buf, size_t len,
                    struct qcow2_fault *f)
{
    return w->sink->ops->write(w->sink, offset, buf, len, f);
}

static uint64_t take_cluster(struct qcow2_writer *w)
{
    return w->end++ * w->cs;
}

/* The place of a guest cluster's L2 entry, which must still be empty. */
static int entry_slot(struct qcow2_writer *w, uint64_t guest, uint64_t **ret_slot,
                      struct qcow2_fault *f)
{
    assert(!w->finished);
    if (guest >= w->clusters)
        return qcow2_fault_set(f, QCOW2_USAGE, w->sink->name, QCOW2_NO_OFFSET,
                               "guest cluster %" PRIu64 " is past the last one, %" PRIu64, guest,
                               w->clusters - 1);
    struct l2_table *l2 = &w->l2[guest / w->per_l2];
    uint32_t index = (uint32_t)(guest % w->per_l2);
    if (!l2->host) {
        l2->host = take_cluster(w);
        l2->words = mem_zalloc(w->cs);
    }
    if (l2->words[index])
        return qcow2_fault_set(f, QCOW2_USAGE, w->sink->name, QCOW2_NO_OFFSET,
                               "guest cluster %" PRIu64 " is written twice", guest);
    if (index >= l2->entries)
        l2->entries = index + 1;
    *ret_slot = &l2->words[index];
    return 0;
}

/* data, or a copy of it that fills a cluster. */
static const void *whole_cluster(struct qcow2_writer *w, const void *data, size_t len)
{
    if (len == w->cs)
        return data;
    if (!w->padded)
        w->padded = mem_alloc(w->cs);
    memcpy(w->padded, data, len);
    memset(w->padded + len, 0, w->cs - len);
    return w->padded;
}

int qcow2_writer_put(struct qcow2_writer *w, uint64_t guest_cluster, const void *data, size_t len,
                     struct qcow2_fault *retfault)
{
    assert(len <= w->cs);
    uint64_t *slot;
    if (entry_slot(w, guest_cluster, &slot, retfault) < 0)
        return -1;
    uint64_t host = take_cluster(w);
    *slot = htobe64(host | QCOW2_COPIED);
    return write_at(w, host, whole_cluster(w, data, len), w->cs, retfault);
}

int qcow2_writer_zero(struct qcow2_writer *w, uint64_t guest_cluster, struct qcow2_fault *retfault)
{
    if (version(&w->options) < 3)
        return qcow2_fault_set(retfault, QCOW2_USAGE, w->sink->name, QCOW2_NO_OFFSET,
                               "version 2 has no zero clusters");
    uint64_t *slot;
    if (entry_slot(w, guest_cluster, &slot, retfault) < 0)
        return -1;
    *slot = htobe64(QCOW2_ZERO);
    return 0;
}

/* ---- tables ---- */

static int write_mapping(struct qcow2_writer *w, struct qcow2_fault *f)
{
    size_t bytes = (size_t)w->l1_count * 8;
    AUTO(mem) void *l1 = mem_zalloc(bytes);
    for (uint32_t i = 0; i < w->l1_count; i++) {
        const struct l2_table *l2 = &w->l2[i];
        if (!l2->host)
            continue;
        be64_put(l1, (size_t)i * 8, l2->host | QCOW2_COPIED);
        if (write_at(w, l2->host, l2->words, (size_t)l2->entries * 8, f) < 0)
            return -1;
    }
    return write_at(w, w->l1_offset, l1, bytes, f);
}

/* Sets entry i of a refcount block to 1. */
static void refcount_one(unsigned char *block, uint64_t i, uint32_t order)
{
    if (order < 3)
        block[i >> (3 - order)] |= (unsigned char)(1u << ((i << order) % 8));
    else
        block[((i + 1) << (order - 3)) - 1] = 1; /* big-endian: the last byte */
}

static int write_block(struct qcow2_writer *w, uint64_t index, uint64_t offset,
                       struct qcow2_fault *f)
{
    uint64_t first = index * w->per_block;
    uint64_t used = w->end - first < w->per_block ? w->end - first : w->per_block;
    AUTO(mem) void *block = mem_zalloc(w->cs);
    uint32_t order = refcount_order(&w->options);
    for (uint64_t i = 0; i < used; i++)
        refcount_one(block, i, order);
    return write_at(w, offset, block, divide_up(used << order, 8), f);
}

static int write_refcounts(struct qcow2_writer *w, struct qcow2_fault *f)
{
    /* Blocks count themselves. */
    uint64_t blocks = 1, first_extra = w->end;
    while (w->end > blocks * w->per_block) {
        take_cluster(w);
        blocks++;
    }
    if (blocks * 8 > w->rt_clusters * w->cs)
        return qcow2_fault_set(f, QCOW2_LIMIT, w->sink->name, QCOW2_NO_OFFSET,
                               "the file needs more refcount blocks than the table of 8 MiB holds");
    AUTO(mem) void *table = mem_zalloc(blocks * 8);
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t offset = i == 0 ? w->first_block : (first_extra + i - 1) * w->cs;
        be64_put(table, i * 8, offset);
        if (write_block(w, i, offset, f) < 0)
            return -1;
    }
    return write_at(w, w->rt_offset, table, blocks * 8, f);
}

int qcow2_writer_finish(struct qcow2_writer *w, uint64_t *ret_size, struct qcow2_fault *retfault)
{
    assert(!w->finished);
    w->finished = true;
    uint64_t tables_end = w->l1_offset / w->cs + divide_up((uint64_t)w->l1_count * 8, w->cs);
    if (write_mapping(w, retfault) < 0 || write_refcounts(w, retfault) < 0 ||
        write_at(w, 0, w->header, w->header_len, retfault) < 0)
        return -1;
    /* As with qemu, an image whose last structure is the L1 table ends with its last entry. */
    uint64_t size =
        w->end == tables_end ? w->l1_offset + (uint64_t)w->l1_count * 8 : w->end * w->cs;
    if (w->sink->ops->commit(w->sink, size, retfault) < 0)
        return -1;
    if (ret_size)
        *ret_size = size;
    return 0;
}
