/* What the files of the world's side share. */
#ifndef VMCONFORM_RUNNER_REMOTE_FRONT_PRIV_H
#define VMCONFORM_RUNNER_REMOTE_FRONT_PRIV_H

#include <sys/queue.h>
#include <sys/types.h>

#include "net/http_server.h"
#include "net/loop.h"
#include "runner/remote/front.h"
#include "runner/remote/wire.h"
#include "sim/rest/rest.h"

#define FRONT_WATCHDOG_NS (INT64_C(60) * 1000000000)

/* A component's process. */
struct remote {
    struct front *front;
    struct host *host; /* simulated */
    char *component;
    unsigned number;
    pid_t pid; /* 0: reaped */
    int control, output;
    bool dead; /* nothing is said to it any more */
    unsigned proxies;
    struct slot *slots; /* what its tasks hold: events, files, watches; ids are 1 + index */
    size_t slot_count, slot_cap;
    uint32_t tasks; /* the number of the next one */
    struct remote_service *services;
    TAILQ_ENTRY(remote) link;
};
TAILQ_HEAD(remote_list, remote);

/* The actor that stands for one task. */
struct proxy {
    struct remote *remote;
    uint32_t task;
    bool wants_http;                /* it has said that a request comes, and waits for it */
    struct http_exchange *exchange; /* the request, until it is answered; NULL: its client went */
    /* What became of the request under way. */
    struct err no_answer; /* the client must see the connection closed */
    int64_t watch;        /* the slot of one that was opened; 0: none */
    TAILQ_ENTRY(proxy) link;
};
TAILQ_HEAD(proxy_list, proxy);

/* The REST interface of one cluster. */
struct front_cluster {
    struct front *front;
    struct cluster *cluster;
    struct rest *rest;
};

struct front {
    struct front_config config;
    char *program, *socket;
    struct sched *sched; /* of the loop, with the wall clock; the world's is another */
    struct loop *loop;
    struct http_server *server;
    struct front_cluster **clusters;
    size_t cluster_count, cluster_cap;
    struct remote_list remotes;
    unsigned remote_numbers;
    struct proxy_list proxies;
    struct proxy *awaited;  /* whose task runs now */
    struct proxy *speaking; /* whose request the REST interface has just been given */
    int64_t deadline_ns;    /* of what is waited for now, by the wall; INT64_MAX: nothing is */
    bool late;
    struct err complaint; /* that nobody took note of: the first one */
};

/* ---- processes (remote.c) ---- */

struct remote *remote_start(struct front *f, const char *component, struct host *h,
                            struct err *reterr);
/* It is dead from now on: killed if it must be, reaped, told about. */
void remote_fail(struct remote *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* It has hung up: the same, with how it ended. */
void remote_died(struct remote *r);
/* Its last task has ended: it ends by itself. */
void remote_leave(struct remote *r);
/* Waits for its end; -1 when that was a bad one. */
int remote_reap(struct remote *r, struct err *reterr);
void remote_destroy(struct remote *r);

/* ---- the loop (front.c) ---- */

/* Serves HTTP until the process speaks, or the request that the proxy waits for is there. -1: it
 * has failed. */
int front_wait(struct front *f, struct proxy *p);
struct front_cluster *front_cluster(struct front *f, struct cluster *c);

/* ---- tasks (proxy.c) ---- */

/* Speaks for a task until it ends. first: what it is resumed with; emptied. */
int proxy_run(struct remote *r, uint32_t task, struct wire_message *first, struct err *reterr);
/* A resume with an empty answer is made ready; the call fills it. -1: the process has failed. */
typedef int proxy_call_fn(struct proxy *p, const struct wire_message *m, struct wire_message *ret);
extern proxy_call_fn *const proxy_calls[WIRE_OP_COUNT]; /* proxy_calls.c */
/* The process talks nonsense: fails, and returns -1. */
int proxy_nonsense(struct proxy *p, const struct wire_message *m);
/* Puts a value or text into the reply. */
void reply_put(struct wire_message *ret, const char *key, json_t *value /* taken */);
int reply_error(struct wire_message *ret, struct err *e /* emptied */);

/* ---- what tasks hold (slots.c) ---- */

enum slot_kind { SLOT_FREE, SLOT_EVENT, SLOT_FILE, SLOT_WATCH, SLOT_STREAM, SLOT_EXCHANGE };
struct slot {
    enum slot_kind kind;
    void *thing;
};
int64_t slot_add(struct remote *r, enum slot_kind kind, void *thing);
/* NULL: no such thing of that kind. */
void *slot_get(const struct remote *r, int64_t id, enum slot_kind kind);
void *slot_take(struct remote *r, int64_t id, enum slot_kind kind);
/* Gives back what the process did not. */
void slots_finish(struct remote *r);

/* ---- requests and watches (proxy_http.c) ---- */

int proxy_http(struct proxy *p, const struct wire_message *m, struct wire_message *ret);
int proxy_watch_next(struct proxy *p, const struct wire_message *m, struct wire_message *ret);
int proxy_watch_close(struct proxy *p, const struct wire_message *m, struct wire_message *ret);
struct remote_watch;
void remote_watch_close(struct host *h, struct remote_watch *w);
/* The backend of a cluster's REST interface. */
struct rest_backend front_backend(struct front_cluster *c);

/* ---- services (proxy_services.c) ---- */

proxy_call_fn proxy_service_open, proxy_reply, proxy_reply_begin, proxy_reply_more,
    proxy_reply_wait, proxy_service_call, proxy_stream_open, proxy_stream_next, proxy_stream_close;
void remote_services_finish(struct remote *r);

/* ---- files, objects, programs (proxy_files.c) ---- */

proxy_call_fn proxy_file_open, proxy_file_read, proxy_file_write, proxy_file_sync,
    proxy_file_truncate, proxy_file_zero, proxy_file_close, proxy_file_stat, proxy_file_rename,
    proxy_file_remove, proxy_make_dir, proxy_sync_dir, proxy_list_dir, proxy_object_get,
    proxy_object_read, proxy_object_size, proxy_object_put, proxy_object_put_file,
    proxy_object_delete, proxy_object_list, proxy_program;

#endif
