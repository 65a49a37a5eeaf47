#include "fuzz/qcow2_seeds.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/format.h"

#define IMAGE_MAX (UINT64_C(64) << 20)
#define DISK_MAX (UINT64_C(4) << 20)

/* ---- shapes ---- */

static uint32_t draw_cluster_bits(struct prng *p)
{
    static const uint8_t often[] = {9, 9, 9, 10, 12, 12, 14, 16, 16, 18};
    return often[prng_below(p, sizeof often)];
}

static void draw_content(struct seed_shape *s, struct prng *p)
{
    s->data = 1 + (unsigned)prng_below(p, 8);
    s->zero = s->options.version == 2 ? 0 : (unsigned)prng_below(p, 4);
    s->packed = s->options.compression ? 1 + (unsigned)prng_below(p, 8) : 0;
    s->parts = s->options.extended_l2 ? 1 + (unsigned)prng_below(p, 8) : 0;
    s->bitmaps =
        s->options.version == 3 && prng_below(p, 6) == 0 ? 1 + (unsigned)prng_below(p, 2) : 0;
    s->snapshots = prng_below(p, 12) == 0;
    s->shuffled = prng_below(p, 2);
}

void seed_shape_draw(struct seed_shape *s, struct prng *p)
{
    *s = (struct seed_shape){.options.version = prng_below(p, 5) == 0 ? 2 : 3};
    struct qcow2_writer_options *o = &s->options;
    o->cluster_bits = draw_cluster_bits(p);
    uint64_t clusters = 1 + prng_below(p, prng_below(p, 4) == 0 ? 300 : 40);
    uint64_t size = clusters << o->cluster_bits;
    size = size < DISK_MAX ? size : DISK_MAX;
    if (prng_below(p, 3) == 0 && o->cluster_bits > 9)
        size -= 512 * prng_below(p, UINT64_C(1) << (o->cluster_bits - 9));
    o->virtual_size = size;
    if (o->version == 3) {
        o->refcount_bits = 1u << prng_below(p, 7);
        o->extended_l2 = o->cluster_bits >= 14 && prng_below(p, 2);
        if (prng_below(p, 3) == 0)
            o->refcount_bits = 16;
    }
    if (prng_below(p, 3) == 0)
        o->compression = o->version == 3 && prng_below(p, 2) ? QCOW2_COMPRESSION_ZSTD
                                                             : QCOW2_COMPRESSION_DEFLATE;
    /* Packed clusters are counted more than once. */
    if (o->compression && o->refcount_bits && o->refcount_bits < 16)
        o->refcount_bits = 16;
    if (prng_below(p, 6) == 0) {
        o->backing_name = "/var/lib/kubevirt/cbt/disk.qcow2";
        o->backing_format = "qcow2";
    }
    draw_content(s, p);
}

/* ---- content ---- */

/* Compressible, and different in every sector. */
static void fill(uint8_t *out, size_t len, struct prng *p)
{
    uint64_t word = prng_next(p);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t w = word + i / 512;
        memcpy(out + i, &w, len - i < 8 ? len - i : 8);
    }
    for (unsigned n = 0; n < 4; n++) {
        size_t at = prng_below(p, len);
        out[at] = (uint8_t)prng_next(p);
    }
}

static int put_parts(struct qcow2_writer *w, uint64_t cluster, const uint8_t *buf, struct prng *p)
{
    uint32_t data = (uint32_t)prng_next(p) | 1;
    uint32_t zero = (uint32_t)prng_next(p) & ~data;
    return qcow2_writer_put_subclusters(w, cluster, buf, data, zero, NULL);
}

static int put_one(struct qcow2_writer *w, const struct seed_shape *s, uint64_t cluster,
                   uint8_t *buf, size_t len, struct prng *p)
{
    unsigned dice = (unsigned)prng_below(p, 16);
    fill(buf, len, p);
    if (dice < s->data)
        return qcow2_writer_put(w, cluster, buf, len, NULL);
    if (dice < s->data + s->zero)
        return qcow2_writer_zero(w, cluster, NULL);
    dice = (unsigned)prng_below(p, 16);
    if (dice < s->packed)
        return qcow2_writer_put_compressed(w, cluster, buf, len, NULL);
    if (dice < s->parts)
        return put_parts(w, cluster, buf, p);
    return 0;
}

