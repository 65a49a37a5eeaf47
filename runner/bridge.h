/* From an HTTP exchange to a REST interface and back: what `serve` and outside controllers share.
 * Visible inside runner/ only.
 *
 * A world without a scenario has nothing to say to a request: it is answered at once. A world with
 * faults, hooks and a trace has: there each request runs on an actor of a process that its owner
 * chooses, and passes everything that the requests of components pass. */
#ifndef VMCONFORM_RUNNER_BRIDGE_H
#define VMCONFORM_RUNNER_BRIDGE_H

#include "net/http_server.h"
#include "sched/sched.h"
#include "sim/rest/rest.h"

enum bridge_moment {
    BRIDGE_ASKED,    /* a request has come in */
    BRIDGE_ANSWERED, /* its answer is on its way */
    BRIDGE_STREAM    /* a watch has something to tell, or has told it */
};

/* Outlives its server. */
struct bridge {
    const char *address; /* that clients reach, borrowed */
    /* Who answers; may move the target to where its path begins. NULL: 404. */
    struct rest *(*rest)(void *cookie, struct rest_request *req);
    /* On whose behalf the request runs. A NULL function: at once, without an actor. A NULL result:
     * 503. */
    struct process *(*process)(void *cookie, struct rest *rest, const struct rest_request *req);
    void (*moment)(void *cookie, enum bridge_moment moment); /* or NULL */
    void *cookie;
    size_t unread; /* watches with events that their clients have not been given */
};

/* The handler of an HTTP server; cookie is the struct bridge. */
void bridge_handle(void *cookie, struct http_exchange *x);

#endif
