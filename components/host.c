/* One wrapper per slot of the host table: it asserts the contract before and after, so that no host
 * and no component has to. Nobody calls a slot directly. A result of -1 always comes with an error;
 * 0 never does. */
#include "components/host.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void host_program_result_finish(struct host_program_result *r)
{
    free(r->out);
    free(r->err);
    memset(r, 0, sizeof *r);
}

/* Asserts that a result and its error agree, and hands the result on. */
static int checked(int result, const struct err *e)
{
    assert(result == 0 || result == -1);
    assert(!e || (result < 0) == err_pending(e));
    return result;
}

static bool absolute(const char *path)
{
    return path && path[0] == '/';
}

static void check_request(const struct api_request *req)
{
    assert(req);
    assert(req->verb < API_VERB_COUNT);
    assert(req->resource.group && req->resource.version && req->resource.plural);
}

int host_request(struct host *h, const char *cluster, const struct api_request *req,
                 struct api_response *ret, struct err *reterr)
{
    check_request(req);
    assert(req->verb != API_WATCH);
    assert(ret && !err_pending(reterr));
    memset(ret, 0, sizeof *ret);
    int result = h->ops->request(h, cluster, req, ret, reterr);
    assert(result < 0 || (ret->code >= 100 && ret->code <= 599));
    return checked(result, reterr);
}

struct host_watch *host_watch_open(struct host *h, const char *cluster,
                                   const struct api_request *req, struct api_response *ret_error,
                                   struct err *reterr)
{
    check_request(req);
    assert(req->verb == API_WATCH);
    assert(ret_error && !err_pending(reterr));
    memset(ret_error, 0, sizeof *ret_error);
    struct host_watch *w = h->ops->watch_open(h, cluster, req, ret_error, reterr);
    assert(!w || ret_error->code == 0);
    assert(!w || !err_pending(reterr));
    assert(w || !reterr || (ret_error->code != 0) != err_pending(reterr));
    return w;
}

enum host_wait host_watch_next(struct host *h, struct host_watch *w, int64_t until_ns,
                               struct api_event *ret, bool *ret_ended)
{
    assert(w && ret && ret_ended);
    *ret_ended = false;
    *ret = (struct api_event){EVENT_ERROR, NULL};
    enum host_wait result = h->ops->watch_next(h, w, until_ns, ret, ret_ended);
    assert(result != HOST_OK || *ret_ended || ret->object);
    return result;
}

void host_watch_close(struct host *h, struct host_watch *w)
{
    if (w)
        h->ops->watch_close(h, w);
}

int64_t host_now(struct host *h)
{
    return h->ops->now(h);
}

enum host_wait host_sleep(struct host *h, int64_t ns)
{
    assert(ns >= 0);
    return h->ops->sleep(h, ns);
}

void host_spawn(struct host *h, const char *name, host_task_fn *fn, void *arg)
{
    assert(name && fn);
    h->ops->spawn(h, name, fn, arg);
}

struct host_event *host_event_create(struct host *h, const char *name)
{
    assert(name);
    struct host_event *e = h->ops->event_create(h, name);
    assert(e);
    return e;
}

void host_event_destroy(struct host *h, struct host_event *e)
{
    if (e)
        h->ops->event_destroy(h, e);
}

void host_event_signal(struct host *h, struct host_event *e)
{
    assert(e);
    h->ops->event_signal(h, e);
}

enum host_wait host_event_wait(struct host *h, struct host_event *e, int64_t until_ns)
{
    assert(e);
    return h->ops->event_wait(h, e, until_ns);
}

bool host_crashed(struct host *h)
{
    return h->ops->crashed(h);
}

bool host_stopping(struct host *h)
{
    return h->ops->stopping(h);
}

void host_prng(struct host *h, const char *label, struct prng *ret)
{
    assert(label && ret);
    h->ops->prng(h, label, ret);
}

struct host_file *host_file_open(struct host *h, const char *path, enum host_open_mode mode,
                                 struct err *reterr)
{
    assert(absolute(path) && !err_pending(reterr));
    struct host_file *f = h->ops->file_open(h, path, mode, reterr);
    assert(!reterr || (f == NULL) == err_pending(reterr));
    return f;
}

int host_file_read(struct host *h, struct host_file *f, uint64_t offset, void *buf, size_t len,
                   size_t *ret_len, struct err *reterr)
{
    assert(f && (buf || !len) && ret_len && !err_pending(reterr));
    int result = h->ops->file_read(h, f, offset, buf, len, ret_len, reterr);
    assert(result < 0 || *ret_len <= len);
    return checked(result, reterr);
}

