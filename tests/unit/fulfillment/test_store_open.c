/* How a database is opened: new ones, older ones, newer ones, and files that are none. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/store_schema.h"
#include "components/fulfillment-service/store_sqlite.h"
#include "tests/unit/fulfillment/store_kit.h"

static struct disk disk;
static struct disk_host host;

static void setup(void)
{
    disk_init(&disk, 1);
    disk_host_init(&host, &disk);
}

static void teardown(void)
{
    disk_finish(&disk);
}

static void run_sql(struct db *d, const char *sql)
{
    struct err e = {0};

    kit_expect(db_run(d, sql, &e), STORE_OK, &e, sql);
}

/* A database as a service of that version left it. */
static void leave(unsigned version, const char *sql)
{
    struct db d;
    struct err e = {0};

    ck_assert_int_eq(db_open(&d, &host.host, DATABASE, &e), 0);
    ck_assert_int_eq(schema_migrate(&d, version, &e), 0);
    run_sql(&d, sql);
    db_close(&d);
}

START_TEST(rows_outlive_the_service)
{
    struct store *s = kit_open(&host.host, DATABASE);
    AUTO(str) char *before = NULL, *after = NULL;

    kit_insert(s, STORE_COMPUTE_INSTANCES, kit_row("i1", "t1", "{'a':'b'}"));
    before = kit_dump(s);
    store_close(s);
    s = kit_open(&host.host, DATABASE);
    after = kit_dump(s);
    store_close(s);
    ck_assert_str_eq(before, after);
    ck_assert(strstr(before, "i1|") != NULL);
}
END_TEST

START_TEST(an_older_schema_is_brought_up)
{
    struct store *s;
    AUTO(row) struct row r = {0};

    leave(1, "INSERT INTO compute_instances (id, creation_timestamp, tenant, creator, project, "
             "name, labels, annotations, data, finalizers) VALUES "
             "('old', 5, 't1', 'c', '', 'n', '{}', '{}', '{\"spec\":{}}', '[]')");
    s = kit_open(&host.host, DATABASE);
    r = kit_get(s, STORE_COMPUTE_INSTANCES, "old");
    ck_assert_int_eq(r.creation_ns, 5);
    kit_insert(s, STORE_COMPUTE_INSTANCE_SNAPSHOTS, kit_child("s1", "t1", "old"));
    store_close(s);
}
END_TEST

static void expect_refusal(enum err_code code, const char *words)
{
    AUTO(err) struct err e = {0};
    unsigned calls = host.calls;

    ck_assert(store_sqlite_open(&host.host, DATABASE, &e) == NULL);
    ck_assert_msg(e.code == code && strstr(e.msg, words), "%d: %s", (int)e.code, e.msg);
    ck_assert_msg(host.calls == calls, "%u calls changed files", host.calls - calls);
}

START_TEST(a_newer_schema_is_refused)
{
    leave(SCHEMA_VERSION, "INSERT INTO schema_migrations VALUES (9, 0)");
    expect_refusal(ERR_UNSUPPORTED, "schema version 9 is newer than 2");
}
END_TEST

START_TEST(a_schema_that_is_none_is_refused)
{
    leave(SCHEMA_VERSION, "UPDATE schema_migrations SET version = version - 9");
    expect_refusal(ERR_CORRUPT, "schema version -7 is none");
}
END_TEST

START_TEST(tables_of_others_are_refused)
{
    leave(0, "CREATE TABLE theirs (a)");
    expect_refusal(ERR_CORRUPT, "expected tables of the fulfillment service, found others");
}
END_TEST

START_TEST(a_file_that_is_no_database_is_refused)
{
    AUTO(err) struct err e = {0};
    struct host_file *f = host_file_open(&host.host, DATABASE, HOST_EDIT, &e);
    char bytes[4096];

    memset(bytes, 'x', sizeof bytes);
    ck_assert_int_eq(host_file_write(&host.host, f, 0, bytes, sizeof bytes, &e), 0);
    ck_assert_int_eq(host_file_close(&host.host, f, &e), 0);
    expect_refusal(ERR_CORRUPT, "not a database");
}
END_TEST

