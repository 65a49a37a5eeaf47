/* Rows about what stands in one image. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/engines.h"
#include "tests/unit/qcow2/rows.h"

/* Where qemu-img puts the first data cluster of a small disk. */
#define DATA_AT (5 * UINT64_C(65536))

START_TEST(no_bytes)
{
    struct scene s = scene_create();
    write_file(at(&s, "I1"), "", 0);
    ck_assert_int_eq(info(&s, "I1"), 1);
    ck_assert_int_eq(convert(&s, "I1"), 1);

    refused(&s, "F I1<F", QCOW2_HDR_SHORT);
    scene_finish(&s);
}
END_TEST

START_TEST(truncated)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    remember(&s, "I1");
    cut(&s, "I1", DATA_AT + 3 * ROWS_CS); /* clusters 7 and 15 are lost */
    ck_assert_int_eq(info(&s, "I1"), 0);
    ck_assert_int_eq(check(&s, "I1"), 2);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(shows(&s, "out.raw", "AABBAAB.AA00...."));

    refused(&s, "F I1<F", QCOW2_LENGTH);
    refused(&s, "? F I1", QCOW2_L2_ENTRY);
    scene_finish(&s);
}
END_TEST

START_TEST(payload_flip)
{
    struct scene s = scene_create();
    rebase_chained(&s);
    remember(&s, "I1");
    poke(&s, "I1", DATA_AT + 77, "b", 1);
    ck_assert_int_eq(check(&s, "I1"), 0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(!shows(&s, "out.raw", "AABBAABBAA00...B"));

    refused(&s, "F I1<F", QCOW2_DIGEST);
    as_qemu(&s, "? F I1"); /* data has no checksum: without a digest nobody can see it */
    scene_finish(&s);
}
END_TEST

START_TEST(corrupt_flag)
{
    struct scene s = scene_create();
    poke(&s, "I1", HDR_INCOMPATIBLE + 7, "\2", 1);
    ck_assert_int_eq(info(&s, "I1"), 0);
    ck_assert_int_eq(rebase(&s, "I1", "F"), 1);
    ck_assert_int_eq(convert(&s, "I1"), 0);

    refused(&s, "F I1<F", QCOW2_POLICY_CORRUPT);
    scene_finish(&s);
}
END_TEST

START_TEST(encrypted)
{
    struct scene s = scene_create();
    const char *const create[] = {
        "qemu-img",   "create",
        "-f",         "qcow2",
        "--object",   "secret,id=s,data=abc",
        "-o",         "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
        at(&s, "I1"), "1M",
        NULL};
    /* It measures how fast this machine derives keys, and gives up when that takes no time or too
     * long. */
    int r = 1;
    for (unsigned i = 0; i < 20 && r != 0; i++)
        r = run_tool(create);
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(rebase(&s, "I1", "F"), 1);
    ck_assert_int_eq(convert(&s, "I1"), 1);

    refused(&s, "F I1<F", QCOW2_POLICY_ENCRYPTED);
    scene_finish(&s);
}
END_TEST

START_TEST(compressed_increment)
{
    struct scene s = scene_create();
    draw(&s, "plain", NULL, "..BB..BB.......B");
    ck_assert_int_eq(
        run_tool((const char *const[]){"qemu-img", "convert", "-c", "-f", "qcow2", "-O", "qcow2",
                                       at(&s, "plain"), at(&s, "I1"), NULL}),
        0);
    ck_assert_int_eq(rebase(&s, "I1", "F"), 0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(shows(&s, "out.raw", "AABBAABBAAAA...B")); /* holes stay holes */

    right(&s, "F I1<F", "AABBAABBAAAA...B");
    scene_finish(&s);
}
END_TEST

START_TEST(zero_cluster)
{
    struct scene s = scene_create();
    draw(&s, "I1", NULL, "00.0............");
    ck_assert_int_eq(rebase(&s, "I1", "F"), 0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(shows(&s, "out.raw", "..A.AAAAAAAA....")); /* zeros win over the parent */

    right(&s, "F I1<F", "..A.AAAAAAAA....");
    scene_finish(&s);
}
END_TEST

START_TEST(zeros_in_version_2)
{
    struct scene s = scene_create();
    draw(&s, "I1", "compat=0.10,cluster_size=64k", "00.0..B.........");
    ck_assert_int_eq(rebase(&s, "I1", "F"), 0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(shows(&s, "out.raw", "AAAAAABAAAAA....")); /* the parent shows through */

    refused(&s, "F I1<F", QCOW2_POLICY_V2);
    refused(&s, "? F I1", QCOW2_POLICY_V2);
    scene_finish(&s);
}
END_TEST

static void write_a_part(struct scene *s, const char *name)
{
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-io", "-f", "qcow2", "-c",
                                                    "write -P 67 69632 4096", at(s, name), NULL}),
                     0);
}

START_TEST(partial_cluster)
{
    struct scene s = scene_create();
    draw(&s, "I1", NULL, "................");
    write_a_part(&s, "I1");
    ck_assert_int_eq(rebase(&s, "I1", "F"), 0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    AUTO(str) char *lost = shown(&s, "out.raw");
    ck_assert_str_eq(lost, "A.AAAAAAAAAA...."); /* the rest of the cluster is zeros */
    /* A whole cluster of data, of which most is zeros: that is what the file says, and no reader
     * can know that the writer meant something else. */
    as_qemu(&s, "F I1<F");

    /* With the backing file recorded, the writer fills the rest from there. */
    ck_assert_int_eq(
        run_tool((const char *const[]){"qemu-img", "create", "-f", "qcow2", "-F", "qcow2", "-b",
                                       at(&s, "F"), at(&s, "R1"), NULL}),
        0);
    write_a_part(&s, "R1");
    ck_assert_int_eq(convert(&s, "R1"), 0);
    AUTO(str) char *kept = shown(&s, "out.raw");
    ck_assert_str_eq(kept, ROWS_F);
    ck_assert(!shows(&s, "out.raw", ROWS_F));
    as_qemu(&s, "F R1<F");
    scene_finish(&s);
}
END_TEST

START_TEST(external_data_file)
{
    struct scene s = scene_create();
    AUTO(str) char *options = mem_printf("cluster_size=64k,data_file=%s", at(&s, "data"));
    draw(&s, "I1", options, ROWS_I1);
    ck_assert_int_eq(info(&s, "I1"), 0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(shows(&s, "out.raw", ROWS_I1)); /* out of the other file */

    refused(&s, "F I1<F", QCOW2_POLICY_DATA_FILE);
    scene_finish(&s);
}
END_TEST

static void names_another_file(const char *format, const char *how)
{
    struct scene s = scene_create();
    write_raw(&s, "secret", "SSSSSSSSSSSSSSSS");
    AUTO(str) char *name = mem_printf(how, at(&s, "secret"));
    ck_assert_int_eq(run_tool((const char *const[]){"qemu-img", "rebase", "-u", "-f", "qcow2", "-F",
                                                    format, "-b", name, at(&s, "I1"), NULL}),
                     0);
    ck_assert_int_eq(convert(&s, "I1"), 0);
    ck_assert(shows(&s, "out.raw", "SSBBSSBBSS00SSSB")); /* a foreign file, copied out */

    refused(&s, "I1", QCOW2_POLICY_BACKING);
    right(&s, "F I1<F I2<I1", ROWS_RIGHT); /* in an increment the name is a remark */
    scene_finish(&s);
}

START_TEST(backing_path)
{
    names_another_file("raw", "%s");
}
END_TEST

START_TEST(backing_json)
{
    names_another_file("raw", "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\","
                              "\"filename\":\"%s\"}}");
}
END_TEST

void rows_of_images(Suite *s)
{
    TCase *tc = tcase_create("images");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, no_bytes);
    tcase_add_test(tc, truncated);
    tcase_add_test(tc, payload_flip);
    tcase_add_test(tc, corrupt_flag);
    tcase_add_test(tc, encrypted);
    tcase_add_test(tc, compressed_increment);
    tcase_add_test(tc, zero_cluster);
    tcase_add_test(tc, zeros_in_version_2);
    tcase_add_test(tc, partial_cluster);
    tcase_add_test(tc, external_data_file);
    tcase_add_test(tc, backing_path);
    tcase_add_test(tc, backing_json);
    suite_add_tcase(s, tc);
}
