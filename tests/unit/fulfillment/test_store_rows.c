/* What each call of the store promises, over a database in memory. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/fulfillment/store_kit.h"

static struct disk disk;
static struct disk_host host;
static struct store *store;

static void setup(void)
{
    disk_init(&disk, 1);
    disk_host_init(&host, &disk);
    store = kit_open(&host.host, NULL);
}

static void teardown(void)
{
    store_close(store);
    disk_finish(&disk);
}

static struct row with_finalizer(struct row r)
{
    r.finalizers = kit_json("['osac.io/service']");
    return r;
}

/* A transaction of one call, whose result is wanted; committed when it is STORE_OK. */
#define ONCE(want, call)                                                                           \
    do {                                                                                           \
        struct err e = {0};                                                                        \
        struct store_txn *t = kit_begin(store);                                                    \
        kit_expect(call, want, &e, #call);                                                         \
        if ((want) == STORE_OK)                                                                    \
            kit_commit(t);                                                                         \
        else                                                                                       \
            store_rollback(t);                                                                     \
    } while (0)

static const struct scope t1 = {.tenants = (const char *const[]){"t1"}, .count = 1};
static const struct scope t2 = {.tenants = (const char *const[]){"t2"}, .count = 1};
static const struct scope both = {.tenants = (const char *const[]){"t1", "t2"}, .count = 2};
static const struct scope nobody = {0};
static const struct scope quoted = {
    .tenants = (const char *const[]){"t1') OR (1", "x\" OR 1 --", "\xff", ""}, .count = 4};

START_TEST(a_row_comes_back_as_it_went)
{
    struct row r = {.id = mem_strdup("i1"),
                    .tenant = mem_strdup("t1"),
                    .creator = mem_strdup("ann'; DROP TABLE events; --"),
                    .project = mem_strdup("p.q"),
                    .name = mem_strdup("a-name"),
                    .finalizers = kit_json("['a','b']"),
                    .labels = kit_json("{'x/y':'1','z':''}"),
                    .annotations = kit_json("{'note':'<&>'}"),
                    .data = kit_json("{'spec':{'n':'9007199254740993','l':[1,null,true]}}")};
    AUTO(row) struct row want = row_copy(&r), got = {0};

    kit_insert(store, STORE_COMPUTE_INSTANCES, r);
    got = kit_get(store, STORE_COMPUTE_INSTANCES, "i1");
    ck_assert_str_eq(got.id, want.id);
    ck_assert_str_eq(got.tenant, want.tenant);
    ck_assert_str_eq(got.creator, want.creator);
    ck_assert_str_eq(got.project, want.project);
    ck_assert_str_eq(got.name, want.name);
    ck_assert(json_same(got.finalizers, want.finalizers));
    ck_assert(json_same(got.labels, want.labels));
    ck_assert(json_same(got.annotations, want.annotations));
    ck_assert(json_same(got.data, want.data));
    ck_assert_int_eq(got.version, 0);
    ck_assert_int_eq(got.deletion_ns, 0);
    ck_assert_int_gt(got.creation_ns, DISK_START_NS);
}
END_TEST

/* ---- scope ---- */

static const struct scope_case {
    const char *name;
    const struct scope *scope;
    const char *want;
} scopes[] = {
    {"one", &t1, "a c"},           {"the other", &t2, "b"}, {"both", &both, "a b c"},
    {"all", &everything, "a b c"}, {"nobody", &nobody, ""}, {"names that are SQL", &quoted, ""},
};

START_TEST(a_scope_hides_rows_of_others)
{
    const struct scope_case *c = &scopes[_i];
    static const char *const ids[] = {"a", "b", "c"};
    const struct store_query all = {0};
    AUTO(row_list) struct row_list l = {0};
    AUTO(str) char *got = NULL;

    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("a", "t1", NULL));
    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("b", "t2", NULL));
    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("c", "t1", NULL));
    ONCE(STORE_OK, store_list(t, c->scope, STORE_COMPUTE_INSTANCES, &all, &l, &e));
    got = kit_ids(&l);
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: %s", c->name, got);
    ck_assert_int_eq(l.total, (int64_t)l.count);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        bool seen = strstr(c->want, ids[i]) != NULL;
        enum store_result want = seen ? STORE_OK : STORE_NOT_FOUND;
        AUTO(row) struct row r = {0};

        ONCE(want, store_get(t, c->scope, STORE_COMPUTE_INSTANCES, ids[i], &r, &e));
        ONCE(want, store_signal(t, c->scope, STORE_COMPUTE_INSTANCES, ids[i], &e));
        r = seen ? r : kit_row(ids[i], "t1", NULL);
        ONCE(want, store_update(t, c->scope, STORE_COMPUTE_INSTANCES, &r, NULL, &e));
        ONCE(want, store_delete(t, c->scope, STORE_COMPUTE_INSTANCES, ids[i], NULL, NULL, &e));
    }
}
END_TEST

