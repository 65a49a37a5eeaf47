/* Rows about chains: rebase, parents, order, sizes, depth. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/qcow2/engines.h"
#include "tests/unit/qcow2/rows.h"

START_TEST(chained_rebase)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    ck_assert_int_eq(convert(&s, "I2"), 0);
    ck_assert(shows(&s, "out.raw", ROWS_RIGHT));

    right(&s, "F I1<F I2<I1", ROWS_RIGHT);
    scene_finish(&s);
}
END_TEST

START_TEST(flat_rebase)
{
    struct scene s = scene_create();
    ck_assert_int_eq(rebase(&s, "I1", "F"), 0);
    ck_assert_int_eq(rebase(&s, "I2", "F"), 0);
    ck_assert_int_eq(convert(&s, "I2"), 0);
    ck_assert(shows(&s, "out.raw", "AAACCACAAAAA...C")); /* I1 is missing */

    refused(&s, "F I2<I1", QCOW2_CHAIN_GAP);
    right(&s, "F I1<F I2<I1", ROWS_RIGHT); /* whatever the headers name */
    scene_finish(&s);
}
END_TEST

START_TEST(no_rebase)
{
    struct scene s = scene_create();
    ck_assert_int_eq(convert(&s, "I2"), 0);
    ck_assert(shows(&s, "out.raw", ROWS_I2)); /* zeros outside the increment */

    refused(&s, "I2<I1", QCOW2_CHAIN_HEAD);
    right(&s, "? I2", ROWS_I2); /* nothing declared: nothing in the file tells it from a full one */
    scene_finish(&s);
}
END_TEST

START_TEST(safe_rebase)
{
    struct scene s = scene_create();
    remember(&s, "F");
    remember(&s, "I1");
    right(&s, "F I1<F", "AABBAABBAA00...B");
    AUTO(str) char *copy = mem_printf("%s/I1.copy", s.folder);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(at(&s, "I1"));
    write_file(copy, b.data, b.len);
    ck_assert_int_eq(
        run_tool((const char *const[]){"qemu-img", "rebase", "-f", "qcow2", "-F", "qcow2", "-b",
                                       at(&s, "F"), at(&s, "I1"), NULL}),
        0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(shows(&s, "out.raw", ROWS_I1)); /* zeros were written into the increment */

    /* We never write to a layer; who did is found out. */
    enum qcow2_defect got = answer(&s, "F I1<F", NULL);
    ck_assert(got == QCOW2_LENGTH || got == QCOW2_DIGEST);
    write_file(at(&s, "I1"), b.data, b.len);
    right(&s, "F I1<F", "AABBAABBAA00...B");
    scene_finish(&s);
}
END_TEST

START_TEST(missing_format)
{
    struct scene s = scene_create();
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-img", "rebase", "-u", "-f", "qcow2", "-b",
                                                    at(&s, "F"), at(&s, "I1"), NULL}),
                     1);

    right(&s, "F I1<F I2<I1", ROWS_RIGHT); /* no rebase, no format to forget */
    scene_finish(&s);
}
END_TEST

START_TEST(parent_does_not_exist)
{
    struct scene s = scene_create();
    ck_assert_int_eq(rebase(&s, "I1", "nowhere"), 0);
    ck_assert_int_eq(convert(&s, "I1"), 1);

    right(&s, "F I1<F I2<I1", ROWS_RIGHT); /* the name is never opened */
    refused(&s, "F I1<nowhere I2<I1", QCOW2_CHAIN_GAP);
    ck_assert_int_eq(unlink(at(&s, "I1")), 0);
    AUTO(str) char *gone = mem_printf("%s", at(&s, "I1"));
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    ck_assert_ptr_null(open_list(&s, "F I1<F I2<I1", &f));
    ck_assert_ptr_nonnull(strstr(f.err.msg, gone)); /* a missing file is told by its name */
    scene_finish(&s);
}
END_TEST

START_TEST(wrong_full)
{
    struct scene s = scene_create();
    remember(&s, "F");
    remember(&s, "I1");
    remember(&s, "I2");
    draw(&s, "F", NULL, "XXXXXXXXXXXX....");
    rebase_chained(&s);
    ck_assert_int_eq(convert(&s, "I2"), 0);
    ck_assert(shows(&s, "out.raw", "XXBCCXCBXX00...C"));

    refused(&s, "F I1<F I2<I1", QCOW2_DIGEST);
    /* Without digests no reader can tell one full backup from another of its size. */
    right(&s, "? F I1 I2", "XXBCCXCBXX00...C");
    scene_finish(&s);
}
END_TEST

