/* The other engine must agree: what we write passes `qemu-img check` and converts to the same
 * bytes; what qemu writes (compressed, subclusters, version 2, other widths) we read as qemu does;
 * what is damaged we refuse where qemu-img shrugs. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/compare.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/support.h"
#include "tests/unit/suite.h"

static int qemu_img(const char *a, const char *b, const char *c, const char *d, const char *e,
                    const char *f, const char *g, const char *h)
{
    return run_tool((const char *const[]){"qemu-img", a, b, c, d, e, f, g, h, NULL});
}

static int check_file(const char *path)
{
    return qemu_img("check", "-q", "-f", "qcow2", path, NULL, NULL, NULL);
}

static void write_bytes(const char *folder, const char *name, const struct bytes *b)
{
    AUTO(str) char *path = mem_printf("%s/%s", folder, name);
    write_file(path, b->data, b->len);
}

/* Our reading of a chain of files equals a raw file. */
static void same_files_as_raw(const char *const *paths, size_t count, const char *raw,
                              const char *what)
{
    struct qcow2_fault f = {0};
    struct qcow2_image *images[16] = {NULL};
    for (size_t i = 0; i < count; i++) {
        images[i] = qcow2_image_open_file(paths[i], NULL, &f);
        ck_assert_msg(images[i] != NULL, "%s: %s", what, f.err.msg ? f.err.msg : "");
    }
    struct qcow2_chain_options lax = {.accept_base_backing = true, .accept_v2_increments = true};
    struct qcow2_chain *chain = qcow2_chain_open(images, count, &lax, &f);
    ck_assert_msg(chain != NULL, "%s: %s", what, f.err.msg ? f.err.msg : "");
    same_as_raw(chain, raw, what);
    qcow2_chain_destroy(chain);
    for (size_t i = 0; i < count; i++)
        qcow2_image_destroy(images[i]);
}

static const struct shape_row {
    const char *name;
    struct qcow2_writer_options options;
    const char *layout;
} shapes[] = {
    {"kubevirt's", {.cluster_bits = 18}, "A.0B"},
    {"nothing at all", {.cluster_bits = 18}, "...."},
    {"512 bytes", {.cluster_bits = 9}, "A.0B..C"},
    {"2 MiB", {.cluster_bits = 21}, "A.0"},
    {"version 2", {.cluster_bits = 16, .version = 2}, "A..B"},
    {"refcounts of 1 bit", {.cluster_bits = 12, .refcount_bits = 1}, "ABC0"},
    {"refcounts of 2 bits", {.cluster_bits = 12, .refcount_bits = 2}, "ABC0"},
    {"refcounts of 4 bits", {.cluster_bits = 12, .refcount_bits = 4}, "ABC0"},
    {"refcounts of 8 bits", {.cluster_bits = 12, .refcount_bits = 8}, "ABC0"},
    {"refcounts of 32 bits", {.cluster_bits = 12, .refcount_bits = 32}, "ABC0"},
    {"refcounts of 64 bits", {.cluster_bits = 12, .refcount_bits = 64}, "ABC0"},
    {"size not whole clusters", {.cluster_bits = 16, .virtual_size = 3 * 65536 - 512}, "A0B"},
};

START_TEST(shapes_pass_check)
{
    const struct shape_row *row = &shapes[_i];
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    AUTO(str) char *raw = mem_printf("%s/x.raw", folder);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b =
        make_image(row->options.cluster_bits, row->layout, &row->options);
    write_bytes(folder, "x.qcow2", &b);
    ck_assert_msg(check_file(path) == 0, "%s: check", row->name);
    ck_assert_int_eq(qemu_img("convert", "-f", "qcow2", "-O", "raw", path, raw, NULL), 0);
    same_files_as_raw((const char *const[]){path}, 1, raw, row->name);
    scratch_remove(folder);
}
END_TEST