int host_file_write(struct host *h, struct host_file *f, uint64_t offset, const void *buf,
                    size_t len, struct err *reterr)
{
    assert(f && (buf || !len) && !err_pending(reterr));
    return checked(h->ops->file_write(h, f, offset, buf, len, reterr), reterr);
}

int host_file_sync(struct host *h, struct host_file *f, struct err *reterr)
{
    assert(f && !err_pending(reterr));
    return checked(h->ops->file_sync(h, f, reterr), reterr);
}

int host_file_close(struct host *h, struct host_file *f, struct err *reterr)
{
    assert(f && !err_pending(reterr));
    return checked(h->ops->file_close(h, f, reterr), reterr);
}

int host_file_stat(struct host *h, const char *path, struct host_stat *ret, struct err *reterr)
{
    assert(absolute(path) && ret && !err_pending(reterr));
    return checked(h->ops->file_stat(h, path, ret, reterr), reterr);
}

int host_file_rename(struct host *h, const char *from, const char *to, struct err *reterr)
{
    assert(absolute(from) && absolute(to) && !err_pending(reterr));
    return checked(h->ops->file_rename(h, from, to, reterr), reterr);
}

int host_file_remove(struct host *h, const char *path, struct err *reterr)
{
    assert(absolute(path) && !err_pending(reterr));
    return checked(h->ops->file_remove(h, path, reterr), reterr);
}

int host_make_dir(struct host *h, const char *path, struct err *reterr)
{
    assert(absolute(path) && !err_pending(reterr));
    return checked(h->ops->make_dir(h, path, reterr), reterr);
}

int host_sync_dir(struct host *h, const char *path, struct err *reterr)
{
    assert(absolute(path) && !err_pending(reterr));
    return checked(h->ops->sync_dir(h, path, reterr), reterr);
}

int host_file_truncate(struct host *h, struct host_file *f, uint64_t size, struct err *reterr)
{
    assert(f && !err_pending(reterr));
    return checked(h->ops->file_truncate(h, f, size, reterr), reterr);
}

int host_file_zero(struct host *h, struct host_file *f, uint64_t offset, uint64_t len,
                   struct err *reterr)
{
    assert(f && !err_pending(reterr));
    assert(offset + len >= offset);
    return checked(h->ops->file_zero(h, f, offset, len, reterr), reterr);
}

/* The same check for calls that answer with an array. */
static json_t *checked_array(json_t *array, const struct err *e)
{
    assert(!array || json_is_array(array));
    assert(!e || (array == NULL) == err_pending(e));
    return array;
}

json_t *host_list_dir(struct host *h, const char *path, struct err *reterr)
{
    assert(absolute(path) && !err_pending(reterr));
    return checked_array(h->ops->list_dir(h, path, reterr), reterr);
}

int host_object_get(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                    char **ret_data, size_t *ret_len, struct err *reterr)
{
    return host_object_get_version(h, bucket, key, max_bytes, ret_data, ret_len, NULL, reterr);
}

int host_object_get_version(struct host *h, const char *bucket, const char *key, size_t max_bytes,
                            char **ret_data, size_t *ret_len, struct host_version *ret_version,
                            struct err *reterr)
{
    assert(bucket && key && max_bytes && ret_data && ret_len && !err_pending(reterr));
    int result =
        h->ops->object_get(h, bucket, key, max_bytes, ret_data, ret_len, ret_version, reterr);
    assert(result < 0 || *ret_len <= max_bytes);
    return checked(result, reterr);
}

int host_object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                     struct err *reterr)
{
    assert(bucket && key && ret && !err_pending(reterr));
    return checked(h->ops->object_size(h, bucket, key, ret, reterr), reterr);
}

int host_object_read(struct host *h, const char *bucket, const char *key, uint64_t offset,
                     void *buf, size_t len, size_t *ret_len, struct err *reterr)
{
    assert(bucket && key && (buf || !len) && ret_len && !err_pending(reterr));
    int result = h->ops->object_read(h, bucket, key, offset, buf, len, ret_len, reterr);
    assert(result < 0 || *ret_len <= len);
    return checked(result, reterr);
}

int host_object_put(struct host *h, const char *bucket, const char *key, const void *data,
                    size_t len, struct err *reterr)
{
    return host_object_put_if(h, bucket, key, data, len, NULL, reterr);
}

int host_object_put_if(struct host *h, const char *bucket, const char *key, const void *data,
                       size_t len, const struct host_version *only_if, struct err *reterr)
{
    assert(bucket && key && (data || !len) && !err_pending(reterr));
    return checked(h->ops->object_put(h, bucket, key, data, len, only_if, reterr), reterr);
}

