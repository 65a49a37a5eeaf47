/* Objects of the API and rows of the store, into each other. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_OBJECT_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_OBJECT_H

#include <jansson.h>

#include "components/fulfillment-service/message.h"
#include "components/fulfillment-service/store.h"

/* The private object of a row, as this version knows it: new. */
json_t *object_of_row(const struct message *m, enum version v, const struct row *r);
/* The row of a private object: what the server decides (times, creator, version) is as r has it,
 * the rest is replaced. */
void object_to_row(const json_t *object, struct row *r);
/* The same, but what of the row's data this version has no field for stays: a newer one wrote it.
 */
void object_over_row(const struct message *m, enum version v, const json_t *object, struct row *r);
/* Condition `type` ("PREFIX_READY") of an object's status: borrowed; NULL: absent. */
json_t *object_condition(const json_t *object, const char *type);
/* Sets it; the time of its transition moves with the status alone. true: something changed. */
bool object_set_condition(json_t *object, const char *type, const char *status, const char *reason,
                          const char *message, int64_t now_ns);

#endif
