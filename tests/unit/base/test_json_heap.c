#include "base/json_heap.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/suite.h"

/* Sizes on both sides of each border: a unit, a head, the longest that is held, malloc's. */
static const size_t sizes[] = {0, 1, 8, 9, 16, 24, 25, 40, 41, 56, 128, 248, 249, 256, 257, 5000};

START_TEST(blocks_do_not_overlap)
{
    size_t size = sizes[_i];
    unsigned char *blocks[64];

    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        blocks[i] = json_heap_take(size);
        ck_assert_msg((uintptr_t)blocks[i] % 16 == 0, "%zu bytes: not aligned", size);
        memset(blocks[i], (int)i, size);
    }
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        for (size_t k = 0; k < size; k++)
            ck_assert_msg(blocks[i][k] == i, "%zu bytes: written by another", size);
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        json_heap_give(blocks[i]);
}
END_TEST

START_TEST(takes_freed_blocks_again)
{
    void *a = json_heap_take(30), *b = json_heap_take(30), *again;

    json_heap_give(NULL);
    json_heap_give(a);
    json_heap_give(b);
    again = json_heap_take(25); /* of the same class */
    ck_assert_ptr_eq(again, b);
    ck_assert_ptr_eq(json_heap_take(40), a);
    json_heap_give(again);
    json_heap_give(a);
}
END_TEST

START_TEST(no_memory_is_said)
{
    ck_assert_ptr_null(json_heap_take(SIZE_MAX));
    ck_assert_ptr_null(json_heap_take(SIZE_MAX - 8));
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.json_heap",
                      SUITE_CASE("json_heap", EACH(blocks_do_not_overlap, sizes),
                                 TEST(takes_freed_blocks_again), TEST(no_memory_is_said)));
}
