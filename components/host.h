/* The host: everything a component sees of the world.
 *
 * A component is plain straight-line C over this table: it never sees the simulator. Two hosts
 * implement it: the simulated one (in process, fibers, virtual time) and the real one (a process of
 * its own, wall clock, HTTP, real files).
 *
 * Blocking calls block the calling task only. Every blocking call can fail with ERR_CRASHED: the
 * component must then unwind, freeing what it holds, and must not retry; calls after that return
 * ERR_CRASHED at once. Results: 0, or -1 with *reterr set, unless stated. */
#ifndef VMCONFORM_COMPONENTS_HOST_H
#define VMCONFORM_COMPONENTS_HOST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/prng.h"
#include "components/http.h"
#include "kube/api.h"

struct host;
struct host_watch;
struct host_event;
struct host_file;
struct host_exchange;
struct host_stream;

enum host_wait { HOST_OK = 0, HOST_TIMEOUT = 1, HOST_CRASHED = -1 };
#define HOST_FOREVER INT64_MAX

enum host_log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

enum host_open_mode {
    HOST_READ,     /* must exist */
    HOST_CREATE,   /* must not exist (O_EXCL), mode 0600 */
    HOST_TRUNCATE, /* created or emptied, mode 0600 */
    HOST_WRITE,    /* must exist; neither created nor emptied: a block device or a file written in
                      place */
    HOST_EDIT      /* created when absent (mode 0600), never emptied; read and written in place */
};

struct host_stat {
    uint64_t size;
    bool is_regular, is_directory, is_block;
};

/* One state of an object, as conditional writes name it (an ETag). "": there is no object. */
#define HOST_VERSION_TEXT 80
struct host_version {
    char text[HOST_VERSION_TEXT];
};

/* A program run by the host. All strings borrowed; argv NULL-terminated, argv[0] a bare program
 * name found by the host. Paths among the arguments are paths as the component sees them; prefer a
 * bare file name relative to `dir`. */
struct host_program {
    const char *const *argv;
    const char *dir;   /* working directory, as the component sees it; NULL: none of its own */
    size_t stdout_max; /* bytes kept of standard output; more is an ERR_LIMIT */
    int64_t
        deadline_ns;    /* of wall time; then it is killed: ERR_LIMIT. 0: a default of 10 minutes */
    unsigned files_max; /* descriptors it may open; 0: as inherited */
};
struct host_program_result {
    int exit_code; /* -1 when a signal ended it */
    int signal;    /* 0 when it exited */
    char *out;     /* new, NUL-terminated */
    size_t out_len;
    char *err; /* new: the last 4 KiB of standard error */
};
void host_program_result_finish(struct host_program_result *r);
static inline void cleanup_program_result(struct host_program_result *r)
{
    host_program_result_finish(r);
}

typedef void host_task_fn(void *arg);

/* Answers one request to a service: by one host_reply(), or by host_reply_begin() and any number of
 * host_reply_more(). It runs on a task of its own, may block, and the exchange ends when it
 * returns; without an answer by then the caller has none. req is borrowed until it returns. */
typedef void host_service_fn(void *cookie, struct host *h, struct host_exchange *x,
                             const struct http_request *req);

struct host_ops {
    const char *name; /* "simulated", "real" */

    /* One exchange with the API server of `cluster` (NULL: the default one) as this component's
     * identity. 0: an answer of any HTTP code is in *ret. -1: no answer (the link is down, or
     * crashed). req->user is ignored. */
    int (*request)(struct host *h, const char *cluster, const struct api_request *req,
                   struct api_response *ret, struct err *reterr);
    /* Opens a watch. NULL: either *ret_error holds a Status (api_response.code != 0), or *reterr is
     * set. */
    struct host_watch *(*watch_open)(struct host *h, const char *cluster,
                                     const struct api_request *req, struct api_response *ret_error,
                                     struct err *reterr);
    /* Waits until the absolute time. The object in *ret is borrowed until the next call.
     * *ret_ended: open a new one. */
    enum host_wait (*watch_next)(struct host *h, struct host_watch *w, int64_t until_ns,
                                 struct api_event *ret, bool *ret_ended);
    void (*watch_close)(struct host *h, struct host_watch *w);

    int64_t (*now)(struct host *h);
    enum host_wait (*sleep)(struct host *h, int64_t ns);
    /* Starts a task of the same component; fn owns arg (it is called even after a crash, so that it
     * can free it). */
    void (*spawn)(struct host *h, const char *name, host_task_fn *fn, void *arg);
    /* A level-triggered cell: a signal with nobody waiting is remembered once. */
    struct host_event *(*event_create)(struct host *h, const char *name);
    void (*event_destroy)(struct host *h, struct host_event *e);
    void (*event_signal)(struct host *h, struct host_event *e);
    enum host_wait (*event_wait)(struct host *h, struct host_event *e, int64_t until_ns);
    bool (*crashed)(struct host *h);
    /* Whether it shall end in good order (SIGTERM). Calls go on to work, for as long as the grace
     * period of its pod allows; a program of a pod asks between two pieces of work. */
    bool (*stopping)(struct host *h);
    /* A stream of randomness of its own for each label (jitter, generated names). */
    void (*prng)(struct host *h, const char *label, struct prng *ret);

