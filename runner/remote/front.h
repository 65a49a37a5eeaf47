/* The world's side of components that run as processes of their own (`run --transport http`).
 *
 * The process is sealed: all it sees of the world comes through this. Its API requests are real
 * HTTP, answered by the world's REST interface; all else it asks for by the control socket
 * (wire.h). Each of its tasks is an actor here, of the same process and name as the task would be
 * in this process, and performs the task's calls on the simulated host: so order, faults, crashes
 * and traces are those of a component in this process. */
#ifndef VMCONFORM_RUNNER_REMOTE_FRONT_H
#define VMCONFORM_RUNNER_REMOTE_FRONT_H

#include <jansson.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "components/host.h"
#include "sim/world.h"

/* All borrowed. */
struct front_config {
    struct world *world;
    const char *dir;     /* where the socket is made */
    const char *program; /* what is run; NULL: vmconform-component, beside this program */
    int64_t watchdog_ns; /* of wall time, for one call; 0: a minute */
    /* A process has died, hangs or talks nonsense: what happened, and the end of what it printed.
     * false: nobody takes note any more, and front_end() will say it. */
    bool (*failed)(void *cookie, const char *message, const char *detail);
    void *cookie;
};

struct front;
/* What it needs of the world goes with the world; the rest waits for front_end(). */
struct front *front_create(const struct front_config *config, struct err *reterr);
/* As component->run(), in a process of its own. From an actor of the host's process. */
int front_run(struct front *f, const char *component, struct host *h, const json_t *config,
              struct err *reterr);
/* After the world has ended: waits for the processes, and frees everything. -1 when one of them
 * ended badly and nobody knows yet: a leak, say; the hint is the end of what it printed. */
int front_end(struct front *f, struct err *reterr);

/* The program that is run; NULL when it is not where it should be. New. */
char *front_program(void);

#endif
