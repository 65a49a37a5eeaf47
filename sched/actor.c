#include "sched/sched.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sched/sched_priv.h"

/* ---- processes ---- */

struct process *process_create(struct sched *s, const char *name)
{
    struct process *p = mem_zalloc(sizeof *p);

    p->sched = s;
    p->name = mem_strdup(name);
    p->crashed = s->ending;
    TAILQ_INIT(&p->actors);
    TAILQ_INSERT_TAIL(&s->processes, p, of_sched);
    return p;
}

static void drop_hooks(struct process *p, bool call)
{
    struct crash_hook *h;

    while ((h = p->hooks)) {
        process_forget_hook(h);
        if (call)
            h->fn(h->cookie);
    }
}

void process_on_crash(struct process *p, struct crash_hook *h)
{
    h->next = p->hooks;
    h->at = &p->hooks;
    if (h->next)
        h->next->at = &h->next;
    p->hooks = h;
}

void process_forget_hook(struct crash_hook *h)
{
    if (!h->at)
        return;
    *h->at = h->next;
    if (h->next)
        h->next->at = h->at;
    h->at = NULL;
}

void process_destroy(struct process *p)
{
    assert(p->actors_count == 0);
    drop_hooks(p, /* call= */ false);
    free(p->name);
    free(p);
}

const char *process_name(const struct process *p)
{
    return p->name;
}

void process_set_owner(struct process *p, const struct process_owner *owner)
{
    assert(!p->owner); /* it is somebody's from its start, or nobody's */
    assert(p->actors_count == 0);
    p->owner = owner;
}

const struct process_owner *process_owner(const struct process *p)
{
    return p->owner;
}

bool process_crashed(const struct process *p)
{
    return p->crashed;
}

size_t process_actors(const struct process *p)
{
    return p->actors_count;
}

void process_crash(struct process *p)
{
    struct sched *s = p->sched;
    struct actor *a;

    if (p->crashed)
        return;
    p->crashed = true;
    if (trace_on(s->trace) && !s->ending) {
        trace_begin(s->trace, s->now_ns, "crash");
        trace_str(s->trace, "process", p->name);
        trace_end(s->trace);
    }
    TAILQ_FOREACH(a, &p->actors, of_process)
    {
        if (a == s->running)
            continue; /* it finds out at its next call */
        waitcell_forget(a);
        sched_dequeue(s, &a->event);
        sched_enqueue_urgent(s, &a->event);
    }
    drop_hooks(p, /* call= */ !s->ending);
}

void process_ask_stop(struct process *p)
{
    p->stopping = true;
}

bool process_stopping(const struct process *p)
{
    return p->stopping;
}

/* ---- actors ---- */

_Noreturn static void actor_main(void *arg)
{
    struct actor *a = arg;
    struct sched *s = a->process->sched;

    a->fn(a->arg);
    s->ended = a;
    fiber_leave(&a->fiber, &s->loop);
}

void actor_switch(struct sched *s, struct fiber *from, struct actor *to)
{
    /* A stack only now: a thousand actors that run one after the other need one. */
    if (!to->fiber.stack)
        fiber_init(&to->fiber, actor_main, to);
    s->running = to;
    fiber_switch(from, &to->fiber);
}

static void count_spawn(struct process *p)
{
    /* Else actors that start their successors while they unwind would never end. */
    if (p->crashed && ++p->unwind_spawns > SCHED_UNWIND_MAX)
        sched_bug(TAILQ_FIRST(&p->actors), "and its successors go on after their crash");
}

struct actor *actor_spawn(struct process *p, const char *name, actor_fn *fn, void *arg)
{
    struct sched *s = p->sched;
    struct actor *a = mem_zalloc(sizeof *a);

    a->event.kind = EVENT_ACTOR;
    a->process = p;
    a->name = mem_strdup(name);
    a->fn = fn;
    a->arg = arg;
    a->what = "start";
    TAILQ_INSERT_TAIL(&p->actors, a, of_process);
    p->actors_count++;
    count_spawn(p);
    if (p->crashed)
        sched_enqueue_urgent(s, &a->event);
    else
        sched_enqueue(s, &a->event, s->now_ns);
    return a;
}

void actor_destroy(struct actor *a)
{
    struct process *p = a->process;

    assert(a->event.place == PLACE_NOWHERE);
    assert(!a->cell);
    TAILQ_REMOVE(&p->actors, a, of_process);
    p->actors_count--;
    fiber_finish(&a->fiber);
    free(a->name);
    free(a);
}

struct actor *actor_self(const struct sched *s)
{
    return s->running;
}

const char *actor_name(const struct actor *a)
{
    return a->name;
}

struct process *actor_process(const struct actor *a)
{
    return a->process;
}

bool sched_crashed(const struct sched *s)
{
    return s->running && s->running->process->crashed;
}

bool actor_unwinding(struct sched *s)
{
    struct actor *a = s->running;

    if (!a->process->crashed)
        return false;
    if (++a->unwind_calls > SCHED_UNWIND_MAX)
        sched_bug(a, "goes on after its crash");
    return true;
}

/* ---- giving way ---- */

enum sched_result actor_yield(struct sched *s, const char *what)
{
    struct actor *self = s->running;
    struct event *e;

    self->what = what;
    e = sched_take(s);
    /* From one actor straight to the next, unless the loop's own stack is needed. */
    if (e && e->kind == EVENT_ACTOR) {
        if (event_actor(e) != self)
            actor_switch(s, &self->fiber, event_actor(e));
    } else {
        s->chosen = e;
        s->running = NULL;
        fiber_switch(&self->fiber, &s->loop);
    }
    assert(s->running == self);
    return self->process->crashed ? SCHED_CRASHED : SCHED_OK;
}

enum sched_result sched_point(struct sched *s, const char *what)
{
    if (!s->running)
        return SCHED_OK; /* setup and plain callbacks are not interrupted */
    if (actor_unwinding(s))
        return SCHED_CRASHED;
    if (sched_pass(s, s->now_ns))
        return SCHED_OK;
    sched_enqueue(s, &s->running->event, s->now_ns);
    return actor_yield(s, what);
}

enum sched_result sched_sleep(struct sched *s, int64_t ns)
{
    int64_t at_ns;

    assert(s->running);
    if (actor_unwinding(s))
        return SCHED_CRASHED;
    if (ns < 0)
        ns = 0;
    at_ns = ns > SCHED_NEVER - s->now_ns ? SCHED_NEVER : s->now_ns + ns;
    if (sched_pass(s, at_ns))
        return SCHED_OK;
    sched_enqueue(s, &s->running->event, at_ns);
    return actor_yield(s, "sleep");
}
