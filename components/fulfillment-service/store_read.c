#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "components/fulfillment-service/filter_sqlite.h"
#include "components/fulfillment-service/store_sqlite.h"

#define WALK_ROWS 64 /* held at once */

static enum store_result not_found(enum store_table table, const char *id, struct err *reterr)
{
    err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s: no row '%s'", store_table_name(table), id);
    return STORE_NOT_FOUND;
}

static enum store_result get(struct store_txn *t, const struct scope *scope, enum store_table table,
                             const char *id, struct row *ret, struct err *reterr)
{
    AUTO(str)
    char *sql = mem_printf("SELECT " ROW_COLUMNS " FROM %s WHERE id = ? AND (%s)",
                           store_table_name(table), rows_scope(scope));
    AUTO(statement) struct statement s = statement_begin(sqlite_db_of(t), sql);
    AUTO(row) struct row r = {0};
    enum store_result result;

    statement_text(&s, id);
    rows_bind_scope(&s, scope);
    if (!statement_step(&s)) {
        result = statement_end(&s, reterr);
        return result == STORE_OK ? not_found(table, id, reterr) : result;
    }
    result = rows_read(&s, 0, &r, reterr);
    if (result != STORE_OK)
        return result;
    *ret = r;
    memset(&r, 0, sizeof r);
    return STORE_OK;
}

enum store_result sqlite_get(struct store_txn *t, const struct scope *scope, enum store_table table,
                             const char *id, struct row *ret, struct err *reterr)
{
    return sqlite_note(t, get(t, scope, table, id, ret, reterr));
}

/* Reads to the end; what was read before a failure is freed. */
static enum store_result read_all(struct statement *s, struct row_list *ret, struct err *reterr)
{
    AUTO(row_list) struct row_list l = {.total = ret->total};
    size_t cap = 0;
    enum store_result result = STORE_OK;

    while (result == STORE_OK && statement_step(s)) {
        l.rows = mem_grow(l.rows, &cap, l.count + 1, sizeof *l.rows);
        result = rows_read(s, 0, &l.rows[l.count], reterr);
        l.count += result == STORE_OK;
    }
    if (result == STORE_OK)
        result = statement_end(s, reterr);
    if (result != STORE_OK)
        return result;
    *ret = l;
    memset(&l, 0, sizeof l);
    return STORE_OK;
}

/* ---- list ---- */

static int64_t limit_of(const struct store_query *q)
{
    if (q->limit == 0)
        return STORE_LIMIT_DEFAULT;
    if (q->limit < 0)
        return 0;
    return q->limit > STORE_LIMIT_MAX ? STORE_LIMIT_MAX : q->limit;
}

/* The filter stands in parentheses of its own, and so does the tenants' clause: neither can reach
 * into the other. */
static struct statement select_rows(struct db *d, const char *columns, const struct scope *scope,
                                    enum store_table table, const struct store_query *q,
                                    const char *rest)
{
    AUTO(filter_sql)
    struct filter_sql filter = filter_sqlite(q->filter, store_table_name(table));
    AUTO(str)
    char *sql = mem_printf("%sSELECT %s FROM %s WHERE (%s) AND (%s)%s", filter.with, columns,
                           filter.from, filter.text, rows_scope(scope), rest);
    struct statement s = statement_begin(d, sql);

    filter_sqlite_bind(&filter, &s);
    rows_bind_scope(&s, scope);
    return s;
}

static enum store_result count_rows(struct db *d, const struct scope *scope, enum store_table table,
                                    const struct store_query *q, int64_t *ret, struct err *reterr)
{
    struct statement s = select_rows(d, "count(*)", scope, table, q, "");

    if (statement_step(&s))
        *ret = sqlite3_column_int64(s.sqlite, 0);
    return statement_end(&s, reterr);
}

static enum store_result list(struct store_txn *t, const struct scope *scope,
                              enum store_table table, const struct store_query *q,
                              struct row_list *ret, struct err *reterr)
{
    struct row_list l = {0};
    AUTO(str) char *order = filter_sqlite_order(q->order);
    AUTO(str) char *rest = mem_printf(" ORDER BY %s LIMIT ? OFFSET ?", order);
    enum store_result result = count_rows(sqlite_db_of(t), scope, table, q, &l.total, reterr);

    if (result == STORE_OK && limit_of(q) > 0) {
        AUTO(statement)
        struct statement s = select_rows(sqlite_db_of(t), ROW_COLUMNS, scope, table, q, rest);

        statement_int(&s, limit_of(q));
        statement_int(&s, q->offset < 0 ? 0 : q->offset);
        result = read_all(&s, &l, reterr);
    }
    if (result == STORE_OK)
        *ret = l;
    return result;
}

enum store_result sqlite_list(struct store_txn *t, const struct scope *scope,
                              enum store_table table, const struct store_query *query,
                              struct row_list *ret, struct err *reterr)
{
    return sqlite_note(t, list(t, scope, table, query, ret, reterr));
}

/* ---- walk ---- */

static enum store_result read_page(struct store_txn *t, enum store_table table, const char *parent,
                                   const char *after, struct row_list *ret, struct err *reterr)
{
    AUTO(str)
    char *sql = mem_printf("SELECT " ROW_COLUMNS " FROM %s WHERE id > ?%s ORDER BY id LIMIT %d",
                           store_table_name(table), parent ? " AND parent = ?" : "", WALK_ROWS);
    AUTO(statement) struct statement s = statement_begin(sqlite_db_of(t), sql);

    statement_text(&s, after);
    if (parent)
        statement_text(&s, parent);
    return read_all(&s, ret, reterr);
}

static enum store_result each(struct store_txn *t, enum store_table table, const char *parent,
                              store_each_fn *fn, void *cookie, struct err *reterr)
{
    AUTO(str) char *after = mem_strdup("");
    enum store_result result;
    bool more = true;

    while (more) {
        AUTO(row_list) struct row_list page = {0};

        result = read_page(t, table, parent, after, &page, reterr);
        for (size_t i = 0; i < page.count && result == STORE_OK; i++)
            result = fn(&page.rows[i], cookie, reterr);
        if (result != STORE_OK)
            return result;
        more = page.count == WALK_ROWS;
        if (more) {
            free(after);
            after = mem_strdup(page.rows[page.count - 1].id);
        }
    }
    return STORE_OK;
}

enum store_result sqlite_each(struct store_txn *t, enum store_table table, const char *parent,
                              store_each_fn *fn, void *cookie, struct err *reterr)
{
    return sqlite_note(t, each(t, table, parent, fn, cookie, reterr));
}
