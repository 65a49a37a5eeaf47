/* Filters and orders in SQLite's language, over the columns of store_schema.c. Whatever a client
 * wrote is bound, never spelled. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_FILTER_SQLITE_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_FILTER_SQLITE_H

#include <sqlite3.h>
#include <stddef.h>

#include "components/fulfillment-service/filter.h"

struct statement;
struct filter_bind;

/* "WITH SELECT ... FROM FROM WHERE (TEXT) AND ...": its parameters are ?1, ?2, ... ?COUNT, so that
 * a plain ? after TEXT is another one. */
struct filter_sql {
    char *with; /* what comes before the SELECT: mostly nothing */
    char *from; /* the table, or what `with` made of it: the table's columns and more */
    char *text; /* a condition: 1, 0 or NULL */
    struct filter_bind *binds;
    size_t count, cap;
};

/* f NULL: all rows. The filter must outlive the result. */
struct filter_sql filter_sqlite(const struct filter *f, const char *table);
/* Binds its parameters: before any other of the statement. */
void filter_sqlite_bind(const struct filter_sql *sql, struct statement *s);
void filter_sql_finish(struct filter_sql *sql);
static inline void cleanup_filter_sql(struct filter_sql *sql)
{
    filter_sql_finish(sql);
}

/* What stands behind ORDER BY: always ends with the id. o NULL: by id. New. */
char *filter_sqlite_order(const struct order *o);

/* The functions that the conditions call; a code of SQLite. */
int filter_sqlite_functions(sqlite3 *db);

#endif