/* ---- list ---- */

static const struct page_case {
    const char *name;
    int64_t offset, limit;
    size_t count;
    const char *first;
} pages[] = {
    {"no limit", 0, 0, 100, "r0000"},
    {"a page", 250, 100, 100, "r0250"},
    {"more than the most", 0, 5000, 1000, "r0000"},
    {"the most", 100, 1000, 1000, "r0100"},
    {"a negative limit", 0, -1, 0, NULL},
    {"the least limit", 0, INT64_MIN, 0, NULL},
    {"a negative offset", -5, 3, 3, "r0000"},
    {"the last", 1199, 10, 1, "r1199"},
    {"past the end", 1200, 10, 0, NULL},
    {"far past the end", INT64_MAX, INT64_MAX, 0, NULL},
};

static void insert_many(size_t count)
{
    struct store_txn *t = kit_begin(store);

    for (size_t i = 0; i < count; i++) {
        struct err e = {0};
        AUTO(str) char *id = mem_printf("r%04zu", (i * 7) % count);
        AUTO(row) struct row r = kit_row(id, "t1", NULL);

        kit_expect(store_add(t, STORE_HUBS, &r, &e), STORE_OK, &e, id);
    }
    kit_commit(t);
}

START_TEST(a_list_has_pages)
{
    insert_many(1200);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        const struct page_case *c = &pages[i];
        const struct store_query q = {.offset = c->offset, .limit = c->limit};
        AUTO(row_list) struct row_list l = {0};

        ONCE(STORE_OK, store_list(t, &t1, STORE_HUBS, &q, &l, &e));
        ck_assert_msg(l.count == c->count && l.total == 1200, "%s: %zu of %lld", c->name, l.count,
                      (long long)l.total);
        ck_assert_msg(!c->first || strcmp(l.rows[0].id, c->first) == 0, "%s: %s", c->name,
                      c->first ? l.rows[0].id : "");
        for (size_t k = 1; k < l.count; k++)
            ck_assert_str_lt(l.rows[k - 1].id, l.rows[k].id);
    }
}
END_TEST

/* ---- insert ---- */

START_TEST(an_id_is_taken_once)
{
    AUTO(row) struct row again = kit_row("i1", "t2", NULL);

    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("i1", "t1", NULL));
    ONCE(STORE_EXISTS, store_add(t, STORE_COMPUTE_INSTANCES, &again, &e));
    ONCE(STORE_OK, store_delete(t, &t1, STORE_COMPUTE_INSTANCES, "i1", NULL, NULL, &e));
    ONCE(STORE_EXISTS, store_add(t, STORE_COMPUTE_INSTANCES, &again, &e));
    kit_insert(store, STORE_HUBS, kit_row("i1", "t1", NULL));
}
END_TEST

static const struct parent_case {
    const char *name, *tenant, *parent;
    enum store_result want;
} parents[] = {
    {"live", "t1", "live", STORE_OK},
    {"of another tenant", "t2", "live", STORE_NO_PARENT},
    {"being deleted", "t1", "going", STORE_NO_PARENT},
    {"archived", "t1", "gone", STORE_NO_PARENT},
    {"never there", "t1", "nobody", STORE_NO_PARENT},
    {"without a name", "t1", "", STORE_NO_PARENT},
    {"a piece of SQL", "t1", "' OR '1'='1", STORE_NO_PARENT},
};

