/* The values are frozen: a trace of a seed must stay the same for ever, whichever compiler built
 * it. */
#include "base/prng.h"

#include <string.h>

#include "tests/unit/suite.h"

START_TEST(stream_is_frozen)
{
    static const uint64_t want[] = {UINT64_C(0x075328376b29586a), UINT64_C(0xbdbf880f34165d8b),
                                    UINT64_C(0x370e82b35310cce7), UINT64_C(0x61468d288ca41dd4)};
    struct prng p;

    prng_init(&p, 7, "names");
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        ck_assert_uint_eq(prng_next(&p), want[i]);
}
END_TEST

START_TEST(hash_is_frozen)
{
    ck_assert_uint_eq(prng_hash(0, ""), UINT64_C(0x5b21f68ffa77f14c));
    ck_assert_uint_eq(prng_hash(42, "store"), UINT64_C(0x7f8f8e4b26911299));
}
END_TEST

START_TEST(names_and_uuids_are_frozen)
{
    char text[37];
    struct prng p;

    prng_init(&p, 7, "names");
    prng_name(&p, text, 5);
    ck_assert_str_eq(text, "sft99");
    prng_name(&p, text, 10);
    ck_assert_str_eq(text, "jrbsv4f8jd");
    prng_name(&p, text, 0);
    ck_assert_str_eq(text, "");
    prng_init(&p, 1, "uuid");
    prng_uuid(&p, text);
    ck_assert_str_eq(text, "be1ab1ec-7b97-4e84-b24a-b75f76c0bec5");
    prng_uuid(&p, text);
    ck_assert_str_eq(text, "da9b84f6-af90-4b23-aef8-e4bf28f3f75d");
}
END_TEST

START_TEST(below_is_in_range)
{
    static const uint64_t want[] = {4, 3, 6, 1, 9, 3, 1, 3, 9, 2};
    unsigned seen[3] = {0};
    struct prng p;

    prng_init(&p, 1, "below");
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        ck_assert_uint_eq(prng_below(&p, 10), want[i]);
    for (int i = 0; i < 3000; i++)
        seen[prng_below(&p, 3)]++;
    for (int i = 0; i < 3; i++)
        ck_assert(seen[i] > 900 && seen[i] < 1100);
    ck_assert_uint_eq(prng_below(&p, 1), 0);
}
END_TEST

START_TEST(fill_does_not_depend_on_byte_order)
{
    static const unsigned char want[] = {0x0a, 0x50, 0xd3, 0x7d, 0x39, 0x4f,
                                         0x99, 0x17, 0x34, 0x9d, 0x4e};
    unsigned char got[sizeof want];
    struct prng p;

    prng_init(&p, 3, "fill");
    prng_fill(&p, got, sizeof got);
    ck_assert_mem_eq(got, want, sizeof want);
}
END_TEST

START_TEST(labels_have_streams_of_their_own)
{
    struct prng a, b, c;

    prng_init(&a, 1, "a");
    prng_init(&b, 1, "b");
    prng_init(&c, 2, "a");
    ck_assert(prng_next(&a) != prng_next(&b));
    prng_init(&a, 1, "a");
    ck_assert(prng_next(&a) != prng_next(&c));
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.prng",
                      SUITE_CASE("prng", TEST(stream_is_frozen), TEST(hash_is_frozen),
                                 TEST(names_and_uuids_are_frozen), TEST(below_is_in_range),
                                 TEST(fill_does_not_depend_on_byte_order),
                                 TEST(labels_have_streams_of_their_own)));
}
