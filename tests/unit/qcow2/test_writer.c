#include "qcow2/writer.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <signal.h>

#include "base/mem.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/combos.h"
#include "tests/unit/qcow2/support.h"
#include "tests/unit/suite.h"

static bool exists(const char *folder, const char *name)
{
    AUTO(str) char *path = mem_printf("%s/%s", folder, name);
    struct stat st;
    return lstat(path, &st) == 0;
}

static const struct option_row {
    const char *name;
    struct qcow2_writer_options options;
    enum qcow2_defect want;
} option_rows[] = {
    {"defaults", {.virtual_size = 4096}, QCOW2_OK},
    {"no size", {.virtual_size = 0}, QCOW2_USAGE},
    {"odd size", {.virtual_size = 1000}, QCOW2_USAGE},
    {"cluster bits 8", {.virtual_size = 4096, .cluster_bits = 8}, QCOW2_USAGE},
    {"cluster bits 22", {.virtual_size = 4096, .cluster_bits = 22}, QCOW2_USAGE},
    {"cluster bits 21", {.virtual_size = 4096, .cluster_bits = 21}, QCOW2_OK},
    {"version 1", {.virtual_size = 4096, .version = 1}, QCOW2_USAGE},
    {"refcount bits 3", {.virtual_size = 4096, .refcount_bits = 3}, QCOW2_USAGE},
    {"refcount bits 128", {.virtual_size = 4096, .refcount_bits = 128}, QCOW2_USAGE},
    {"refcount bits 1", {.virtual_size = 4096, .refcount_bits = 1}, QCOW2_OK},
    {"version 2 with 64", {.virtual_size = 4096, .version = 2, .refcount_bits = 64}, QCOW2_USAGE},
    {"largest disk of 512 byte clusters",
     {.virtual_size = UINT64_C(1) << 37, .cluster_bits = 9},
     QCOW2_OK},
    {"one sector more",
     {.virtual_size = (UINT64_C(1) << 37) + 512, .cluster_bits = 9},
     QCOW2_USAGE},
    {"subclusters", {.virtual_size = 4096, .cluster_bits = 14, .extended_l2 = true}, QCOW2_OK},
    {"subclusters of 256 bytes",
     {.virtual_size = 4096, .cluster_bits = 13, .extended_l2 = true},
     QCOW2_USAGE},
    {"subclusters in version 2",
     {.virtual_size = 4096, .version = 2, .extended_l2 = true},
     QCOW2_USAGE},
    {"largest disk of 16 KiB clusters with subclusters",
     {.virtual_size = UINT64_C(1) << 46, .cluster_bits = 14, .extended_l2 = true},
     QCOW2_OK},
    {"one sector more than that",
     {.virtual_size = (UINT64_C(1) << 46) + 512, .cluster_bits = 14, .extended_l2 = true},
     QCOW2_USAGE},
    {"zstd in version 2",
     {.virtual_size = 4096, .version = 2, .compression = QCOW2_COMPRESSION_ZSTD},
     QCOW2_USAGE},
    {"deflate in version 2",
     {.virtual_size = 4096, .version = 2, .compression = QCOW2_COMPRESSION_DEFLATE},
     QCOW2_OK},
    {"unknown compression",
     {.virtual_size = 4096, .compression = (enum qcow2_compression)3},
     QCOW2_USAGE},
    {"long backing format",
     {.virtual_size = 4096, .backing_name = "x", .backing_format = "0123456789abcdef"},
     QCOW2_USAGE},
    {"empty backing name", {.virtual_size = 4096, .backing_name = ""}, QCOW2_BACKING_NAME},
};

START_TEST(options)
{
    const struct option_row *row = &option_rows[_i];
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 1 << 20);
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer)
    struct qcow2_writer *w = qcow2_writer_create_sink(sink, &row->options, &f);
    ck_assert_msg(f.defect == row->want, "%s: %s", row->name, qcow2_defect_code(f.defect));
    ck_assert_int_eq(w != NULL, row->want == QCOW2_OK);
    qcow2_fault_clear(&f);
}
END_TEST