START_TEST(a_child_needs_its_parent)
{
    const struct parent_case *c = &parents[_i];
    AUTO(row) struct row child = kit_child("s1", c->tenant, "x");

    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("live", "t1", NULL));
    kit_insert(store, STORE_COMPUTE_INSTANCES, with_finalizer(kit_row("going", "t1", NULL)));
    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("gone", "t1", NULL));
    ONCE(STORE_OK, store_delete(t, &t1, STORE_COMPUTE_INSTANCES, "going", NULL, NULL, &e));
    ONCE(STORE_OK, store_delete(t, &t1, STORE_COMPUTE_INSTANCES, "gone", NULL, NULL, &e));
    json_put_str(child.data, "spec.compute_instance", c->parent);
    ONCE(c->want, store_add(t, STORE_COMPUTE_INSTANCE_SNAPSHOTS, &child, &e));
}
END_TEST

static json_t *nested(unsigned depth)
{
    json_t *v = json_object();

    while (depth-- > 1) {
        json_t *outer = json_object();

        json_object_set_new(outer, "a", v);
        v = outer;
    }
    return v;
}

static json_t *long_text(size_t len)
{
    AUTO(str) char *text = mem_alloc(len + 1);

    memset(text, 'x', len);
    text[len] = '\0';
    return json_string(text);
}

START_TEST(a_row_that_cannot_be_kept_is_refused)
{
    static const enum store_result want[] = {STORE_OK,      STORE_INVALID, STORE_INVALID,
                                             STORE_INVALID, STORE_INVALID, STORE_OK,
                                             STORE_INVALID, STORE_INVALID};
    AUTO(row) struct row r = kit_row(_i == 1 ? "" : "i1", "t1", NULL);

    if (_i == 2) {
        free(r.name);
        r.name = mem_strdup("a\xff");
    }
    if (_i == 3)
        json_object_set_new(r.data, "big", long_text(STORE_DATA_MAX));
    if (_i == 4) {
        free(r.creator);
        r.creator = mem_zalloc(STORE_TEXT_MAX + 2);
        memset(r.creator, 'x', STORE_TEXT_MAX + 1);
    }
    if (_i == 5 || _i == 6) {
        json_decref(r.data);
        r.data = nested(JSON_DEPTH_MAX + (_i == 6));
    }
    if (_i == 7)
        r.finalizers = json_object();
    ONCE(want[_i], store_add(t, STORE_COMPUTE_INSTANCES, &r, &e));
    if (want[_i] == STORE_OK) {
        AUTO(row) struct row back = kit_get(store, STORE_COMPUTE_INSTANCES, "i1");

        ck_assert(json_same(back.data, r.data));
    }
}
END_TEST

/* ---- update ---- */

static int64_t last_event(void)
{
    int64_t n = -1;

    ONCE(STORE_OK, store_last_event(t, &n, &e));
    return n;
}

START_TEST(the_same_is_not_written)
{
    AUTO(row) struct row r = {0};
    int64_t before;

    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("i1", "t1", "{'a':1}"));
    r = kit_get(store, STORE_COMPUTE_INSTANCES, "i1");
    before = last_event();
    ONCE(STORE_OK, store_update(t, &t1, STORE_COMPUTE_INSTANCES, &r, NULL, &e));
    ck_assert_int_eq(r.version, 0);
    ck_assert_int_eq(last_event(), before);
    json_put_str(r.data, "b", "2");
    ONCE(STORE_OK, store_update(t, &t1, STORE_COMPUTE_INSTANCES, &r, NULL, &e));
    ck_assert_int_eq(r.version, 1);
    ck_assert_int_eq(last_event(), before + 1);
}
END_TEST

