#include "components/fulfillment-service/store_schema.h"

#include <assert.h>
#include <stdio.h>

/* Times are nanoseconds since 1970, 0 for "not yet". finalizers, labels, annotations and data are
 * JSON. A list reads rows in the order of their ids. */
#define COLUMNS                                                                                    \
    "id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''), "                                              \
    "creation_timestamp INTEGER NOT NULL, "                                                        \
    "deletion_timestamp INTEGER NOT NULL DEFAULT 0, "                                              \
    "tenant TEXT NOT NULL, creator TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL, "     \
    "labels TEXT NOT NULL, annotations TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0, "        \
    "data TEXT NOT NULL"
#define TABLE(name) TABLE_WITH(name, "")
/* more: columns after those that every kind has. */
#define TABLE_WITH(name, more)                                                                     \
    "CREATE TABLE " name " (" COLUMNS ", finalizers TEXT NOT NULL" more ") STRICT, WITHOUT ROWID;" \
    "CREATE INDEX " name "_by_tenant ON " name " (tenant);"                                        \
    "CREATE TABLE archived_" name " (" COLUMNS ", archival_timestamp INTEGER NOT NULL) "           \
    "STRICT, WITHOUT ROWID;"

static const char *const steps[SCHEMA_VERSION] = {
    /* 1 */
    "CREATE TABLE schema_migrations (version INTEGER NOT NULL PRIMARY KEY, "
    "application_timestamp INTEGER NOT NULL) STRICT;"
    "CREATE TABLE events (number INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, "
    "source TEXT NOT NULL, event_timestamp INTEGER NOT NULL, "
    "id TEXT NOT NULL, creation_timestamp INTEGER NOT NULL, deletion_timestamp INTEGER NOT NULL, "
    "tenant TEXT NOT NULL, creator TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL, "
    "labels TEXT NOT NULL, annotations TEXT NOT NULL, version INTEGER NOT NULL, "
    "data TEXT NOT NULL, finalizers TEXT NOT NULL) STRICT;" TABLE("compute_instances")
        TABLE("hubs"),
    /* 2: children are found by the parent they name; those that are being deleted are children too.
     * The column is filled by whoever writes the row: SQLite trusts no json_extract() in a schema.
     */
    TABLE_WITH(
        "compute_instance_snapshots",
        ", parent TEXT NOT NULL DEFAULT ''") "CREATE INDEX compute_instance_snapshots_by_parent ON "
                                             "compute_instance_snapshots (parent);",
};

static enum store_result number_of(struct db *d, const char *sql, int64_t *ret, struct err *reterr)
{
    struct statement s = statement_begin(d, sql);

    if (statement_step(&s))
        *ret = sqlite3_column_int64(s.sqlite, 0);
    return statement_end(&s, reterr);
}

static int version_of(struct db *d, int64_t *ret, struct err *reterr)
{
    int64_t tables = 0, ours = 0;

    *ret = 0;
    if (number_of(d, "SELECT count(*) FROM sqlite_schema", &tables, reterr) != STORE_OK ||
        number_of(d, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'", &ours,
                  reterr) != STORE_OK)
        return -1;
    if (ours)
        return number_of(d, "SELECT coalesce(max(version), 0) FROM schema_migrations", ret,
                         reterr) == STORE_OK
                   ? 0
                   : -1;
    if (tables)
        return err_set(reterr, ERR_CORRUPT, NO_POS,
                       "database %s: expected tables of the fulfillment service, found others",
                       d->path);
    return 0;
}

static int record(struct db *d, unsigned version, struct err *reterr)
{
    struct statement s = statement_begin(d, "INSERT INTO schema_migrations VALUES (?, ?)");

    statement_int(&s, version);
    statement_int(&s, host_now(d->host));
    return statement_only(&s, reterr) == STORE_OK ? 0 : -1;
}

static int migrate_step(struct db *d, unsigned version, struct err *reterr)
{
    if (db_run(d, "BEGIN IMMEDIATE", reterr) != STORE_OK)
        return -1;
    if (db_run(d, steps[version - 1], reterr) == STORE_OK && record(d, version, reterr) == 0 &&
        db_run(d, "COMMIT", reterr) == STORE_OK)
        return 0;
    if (!sqlite3_get_autocommit(d->sqlite))
        db_run(d, "ROLLBACK", NULL);
    return err_wrap(reterr, NO_POS, "schema version %u", version);
}

int schema_migrate(struct db *d, unsigned upto, struct err *reterr)
{
    int64_t version = 0;

    assert(upto <= SCHEMA_VERSION);
    if (version_of(d, &version, reterr) < 0)
        return -1;
    if (version < 0)
        return err_set(reterr, ERR_CORRUPT, NO_POS, "database %s: schema version %lld is none",
                       d->path, (long long)version);
    if (version > (int64_t)upto) {
        err_set(reterr, ERR_UNSUPPORTED, NO_POS,
                "database %s: schema version %lld is newer than %u, the newest that this service "
                "knows",
                d->path, (long long)version, upto);
        return err_hint(reterr, "start the newer service again, or restore a copy of the database "
                                "that was made before the upgrade");
    }
    for (unsigned next = (unsigned)version + 1; next <= upto; next++)
        if (migrate_step(d, next, reterr) < 0)
            return -1;
    return 0;
}