/* Refcount blocks beyond the first, and a table of more than one cluster. */
START_TEST(many_refcount_blocks)
{
    static const uint32_t widths[] = {16, 64, 1};
    enum { CLUSTERS = 20000 };
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    AUTO(str) char *layout = mem_zalloc(CLUSTERS + 1);
    for (size_t i = 0; i < CLUSTERS; i++)
        layout[i] = "AB0."[i % 4];
    struct qcow2_writer_options o = {.refcount_bits = widths[_i]};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(9, layout, &o);
    write_bytes(folder, "x.qcow2", &b);
    ck_assert_int_eq(judge(&b), QCOW2_OK);
    ck_assert_int_eq(check_file(path), 0);
    scratch_remove(folder);
}
END_TEST

/* An image of ours differs from an empty one of qemu's in nothing. */
START_TEST(same_header_as_qemu)
{
    static const struct {
        const char *options, *name;
        struct qcow2_writer_options ours;
    } rows[] = {
        {"cluster_size=256k", NULL, {.cluster_bits = 18}},
        {"cluster_size=64k", NULL, {.cluster_bits = 16}},
        {"cluster_size=512", NULL, {.cluster_bits = 9}},
        {"cluster_size=64k,compat=0.10", NULL, {.cluster_bits = 16, .version = 2}},
        {"cluster_size=256k", "/x/y.qcow2", {.cluster_bits = 18, .backing_format = "qcow2"}},
    };
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/q.qcow2", folder);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct qcow2_writer_options o = rows[i].ours;
        o.virtual_size = 64 << 20;
        o.backing_name = rows[i].name;
        if (rows[i].name)
            ck_assert_int_eq(run_tool((const char *const[]){
                                 "qemu-img", "create", "-u", "-f", "qcow2", "-F", "qcow2", "-b",
                                 rows[i].name, "-o", rows[i].options, path, "64M", NULL}),
                             0);
        else
            ck_assert_int_eq(
                qemu_img("create", "-f", "qcow2", "-o", rows[i].options, path, "64M", NULL), 0);
        __attribute__((cleanup(cleanup_bytes))) struct bytes theirs = read_file(path);
        size_t len;
        AUTO(mem) void *header = qcow2_writer_header(&o, &len, NULL);
        const unsigned char *ours = header;
        /* Tables lie elsewhere where their sizes differ: compare the rest. */
        for (size_t at = 0; at < len; at++)
            if (at < HDR_L1_SIZE || at >= HDR_SNAPSHOTS)
                ck_assert_msg(ours[at] == theirs.data[at], "%s: byte %zu", rows[i].options, at);
    }
    scratch_remove(folder);
}
END_TEST

/* ---- a chain of ours, flattened by qemu ---- */

static void rebase_all(char **paths, size_t count)
{
    for (size_t i = 1; i < count; i++)
        ck_assert_int_eq(
            run_tool((const char *const[]){"qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2",
                                           "-b", paths[i - 1], paths[i], NULL}),
            0);
}

static void check_chain(struct disk_model *d, char **paths, size_t count, const char *folder)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(str) char *raw = mem_printf("%s/c%zu.raw", folder, i);
        ck_assert_int_eq(qemu_img("convert", "-f", "qcow2", "-O", "raw", paths[i], raw, NULL), 0);
        same_files_as_raw((const char *const *)paths, i + 1, raw, raw);
        /* And with the rule, which neither engine has seen. */
        struct qcow2_fault f = {0};
        AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_open(raw, 0, &f);
        struct qcow2_io_view a;
        struct qcow2_moment_view b;
        struct qcow2_comparison c;
        ck_assert_int_eq(qcow2_compare(qcow2_view_io(&a, io),
                                       qcow2_view_moment(&b, disk_checkpoint_at(d, i)), NULL, &c,
                                       &f),
                         0);
        ck_assert(qcow2_comparison_same(&c));
        qcow2_comparison_finish(&c);
    }
}

