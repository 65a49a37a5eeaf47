/* What a request and the opening of a watch share: the faults of the API. */
#ifndef VMCONFORM_SIM_CLIENT_PRIV_H
#define VMCONFORM_SIM_CLIENT_PRIV_H

#include "sim/world.h"

/* The action of the fault "api" that applies to the request, or NULL. Counts. */
const json_t *client_fault(const struct request_info *info);
/* The answer that it gives instead of the server; false: none. */
bool client_fault_answer(const json_t *action, const struct api_request *req,
                         struct api_response *ret);

#endif
