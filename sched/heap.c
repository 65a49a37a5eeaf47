#include "sched/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

static inline bool before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static inline void place(struct heap *h, size_t i, struct heap_entry entry)
{
    h->entries[i] = entry;
    entry.event->heap_index = i;
}

static void sift_up(struct heap *h, size_t i, struct heap_entry entry)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (!before(&entry, &h->entries[parent]))
            break;
        place(h, i, h->entries[parent]);
        i = parent;
    }
    place(h, i, entry);
}

static void sift_down(struct heap *h, size_t i, struct heap_entry entry)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && before(&h->entries[child + 1], &h->entries[child]))
            child++;
        if (!before(&h->entries[child], &entry))
            break;
        place(h, i, h->entries[child]);
        i = child;
    }
    place(h, i, entry);
}

void heap_finish(struct heap *h)
{
    free(h->entries);
    *h = (struct heap){0};
}

void heap_push(struct heap *h, struct event *e)
{
    if (h->count == h->cap)
        h->entries = mem_grow(h->entries, &h->cap, h->count + 1, sizeof *h->entries);
    e->place = PLACE_HEAP;
    sift_up(h, h->count++, (struct heap_entry){e->at_ns, e->number, e});
}

void heap_remove(struct heap *h, struct event *e)
{
    size_t i = e->heap_index;
    struct heap_entry last;

    assert(e->place == PLACE_HEAP);
    assert(i < h->count);
    assert(h->entries[i].event == e);
    e->place = PLACE_NOWHERE;
    last = h->entries[--h->count];
    if (i == h->count)
        return;
    if (i > 0 && before(&last, &h->entries[(i - 1) / 2]))
        sift_up(h, i, last);
    else
        sift_down(h, i, last);
}