START_TEST(swapped_order)
{
    struct scene s = scene_create();
    ck_assert_int_eq(rebase(&s, "I2", "F"), 0);
    ck_assert_int_eq(rebase(&s, "I1", "I2"), 0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(shows(&s, "out.raw", "AABBCABBAA00...B"));

    refused(&s, "F I2<I1 I1<F", QCOW2_CHAIN_ORDER);
    right(&s, "? F I2 I1", "AABBCABBAA00...B"); /* nothing declared: as qemu */
    scene_finish(&s);
}
END_TEST

/* ---- descriptors ---- */

static struct rlimit limit_files(rlim_t most)
{
    struct rlimit old, now;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    now = (struct rlimit){most < old.rlim_max ? most : old.rlim_max, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
    return old;
}

START_TEST(cycle)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    ck_assert_int_eq(rebase(&s, "F", "I2"), 0);
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-img", "info", "-f", "qcow2",
                                                    "--backing-chain", at(&s, "I2"), NULL}),
                     1);
    /* It opens and opens: with many descriptors until somebody kills it, with few until they end.
     */
    struct rlimit old = limit_files(64);
    ck_assert_int_eq(convert(&s, "I2"), 1);
    setrlimit(RLIMIT_NOFILE, &old);

    refused(&s, "F<I2 I1<F I2<I1", QCOW2_CHAIN_CYCLE);
    /* Well declared, a base with a name in it is still no base. */
    refused(&s, "F I1<F I2<I1", QCOW2_POLICY_BACKING);
    scene_finish(&s);
}
END_TEST

enum { DEEP = 300 };

static enum qcow2_defect flatten_deep(char **paths, struct bytes *ret)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    static struct qcow2_declared declared[DEEP];
    static struct qcow2_io *ios[DEEP];
    for (size_t i = 0; i < DEEP; i++) {
        declared[i] = (struct qcow2_declared){
            .name = paths[i], .id = paths[i], .length = QCOW2_LENGTH_UNKNOWN};
        declared[i].parent = i ? paths[i - 1] : NULL;
        declared[i].type = i ? QCOW2_DECLARED_INCREMENT : QCOW2_DECLARED_FULL;
        ios[i] = qcow2_io_open(paths[i], 0, &f);
        if (ios[i])
            continue;
        while (i-- > 0)
            qcow2_io_destroy(ios[i]);
        return f.defect;
    }
    AUTO(qcow2_chain)
    struct qcow2_chain *chain = qcow2_resolve(declared, ios, DEEP, NULL, NULL, &f);
    if (chain && ret)
        flatten_bytes(chain, ret, &f);
    return f.defect;
}