START_TEST(misuse)
{
    struct qcow2_writer_options o = {.virtual_size = 3 * 4096, .cluster_bits = 12};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 1 << 20);
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, &f);
    ck_assert_uint_eq(qcow2_writer_clusters(w), 3);
    ck_assert_int_eq(qcow2_writer_put(w, 1, "x", 1, &f), 0);
    ck_assert_int_eq(qcow2_writer_zero(w, 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_USAGE);
    qcow2_fault_clear(&f);
    ck_assert_int_eq(qcow2_writer_put(w, 3, "x", 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_USAGE);
    qcow2_fault_clear(&f);
}
END_TEST

/* A call that the contract forbids is refused, and harms nothing. */
static enum qcow2_defect refused(struct qcow2_writer *w, int call)
{
    static const unsigned char data[1 << 14];
    char long_name[1025];
    memset(long_name, 'n', sizeof long_name);
    long_name[1024] = '\0';
    struct qcow2_fault f = {0};
    int r = 0;
    switch (call) {
    case 0:
        r = qcow2_writer_put_run(w, 2, 4, data, &f);
        break; /* two past the end */
    case 1:
        r = qcow2_writer_put_run(w, 3, UINT64_MAX, data, &f);
        break;
    case 2:
        r = qcow2_writer_zero_run(w, 0, 2, &f);
        break; /* the second is put */
    case 3:
        r = qcow2_writer_put_compressed(w, 0, data, 1, &f);
        break;
    case 4:
        r = qcow2_writer_put_subclusters(w, 0, data, 3, 2, &f);
        break;
    case 5:
        r = qcow2_writer_put_subclusters(w, 0, data, 0, 0, &f);
        break;
    case 6:
        r = qcow2_writer_put_subclusters(w, 1, data, 1, 0, &f);
        break;
    case 7:
        r = qcow2_writer_bitmap(w, "", 16, data, &f);
        break;
    case 8:
        r = qcow2_writer_bitmap(w, long_name, 16, data, &f);
        break;
    case 9:
        r = qcow2_writer_bitmap(w, "b", 8, data, &f);
        break;
    case 10:
        r = qcow2_writer_bitmap(w, "b", 32, data, &f);
        break;
    case 11:
        r = qcow2_writer_bitmap(w, "b", 77, data, &f);
        break;
    case 12:
        r = qcow2_writer_bitmap(w, "taken", 16, data, &f);
        break;
    }
    ck_assert_int_eq(r, f.defect == QCOW2_OK ? 0 : -1);
    enum qcow2_defect defect = f.defect;
    qcow2_fault_clear(&f);
    return defect;
}

START_TEST(refusals)
{
    struct qcow2_writer_options o = {
        .virtual_size = 4 << 14, .cluster_bits = 14, .extended_l2 = true};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 1 << 20);
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, &f);
    ck_assert_int_eq(qcow2_writer_put(w, 1, "x", 1, &f), 0);
    ck_assert_int_eq(qcow2_writer_bitmap(w, "taken", 16, "", &f), 0);
    ck_assert_msg(refused(w, _i) == QCOW2_USAGE, "call %d", _i);
    ck_assert_int_eq(qcow2_writer_put(w, 0, "y", 1, &f), 0);
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, &f), 0);
    struct bytes b;
    b.data = qcow2_sink_memory_take(sink, &b.len);
    ck_assert_int_eq(judge(&b), QCOW2_OK);
    free(b.data);
}
END_TEST

START_TEST(version_2_refuses)
{
    struct qcow2_writer_options o = {.virtual_size = 4096, .cluster_bits = 14, .version = 2};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 1 << 20);
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, NULL);
    ck_assert_int_eq(qcow2_writer_zero(w, 0, NULL), -1);
    ck_assert_int_eq(qcow2_writer_bitmap(w, "b", 16, "", NULL), -1);
    ck_assert_int_eq(qcow2_writer_put_subclusters(w, 0, "", 1, 0, NULL), -1);
    ck_assert_int_eq(qcow2_writer_put_compressed(w, 0, "", 1, NULL), -1);
    ck_assert_int_eq(qcow2_writer_put(w, 0, "", 1, NULL), 0);
}
END_TEST

