/* The queue of events that are not due yet: a binary heap by (time, posting number). Inside sched/
 * only. */
#ifndef VMCONFORM_SCHED_HEAP_H
#define VMCONFORM_SCHED_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum event_place {
    PLACE_NOWHERE, /* not pending */
    PLACE_HEAP,    /* due later */
    PLACE_READY,   /* due now */
    PLACE_URGENT,  /* a crashed actor, which runs before all others */
    PLACE_NEVER,   /* pending, but without a time */
};

enum event_kind { EVENT_ACTOR, EVENT_CALL };

/* Embedded in what it resumes or calls. */
struct event {
    int64_t at_ns;
    uint64_t number; /* posting number: unique, orders events of the same time */
    enum event_place place;
    enum event_kind kind;
    size_t heap_index;       /* with PLACE_HEAP */
    TAILQ_ENTRY(event) link; /* with PLACE_READY and PLACE_URGENT */
};
TAILQ_HEAD(event_list, event);

/* Keys lie beside the pointers: sifting touches no event but those it moves. */
struct heap_entry {
    int64_t at_ns;
    uint64_t number;
    struct event *event;
};

/* Zero-initialise. */
struct heap {
    struct heap_entry *entries;
    size_t count, cap;
};

void heap_finish(struct heap *h);
void heap_push(struct heap *h, struct event *e);
/* The first event; NULL when empty. */
static inline struct event *heap_first(const struct heap *h)
{
    return h->count > 0 ? h->entries[0].event : NULL;
}
/* Wherever in the heap it is. */
void heap_remove(struct heap *h, struct event *e);

#endif
