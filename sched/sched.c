#include "sched/sched.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sched/sched_priv.h"

/* One posted event. Entries are reused; the generation tells an old id from a new one. */
struct post {
    struct event event; /* first, so that the event is the post */
    event_fn *fn;
    void *cookie;
    uint32_t index, generation;
    uint32_t next_free; /* 1 + index */
};

/* ---- life ---- */

struct sched *sched_create(const struct sched_config *config)
{
    struct sched *s = mem_zalloc(sizeof *s);

    assert(config->start_ns < SCHED_NEVER);
    s->seed = config->seed;
    s->start_ns = s->now_ns = config->start_ns;
    s->policy = config->policy;
    s->trace = config->trace;
    s->events_max = config->events_max;
    TAILQ_INIT(&s->ready);
    TAILQ_INIT(&s->urgent);
    TAILQ_INIT(&s->processes);
    prng_init(&s->picks, s->seed, "sched/picks");
    if (s->trace)
        trace_origin(s->trace, s->start_ns);
    return s;
}

void sched_unwind(struct sched *s)
{
    struct process *p;

    assert(!s->in_run);
    assert(!s->running);
    s->ending = true; /* processes made from now on are born crashed */
    TAILQ_FOREACH(p, &s->processes, of_sched)
    process_crash(p);
    while (!TAILQ_EMPTY(&s->urgent)) {
        struct event *e = TAILQ_FIRST(&s->urgent);
        sched_dequeue(s, e);
        sched_resume(s, event_actor(e));
    }
}

void sched_destroy(struct sched *s)
{
    struct process *p;

    if (!s)
        return;
    sched_unwind(s);
    while ((p = TAILQ_FIRST(&s->processes))) {
        TAILQ_REMOVE(&s->processes, p, of_sched);
        process_destroy(p);
    }
    for (size_t i = 0; i < s->posts_count; i++)
        free(s->posts[i]);
    free(s->posts);
    heap_finish(&s->later);
    free(s);
}

int64_t sched_now(const struct sched *s)
{
    return s->now_ns;
}

void sched_prng(const struct sched *s, const char *label, struct prng *ret)
{
    prng_init(ret, s->seed, label);
}

uint64_t sched_events_done(const struct sched *s)
{
    return s->events_done;
}

_Noreturn void sched_bug(const struct actor *a, const char *message)
{
    fprintf(stderr, "vmconform: internal error: actor %s/%s %s\n", process_name(a->process),
            actor_name(a), message);
    abort();
}

/* ---- pending events ---- */

static void ready_append(struct sched *s, struct event *e)
{
    e->place = PLACE_READY;
    TAILQ_INSERT_TAIL(&s->ready, e, link);
    s->ready_count++;
}

void sched_enqueue(struct sched *s, struct event *e, int64_t at_ns)
{
    assert(e->place == PLACE_NOWHERE);
    e->number = s->numbers++;
    e->at_ns = at_ns > s->now_ns ? at_ns : s->now_ns;
    if (at_ns == SCHED_NEVER)
        e->place = PLACE_NEVER;
    else if (e->at_ns > s->now_ns)
        heap_push(&s->later, e);
    else
        ready_append(s, e);
}

void sched_enqueue_urgent(struct sched *s, struct event *e)
{
    assert(e->place == PLACE_NOWHERE);
    e->place = PLACE_URGENT;
    TAILQ_INSERT_TAIL(&s->urgent, e, link);
}

void sched_dequeue(struct sched *s, struct event *e)
{
    switch (e->place) {
    case PLACE_HEAP:
        heap_remove(&s->later, e);
        break;
    case PLACE_READY:
        TAILQ_REMOVE(&s->ready, e, link);
        s->ready_count--;
        break;
    case PLACE_URGENT:
        TAILQ_REMOVE(&s->urgent, e, link);
        break;
    case PLACE_NEVER:
    case PLACE_NOWHERE:
        break;
    }
    e->place = PLACE_NOWHERE;
}

/* Jumps to the next event's time and makes all events of that time ready. false when there is none
 * until until_ns. */
static bool advance(struct sched *s)
{
    struct event *e = heap_first(&s->later);

    if (!e) {
        s->stop = SCHED_STOP_IDLE;
        return false;
    }
    if (e->at_ns > s->until_ns) {
        if (s->until_ns > s->now_ns)
            s->now_ns = s->until_ns;
        s->stop = SCHED_STOP_UNTIL;
        return false;
    }
    assert(e->at_ns > s->now_ns);
    s->now_ns = e->at_ns;
    while ((e = heap_first(&s->later)) && e->at_ns == s->now_ns) {
        heap_remove(&s->later, e);
        ready_append(s, e);
    }
    return true;
}

static void trace_pick(struct sched *s, const struct event *e, uint64_t took)
{
    trace_begin(s->trace, s->now_ns, "pick");
    trace_int(s->trace, "of", (int64_t)s->ready_count);
    trace_int(s->trace, "took", (int64_t)took);
    if (e->kind == EVENT_ACTOR) {
        const struct actor *a = (const struct actor *)e;
        trace_str(s->trace, "process", a->process->name);
        trace_str(s->trace, "actor", a->name);
        trace_str(s->trace, "what", a->what);
    }
    trace_end(s->trace);
}

