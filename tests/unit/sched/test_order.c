/* Who runs when: the order of events, time, policies, and how the loop stops. */
#include "sched/sched.h"

#include <string.h>

#include "tests/unit/sched/world.h"
#include "tests/unit/suite.h"

/* ---- scripts against logs ---- */

static const struct world_case cases[] = {
    {"spawn order", {"a/0:.", "b/0:.", "c/1:."}, "abc", 0},
    {"a point lets all others run", {"a/0:.p.", "b/0:.p.", "c/0:.p."}, "abcabc", 0},
    {"a point alone goes on", {"a/0:.p.p."}, "aaa", 0},
    {"earlier first", {"a/0:9.", "b/0:4.", "c/0:."}, "cba", 9},
    {"ties in posting order", {"a/0:5.", "b/0:5.", "c/0:23."}, "abc", 5},
    {"a sleep of nothing is a point", {"a/0:.0.", "b/0:."}, "aba", 0},
    {"sleeping alone moves the clock", {"a/0:.7.8."}, "aaa", 15},
    {"who slept earlier wakes first", {"a/0:55.", "b/0:9.1."}, "bab", 10},
    {"sleeping past another", {"a/0:9.", "b/0:1.1.1."}, "bbba", 9},
    {"forever stays", {"a/0:.S.", "b/0:3."}, "aba#", 3},
    {"posted events in line", {"a/0:.Pp.", "b/0:."}, "ab*a", 0},
    {"a post at one's end", {"a/0:P.", "b/0:."}, "ab*", 0},
    {"a spawned actor comes last", {"a/0:.=.", "b/0:."}, "abs", 0},
    {"who is woken comes last", {"a/0:a.", "b/0:5.AP.p."}, "bba*b", 5},
};

START_TEST(order)
{
    struct world w;

    world_check(&w, &cases[_i]);
}
END_TEST

/* ---- plain events ---- */

static void append(void *cookie)
{
    strbuf_addch(cookie, '*');
}

START_TEST(cancel)
{
    AUTO(strbuf) struct strbuf log = {0};
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){.start_ns = START_NS});
    uint64_t now = sched_post(s, 0, append, &log);
    uint64_t later = sched_post(s, START_NS + 5, append, &log);
    uint64_t never = sched_post(s, SCHED_NEVER, append, &log);
    uint64_t kept = sched_post(s, START_NS + 6, append, &log);
    uint64_t again;

    ck_assert_uint_ne(now, 0);
    ck_assert(sched_cancel(s, now));
    ck_assert(!sched_cancel(s, now));
    ck_assert(sched_cancel(s, later));
    ck_assert(sched_cancel(s, never));
    /* The entry is used again; the old id must not hit it. */
    again = sched_post(s, START_NS + 7, append, &log);
    ck_assert(!sched_cancel(s, never));
    ck_assert(!sched_cancel(s, 0));
    ck_assert(!sched_cancel(s, UINT64_MAX));
    ck_assert_int_eq(sched_next(s), START_NS + 6);
    ck_assert_int_eq(sched_run(s, SCHED_NEVER), SCHED_STOP_IDLE);
    ck_assert_str_eq(strbuf_str(&log), "**");
    ck_assert(!sched_cancel(s, kept));
    ck_assert(!sched_cancel(s, again));
    ck_assert_uint_eq(sched_events_done(s), 2);
}
END_TEST

struct chain {
    struct sched *s;
    unsigned left;
};

static void chain_next(void *cookie)
{
    struct chain *chain = cookie;
    if (chain->left-- > 1)
        sched_post(chain->s, sched_now(chain->s) + 3600000000000, chain_next, chain);
}

START_TEST(events_post_events)
{
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){.start_ns = START_NS});
    struct chain chain = {s, 100000};

    sched_post(s, START_NS, chain_next, &chain);
    ck_assert_int_eq(sched_run(s, SCHED_NEVER), SCHED_STOP_IDLE);
    ck_assert_uint_eq(chain.left, 0);
    ck_assert_int_eq(sched_now(s), START_NS + 99999 * 3600000000000);
}
END_TEST

/* ---- stops ---- */

