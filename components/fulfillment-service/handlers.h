/* What each verb does, for any resource. The transaction is open, the caller may call. 0: the
 * response is set; -1: call_fail() was called. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_HANDLERS_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_HANDLERS_H

#include "components/fulfillment-service/call.h"

int handle_list(struct call *c);
int handle_get(struct call *c);
int handle_create(struct call *c);
int handle_update(struct call *c);
int handle_delete(struct call *c);
int handle_signal(struct call *c);
/* What of every row is needed to look for orphans, also of tables that this version does not serve:
 * in place of a query of the database, which outlives a downgrade. */
int handle_rows(struct call *c);

/* The tenant that a request names: empty, or one that the caller sees and may assign. */
int check_tenant(struct call *c, const char *tenant);
/* Keys of labels and annotations, the path of a project. */
int check_metadata(struct call *c, const json_t *object);
/* A row as a private object: new; NULL: call_fail() was called. */
json_t *call_read(struct call *c, const struct resource *r, const char *id);

#endif
