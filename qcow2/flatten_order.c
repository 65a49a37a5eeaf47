/* A sink that takes one thread only: the others read windows ahead into a ring of slots, and the
 * calling thread writes them as they come in order. */
#include <assert.h>

#include "base/mem.h"
#include "qcow2/flatten_priv.h"

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_READY };

struct slot {
    struct flatten_window window;
    enum slot_state state;
};

struct ring {
    struct flatten *f;
    struct slot *slots;
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t claimed, written; /* pieces */
    unsigned readers;          /* that may still claim one */
    bool stop;
};

/* The slot of the next piece, claimed in the order of the slots; NULL: nothing more to read. */
static struct slot *next_to_fill(struct ring *r, struct flatten_piece *ret_piece)
{
    struct slot *slot = NULL;
    pthread_mutex_lock(&r->lock);
    while (!r->stop && r->slots[r->claimed % r->count].state != SLOT_FREE)
        pthread_cond_wait(&r->changed, &r->lock);
    if (!r->stop && flatten_claim(r->f, ret_piece)) {
        slot = &r->slots[r->claimed++ % r->count];
        assert(slot->state == SLOT_FREE);
        assert(r->claimed - r->written <= r->count);
        slot->state = SLOT_FILLING;
    }
    pthread_mutex_unlock(&r->lock);
    return slot;
}

static void set_state(struct ring *r, struct slot *slot, enum slot_state state)
{
    pthread_mutex_lock(&r->lock);
    /* free, filling, ready, and free again */
    assert(slot->state == (state == SLOT_READY ? SLOT_FILLING : SLOT_READY));
    slot->state = state;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void *read_ahead(void *arg)
{
    struct ring *r = arg;
    struct flatten_piece piece;
    struct slot *slot;
    while ((slot = next_to_fill(r, &piece))) {
        struct qcow2_fault fault = {0};
        if (flatten_window_read(&slot->window, &r->f->rules, &piece, &fault) < 0)
            flatten_fail(r->f, &fault);
        set_state(r, slot, SLOT_READY);
    }
    pthread_mutex_lock(&r->lock);
    assert(r->readers > 0);
    r->readers--;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* The slot of the next piece to write; NULL: the readers have ended and all is written. */
static struct slot *next_to_write(struct ring *r)
{
    struct slot *slot = &r->slots[r->written % r->count];
    pthread_mutex_lock(&r->lock);
    while (slot->state != SLOT_READY && (r->readers > 0 || r->written < r->claimed))
        pthread_cond_wait(&r->changed, &r->lock);
    if (slot->state != SLOT_READY)
        slot = NULL;
    else
        r->written++;
    assert(r->written <= r->claimed);
    pthread_mutex_unlock(&r->lock);
    return slot;
}

static void write_behind(struct ring *r)
{
    struct slot *slot;
    while ((slot = next_to_write(r))) {
        struct qcow2_fault fault = {0};
        if (flatten_failed(r->f))
            return;
        if (flatten_window_write(&slot->window, r->f, &fault) < 0) {
            flatten_fail(r->f, &fault);
            return;
        }
        set_state(r, slot, SLOT_FREE);
        flatten_progress(r->f, false);
    }
}

static void stop_readers(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void ring_run(struct ring *r, unsigned readers)
{
    pthread_t ids[FLATTEN_THREADS_MAX];
    r->readers = readers; /* before any of them can end */
    unsigned started = flatten_start(ids, readers, read_ahead, r);
    pthread_mutex_lock(&r->lock);
    r->readers -= readers - started;
    pthread_mutex_unlock(&r->lock);
    write_behind(r);
    stop_readers(r);
    for (unsigned i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
}

void flatten_in_order(struct flatten *f, unsigned threads)
{
    struct ring r = {.f = f, .count = threads + 1};
    assert(threads >= 2 && threads <= FLATTEN_THREADS_MAX);
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.changed, NULL);
    r.slots = mem_zalloc(r.count * sizeof(*r.slots));
    for (size_t i = 0; i < r.count; i++)
        flatten_window_init(&r.slots[i].window, f);
    ring_run(&r, threads - 1);
    for (size_t i = 0; i < r.count; i++)
        flatten_window_finish(&r.slots[i].window);
    free(r.slots);
    pthread_cond_destroy(&r.changed);
    pthread_mutex_destroy(&r.lock);
}
