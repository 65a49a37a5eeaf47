/* Wait cells: signals, time limits, and who gets what. */
#include "sched/sched.h"

#include <string.h>

#include "tests/unit/sched/world.h"
#include "tests/unit/suite.h"

static const struct world_case cases[] = {
    {"a signal wakes", {"a/0:a.", "b/0:.A"}, "ba", 0},
    {"a signal is remembered", {"a/0:A", "b/0:5a."}, "b", 5},
    {"once only", {"a/0:AAA", "b/0:5x.x.x."}, "b~b~b", 15},
    {"first come, first served", {"a/0:a.", "b/0:a.", "c/0:a.", "d/0:A5A5A"}, "abc", 10},
    {"one signal wakes one", {"a/0:x.", "b/0:x.", "c/0:1A"}, "a~b", 5},
    {"the limit ends a wait", {"a/0:x."}, "~a", 5},
    {"a signal before the limit", {"a/0:x.", "b/0:4A"}, "a", 4},
    {"the limit leaves no timer behind", {"a/0:x.", "b/0:1A"}, "a", 1},
    {"a signal at the limit's time, posted first", {"b/0:5.A", "a/0:x."}, "ba", 5},
    {"a signal at the limit's time, too late", {"a/0:x.", "b/0:5.A"}, "~ab", 5},
    {"after a limit the cell is as before", {"a/0:x.a.", "b/0:9A"}, "~aa", 9},
    {"others run before a remembered signal is taken", {"a/0:Aa.", "b/0:."}, "ba", 0},
    {"who asked first takes it", {"a/0:Aax.", "b/0:x.", "c/0:3A"}, "a~b", 5},
    {"handing to and fro", {"a/0:B a.B a.", "b/0:b.A b.A"}, "baba", 0},
    {"cells are apart", {"a/0:a.", "b/0:b.", "c/0:B5A"}, "ba", 5},
};

START_TEST(scripts)
{
    struct world w;

    world_check(&w, &cases[_i]);
}
END_TEST

static void signal_cell(void *cookie)
{
    waitcell_signal(cookie);
}

START_TEST(signal_from_event)
{
    struct world w;

    world_init(&w, 1, POLICY_ORDER, NULL);
    script_spawn(&w, 0, "a", "a.");
    sched_post(w.s, START_NS + 100, signal_cell, w.cells[0]);
    sched_run(w.s, SCHED_NEVER);
    ck_assert_str_eq(strbuf_str(&w.log), "a");
    ck_assert_int_eq(sched_now(w.s), START_NS + 100);
    world_finish(&w);
}
END_TEST

struct brief {
    struct sched *s;
    struct waitcell *cell;
    bool done;
};

static void wait_brief(void *arg)
{
    struct brief *brief = arg;
    ck_assert_int_eq(waitcell_wait(brief->cell, SCHED_NEVER), SCHED_OK);
    brief->done = true;
}

static void signal_and_destroy(void *arg)
{
    struct brief *brief = arg;
    waitcell_signal(brief->cell);
    waitcell_destroy(brief->cell);
    sched_point(brief->s, "x");
}

/* The signaller may drop a cell at once; who was woken does not look at it again. */
START_TEST(destroyed_after_signal)
{
    AUTO(trace) struct trace *trace = trace_create();
    AUTO(sched)
    struct sched *s = sched_create(
        &(struct sched_config){.policy = _i ? POLICY_RANDOM : POLICY_ORDER, .trace = trace});
    struct process *p = process_create(s, "p");
    struct brief brief = {s, waitcell_create(s, "brief"), false};

    actor_spawn(p, "wait", wait_brief, &brief);
    sched_run(s, SCHED_NEVER);
    actor_spawn(p, "signal", signal_and_destroy, &brief);
    sched_run(s, SCHED_NEVER);
    ck_assert(brief.done);
}
END_TEST

static void poll_cell(void *arg)
{
    struct brief *brief = arg;
    ck_assert_int_eq(waitcell_wait(brief->cell, 0), SCHED_TIMEOUT);
    waitcell_signal(brief->cell);
    ck_assert_int_eq(waitcell_wait(brief->cell, 0), SCHED_OK);
    ck_assert_int_eq(waitcell_wait(brief->cell, sched_now(brief->s)), SCHED_TIMEOUT);
    brief->done = true;
}

/* A limit in the past asks without waiting. */
START_TEST(poll)
{
    AUTO(sched) struct sched *s = sched_create(&(struct sched_config){.start_ns = START_NS});
    AUTO(waitcell) struct waitcell *cell = waitcell_create(s, "cell");
    struct brief brief = {s, cell, false};

    actor_spawn(process_create(s, "p"), "a", poll_cell, &brief);
    sched_run(s, SCHED_NEVER);
    ck_assert(brief.done);
    ck_assert_int_eq(sched_now(s), START_NS);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("waitcell",
                      SUITE_LONG_CASE("waitcell", 60, EACH(scripts, cases), TEST(signal_from_event),
                                      RANGE(destroyed_after_signal, 0, 2), TEST(poll)));
}
