/* How an actor inside the world talks to an API server: the pipeline with scheduling points,
 * faults, trace and hooks around it. Simulated controllers use it directly; the simulated host of a
 * component uses it under the component's identity; the scenario's own steps, which have none of
 * that, share its trace. Watches are in sim/simwatch.h. */
#ifndef VMCONFORM_SIM_CLIENT_H
#define VMCONFORM_SIM_CLIENT_H

#include "kube/api.h"
#include "sim/world.h"

/* One exchange from the running actor. 0: *ret holds the server's answer, whatever its code; -1:
 * *reterr tells (ERR_CRASHED, ERR_NOT_FOUND no such cluster, ERR_IO the link is down). The
 * scheduling point lies before the server sees the request, and a second one before the reply is
 * given back. */
int sim_request(struct cluster *c, const struct api_request *req, struct api_response *ret,
                struct err *reterr);

/* Writes the line of an answered request; the world has a trace. */
void client_trace(const struct request_info *info);

#endif