START_TEST(what_an_update_says_of_itself_does_not_count)
{
    AUTO(row) struct row r = {0}, got = {0};

    kit_insert(store, STORE_COMPUTE_INSTANCES, with_finalizer(kit_row("i1", "t1", NULL)));
    ONCE(STORE_OK, store_delete(t, &t1, STORE_COMPUTE_INSTANCES, "i1", NULL, NULL, &e));
    got = kit_get(store, STORE_COMPUTE_INSTANCES, "i1");
    r = kit_row("i1", "t1", "{'new':true}");
    r.finalizers = kit_json("['other']");
    r.version = 77;
    r.creation_ns = 5;
    r.creator = mem_strdup("mallory");
    ONCE(STORE_OK, store_update(t, &t1, STORE_COMPUTE_INSTANCES, &r, NULL, &e));
    ck_assert_int_eq(r.version, 2);
    ck_assert_int_eq(r.creation_ns, got.creation_ns);
    ck_assert_int_eq(r.deletion_ns, got.deletion_ns);
    ck_assert_str_eq(r.creator, "");
}
END_TEST

static const struct immutable_case {
    const char *name, *want;
} immutables[] = {
    {"tenant", "field 'metadata.tenant' is immutable"},
    {"project", "field 'metadata.project' is immutable"},
    {"parent", "field 'spec.compute_instance' is immutable"},
};

START_TEST(some_fields_never_change)
{
    const struct immutable_case *c = &immutables[_i];
    AUTO(row) struct row r = {0};
    AUTO(err) struct err e = {0};
    struct store_txn *t;

    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("i1", "t1", NULL));
    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("i2", "t1", NULL));
    kit_insert(store, STORE_COMPUTE_INSTANCE_SNAPSHOTS, kit_child("s1", "t1", "i1"));
    r = kit_get(store, STORE_COMPUTE_INSTANCE_SNAPSHOTS, "s1");
    if (_i == 0)
        memcpy(r.tenant, "t2", 2);
    if (_i == 1) {
        free(r.project);
        r.project = mem_strdup("other");
    }
    if (_i == 2)
        json_put_str(r.data, "spec.compute_instance", "i2");
    t = kit_begin(store);
    ck_assert_int_eq(store_update(t, &everything, STORE_COMPUTE_INSTANCE_SNAPSHOTS, &r, NULL, &e),
                     STORE_IMMUTABLE);
    ck_assert_str_eq(e.msg, c->want);
    kit_commit(t); /* a refusal leaves the transaction as it is */
}
END_TEST

/* ---- delete ---- */

static void set_state(enum store_table table, struct row *r, void *cookie)
{
    ++*(unsigned *)cookie;
    json_put_str(r->data, "status.state", store_table_name(table));
}

START_TEST(a_row_with_finalizers_waits)
{
    unsigned edits = 0;
    int64_t first;
    bool archived = false;
    AUTO(row) struct row r = {0};

    kit_insert(store, STORE_HUBS, with_finalizer(kit_row("h", "t1", NULL)));
    ONCE(STORE_OK, store_delete(t, &t1, STORE_HUBS, "h", set_state, &edits, &e));
    r = kit_get(store, STORE_HUBS, "h");
    first = r.deletion_ns;
    ck_assert_int_gt(first, 0);
    ck_assert_str_eq(json_str_or_empty(r.data, "status.state"), "hubs");
    row_finish(&r);
    ONCE(STORE_OK, store_delete(t, &t1, STORE_HUBS, "h", set_state, &edits, &e));
    r = kit_get(store, STORE_HUBS, "h");
    ck_assert_int_gt(r.deletion_ns, first);
    ck_assert_uint_eq(edits, 2);
    json_array_clear(r.finalizers);
    ONCE(STORE_OK, store_update(t, &t1, STORE_HUBS, &r, &archived, &e));
    ck_assert(archived);
    ONCE(STORE_NOT_FOUND, store_get(t, &t1, STORE_HUBS, "h", &r, &e));
    ONCE(STORE_NOT_FOUND, store_delete(t, &t1, STORE_HUBS, "h", NULL, NULL, &e));
}
END_TEST

