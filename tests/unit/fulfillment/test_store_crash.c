/* A story of transactions, and a fault at each of its calls to the disk: afterwards the database is
 * what it was before the transaction that was hit, or after it, never anything between. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/fulfillment/store_kit.h"

/* ---- the story ---- */

typedef enum store_result chapter_fn(struct store_txn *t, struct err *e);

static enum store_result add(struct store_txn *t, enum store_table table, struct row r,
                             const char *finalizer, struct err *e)
{
    enum store_result result;

    if (finalizer) {
        r.finalizers = json_array();
        json_array_append_new(r.finalizers, json_string(finalizer));
    }
    result = store_add(t, table, &r, e);
    row_finish(&r);
    return result;
}

static enum store_result parents(struct store_txn *t, struct err *e)
{
    enum store_result r =
        add(t, STORE_COMPUTE_INSTANCES, kit_row("i1", "t1", NULL), "osac.io/service", e);

    return r == STORE_OK ? add(t, STORE_COMPUTE_INSTANCES, kit_row("i2", "t2", NULL), NULL, e) : r;
}

static enum store_result children(struct store_txn *t, struct err *e)
{
    enum store_result r = STORE_OK;

    for (int i = 0; i < 6 && r == STORE_OK; i++) {
        char id[16];

        snprintf(id, sizeof id, "s%02d", i);
        r = add(t, STORE_COMPUTE_INSTANCE_SNAPSHOTS, kit_child(id, "t1", "i1"),
                i % 2 ? "osac.io/service" : NULL, e);
    }
    return r;
}

static enum store_result change(struct store_txn *t, struct err *e)
{
    AUTO(row) struct row r = {0};
    enum store_result result =
        store_get(t, &everything, STORE_COMPUTE_INSTANCE_SNAPSHOTS, "s01", &r, e);

    if (result != STORE_OK)
        return result;
    json_put_str(r.data, "status.state", "COMPUTE_INSTANCE_SNAPSHOT_STATE_READY");
    return store_update(t, &everything, STORE_COMPUTE_INSTANCE_SNAPSHOTS, &r, NULL, e);
}

static enum store_result large(struct store_txn *t, struct err *e)
{
    struct row r = kit_row("h1", "t1", NULL);
    AUTO(str) char *text = mem_alloc(20001);

    memset(text, 'x', 20000);
    text[20000] = '\0';
    json_put_str(r.data, "spec.kubeconfig", text);
    return add(t, STORE_HUBS, r, NULL, e);
}

static void set_deleting(enum store_table table, struct row *r, void *cookie)
{
    (void)cookie;
    json_put_str(r->data, "status.state",
                 table == STORE_COMPUTE_INSTANCES ? "DELETING" : "SNAPSHOT_DELETING");
}

static enum store_result cascade(struct store_txn *t, struct err *e)
{
    return store_delete(t, &everything, STORE_COMPUTE_INSTANCES, "i1", set_deleting, NULL, e);
}

static enum store_result release(struct store_txn *t, struct err *e)
{
    AUTO(row) struct row r = {0};
    bool archived = false;
    enum store_result result =
        store_get(t, &everything, STORE_COMPUTE_INSTANCE_SNAPSHOTS, "s01", &r, e);

    if (result != STORE_OK)
        return result;
    json_array_clear(r.finalizers);
    result = store_update(t, &everything, STORE_COMPUTE_INSTANCE_SNAPSHOTS, &r, &archived, e);
    ck_assert(result != STORE_OK || archived);
    return result;
}

static enum store_result nudge(struct store_txn *t, struct err *e)
{
    return store_signal(t, &everything, STORE_COMPUTE_INSTANCES, "i1", e);
}

static enum store_result remove_hub(struct store_txn *t, struct err *e)
{
    return store_delete(t, &everything, STORE_HUBS, "h1", NULL, NULL, e);
}

static enum store_result add_another(struct store_txn *t, struct err *e)
{
    return add(t, STORE_HUBS, kit_row("another", "t1", NULL), NULL, e);
}

static chapter_fn *const story[] = {parents, children, change, large,
                                    cascade, release,  nudge,  remove_hub};
#define CHAPTERS ARRAY_LEN(story)

/* ---- telling it ---- */

static enum store_result tell(struct store *s, chapter_fn *chapter, struct err *e)
{
    AUTO(store_txn) struct store_txn *t = NULL;
    enum store_result r = store_begin(s, &t, e);

    if (r == STORE_OK)
        r = chapter(t, e);
    return r == STORE_OK ? store_commit(TAKE(t), e) : r;
}

struct telling {
    size_t done;              /* chapters that were committed */
    enum store_result result; /* of the one after those */
    struct store *store;      /* still open, when the host lives */
};

static struct telling tell_all(struct disk_host *h)
{
    AUTO(err) struct err e = {0};
    struct telling t = {.result = STORE_CRASHED,
                        .store = store_sqlite_open(&h->host, DATABASE, &e)};

    for (; t.store && t.done < CHAPTERS; t.done++) {
        t.result = tell(t.store, story[t.done], &e);
        if (t.result != STORE_OK)
            return t;
    }
    return t;
}

static char *states[CHAPTERS + 1]; /* after so many chapters */
static unsigned calls_of_story;

static void learn_states(void)
{
    struct disk d;
    struct disk_host h;
    struct store *s;
    struct err e = {0};

    disk_init(&d, 1);
    disk_host_init(&h, &d);
    s = kit_open(&h.host, DATABASE);
    states[0] = kit_dump(s);
    for (size_t i = 0; i < CHAPTERS; i++) {
        kit_expect(tell(s, story[i], &e), STORE_OK, &e, "the story");
        states[i + 1] = kit_dump(s);
        ck_assert_str_ne(states[i], states[i + 1]);
    }
    calls_of_story = h.calls;
    store_close(s);
    disk_finish(&d);
}

