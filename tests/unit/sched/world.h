/* What the tests of the scheduler share: a world, and actors that follow a small script and leave a
 * log. */
#ifndef VMCONFORM_TESTS_SCHED_WORLD_H
#define VMCONFORM_TESTS_SCHED_WORLD_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "sched/sched.h"

#define START_NS 1000000

enum { WORLD_CELLS = 3 };

struct world {
    struct sched *s;
    struct strbuf log;
    struct waitcell *cells[WORLD_CELLS];
    struct process *processes[4];
};

static inline void world_init(struct world *w, uint64_t seed, enum sched_policy policy,
                              struct trace *trace)
{
    *w = (struct world){0};
    w->s = sched_create(&(struct sched_config){
        .seed = seed, .start_ns = START_NS, .policy = policy, .trace = trace});
    for (size_t i = 0; i < WORLD_CELLS; i++)
        w->cells[i] = waitcell_create(w->s, "cell");
    for (size_t i = 0; i < 4; i++)
        w->processes[i] = process_create(w->s, (const char *[]){"p0", "p1", "p2", "p3"}[i]);
}

static inline void world_finish(struct world *w)
{
    sched_destroy(w->s);
    for (size_t i = 0; i < WORLD_CELLS; i++)
        waitcell_destroy(w->cells[i]);
    strbuf_finish(&w->log);
}

/* A script is letters, each a step:
 *   .        log the actor's name          p        sched_point
 *   0-9      sleep that many ns            S        sleep forever
 *   a b c    wait for a cell, no limit     A B C    signal it
 *   x y z    the same cells, for at most 5 ns
 *   k l m n  crash process 0..3            !        stop the loop
 *   P        post an event that logs '*'   =        spawn an actor "s" with the rest as its script
 * Every SCHED_CRASHED is logged as '#', every timeout as '~'; the former ends the script unless it
 * has a '+' at its begin. */
struct script {
    struct world *w;
    const char *steps;
    char name[8];
};

static inline void world_log(struct world *w, const char *text)
{
    strbuf_addstr(&w->log, text);
}

static inline void log_star(void *cookie)
{
    struct world *w = cookie;
    ck_assert_ptr_null(actor_self(w->s));
    world_log(w, "*");
}

static inline void script_spawn(struct world *w, unsigned process, const char *name,
                                const char *steps);

static inline enum sched_result script_step(struct script *script, char step)
{
    struct world *w = script->w;

    if (step >= '0' && step <= '9')
        return sched_sleep(w->s, step - '0');
    if (step >= 'a' && step <= 'c')
        return waitcell_wait(w->cells[step - 'a'], SCHED_NEVER);
    if (step >= 'x' && step <= 'z')
        return waitcell_wait(w->cells[step - 'x'], sched_now(w->s) + 5);
    if (step >= 'A' && step <= 'C')
        waitcell_signal(w->cells[step - 'A']);
    else if (step >= 'k' && step <= 'n')
        process_crash(w->processes[step - 'k']);
    else if (step == '.')
        world_log(w, script->name);
    else if (step == 'p')
        return sched_point(w->s, "test");
    else if (step == 'S')
        return sched_sleep(w->s, SCHED_NEVER);
    else if (step == '!')
        sched_stop(w->s);
    else if (step == 'P')
        sched_post(w->s, sched_now(w->s), log_star, w);
    return SCHED_OK;
}

static inline void script_run(void *arg)
{
    struct script *script = arg;
    struct world *w = script->w;
    bool stubborn = script->steps[0] == '+';

    for (const char *p = script->steps; *p; p++) {
        enum sched_result result;
        if (*p == '=') {
            struct process *own = actor_process(actor_self(w->s));
            script_spawn(w, (unsigned)(process_name(own)[1] - '0'), "s", p + 1);
            break;
        }
        result = script_step(script, *p);
        if (result == SCHED_TIMEOUT)
            world_log(w, "~");
        if (result != SCHED_CRASHED)
            continue;
        ck_assert(sched_crashed(w->s));
        world_log(w, script->name);
        world_log(w, "#");
        if (!stubborn)
            break;
    }
    free(script);
}

static inline void script_spawn(struct world *w, unsigned process, const char *name,
                                const char *steps)
{
    struct script *script = mem_zalloc(sizeof *script);

    script->w = w;
    script->steps = steps;
    snprintf(script->name, sizeof script->name, "%s", name);
    actor_spawn(w->processes[process], name, script_run, script);
}

/* Runs one case: actors given as "NAME/PROCESS:STEPS" texts, in order. */
static inline void world_spawn_all(struct world *w, const char *const *actors, size_t count)
{
    for (size_t i = 0; i < count && actors[i]; i++) {
        char name[2] = {actors[i][0], '\0'};
        script_spawn(w, (unsigned)(actors[i][2] - '0'), name, actors[i] + 4);
    }
}

/* A script for each actor, what it logs, and when it is over. */
struct world_case {
    const char *name;
    const char *actors[6];
    const char *want;
    int64_t end_ns; /* after the start */
};

static inline void world_check(struct world *w, const struct world_case *c)
{
    world_init(w, 1, POLICY_ORDER, NULL);
    world_spawn_all(w, c->actors, ARRAY_LEN(c->actors));
    ck_assert_msg(sched_run(w->s, SCHED_NEVER) == SCHED_STOP_IDLE, "%s", c->name);
    ck_assert_msg(sched_now(w->s) == START_NS + c->end_ns, "%s: ended at %lld", c->name,
                  (long long)(sched_now(w->s) - START_NS));
    /* The world's end shows who was still there. */
    sched_destroy(w->s);
    w->s = NULL;
    ck_assert_msg(strcmp(strbuf_str(&w->log), c->want) == 0, "%s: got %s, want %s", c->name,
                  strbuf_str(&w->log), c->want);
    world_finish(w);
}

#endif
