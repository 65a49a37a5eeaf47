/* The rows of the service: what it keeps, under whose eyes, and in which transactions.
 *
 * A store is an interface; SQLite implements it (store_sqlite_open). One request is one
 * transaction: whatever a transaction wrote, its events among it, is there as a whole after the
 * commit, or not at all. Any task of the component may begin one; they take turns, first come first
 * served, and whoever waits blocks its own task alone. A task must not begin a second one while it
 * holds one, and should not wait for another service while it does.
 *
 * Results: STORE_OK, or another enum store_result with *reterr set. After anything but STORE_OK,
 * STORE_NOT_FOUND, STORE_EXISTS, STORE_IMMUTABLE and STORE_NO_PARENT the transaction can only be
 * rolled back: a commit fails. After a crash every call is STORE_CRASHED and touches no file:
 * unwind, roll back, close.
 *
 * Parameters are borrowed, results new; what a call returns in a struct is written on STORE_OK
 * only. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "components/fulfillment-service/filter.h"
#include "components/host.h"

#define STORE_LIMIT_DEFAULT 100   /* items of a list that asks for none, or 0 */
#define STORE_LIMIT_MAX 1000      /* items of any list */
#define STORE_EVENTS_KEPT 10000   /* events that stay to be read; older ones are pruned */
#define STORE_TEXT_MAX 1024u      /* bytes of an id, name, tenant, creator, project */
#define STORE_DATA_MAX (1u << 20) /* bytes of each JSON column of a row */

/* Every table NAME has a twin archived_NAME. store_table_name() tells NAME. */
enum store_table {
    STORE_COMPUTE_INSTANCES,
    STORE_COMPUTE_INSTANCE_SNAPSHOTS, /* children of an instance, by spec.compute_instance */
    STORE_HUBS,
    STORE_TABLE_COUNT
};

enum store_result {
    STORE_OK = 0,
    STORE_NOT_FOUND, /* no such row in the scope */
    STORE_EXISTS,    /* the id is taken, by whomever: also when it was archived. Ids are made by the
                        server, so that this tells nobody of foreign rows */
    STORE_IMMUTABLE, /* "field 'metadata.tenant' is immutable" */
    STORE_NO_PARENT, /* the row's parent is absent, of another tenant, or being deleted: the same
                        answer for all three */
    STORE_CONFLICT,  /* "concurrent modification detected, please retry" */
    STORE_INVALID,   /* the row holds what cannot be kept: no id, too large, not UTF-8 */
    STORE_NO_SPACE,
    STORE_CRASHED,
    STORE_FAILED /* files that cannot be read or written, a damaged database */
};

/* A row. All is owned; NULL stands for an empty text, array or object on the way in, and results
 * have no NULL. `data` is the object without id and metadata, by proto field names, enums as names,
 * int64 as text. Initialise with {0}. */
struct row {
    char *id;
    int64_t creation_ns; /* 0 in an insert: now */
    int64_t deletion_ns; /* 0: live */
    json_t *finalizers;  /* array of strings */
    char *tenant, *creator, *project, *name;
    json_t *labels, *annotations; /* objects of strings */
    int64_t version;              /* 0 in an insert; one more with every update that changes */
    json_t *data;
};
void row_finish(struct row *r);
static inline void cleanup_row(struct row *r)
{
    row_finish(r);
}
/* A copy with JSON of its own. New. */
struct row row_copy(const struct row *r);

struct row_list {
    struct row *rows;
    size_t count;
    int64_t total; /* of all that match, whatever offset and limit say */
};
void row_list_finish(struct row_list *l);
static inline void cleanup_row_list(struct row_list *l)
{
    row_list_finish(l);
}

/* Which tenants' rows a caller sees. {0} sees nothing. */
struct scope {
    bool all; /* administrators and the service itself */
    const char *const *tenants;
    size_t count;
};
#define SCOPE_ALL ((struct scope){.all = true})

