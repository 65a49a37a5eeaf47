/* Fibers: registers and floating point survive, stacks are guarded and reused, many live at once.
 */
#include "sched/fiber.h"

#include <fenv.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sched/world.h"
#include "tests/unit/suite.h"

struct job {
    struct sched *s;
    unsigned id;
    uint64_t result;
};

/* Enough live values that some sit in callee-saved registers across each switch. */
static void mix(void *arg)
{
    struct job *job = arg;
    uint64_t a = job->id, b = a + 1, c = a + 2, d = a + 3, e = a + 4, f = a + 5, g = a + 6;
    double x = job->id, y = x + 0.5, z = x + 0.25;

    for (unsigned i = 0; i < 1000; i++) {
        a = a * 31 + b;
        b ^= c << 3;
        c += d;
        x = x * 0.5 + y;
        sched_point(job->s, "mix");
        d = d * 7 + e;
        e ^= f >> 1;
        f += g;
        g += a;
        y = y * 0.25 + z;
        z = z * 0.75 + 1;
    }
    job->result = a ^ b ^ c ^ d ^ e ^ f ^ g ^ (uint64_t)(x * 1000) ^ (uint64_t)(y * 1000);
}

static void run_jobs(struct job *jobs, unsigned count, actor_fn *fn)
{
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){0});
    struct process *p = process_create(s, "p");

    for (unsigned i = 0; i < count; i++) {
        jobs[i].s = s;
        actor_spawn(p, "job", fn, &jobs[i]);
    }
    ck_assert_int_eq(sched_run(s, SCHED_NEVER), SCHED_STOP_IDLE);
    ck_assert_uint_eq(process_actors(p), 0);
}

START_TEST(registers)
{
    struct job together[16], alone;

    for (unsigned i = 0; i < 16; i++)
        together[i] = (struct job){.id = i};
    run_jobs(together, 16, mix);
    for (unsigned i = 0; i < 16; i++) {
        alone = (struct job){.id = i};
        run_jobs(&alone, 1, mix);
        ck_assert_uint_eq(alone.result, together[i].result);
    }
}
END_TEST

static void rounding(void *arg)
{
    struct job *job = arg;
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

#ifndef VMCONFORM_UCONTEXT /* there a fiber begins with what its starter has */
    ck_assert_int_eq(fegetround(), FE_TONEAREST);
#endif
    fesetround(modes[job->id % 4]);
    for (unsigned i = 0; i < 10; i++) {
        sched_point(job->s, "rounding");
        ck_assert_int_eq(fegetround(), modes[job->id % 4]);
    }
}

/* Each fiber has its own rounding mode, and none leaks to the loop. */
START_TEST(float_control)
{
    struct job jobs[8];

    for (unsigned i = 0; i < 8; i++)
        jobs[i] = (struct job){.id = i};
    run_jobs(jobs, 8, rounding);
    ck_assert_int_eq(fegetround(), FE_TONEAREST);
}
END_TEST

/* An aligned local needs the stack as the ABI promises it. */
static void alignment(void *arg)
{
    struct job *job = arg;
    _Alignas(32) volatile char local[64];
    char text[64];

    local[0] = 1;
    ck_assert_uint_eq((uintptr_t)local % 32, 0);
    sched_point(job->s, "alignment");
    snprintf(text, sizeof text, "%.3f %d", sqrt(2.0 * local[0]), 7); /* saves vector registers */
    ck_assert_str_eq(text, "1.414 7");
    job->result = 1;
}

START_TEST(aligned)
{
    struct job jobs[3] = {0};
    run_jobs(jobs, 3, alignment);
    ck_assert_uint_eq(jobs[2].result, 1);
}
END_TEST

/* ---- many ---- */

static void count_up(void *arg)
{
    struct job *job = arg;
    job->result++;
}

START_TEST(many_in_turn)
{
    struct job job = {0};
    struct sched *s = sched_create(&(struct sched_config){0});
    struct process *p = process_create(s, "p");

    for (unsigned i = 0; i < 100000; i++) {
        actor_spawn(p, "job", count_up, &job);
        if (i % 3 == 0)
            sched_run(s, SCHED_NEVER);
    }
    sched_run(s, SCHED_NEVER);
    ck_assert_uint_eq(job.result, 100000);
    sched_destroy(s);
}
END_TEST

static void hold(void *arg)
{
    struct job *job = arg;
    char *owned = mem_strdup("only this stack knows it");
    while (sched_sleep(job->s, 1000) == SCHED_OK)
        ;
    job->result += strlen(owned) > 0;
    free(owned);
}

START_TEST(many_at_once)
{
    struct job job = {0};
    struct sched *s = sched_create(&(struct sched_config){0});
    struct process *p = process_create(s, "p");

    job.s = s;
    for (unsigned i = 0; i < 5000; i++)
        actor_spawn(p, "job", hold, &job);
    ck_assert_int_eq(sched_run(s, 10000), SCHED_STOP_UNTIL);
    ck_assert_uint_eq(process_actors(p), 5000);
    sched_destroy(s);
    ck_assert_uint_eq(job.result, 5000);
}
END_TEST

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_do_recoverable_leak_check() 0
#endif

/* What only suspended stacks point to is not lost. */
START_TEST(no_false_leak)
{
    struct job job = {0};
    struct sched *s = sched_create(&(struct sched_config){0});
    struct process *p = process_create(s, "p");

    job.s = s;
    for (unsigned i = 0; i < 50; i++)
        actor_spawn(p, "job", hold, &job);
    sched_run(s, 10000);
    ck_assert_int_eq(__lsan_do_recoverable_leak_check(), 0);
    sched_destroy(s);
}
END_TEST

/* ---- depth ---- */

__attribute__((noinline)) static uint64_t recurse(uint64_t depth)
{
    volatile char frame[1000];

    memset((char *)frame, (int)depth, sizeof frame);
    return depth == 0 ? (uint64_t)frame[0] : recurse(depth - 1) + (uint64_t)frame[1] % 2;
}

static void deep(void *arg)
{
    struct job *job = arg;
    job->result = recurse(job->id) + 1;
}

/* Most of the promised size can be used. */
START_TEST(deep_enough)
{
    struct job job = {.id = (SCHED_STACK_BYTES - 32768) / 1100};
    run_jobs(&job, 1, deep);
    ck_assert_uint_ne(job.result, 0);
}
END_TEST

/* One actor after another uses the same stack; what the first left must not disturb the next. */
START_TEST(deep_again)
{
    struct job jobs[20];

    for (unsigned i = 0; i < 20; i++)
        jobs[i] = (struct job){.id = 20 + i};
    run_jobs(jobs, 20, deep);
}
END_TEST

/* Too deep must end the process at the guard, not write into a neighbour. */
START_TEST(too_deep)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct job jobs[2] = {{.id = 1}, {.id = 2000000}};
        if (!freopen("/dev/null", "w", stderr))
            _exit(0);
        run_jobs(jobs, 2, deep);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "fiber", SUITE_LONG_CASE("fiber", 60, TEST(registers), TEST(float_control), TEST(aligned),
                                 TEST(many_in_turn), TEST(many_at_once), TEST(no_false_leak),
                                 TEST(deep_enough), TEST(deep_again), TEST(too_deep)));
}