/* Which of the ready events comes next. */
static struct event *pick(struct sched *s)
{
    struct event *e = TAILQ_FIRST(&s->ready);
    uint64_t took;

    if (s->policy == POLICY_ORDER || s->ready_count == 1)
        return e;
    took = prng_below(&s->picks, s->ready_count);
    for (uint64_t i = 0; i < took; i++)
        e = TAILQ_NEXT(e, link);
    if (trace_on(s->trace))
        trace_pick(s, e, took);
    return e;
}

static bool limit_reached(const struct sched *s)
{
    return s->events_max > 0 && s->events_done >= s->events_max;
}

struct event *sched_take(struct sched *s)
{
    struct event *e;

    if (s->stop_asked) {
        s->stop = SCHED_STOP_ASKED;
        return NULL;
    }
    if (limit_reached(s)) {
        s->stop = SCHED_STOP_LIMIT;
        return NULL;
    }
    e = TAILQ_FIRST(&s->urgent);
    if (!e) {
        if (s->ready_count == 0 && !advance(s))
            return NULL;
        e = pick(s);
    }
    sched_dequeue(s, e);
    s->events_done++;
    return e;
}

bool sched_pass(struct sched *s, int64_t at_ns)
{
    if (s->ready_count > 0 || !TAILQ_EMPTY(&s->urgent) || s->stop_asked || limit_reached(s))
        return false;
    if (at_ns > s->now_ns) {
        if (at_ns > s->until_ns || at_ns == SCHED_NEVER)
            return false;
        /* An event of the same time was posted earlier, so it goes first. */
        if (s->later.count > 0 && s->later.entries[0].at_ns <= at_ns)
            return false;
        s->now_ns = at_ns;
    }
    s->events_done++;
    return true;
}

/* ---- posts ---- */

static struct post *post_new(struct sched *s)
{
    struct post *p;

    if (s->posts_free > 0) {
        p = s->posts[s->posts_free - 1];
        s->posts_free = p->next_free;
        return p;
    }
    if (s->posts_count == s->posts_cap)
        s->posts = mem_grow(s->posts, &s->posts_cap, s->posts_count + 1, sizeof(struct post *));
    assert(s->posts_count < UINT32_MAX - 1);
    p = mem_zalloc(sizeof *p);
    p->event.kind = EVENT_CALL;
    p->index = (uint32_t)s->posts_count;
    p->generation = 1;
    s->posts[s->posts_count++] = p;
    return p;
}

static void post_free(struct sched *s, struct post *p)
{
    p->generation++;
    p->next_free = s->posts_free;
    s->posts_free = p->index + 1;
}

uint64_t sched_post(struct sched *s, int64_t at_ns, event_fn *fn, void *cookie)
{
    struct post *p = post_new(s);

    p->fn = fn;
    p->cookie = cookie;
    sched_enqueue(s, &p->event, at_ns);
    return (uint64_t)p->generation << 32 | p->index;
}

bool sched_cancel(struct sched *s, uint64_t id)
{
    uint32_t index = (uint32_t)id;
    struct post *p;

    if (index >= s->posts_count)
        return false;
    p = s->posts[index];
    if (p->generation != id >> 32 || p->event.place == PLACE_NOWHERE)
        return false;
    sched_dequeue(s, &p->event);
    post_free(s, p);
    return true;
}

/* ---- the loop ---- */

void sched_resume(struct sched *s, struct actor *a)
{
    actor_switch(s, &s->loop, a);
    s->running = NULL;
    if (s->ended) {
        actor_destroy(s->ended);
        s->ended = NULL;
    }
}

static void carry_out(struct sched *s, struct event *e)
{
    if (e->kind == EVENT_ACTOR) {
        sched_resume(s, event_actor(e));
        return;
    }
    struct post *p = (struct post *)e;
    event_fn *fn = p->fn;
    void *cookie = p->cookie;
    post_free(s, p); /* fn may post again */
    fn(cookie);
}

enum sched_stop sched_run(struct sched *s, int64_t until_ns)
{
    struct event *e;

    assert(!s->in_run);
    s->in_run = true;
    s->until_ns = until_ns > s->now_ns ? until_ns : s->now_ns;
    for (;;) {
        e = s->chosen ? s->chosen : sched_take(s);
        s->chosen = NULL;
        if (!e)
            break;
        carry_out(s, e);
    }
    s->in_run = false;
    s->stop_asked = 0;
    return s->stop;
}

void sched_stop(struct sched *s)
{
    s->stop_asked = 1;
}

int64_t sched_next(const struct sched *s)
{
    if (s->ready_count > 0 || !TAILQ_EMPTY(&s->urgent))
        return s->now_ns;
    return s->later.count > 0 ? s->later.entries[0].at_ns : SCHED_NEVER;
}
