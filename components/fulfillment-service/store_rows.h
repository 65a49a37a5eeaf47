/* Rows of SQLite's tables: columns to struct row and back, and the clause that keeps tenants apart.
 */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_ROWS_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_ROWS_H

#include "components/fulfillment-service/store_db.h"

/* In the order in which rows_bind() binds and rows_read() reads them. */
#define ROW_COLUMNS                                                                                \
    "id, creation_timestamp, deletion_timestamp, tenant, creator, project, name, labels, "         \
    "annotations, version, data, finalizers"
#define ROW_COLUMN_COUNT 12
#define ROW_PARAMETERS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

/* A row as its columns. All owned. */
struct row_text {
    char *labels, *annotations, *data, *finalizers;
};
void row_text_finish(struct row_text *t);
static inline void cleanup_row_text(struct row_text *t)
{
    row_text_finish(t);
}

/* Gives r "" and empty JSON where it has NULL. */
void rows_complete(struct row *r);
/* The texts of a complete row; STORE_INVALID when they cannot be kept. */
enum store_result rows_write(const struct row *r, struct row_text *ret, struct err *reterr);
/* Binds ROW_COLUMN_COUNT parameters. */
void rows_bind(struct statement *s, const struct row *r, const struct row_text *t);
/* Reads the columns that begin at `first`. */
enum store_result rows_read(const struct statement *s, int first, struct row *ret,
                            struct err *reterr);
/* All that an update may write is the same. */
bool rows_same(const struct row *a, const struct row *b);

/* A condition for SQL that holds for the rows of the scope alone; it takes one parameter, which
 * rows_bind_scope() binds, unless the scope sees all or nothing. */
const char *rows_scope(const struct scope *scope);
void rows_bind_scope(struct statement *s, const struct scope *scope);

#endif