int host_object_put_file(struct host *h, const char *bucket, const char *key, struct host_file *f,
                         struct err *reterr)
{
    assert(bucket && key && f && !err_pending(reterr));
    return checked(h->ops->object_put_file(h, bucket, key, f, reterr), reterr);
}

int host_object_delete(struct host *h, const char *bucket, const char *key, struct err *reterr)
{
    return host_object_delete_if(h, bucket, key, NULL, reterr);
}

int host_object_delete_if(struct host *h, const char *bucket, const char *key,
                          const struct host_version *only_if, struct err *reterr)
{
    assert(bucket && key && !err_pending(reterr));
    return checked(h->ops->object_delete(h, bucket, key, only_if, reterr), reterr);
}

json_t *host_object_list(struct host *h, const char *bucket, const char *prefix, struct err *reterr)
{
    assert(bucket && prefix && !err_pending(reterr));
    return checked_array(h->ops->object_list(h, bucket, prefix, reterr), reterr);
}

int host_program_run(struct host *h, const struct host_program *program,
                     struct host_program_result *ret, struct err *reterr)
{
    assert(program && program->argv && program->argv[0]);
    assert(!strchr(program->argv[0], '/')); /* the host finds the program */
    assert(program->deadline_ns >= 0);
    assert(ret && !err_pending(reterr));
    memset(ret, 0, sizeof *ret);
    int result = h->ops->program_run(h, program, ret, reterr);
    assert(result < 0 || (ret->exit_code == -1) == (ret->signal != 0));
    return checked(result, reterr);
}

/* ---- services ---- */

static void check_http(const char *service, const struct http_request *req)
{
    assert(service && *service);
    assert(req && req->method && req->target && req->target[0] == '/');
    assert(req->body || !req->body_len);
}

int host_service_open(struct host *h, const char *service, host_service_fn *fn, void *cookie,
                      struct err *reterr)
{
    assert(service && *service && fn && !err_pending(reterr));
    return checked(h->ops->service_open(h, service, fn, cookie, reterr), reterr);
}

int host_service_call(struct host *h, const char *service, const struct http_request *req,
                      struct http_reply *ret, struct err *reterr)
{
    check_http(service, req);
    assert(ret && !err_pending(reterr));
    memset(ret, 0, sizeof *ret);
    int result = h->ops->service_call(h, service, req, ret, reterr);
    assert(result < 0 || (ret->code >= 100 && ret->code <= 599));
    return checked(result, reterr);
}

struct host_stream *host_service_stream(struct host *h, const char *service,
                                        const struct http_request *req,
                                        struct http_reply *ret_error, struct err *reterr)
{
    check_http(service, req);
    assert(ret_error && !err_pending(reterr));
    memset(ret_error, 0, sizeof *ret_error);
    struct host_stream *s = h->ops->service_stream(h, service, req, ret_error, reterr);
    assert(!s || (ret_error->code == 0 && !err_pending(reterr)));
    assert(s || !reterr || (ret_error->code != 0) != err_pending(reterr));
    return s;
}

enum host_wait host_stream_next(struct host *h, struct host_stream *s, int64_t until_ns,
                                const char **ret, size_t *ret_len)
{
    assert(s && ret && ret_len);
    *ret = NULL;
    *ret_len = 0;
    return h->ops->stream_next(h, s, until_ns, ret, ret_len);
}

void host_stream_close(struct host *h, struct host_stream *s)
{
    if (s)
        h->ops->stream_close(h, s);
}

int host_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
               struct err *reterr)
{
    assert(x && r && r->code >= 200 && r->code <= 599 && !err_pending(reterr));
    return checked(h->ops->reply(h, x, r, reterr), reterr);
}

int host_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                     struct err *reterr)
{
    assert(x && head && head->code >= 200 && head->code <= 599 && !head->body_len);
    assert(!err_pending(reterr));
    return checked(h->ops->reply_begin(h, x, head, reterr), reterr);
}

int host_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                    struct err *reterr)
{
    assert(x && (data || !len) && !err_pending(reterr));
    return checked(h->ops->reply_more(h, x, data, len, reterr), reterr);
}

enum host_wait host_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                               int64_t until_ns, bool *ret_gone)
{
    assert(x && e && ret_gone);
    *ret_gone = false;
    return h->ops->reply_wait(h, x, e, until_ns, ret_gone);
}

void host_log(struct host *h, enum host_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    h->ops->log(h, level, text);
    free(text);
}
