#include "qcow2/writer.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <signal.h>

#include "base/mem.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/support.h"

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
    AUTO(str) char *partial = mem_printf("%s.partial", path);
    ck_assert_int_eq(symlink("/etc/passwd", partial), 0); /* left by someone unfriendly */
    struct qcow2_writer_options o = {.virtual_size = 2 * 4096, .cluster_bits = 12};
    struct qcow2_fault f = {0};
    AUTO(qcow2_writer) struct qcow2_writer *w = qcow2_writer_create(path, &o, 0, &f);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(qcow2_writer_put(w, 1, "data", 4, &f), 0);
    ck_assert(!exists(folder, "x.qcow2"));
    uint64_t size;
    ck_assert_int_eq(qcow2_writer_finish(w, &size, &f), 0);
    ck_assert(!exists(folder, "x.qcow2.partial"));
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
    ck_assert(!exists(folder, "x.qcow2.partial"));
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
    ck_assert_int_eq(qcow2_writer_put(w, 1, "x", 1, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    qcow2_fault_clear(&f);
    qcow2_writer_destroy(w);
    ck_assert(!exists(folder, "x.qcow2"));
    ck_assert(!exists(folder, "x.qcow2.partial"));
    scratch_remove(folder);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("qcow2.writer");
    TCase *tc = tcase_create("writer");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, options, 0, (int)ARRAY_LEN(option_rows));
    tcase_add_test(tc, misuse);
    tcase_add_test(tc, name_fits_exactly);
    tcase_add_test(tc, file_appears_whole);
    tcase_add_test(tc, abandoned_leaves_nothing);
    tcase_add_test(tc, no_space);
    tcase_add_test(tc, file_size_limit);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
