/* A cluster of a world as what answers a REST interface: requests and watches pass the world's
 * faults, hooks and trace, as those of components do. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_BRIDGE_WORLD_H
#define VMCONFORM_RUNNER_BRIDGE_WORLD_H

#include "sim/rest/rest.h"
#include "sim/world.h"

/* No answer of the world is a 503. */
void bridge_request(struct cluster *c, const struct api_request *req, struct api_response *ret);
/* With the lag, the holds and the losses that faults give it. Ends with the process that opens it.
 */
struct rest_source bridge_watch(struct cluster *c, const struct api_request *req,
                                struct api_response *ret_error);

#endif