static enum store_result note_id(const struct row *r, void *cookie, struct err *reterr)
{
    (void)reterr;
    strbuf_addf(cookie, "%s%s%s ", r->id, r->deletion_ns ? "!" : "",
                *json_str_or_empty(r->data, "status.state") ? "*" : "");
    return STORE_OK;
}

START_TEST(children_go_with_their_parent)
{
    AUTO(strbuf) struct strbuf seen = {0};
    unsigned edits = 0;

    kit_insert(store, STORE_COMPUTE_INSTANCES, with_finalizer(kit_row("i1", "t1", NULL)));
    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("i10", "t1", NULL));
    for (unsigned i = 0; i < 200; i++) {
        AUTO(str) char *id = mem_printf("s%03u", i);
        struct row r = kit_child(id, "t1", i % 100 == 7 ? "i10" : "i1");

        kit_insert(store, STORE_COMPUTE_INSTANCE_SNAPSHOTS, i % 2 ? r : with_finalizer(r));
    }
    ONCE(STORE_OK, store_delete(t, &t1, STORE_COMPUTE_INSTANCE_SNAPSHOTS, "s000", NULL, NULL, &e));
    ONCE(STORE_OK, store_delete(t, &t1, STORE_COMPUTE_INSTANCES, "i1", set_state, &edits, &e));
    ck_assert_uint_eq(edits, 1 + 200 - 2 - 1); /* not those of i10, nor the one that was going */
    ONCE(STORE_OK, store_each(t, STORE_COMPUTE_INSTANCE_SNAPSHOTS, "i10", note_id, &seen, &e));
    ck_assert_str_eq(strbuf_str(&seen), "s007 s107 ");
    strbuf_reset(&seen);
    ONCE(STORE_OK, store_each(t, STORE_COMPUTE_INSTANCE_SNAPSHOTS, "i1", note_id, &seen, &e));
    ck_assert_uint_eq(seen.len, 100 * 7 - 1); /* "s002!* ", but "s000! " */
    ck_assert_uint_eq(strncmp(seen.data, "s000! s002!* s004!* ", 20), 0);
}
END_TEST

/* ---- events ---- */

