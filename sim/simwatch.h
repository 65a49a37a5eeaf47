/* A watch as an actor of the world sees it: the server's stream through a network that may lag,
 * hold, drop or lie about its age. This is where a watch falls behind: the rules are those of the
 * fault point "watch" (sched/fault.h), and what they do to an event is decided here alone. */
#ifndef VMCONFORM_SIM_SIMWATCH_H
#define VMCONFORM_SIM_SIMWATCH_H

#include "kube/api.h"
#include "sim/world.h"

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