START_TEST(chain_agrees)
{
    enum { COUNT = 6 };
    static const uint32_t bits[] = {18, 16, 9};
    struct prng prng;
    prng_init(&prng, (uint64_t)_i, "chain agrees");
    AUTO(disk) struct disk_model *d = disk_create(11, 1003);
    char *folder = scratch_create();
    char *paths[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        for (unsigned k = 0; k < 5 && i != 3; k++) { /* 3: an empty increment */
            uint64_t block = prng_below(&prng, 1003), rest = 1003 - block;
            uint64_t count = 1 + prng_below(&prng, rest < 200 ? rest : 200);
            if (k < 4)
                disk_write(d, block, count);
            else
                disk_zero(d, block, count);
        }
        if (i == 4)
            disk_resize(d, 1003 + 100);
        char name[16];
        snprintf(name, sizeof name, "c%zu", i);
        disk_checkpoint(d, name);
        struct qcow2_layer_options o = {.cluster_bits = bits[_i], .scatter_seed = i};
        if (i > 0) {
            o.backing_name = "/var/lib/kubevirt/cbt/root.qcow2";
            o.backing_format = "qcow2";
        }
        __attribute__((cleanup(cleanup_bytes))) struct bytes b =
            make_layer(i ? disk_checkpoint_at(d, i - 1) : NULL, disk_checkpoint_at(d, i), &o);
        paths[i] = mem_printf("%s/%zu.qcow2", folder, i);
        write_file(paths[i], b.data, b.len);
        ck_assert_int_eq(qemu_img("info", "-f", "qcow2", paths[i], NULL, NULL, NULL, NULL), 0);
        ck_assert_int_eq(judge(&b), i ? QCOW2_POLICY_BACKING : QCOW2_OK);
    }
    rebase_all(paths, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(check_file(paths[i]), 0);
    check_chain(d, paths, COUNT, folder);
    for (size_t i = 0; i < COUNT; i++)
        free(paths[i]);
    scratch_remove(folder);
}
END_TEST

/* ---- images of qemu's ---- */

static const struct theirs_row {
    const char *name, *options;
    bool compressed;
} theirs_rows[] = {
    {"plain", "cluster_size=64k", false},
    {"version 2", "compat=0.10", false},
    {"subclusters", "extended_l2=on", false},
    {"subclusters of 512 bytes", "extended_l2=on,cluster_size=16k", false},
    {"deflate", "cluster_size=64k", true},
    {"deflate, 512 bytes", "cluster_size=512", true},
    {"deflate, 4 KiB", "cluster_size=4k", true},
    {"deflate, 2 MiB", "cluster_size=2M", true},
    {"deflate, version 2", "compat=0.10", true},
    {"zstd", "compression_type=zstd", true},
    {"zstd, 2 MiB", "compression_type=zstd,cluster_size=2M", true},
    {"zstd, subclusters", "compression_type=zstd,extended_l2=on", true},
    {"refcounts of 1 bit", "refcount_bits=1", false},
    {"refcounts of 64 bits", "refcount_bits=64", true},
    {"lazy refcounts", "lazy_refcounts=on", false},
    {"preallocated", "preallocation=metadata", false},
};

static void make_raw(const char *path, unsigned seed)
{
    enum { BLOCKS = 1500 };
    AUTO(disk) struct disk_model *d = disk_create(seed, BLOCKS);
    disk_write(d, 3, 100);
    disk_write(d, 700, 300);
    disk_write(d, BLOCKS - 1, 1);
    AUTO(disk_moment) struct disk_moment *m = disk_now(d);
    AUTO(str) char *raw = mem_alloc(BLOCKS * DISK_BLOCK);
    disk_read(m, 0, raw, BLOCKS * DISK_BLOCK);
    for (size_t i = 800 * DISK_BLOCK; i < 900 * DISK_BLOCK; i++)
        raw[i] = (char)(i / 700); /* something that compresses */
    write_file(path, raw, BLOCKS * DISK_BLOCK - 512 * 3);
}

START_TEST(reads_what_qemu_writes)
{
    const struct theirs_row *row = &theirs_rows[_i];
    char *folder = scratch_create();
    AUTO(str) char *in = mem_printf("%s/in.raw", folder);
    AUTO(str) char *path = mem_printf("%s/q.qcow2", folder);
    AUTO(str) char *out = mem_printf("%s/out.raw", folder);
    make_raw(in, 5);
    const char *const convert[] = {"qemu-img",
                                   "convert",
                                   "-f",
                                   "raw",
                                   "-O",
                                   "qcow2",
                                   "-o",
                                   row->options,
                                   in,
                                   path,
                                   row->compressed ? "-c" : NULL,
                                   NULL};
    ck_assert_msg(run_tool(convert) == 0, "%s", row->name);
    same_files_as_raw((const char *const[]){path}, 1, in, row->name);
    /* Then small writes, zeroes and discards from a guest. */
    int r = run_tool((const char *const[]){"qemu-io", "-f", "qcow2", "-d", "unmap", "-c",
                                           "write -P 7 1000448 3072", "-c",
                                           "write -z 2097152 70000", "-c", "write -P 9 5000k 512",
                                           "-c", "discard 3M 128k", path, NULL});
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(qemu_img("convert", "-f", "qcow2", "-O", "raw", path, out, NULL), 0);
    same_files_as_raw((const char *const[]){path}, 1, out, row->name);
    scratch_remove(folder);
}
END_TEST

/* qemu-io writes compressed clusters whose last descriptor ends behind the end of the file. */
START_TEST(compressed_tail_past_the_end)
{
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/q.qcow2", folder);
    AUTO(str) char *out = mem_printf("%s/out.raw", folder);
    ck_assert_int_eq(qemu_img("create", "-f", "qcow2", path, "1M", NULL, NULL, NULL), 0);
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-io", "-f", "qcow2", "-c",
                                                    "write -c -P 3 64k 64k", path, NULL}),
                     0);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(path);
    ck_assert_uint_ne(b.len % 512, 0);
    ck_assert_int_eq(qemu_img("convert", "-f", "qcow2", "-O", "raw", path, out, NULL), 0);
    same_files_as_raw((const char *const[]){path}, 1, out, "tail");
    scratch_remove(folder);
}
END_TEST