    /* Files, by absolute path as the component sees it. Errors carry ERR_NO_SPACE, ERR_NOT_FOUND or
     * ERR_IO. */
    struct host_file *(*file_open)(struct host *h, const char *path, enum host_open_mode mode,
                                   struct err *reterr);
    /* Reads up to len bytes at offset; *ret_len 0 at the end. */
    int (*file_read)(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                     size_t *ret_len, struct err *reterr);
    int (*file_write)(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                      size_t len, struct err *reterr);
    int (*file_sync)(struct host *h, struct host_file *f, struct err *reterr);
    /* Closes; an error that the system kept for now is reported here. f is gone either way. */
    int (*file_close)(struct host *h, struct host_file *f, struct err *reterr);
    int (*file_stat)(struct host *h, const char *path, struct host_stat *ret, struct err *reterr);
    int (*file_rename)(struct host *h, const char *from, const char *to, struct err *reterr);
    /* An absent file is no error. */
    int (*file_remove)(struct host *h, const char *path, struct err *reterr);
    int (*make_dir)(struct host *h, const char *path, struct err *reterr);
    int (*sync_dir)(struct host *h, const char *path, struct err *reterr);
    /* Shortens (or lengthens, by zeros) an open file. */
    int (*file_truncate)(struct host *h, struct host_file *f, uint64_t size, struct err *reterr);
    /* Makes what the file has of these bytes read as zeros; its size stays. */
    int (*file_zero)(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                     struct err *reterr);
    /* Names in a directory, sorted; new array of strings. */
    json_t *(*list_dir)(struct host *h, const char *path, struct err *reterr);

    /* The object store of one bucket. Absent keys are ERR_NOT_FOUND. ret_version may be NULL. */
    int (*object_get)(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                      char **ret_data, size_t *ret_len, struct host_version *ret_version,
                      struct err *reterr);
    int (*object_size)(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                       struct err *reterr);
    /* A range of an object: for streaming large ones into a file. *ret_len < len only at the end.
     */
    int (*object_read)(struct host *h, const char *bucket, const char *key, uint64_t offset,
                       void *buf, size_t len, size_t *ret_len, struct err *reterr);
    /* only_if: the object must still be in that state, or ERR_CONFLICT; NULL: whatever is there. */
    int (*object_put)(struct host *h, const char *bucket, const char *key, const void *data,
                      size_t len, const struct host_version *only_if, struct err *reterr);
    /* Stores the whole of an open file, however large it is: all of it or nothing. */
    int (*object_put_file)(struct host *h, const char *bucket, const char *key, struct host_file *f,
                           struct err *reterr);
    int (*object_delete)(struct host *h, const char *bucket, const char *key,
                         const struct host_version *only_if, struct err *reterr);
    /* Keys with the prefix, sorted; new array of strings. */
    json_t *(*object_list)(struct host *h, const char *bucket, const char *prefix,
                           struct err *reterr);

    /* 0: it ran and *ret tells how it ended. -1: it could not be run, or hit a limit. */
    int (*program_run)(struct host *h, const struct host_program *program,
                       struct host_program_result *ret, struct err *reterr);

    /* Serves HTTP under a name that callers know ("fulfillment-service"), from now until the
     * component ends or crashes. Returns at once. A name that is taken is ERR_INVALID. cookie must
     * outlive the component's tasks. */
    int (*service_open)(struct host *h, const char *service, host_service_fn *fn, void *cookie,
                        struct err *reterr);
    /* One exchange with a service, as whoever the request's headers say. 0: an answer of any code
     * is in *ret. -1: none (nobody serves, the link is down, the other side crashed: it may or may
     * not have been carried out). An answer that streams is read to its end, at most HTTP_BODY_MAX.
     */
    int (*service_call)(struct host *h, const char *service, const struct http_request *req,
                        struct http_reply *ret, struct err *reterr);
    /* The same, whose answer is read as it comes. NULL: either ret_error->code is set (an answer
     * that is not 2xx, whole), or *reterr. */
    struct host_stream *(*service_stream)(struct host *h, const char *service,
                                          const struct http_request *req,
                                          struct http_reply *ret_error, struct err *reterr);
    /* Waits for more until the absolute time. HOST_OK with *ret NULL: it has ended. The bytes are
     * borrowed until the next call; pieces are those of the sender or joined. */
    enum host_wait (*stream_next)(struct host *h, struct host_stream *s, int64_t until_ns,
                                  const char **ret, size_t *ret_len);
    void (*stream_close)(struct host *h, struct host_stream *s);
    /* For a host_service_fn. -1: the caller has gone, or crashed. */
    int (*reply)(struct host *h, struct host_exchange *x, const struct http_reply *r,
                 struct err *reterr);
    int (*reply_begin)(struct host *h, struct host_exchange *x, const struct http_reply *head,
                       struct err *reterr);
    int (*reply_more)(struct host *h, struct host_exchange *x, const void *data, size_t len,
                      struct err *reterr);
    /* For a host_service_fn that has nothing to say: waits as event_wait() does, but no longer than
     * the caller listens. HOST_OK with *ret_gone true: nobody does. */
    enum host_wait (*reply_wait)(struct host *h, struct host_exchange *x, struct host_event *e,
                                 int64_t until_ns, bool *ret_gone);

