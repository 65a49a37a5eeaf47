/* Events/Watch: what happens from now on, for as long as the caller listens. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_WATCH_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_WATCH_H

#include "components/fulfillment-service/call.h"

/* Streams until the caller has gone. Fails, before anything was sent, as other calls do. */
void watch_run(struct call *c, struct host *h, struct host_exchange *x);

#endif