/* Bytes of the file change under a closed store: an error or rows, no crash. */
START_TEST(damage_is_an_error)
{
    struct store *s = kit_open(&host.host, DATABASE);
    struct prng p;

    for (unsigned i = 0; i < 50; i++) {
        AUTO(str) char *id = mem_printf("i%u", i);

        kit_insert(s, STORE_COMPUTE_INSTANCES, kit_row(id, "t1", NULL));
    }
    store_close(s);
    prng_init(&p, 7, "damage");
    for (unsigned i = 0; i < 200; i++) {
        struct disk_file *f = &disk.files[0];
        AUTO(mem) void *saved = mem_dup(f->data, f->len);
        size_t len = f->len;
        const struct store_query q = {0};
        AUTO(row_list) struct row_list l = {0};
        AUTO(err) struct err e = {0};

        for (unsigned k = 0; k < 8; k++)
            f->data[prng_below(&p, len)] = (char)prng_below(&p, 256);
        s = store_sqlite_open(&host.host, DATABASE, &e);
        if (s) {
            struct store_txn *t = NULL;

            if (store_begin(s, &t, &e) == STORE_OK)
                store_list(t, &everything, STORE_COMPUTE_INSTANCES, &q, &l, &e);
            store_rollback(t);
            store_close(s);
        }
        ck_assert_uint_ge(f->len, len);
        memcpy(f->data, saved, len);
    }
}
END_TEST

static const struct setting_case {
    const char *sql, *want; /* the first column, or a part of the error */
} settings[] = {
    {"PRAGMA journal_mode", "truncate"},
    {"PRAGMA locking_mode", "exclusive"},
    {"PRAGMA synchronous", "2"},
    {"PRAGMA temp_store", "2"},
    {"PRAGMA trusted_schema", "0"},
    {"PRAGMA journal_mode=OFF", "truncate"},
    {"ATTACH '/var/lib/fulfillment/other.db' AS other", "too many attached databases"},
    {"UPDATE sqlite_schema SET sql = ''", "may not be modified"},
    {"SELECT load_extension('x')", "not authorized"},
    {"SELECT \"text\"", "no such column"},
    {"CREATE VIEW v AS SELECT 1", ""},
    {"SELECT * FROM v", "access to view \"v\" prohibited"},
};

START_TEST(the_connection_is_careful)
{
    struct store *s = kit_open(&host.host, DATABASE);

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting_case *c = &settings[i];
        struct statement q = statement_begin(&sqlite_store_of(s)->db, c->sql);
        AUTO(err) struct err e = {0};
        AUTO(str) char *got = NULL;

        if (statement_step(&q))
            got = mem_strdup(statement_column(&q, 0, NULL));
        if (statement_end(&q, &e) != STORE_OK)
            got = mem_strdup(e.msg);
        ck_assert_msg(got ? strstr(got, c->want) != NULL : !*c->want, "%s: %s", c->sql,
                      got ? got : "nothing");
    }
    store_close(s);
}
END_TEST

START_TEST(a_store_in_memory_touches_no_file)
{
    struct store *s = kit_open(&host.host, NULL);

    kit_insert(s, STORE_COMPUTE_INSTANCES, kit_row("i1", "t1", NULL));
    store_close(s);
    ck_assert_uint_eq(host.calls, 0);
    ck_assert(!disk.files[0].exists);
}
END_TEST

int main(void)
{
    TCase *open;

    json_init();
    open = SUITE_CASE("open", TEST(rows_outlive_the_service), TEST(an_older_schema_is_brought_up),
                      TEST(a_newer_schema_is_refused), TEST(a_schema_that_is_none_is_refused),
                      TEST(tables_of_others_are_refused),
                      TEST(a_file_that_is_no_database_is_refused), TEST(damage_is_an_error),
                      TEST(the_connection_is_careful), TEST(a_store_in_memory_touches_no_file));
    tcase_add_checked_fixture(open, setup, teardown);
    return SUITE_MAIN("fulfillment.store_open", open);
}
