/* The HTTP services of a world: who serves under which name, and every exchange with one.
 *
 * They are here and not in the simulator because what they speak is the host's (components/http.h),
 * which the simulator must not see. A request runs on a task of its own in the service's process: a
 * service that crashes takes its requests with it, and their callers get no answer. The scenario
 * calls by the same way as a component does: faults, moments and the trace are the same. */
#ifndef VMCONFORM_RUNNER_SERVICES_H
#define VMCONFORM_RUNNER_SERVICES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "components/host.h"
#include "sim/world.h"

#define SERVICE_PATIENCE_NS (INT64_C(60) * 1000000000) /* of a caller */
#define SERVICE_CALLS_MAX 20000u                       /* that are remembered */
#define SERVICE_CALLS_BYTES_MAX (64u << 20)            /* of their bodies */

struct services;
/* Made when nobody has asked before. */
struct services *services_of(struct world *w);

/* Who calls. by: the process; user: for traces, "" when nobody knows. */
struct service_caller {
    const char *by, *user;
};
struct call_info {
    const char *service;
    struct service_caller caller;
    const struct http_request *request;
    const struct http_reply *reply; /* NULL before, and when there is none */
    json_t *told;                   /* what services_calls() has of it; NULL before, or forgotten */
};
/* At each moment of a call, on the caller's fiber: it may block, and crash the caller. */
typedef void call_hook_fn(void *cookie, enum request_moment moment, const struct call_info *info);
/* One is enough. mark_of (may be NULL) says whose a call is that begins now; 0: nobody's. */
void services_on_call(struct services *all, call_hook_fn *fn, unsigned (*mark_of)(void *cookie),
                      void *cookie);
/* The mark of the call that the running actor answers; 0: it answers none. */
unsigned services_acting_for(const struct services *all);

/* The way of components to a service: while it is down, none of them gets through. The scenario is
 * not on it. false: nobody has served under that name. */
bool services_set_link(struct services *all, const char *service, bool up);
/* All calls so far, oldest first: new array of {service, method, path, query, by, user, code, time,
 * request, response}. service "": all. NULL: more than are remembered. */
json_t *services_calls(const struct services *all, const char *service, struct err *reterr);
/* The answer to the scenario's last POST that made something of that metadata.name: with an id.
 * Borrowed; NULL: there is none. */
json_t *services_made(const struct services *all, const char *name);

/* As the host's calls. */
int services_open(struct services *all, struct host *h, struct process *p, const char *service,
                  host_service_fn *fn, void *cookie, struct err *reterr);
/* The host ends: nothing is given to it any more. */
void services_forget(struct world *w, const struct host *h);
int services_call(struct services *all, const char *service, const struct service_caller *who,
                  const struct http_request *req, struct http_reply *ret, struct err *reterr);
struct host_stream *services_stream(struct services *all, const char *service,
                                    const struct service_caller *who,
                                    const struct http_request *req, struct http_reply *ret_error,
                                    struct err *reterr);

/* The path of a target without its query; new. */
char *http_path(const char *target);
/* A body as JSON, a text when it is none, null when there is none. New. */
json_t *http_body_json(const char *body, size_t len);

#endif
