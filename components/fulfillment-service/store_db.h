/* One connection to SQLite and its statements: where results of SQLite become those of the store.
 *
 * A statement keeps its first error, and what follows does nothing: bind all, step, then look. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_DB_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_DB_H

#include <sqlite3.h>

#include "components/fulfillment-service/store.h"
#include "components/fulfillment-service/store_vfs.h"

/* Statements that are kept for the next time: those of the store itself are fewer. */
#define DB_KEPT_MAX 32
/* A longer one is a client's filter, which hardly comes again. */
#define DB_KEPT_TEXT_MAX 4096

/* Initialise with {0}. */
struct db {
    struct host *host;
    struct vfs *vfs; /* NULL: in memory */
    sqlite3 *sqlite;
    char *path;                      /* for messages */
    sqlite3_stmt *kept[DB_KEPT_MAX]; /* nobody uses them; the last one that was used is first */
    size_t kept_count;
    uint64_t queries; /* statements that were begun; BEGIN, COMMIT and ROLLBACK are none */
};

/* path NULL: in memory. On failure d is as it was. */
int db_open(struct db *d, struct host *h, const char *path, struct err *reterr);
/* All statements must be finished. */
void db_close(struct db *d);
/* One or more statements without parameters and rows. */
enum store_result db_run(struct db *d, const char *sql, struct err *reterr);

/* BEGIN, COMMIT or ROLLBACK. */
enum store_result db_transact(struct db *d, const char *sql, struct err *reterr);

struct statement {
    struct db *db;
    sqlite3_stmt *sqlite;
    int next; /* the parameter to bind */
    int code; /* of SQLite */
};
struct statement statement_begin(struct db *d, const char *sql);
void statement_text(struct statement *s, const char *text);
void statement_bytes(struct statement *s, const char *text, size_t len);
void statement_int(struct statement *s, int64_t value);
void statement_double(struct statement *s, double value);
/* True: a row is there to be read. False: it has ended, or failed. */
bool statement_step(struct statement *s);
/* The text of a column of the row: never NULL, borrowed until the next step. */
const char *statement_column(const struct statement *s, int column, size_t *ret_len);
/* How it went, and its end. */
enum store_result statement_end(struct statement *s, struct err *reterr);
/* Binds nothing, takes no row. */
enum store_result statement_only(struct statement *s, struct err *reterr);
/* Keeps it for the next time. */
void cleanup_statement(struct statement *s);

#endif
