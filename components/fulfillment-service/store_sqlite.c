#include "components/fulfillment-service/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/store_schema.h"

enum store_result sqlite_note(struct store_txn *t, enum store_result r)
{
    switch (r) {
    case STORE_OK:
    case STORE_NOT_FOUND:
    case STORE_EXISTS:
    case STORE_IMMUTABLE:
    case STORE_NO_PARENT:
        break;
    case STORE_CONFLICT:
    case STORE_INVALID:
    case STORE_NO_SPACE:
    case STORE_CRASHED:
    case STORE_FAILED:
        ((struct sqlite_txn *)t)->broken = true;
    }
    return r;
}

const char *sqlite_parent_id(const struct row *r)
{
    return json_str_or_empty(r->data, "spec.compute_instance");
}

/* ---- transactions ---- */

static void release(struct sqlite_store *s)
{
    s->txn = (struct sqlite_txn){{NULL}, false, false, 0};
    host_event_signal(s->db.host, s->turn);
}

static enum store_result begin(struct store *base, struct store_txn **ret, struct err *reterr)
{
    struct sqlite_store *s = sqlite_store_of(base);
    enum store_result result;

    if (host_event_wait(s->db.host, s->turn, HOST_FOREVER) != HOST_OK) {
        err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
        return STORE_CRASHED;
    }
    assert(!s->txn.base.store);
    s->txn.base.store = base;
    s->txn.queries_before = s->db.queries;
    result = db_transact(&s->db, "BEGIN", reterr);
    if (result == STORE_OK)
        *ret = &s->txn.base;
    else
        release(s);
    return result;
}

/* SQLite has rolled back by itself after some errors. */
static void roll_back(struct sqlite_store *s)
{
    if (!sqlite3_get_autocommit(s->db.sqlite))
        db_transact(&s->db, "ROLLBACK", NULL);
}

static void rollback(struct store_txn *t)
{
    struct sqlite_store *s = sqlite_store_of(t->store);

    roll_back(s);
    release(s);
}

static enum store_result commit(struct store_txn *t, struct err *reterr)
{
    struct sqlite_store *s = sqlite_store_of(t->store);
    bool broken = s->txn.broken, told = s->txn.told;
    enum store_result result = STORE_FAILED;

    if (broken && host_crashed(s->db.host))
        result = STORE_CRASHED;
    if (broken)
        err_set(reterr, result == STORE_CRASHED ? ERR_CRASHED : ERR_INTERNAL, NO_POS,
                "the transaction failed before its commit");
    else
        result = db_transact(&s->db, "COMMIT", reterr);
    roll_back(s);
    release(s);
    if (result == STORE_OK && told && s->committed)
        s->committed(s->committed_cookie);
    return result;
}

static uint64_t queries(const struct store_txn *t)
{
    const struct sqlite_store *s = sqlite_store_of(t->store);

    return s->db.queries - s->txn.queries_before;
}

static void on_commit(struct store *base, store_commit_fn *fn, void *cookie)
{
    struct sqlite_store *s = sqlite_store_of(base);

    s->committed = fn;
    s->committed_cookie = cookie;
}

/* ---- open and close ---- */

static void close_store(struct store *base)
{
    struct sqlite_store *s = sqlite_store_of(base);

    assert(!s->txn.base.store);
    host_event_destroy(s->db.host, s->turn);
    db_close(&s->db);
    free(s);
}

static const struct store_ops sqlite_ops = {
    .name = "sqlite",
    .close = close_store,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .get = sqlite_get,
    .list = sqlite_list,
    .insert = sqlite_insert,
    .update = sqlite_update,
    .delete = sqlite_delete,
    .signal = sqlite_signal,
    .each = sqlite_each,
    .events = sqlite_events,
    .last_event = sqlite_last_event,
    .queries = queries,
    .on_commit = on_commit,
};

struct store *store_sqlite_open(struct host *h, const char *path, struct err *reterr)
{
    struct db d;
    struct sqlite_store *s;

    if (db_open(&d, h, path, reterr) < 0)
        return NULL;
    if (schema_migrate(&d, SCHEMA_VERSION, reterr) < 0) {
        db_close(&d);
        return NULL;
    }
    s = mem_zalloc(sizeof *s);
    s->base.ops = &sqlite_ops;
    s->db = d;
    s->turn = host_event_create(h, "store");
    host_event_signal(h, s->turn);
    return &s->base;
}
