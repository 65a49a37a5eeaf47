/* Several tasks share a store, on fibers that switch at every call of the host: transactions take
 * turns, and a crash in the middle of them lets everybody go. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/fulfillment/store_kit.h"

#define TASKS 5
#define TURNS 4 /* the last is rolled back */

struct world {
    struct disk disk;
    struct disk_host host;
    struct store *store;
    unsigned inside, most; /* tasks that hold a transaction */
    unsigned done, begun;
};

struct task {
    struct world *world;
    unsigned number;
};

static void world_init(struct world *w, uint64_t seed, enum sched_policy policy)
{
    memset(w, 0, sizeof *w);
    disk_init(&w->disk, seed);
    disk_host_init(&w->host, &w->disk);
    w->host.sched =
        sched_create(&(struct sched_config){.seed = seed, .start_ns = 1, .policy = policy});
    w->host.process = process_create(w->host.sched, "service");
}

/* Two rows and a look at the two of the turn before. */
static enum store_result take_turn(struct task *task, struct store_txn *t, unsigned turn,
                                   struct err *e)
{
    enum store_result r = STORE_OK;

    for (unsigned half = 0; half < 2 && r == STORE_OK; half++) {
        AUTO(str) char *id = mem_printf("t%u-%02u-%u", task->number, turn, half);
        AUTO(str) char *before = mem_printf("t%u-%02u-%u", task->number, turn - 1, half);
        AUTO(row) struct row row = kit_row(id, "t1", NULL), old = {0};

        r = store_add(t, STORE_HUBS, &row, e);
        if (r == STORE_OK && turn > 0)
            r = store_get(t, &everything, STORE_HUBS, before, &old, e);
    }
    return r;
}

static enum store_result run_turn(struct task *task, unsigned turn, struct err *e)
{
    struct world *w = task->world;
    AUTO(store_txn) struct store_txn *t = NULL;
    enum store_result r = store_begin(w->store, &t, e);

    if (r != STORE_OK)
        return r;
    w->begun++;
    if (++w->inside > w->most)
        w->most = w->inside;
    r = take_turn(task, t, turn, e);
    w->inside--;
    if (r == STORE_OK && turn == TURNS - 1)
        return STORE_OK;
    return r == STORE_OK ? store_commit(TAKE(t), e) : r;
}

static void run_task(void *arg)
{
    struct task *task = arg;
    struct world *w = task->world;
    enum store_result r = STORE_OK;
    AUTO(err) struct err e = {0};

    for (unsigned turn = 0; turn < TURNS && r == STORE_OK; turn++)
        r = run_turn(task, turn, &e);
    ck_assert_msg(r == STORE_OK || r == STORE_CRASHED, "%d: %s", (int)r, e.msg);
    w->done += r == STORE_OK;
    free(task);
}

static void run_service(void *arg)
{
    struct world *w = arg;
    AUTO(err) struct err e = {0};

    w->store = store_sqlite_open(&w->host.host, DATABASE, &e);
    if (!w->store) {
        ck_assert_msg(w->host.crashed, "%s", e.msg);
        return;
    }
    for (unsigned i = 0; i < TASKS; i++) {
        struct task *task = mem_zalloc(sizeof *task);

        *task = (struct task){w, i};
        actor_spawn(w->host.process, "task", run_task, task);
    }
}

/* Runs to the end and closes; the calls that it took. */
static unsigned run_world(struct world *w)
{
    unsigned calls;

    actor_spawn(w->host.process, "service", run_service, w);
    ck_assert_int_eq(sched_run(w->host.sched, SCHED_NEVER), SCHED_STOP_IDLE);
    ck_assert_uint_eq(process_actors(w->host.process), 0);
    ck_assert_uint_eq(w->inside, 0);
    ck_assert_uint_le(w->most, 1);
    calls = w->host.calls;
    store_close(w->store);
    sched_destroy(w->host.sched);
    return calls;
}

/* Both halves of a turn are there, or none; and turns of a task are there in order. */
static unsigned check_rows(struct world *w)
{
    struct disk_host h;
    struct store *s;
    AUTO(str) char *dump = NULL;
    unsigned turns = 0;

    disk_host_init(&h, &w->disk);
    s = kit_open(&h.host, DATABASE);
    dump = kit_dump(s);
    store_close(s);
    for (unsigned task = 0; task < TASKS; task++)
        for (unsigned turn = 0; turn < TURNS; turn++) {
            AUTO(str) char *a = mem_printf("\nt%u-%02u-0|", task, turn);
            AUTO(str) char *b = mem_printf("\nt%u-%02u-1|", task, turn);
            bool has = strstr(dump, a) != NULL;

            ck_assert_msg(has == (strstr(dump, b) != NULL), "half of a turn: %s", a);
            turns += has;
        }
    return turns;
}

START_TEST(tasks_take_turns)
{
    struct world w;

    world_init(&w, (uint64_t)_i + 1, _i ? POLICY_RANDOM : POLICY_ORDER);
    run_world(&w);
    ck_assert_uint_eq(w.done, TASKS);
    ck_assert_uint_eq(w.begun, TASKS * TURNS);
    ck_assert_uint_eq(check_rows(&w), TASKS * (TURNS - 1));
    disk_finish(&w.disk);
}
END_TEST

START_TEST(a_crash_lets_everybody_go)
{
    struct world w;
    unsigned calls;

    world_init(&w, 1, POLICY_RANDOM);
    calls = run_world(&w);
    disk_finish(&w.disk);
    for (unsigned at = 1; at <= calls; at += 3) {
        world_init(&w, 1, POLICY_RANDOM);
        w.host.fault = (enum disk_fault)_i;
        w.host.fault_at = at;
        run_world(&w);
        ck_assert_msg(w.host.crashed, "call %u", at);
        ck_assert_uint_eq(w.host.touched_after_crash, 0);
        check_rows(&w);
        disk_finish(&w.disk);
    }
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "fulfillment.store_tasks",
        SUITE_LONG_CASE("tasks", 60, RANGE(tasks_take_turns, 0, 8),
                        RANGE(a_crash_lets_everybody_go, DISK_CRASH_BEFORE, DISK_POWER + 1)));
}