START_TEST(done_is_done)
{
    struct qcow2_writer_options o = {.virtual_size = 300 * 512, .cluster_bits = 9};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 1 << 20);
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, NULL);
    ck_assert_int_eq(qcow2_writer_put(w, 1, "x", 1, NULL), 0);
    ck_assert_int_eq(qcow2_writer_done_below(w, 130, NULL), 0); /* tables of 64: two are done */
    ck_assert_int_eq(qcow2_writer_put(w, 2, "x", 1, NULL), -1);
    ck_assert_int_eq(qcow2_writer_put(w, 127, "x", 1, NULL), -1);
    ck_assert_int_eq(qcow2_writer_put(w, 128, "x", 1, NULL), 0);
    ck_assert_int_eq(qcow2_writer_zero_run(w, 192, 64, NULL), 0); /* a whole table */
    ck_assert_int_eq(qcow2_writer_put(w, 129, "x", 1, NULL), 0);
    ck_assert_int_eq(qcow2_writer_zero(w, 192, NULL), -1);
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, NULL), 0);
    struct bytes b;
    b.data = qcow2_sink_memory_take(sink, &b.len);
    ck_assert_int_eq(judge(&b), QCOW2_OK);
    free(b.data);
}
END_TEST

/* The extension needs 32 bytes, which a long name may have taken. */
START_TEST(bitmap_beside_a_name)
{
    char name[377];
    memset(name, 'n', sizeof name);
    for (size_t len = 344; len <= 345; len++) {
        name[len] = '\0';
        struct qcow2_writer_options o = {.virtual_size = 4096,
                                         .cluster_bits = 9,
                                         .backing_name = name,
                                         .backing_format = "qcow2"};
        AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 1 << 20);
        AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, NULL);
        ck_assert_int_eq(qcow2_writer_bitmap(w, "b", 16, "\1", NULL), len == 344 ? 0 : -1);
        ck_assert_int_eq(qcow2_writer_finish(w, NULL, NULL), 0);
        name[len] = 'n';
    }
}
END_TEST

/* Five granules: what the caller has behind the last one does not get into the file. */
START_TEST(bitmap_ends_with_the_disk)
{
    static const struct {
        unsigned char bits, want; /* of the first byte */
        bool flag;                /* no cluster, a flag in the table */
    } rows[] = {{0xf5, 0x15, false}, {0xe0, 0x00, true}, {0x1f, 0xff, true}, {0xff, 0xff, true}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct qcow2_writer_options o = {.virtual_size = 5 << 16, .cluster_bits = 16};
        AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 1 << 20);
        AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, NULL);
        ck_assert_int_eq(qcow2_writer_bitmap(w, "b", 16, &rows[i].bits, NULL), 0);
        ck_assert_int_eq(qcow2_writer_finish(w, NULL, NULL), 0);
        struct bytes b;
        b.data = qcow2_sink_memory_take(sink, &b.len);
        uint64_t count;
        AUTO(mem) void *bits = image_bitmap(&b, "b", 16, &count);
        ck_assert_uint_eq(count, 5);
        ck_assert_uint_eq(*(unsigned char *)bits, rows[i].want);
        ck_assert_uint_eq(b.len, (rows[i].flag ? 6 : 7) * 65536);
        free(b.data);
    }
}
END_TEST

/* ---- sinks ---- */

/* Holds old data until it is written or zeroed. */
struct stale_sink {
    struct qcow2_sink sink;
    struct bytes bytes;
};

static int stale_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                       struct qcow2_fault *f)
{
    (void)f;
    struct bytes *b = &((struct stale_sink *)sink)->bytes;
    ck_assert_uint_le(offset + len, b->len);
    memcpy(b->data + offset, buf, len);
    return 0;
}

static int stale_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len, struct qcow2_fault *f)
{
    (void)f;
    struct bytes *b = &((struct stale_sink *)sink)->bytes;
    ck_assert_uint_le(offset + len, b->len);
    memset(b->data + offset, 0, len);
    return 0;
}

static int stale_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *f)
{
    (void)f;
    ((struct stale_sink *)sink)->bytes.len = size;
    return 0;
}

static const struct qcow2_sink_ops stale_ops = {
    .write = stale_write, .zero = stale_zero, .commit = stale_commit};

