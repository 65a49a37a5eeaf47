#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "components/fulfillment-service/store_sqlite.h"

#define EVENT_COLUMNS "number, type, source, event_timestamp"
#define EVENT_COLUMN_COUNT 4

static enum store_result prune(struct db *d, struct err *reterr)
{
    struct statement s = statement_begin(d, "DELETE FROM events WHERE number <= ?");

    statement_int(&s, sqlite3_last_insert_rowid(d->sqlite) - STORE_EVENTS_KEPT);
    return statement_only(&s, reterr);
}

enum store_result sqlite_tell(struct store_txn *t, enum store_event_type type,
                              enum store_table table, const struct row *r,
                              const struct row_text *text, struct err *reterr)
{
    struct db *d = sqlite_db_of(t);
    struct statement s =
        statement_begin(d, "INSERT INTO events (type, source, event_timestamp, " ROW_COLUMNS
                           ") VALUES (?, ?, ?, " ROW_PARAMETERS ")");
    enum store_result result;

    statement_text(&s, store_event_name(type));
    statement_text(&s, store_table_name(table));
    statement_int(&s, host_now(d->host));
    rows_bind(&s, r, text);
    result = statement_only(&s, reterr);
    ((struct sqlite_txn *)t)->told = true;
    return result == STORE_OK ? prune(d, reterr) : result;
}

static enum store_result signal_row(struct store_txn *t, const struct scope *scope,
                                    enum store_table table, const char *id, struct err *reterr)
{
    AUTO(row) struct row r = {0};
    AUTO(row_text) struct row_text text = {0};
    enum store_result result = sqlite_get(t, scope, table, id, &r, reterr);

    if (result == STORE_OK)
        result = rows_write(&r, &text, reterr);
    if (result == STORE_OK)
        result = sqlite_tell(t, EVENT_OBJECT_SIGNALED, table, &r, &text, reterr);
    return result;
}

enum store_result sqlite_signal(struct store_txn *t, const struct scope *scope,
                                enum store_table table, const char *id, struct err *reterr)
{
    return sqlite_note(t, signal_row(t, scope, table, id, reterr));
}

/* ---- reading ---- */

/* A name that an older or newer service wrote and this one does not know is passed over. */
static bool read_names(const struct statement *s, struct store_event *ret)
{
    const char *type = statement_column(s, 1, NULL);
    const char *source = statement_column(s, 2, NULL);
    bool known = false;

    for (int i = EVENT_OBJECT_CREATED; i <= EVENT_OBJECT_SIGNALED; i++)
        if (strcmp(store_event_name((enum store_event_type)i), type) == 0) {
            ret->type = (enum store_event_type)i;
            known = true;
        }
    for (int i = 0; known && i < STORE_TABLE_COUNT; i++)
        if (strcmp(store_table_name((enum store_table)i), source) == 0) {
            ret->table = (enum store_table)i;
            return true;
        }
    return false;
}

static enum store_result read_event(const struct statement *s, struct store_events *list,
                                    size_t *cap, struct err *reterr)
{
    struct store_event e = {.number = sqlite3_column_int64(s->sqlite, 0),
                            .time_ns = sqlite3_column_int64(s->sqlite, 3)};
    enum store_result result = STORE_OK;

    list->last = e.number;
    if (!read_names(s, &e))
        return STORE_OK;
    result = rows_read(s, EVENT_COLUMN_COUNT, &e.row, reterr);
    if (result != STORE_OK)
        return result;
    list->events = mem_grow(list->events, cap, list->count + 1, sizeof *list->events);
    list->events[list->count++] = e;
    return STORE_OK;
}

/* Numbers have no gaps but at their beginning: a transaction that is rolled back takes none. */
static enum store_result is_lost(struct db *d, int64_t after, bool *ret, struct err *reterr)
{
    struct statement s = statement_begin(d, "SELECT min(number) > ? FROM events");

    statement_int(&s, after < 0 ? 1 : after + 1);
    if (statement_step(&s))
        *ret = sqlite3_column_int64(s.sqlite, 0) != 0;
    return statement_end(&s, reterr);
}

static enum store_result events(struct store_txn *t, int64_t after, size_t max,
                                struct store_events *ret, struct err *reterr)
{
    AUTO(store_events) struct store_events list = {.last = after};
    AUTO(statement)
    struct statement s =
        statement_begin(sqlite_db_of(t), "SELECT " EVENT_COLUMNS ", " ROW_COLUMNS
                                         " FROM events WHERE number > ? ORDER BY number LIMIT ?");
    size_t cap = 0;
    enum store_result result = is_lost(sqlite_db_of(t), after, &list.lost, reterr);

    statement_int(&s, after);
    statement_int(&s, (int64_t)max);
    while (result == STORE_OK && statement_step(&s))
        result = read_event(&s, &list, &cap, reterr);
    if (result == STORE_OK)
        result = statement_end(&s, reterr);
    if (result != STORE_OK)
        return result;
    *ret = list;
    memset(&list, 0, sizeof list);
    return STORE_OK;
}

enum store_result sqlite_events(struct store_txn *t, int64_t after, size_t max,
                                struct store_events *ret, struct err *reterr)
{
    return sqlite_note(t, events(t, after, max, ret, reterr));
}

enum store_result sqlite_last_event(struct store_txn *t, int64_t *ret, struct err *reterr)
{
    struct statement s =
        statement_begin(sqlite_db_of(t), "SELECT coalesce(max(number), 0) FROM events");
    int64_t last = 0;
    enum store_result result;

    if (statement_step(&s))
        last = sqlite3_column_int64(s.sqlite, 0);
    result = sqlite_note(t, statement_end(&s, reterr));
    if (result == STORE_OK)
        *ret = last;
    return result;
}
