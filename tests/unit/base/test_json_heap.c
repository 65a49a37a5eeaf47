#include "base/json_heap.h"

#include <pthread.h>
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

#define MANY 4000 /* more than a chunk holds */

static void take_all(void **blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = json_heap_take(100);
        memset(blocks[i], (int)i, 100);
    }
}

/* Once nothing is left, blocks follow each other in memory again, however they were freed. */
START_TEST(memory_is_whole_again)
{
    static void *blocks[MANY];
    size_t steps = 0;

    json_heap_settle();
    take_all(blocks, MANY);
    for (size_t i = 0; i < MANY; i++)
        json_heap_give(blocks[i * 1237 % MANY]);
    json_heap_settle();
    take_all(blocks, MANY);
    for (size_t i = 1; i < MANY; i++)
        steps += (uintptr_t)blocks[i] - (uintptr_t)blocks[i - 1] <= 128;
    ck_assert_uint_gt(steps, MANY * 9 / 10);
    for (size_t i = 0; i < MANY; i++)
        json_heap_give(blocks[i]);
}
END_TEST

/* A value that stays keeps what is around it; its neighbours can be had again, and none twice. */
START_TEST(what_stays_is_left_alone)
{
    static void *blocks[MANY], *again[MANY];

    take_all(blocks, MANY);
    for (size_t i = 0; i < MANY; i++)
        if (i % 500 != 7)
            json_heap_give(blocks[i]);
    json_heap_settle();
    take_all(again, MANY);
    for (size_t i = 0; i < MANY; i++)
        for (size_t k = 0; k < 100; k++)
            ck_assert_msg(((unsigned char *)again[i])[k] == (unsigned char)i,
                          "%zu: written by another", i);
    for (size_t i = 7; i < MANY; i += 500)
        for (size_t k = 0; k < 100; k++)
            ck_assert_msg(((unsigned char *)blocks[i])[k] == (unsigned char)i, "%zu: given away",
                          i);
    for (size_t i = 7; i < MANY; i += 500)
        json_heap_give(blocks[i]);
    for (size_t i = 0; i < MANY; i++)
        json_heap_give(again[i]);
}
END_TEST

static void *free_elsewhere(void *block)
{
    void *mine;

    json_heap_give(block);
    json_heap_settle();
    mine = json_heap_take(100); /* the same, where the heap is ours */
    memset(mine, 'm', 100);
    return mine;
}

/* What another thread has freed is its own: the thread that cut it must not fill it again. */
START_TEST(blocks_change_threads)
{
    static void *blocks[MANY];
    unsigned char *theirs;
    pthread_t thread;

    json_heap_settle();
    ck_assert_int_eq(pthread_create(&thread, NULL, free_elsewhere, json_heap_take(100)), 0);
    ck_assert_int_eq(pthread_join(thread, (void **)&theirs), 0);
    json_heap_settle();
    take_all(blocks, MANY);
    for (size_t k = 0; k < 100; k++)
        ck_assert_int_eq(theirs[k], 'm');
    for (size_t i = 0; i < MANY; i++)
        json_heap_give(blocks[i]);
    json_heap_give(theirs);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.json_heap",
                      SUITE_CASE("json_heap", EACH(blocks_do_not_overlap, sizes),
                                 TEST(takes_freed_blocks_again), TEST(memory_is_whole_again),
                                 TEST(what_stays_is_left_alone), TEST(blocks_change_threads),
                                 TEST(no_memory_is_said)));
}
