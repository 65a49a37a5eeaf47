/* What the files of the real host share. */
#ifndef VMCONFORM_RUNNER_REALHOST_REALHOST_PRIV_H
#define VMCONFORM_RUNNER_REALHOST_REALHOST_PRIV_H

#include <sys/queue.h>

#include "net/loop.h"
#include "runner/realhost/realhost.h"
#include "runner/remote/transfer.h"

struct real_cluster {
    char *name;
    struct access access;
    char *url, *connect_to; /* as tls-server-name wants them */
};

/* A task that waits for a transfer. */
struct waiter {
    struct waitcell *cell;
    TAILQ_ENTRY(waiter) link;
};
TAILQ_HEAD(waiter_list, waiter);

struct realhost {
    struct host host;
    struct realhost_config config;
    struct sched *sched;
    struct process *process;
    struct loop *loop;
    struct transfers *transfers;
    int64_t transfer_at; /* when libcurl wants to look again, by the wall; INT64_MAX: not */
    struct waiter_list waiters;
    struct real_cluster *clusters;
    size_t cluster_count, cluster_cap;
    struct real_service *service; /* that the component serves, or NULL */
    int root, objects;            /* descriptors of folders; -1: none */
    const struct object_ops *object_ops;
    bool started;
    int result;
    struct err why;
};
extern const struct host_ops real_ops;

static inline struct realhost *realhost_of(struct host *h)
{
    return (struct realhost *)h; /* the first member */
}

/* ---- real_http.c ---- */

void real_http_start(struct realhost *r);
/* Waits until ready() says so, or the time has come. */
enum host_wait real_wait(struct realhost *r, struct transfer *x,
                         bool (*ready)(const struct transfer *x), int64_t until_ns);
#define REAL_PATIENCE_NS (INT64_C(60) * 1000000000)
/* Why such a wait for an answer ended without one: -1. */
int real_no_answer(enum host_wait got, struct err *reterr);
int real_request(struct host *h, const char *cluster, const struct api_request *req,
                 struct api_response *ret, struct err *reterr);
struct host_watch *real_watch_open(struct host *h, const char *cluster,
                                   const struct api_request *req, struct api_response *ret_error,
                                   struct err *reterr);
enum host_wait real_watch_next(struct host *h, struct host_watch *w, int64_t until_ns,
                               struct api_event *ret, bool *ret_ended);
void real_watch_close(struct host *h, struct host_watch *w);

/* ---- real_calls.c ---- */

int real_service_call(struct host *h, const char *service, const struct http_request *req,
                      struct http_reply *ret, struct err *reterr);
struct host_stream *real_service_stream(struct host *h, const char *service,
                                        const struct http_request *req,
                                        struct http_reply *ret_error, struct err *reterr);
enum host_wait real_stream_next(struct host *h, struct host_stream *s, int64_t until_ns,
                                const char **ret, size_t *ret_len);
void real_stream_close(struct host *h, struct host_stream *s);

/* ---- real_service.c ---- */

int real_service_open(struct host *h, const char *service, host_service_fn *fn, void *cookie,
                      struct err *reterr);
int real_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
               struct err *reterr);
int real_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                     struct err *reterr);
int real_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                    struct err *reterr);
enum host_wait real_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                               int64_t until_ns, bool *ret_gone);
/* After the last task. */
void real_service_end(struct realhost *r);

/* ---- below.c: a folder that nothing leads out of ---- */

/* Opens a path of it; -1 with *reterr. path begins with a slash, which is the folder. */
int below_open(int folder, const char *path, int flags, unsigned mode, struct err *reterr);
/* The folder that a path's last name is in, and that name: for calls that change names. */
int below_parent(int folder, const char *path, const char **ret_name, struct err *reterr);
/* Names in a folder, sorted. New. */
json_t *below_list(int folder, const char *path, struct err *reterr);

/* ---- folder_objects.c, s3_store.h: one behaviour of the object store, two stores ---- */

/* As the slots of the same names in components/host.h. */
struct object_ops {
    int (*get)(struct host *h, const char *bucket, const char *key, size_t max_bytes,
               char **ret_data, size_t *ret_len, struct host_version *ret_version,
               struct err *reterr);
    int (*size)(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                struct err *reterr);
    int (*read)(struct host *h, const char *bucket, const char *key, uint64_t offset, void *buf,
                size_t len, size_t *ret_len, struct err *reterr);
    int (*put)(struct host *h, const char *bucket, const char *key, const void *data, size_t len,
               const struct host_version *only_if, struct err *reterr);
    int (*put_file)(struct host *h, const char *bucket, const char *key, struct host_file *f,
                    struct err *reterr);
    int (*del)(struct host *h, const char *bucket, const char *key,
               const struct host_version *only_if, struct err *reterr);
    json_t *(*list)(struct host *h, const char *bucket, const char *prefix, struct err *reterr);
};
extern const struct object_ops folder_object_ops;

/* ---- real_objects.c ---- */

int real_object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                    char **ret_data, size_t *ret_len, struct host_version *ret_version,
                    struct err *reterr);
int real_object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                     struct err *reterr);
int real_object_read(struct host *h, const char *bucket, const char *key, uint64_t offset,
                     void *buf, size_t len, size_t *ret_len, struct err *reterr);
int real_object_put(struct host *h, const char *bucket, const char *key, const void *data,
                    size_t len, const struct host_version *only_if, struct err *reterr);
int real_object_put_file(struct host *h, const char *bucket, const char *key, struct host_file *f,
                         struct err *reterr);
int real_object_delete(struct host *h, const char *bucket, const char *key,
                       const struct host_version *only_if, struct err *reterr);
json_t *real_object_list(struct host *h, const char *bucket, const char *prefix,
                         struct err *reterr);

/* ---- real_files.c, real_program.c ---- */

struct host_file *real_file_open(struct host *h, const char *path, enum host_open_mode mode,
                                 struct err *reterr);
/* Borrowed. */
int real_file_fd(const struct host_file *f);
int real_file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                   size_t *ret_len, struct err *reterr);
int real_file_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                    size_t len, struct err *reterr);
int real_file_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr);
int real_file_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                   struct err *reterr);
int real_file_sync(struct host *h, struct host_file *f, struct err *reterr);
int real_file_close(struct host *h, struct host_file *f, struct err *reterr);
int real_file_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr);
int real_file_rename(struct host *h, const char *from, const char *to, struct err *reterr);
int real_file_remove(struct host *h, const char *path, struct err *reterr);
int real_make_dir(struct host *h, const char *path, struct err *reterr);
int real_sync_dir(struct host *h, const char *path, struct err *reterr);
json_t *real_list_dir(struct host *h, const char *path, struct err *reterr);
int real_program_run(struct host *h, const struct host_program *program,
                     struct host_program_result *ret, struct err *reterr);

#endif
