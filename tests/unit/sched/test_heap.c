/* The heap of later events, against a plain search. */
#include "sched/heap.h"

#include "base/prng.h"
#include "tests/unit/sched/world.h"
#include "tests/unit/suite.h"

enum { EVENTS = 200, ROUNDS = 20000 };

static struct event *first_by_search(struct event *events)
{
    struct event *first = NULL;
    for (size_t i = 0; i < EVENTS; i++) {
        struct event *e = &events[i];
        if (e->place != PLACE_HEAP)
            continue;
        if (!first || e->at_ns < first->at_ns ||
            (e->at_ns == first->at_ns && e->number < first->number))
            first = e;
    }
    return first;
}

START_TEST(model)
{
    struct event events[EVENTS] = {0};
    struct heap heap = {0};
    struct prng prng;
    uint64_t number = 0;

    prng_init(&prng, (uint64_t)_i, "heap");
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct event *e = &events[prng_below(&prng, EVENTS)];
        if (e->place == PLACE_HEAP) {
            heap_remove(&heap, e);
        } else {
            e->at_ns = (int64_t)prng_below(&prng, 40) - 20;
            e->number = number++;
            heap_push(&heap, e);
        }
        ck_assert_ptr_eq(heap_first(&heap), first_by_search(events));
    }
    while (heap.count > 0) {
        struct event *first = first_by_search(events);
        ck_assert_ptr_eq(heap_first(&heap), first);
        heap_remove(&heap, first);
        ck_assert_int_eq(first->place, PLACE_NOWHERE);
    }
    ck_assert_ptr_null(heap_first(&heap));
    heap_finish(&heap);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("heap", SUITE_LONG_CASE("heap", 60, RANGE(model, 0, 4)));
}
