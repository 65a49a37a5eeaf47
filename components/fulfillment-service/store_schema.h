/* The tables of the database and how an older one becomes today's.
 *
 * Going back is not possible: a database of a newer schema is refused, untouched. Whoever wants the
 * older service back restores a copy of the file made before, after deleting what the newer one
 * made in the clusters. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_SCHEMA_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_SCHEMA_H

#include "components/fulfillment-service/store_db.h"

#define SCHEMA_VERSION 2u

/* Brings an empty or older database to the version `upto` (SCHEMA_VERSION, but for tests), one
 * transaction a step; a crash leaves it between two of them. */
int schema_migrate(struct db *d, unsigned upto, struct err *reterr);

#endif
