/* No false alarm: what looks odd and is legal, each with the right bytes, and without a finding of
 * check beyond the leak that is in it. Where qemu-img is installed it has to read the same. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/check.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/engines.h"
#include "tests/unit/suite.h"

#define BITS 12u
#define CS (1u << BITS)
#define LAYERS_MAX 3

static bool with_qemu;

struct oddity {
    struct bytes layers[LAYERS_MAX];
    size_t count;
    struct bytes want;
};

static void add(struct oddity *o, const char *layout, const struct qcow2_writer_options *more)
{
    o->layers[o->count++] = make_image(BITS, layout, more);
}

static struct bytes *top(struct oddity *o)
{
    return &o->layers[o->count - 1];
}

/* ---- where things stand ---- */

static uint64_t l2_entry_at(const struct bytes *b, uint64_t cluster, unsigned entry_bytes)
{
    uint64_t l1 = be64_at(b->data, HDR_L1_OFFSET);
    return (be64_at(b->data, l1) & QCOW2_OFFSET_MASK) + cluster * entry_bytes;
}

static void grow(struct bytes *b, size_t len)
{
    b->data = mem_realloc(b->data, len);
    memset(b->data + b->len, 0, len - b->len);
    b->len = len;
}

static void set_bits(struct bytes *b, size_t field, uint64_t bits)
{
    be64_put(b->data, field, be64_at(b->data, field) | bits);
}

/* ---- the oddities ---- */

static void short_l1(struct oddity *o)
{
    add(o, "AB..", NULL);
    add(o, "....", NULL); /* no L2 table: the L1 is last */
    ck_assert_uint_eq(top(o)->len % CS, 8);
}

static void compressed_tail(struct oddity *o, enum qcow2_compression how)
{
    struct qcow2_writer_options wo = {
        .cluster_bits = BITS, .virtual_size = 4 * CS, .compression = how};
    struct qcow2_fault f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("image", UINT64_C(1) << 20);
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &wo, &f);
    char data[CS];
    for (unsigned i = 0; i < 2; i++) {
        memset(data, 'A' + (int)i, CS);
        ck_assert_int_eq(qcow2_writer_put_compressed(w, i, data, CS, &f), 0);
    }
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, &f), 0);
    struct bytes *b = &o->layers[o->count++];
    b->data = qcow2_sink_memory_take(sink, &b->len);
    /* Ends with the compressed bytes, of which the last may be zeros. */
    uint64_t entry = be64_at(b->data, l2_entry_at(b, 1, 8));
    size_t start = entry & ((UINT64_C(1) << (62 - (BITS - 8))) - 1);
    size_t end = (start / 512 + ((entry & ~QCOW2_COMPRESSED) >> (62 - (BITS - 8))) + 1) * 512;
    for (b->len = start + 1; b->len < end && judge(b) == QCOW2_OK; b->len++) {
        __attribute__((cleanup(cleanup_bytes))) struct bytes got = {0};
        struct qcow2_declared d = {.name = "image", .length = QCOW2_LENGTH_UNKNOWN};
        if (answer_bytes(&d, b, 1, &got, NULL) == QCOW2_OK)
            break;
    }
    ck_assert_uint_lt(b->len, end);
    ck_assert_uint_le(end - b->len, 511);
}

static void deflate_tail(struct oddity *o)
{
    compressed_tail(o, QCOW2_COMPRESSION_DEFLATE);
}

static void zstd_tail(struct oddity *o)
{
    compressed_tail(o, QCOW2_COMPRESSION_ZSTD);
}

static void zero_plain(struct oddity *o)
{
    add(o, "AAAA", NULL);
    add(o, "0..0", NULL);
}

static void zero_allocated(struct oddity *o)
{
    add(o, "AAAA", NULL);
    add(o, "BB..", NULL);
    uint64_t at = l2_entry_at(top(o), 1, 8);
    ck_assert_uint_ne(be64_at(top(o)->data, at) & QCOW2_OFFSET_MASK, 0);
    set_bits(top(o), at, QCOW2_ZERO);
}

static void out_of_order(struct oddity *o)
{
    add(o, "DCBA", NULL); /* A is written first */
    uint64_t first = be64_at(top(o)->data, l2_entry_at(top(o), 0, 8));
    ck_assert_uint_gt(first, be64_at(top(o)->data, l2_entry_at(top(o), 3, 8)));
}

