/* What the messages are, for who builds a client or compares two versions: gRPC's reflection, in
 * JSON. Nobody needs a token for it; it tells what the .proto files tell. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_DESCRIPTORS_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_DESCRIPTORS_H

#include <jansson.h>

#include "components/fulfillment-service/message.h"

#define DESCRIPTORS_TARGET "/api/reflection/v1/messages"

/* {messages: [{name, fields: [{number, name, type, label, type_name}], reserved: [numbers]}]}:
 * those of all resources, each once, in the order in which they are met. New. */
json_t *descriptors(enum version v);

#endif