/* A process of its own with 256 descriptors: 0 when we say which limit was met. */
static int flatten_with_few(char **paths)
{
    pid_t pid = fork();
    if (pid == 0) {
        limit_files(256);
        _exit(flatten_deep(paths, NULL) == QCOW2_IO ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* 300 spawns of create and of rebase would say no more: these are made by our writer, each with the
 * name of the one before. Cluster i % 32 of layer i is of its own letter. */
static void make_deep(struct scene *s, char **paths, char want[33])
{
    memset(want, 0, 33);
    for (unsigned i = 0; i < DEEP; i++) {
        AUTO(str) char *name = mem_printf("L%u", i);
        paths[i] = mem_strdup(at(s, name));
        char layout[33] = "................................";
        layout[i * 7 % 32] = (char)('A' + i % 26);
        want[i * 7 % 32] = layout[i * 7 % 32];
        struct qcow2_writer_options o = {0};
        if (i > 0) {
            o.backing_name = paths[i - 1];
            o.backing_format = "qcow2";
        }
        __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(16, layout, &o);
        write_file(paths[i], b.data, b.len);
    }
}

START_TEST(three_hundred_layers)
{
    struct scene s = scene_empty();
    char *paths[DEEP], want[33];
    make_deep(&s, paths, want);
    struct rlimit old = limit_files(DEEP + 128);
    AUTO(str) char *last = mem_printf("L%d", DEEP - 1);
    ck_assert_int_eq(convert(&s, last), 0);
    ck_assert(shows(&s, "out.raw", want));
    limit_files(256);
    ck_assert_int_eq(convert(&s, last), 1);
    limit_files(DEEP + 128);

    __attribute__((cleanup(cleanup_bytes))) struct bytes got = {0};
    ck_assert_int_eq(flatten_deep(paths, &got), QCOW2_OK);
    __attribute__((cleanup(cleanup_bytes))) struct bytes theirs = {0};
    ck_assert_int_eq(convert(&s, last), 0);
    theirs = read_file(at(&s, "out.raw"));
    must_be_same(&got, &theirs, "300 layers");
    ck_assert_int_eq(flatten_with_few(paths), 0);
    setrlimit(RLIMIT_NOFILE, &old);
    for (size_t i = 0; i < DEEP; i++)
        free(paths[i]);
    scene_finish(&s);
}
END_TEST

/* ---- sizes ---- */

START_TEST(increment_larger)
{
    struct scene s = scene_create();
    draw(&s, "I2", NULL, "...CC.C........C..D.");
    rebase_chained(&s);
    ck_assert_int_eq(convert(&s, "I2"), 0);
    ck_assert(shows(&s, "out.raw", ROWS_RIGHT "..D."));

    right(&s, "F I1<F I2<I1", ROWS_RIGHT "..D.");
    scene_finish(&s);
}
END_TEST

START_TEST(increment_smaller)
{
    struct scene s = scene_create();
    draw(&s, "I2", NULL, "...CC.C.");
    rebase_chained(&s);
    ck_assert_int_eq(convert(&s, "I2"), 0);
    ck_assert(shows(&s, "out.raw", "AABCCACB")); /* the rest is gone */

    refused(&s, "F I1<F I2<I1", QCOW2_CHAIN_SHRUNK);
    refused(&s, "? F I1 I2", QCOW2_CHAIN_SHRUNK);
    scene_finish(&s);
}
END_TEST

START_TEST(empty_increment)
{
    struct scene s = scene_create();
    draw(&s, "I2", NULL, "................");
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = read_file(at(&s, "I2"));
    ck_assert_uint_eq(b.len, 196616);
    rebase_chained(&s);
    ck_assert_int_eq(convert(&s, "I2"), 0);
    ck_assert(shows(&s, "out.raw", "AABBAABBAA00...B"));

    right(&s, "F I1<F I2<I1", "AABBAABBAA00...B");
    scene_finish(&s);
}
END_TEST

/* ---- names ---- */

START_TEST(name_with_a_colon)
{
    struct scene s = scene_create();
    ck_assert_int_eq(rename(at(&s, "F"), at(&s, "a:b")), 0);
    AUTO(fd) int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(chdir(s.folder), 0);
    /* As the image, and as the backing name: a protocol that nobody knows. */
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-img", "convert", "-f", "qcow2", "-O",
                                                    "raw", "a:b", "out.raw", NULL}),
                     1);
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-img", "rebase", "-u", "-f", "qcow2", "-F",
                                                    "qcow2", "-b", "a:b", "I1", NULL}),
                     0);
    ck_assert_int_eq(convert(&s, "I1"), 1);
    ck_assert_int_eq(convert(&s, "a:b"), 0); /* an absolute path */

    /* A name is a name. */
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    AUTO(qcow2_image) struct qcow2_image *image = qcow2_image_open_file("a:b", NULL, &f);
    ck_assert_ptr_nonnull(image);
    ck_assert_int_eq(fchdir(here), 0);
    right(&s, "a:b I1<a:b I2<I1", ROWS_RIGHT);
    scene_finish(&s);
}
END_TEST

void rows_of_chains(Suite *s)
{
    TCase *tc = tcase_create("chains");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, chained_rebase);
    tcase_add_test(tc, flat_rebase);
    tcase_add_test(tc, no_rebase);
    tcase_add_test(tc, safe_rebase);
    tcase_add_test(tc, missing_format);
    tcase_add_test(tc, parent_does_not_exist);
    tcase_add_test(tc, wrong_full);
    tcase_add_test(tc, swapped_order);
    tcase_add_test(tc, cycle);
    tcase_add_test(tc, increment_larger);
    tcase_add_test(tc, increment_smaller);
    tcase_add_test(tc, empty_increment);
    tcase_add_test(tc, name_with_a_colon);
    tcase_add_test(tc, three_hundred_layers);
    suite_add_tcase(s, tc);
}
