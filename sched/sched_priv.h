/* What the files of the scheduler share. Inside sched/ only. */
#ifndef VMCONFORM_SCHED_SCHED_PRIV_H
#define VMCONFORM_SCHED_SCHED_PRIV_H

#include <signal.h>
#include <sys/queue.h>

#include "sched/fiber.h"
#include "sched/heap.h"
#include "sched/sched.h"

struct actor {
    struct event event; /* its one reason to run next; first, so that the event is the actor */
    struct fiber fiber; /* without a stack until it runs first */
    struct process *process;
    TAILQ_ENTRY(actor) of_process;
    struct waitcell *cell; /* waited in, or signalled by and not run since; else NULL */
    TAILQ_ENTRY(actor) of_cell;
    bool signalled;   /* in the cell's list `woken`, not `waiting` */
    const char *what; /* static text: the scheduling point it stands at */
    unsigned unwind_calls;
    actor_fn *fn;
    void *arg;
    char *name;
};
TAILQ_HEAD(actor_list, actor);

struct process {
    struct sched *sched;
    char *name;
    const struct process_owner *owner;
    bool crashed, stopping;
    struct actor_list actors; /* in the order of their spawning */
    size_t actors_count;
    unsigned unwind_spawns;
    struct crash_hook *hooks;
    TAILQ_ENTRY(process) of_sched;
};

struct waitcell {
    struct sched *sched;
    char *name;
    bool signalled;
    struct actor_list waiting, woken;
};

struct post; /* an event that calls a function: sched.c */

struct sched {
    uint64_t seed;
    int64_t start_ns, now_ns;
    enum sched_policy policy;
    struct prng picks;
    struct trace *trace;
    uint64_t events_max, events_done;

    /* Pending events. What is due at now_ns is in `ready`, in posting order; the heap holds later
     * ones only. */
    struct heap later;
    struct event_list ready, urgent;
    size_t ready_count;
    uint64_t numbers; /* posting numbers given out */
    struct post **posts;
    size_t posts_count, posts_cap;
    uint32_t posts_free; /* 1 + index of the first unused entry of posts; 0: none */

    TAILQ_HEAD(, process) processes;
    struct fiber loop; /* where sched_run waits while an actor runs */
    struct actor *running, *ended;
    struct event *chosen; /* taken by an actor that gave up, for the loop to carry out */
    int64_t until_ns;     /* of sched_run in progress */
    bool in_run, ending;
    volatile sig_atomic_t stop_asked; /* may be set from a signal handler */
    enum sched_stop stop;             /* why sched_take() gave NULL */
};

/* Ends the program: a bug in it that no caller can be told of. */
_Noreturn void sched_bug(const struct actor *a, const char *message);

/* Makes e due at at_ns (no earlier than now). */
void sched_enqueue(struct sched *s, struct event *e, int64_t at_ns);
/* Takes e out of whatever it is pending in. */
void sched_dequeue(struct sched *s, struct event *e);
/* Makes a crashed actor run before everything else. */
void sched_enqueue_urgent(struct sched *s, struct event *e);
/* Removes and returns the event to carry out next; NULL when sched_run has to return, with s->stop
 * set. */
struct event *sched_take(struct sched *s);
/* True when nothing else is to happen before at_ns, so that the running actor may go on then
 * without giving up its fiber. Counts that as an event and moves the clock. */
bool sched_pass(struct sched *s, int64_t at_ns);
/* From the loop: runs a until it gives up or ends. */
void sched_resume(struct sched *s, struct actor *a);

static inline struct actor *event_actor(struct event *e)
{
    return (struct actor *)e; /* the first member */
}

/* True when the running actor has crashed; counts its calls. */
bool actor_unwinding(struct sched *s);
/* Goes on in `to` from the running fiber. */
void actor_switch(struct sched *s, struct fiber *from, struct actor *to);
/* Gives up the fiber of the running actor until its event, which is pending by now, is taken. */
enum sched_result actor_yield(struct sched *s, const char *what);
/* Frees an actor that has ended. */
void actor_destroy(struct actor *a);
void process_destroy(struct process *p);

/* Forgets the wait of an actor that crashed: a signal it was given goes to the next. */
void waitcell_forget(struct actor *a);

#endif
