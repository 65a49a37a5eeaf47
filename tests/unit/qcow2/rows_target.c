/* Rows about targets: what is left of old data, what does not fit, what a full file system leaves
 * behind. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/qcow2/engines.h"
#include "tests/unit/qcow2/medium.h"
#include "tests/unit/qcow2/rows.h"

#define OLD "OOOOOOOOOOOOOOOO"

/* `convert` of the chained I2 to a target, with options. */
static int convert_to(struct scene *s, const char *target, const char *a, const char *b)
{
    const char *argv[12] = {"qemu-img", "convert", "-f", "qcow2", "-O", "raw"};
    size_t n = 6;
    if (a)
        argv[n++] = a;
    if (b)
        argv[n++] = b;
    argv[n++] = at(s, "I2");
    argv[n++] = target;
    return run_tool(argv);
}

/* Flattens F, I1, I2; the sink is owned. */
static enum qcow2_defect flatten_to(struct scene *s, struct qcow2_sink *sink_take,
                                    const struct qcow2_flatten_options *o,
                                    struct qcow2_flatten_stats *ret)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    AUTO(qcow2_sink) struct qcow2_sink *sink = sink_take;
    ck_assert_ptr_nonnull(sink);
    AUTO(qcow2_chain) struct qcow2_chain *chain = open_list(s, "F I1<F I2<I1", &f);
    ck_assert_msg(chain != NULL, "%s", f.err.msg);
    qcow2_flatten(chain, sink, o, ret, &f);
    return f.defect;
}

static struct qcow2_sink *in_place(const char *path)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    struct qcow2_sink *sink = qcow2_sink_in_place(path, QCOW2_SINK_NO_SYNC, &f);
    ck_assert_msg(sink != NULL, "%s", f.err.msg);
    return sink;
}

static struct qcow2_sink *new_file(const char *path)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    struct qcow2_sink *sink = qcow2_sink_file(path, QCOW2_SINK_NO_SYNC, &f);
    ck_assert_msg(sink != NULL, "%s", f.err.msg);
    return sink;
}

/* What a device or file holds. */
static void holds(const char *path, const char *layout)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO(str) char *got = mem_alloc(ROWS_CS);
    for (size_t i = 0; layout[i]; i++) {
        ck_assert_int_eq(pread(fd, got, ROWS_CS, (off_t)(i * ROWS_CS)), ROWS_CS);
        char want = layout[i] == '.' || layout[i] == '0' ? 0 : layout[i];
        size_t k = 0; /* no assertion for every byte: each costs a system call */
        while (k < ROWS_CS && got[k] == want)
            k++;
        ck_assert_msg(k == ROWS_CS, "%s: byte %zu of cluster %zu is %d, expected %d", path, k, i,
                      got[k % ROWS_CS], want);
    }
}

/* A loop device with a raw file of that layout under it; path NULL: this machine has none. */
static struct loop_device device(struct scene *s, const char *layout)
{
    write_raw(s, "device", layout);
    return loop_attach(at(s, "device"));
}

START_TEST(dirty_file)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    write_raw(&s, "out.raw", OLD);
    ck_assert_int_eq(convert_to(&s, at(&s, "out.raw"), "-n", NULL), 0);
    ck_assert(shows(&s, "out.raw", ROWS_RIGHT));
    write_raw(&s, "out.raw", OLD);
    ck_assert_int_eq(convert_to(&s, at(&s, "out.raw"), NULL, NULL), 0);
    ck_assert(shows(&s, "out.raw", ROWS_RIGHT));

    write_raw(&s, "ours", OLD);
    ck_assert_int_eq(flatten_to(&s, in_place(at(&s, "ours")), NULL, NULL), QCOW2_OK);
    ck_assert(shows(&s, "ours", ROWS_RIGHT));
    write_raw(&s, "ours", OLD);
    ck_assert_int_eq(flatten_to(&s, new_file(at(&s, "ours")), NULL, NULL), QCOW2_OK);
    ck_assert(shows(&s, "ours", ROWS_RIGHT));
    scene_finish(&s);
}
END_TEST

START_TEST(dirty_device)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    struct loop_device d = device(&s, OLD);
    if (d.path) {
        ck_assert_int_eq(convert_to(&s, d.path, NULL, NULL), 0);
        holds(d.path, ROWS_RIGHT);
        ck_assert_int_eq(convert_to(&s, d.path, "-n", NULL), 0);
        holds(d.path, ROWS_RIGHT);
    }
    loop_detach(&d);

    d = device(&s, OLD);
    if (d.path) {
        ck_assert_int_eq(flatten_to(&s, in_place(d.path), NULL, NULL), QCOW2_OK);
        holds(d.path, ROWS_RIGHT);
    }
    loop_detach(&d);
    scene_finish(&s);
}
END_TEST

START_TEST(target_is_zero)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    write_raw(&s, "out.raw", OLD);
    ck_assert_int_eq(convert_to(&s, at(&s, "out.raw"), "-n", "--target-is-zero"), 0);
    AUTO(str) char *left = shown(&s, "out.raw");
    ck_assert_ptr_nonnull(strchr(left, 'O')); /* where zeros belong */

    /* There is no such promise to make: a sink says itself whether it is fresh. */
    AUTO(qcow2_sink) struct qcow2_sink *sink = in_place(at(&s, "out.raw"));
    ck_assert(!sink->fresh);
    ck_assert_int_eq(flatten_to(&s, TAKE(sink), NULL, NULL), QCOW2_OK);
    ck_assert(shows(&s, "out.raw", ROWS_RIGHT));
    scene_finish(&s);
}
END_TEST