/* Old data shows through nowhere: the image reads as one written to a fresh sink. */
START_TEST(stale_sink)
{
    struct qcow2_writer_options o = {.virtual_size = 9 << 16, .cluster_bits = 16};
    char name[] = "stale";
    AUTO(mem) void *old = mem_alloc(4 << 20);
    memset(old, 0xaa, 4 << 20);
    struct stale_sink s = {.sink = {.ops = &stale_ops, .name = name}, .bytes = {old, 4 << 20}};
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(&s.sink, &o, NULL);
    ck_assert_int_eq(qcow2_writer_put(w, 3, "x", 1, NULL), 0);
    ck_assert_int_eq(qcow2_writer_bitmap(w, "b", 16, "\1\0", NULL), 0);
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, NULL), 0);
    ck_assert_int_eq(judge(&s.bytes), QCOW2_OK);
    /* The refcount table has one entry, the block as many ones as the file has clusters. */
    const unsigned char *data = s.bytes.data;
    uint64_t rt = be64_at(data, HDR_RT_OFFSET), block = be64_at(data, rt);
    for (size_t i = 8; i < 65536; i++)
        ck_assert_uint_eq(data[rt + i], 0);
    for (size_t i = 0; i < 65536 / 2; i++)
        ck_assert_uint_eq(be32_at(data, block + i / 2 * 4) >> (i % 2 ? 0 : 16) & 0xffff,
                          i < s.bytes.len / 65536);
}
END_TEST

START_TEST(pipe_is_refused)
{
    struct qcow2_writer_options o = {.virtual_size = 4096};
    char name[] = "pipe";
    struct stale_sink s = {.sink = {.ops = &stale_ops, .name = name, .sequential = true}};
    struct qcow2_fault f = {0};
    ck_assert_ptr_null(qcow2_writer_create_sink(&s.sink, &o, &f));
    ck_assert_int_eq(f.defect, QCOW2_USAGE);
    qcow2_fault_clear(&f);
}
END_TEST

/* What could not be written is not forgotten: no later call succeeds. */
START_TEST(failed_stays_failed)
{
    struct qcow2_writer_options o = {.virtual_size = 8 << 20, .cluster_bits = 20};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 6 << 20);
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, &f);
    ck_assert_int_eq(qcow2_writer_put(w, 0, "x", 1, &f), 0);
    ck_assert_int_eq(qcow2_writer_put(w, 1, "x", 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
    qcow2_fault_clear(&f);
    ck_assert_int_eq(qcow2_writer_zero(w, 2, NULL), -1);
    ck_assert_int_eq(qcow2_writer_bitmap(w, "b", 16, "", NULL), -1);
    ck_assert_int_eq(qcow2_writer_finish(w, NULL, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_USAGE);
    qcow2_fault_clear(&f);
}
END_TEST

/* ---- compressed clusters ---- */

/* Four that share a host cluster of 4 KiB: its refcount, no COPIED, neighbours without a gap. */
START_TEST(packed_side_by_side)
{
    static const struct {
        uint32_t refcount_bits;
        bool shares;
    } rows[] = {{16, true}, {8, true}, {1, false}};
    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        struct qcow2_writer_options o = {.virtual_size = 4 * 4096,
                                         .cluster_bits = 12,
                                         .refcount_bits = rows[r].refcount_bits,
                                         .compression = QCOW2_COMPRESSION_DEFLATE};
        AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", 1 << 20);
        AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, NULL);
        for (unsigned i = 0; i < 4; i++)
            ck_assert_int_eq(qcow2_writer_put_compressed(w, i, "abc", 3, NULL), 0);
        ck_assert_int_eq(qcow2_writer_finish(w, NULL, NULL), 0);
        struct bytes b;
        b.data = qcow2_sink_memory_take(sink, &b.len);
        uint64_t l2 = be64_at(b.data, be64_at(b.data, HDR_L1_OFFSET)) & QCOW2_OFFSET_MASK;
        uint64_t first = be64_at(b.data, l2), second = be64_at(b.data, l2 + 8);
        ck_assert_uint_eq(first >> 58, 0x10); /* compressed, one sector, not COPIED */
        ck_assert_uint_eq(second - first < 4096, rows[r].shares);
        ck_assert_uint_eq(b.len, (rows[r].shares ? 6 : 9) * 4096);
        if (rows[r].refcount_bits == 16) {
            uint64_t block = be64_at(b.data, be64_at(b.data, HDR_RT_OFFSET));
            ck_assert_uint_eq(be32_at(b.data, block + 8), 0x00010004); /* clusters 4 and 5 */
        }
        ck_assert_int_eq(judge(&b), QCOW2_OK);
        free(b.data);
    }
}
END_TEST