static void put_all(struct qcow2_writer *w, const struct seed_shape *s, struct prng *p)
{
    uint64_t clusters = qcow2_writer_clusters(w), cs = qcow2_writer_cluster_size(w);
    AUTO(mem) void *buf = mem_alloc(cs);
    uint64_t start = s->shuffled ? prng_below(p, clusters) : 0;
    for (uint64_t i = 0; i < clusters; i++) {
        uint64_t cluster = (start + i) % clusters;
        if (s->shuffled) /* neighbours change places */
            cluster = (cluster ^ 1) < clusters ? cluster ^ 1 : cluster;
        int r = put_one(w, s, cluster, buf, cs, p);
        assert(r == 0);
    }
}

static void put_bitmaps(struct qcow2_writer *w, const struct seed_shape *s, struct prng *p)
{
    static const char *const names[] = {"checkpoint-1", "b"};
    for (unsigned i = 0; i < s->bitmaps && i < 2; i++) {
        unsigned bits = 9 + (unsigned)prng_below(p, 8);
        uint64_t granules = (s->options.virtual_size >> bits) + 1;
        AUTO(mem) void *dirty = mem_alloc(granules / 8 + 8);
        prng_fill(p, dirty, granules / 8 + 8);
        if (prng_below(p, 3) == 0)
            memset(dirty, prng_below(p, 2) ? 0xff : 0, granules / 8 + 8);
        int r = qcow2_writer_bitmap(w, names[i], bits, dirty, NULL);
        assert(r == 0);
    }
}

/* ---- snapshots, which the writer has no business to write ---- */

#define SNAPSHOT_ENTRY 64u

static uint64_t up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static void put_snapshot(uint8_t *entry, uint64_t l1, uint32_t entries, uint64_t size)
{
    be64_put(entry, 0, l1);
    be32_put(entry, 8, entries);
    entry[13] = 1; /* id */
    entry[15] = 4; /* name */
    be32_put(entry, 16, 1700000000);
    be32_put(entry, 36, 16); /* extra data */
    be64_put(entry, 48, size);
    memcpy(entry + 56, "1snap", 5);
}

/* The table and one copy of the L1 table for each, behind the end. */
static uint8_t *add_snapshots(uint8_t *image_take, size_t *len, const struct seed_shape *s)
{
    uint64_t cs = UINT64_C(1) << s->options.cluster_bits;
    uint32_t entries = be32_at(image_take, HDR_L1_SIZE);
    uint64_t l1 = be64_at(image_take, HDR_L1_OFFSET), l1_bytes = up((uint64_t)entries * 8, cs);
    uint64_t table = up(*len, cs), copies = table + up(s->snapshots * SNAPSHOT_ENTRY, cs);
    size_t end = copies + s->snapshots * l1_bytes;
    uint8_t *image = mem_realloc(image_take, end);
    memset(image + *len, 0, end - *len);
    for (unsigned i = 0; i < s->snapshots; i++) {
        uint64_t copy = copies + i * l1_bytes;
        put_snapshot(image + table + i * SNAPSHOT_ENTRY, copy, entries, s->options.virtual_size);
        for (uint64_t k = 0; k < entries; k++)
            be64_put(image, copy + k * 8, be64_at(image, l1 + k * 8) & ~QCOW2_COPIED);
    }
    be32_put(image, HDR_SNAPSHOTS, s->snapshots);
    be64_put(image, HDR_SNAPSHOTS_OFFSET, table);
    *len = end;
    return image;
}

uint8_t *seed_image(const struct seed_shape *shape, uint64_t seed, size_t *ret_len)
{
    struct prng p;
    prng_init(&p, seed, "qcow2-seed");
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("seed", IMAGE_MAX);
    AUTO(qcow2_writer)
    struct qcow2_writer *w = qcow2_writer_create_sink(sink, &shape->options, NULL);
    assert(w);
    put_all(w, shape, &p);
    put_bitmaps(w, shape, &p);
    int r = qcow2_writer_finish(w, NULL, NULL);
    assert(r == 0);
    uint8_t *image = qcow2_sink_memory_take(sink, ret_len);
    return shape->snapshots ? add_snapshots(image, ret_len, shape) : image;
}
