/* What the files of the services share. */
#ifndef VMCONFORM_RUNNER_SERVICES_PRIV_H
#define VMCONFORM_RUNNER_SERVICES_PRIV_H

#include <sys/queue.h>

#include "base/strbuf.h"
#include "base/strmap.h"
#include "runner/services.h"

struct service {
    struct services *all;
    char *name;
    struct host *host; /* NULL: nobody serves */
    struct process *process;
    host_service_fn *fn;
    void *cookie;
    bool link;
};

/* One request. Its task and its caller hold it. */
struct host_exchange {
    struct service *service;
    struct host *host;
    struct process *process;
    unsigned refs, mark;
    bool by_scenario;
    struct actor *actor; /* that answers */
    struct http_request request;
    struct http_reply texts;   /* what the request points into, */
    struct http_field *fields; /* by these */
    char *method, *target;
    struct waitcell *cell; /* the caller waits for the answer, or for more of it */
    struct waitcell *idle; /* who answers waits here, and hears that the caller goes; or NULL */
    struct http_reply reply;
    bool begun, whole; /* the head is known; all of it is */
    bool ended;        /* no more comes */
    bool gone;         /* nobody waits any more */
    struct strbuf data;
    TAILQ_ENTRY(host_exchange) link;
};
TAILQ_HEAD(exchange_list, host_exchange);

struct services {
    struct world *world;
    struct strmap *by_name;
    struct exchange_list exchanges;
    call_hook_fn *hook;
    unsigned (*mark_of)(void *cookie);
    void *hook_cookie;
    json_t *calls; /* that are remembered */
    json_t *made;  /* metadata.name to the answer, of what the scenario's calls made */
    size_t bytes;  /* of their bodies */
    bool forgot;   /* not all are */
};

/* Begins one: the task of the service is on its way. The caller's reference. */
struct host_exchange *exchange_begin(struct service *s, const struct service_caller *who,
                                     const struct http_request *req);
void exchange_release(struct host_exchange *x);

#endif
