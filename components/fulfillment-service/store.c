#include "components/fulfillment-service/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const struct {
    const char *name;
    enum store_table parent;
} tables[STORE_TABLE_COUNT] = {
    [STORE_COMPUTE_INSTANCES] = {"compute_instances", STORE_TABLE_COUNT},
    [STORE_COMPUTE_INSTANCE_SNAPSHOTS] = {"compute_instance_snapshots", STORE_COMPUTE_INSTANCES},
    [STORE_HUBS] = {"hubs", STORE_TABLE_COUNT},
};

const char *store_table_name(enum store_table table)
{
    assert(table < STORE_TABLE_COUNT);
    return tables[table].name;
}

enum store_table store_parent_of(enum store_table table)
{
    assert(table < STORE_TABLE_COUNT);
    return tables[table].parent;
}

const char *store_event_name(enum store_event_type type)
{
    static const char *const names[] = {
        [EVENT_OBJECT_CREATED] = "OBJECT_CREATED",
        [EVENT_OBJECT_UPDATED] = "OBJECT_UPDATED",
        [EVENT_OBJECT_DELETED] = "OBJECT_DELETED",
        [EVENT_OBJECT_SIGNALED] = "OBJECT_SIGNALED",
    };

    assert(type < ARRAY_LEN(names));
    return names[type];
}

/* ---- rows ---- */

void row_finish(struct row *r)
{
    free(r->id);
    free(r->tenant);
    free(r->creator);
    free(r->project);
    free(r->name);
    json_decref(r->finalizers);
    json_decref(r->labels);
    json_decref(r->annotations);
    json_decref(r->data);
    memset(r, 0, sizeof *r);
}

static char *text_copy(const char *s)
{
    return s ? mem_strdup(s) : NULL;
}

static json_t *json_copy_or_null(const json_t *v)
{
    return v ? json_copy_of(v) : NULL;
}

struct row row_copy(const struct row *r)
{
    return (struct row){.id = text_copy(r->id),
                        .creation_ns = r->creation_ns,
                        .deletion_ns = r->deletion_ns,
                        .finalizers = json_copy_or_null(r->finalizers),
                        .tenant = text_copy(r->tenant),
                        .creator = text_copy(r->creator),
                        .project = text_copy(r->project),
                        .name = text_copy(r->name),
                        .labels = json_copy_or_null(r->labels),
                        .annotations = json_copy_or_null(r->annotations),
                        .version = r->version,
                        .data = json_copy_or_null(r->data)};
}

void row_list_finish(struct row_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        row_finish(&l->rows[i]);
    free(l->rows);
    memset(l, 0, sizeof *l);
}

void store_events_finish(struct store_events *e)
{
    for (size_t i = 0; i < e->count; i++)
        row_finish(&e->events[i].row);
    free(e->events);
    memset(e, 0, sizeof *e);
}

/* ---- the wrappers ---- */

static enum store_result checked(enum store_result r, const struct err *e)
{
    assert(!e || (r != STORE_OK) == err_pending(e));
    return r;
}

static const struct store_ops *ops_of(const struct store_txn *t)
{
    return t->store->ops;
}

void store_close(struct store *s)
{
    if (s)
        s->ops->close(s);
}

void store_on_commit(struct store *s, store_commit_fn *fn, void *cookie)
{
    s->ops->on_commit(s, fn, cookie);
}

enum store_result store_begin(struct store *s, struct store_txn **ret, struct err *reterr)
{
    assert(ret && !err_pending(reterr));
    return checked(s->ops->begin(s, ret, reterr), reterr);
}

uint64_t store_queries(const struct store_txn *t)
{
    return ops_of(t)->queries(t);
}

enum store_result store_commit(struct store_txn *t, struct err *reterr)
{
    assert(t && !err_pending(reterr));
    return checked(ops_of(t)->commit(t, reterr), reterr);
}

void store_rollback(struct store_txn *t)
{
    if (t)
        ops_of(t)->rollback(t);
}

enum store_result store_get(struct store_txn *t, const struct scope *scope, enum store_table table,
                            const char *id, struct row *ret, struct err *reterr)
{
    assert(scope && id && table < STORE_TABLE_COUNT && !err_pending(reterr));
    return checked(ops_of(t)->get(t, scope, table, id, ret, reterr), reterr);
}

enum store_result store_list(struct store_txn *t, const struct scope *scope, enum store_table table,
                             const struct store_query *query, struct row_list *ret,
                             struct err *reterr)
{
    assert(scope && query && table < STORE_TABLE_COUNT && !err_pending(reterr));
    return checked(ops_of(t)->list(t, scope, table, query, ret, reterr), reterr);
}

enum store_result store_add(struct store_txn *t, enum store_table table, struct row *r,
                            struct err *reterr)
{
    assert(r && table < STORE_TABLE_COUNT && !err_pending(reterr));
    return checked(ops_of(t)->insert(t, table, r, reterr), reterr);
}

enum store_result store_update(struct store_txn *t, const struct scope *scope,
                               enum store_table table, struct row *r, bool *ret_archived,
                               struct err *reterr)
{
    bool archived = false;
    enum store_result result;

    assert(scope && r && r->id && table < STORE_TABLE_COUNT && !err_pending(reterr));
    result = checked(ops_of(t)->update(t, scope, table, r, &archived, reterr), reterr);
    if (result == STORE_OK && ret_archived)
        *ret_archived = archived;
    return result;
}

enum store_result store_delete(struct store_txn *t, const struct scope *scope,
                               enum store_table table, const char *id, store_edit_fn *edit,
                               void *cookie, struct err *reterr)
{
    assert(scope && id && table < STORE_TABLE_COUNT && !err_pending(reterr));
    return checked(ops_of(t)->delete (t, scope, table, id, edit, cookie, reterr), reterr);
}

enum store_result store_signal(struct store_txn *t, const struct scope *scope,
                               enum store_table table, const char *id, struct err *reterr)
{
    assert(scope && id && table < STORE_TABLE_COUNT && !err_pending(reterr));
    return checked(ops_of(t)->signal(t, scope, table, id, reterr), reterr);
}

enum store_result store_each(struct store_txn *t, enum store_table table, const char *parent,
                             store_each_fn *fn, void *cookie, struct err *reterr)
{
    assert(fn && table < STORE_TABLE_COUNT && !err_pending(reterr));
    assert(!parent || store_parent_of(table) != STORE_TABLE_COUNT);
    return checked(ops_of(t)->each(t, table, parent, fn, cookie, reterr), reterr);
}

enum store_result store_events_after(struct store_txn *t, int64_t after, size_t max,
                                     struct store_events *ret, struct err *reterr)
{
    assert(max >= 1 && max <= STORE_LIMIT_MAX && !err_pending(reterr));
    return checked(ops_of(t)->events(t, after, max, ret, reterr), reterr);
}

enum store_result store_last_event(struct store_txn *t, int64_t *ret, struct err *reterr)
{
    assert(ret && !err_pending(reterr));
    return checked(ops_of(t)->last_event(t, ret, reterr), reterr);
}
