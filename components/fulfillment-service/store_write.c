#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/store_sqlite.h"

/* ---- rows in and out of a table ---- */

static enum store_result put(struct store_txn *t, const char *verb, enum store_table table,
                             const struct row *r, const struct row_text *text, struct err *reterr)
{
    bool child = store_parent_of(table) != STORE_TABLE_COUNT;
    AUTO(str)
    char *sql = mem_printf("%s INTO %s (" ROW_COLUMNS "%s) VALUES (" ROW_PARAMETERS "%s)", verb,
                           store_table_name(table), child ? ", parent" : "", child ? ", ?" : "");
    struct statement s = statement_begin(sqlite_db_of(t), sql);

    rows_bind(&s, r, text);
    if (child)
        statement_text(&s, sqlite_parent_id(r));
    return statement_only(&s, reterr);
}

static enum store_result remove_row(struct store_txn *t, enum store_table table, const char *id,
                                    struct err *reterr)
{
    AUTO(str) char *sql = mem_printf("DELETE FROM %s WHERE id = ?", store_table_name(table));
    struct statement s = statement_begin(sqlite_db_of(t), sql);

    statement_text(&s, id);
    return statement_only(&s, reterr);
}

static enum store_result archive(struct store_txn *t, enum store_table table, const char *id,
                                 struct err *reterr)
{
    static const char columns[] = "id, creation_timestamp, deletion_timestamp, tenant, creator, "
                                  "project, name, labels, annotations, version, data";
    const char *name = store_table_name(table);
    AUTO(str)
    char *sql = mem_printf("INSERT INTO archived_%s (%s, archival_timestamp) SELECT %s, ? FROM %s "
                           "WHERE id = ?",
                           name, columns, columns, name);
    struct statement s = statement_begin(sqlite_db_of(t), sql);
    enum store_result result;

    statement_int(&s, host_now(sqlite_db_of(t)->host));
    statement_text(&s, id);
    result = statement_only(&s, reterr);
    return result == STORE_OK ? remove_row(t, table, id, reterr) : result;
}

/* ---- insert ---- */

static enum store_result check_new(struct store_txn *t, enum store_table table, const char *id,
                                   struct err *reterr)
{
    const char *name = store_table_name(table);
    AUTO(str)
    char *sql = mem_printf("SELECT 1 FROM %s WHERE id = ?1 UNION ALL "
                           "SELECT 1 FROM archived_%s WHERE id = ?1",
                           name, name);
    struct statement s = statement_begin(sqlite_db_of(t), sql);
    bool taken;
    enum store_result result;

    statement_text(&s, id);
    taken = statement_step(&s);
    result = statement_end(&s, reterr);
    if (result != STORE_OK || !taken)
        return result;
    err_set(reterr, ERR_INVALID, NO_POS, "%s: there is a row '%s' already", name, id);
    return STORE_EXISTS;
}

/* The transaction has the database to itself, so what the parent is now it stays until the commit.
 */
static enum store_result check_parent(struct store_txn *t, enum store_table table,
                                      const struct row *r, struct err *reterr)
{
    enum store_table parent = store_parent_of(table);
    const struct scope scope = SCOPE_ALL;
    AUTO(row) struct row p = {0};
    AUTO(err) struct err e = {0};
    enum store_result result;

    if (parent == STORE_TABLE_COUNT)
        return STORE_OK;
    result = sqlite_get(t, &scope, parent, sqlite_parent_id(r), &p, &e);
    if (result != STORE_OK && result != STORE_NOT_FOUND) {
        err_move(reterr, &e);
        return result;
    }
    if (result == STORE_OK && p.deletion_ns == 0 && strcmp(p.tenant, r->tenant) == 0)
        return STORE_OK;
    err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s: no live row '%s' for a child",
            store_table_name(parent), sqlite_parent_id(r));
    return STORE_NO_PARENT;
}

static enum store_result insert(struct store_txn *t, enum store_table table, struct row *r,
                                struct err *reterr)
{
    AUTO(row_text) struct row_text text = {0};
    enum store_result result;

    rows_complete(r);
    if (r->creation_ns == 0)
        r->creation_ns = host_now(sqlite_db_of(t)->host);
    result = rows_write(r, &text, reterr);
    if (result == STORE_OK)
        result = check_new(t, table, r->id, reterr);
    if (result == STORE_OK)
        result = check_parent(t, table, r, reterr);
    if (result == STORE_OK)
        result = put(t, "INSERT", table, r, &text, reterr);
    if (result == STORE_OK)
        result = sqlite_tell(t, EVENT_OBJECT_CREATED, table, r, &text, reterr);
    return result;
}

enum store_result sqlite_insert(struct store_txn *t, enum store_table table, struct row *r,
                                struct err *reterr)
{
    return sqlite_note(t, insert(t, table, r, reterr));
}

/* ---- update ---- */

