/* Crashes: in every state an actor can be in, of itself and of others, and at the end of the world.
 */
#include "sched/sched.h"

#include <signal.h>
#include <string.h>

#include "tests/unit/sched/world.h"
#include "tests/unit/suite.h"

/* k l m n crash the processes 0..3. Scripts own memory, so that a leak shows an actor that did not
 * unwind. */
static const struct {
    const char *name;
    const char *actors[6];
    const char *want;
} cases[] = {
    {"asleep", {"a/0:.9.", "b/1:1k.p."}, "aba#b"},
    {"asleep forever", {"a/0:S.", "b/1:1k.p."}, "ba#b"},
    {"at a point", {"a/0:.p.", "b/1:k.p."}, "aba#b"},
    {"waiting", {"a/0:a.", "b/1:k.p."}, "ba#b"},
    {"waiting with a limit", {"a/0:x.", "b/1:k.p."}, "ba#b"},
    {"woken, not run", {"a/0:a.", "b/1:Ak.p."}, "ba#b"},
    {"limit passed, not run", {"b/1:5k.p.", "a/0:x."}, "ba#b"},
    {"not started", {"b/1:k.p.", "a/0:p."}, "ba#b"},
    {"itself, seen at the next call", {"a/0:.k.p.", "b/0:p."}, "aaa#b#"},
    {"itself, while others of it wait", {"b/0:a.", "c/0:9.", "a/0:k.p."}, "aa#b#c#"},
    {"before anything else due now", {"a/1:p.", "c/0:S", "b/2:k.p."}, "bc#ab"},
    {"others live on", {"a/0:9.", "b/1:9.", "c/2:5k."}, "ca#b"},
    {"unwinding makes no effect", {"a/0:+S...p.5.a.x.", "b/1:1k."}, "ba#aaaa#aa#aa#aa#a"},
    {"twice is once", {"a/0:S.", "b/1:kk.p.k"}, "ba#b"},
    {"two processes, in the order of their crashes", {"a/0:S", "b/1:S", "c/2:lk.p."}, "cb#a#c"},
    {"one crash makes another", {"a/0:S", "b/1:S", "c/1:+Skp", "d/2:l.p."}, "db#c#c#a#d"},
    {"spawned after the crash", {"a/0:+S=.p.", "b/1:1k."}, "ba#ss#"},
    {"a signal given to the dead goes to the living", {"a/0:a.", "b/1:a.", "c/2:Akp."}, "a#bc"},
    {"... or stays in the cell", {"a/0:a.", "c/2:Ak5a."}, "a#c"},
    {"... but a wait without a signal gives none", {"a/0:a.", "c/2:kp1x."}, "a#~c"},
    {"who unwinds gives back", {"a/0:+SA", "b/1:a.", "c/2:1kp."}, "a#cb"},
    {"the crashed waiter is skipped", {"a/0:a.", "b/1:a.", "c/2:kpA."}, "a#cb"},
};

START_TEST(scripts)
{
    struct world w;

    world_init(&w, 1, POLICY_ORDER, NULL);
    world_spawn_all(&w, cases[_i].actors, ARRAY_LEN(cases[_i].actors));
    ck_assert_int_eq(sched_run(w.s, SCHED_NEVER), SCHED_STOP_IDLE);
    ck_assert_msg(strcmp(strbuf_str(&w.log), cases[_i].want) == 0, "%s: got %s, want %s",
                  cases[_i].name, strbuf_str(&w.log), cases[_i].want);
    ck_assert_msg(process_crashed(w.processes[0]), "%s", cases[_i].name);
    ck_assert_msg(process_actors(w.processes[0]) == 0, "%s", cases[_i].name);
    world_finish(&w);
}
END_TEST

/* The same scripts, but the world ends after each number of events; and under many seeds. Only the
 * sanitizers judge. */
START_TEST(end_anywhere)
{
    for (uint64_t events = 1; events < 40; events++) {
        struct world w = {0};
        w.s =
            sched_create(&(struct sched_config){.seed = events,
                                                .start_ns = START_NS,
                                                .policy = events % 2 ? POLICY_RANDOM : POLICY_ORDER,
                                                .events_max = events});
        for (size_t i = 0; i < WORLD_CELLS; i++)
            w.cells[i] = waitcell_create(w.s, "cell");
        for (size_t i = 0; i < 4; i++)
            w.processes[i] = process_create(w.s, (const char *[]){"p0", "p1", "p2", "p3"}[i]);
        world_spawn_all(&w, cases[_i].actors, ARRAY_LEN(cases[_i].actors));
        sched_run(w.s, SCHED_NEVER);
        world_finish(&w);
    }
}
END_TEST

/* ---- the end of a world ---- */