/* {0}: the first STORE_LIMIT_DEFAULT by id. */
struct store_query {
    const struct filter *filter; /* NULL: all */
    const struct order *order;   /* NULL: by id, ascending. Equal rows are always by id */
    int64_t offset;              /* below 0: 0 */
    int64_t limit;               /* 0: STORE_LIMIT_DEFAULT; at most STORE_LIMIT_MAX; below 0: no
                                    items, the total alone */
};

enum store_event_type {
    EVENT_OBJECT_CREATED,
    EVENT_OBJECT_UPDATED, /* also: marked as being deleted */
    EVENT_OBJECT_DELETED, /* archived */
    EVENT_OBJECT_SIGNALED
};

struct store_event {
    int64_t number; /* 1, 2, 3...: never given twice */
    enum store_event_type type;
    enum store_table table;
    int64_t time_ns;
    struct row row; /* as it was after the change */
};
struct store_events {
    struct store_event *events;
    size_t count;
    int64_t last; /* read on from here: the number of the last one looked at */
    bool lost;    /* some after `after` have been pruned: look at all rows again */
};
void store_events_finish(struct store_events *e);
static inline void cleanup_store_events(struct store_events *e)
{
    store_events_finish(e);
}

/* Changes what a row says (status.state) on its way into a deletion: its data, nothing else. */
typedef void store_edit_fn(enum store_table table, struct row *r, void *cookie);
/* One row of a walk; borrowed. Anything but STORE_OK ends the walk with that. It may change and
 * delete the row it got and rows walked before. */
typedef enum store_result store_each_fn(const struct row *r, void *cookie, struct err *reterr);
/* After a commit that wrote events: wakes those who read them. Must not call the store. */
typedef void store_commit_fn(void *cookie);

struct store;
struct store_txn;

struct store_ops {
    const char *name; /* "sqlite" */

    void (*close)(struct store *s);
    enum store_result (*begin)(struct store *s, struct store_txn **ret, struct err *reterr);
    enum store_result (*commit)(struct store_txn *t, struct err *reterr);
    void (*rollback)(struct store_txn *t);

    enum store_result (*get)(struct store_txn *t, const struct scope *scope, enum store_table table,
                             const char *id, struct row *ret, struct err *reterr);
    enum store_result (*list)(struct store_txn *t, const struct scope *scope,
                              enum store_table table, const struct store_query *query,
                              struct row_list *ret, struct err *reterr);
    enum store_result (*insert)(struct store_txn *t, enum store_table table, struct row *r,
                                struct err *reterr);
    enum store_result (*update)(struct store_txn *t, const struct scope *scope,
                                enum store_table table, struct row *r, bool *ret_archived,
                                struct err *reterr);
    enum store_result (*delete)(struct store_txn *t, const struct scope *scope,
                                enum store_table table, const char *id, store_edit_fn *edit,
                                void *cookie, struct err *reterr);
    enum store_result (*signal)(struct store_txn *t, const struct scope *scope,
                                enum store_table table, const char *id, struct err *reterr);
    enum store_result (*each)(struct store_txn *t, enum store_table table, const char *parent,
                              store_each_fn *fn, void *cookie, struct err *reterr);
    enum store_result (*events)(struct store_txn *t, int64_t after, size_t max,
                                struct store_events *ret, struct err *reterr);
    enum store_result (*last_event)(struct store_txn *t, int64_t *ret, struct err *reterr);
    uint64_t (*queries)(const struct store_txn *t);
    void (*on_commit)(struct store *s, store_commit_fn *fn, void *cookie);
};

struct store {
    const struct store_ops *ops;
    bool childless; /* of a version that knows no children: deleting a parent leaves them alone */
};
struct store_txn {
    struct store *store;
};

/* Opens or makes the database in this file of the host (its folder must exist; "PATH-journal" is
 * its journal), and brings an older schema to today's, step by step, each step a transaction. path
 * NULL: in memory, for as long as the store is open. A schema newer than this program knows is
 * ERR_UNSUPPORTED and nothing is touched: never does an older service write into a newer database.
 * One store at a time may have a file open. h must outlive the store. */
