#include "tests/unit/fulfillment/store_kit.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/store_sqlite.h"

const struct scope everything = SCOPE_ALL;

json_t *kit_json(const char *text)
{
    AUTO(str) char *copy = mem_strdup(text);
    json_t *v;

    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    v = json_read(copy, strlen(copy), "kit", NULL);
    ck_assert_msg(v != NULL, "%s", copy);
    return v;
}

struct row kit_row(const char *id, const char *tenant, const char *data)
{
    return (struct row){.id = mem_strdup(id),
                        .tenant = mem_strdup(tenant ? tenant : "t1"),
                        .name = mem_printf("name-%s", id),
                        .data = kit_json(data ? data : "{}")};
}

struct row kit_child(const char *id, const char *tenant, const char *parent)
{
    AUTO(str) char *data = mem_printf("{'spec':{'compute_instance':'%s'}}", parent);

    return kit_row(id, tenant, data);
}

struct store *kit_open(struct host *h, const char *path)
{
    AUTO(err) struct err e = {0};
    struct store *s = store_sqlite_open(h, path, &e);

    ck_assert_msg(s != NULL, "%s", e.msg);
    return s;
}

void kit_expect(enum store_result got, enum store_result want, struct err *e, const char *what)
{
    ck_assert_msg(got == want, "%s: got %d, want %d: %s", what, (int)got, (int)want,
                  e->msg ? e->msg : "");
    err_clear(e);
}

struct store_txn *kit_begin(struct store *s)
{
    struct err e = {0};
    struct store_txn *t = NULL;

    kit_expect(store_begin(s, &t, &e), STORE_OK, &e, "begin");
    return t;
}

void kit_commit(struct store_txn *t)
{
    struct err e = {0};

    kit_expect(store_commit(t, &e), STORE_OK, &e, "commit");
}

void kit_insert(struct store *s, enum store_table table, struct row r)
{
    struct err e = {0};
    struct store_txn *t = kit_begin(s);

    kit_expect(store_add(t, table, &r, &e), STORE_OK, &e, r.id);
    kit_commit(t);
    row_finish(&r);
}

struct row kit_get(struct store *s, enum store_table table, const char *id)
{
    struct err e = {0};
    struct store_txn *t = kit_begin(s);
    struct row r = {0};

    kit_expect(store_get(t, &everything, table, id, &r, &e), STORE_OK, &e, id);
    kit_commit(t);
    return r;
}

char *kit_ids(const struct row_list *l)
{
    struct strbuf b = {0};

    for (size_t i = 0; i < l->count; i++)
        strbuf_addf(&b, "%s%s", i ? " " : "", l->rows[i].id);
    return strbuf_take(&b);
}

static void dump_query(struct db *d, const char *sql, struct strbuf *out)
{
    struct err e = {0};
    struct statement s = statement_begin(d, sql);

    strbuf_addf(out, "%s\n", sql);
    while (statement_step(&s)) {
        for (int i = 0; i < sqlite3_column_count(s.sqlite); i++)
            strbuf_addf(out, "%s|", statement_column(&s, i, NULL));
        strbuf_addch(out, '\n');
    }
    kit_expect(statement_end(&s, &e), STORE_OK, &e, sql);
}

char *kit_dump(struct store *s)
{
    struct db *d = &sqlite_store_of(s)->db;
    struct strbuf out = {0}, integrity = {0};

    dump_query(d, "PRAGMA integrity_check", &integrity);
    ck_assert_str_eq(strbuf_str(&integrity), "PRAGMA integrity_check\nok|\n");
    strbuf_finish(&integrity);
    for (int i = 0; i < STORE_TABLE_COUNT; i++) {
        const char *name = store_table_name((enum store_table)i);
        AUTO(str) char *live = mem_printf("SELECT * FROM %s ORDER BY id", name);
        AUTO(str) char *archived = mem_printf("SELECT * FROM archived_%s ORDER BY id", name);

        dump_query(d, live, &out);
        dump_query(d, archived, &out);
    }
    dump_query(d, "SELECT * FROM events ORDER BY number", &out);
    dump_query(d, "SELECT version FROM schema_migrations ORDER BY version", &out);
    return strbuf_take(&out);
}
