/* What the writer makes, in qemu's eyes: every kind of layer passes `qemu-img check`, tells what it
 * is through `qemu-img info`, and a chain of them converts to the bytes of the rule. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/combos.h"
#include "tests/unit/suite.h"

static int check_file(const char *path)
{
    return run_tool((const char *const[]){"qemu-img", "check", "-q", "-f", "qcow2", path, NULL});
}

/* What `qemu-img info` says of the format. New. */
static json_t *info_of(const char *path)
{
    AUTO(str) char *out = mem_printf("%s.json", path);
    AUTO(str)
    char *command = mem_printf("qemu-img info --output=json -f qcow2 '%s' >'%s'", path, out);
    ck_assert_int_eq(run_tool((const char *const[]){"sh", "-c", command, NULL}), 0);
    struct err e = {0};
    AUTO(json) json_t *info = json_read_file(out, 1 << 20, &e);
    ck_assert_msg(info != NULL, "%s", e.msg ? e.msg : "");
    return json_incref((json_t *)(uintptr_t)json_at(info, "format-specific", "data", NULL));
}

/* The raw file holds the moment and nothing else. */
static void raw_is(const char *path, const struct disk_moment *m, const char *what)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes raw = read_file(path);
    ck_assert_msg(raw.len == disk_moment_blocks(m) * DISK_BLOCK, "%s: size", what);
    char want[DISK_BLOCK];
    for (uint64_t i = 0; i < disk_moment_blocks(m); i++) {
        disk_fill(m, i, want);
        ck_assert_msg(memcmp(raw.data + i * DISK_BLOCK, want, DISK_BLOCK) == 0, "%s: block %llu",
                      what, (unsigned long long)i);
    }
}

/* ---- layers ---- */

static void check_info(const struct combo *c, const char *path)
{
    AUTO(json) json_t *info = info_of(path);
    bool zstd = c->options.compression == QCOW2_COMPRESSION_ZSTD;
    ck_assert_msg(strcmp(json_str_or_empty(info, "compression-type"), zstd ? "zstd" : "zlib") == 0,
                  "%s", c->name);
    ck_assert_str_eq(json_str_or_empty(info, "compat"), c->options.version == 2 ? "0.10" : "1.1");
    ck_assert_int_eq(json_int(info, "refcount-bits", 0), c->options.refcount_bits);
    if (c->options.version == 3)
        ck_assert_int_eq(json_bool(info, "extended-l2", false), c->options.extended_l2);
    const json_t *bitmap = json_array_get(json_at(info, "bitmaps", NULL), 0);
    ck_assert_int_eq(bitmap != NULL, c->options.bitmap != NULL);
    if (!bitmap)
        return;
    AUTO(str) char *flags = json_text(json_at(bitmap, "flags", NULL));
    ck_assert_str_eq(flags, "[\"auto\"]");
    ck_assert_str_eq(json_str_or_empty(bitmap, "name"), COMBO_BITMAP);
    ck_assert_int_eq(json_int(bitmap, "granularity", 0), 65536);
}

/* The chain in one text, so that no file has to be rebased (each costs a flush). New. */
static char *chain_name(char *const *paths, size_t count)
{
    AUTO(json) json_t *chain = NULL;
    for (size_t i = 0; i < count; i++) {
        json_t *layer = json_object();
        json_put_str(layer, "driver", "qcow2");
        json_put_str(layer, "file.driver", "file");
        json_put_str(layer, "file.filename", paths[i]);
        if (chain)
            json_put_take(layer, "backing", chain);
        chain = layer;
    }
    AUTO(str) char *text = json_text(chain);
    return mem_printf("json:%s", text);
}

static void convert_is(char *const *paths, size_t count, const struct disk_moment *m,
                       const char *what)
{
    AUTO(str) char *name = chain_name(paths, count);
    AUTO(str) char *raw = mem_printf("%s.raw", paths[0]);
    int r = run_tool((const char *const[]){"qemu-img", "convert", "-O", "raw", name, raw, NULL});
    ck_assert_msg(r == 0, "%s: convert", what);
    raw_is(raw, m, what);
}