START_TEST(target_smaller)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    struct loop_device d = device(&s, "OOOOOOOO");
    if (d.path) {
        ck_assert_int_eq(convert_to(&s, d.path, NULL, NULL), 1);
        ck_assert_int_eq(flatten_to(&s, in_place(d.path), NULL, NULL), QCOW2_TARGET_SMALL);
        holds(d.path, "OOOOOOOO");
    }
    loop_detach(&d);

    write_raw(&s, "ours", "OOOOOOOO");
    ck_assert_int_eq(convert_to(&s, at(&s, "ours"), "-n", NULL), 1);
    ck_assert_int_eq(flatten_to(&s, in_place(at(&s, "ours")), NULL, NULL), QCOW2_TARGET_SMALL);
    ck_assert(shows(&s, "ours", "OOOOOOOO")); /* refused before a byte was written */
    scene_finish(&s);
}
END_TEST

static const struct {
    enum qcow2_tail tail;
    enum qcow2_defect want;
    const char *holds;
    uint64_t told;
} tails[] = {
    {QCOW2_TAIL_ZERO, QCOW2_OK, ROWS_RIGHT "....", 4 * ROWS_CS},
    {QCOW2_TAIL_LEAVE, QCOW2_OK, ROWS_RIGHT "OOOO", 4 * ROWS_CS},
    {QCOW2_TAIL_REFUSE, QCOW2_TARGET_TAIL, OLD "OOOO", 0},
};

START_TEST(target_larger)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    struct loop_device d = device(&s, OLD "OOOO");
    if (d.path) {
        ck_assert_int_eq(convert_to(&s, d.path, NULL, NULL), 0);
        holds(d.path, ROWS_RIGHT "OOOO"); /* the tail is not touched */
    }
    loop_detach(&d);

    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        struct qcow2_flatten_options o = {.tail = tails[i].tail};
        struct qcow2_flatten_stats stats = {0};
        write_raw(&s, "ours", OLD "OOOO");
        ck_assert_int_eq(flatten_to(&s, in_place(at(&s, "ours")), &o, &stats), tails[i].want);
        ck_assert(shows(&s, "ours", tails[i].holds));
        ck_assert_uint_eq(stats.tail_bytes, tails[i].told);
        d = device(&s, OLD "OOOO");
        if (d.path) {
            ck_assert_int_eq(flatten_to(&s, in_place(d.path), &o, NULL), tails[i].want);
            holds(d.path, tails[i].holds);
        }
        loop_detach(&d);
    }
    scene_finish(&s);
}
END_TEST

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

START_TEST(file_system_full)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    const char *small = at(&s, "small");
    ck_assert_int_eq(mkdir(small, 0700), 0);
    if (mount_small(small, "size=384k")) {
        const char *out = at(&s, "small/out.raw");
        ck_assert_int_eq(convert_to(&s, out, NULL, NULL), 1);
        struct stat st;
        ck_assert_int_eq(stat(out, &st), 0);
        ck_assert_int_eq(st.st_size, 16 * ROWS_CS); /* of full length, and not the disk */
        ck_assert_int_eq(unlink(out), 0);

        ck_assert_int_eq(flatten_to(&s, new_file(out), NULL, NULL), QCOW2_NO_SPACE);
        ck_assert(!exists(out));
        ck_assert_uint_eq(leftovers(small), 0);
        unmount_small(small);
    }
    scene_finish(&s);
}
END_TEST

static uint64_t allocated(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

START_TEST(fully_allocated)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    ck_assert_int_eq(convert_to(&s, at(&s, "out.raw"), "-S", "0"), 0);
    ck_assert(shows(&s, "out.raw", ROWS_RIGHT));
    ck_assert_uint_ge(allocated(at(&s, "out.raw")), 16 * ROWS_CS);

    struct qcow2_flatten_options o = {.allocate = true};
    ck_assert_int_eq(flatten_to(&s, new_file(at(&s, "ours")), &o, NULL), QCOW2_OK);
    ck_assert(shows(&s, "ours", ROWS_RIGHT));
    ck_assert_uint_ge(allocated(at(&s, "ours")), 16 * ROWS_CS);
    ck_assert_int_eq(flatten_to(&s, new_file(at(&s, "ours")), NULL, NULL), QCOW2_OK);
    ck_assert(shows(&s, "ours", ROWS_RIGHT));
    ck_assert_uint_lt(allocated(at(&s, "ours")), 16 * ROWS_CS); /* holes otherwise */
    scene_finish(&s);
}
END_TEST

void rows_of_targets(Suite *s)
{
    TCase *tc = tcase_create("targets");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, dirty_file);
    tcase_add_test(tc, dirty_device);
    tcase_add_test(tc, target_is_zero);
    tcase_add_test(tc, target_smaller);
    tcase_add_test(tc, target_larger);
    tcase_add_test(tc, file_system_full);
    tcase_add_test(tc, fully_allocated);
    suite_add_tcase(s, tc);
}
