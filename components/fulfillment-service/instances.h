/* What a row of an instance has from the beginning. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_INSTANCES_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_INSTANCES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "components/fulfillment-service/message.h"

/* A state, and every condition that the version knows, as False. true: something was missing. */
bool instance_set_defaults(json_t *object, enum version v, int64_t now_ns);

#endif