START_TEST(layers_agree)
{
    struct combo c = combo_at((size_t)_i);
    AUTO(disk) struct disk_model *d = combo_disk((uint64_t)_i);
    char *folder = scratch_create();
    char *paths[COMBO_LAYERS];
    for (size_t i = 0; i < COMBO_LAYERS; i++) {
        __attribute__((cleanup(cleanup_bytes))) struct bytes b = combo_layer(&c, d, i);
        paths[i] = mem_printf("%s/%zu.qcow2", folder, i);
        write_file(paths[i], b.data, b.len);
        if (i < 2 || i == COMBO_LAYERS - 1) /* the others are of the same kind */
            ck_assert_msg(check_file(paths[i]) == 0, "%s: check of layer %zu", c.name, i);
    }
    check_info(&c, paths[1]);
    convert_is(paths, COMBO_LAYERS, disk_checkpoint_at(d, COMBO_LAYERS - 1), c.name);
    for (size_t i = 0; i < COMBO_LAYERS; i++)
        free(paths[i]);
    scratch_remove(folder);
}
END_TEST

/* ---- compressed clusters of many lengths, several to a host cluster ---- */

static const struct packed_row {
    const char *name;
    uint32_t bits, refcount_bits;
    enum qcow2_compression compression;
    bool extended_l2;
    unsigned plain_every; /* each so many is put as it is, which breaks the row */
} packed_rows[] = {
    {"512 bytes", 9, 16, QCOW2_COMPRESSION_DEFLATE, false, 0},
    {"512 bytes, zstd", 9, 16, QCOW2_COMPRESSION_ZSTD, false, 7},
    {"4 KiB, 1 bit", 12, 1, QCOW2_COMPRESSION_DEFLATE, false, 5},
    {"4 KiB, 2 bits", 12, 2, QCOW2_COMPRESSION_DEFLATE, false, 0},
    {"4 KiB, 4 bits", 12, 4, QCOW2_COMPRESSION_ZSTD, false, 9},
    {"16 KiB, 8 bits", 14, 8, QCOW2_COMPRESSION_DEFLATE, true, 3},
    {"64 KiB, 32 bits", 16, 32, QCOW2_COMPRESSION_DEFLATE, false, 4},
    {"64 KiB, 64 bits", 16, 64, QCOW2_COMPRESSION_ZSTD, true, 0},
    {"2 MiB", 21, 16, QCOW2_COMPRESSION_ZSTD, false, 0},
};

/* Random up to some byte, then zeros: compresses to about that length. */
static void fill_cluster(struct prng *prng, unsigned char *data, size_t cs)
{
    size_t noise = (size_t)prng_below(prng, 3 * cs / 2 + 1);
    noise = noise > cs ? prng_next(prng) % 8 : noise;
    prng_fill(prng, data, noise);
    memset(data + noise, 0, cs - noise);
}

START_TEST(packed_clusters_agree)
{
    const struct packed_row *row = &packed_rows[_i];
    size_t cs = (size_t)1 << row->bits, count = row->bits == 21 ? 6 : 150;
    struct qcow2_writer_options o = {.virtual_size = count * cs,
                                     .cluster_bits = row->bits,
                                     .refcount_bits = row->refcount_bits,
                                     .extended_l2 = row->extended_l2,
                                     .compression = row->compression};
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    AUTO(str) char *raw = mem_printf("%s/x.raw", folder);
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer)
    struct qcow2_writer *w = qcow2_writer_create(path, &o, QCOW2_SINK_NO_SYNC, &f);
    ck_assert_msg(w != NULL, "%s: %s", row->name, f.err.msg ? f.err.msg : "");
    AUTO(mem) void *owner = mem_alloc(count * cs);
    unsigned char *want = owner;
    struct prng prng;
    prng_init(&prng, (uint64_t)_i, "packed clusters");
    for (size_t i = 0; i < count; i++) {
        unsigned char *data = want + i * cs;
        fill_cluster(&prng, data, cs);
        bool plain = row->plain_every && i % row->plain_every == 0;
        int r = plain ? qcow2_writer_put(w, i, data, cs, &f)
                      : qcow2_writer_put_compressed(w, i, data, cs, &f);
        ck_assert_msg(r == 0, "%s: %s", row->name, f.err.msg ? f.err.msg : "");
    }
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, &f), 0);
    ck_assert_msg(check_file(path) == 0, "%s: check", row->name);
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-img", "convert", "-f", "qcow2", "-O",
                                                    "raw", path, raw, NULL}),
                     0);
    __attribute__((cleanup(cleanup_bytes))) struct bytes got = read_file(raw);
    ck_assert_msg(got.len == count * cs && memcmp(got.data, want, got.len) == 0, "%s", row->name);
    scratch_remove(folder);
}
END_TEST