static void empty_increments(struct oddity *o)
{
    add(o, "AB..", NULL);
    add(o, "....", NULL);
    add(o, "....", NULL);
}

static void backing_both_ways(struct oddity *o)
{
    add(o, "ABCD", NULL);
    add(o, "E.0.",
        &(struct qcow2_writer_options){.backing_name = "/var/lib/cbt/root.qcow2",
                                       .backing_format = "qcow2"});
    add(o, ".F..", NULL);
}

/* A cluster that a crash left: counted, and used by nothing. */
static void leak(struct oddity *o)
{
    add(o, "AB..", NULL);
    struct bytes *b = top(o);
    uint64_t clusters = (b->len + CS - 1) / CS;
    uint64_t block = be64_at(b->data, be64_at(b->data, HDR_RT_OFFSET));
    grow(b, (clusters + 1) * CS);
    b->data[block + clusters * 2 + 1] = 1; /* 16 bits, big-endian */
}

static void dirty(struct oddity *o)
{
    add(o, "AB..", NULL);
    set_bits(top(o), HDR_INCOMPATIBLE, QCOW2_INCOMPAT_DIRTY);
}

static void unknown_bits(struct oddity *o)
{
    add(o, "AB..", NULL);
    set_bits(top(o), HDR_COMPATIBLE, UINT64_C(1) << 40 | 1);
    set_bits(top(o), HDR_AUTOCLEAR, UINT64_C(1) << 50);
}

static void unknown_extension(struct oddity *o)
{
    add(o, "AB..", NULL);
    unsigned char *at = top(o)->data + be32_at(top(o)->data, HDR_LENGTH);
    ck_assert_uint_eq(be64_at(at, 0), 0); /* the end marker */
    be32_put(at, 0, 0x12345678);
    be32_put(at, 4, 5);
    memcpy(at + 8, "hello\0\0\0\0\0\0\0\0\0\0", 16);
}

static void long_l1(struct oddity *o)
{
    add(o, "AB..", NULL);
    be32_put(top(o)->data, HDR_L1_SIZE, CS / 8);
}

static void bytes_behind(struct oddity *o)
{
    add(o, "AB..", NULL);
    size_t len = top(o)->len;
    grow(top(o), len + 3 * CS + 7);
    memset(top(o)->data + len, 0x5a, 3 * CS + 7);
}

static void mixed_clusters(struct oddity *o)
{
    o->layers[o->count++] = make_image(9, "AAAAAAAABBBBBBBB................", NULL);
    o->layers[o->count++] = make_image(BITS, ".C..", NULL);
    o->layers[o->count++] = make_image(9, ".......................0DDDDDDDD", NULL);
}

static void version_2_base(struct oddity *o)
{
    add(o, "AB..", &(struct qcow2_writer_options){.version = 2});
    add(o, ".0C.", NULL);
}

/* qemu writes allocated subclusters alone, so the last cluster ends with the last of them. */
static void early_end(struct oddity *o)
{
    enum { BIG = 16384, STEP = BIG / 32 };
    o->layers[o->count++] = make_image(14, "AAAA", NULL);
    struct qcow2_writer_options wo = {
        .cluster_bits = 14, .virtual_size = 4 * BIG, .extended_l2 = true};
    struct qcow2_fault f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("image", UINT64_C(1) << 22);
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &wo, &f);
    char data[BIG];
    memset(data, 'B', sizeof data);
    ck_assert_int_eq(qcow2_writer_put_subclusters(w, 2, data, 0x0a, 0x30, &f), 0);
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, &f), 0);
    struct bytes *b = &o->layers[o->count++];
    b->data = qcow2_sink_memory_take(sink, &b->len);
    uint64_t host = be64_at(b->data, l2_entry_at(b, 2, 16)) & QCOW2_OFFSET_MASK;
    ck_assert_uint_ge(b->len, host + 4 * STEP);
    b->len = host + 4 * STEP;

    o->want.len = 4 * BIG;
    o->want.data = mem_alloc(o->want.len);
    memset(o->want.data, 'A', o->want.len);
    memset(o->want.data + 2 * BIG + STEP, 'B', STEP);
    memset(o->want.data + 2 * BIG + 3 * STEP, 'B', STEP);
    memset(o->want.data + 2 * BIG + 4 * STEP, 0, 2 * STEP);
}