START_TEST(stop_until)
{
    struct world w;

    world_init(&w, 1, POLICY_ORDER, NULL);
    script_spawn(&w, 0, "a", "5.5.5.");
    ck_assert_int_eq(sched_next(w.s), START_NS);
    ck_assert_int_eq(sched_run(w.s, START_NS + 4), SCHED_STOP_UNTIL);
    ck_assert_int_eq(sched_now(w.s), START_NS + 4);
    ck_assert_int_eq(sched_next(w.s), START_NS + 5);
    ck_assert_int_eq(sched_run(w.s, START_NS + 5), SCHED_STOP_UNTIL);
    ck_assert_str_eq(strbuf_str(&w.log), "a");
    /* A time in the past changes nothing. */
    ck_assert_int_eq(sched_run(w.s, 0), SCHED_STOP_UNTIL);
    ck_assert_int_eq(sched_now(w.s), START_NS + 5);
    ck_assert_int_eq(sched_run(w.s, SCHED_NEVER), SCHED_STOP_IDLE);
    ck_assert_str_eq(strbuf_str(&w.log), "aaa");
    ck_assert_int_eq(sched_next(w.s), SCHED_NEVER);
    world_finish(&w);
}
END_TEST

START_TEST(stop_asked)
{
    struct world w;

    world_init(&w, 1, POLICY_ORDER, NULL);
    script_spawn(&w, 0, "a", ".!.p.");
    script_spawn(&w, 0, "b", ".");
    ck_assert_int_eq(sched_run(w.s, SCHED_NEVER), SCHED_STOP_ASKED);
    ck_assert_str_eq(strbuf_str(&w.log), "aa");
    ck_assert_int_eq(sched_run(w.s, SCHED_NEVER), SCHED_STOP_IDLE);
    ck_assert_str_eq(strbuf_str(&w.log), "aaba");
    sched_stop(w.s);
    ck_assert_int_eq(sched_run(w.s, SCHED_NEVER), SCHED_STOP_ASKED);
    ck_assert_int_eq(sched_run(w.s, SCHED_NEVER), SCHED_STOP_IDLE);
    world_finish(&w);
}
END_TEST

static void spin(void *arg)
{
    struct sched *s = arg;
    while (sched_point(s, "spin") == SCHED_OK)
        ;
}

static void spin_asleep(void *arg)
{
    struct sched *s = arg;
    while (sched_sleep(s, 1) == SCHED_OK)
        ;
}

/* Even an actor that never gives way is stopped, since each point counts. */
START_TEST(stop_limit)
{
    actor_fn *fns[] = {spin, spin_asleep};
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){.events_max = 1000});
    struct process *p = process_create(s, "p");

    actor_spawn(p, "spin", fns[_i], s);
    ck_assert_int_eq(sched_run(s, SCHED_NEVER), SCHED_STOP_LIMIT);
    ck_assert_uint_eq(sched_events_done(s), 1000);
    ck_assert_int_eq(sched_run(s, SCHED_NEVER), SCHED_STOP_LIMIT);
    ck_assert_uint_eq(process_actors(p), 1);
}
END_TEST

/* ---- the seeded policy ---- */

static char *random_run(uint64_t seed, enum sched_policy policy, char **ret_trace)
{
    AUTO(trace) struct trace *trace = trace_create();
    struct world w;
    char *log;

    world_init(&w, seed, policy, trace);
    world_spawn_all(&w,
                    (const char *[]){"a/0:.p.p.5.", "b/0:.p.p.5.", "c/1:.p.3.2.", "d/1:.Pp.5.",
                                     "e/2:.x.pA.", "f/2:.pA5."},
                    6);
    sched_run(w.s, SCHED_NEVER);
    log = mem_strdup(strbuf_str(&w.log));
    world_finish(&w);
    if (ret_trace)
        *ret_trace = mem_strdup(strbuf_str(trace_text(trace)));
    return log;
}

START_TEST(random_same_seed)
{
    AUTO(str) char *trace1 = NULL;
    AUTO(str) char *trace2 = NULL;
    AUTO(str) char *log1 = random_run((uint64_t)_i, POLICY_RANDOM, &trace1);
    AUTO(str) char *log2 = random_run((uint64_t)_i, POLICY_RANDOM, &trace2);

    ck_assert_str_eq(log1, log2);
    ck_assert_str_eq(trace1, trace2);
    ck_assert_ptr_nonnull(strstr(trace1, "\"ev\":\"pick\",\"of\":6,\"took\":"));
}
END_TEST