    void (*log)(struct host *h, enum host_log_level level, const char *message);
};

/* An implementation embeds this as its first member. */
struct host {
    const struct host_ops *ops;
};

/* Callers use these wrappers, never the slots: they assert the contract before and after. */
int host_request(struct host *h, const char *cluster, const struct api_request *req,
                 struct api_response *ret, struct err *reterr);
struct host_watch *host_watch_open(struct host *h, const char *cluster,
                                   const struct api_request *req, struct api_response *ret_error,
                                   struct err *reterr);
enum host_wait host_watch_next(struct host *h, struct host_watch *w, int64_t until_ns,
                               struct api_event *ret, bool *ret_ended);
void host_watch_close(struct host *h, struct host_watch *w);
int64_t host_now(struct host *h);
enum host_wait host_sleep(struct host *h, int64_t ns);
void host_spawn(struct host *h, const char *name, host_task_fn *fn, void *arg);
struct host_event *host_event_create(struct host *h, const char *name);
void host_event_destroy(struct host *h, struct host_event *e);
void host_event_signal(struct host *h, struct host_event *e);
enum host_wait host_event_wait(struct host *h, struct host_event *e, int64_t until_ns);
bool host_crashed(struct host *h);
bool host_stopping(struct host *h);
void host_prng(struct host *h, const char *label, struct prng *ret);
struct host_file *host_file_open(struct host *h, const char *path, enum host_open_mode mode,
                                 struct err *reterr);
int host_file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                   size_t *ret_len, struct err *reterr);
int host_file_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                    size_t len, struct err *reterr);
int host_file_sync(struct host *h, struct host_file *f, struct err *reterr);
int host_file_close(struct host *h, struct host_file *f, struct err *reterr);
int host_file_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr);
int host_file_rename(struct host *h, const char *from, const char *to, struct err *reterr);
int host_file_remove(struct host *h, const char *path, struct err *reterr);
int host_make_dir(struct host *h, const char *path, struct err *reterr);
int host_sync_dir(struct host *h, const char *path, struct err *reterr);
int host_file_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr);
int host_file_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                   struct err *reterr);
json_t *host_list_dir(struct host *h, const char *path, struct err *reterr);
int host_object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                    char **ret_data, size_t *ret_len, struct err *reterr);
int host_object_get_version(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                            char **ret_data, size_t *ret_len, struct host_version *ret_version,
                            struct err *reterr);
int host_object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                     struct err *reterr);
int host_object_read(struct host *h, const char *bucket, const char *key, uint64_t offset,
                     void *buf, size_t len, size_t *ret_len, struct err *reterr);
int host_object_put(struct host *h, const char *bucket, const char *key, const void *data,
                    size_t len, struct err *reterr);
int host_object_put_if(struct host *h, const char *bucket, const char *key, const void *data,
                       size_t len, const struct host_version *only_if, struct err *reterr);
int host_object_put_file(struct host *h, const char *bucket, const char *key, struct host_file *f,
                         struct err *reterr);
int host_object_delete(struct host *h, const char *bucket, const char *key, struct err *reterr);
int host_object_delete_if(struct host *h, const char *bucket, const char *key,
                          const struct host_version *only_if, struct err *reterr);
json_t *host_object_list(struct host *h, const char *bucket, const char *prefix,
                         struct err *reterr);
int host_program_run(struct host *h, const struct host_program *program,
                     struct host_program_result *ret, struct err *reterr);
int host_service_open(struct host *h, const char *service, host_service_fn *fn, void *cookie,
                      struct err *reterr);
int host_service_call(struct host *h, const char *service, const struct http_request *req,
                      struct http_reply *ret, struct err *reterr);
struct host_stream *host_service_stream(struct host *h, const char *service,
                                        const struct http_request *req,
                                        struct http_reply *ret_error, struct err *reterr);
enum host_wait host_stream_next(struct host *h, struct host_stream *s, int64_t until_ns,
                                const char **ret, size_t *ret_len);
void host_stream_close(struct host *h, struct host_stream *s);
int host_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
               struct err *reterr);
int host_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                     struct err *reterr);
int host_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                    struct err *reterr);
enum host_wait host_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                               int64_t until_ns, bool *ret_gone);
void host_log(struct host *h, enum host_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
