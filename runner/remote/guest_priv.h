/* What the files of the sealed process share. */
#ifndef VMCONFORM_RUNNER_REMOTE_GUEST_PRIV_H
#define VMCONFORM_RUNNER_REMOTE_GUEST_PRIV_H

#include "components/component.h"
#include "components/host.h"
#include "runner/remote/transfer.h"
#include "runner/remote/wire.h"
#include "sched/sched.h"

/* A task of the component: a fiber that runs between a resume and its next call. */
struct task {
    struct guest *guest;
    uint32_t id;
    char *name;
    host_task_fn *fn;
    void *arg;
    bool started;
    struct waitcell *cell;
    struct wire_message resume; /* what it was resumed with */
    bool resumed;
    /* Beyond the resume it may need something of a transfer. NULL: nothing. */
    bool (*ready)(const struct task *t);
    struct transfer *transfer;
};

struct guest {
    struct host host;
    int control;
    struct sched *sched; /* of fibers; its time stands still */
    struct process *process;
    struct transfers *transfers;
    struct transfer_server server;
    char *tag, *socket;
    const struct component *component;
    json_t *config;
    struct task **tasks; /* by id; NULL: ended */
    size_t task_count, task_cap, live;
    struct task *running;
    int64_t now_ns;
    bool crashed, stopping;
    struct guest_service *services;
};
extern const struct host_ops sealed_ops;

static inline struct guest *guest_of(struct host *h)
{
    return (struct guest *)h; /* the first member */
}

/* ---- guest.c ---- */

/* Ends the process: nothing can be told to the world any more. */
_Noreturn void guest_die(const struct err *e);
/* Makes a task, which begins with its first resume. */
struct task *guest_add_task(struct guest *g, const char *name, host_task_fn *fn, void *arg);
/* Speaks to the world; json is taken, blob borrowed. */
void guest_send(struct guest *g, enum wire_op op, json_t *json, const void *blob, size_t blob_len);
/* Waits for the resume, and for ready(): the reply is borrowed until the next call. */
const struct wire_message *guest_wait(struct guest *g, bool (*ready)(const struct task *t),
                                      struct transfer *x);
/* Both. */
const struct wire_message *guest_call(struct guest *g, enum wire_op op, json_t *json,
                                      const void *blob, size_t blob_len);

/* ---- guest_services.c ---- */

/* A task that answers the request of the message. */
struct task *guest_serve(struct guest *g, const struct wire_message *m);
void guest_services_finish(struct guest *g);
int guest_service_open(struct host *h, const char *service, host_service_fn *fn, void *cookie,
                       struct err *reterr);
int guest_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
                struct err *reterr);
int guest_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                      struct err *reterr);
int guest_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                     struct err *reterr);
int guest_service_call(struct host *h, const char *service, const struct http_request *req,
                       struct http_reply *ret, struct err *reterr);
struct host_stream *guest_service_stream(struct host *h, const char *service,
                                         const struct http_request *req,
                                         struct http_reply *ret_error, struct err *reterr);
enum host_wait guest_stream_next(struct host *h, struct host_stream *s, int64_t until_ns,
                                 const char **ret, size_t *ret_len);
void guest_stream_close(struct host *h, struct host_stream *s);

/* ---- guest_http.c ---- */

int guest_request(struct host *h, const char *cluster, const struct api_request *req,
                  struct api_response *ret, struct err *reterr);
struct host_watch *guest_watch_open(struct host *h, const char *cluster,
                                    const struct api_request *req, struct api_response *ret_error,
                                    struct err *reterr);
enum host_wait guest_watch_next(struct host *h, struct host_watch *w, int64_t until_ns,
                                struct api_event *ret, bool *ret_ended);
void guest_watch_close(struct host *h, struct host_watch *w);

#endif
