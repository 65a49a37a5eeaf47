#include "components/fulfillment-service/store_db.h"

#include <assert.h>
#include <string.h>
#include <threads.h>

#include "base/mem.h"
#include "components/fulfillment-service/filter_sqlite.h"

/* What SQLite may use. A fiber has 256 KiB of stack, of which a level of an expression takes some
 * hundred bytes; filters stay far below (FILTER_DEPTH_MAX). */
static const struct {
    int id, value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, 8 << 20},
    {SQLITE_LIMIT_SQL_LENGTH, 1 << 20},
    {SQLITE_LIMIT_COLUMN, 512},
    {SQLITE_LIMIT_EXPR_DEPTH, 500},
    {SQLITE_LIMIT_COMPOUND_SELECT, 4},
    {SQLITE_LIMIT_VDBE_OP, 1 << 20},
    {SQLITE_LIMIT_FUNCTION_ARG, 8},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 32766},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 4},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

static const struct {
    int id, value;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    {SQLITE_DBCONFIG_DQS_DDL, 0},
};

/* Nobody else has the file open: the lock is kept, so the journal is looked for once, and emptied
 * at each commit instead of being made and removed. That commit is one truncation: a crash before
 * it finds a journal to roll back, a crash after it finds none. */
static const char settings[] = "PRAGMA locking_mode=EXCLUSIVE;"
                               "PRAGMA journal_mode=TRUNCATE;"
                               "PRAGMA synchronous=FULL;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA mmap_size=0;"
                               "PRAGMA cache_size=-4096;"
                               "PRAGMA cell_size_check=ON;";

static enum store_result result_of(const struct db *d, int code)
{
    if (host_crashed(d->host))
        return STORE_CRASHED;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STORE_OK;
    case SQLITE_FULL:
        return STORE_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_CONFLICT;
    case SQLITE_TOOBIG:
        return STORE_INVALID;
    default:
        return STORE_FAILED;
    }
}

static enum err_code error_of(enum store_result r, int code)
{
    switch (r) {
    case STORE_CRASHED:
        return ERR_CRASHED;
    case STORE_NO_SPACE:
        return ERR_NO_SPACE;
    case STORE_CONFLICT:
    case STORE_INVALID:
        return ERR_INVALID;
    default:
        return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB ? ERR_CORRUPT
                                                                                 : ERR_IO;
    }
}

static enum store_result report(struct db *d, int code, struct err *reterr)
{
    enum store_result r = result_of(d, code);
    const char *said = d->sqlite ? sqlite3_errmsg(d->sqlite) : sqlite3_errstr(code);
    bool known = d->vfs && err_pending(&d->vfs->why);

    if (r == STORE_OK)
        return r;
    if (r == STORE_CRASHED)
        err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    else if (r == STORE_CONFLICT)
        err_set(reterr, ERR_INVALID, NO_POS, "concurrent modification detected, please retry");
    else
        err_set(reterr, error_of(r, code), NO_POS, "database %s: %s%s%s", d->path, said,
                known ? ": " : "", known ? d->vfs->why.msg : "");
    return r;
}

static int configure(struct db *d)
{
    int code = sqlite3_extended_result_codes(d->sqlite, 1);

    for (size_t i = 0; i < ARRAY_LEN(switches) && code == SQLITE_OK; i++)
        code = sqlite3_db_config(d->sqlite, switches[i].id, switches[i].value, NULL);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        sqlite3_limit(d->sqlite, limits[i].id, limits[i].value);
    if (code == SQLITE_OK)
        code = filter_sqlite_functions(d->sqlite);
    if (code == SQLITE_OK)
        code = sqlite3_exec(d->sqlite, settings, NULL, NULL, NULL);
    return code;
}

/* Nobody asks for the statistics, which cost a lock at each allocation. */
static void configure_process(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int db_open(struct db *d, struct host *h, const char *path, struct err *reterr)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    static once_flag once = ONCE_FLAG_INIT;
    int code;

    call_once(&once, configure_process);
    *d = (struct db){.host = h, .path = mem_strdup(path ? path : "(in memory)")};
    d->vfs = path ? vfs_create(h) : NULL;
    code = sqlite3_open_v2(path ? path : ":memory:", &d->sqlite, flags, path ? d->vfs->name : NULL);
    if (code == SQLITE_OK)
        code = configure(d);
    if (code == SQLITE_OK)
        return 0;
    report(d, code, reterr);
    db_close(d);
    return -1;
}

