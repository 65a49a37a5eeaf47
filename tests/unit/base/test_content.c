/* The bytes are frozen: an image written by one build is compared by another. Digests are tested
 * along. */
#include "base/content.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "tests/unit/suite.h"

static const struct golden {
    uint64_t seed, block;
    uint32_t version;
    const char *sha256;
} golden[] = {
    {1, 2, 3, "a529ce7d7e5ecd497536de43f6d6b8450779f443576686acbf8bdb1f7baacefa"},
    {UINT64_MAX, UINT64_MAX, UINT32_MAX,
     "43a6e95a7a41c69009c4f14c458694751bc7247bfb81cf99318dcbfae8f0b298"},
    /* 4096 zeros */
    {9, 9, 0, "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7"},
};

START_TEST(bytes_are_frozen)
{
    const struct golden *g = &golden[_i];
    unsigned char block[CONTENT_BLOCK];
    char hex[DIGEST_HEX];

    content_fill(g->seed, g->block, g->version, block);
    digest_of(block, sizeof block, hex);
    ck_assert_str_eq(hex, g->sha256);
    ck_assert(content_is(g->seed, g->block, g->version, block));
    block[CONTENT_BLOCK - 1] ^= 1;
    ck_assert(!content_is(g->seed, g->block, g->version, block));
}
END_TEST

START_TEST(a_block_says_what_it_is)
{
    unsigned char block[CONTENT_BLOCK];
    uint64_t seed = 0, number = 0;
    uint32_t version = 0;

    content_fill(5, 6, 7, block);
    ck_assert(content_identify(block, &seed, &number, &version));
    ck_assert_uint_eq(seed, 5);
    ck_assert_uint_eq(number, 6);
    ck_assert_uint_eq(version, 7);
    ck_assert(!content_is(5, 6, 8, block));
    ck_assert(!content_is(5, 7, 7, block));
    ck_assert(!content_is(4, 6, 7, block));
    for (size_t i = 0; i < 32; i++) { /* any damage of the header shows */
        block[i] ^= 0x10;
        ck_assert(!content_identify(block, &seed, &number, &version));
        block[i] ^= 0x10;
    }
    content_fill(5, 6, CONTENT_VERSION_NEVER, block);
    ck_assert(!content_identify(block, &seed, &number, &version));
}
END_TEST

START_TEST(zeros)
{
    unsigned char buf[100] = {0};

    ck_assert(content_is_zero(buf, 0));
    ck_assert(content_is_zero(buf, sizeof buf));
    for (size_t i = 0; i < sizeof buf; i++) {
        buf[i] = 1;
        ck_assert(!content_is_zero(buf, sizeof buf));
        buf[i] = 0;
    }
}
END_TEST

START_TEST(digests)
{
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    AUTO(digest) struct digest *d = digest_create();
    struct err e = {0};
    char hex[DIGEST_HEX], path[] = "/tmp/vmconform-digest-XXXXXX";
    uint64_t size = 0;
    int fd = mkstemp(path);

    digest_add(d, "a", 1);
    digest_add(d, "", 0);
    digest_add(d, "bc", 2);
    digest_hex(d, hex);
    ck_assert_str_eq(hex, abc);
    digest_hex(d, hex); /* began anew: nothing added */
    ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_of(NULL, 0, hex);
    ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ck_assert_int_eq(write(fd, "abc", 3), 3);
    close(fd);
    ck_assert_int_eq(digest_of_file(path, hex, &size, &e), 0);
    ck_assert_str_eq(hex, abc);
    ck_assert_uint_eq(size, 3);
    unlink(path);
    ck_assert_int_eq(digest_of_file(path, hex, NULL, &e), -1);
    ck_assert_int_eq(e.code, ERR_NOT_FOUND);
    err_clear(&e);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.content",
                      SUITE_CASE("content", EACH(bytes_are_frozen, golden),
                                 TEST(a_block_says_what_it_is), TEST(zeros), TEST(digests)));
}