/* ---- bitmaps ---- */

/* qemu reads every bit: it copies them into an image of its own. */
START_TEST(bitmaps_survive_a_copy)
{
    static const struct {
        uint32_t bits;
        unsigned granularity_bits;
        uint64_t size;
    } rows[] = {{9, 9, 5 << 20}, {12, 16, 100 << 20}, {16, 9, 300 << 20}, {18, 31, 5 << 20}};
    size_t i = (size_t)_i;
    struct qcow2_writer_options o = {.virtual_size = rows[i].size, .cluster_bits = rows[i].bits};
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    AUTO(str) char *copy = mem_printf("%s/y.qcow2", folder);
    size_t bytes = (rows[i].size >> rows[i].granularity_bits) / 8 + 1;
    AUTO(mem) void *owner = mem_zalloc(bytes);
    unsigned char *bits = owner;
    struct prng prng;
    prng_init(&prng, i, "bitmap bits");
    prng_fill(&prng, bits, bytes / 2);
    memset(bits + bytes / 2, 0xff, bytes / 4); /* clusters of zeros, of ones and of both */
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer)
    struct qcow2_writer *w = qcow2_writer_create(path, &o, QCOW2_SINK_NO_SYNC, &f);
    ck_assert_int_eq(qcow2_writer_bitmap(w, "b", rows[i].granularity_bits, bits, &f), 0);
    ck_assert_int_eq(qcow2_writer_put(w, 3, "x", 1, &f), 0);
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, &f), 0);
    ck_assert_int_eq(check_file(path), 0);
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-img", "convert", "-f", "qcow2", "-O",
                                                    "qcow2", "--bitmaps", path, copy, NULL}),
                     0);
    __attribute__((cleanup(cleanup_bytes))) struct bytes a = read_file(path);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(copy);
    uint64_t ours_count, theirs_count;
    AUTO(mem) void *ours = image_bitmap(&a, "b", rows[i].granularity_bits, &ours_count);
    AUTO(mem) void *theirs = image_bitmap(&b, "b", rows[i].granularity_bits, &theirs_count);
    ck_assert_uint_eq(ours_count, theirs_count);
    ck_assert_int_eq(memcmp(ours, bits, ours_count / 8), 0);
    ck_assert_int_eq(memcmp(ours, theirs, ours_count / 8), 0);
    scratch_remove(folder);
}
END_TEST

/* Bitmaps outgrow the refcount table that the disk alone would need: it moves. */
START_TEST(refcount_table_moves)
{
    enum { CLUSTERS = 3584 };
    struct qcow2_writer_options o = {
        .virtual_size = CLUSTERS * 512, .cluster_bits = 9, .refcount_bits = 64};
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer)
    struct qcow2_writer *w = qcow2_writer_create(path, &o, QCOW2_SINK_NO_SYNC, &f);
    AUTO(mem) void *data = mem_zalloc(o.virtual_size);
    ck_assert_int_eq(qcow2_writer_put_run(w, 0, CLUSTERS, data, &f), 0);
    unsigned char bits[CLUSTERS / 8];
    memset(bits, 0x55, sizeof bits);
    for (unsigned i = 0; i < 300; i++) {
        char name[8];
        snprintf(name, sizeof name, "b%u", i);
        ck_assert_int_eq(qcow2_writer_bitmap(w, name, 9, bits, &f), 0);
    }
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, &f), 0);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(path);
    ck_assert_uint_gt(be64_at(b.data, HDR_RT_OFFSET), 512);
    ck_assert_int_eq(judge(&b), QCOW2_OK);
    ck_assert_int_eq(check_file(path), 0);
    scratch_remove(folder);
}
END_TEST

int main(void)
{
    if (skip_without_qemu())
        return SKIPPED;
    return SUITE_MAIN("qcow2.qemu_writer",
                      SUITE_LONG_CASE("qemu_writer", 120, RANGE(layers_agree, 0, combo_count()),
                                      EACH(packed_clusters_agree, packed_rows),
                                      RANGE(bitmaps_survive_a_copy, 0, 4),
                                      TEST(refcount_table_moves)));
}
