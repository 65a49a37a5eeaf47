/* What the tests of the store share: rows in one line, and calls that must succeed. */
#ifndef VMCONFORM_TESTS_UNIT_FULFILLMENT_STORE_KIT_H
#define VMCONFORM_TESTS_UNIT_FULFILLMENT_STORE_KIT_H

#include <check.h>

#include "components/fulfillment-service/store.h"
#include "tests/unit/fulfillment/disk_host.h"
#include "tests/unit/suite.h"

#define DATABASE "/var/lib/fulfillment/service.db"

extern const struct scope everything;

/* {"spec": ..., "status": ...} as JSON with ' for ". New. */
json_t *kit_json(const char *text);
/* A row of tenant "t1" unless told otherwise; data NULL: {}. */
struct row kit_row(const char *id, const char *tenant, const char *data);
/* The same, a child of the instance. */
struct row kit_child(const char *id, const char *tenant, const char *parent);

struct store *kit_open(struct host *h, const char *path);
struct store_txn *kit_begin(struct store *s);
void kit_commit(struct store_txn *t);
/* Fails the test unless the result is as wanted; clears the error. */
void kit_expect(enum store_result got, enum store_result want, struct err *e, const char *what);
/* One transaction. Takes r over. */
void kit_insert(struct store *s, enum store_table table, struct row r);
/* The row, by everybody's eyes; fails the test when there is none. */
struct row kit_get(struct store *s, enum store_table table, const char *id);
/* The ids of a list, joined by blanks. New. */
char *kit_ids(const struct row_list *l);
/* Every column of every row of every table, in order: the whole state. Checks the database's
 * integrity on the way. New. */
char *kit_dump(struct store *s);

#endif
