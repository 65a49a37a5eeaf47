/* Aggregated discovery, as /api and /apis answer it to those who ask. */
#ifndef VMCONFORM_SIM_REST_DISCOVERY_H
#define VMCONFORM_SIM_REST_DISCOVERY_H

#include <stdbool.h>

struct rest_call;

/* Whether the Accept header's best clause that a server of today can serve is aggregated
 * discovery. NULL: no header. */
bool discovery_wants_aggregated(const char *accept);
/* core: what /api tells, else /apis. 0 when answered; 1: the client asks for the other form. */
int discovery_aggregated(struct rest_call *c, bool core);

#endif