static void forget_states(void)
{
    for (size_t i = 0; i <= CHAPTERS; i++)
        free(states[i]);
}

static const char *difference(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return b;
}

static void check_state(const struct telling *t, struct store *s, unsigned at, const char *when)
{
    AUTO(str) char *now = kit_dump(s);
    bool before = strcmp(now, states[t->done]) == 0;
    bool after = t->done < CHAPTERS && strcmp(now, states[t->done + 1]) == 0;

    ck_assert_msg(before || after, "call %u, %s: after %zu chapters the state is another: %.300s",
                  at, when, t->done, difference(states[t->done], now));
    ck_assert_msg(before || t->result != STORE_NO_SPACE, "call %u: no space, and committed", at);
}

/* Opens it again, with the n-th call of that (from 1) hit too; true when that was the case. */
static bool reopen(struct disk *d, const struct telling *t, unsigned at, enum disk_fault fault,
                   unsigned n)
{
    struct disk_host h;
    AUTO(err) struct err e = {0};
    struct store *s;

    disk_host_init(&h, d);
    h.fault = fault;
    h.fault_at = n;
    s = store_sqlite_open(&h.host, DATABASE, &e);
    ck_assert_msg(s || h.crashed, "call %u, again %u: %s", at, n, e.msg);
    if (!h.crashed)
        check_state(t, s, at, "reopened");
    store_close(s);
    return h.crashed;
}

static void crash_at(enum disk_fault fault, unsigned at, uint64_t seed)
{
    struct disk d;
    struct disk_host h;
    struct telling t;

    disk_init(&d, seed);
    disk_host_init(&h, &d);
    h.fault = fault;
    h.fault_at = at;
    t = tell_all(&h);
    ck_assert_msg(h.crashed, "call %u was not reached", at);
    ck_assert_int_eq(t.result, STORE_CRASHED);
    store_close(t.store);
    ck_assert_msg(h.touched_after_crash == 0, "call %u: %u calls after the crash", at,
                  h.touched_after_crash);
    for (unsigned n = 1; at % 4 == 0 && reopen(&d, &t, at, fault, n); n++)
        ;
    ck_assert(!reopen(&d, &t, at, fault, 0));
    disk_finish(&d);
}

START_TEST(a_crash_leaves_whole_transactions)
{
    learn_states();
    for (unsigned at = 1; at <= calls_of_story; at++)
        crash_at((enum disk_fault)_i, at, at);
    forget_states();
}
END_TEST

START_TEST(the_same_story_writes_the_same_bytes)
{
    uint64_t written[2];

    for (unsigned i = 0; i < 2; i++) {
        struct disk d;
        struct disk_host h;

        disk_init(&d, 1);
        d.digests = true;
        disk_host_init(&h, &d);
        store_close(tell_all(&h).store);
        written[i] = d.written;
        disk_finish(&d);
    }
    ck_assert(written[0] != 0);
    ck_assert(written[0] == written[1]);
}
END_TEST

/* Several fates of what was not synced. */
START_TEST(a_lost_machine_leaves_whole_transactions)
{
    learn_states();
    for (unsigned at = 1; at <= calls_of_story; at++)
        for (uint64_t seed = 100; seed < 102; seed++)
            crash_at(DISK_POWER, at, seed * 1000 + at);
    forget_states();
}
END_TEST

static enum store_result look(struct store_txn *t, struct err *e)
{
    const struct store_query all = {0};
    AUTO(row_list) struct row_list l = {0};

    return store_list(t, &everything, STORE_COMPUTE_INSTANCES, &all, &l, e);
}

/* The call fails: the transaction is lost or whole, and the store goes on. */
static void error_at(enum disk_fault fault, unsigned at)
{
    struct disk d;
    struct disk_host h;
    struct telling t;
    struct err e = {0};

    disk_init(&d, at);
    disk_host_init(&h, &d);
    h.fault = fault;
    h.fault_at = at;
    t = tell_all(&h);
    if (t.store && t.done < CHAPTERS) {
        ck_assert_msg(t.result == STORE_NO_SPACE ||
                          (fault != DISK_FULL && t.result == STORE_FAILED),
                      "call %u: %d", at, (int)t.result);
        check_state(&t, t.store, at, "still open");
        kit_expect(tell(t.store, look, &e), STORE_OK, &e, "is read");
        h.fault_at = 0;
        kit_expect(tell(t.store, add_another, &e), STORE_OK, &e, "goes on");
    }
    store_close(t.store);
    disk_host_init(&h, &d);
    t.store = kit_open(&h.host, DATABASE);
    free(kit_dump(t.store));
    store_close(t.store);
    disk_finish(&d);
}

START_TEST(an_error_leaves_whole_transactions)
{
    learn_states();
    for (unsigned at = 1; at <= calls_of_story; at++)
        error_at((enum disk_fault)_i, at);
    forget_states();
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "fulfillment.store_crash",
        SUITE_LONG_CASE(
            "crash", 100,
            RANGE(a_crash_leaves_whole_transactions, DISK_CRASH_BEFORE, DISK_POWER + 1),
            TEST(a_lost_machine_leaves_whole_transactions),
            TEST(the_same_story_writes_the_same_bytes),
            RANGE(an_error_leaves_whole_transactions, DISK_NO_SPACE, DISK_FAULT_COUNT)));
}
