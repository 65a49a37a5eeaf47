/* The scheduler: virtual (or wall) time, fibers, scheduling points, crashes.
 *
 * One struct sched per world, single-threaded. An *actor* is a fiber: straight-line C that blocks
 * in virtual time. A *process* is a group of actors that crash together (one started component, one
 * pod). Events are ordered by (time, posting number) unless the policy picks otherwise; time jumps
 * to the next event. Every call that leaves an actor passes sched_point(), where others may run.
 *
 * Crash: from then on every call below returns SCHED_CRASHED at once and has no effect, so the
 * actor unwinds through its own error paths and frees its memory. An actor that makes more than
 * SCHED_UNWIND_MAX calls while crashed is an internal error. sched_destroy() crashes and unwinds
 * all actors: a world ends without leaks. */
#ifndef VMCONFORM_SCHED_SCHED_H
#define VMCONFORM_SCHED_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/prng.h"
#include "sched/trace.h"

#define SCHED_STACK_BYTES (256u << 10) /* plus a guard page; larger under sanitizers */
#define SCHED_UNWIND_MAX 10000u
#define SCHED_NEVER INT64_MAX

enum sched_result {
    SCHED_OK = 0,
    SCHED_TIMEOUT = 1,  /* sched_wait only */
    SCHED_CRASHED = -1, /* this actor has crashed: unwind */
};

enum sched_policy {
    POLICY_ORDER,  /* (time, posting number) */
    POLICY_RANDOM, /* among the events due at the same time, a seeded pick */
};

struct sched_config {
    uint64_t seed;
    int64_t start_ns; /* the virtual clock's first reading, ns since 1970 */
    enum sched_policy policy;
    struct trace *trace; /* borrowed, may be NULL */
    uint64_t events_max; /* 0: none; reaching it stops sched_run with SCHED_STOP_LIMIT */
};

struct sched;
struct actor;
struct process;

struct sched *sched_create(const struct sched_config *config);
/* Crashes every process, runs all actors to their end, frees everything. Pending plain events are
 * dropped, their cookies are the poster's. Wait cells stay: their owner may destroy them before or
 * after. NULL is fine. */
void sched_destroy(struct sched *s);
DEFINE_CLEANUP(struct sched, sched, sched_destroy);
/* The first half of sched_destroy(): no actor is left, plain events never run any more, but what
 * actors used (wait cells, posts) may still be destroyed and cancelled. Not from inside an actor.
 */
void sched_unwind(struct sched *s);

int64_t sched_now(const struct sched *s);
/* A stream of its own for each label. */
void sched_prng(const struct sched *s, const char *label, struct prng *ret);
uint64_t sched_events_done(const struct sched *s);

/* ---- processes and actors ---- */

/* Names appear in traces and reports. The process lives until sched_destroy(). */
struct process *process_create(struct sched *s, const char *name);
const char *process_name(const struct process *p);
/* Whose a process is: defined by the world that the scheduler serves, and only kept here. Borrowed;
 * NULL until somebody says it. */
struct process_owner;
void process_set_owner(struct process *p, const struct process_owner *owner);
const struct process_owner *process_owner(const struct process *p);
/* Crashes all actors of p, now and for good; they unwind when they are next scheduled (before
 * anything else at this time). An actor may crash its own process: its current call then returns
 * SCHED_CRASHED. */
void process_crash(struct process *p);
bool process_crashed(const struct process *p);
/* Asks p to end in good order (SIGTERM), now and for good: nothing happens to it but that it can
 * ask. */
void process_ask_stop(struct process *p);
bool process_stopping(const struct process *p);
/* For those who wait for a process without being one of its actors: fn(cookie) once, when it
 * crashes (not at the end of the world). It may post and signal, no more. The hook is the caller's
 * and stays where it is; zero-initialise, forget it before it goes. */
struct crash_hook {
    void (*fn)(void *cookie);
    void *cookie;
    struct crash_hook *next, **at; /* at: what points to it, NULL when it hangs nowhere */
};
void process_on_crash(struct process *p, struct crash_hook *h);
void process_forget_hook(struct crash_hook *h);
/* Number of actors that have not ended. */
size_t process_actors(const struct process *p);

/* fn runs on a fiber of its own, first at the current time after what is already due. It owns arg.
 * name is copied. In a crashed process fn still runs, crashed from the start, so that it frees arg.
 * The result is valid until fn returns. */
typedef void actor_fn(void *arg);
struct actor *actor_spawn(struct process *p, const char *name, actor_fn *fn, void *arg);
/* The running actor; NULL outside of any (plain callbacks, setup). */
struct actor *actor_self(const struct sched *s);
const char *actor_name(const struct actor *a);
struct process *actor_process(const struct actor *a);
/* True when the running actor has crashed. */
bool sched_crashed(const struct sched *s);

/* ---- inside an actor ---- */

/* A scheduling point: everything else due now may run first. `what` (static text) is for the trace
 * of picks. Outside of any actor (setup, plain callbacks) it does nothing. Sleeping and waiting are
 * for actors only. */
enum sched_result sched_point(struct sched *s, const char *what);
enum sched_result sched_sleep(struct sched *s, int64_t ns);

/* A wait cell: actors wait, anybody signals. Level-triggered: a signal with nobody waiting is
 * remembered once. */
struct waitcell;
struct waitcell *waitcell_create(struct sched *s, const char *name);
void waitcell_destroy(struct waitcell *w); /* no actor may be waiting, except crashed ones */
DEFINE_CLEANUP(struct waitcell, waitcell, waitcell_destroy);
/* Wakes the first waiter, or leaves the cell signalled. May be called from anywhere, and counts
 * even from an actor that unwinds: so the world's own code gives back what it held. A signal to a
 * waiter that crashes before it runs goes to the next one. */
void waitcell_signal(struct waitcell *w);
/* Waits for a signal until the absolute time (SCHED_NEVER: no limit). A scheduling point even when
 * the cell is signalled. */
enum sched_result waitcell_wait(struct waitcell *w, int64_t until_ns);

/* ---- plain events ---- */

/* Calls fn(cookie) at the given time (now, when that has passed; not at all for SCHED_NEVER),
 * outside of any actor (it must not block). Returns an id > 0 for sched_cancel. Takes effect from a
 * crashed actor too, since the cookie changes hands. */
typedef void event_fn(void *cookie);
uint64_t sched_post(struct sched *s, int64_t at_ns, event_fn *fn, void *cookie);
/* true when it was still pending; fn will not be called then. */
bool sched_cancel(struct sched *s, uint64_t id);

/* ---- the loop ---- */

enum sched_stop {
    SCHED_STOP_IDLE,  /* no event is left; the clock stays at the last one */
    SCHED_STOP_UNTIL, /* the next event is later than until_ns; the clock now reads until_ns */
    SCHED_STOP_LIMIT, /* events_max */
    SCHED_STOP_ASKED, /* sched_stop() */
};
/* Runs events in order until one of the above. Not from inside an actor. */
enum sched_stop sched_run(struct sched *s, int64_t until_ns);
/* Asks sched_run, or else the next one, to return after the current event. Safe in a signal
 * handler. */
void sched_stop(struct sched *s);
/* The time of the next event, SCHED_NEVER when there is none. */
int64_t sched_next(const struct sched *s);

#endif
