/* The store that keeps its rows in SQLite, inside. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_SQLITE_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_SQLITE_H

#include "components/fulfillment-service/store_rows.h"

struct sqlite_txn {
    struct store_txn base;
    bool broken;             /* a call failed in a way that leaves nothing to commit */
    bool told;               /* an event was written */
    uint64_t queries_before; /* of the connection */
};

struct sqlite_store {
    struct store base;
    struct db db;
    struct host_event *turn; /* signalled: nobody has the connection */
    struct sqlite_txn txn;   /* of whoever has it */
    store_commit_fn *committed;
    void *committed_cookie;
};

static inline struct sqlite_store *sqlite_store_of(struct store *s)
{
    return (struct sqlite_store *)s;
}
static inline struct db *sqlite_db_of(struct store_txn *t)
{
    return &sqlite_store_of(t->store)->db;
}
/* Remembers that the transaction is lost when r says so; r. */
enum store_result sqlite_note(struct store_txn *t, enum store_result r);

/* The parent that a child's row names (and its column `parent` has). Borrowed. */
const char *sqlite_parent_id(const struct row *r);

/* store_read.c */
enum store_result sqlite_get(struct store_txn *t, const struct scope *scope, enum store_table table,
                             const char *id, struct row *ret, struct err *reterr);
enum store_result sqlite_list(struct store_txn *t, const struct scope *scope,
                              enum store_table table, const struct store_query *query,
                              struct row_list *ret, struct err *reterr);
enum store_result sqlite_each(struct store_txn *t, enum store_table table, const char *parent,
                              store_each_fn *fn, void *cookie, struct err *reterr);

/* store_write.c */
enum store_result sqlite_insert(struct store_txn *t, enum store_table table, struct row *r,
                                struct err *reterr);
enum store_result sqlite_update(struct store_txn *t, const struct scope *scope,
                                enum store_table table, struct row *r, bool *ret_archived,
                                struct err *reterr);
enum store_result sqlite_delete(struct store_txn *t, const struct scope *scope,
                                enum store_table table, const char *id, store_edit_fn *edit,
                                void *cookie, struct err *reterr);

/* store_events.c */
enum store_result sqlite_signal(struct store_txn *t, const struct scope *scope,
                                enum store_table table, const char *id, struct err *reterr);
enum store_result sqlite_events(struct store_txn *t, int64_t after, size_t max,
                                struct store_events *ret, struct err *reterr);
enum store_result sqlite_last_event(struct store_txn *t, int64_t *ret, struct err *reterr);
/* Writes an event and prunes the oldest. text: r's, as it was written. */
enum store_result sqlite_tell(struct store_txn *t, enum store_event_type type,
                              enum store_table table, const struct row *r,
                              const struct row_text *text, struct err *reterr);

#endif
