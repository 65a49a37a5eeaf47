/* How many fiber switches, scheduling points and timers the scheduler does in a second. */
#include <stdint.h>
#include <stdio.h>

#include "base/wall.h"
#include "sched/sched.h"

enum { ROUNDS = 5000000, SPAWNS = 500000 };

struct job {
    struct sched *s;
    uint64_t rounds;
    int64_t step_ns;
};

static void points(void *arg)
{
    struct job *job = arg;
    for (uint64_t i = 0; i < job->rounds; i++)
        sched_point(job->s, "bench");
}

static void sleeps(void *arg)
{
    struct job *job = arg;
    for (uint64_t i = 0; i < job->rounds; i++)
        sched_sleep(job->s, job->step_ns);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void spawns(void *arg)
{
    struct job *job = arg;
    struct process *p = actor_process(actor_self(job->s));
    for (uint64_t i = 0; i < job->rounds; i++) {
        actor_spawn(p, "child", nothing, NULL);
        sched_point(job->s, "bench");
    }
}

static void measure(const char *what, actor_fn *fn, unsigned actors, uint64_t rounds)
{
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){.seed = 1});
    struct process *p = process_create(s, "bench");
    struct job jobs[64];
    int64_t begin_ns, spent_ns;

    for (unsigned i = 0; i < actors; i++) {
        jobs[i] = (struct job){s, rounds / actors, 1 + i};
        actor_spawn(p, "actor", fn, &jobs[i]);
    }
    begin_ns = wall_monotonic_ns();
    sched_run(s, SCHED_NEVER);
    spent_ns = wall_monotonic_ns() - begin_ns;
    printf("%-32s %8.1f ns each, %6.1f million/s\n", what, (double)spent_ns / (double)rounds,
           (double)rounds * 1e3 / (double)spent_ns);
}

int main(void)
{
    measure("point, nothing else due", points, 1, ROUNDS * 4ull);
    measure("point, switch of 2 fibers", points, 2, ROUNDS * 4ull);
    measure("point, switch of 64 fibers", points, 64, ROUNDS * 4ull);
    measure("sleep, alone", sleeps, 1, ROUNDS);
    measure("sleep, 64 fibers", sleeps, 64, ROUNDS);
    measure("spawn and end", spawns, 1, SPAWNS);
    return 0;
}