void db_close(struct db *d)
{
    while (d->kept_count)
        sqlite3_finalize(d->kept[--d->kept_count]);
    int code = sqlite3_close(d->sqlite);

    assert(code != SQLITE_BUSY);
    (void)code;
    vfs_destroy(d->vfs);
    free(d->path);
    *d = (struct db){0};
}

enum store_result db_run(struct db *d, const char *sql, struct err *reterr)
{
    return report(d, sqlite3_exec(d->sqlite, sql, NULL, NULL, NULL), reterr);
}

/* ---- statements ---- */

/* One that was kept; NULL: none of that text. */
static sqlite3_stmt *take_kept(struct db *d, const char *sql)
{
    for (size_t i = 0; i < d->kept_count; i++) {
        sqlite3_stmt *found = d->kept[i];

        if (strcmp(sqlite3_sql(found), sql) != 0)
            continue;
        d->kept_count--;
        memmove(&d->kept[i], &d->kept[i + 1], (d->kept_count - i) * sizeof(d->kept[0]));
        return found;
    }
    return NULL;
}

struct statement statement_begin(struct db *d, const char *sql)
{
    struct statement s = {.db = d, .next = 1, .code = SQLITE_OK};

    d->queries++;
    s.sqlite = take_kept(d, sql);
    if (!s.sqlite)
        s.code = sqlite3_prepare_v2(d->sqlite, sql, -1, &s.sqlite, NULL);
    return s;
}

void cleanup_statement(struct statement *s)
{
    struct db *d = s->db;

    if (!s->sqlite)
        return;
    sqlite3_reset(s->sqlite);
    sqlite3_clear_bindings(s->sqlite);
    if (strlen(sqlite3_sql(s->sqlite)) > DB_KEPT_TEXT_MAX) {
        sqlite3_finalize(s->sqlite);
    } else {
        if (d->kept_count == DB_KEPT_MAX)
            sqlite3_finalize(d->kept[--d->kept_count]);
        memmove(&d->kept[1], &d->kept[0], d->kept_count++ * sizeof(d->kept[0]));
        d->kept[0] = s->sqlite;
    }
    s->sqlite = NULL;
}

void statement_bytes(struct statement *s, const char *text, size_t len)
{
    if (s->code == SQLITE_OK)
        s->code =
            sqlite3_bind_text64(s->sqlite, s->next++, text, len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void statement_text(struct statement *s, const char *text)
{
    statement_bytes(s, text, strlen(text));
}

void statement_int(struct statement *s, int64_t value)
{
    if (s->code == SQLITE_OK)
        s->code = sqlite3_bind_int64(s->sqlite, s->next++, value);
}

void statement_double(struct statement *s, double value)
{
    if (s->code == SQLITE_OK)
        s->code = sqlite3_bind_double(s->sqlite, s->next++, value);
}

bool statement_step(struct statement *s)
{
    if (s->code == SQLITE_OK || s->code == SQLITE_ROW)
        s->code = sqlite3_step(s->sqlite);
    return s->code == SQLITE_ROW;
}

const char *statement_column(const struct statement *s, int column, size_t *ret_len)
{
    const char *text = (const char *)sqlite3_column_text(s->sqlite, column);

    if (ret_len)
        *ret_len = text ? (size_t)sqlite3_column_bytes(s->sqlite, column) : 0;
    return text ? text : "";
}

enum store_result statement_end(struct statement *s, struct err *reterr)
{
    enum store_result r = report(s->db, s->code, reterr);

    cleanup_statement(s);
    return r;
}

enum store_result statement_only(struct statement *s, struct err *reterr)
{
    while (statement_step(s))
        ;
    return statement_end(s, reterr);
}

enum store_result db_transact(struct db *d, const char *sql, struct err *reterr)
{
    struct statement s = statement_begin(d, sql);

    d->queries--;
    return statement_only(&s, reterr);
}