/* ---- refused here, taken there ---- */

static const struct refused_row {
    const char *name;
    const char *const argv[10]; /* PATH stands for the image */
    enum qcow2_defect want;
} refused[] = {
    {"snapshot", {"qemu-img", "snapshot", "-c", "s1", "PATH"}, QCOW2_POLICY_SNAPSHOTS},
    {"data file",
     {"qemu-img", "create", "-f", "qcow2", "-o", "data_file=DATA", "PATH", "1M"},
     QCOW2_POLICY_DATA_FILE},
    {"AES", /* LUKS too is refused, but qemu-img times its key function while creating and fails on
               a busy machine */
     {"qemu-img", "create", "-f", "qcow2", "--object", "secret,id=s,data=abc", "-o",
      "encrypt.format=aes,encrypt.key-secret=s", "PATH", "1M"},
     QCOW2_POLICY_ENCRYPTED},
    {"bitmap", {"qemu-img", "bitmap", "--add", "PATH", "b0"}, QCOW2_OK},
};

START_TEST(refuses_as_a_layer)
{
    const struct refused_row *row = &refused[_i];
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/q.qcow2", folder);
    AUTO(str) char *data = mem_printf("data_file=%s/data", folder);
    ck_assert_int_eq(qemu_img("create", "-f", "qcow2", path, "1M", NULL, NULL, NULL), 0);
    const char *argv[11] = {0};
    for (size_t i = 0; i < 10 && row->argv[i]; i++) {
        argv[i] = row->argv[i];
        if (strcmp(argv[i], "PATH") == 0)
            argv[i] = path;
        if (strcmp(argv[i], "data_file=DATA") == 0)
            argv[i] = data;
    }
    ck_assert_int_eq(run_tool(argv), 0);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(path);
    enum qcow2_defect got = judge(&b);
    ck_assert_msg(got == row->want, "%s: %s", row->name, qcow2_defect_code(got));
    scratch_remove(folder);
}
END_TEST

int main(void)
{
    if (skip_without_qemu())
        return SKIPPED;
    return SUITE_MAIN(
        "qcow2.qemu",
        SUITE_LONG_CASE("qemu", 120, EACH(shapes_pass_check, shapes),
                        RANGE(many_refcount_blocks, 0, 3), TEST(same_header_as_qemu),
                        RANGE(chain_agrees, 0, 3), EACH(reads_what_qemu_writes, theirs_rows),
                        TEST(compressed_tail_past_the_end), EACH(refuses_as_a_layer, refused)));
}