static enum store_result immutable(struct err *reterr, const char *field)
{
    err_set(reterr, ERR_INVALID, NO_POS, "field '%s' is immutable", field);
    return STORE_IMMUTABLE;
}

static enum store_result check_immutable(enum store_table table, const struct row *old,
                                         const struct row *r, struct err *reterr)
{
    if (strcmp(old->tenant, r->tenant) != 0)
        return immutable(reterr, "metadata.tenant");
    if (strcmp(old->project, r->project) != 0)
        return immutable(reterr, "metadata.project");
    if (store_parent_of(table) != STORE_TABLE_COUNT &&
        strcmp(sqlite_parent_id(old), sqlite_parent_id(r)) != 0)
        return immutable(reterr, "spec.compute_instance");
    return STORE_OK;
}

/* Writes a row that has changed, or archives it when nothing holds it any more; tells of either. */
static enum store_result replace(struct store_txn *t, enum store_table table, struct row *r,
                                 bool *ret_archived, struct err *reterr)
{
    AUTO(row_text) struct row_text text = {0};
    bool ended = r->deletion_ns != 0 && json_array_size(r->finalizers) == 0;
    enum store_result result;

    r->version++;
    result = rows_write(r, &text, reterr);
    if (result == STORE_OK)
        result = put(t, "REPLACE", table, r, &text, reterr);
    if (result == STORE_OK && ended)
        result = archive(t, table, r->id, reterr);
    if (result == STORE_OK)
        result = sqlite_tell(t, ended ? EVENT_OBJECT_DELETED : EVENT_OBJECT_UPDATED, table, r,
                             &text, reterr);
    if (result == STORE_OK)
        *ret_archived = ended;
    return result;
}

static void keep(struct row *r, const struct row *old)
{
    r->version = old->version;
    r->creation_ns = old->creation_ns;
    r->deletion_ns = old->deletion_ns;
    free(r->creator);
    r->creator = mem_strdup(old->creator);
}

static enum store_result update(struct store_txn *t, const struct scope *scope,
                                enum store_table table, struct row *r, bool *ret_archived,
                                struct err *reterr)
{
    AUTO(row) struct row old = {0};
    enum store_result result;

    rows_complete(r);
    result = sqlite_get(t, scope, table, r->id, &old, reterr);
    if (result == STORE_OK)
        result = check_immutable(table, &old, r, reterr);
    if (result != STORE_OK)
        return result;
    keep(r, &old);
    return rows_same(&old, r) ? STORE_OK : replace(t, table, r, ret_archived, reterr);
}

enum store_result sqlite_update(struct store_txn *t, const struct scope *scope,
                                enum store_table table, struct row *r, bool *ret_archived,
                                struct err *reterr)
{
    return sqlite_note(t, update(t, scope, table, r, ret_archived, reterr));
}

/* ---- delete ---- */

struct deletion {
    struct store_txn *txn;
    enum store_table table;
    int64_t now_ns;
    store_edit_fn *edit;
    void *cookie;
};

static enum store_result mark(const struct deletion *d, struct row *r, struct err *reterr)
{
    bool archived;

    r->deletion_ns = d->now_ns;
    if (d->edit)
        d->edit(d->table, r, d->cookie);
    return replace(d->txn, d->table, r, &archived, reterr);
}

static enum store_result mark_child(const struct row *r, void *cookie, struct err *reterr)
{
    AUTO(row) struct row copy = {0};

    if (r->deletion_ns != 0)
        return STORE_OK;
    copy = row_copy(r);
    return mark(cookie, &copy, reterr);
}

static enum store_result mark_children(const struct deletion *d, const char *parent,
                                       struct err *reterr)
{
    enum store_result result = STORE_OK;

    for (int i = 0; i < STORE_TABLE_COUNT && result == STORE_OK; i++) {
        struct deletion below = *d;

        below.table = (enum store_table)i;
        if (store_parent_of(below.table) == d->table)
            result = sqlite_each(d->txn, below.table, parent, mark_child, &below, reterr);
    }
    return result;
}

static enum store_result delete_row(struct store_txn *t, const struct scope *scope,
                                    enum store_table table, const char *id, store_edit_fn *edit,
                                    void *cookie, struct err *reterr)
{
    struct deletion d = {t, table, host_now(sqlite_db_of(t)->host), edit, cookie};
    AUTO(row) struct row r = {0};
    enum store_result result = sqlite_get(t, scope, table, id, &r, reterr);

    if (result == STORE_OK && !t->store->childless)
        result = mark_children(&d, id, reterr);
    return result == STORE_OK ? mark(&d, &r, reterr) : result;
}

enum store_result sqlite_delete(struct store_txn *t, const struct scope *scope,
                                enum store_table table, const char *id, store_edit_fn *edit,
                                void *cookie, struct err *reterr)
{
    return sqlite_note(t, delete_row(t, scope, table, id, edit, cookie, reterr));
}