START_TEST(random_differs)
{
    AUTO(str) char *ordered = random_run(0, POLICY_ORDER, NULL);
    unsigned distinct = 0;

    for (uint64_t seed = 0; seed < 20; seed++) {
        AUTO(str) char *log = random_run(seed, POLICY_RANDOM, NULL);
        /* Nobody is lost or doubled, whatever the order. */
        ck_assert_uint_eq(strlen(log), strlen(ordered));
        distinct += strcmp(log, ordered) != 0;
    }
    ck_assert_uint_gt(distinct, 15);
}
END_TEST

/* All orders of three actors come up. */
START_TEST(random_reaches_all)
{
    unsigned seen = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        static const char *const orders[] = {"abc", "acb", "bac", "bca", "cab", "cba"};
        struct world w;
        world_init(&w, seed, POLICY_RANDOM, NULL);
        world_spawn_all(&w, (const char *[]){"a/0:.", "b/0:.", "c/0:."}, 3);
        sched_run(w.s, SCHED_NEVER);
        for (unsigned i = 0; i < ARRAY_LEN(orders); i++) {
            if (strcmp(orders[i], strbuf_str(&w.log)) == 0)
                seen |= 1u << i;
        }
        world_finish(&w);
    }
    ck_assert_uint_eq(seen, 0x3f);
}
END_TEST

START_TEST(streams)
{
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){.seed = 7});
    struct prng a, b, again;
    uint64_t draw_a, draw_b, draw_again;

    sched_prng(s, "a", &a);
    sched_prng(s, "b", &b);
    sched_prng(s, "a", &again);
    draw_a = prng_next(&a);
    draw_b = prng_next(&b);
    draw_again = prng_next(&again);
    ck_assert_uint_eq(draw_a, draw_again);
    ck_assert_uint_ne(draw_a, draw_b);
}
END_TEST

/* ---- outside of actors ---- */

START_TEST(outside)
{
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){0});

    ck_assert_ptr_null(actor_self(s));
    ck_assert(!sched_crashed(s));
    ck_assert_int_eq(sched_point(s, "setup"), SCHED_OK);
    ck_assert_uint_eq(sched_events_done(s), 0);
    ck_assert_int_eq(sched_next(s), SCHED_NEVER);
    ck_assert_int_eq(sched_run(s, 5), SCHED_STOP_IDLE);
    ck_assert_int_eq(sched_now(s), 0);
}
END_TEST

static void inner_world(void *arg)
{
    struct world *w = arg;
    struct world inner;

    world_init(&inner, 1, POLICY_ORDER, NULL);
    script_spawn(&inner, 0, "i", ".p.5.");
    sched_run(inner.s, SCHED_NEVER);
    sched_point(w->s, "between");
    script_spawn(&inner, 0, "j", ".S.");
    sched_run(inner.s, SCHED_NEVER);
    ck_assert_str_eq(strbuf_str(&inner.log), "iiij");
    world_finish(&inner);
}

/* Two worlds know nothing of each other, even when one runs inside an actor of the other. */
START_TEST(world_in_world)
{
    struct world w;

    world_init(&w, 1, POLICY_ORDER, NULL);
    script_spawn(&w, 0, "a", ".p.");
    actor_spawn(w.processes[0], "inner", inner_world, &w);
    script_spawn(&w, 0, "b", ".p.");
    sched_run(w.s, SCHED_NEVER);
    ck_assert_str_eq(strbuf_str(&w.log), "abab");
    world_finish(&w);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("order",
                      SUITE_LONG_CASE("order", 60, EACH(order, cases), TEST(cancel),
                                      TEST(events_post_events), TEST(stop_until), TEST(stop_asked),
                                      RANGE(stop_limit, 0, 2), RANGE(random_same_seed, 0, 10),
                                      TEST(random_differs), TEST(random_reaches_all), TEST(streams),
                                      TEST(outside), TEST(world_in_world)));
}