static const char *const states[] = {"S", "9S", "aS", "xS", "pppS", "=S", "A", ".", "bS", "+S=S"};

START_TEST(destroy_unwinds)
{
    struct world w;

    world_init(&w, 1, POLICY_ORDER, NULL);
    for (unsigned i = 0; i < 200; i++)
        script_spawn(&w, i % 4, "a", states[i % ARRAY_LEN(states)]);
    if (_i)
        sched_run(w.s, START_NS + (_i - 1));
    world_finish(&w);
}
END_TEST

/* What unwinds may even make processes; they are born crashed. */
static void breed(void *arg)
{
    struct world *w = arg;
    struct process *p;

    sched_sleep(w->s, SCHED_NEVER);
    ck_assert(sched_crashed(w->s));
    p = process_create(w->s, "late");
    ck_assert(process_crashed(p));
    w->processes[0] = p;
    script_spawn(w, 0, "l", ".p.");
}

START_TEST(destroy_breeding)
{
    struct world w;

    world_init(&w, 1, POLICY_ORDER, NULL);
    actor_spawn(w.processes[1], "breed", breed, &w);
    sched_run(w.s, SCHED_NEVER);
    sched_destroy(w.s);
    w.s = NULL;
    ck_assert_str_eq(strbuf_str(&w.log), "ll#");
    world_finish(&w);
}
END_TEST

static void crash_p0(void *cookie)
{
    struct world *w = cookie;
    process_crash(w->processes[0]);
    world_log(w, "!");
}

START_TEST(from_event_and_setup)
{
    struct world w;

    world_init(&w, 1, POLICY_ORDER, NULL);
    script_spawn(&w, 0, "a", "S");
    script_spawn(&w, 1, "b", "7.S");
    sched_post(w.s, START_NS + 7, crash_p0, &w);
    sched_run(w.s, SCHED_NEVER);
    ck_assert_str_eq(strbuf_str(&w.log), "!a#b");
    process_crash(w.processes[1]);
    ck_assert_uint_eq(process_actors(w.processes[1]), 1);
    ck_assert_int_eq(sched_next(w.s), START_NS + 7);
    sched_run(w.s, SCHED_NEVER);
    ck_assert_str_eq(strbuf_str(&w.log), "!a#bb#");
    ck_assert_uint_eq(process_actors(w.processes[1]), 0);
    world_finish(&w);
}
END_TEST

/* ---- those that do not stop ---- */

static void stubborn(void *arg)
{
    for (;;)
        sched_point(arg, "again");
}

static void restarting(void *arg)
{
    struct sched *s = arg;
    while (sched_sleep(s, SCHED_NEVER) == SCHED_OK)
        ;
    actor_spawn(actor_process(actor_self(s)), "again", restarting, s);
}

static actor_fn *const endless[] = {stubborn, restarting};

START_TEST(endless_unwinding)
{
    struct sched *s = sched_create(&(struct sched_config){0});
    struct process *p = process_create(s, "p");

    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    actor_spawn(p, "endless", endless[_i], s);
    sched_post(s, 0, (event_fn *)sched_stop, s);
    process_crash(p);
    sched_destroy(s);
}
END_TEST

static void note_hook(void *cookie)
{
    strbuf_addstr(cookie, "!");
}

/* Each once, but those that were forgotten; at the end of a world nobody is told. */
START_TEST(hooks)
{
    AUTO(strbuf) struct strbuf log = {0};
    struct sched *s = sched_create(&(struct sched_config){.seed = 1});
    struct process *p = process_create(s, "p"), *other = process_create(s, "other");
    struct crash_hook h[5] = {{0}};

    for (size_t i = 0; i < ARRAY_LEN(h); i++)
        h[i] = (struct crash_hook){.fn = note_hook, .cookie = &log};
    for (size_t i = 0; i < 4; i++)
        process_on_crash(p, &h[i]);
    process_on_crash(other, &h[4]);
    process_forget_hook(&h[1]); /* one between others */
    process_forget_hook(&h[3]); /* the first */
    process_forget_hook(&h[3]);
    process_crash(p);
    process_crash(p);
    ck_assert_str_eq(strbuf_str(&log), "!!");
    sched_destroy(s);
    ck_assert_str_eq(strbuf_str(&log), "!!");
    for (size_t i = 0; i < ARRAY_LEN(h); i++)
        process_forget_hook(&h[i]);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("crash",
                      SUITE_LONG_CASE("crash", 60, TEST(hooks), EACH(scripts, cases),
                                      EACH(end_anywhere, cases), RANGE(destroy_unwinds, 0, 12),
                                      TEST(destroy_breeding), TEST(from_event_and_setup),
                                      EACH_KILLED(endless_unwinding, endless, SIGABRT)));
}