static const struct row {
    const char *name;
    void (*make)(struct oddity *o);
    const char *want; /* NULL: the oddity says */
    bool leaks;
} rows[] = {
    {"short L1 at the end of the file", short_l1, "AB..", false},
    {"deflated tail past the end", deflate_tail, "AB..", false},
    {"zstd tail past the end", zstd_tail, "AB..", false},
    {"zero-plain clusters", zero_plain, ".AA.", false},
    {"zero-allocated clusters", zero_allocated, "B.AA", false},
    {"pieces out of order", out_of_order, "DCBA", false},
    {"empty increments", empty_increments, "AB..", false},
    {"backing recorded and absent", backing_both_ways, "EF.D", false},
    {"a leak", leak, "AB..", true},
    {"dirty bit", dirty, "AB..", false},
    {"unknown compatible and autoclear bits", unknown_bits, "AB..", false},
    {"unknown header extension", unknown_extension, "AB..", false},
    {"L1 longer than needed", long_l1, "AB..", false},
    {"bytes behind the end", bytes_behind, "AB..", false},
    {"cluster sizes mixed", mixed_clusters, "AC.D", false},
    {"version 2 base", version_2_base, "A.C.", false},
    {"subclusters, last cluster ends early", early_end, NULL, false},
};

/* ---- judged ---- */

static void check_finds_no_more(const struct row *row, const struct bytes *b)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    __attribute__((cleanup(cleanup_qcow2_check))) struct qcow2_check_report r = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(b->data, b->len, "layer");
    ck_assert_int_eq(qcow2_check(io, NULL, &r, &f), 0);
    ck_assert_msg(r.corruptions == 0, "%s: %s", row->name, r.count ? r.items[0].text : "");
    ck_assert_msg((r.leaks > 0) == row->leaks, "%s: %s", row->name,
                  r.count ? r.items[0].text : "no leak");
}

static void qemu_reads_the_same(const struct row *row, const struct oddity *o)
{
    char *folder = scratch_create(), *paths[LAYERS_MAX];
    for (size_t i = 0; i < o->count; i++) {
        paths[i] = mem_printf("%s/%zu.qcow2", folder, i);
        write_file(paths[i], o->layers[i].data, o->layers[i].len);
    }
    AUTO(str) char *raw = mem_printf("%s/out.raw", folder);
    ck_assert_int_eq(qemu_flatten((const char *const *)paths, o->count, raw), 0);
    __attribute__((cleanup(cleanup_bytes))) struct bytes theirs = read_file(raw);
    must_be_same(&theirs, &o->want, row->name);
    for (size_t i = 0; i < o->count; i++)
        free(paths[i]);
    scratch_remove(folder);
}

START_TEST(legal)
{
    static const char *const names[LAYERS_MAX] = {"F", "I1", "I2"};
    const struct row *row = &rows[_i];
    struct oddity o = {0};
    row->make(&o);
    if (row->want) {
        o.want.len = strlen(row->want) * CS;
        o.want.data = mem_zalloc(o.want.len);
        for (size_t i = 0; row->want[i]; i++)
            memset(o.want.data + i * CS, row->want[i] == '.' ? 0 : row->want[i], CS);
    }
    struct qcow2_declared declared[LAYERS_MAX];
    for (size_t i = 0; i < o.count; i++) {
        declared[i] =
            (struct qcow2_declared){.name = names[i], .id = names[i], .length = o.layers[i].len};
        declared[i].parent = i ? names[i - 1] : NULL;
        declared[i].type = i ? QCOW2_DECLARED_INCREMENT : QCOW2_DECLARED_FULL;
        check_finds_no_more(row, &o.layers[i]);
    }
    __attribute__((cleanup(cleanup_bytes))) struct bytes got = {0};
    AUTO(str) char *text = NULL;
    ck_assert_msg(answer_bytes(declared, o.layers, o.count, &got, &text) == QCOW2_OK, "%s: %s",
                  row->name, text);
    must_be_same(&got, &o.want, row->name);
    if (with_qemu)
        qemu_reads_the_same(row, &o);
    for (size_t i = 0; i < o.count; i++)
        free(o.layers[i].data);
    free(o.want.data);
}
END_TEST

int main(void)
{
    with_qemu = have_qemu();
    if (!with_qemu)
        puts("qemu-img is not installed: the oddities are held against what they should read as");
    return SUITE_MAIN("oddities", SUITE_LONG_CASE("oddities", 60, EACH(legal, rows)));
}