START_TEST(name_fits_exactly)
{
    char name[1025];
    memset(name, 'n', sizeof name);
    static const struct {
        uint32_t bits;
        size_t fits;
    } limits[] = {{9, 376}, {16, 1023}};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        for (size_t extra = 0; extra < 2; extra++) {
            name[limits[i].fits + extra] = '\0';
            struct qcow2_writer_options o = {.virtual_size = 4096,
                                             .cluster_bits = limits[i].bits,
                                             .backing_name = name,
                                             .backing_format = "qcow2"};
            size_t len;
            AUTO(mem) void *header = qcow2_writer_header(&o, &len, NULL);
            ck_assert_int_eq(header != NULL, extra == 0);
            name[limits[i].fits + extra] = 'n';
        }
    }
}
END_TEST

START_TEST(file_appears_whole)
{
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    struct qcow2_writer_options o = {.virtual_size = 2 * 4096, .cluster_bits = 12};
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create(path, &o, 0, &f);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(qcow2_writer_put(w, 1, "data", 4, &f), 0);
    ck_assert(!exists(folder, "x.qcow2"));
    uint64_t size;
    ck_assert_int_eq(qcow2_writer_finish(w, &size, &f), 0);
    ck_assert_uint_eq(leftovers(folder), 0);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(path);
    ck_assert_uint_eq(b.len, size);
    ck_assert_int_eq(judge(&b), QCOW2_OK);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    scratch_remove(folder);
}
END_TEST

START_TEST(abandoned_leaves_nothing)
{
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    struct qcow2_writer_options o = {.virtual_size = 2 * 4096, .cluster_bits = 12};
    struct qcow2_fault f = {0};
    struct qcow2_writer *w = qcow2_writer_create(path, &o, 0, &f);
    ck_assert_int_eq(qcow2_writer_put(w, 1, "data", 4, &f), 0);
    qcow2_writer_destroy(w);
    ck_assert(!exists(folder, "x.qcow2"));
    ck_assert_uint_eq(leftovers(folder), 0);
    scratch_remove(folder);
}
END_TEST

/* The space ends at every possible place: a failure, and nothing under the name. */
START_TEST(no_space)
{
    for (uint64_t room = 0; room <= 8 * 4096; room += 4096) {
        struct qcow2_writer_options o = {.virtual_size = 3 * 4096, .cluster_bits = 12};
        AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("m", room);
        struct qcow2_fault f = {0};
        AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create_sink(sink, &o, &f);
        int r = qcow2_writer_put(w, 2, "x", 1, &f);
        if (r == 0)
            r = qcow2_writer_put(w, 0, "x", 1, &f);
        if (r == 0)
            r = qcow2_writer_finish(w, NULL, &f);
        ck_assert_int_eq(r, room >= 7 * 4096 ? 0 : -1);
        if (r < 0) {
            ck_assert_int_eq(f.defect, QCOW2_NO_SPACE);
            ck_assert_int_eq(f.err.code, ERR_NO_SPACE);
        }
        qcow2_fault_clear(&f);
    }
}
END_TEST

START_TEST(file_size_limit)
{
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {6 * 4096, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct qcow2_writer_options o = {.virtual_size = 3 * 4096, .cluster_bits = 12};
    struct qcow2_fault f = {0};
    struct qcow2_writer *w = qcow2_writer_create(path, &o, 0, &f);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(qcow2_writer_put(w, 0, "x", 1, &f), 0);
    int r = qcow2_writer_put(w, 1, "x", 1, &f); /* or later: writes are gathered */
    if (r == 0)
        r = qcow2_writer_finish(w, NULL, &f);
    ck_assert_int_eq(r, -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    qcow2_fault_clear(&f);
    qcow2_writer_destroy(w);
    ck_assert(!exists(folder, "x.qcow2"));
    ck_assert_uint_eq(leftovers(folder), 0);
    scratch_remove(folder);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("qcow2.writer",
                      SUITE_LONG_CASE("writer", 60, EACH(options, option_rows), TEST(misuse),
                                      TEST(name_fits_exactly), TEST(file_appears_whole),
                                      TEST(abandoned_leaves_nothing), TEST(no_space),
                                      TEST(file_size_limit), RANGE(refusals, 0, 13),
                                      TEST(version_2_refuses), TEST(done_is_done),
                                      TEST(bitmap_beside_a_name), TEST(bitmap_ends_with_the_disk),
                                      TEST(stale_sink), TEST(pipe_is_refused),
                                      TEST(failed_stays_failed), TEST(packed_side_by_side)));
}
