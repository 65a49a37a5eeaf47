/* The mutator: the same seed gives the same mutant, it stays inside its buffer, and mutants get
 * deep: a share of them opens, a share of those has another map. Without that a fuzzer looks busy
 * and tries nothing but the door. */
#include <string.h>

#include "base/mem.h"
#include "fuzz/qcow2_fuzz.h"
#include "fuzz/qcow2_mutate.h"
#include "fuzz/qcow2_seeds.h"
#include "tests/unit/suite.h"

enum { MUTANTS = 300, ROOM = 4096 };

struct mutant {
    uint8_t *bytes;
    size_t len;
};

static struct mutant mutate(const uint8_t *image, size_t len, size_t room, uint64_t seed)
{
    struct mutant m = {.bytes = mem_alloc(len + room + 1)};
    memcpy(m.bytes, image, len);
    m.bytes[len + room] = 0x5a;
    m.len = qcow2_mutate(m.bytes, len, len + room, image, len, seed);
    ck_assert_uint_le(m.len, len + room);
    ck_assert_uint_eq(m.bytes[len + room], 0x5a);
    return m;
}

static uint8_t *draw_image(uint64_t seed, size_t *ret_len)
{
    struct prng p;
    struct seed_shape shape;
    prng_init(&p, seed, "test-mutate");
    seed_shape_draw(&shape, &p);
    return seed_image(&shape, seed, ret_len);
}

START_TEST(same_seed_same_mutant)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        size_t len = 0;
        AUTO(mem) void *image = draw_image(seed, &len);
        struct mutant a = mutate(image, len, ROOM, seed);
        struct mutant b = mutate(image, len, ROOM, seed);
        ck_assert_uint_eq(a.len, b.len);
        ck_assert_int_eq(memcmp(a.bytes, b.bytes, a.len), 0);
        free(a.bytes);
        free(b.bytes);
    }
}
END_TEST

START_TEST(any_length)
{
    size_t len = 0;
    AUTO(mem) void *image = draw_image(3, &len);
    for (size_t cut = 0; cut < 300; cut++) {
        AUTO(mem) void *piece = mem_dup(image, cut);
        free(mutate(piece, cut, cut % 3 ? ROOM : 0, cut).bytes);
    }
}
END_TEST

START_TEST(mutants_get_deep)
{
    unsigned changed = 0, opened = 0, mapped = 0;
    for (uint64_t seed = 0; seed < MUTANTS; seed++) {
        size_t len = 0;
        AUTO(mem) void *image = draw_image(seed, &len);
        struct mutant m = mutate(image, len, ROOM, seed);
        struct fuzz_input input = {.flags = FUZZ_LAX_POLICY | FUZZ_LAX_CHAIN, .count = 1};
        input.layers[0] = (struct fuzz_layer){.bytes = m.bytes, .len = m.len};
        AUTO(fuzz_chain) struct fuzz_chain c;
        fuzz_chain_open(&c, &input);
        changed += m.len != len || memcmp(m.bytes, image, len) != 0;
        opened += c.count;
        mapped += c.chain != NULL;
        free(m.bytes);
    }
    ck_assert_msg(changed > MUTANTS * 85 / 100, "%u of %u changed", changed, MUTANTS);
    ck_assert_msg(opened > MUTANTS * 50 / 100, "%u of %u opened", opened, MUTANTS);
    ck_assert_msg(mapped > MUTANTS * 30 / 100, "%u of %u mapped", mapped, MUTANTS);
    ck_assert_msg(mapped < MUTANTS * 70 / 100, "%u of %u mapped", mapped, MUTANTS);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("fuzz.mutate", SUITE_LONG_CASE("mutate", 60, TEST(same_seed_same_mutant),
                                                     TEST(any_length), TEST(mutants_get_deep)));
}
