#include "sched/sched.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sched/sched_priv.h"

struct waitcell *waitcell_create(struct sched *s, const char *name)
{
    struct waitcell *w = mem_zalloc(sizeof *w);

    w->sched = s;
    w->name = mem_strdup(name);
    TAILQ_INIT(&w->waiting);
    TAILQ_INIT(&w->woken);
    return w;
}

void waitcell_destroy(struct waitcell *w)
{
    struct actor *a;

    if (!w)
        return;
    assert(TAILQ_EMPTY(&w->waiting));
    /* Who was signalled and has not run yet needs the cell no more. */
    while ((a = TAILQ_FIRST(&w->woken))) {
        TAILQ_REMOVE(&w->woken, a, of_cell);
        a->cell = NULL;
        a->what = "wake"; /* was the name of the cell */
    }
    free(w->name);
    free(w);
}

void waitcell_signal(struct waitcell *w)
{
    struct sched *s = w->sched;
    struct actor *a = TAILQ_FIRST(&w->waiting);

    if (!a) {
        w->signalled = true;
        return;
    }
    assert(a->cell == w && !a->signalled);
    assert(!w->signalled); /* it would not have waited */
    TAILQ_REMOVE(&w->waiting, a, of_cell);
    TAILQ_INSERT_TAIL(&w->woken, a, of_cell);
    a->signalled = true;
    /* When its time is up at this very moment, it keeps its turn: the signal came before it ran. */
    if (a->event.place == PLACE_READY)
        return;
    sched_dequeue(s, &a->event);
    sched_enqueue(s, &a->event, s->now_ns);
}

/* Takes a out of the cell, if it still knows one. */
static void leave(struct actor *a)
{
    if (!a->cell)
        return;
    if (a->signalled)
        TAILQ_REMOVE(&a->cell->woken, a, of_cell);
    else
        TAILQ_REMOVE(&a->cell->waiting, a, of_cell);
    a->cell = NULL;
}

void waitcell_forget(struct actor *a)
{
    struct waitcell *w = a->cell;

    leave(a);
    /* Without this, a signal would be lost with the actor, and another one waits forever for what
     * it gave back. */
    if (w && a->signalled)
        waitcell_signal(w);
}

enum sched_result waitcell_wait(struct waitcell *w, int64_t until_ns)
{
    struct sched *s = w->sched;
    struct actor *a = s->running;
    enum sched_result result;

    assert(a);
    if (actor_unwinding(s))
        return SCHED_CRASHED;
    if (w->signalled) {
        if (sched_point(s, w->name) == SCHED_CRASHED)
            return SCHED_CRASHED;
        /* Another may have taken the signal meanwhile. */
        if (w->signalled) {
            w->signalled = false;
            return SCHED_OK;
        }
    }
    assert(!w->signalled);
    assert(!a->cell); /* for one thing at a time */
    a->cell = w;
    a->signalled = false;
    TAILQ_INSERT_TAIL(&w->waiting, a, of_cell);
    sched_enqueue(s, &a->event, until_ns);
    result = actor_yield(s, w->name);
    leave(a);
    if (result == SCHED_CRASHED)
        return result;
    return a->signalled ? SCHED_OK : SCHED_TIMEOUT;
}