struct store *store_sqlite_open(struct host *h, const char *path, struct err *reterr);

/* All transactions must have ended. Accepts NULL. */
void store_close(struct store *s);
DEFINE_CLEANUP(struct store, store, store_close);
/* fn NULL: nobody. */
void store_on_commit(struct store *s, store_commit_fn *fn, void *cookie);

/* How many queries the transaction has made so far: what an answer cost, and so what it may tell by
 * how long it takes. */
uint64_t store_queries(const struct store_txn *t);
/* Waits for its turn. */
enum store_result store_begin(struct store *s, struct store_txn **ret, struct err *reterr);
/* The transaction is gone either way. STORE_OK: it is on the disk. STORE_CRASHED, STORE_FAILED: all
 * of it is there or nothing, whoever reads next will see. Anything else: nothing is. */
enum store_result store_commit(struct store_txn *t, struct err *reterr);
/* Accepts NULL. */
void store_rollback(struct store_txn *t);
/* AUTO(store_txn) struct store_txn *t = NULL; ... return store_commit(TAKE(t), reterr); */
DEFINE_CLEANUP(struct store_txn, store_txn, store_rollback);

/* A row that has not been archived; one that is being deleted too. */
enum store_result store_get(struct store_txn *t, const struct scope *scope, enum store_table table,
                            const char *id, struct row *ret, struct err *reterr);
enum store_result store_list(struct store_txn *t, const struct scope *scope, enum store_table table,
                             const struct store_query *query, struct row_list *ret,
                             struct err *reterr);
/* Adds a row (with a deletion time too, should it come with one). Fills in creation_ns and version.
 * A child needs its parent: live, of the same tenant. Event CREATED. */
enum store_result store_add(struct store_txn *t, enum store_table table, struct row *r,
                            struct err *reterr);
/* Puts r in the place of the row of its id. Nothing is written, no event, the version stays when
 * all is the same. id, tenant, project, and a child's parent cannot change; version, creation and
 * deletion time and creator are kept as they are, whatever r says: only store_delete() deletes. A
 * row that is being deleted and has no finalizers left is archived: event DELETED, *ret_archived
 * true; else UPDATED. r gets what is now stored. ret_archived may be NULL. */
enum store_result store_update(struct store_txn *t, const struct scope *scope,
                               enum store_table table, struct row *r, bool *ret_archived,
                               struct err *reterr);
/* Deletes: a row with finalizers gets now as its deletion time (again, too), edit() may change it
 * (NULL: nothing), event UPDATED; a row without is archived, event DELETED. The children of a
 * parent are deleted with it in the same transaction, each by the same rule and the same edit() -
 * those that are being deleted already stay as they are. */
enum store_result store_delete(struct store_txn *t, const struct scope *scope,
                               enum store_table table, const char *id, store_edit_fn *edit,
                               void *cookie, struct err *reterr);
/* Event SIGNALED; the row is not touched. */
enum store_result store_signal(struct store_txn *t, const struct scope *scope,
                               enum store_table table, const char *id, struct err *reterr);
/* Walks all rows, or those of one parent, by id, whoever's they are, without a limit. */
enum store_result store_each(struct store_txn *t, enum store_table table, const char *parent,
                             store_each_fn *fn, void *cookie, struct err *reterr);
/* Events with a number above `after`, at most max of them (1 to STORE_LIMIT_MAX), oldest first. */
enum store_result store_events_after(struct store_txn *t, int64_t after, size_t max,
                                     struct store_events *ret, struct err *reterr);
/* The number of the last event; 0: there was none yet. */
enum store_result store_last_event(struct store_txn *t, int64_t *ret, struct err *reterr);

/* "compute_instance_snapshots" */
const char *store_table_name(enum store_table table);
/* The parent table, or STORE_TABLE_COUNT. */
enum store_table store_parent_of(enum store_table table);
/* "OBJECT_CREATED" */
const char *store_event_name(enum store_event_type type);

#endif