static char *event_text(int64_t after, size_t max)
{
    AUTO(store_events) struct store_events l = {0};
    struct strbuf b = {0};

    ONCE(STORE_OK, store_events_after(t, after, max, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        const struct store_event *e = &l.events[i];

        strbuf_addf(&b, "%lld %s %s %s %s %lld\n", (long long)e->number,
                    store_event_name(e->type) + 7, store_table_name(e->table), e->row.tenant,
                    e->row.id, (long long)e->row.version);
    }
    strbuf_addf(&b, "last %lld%s", (long long)l.last, l.lost ? " lost" : "");
    return strbuf_take(&b);
}

static void expect_events(int64_t after, size_t max, const char *want)
{
    AUTO(str) char *got = event_text(after, max);

    ck_assert_str_eq(got, want);
}

static void count_commit(void *cookie)
{
    ++*(unsigned *)cookie;
}

START_TEST(events_tell_what_happened)
{
    AUTO(row) struct row r = {0};
    unsigned commits = 0;
    struct store_txn *undone;
    struct err why = {0};

    store_on_commit(store, count_commit, &commits);
    kit_insert(store, STORE_COMPUTE_INSTANCES, kit_row("i1", "t1", NULL));
    kit_insert(store, STORE_COMPUTE_INSTANCE_SNAPSHOTS,
               with_finalizer(kit_child("s1", "t1", "i1")));
    undone = kit_begin(store); /* what is rolled back happened to nobody, and takes no number */
    kit_expect(store_delete(undone, &t1, STORE_COMPUTE_INSTANCES, "i1", NULL, NULL, &why), STORE_OK,
               &why, "delete");
    store_rollback(undone);
    r = kit_get(store, STORE_COMPUTE_INSTANCE_SNAPSHOTS, "s1");
    ck_assert_uint_eq(commits, 2);
    ONCE(STORE_OK, store_signal(t, &t1, STORE_COMPUTE_INSTANCES, "i1", &e));
    ONCE(STORE_OK, store_delete(t, &t1, STORE_COMPUTE_INSTANCES, "i1", NULL, NULL, &e));
    ck_assert_uint_eq(commits, 4);
    expect_events(0, 10,
                  "1 CREATED compute_instances t1 i1 0\n"
                  "2 CREATED compute_instance_snapshots t1 s1 0\n"
                  "3 SIGNALED compute_instances t1 i1 0\n"
                  "4 UPDATED compute_instance_snapshots t1 s1 1\n"
                  "5 DELETED compute_instances t1 i1 1\n"
                  "last 5");
    expect_events(3, 1, "4 UPDATED compute_instance_snapshots t1 s1 1\nlast 4");
    expect_events(5, 10, "last 5");
    expect_events(-3, 1, "1 CREATED compute_instances t1 i1 0\nlast 1");
}
END_TEST

START_TEST(old_events_are_pruned)
{
    struct store_txn *t = kit_begin(store);
    struct err e = {0};
    AUTO(row) struct row r = kit_row("i1", "t1", NULL);

    kit_expect(store_add(t, STORE_COMPUTE_INSTANCES, &r, &e), STORE_OK, &e, "add");
    for (int i = 0; i < STORE_EVENTS_KEPT + 4; i++)
        kit_expect(store_signal(t, &t1, STORE_COMPUTE_INSTANCES, "i1", &e), STORE_OK, &e, "signal");
    kit_commit(t);
    expect_events(0, 1, "6 SIGNALED compute_instances t1 i1 0\nlast 6 lost");
    expect_events(4, 1, "6 SIGNALED compute_instances t1 i1 0\nlast 6 lost");
    expect_events(5, 1, "6 SIGNALED compute_instances t1 i1 0\nlast 6");
    ck_assert_int_eq(last_event(), STORE_EVENTS_KEPT + 5);
}
END_TEST

/* ---- transactions ---- */

START_TEST(a_broken_transaction_is_not_committed)
{
    AUTO(row) struct row bad = kit_row("", "t1", NULL), good = kit_row("i1", "t1", NULL);
    struct store_txn *txn = kit_begin(store);
    struct err why = {0};

    kit_expect(store_add(txn, STORE_COMPUTE_INSTANCES, &good, &why), STORE_OK, &why, "good");
    kit_expect(store_add(txn, STORE_COMPUTE_INSTANCES, &bad, &why), STORE_INVALID, &why, "bad");
    kit_expect(store_commit(txn, &why), STORE_FAILED, &why, "commit");
    ONCE(STORE_NOT_FOUND, store_get(t, &t1, STORE_COMPUTE_INSTANCES, "i1", &good, &e));
}
END_TEST

START_TEST(a_walk_ends_where_it_is_told)
{
    AUTO(strbuf) struct strbuf seen = {0};

    insert_many(130);
    ONCE(STORE_OK, store_each(t, STORE_HUBS, NULL, note_id, &seen, &e));
    ck_assert_uint_eq(seen.len, 130 * 6);
    ck_assert_str_eq(seen.data + 129 * 6, "r0129 ");
}
END_TEST

int main(void)
{
    TCase *rows;

    json_init();
    rows = SUITE_LONG_CASE(
        "rows", 60, TEST(a_row_comes_back_as_it_went), EACH(a_scope_hides_rows_of_others, scopes),
        TEST(a_list_has_pages), TEST(an_id_is_taken_once), EACH(a_child_needs_its_parent, parents),
        RANGE(a_row_that_cannot_be_kept_is_refused, 0, 8), TEST(the_same_is_not_written),
        TEST(what_an_update_says_of_itself_does_not_count),
        EACH(some_fields_never_change, immutables), TEST(a_row_with_finalizers_waits),
        TEST(children_go_with_their_parent), TEST(events_tell_what_happened),
        TEST(old_events_are_pruned), TEST(a_broken_transaction_is_not_committed),
        TEST(a_walk_ends_where_it_is_told));
    tcase_add_checked_fixture(rows, setup, teardown);
    return SUITE_MAIN("fulfillment.store_rows", rows);
}
