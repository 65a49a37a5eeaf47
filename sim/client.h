/* How an actor inside the world talks to an API server: the pipeline with scheduling points,
 * faults, trace and hooks around it. Simulated controllers use it directly; the simulated host of a
 * component uses it under the component's identity. */
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

/* A watch as a client sees it: lag, drops and holds are applied here. */
struct simwatch;
struct simwatch *sim_watch(struct cluster *c, const struct api_request *req,
                           struct api_response *ret_error, struct err *reterr);
/* Waits for an event until the absolute time. SCHED_OK: *ret holds it (borrowed until the next
 * call); SCHED_TIMEOUT; SCHED_CRASHED. *ret_ended: the stream is over (re-list or re-watch). */
enum sched_result simwatch_next(struct simwatch *w, int64_t until_ns, struct api_event *ret,
                                bool *ret_ended);
/* The same without waiting, from anywhere: true: *ret holds an event (borrowed until the next
 * call). false: there is none now; simwatch_on_event() tells of the next one. */
bool simwatch_poll(struct simwatch *w, struct api_event *ret);
bool simwatch_ended(const struct simwatch *w);
/* fn(cookie) when polling makes sense again; it must not poll itself. */
void simwatch_on_event(struct simwatch *w, void (*fn)(void *cookie), void *cookie);
void simwatch_close(struct simwatch *w);
DEFINE_CLEANUP(struct simwatch, simwatch, simwatch_close);

#endif
