/* See simhost.h. Identity, scheduling and API calls; files and programs are in simhost_files.c. */
#include "runner/simhost.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/history.h"
#include "runner/services.h"
#include "runner/simhost_priv.h"
#include "sim/client.h"
#include "sim/simwatch.h"
#include "sim/storage/objectstore.h"

struct simhost *simhost_of(struct host *h)
{
    assert(h->ops == &simulated_ops);
    return (struct simhost *)h;
}

static void simhost_ref(struct simhost *s)
{
    s->refs++;
}

void simhost_hold(struct host *h)
{
    simhost_ref(simhost_of(h));
}

void simhost_release(struct host *h)
{
    struct simhost *s = simhost_of(h);

    if (--s->refs > 0)
        return;
    services_forget(s->world, h);
    for (size_t i = 0; i < s->mount_count; i++) {
        free((char *)s->mounts[i].path);
        free((char *)s->mounts[i].host_path);
        free((char *)s->mounts[i].claim);
    }
    free(s->mounts);
    free(s->user);
    free(s);
}

struct host *simhost_create(struct world *w, struct process *p, const char *user,
                            const struct pod_mount *mounts, size_t mount_count)
{
    struct simhost *s = mem_zalloc(sizeof *s);

    s->host.ops = &simulated_ops;
    s->world = w;
    s->process = p;
    s->user = mem_strdup(user);
    s->refs = 1;
    s->mounts = mem_zalloc((mount_count + 1) * sizeof *s->mounts);
    s->mount_count = mount_count;
    for (size_t i = 0; i < mount_count; i++) {
        s->mounts[i] = mounts[i];
        s->mounts[i].path = mem_strdup(mounts[i].path);
        s->mounts[i].host_path = mem_strdup(mounts[i].host_path);
        s->mounts[i].claim = mounts[i].claim ? mem_strdup(mounts[i].claim) : NULL;
    }
    return &s->host;
}

void simhost_record_log(struct host *h, json_t *log)
{
    simhost_of(h)->log = log;
}

void simhost_record_programs(struct host *h, json_t *programs)
{
    simhost_of(h)->programs = programs;
}

static enum host_wait wait_of(enum sched_result r)
{
    return r == SCHED_OK ? HOST_OK : r == SCHED_TIMEOUT ? HOST_TIMEOUT : HOST_CRASHED;
}

/* ---- API ---- */

static struct cluster *cluster_of(struct simhost *s, const char *name, struct err *reterr)
{
    struct cluster *c = world_cluster(s->world, name);

    if (!c)
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "no cluster is called '%s'", name ? name : "");
    return c;
}

static int sim_host_request(struct host *h, const char *cluster, const struct api_request *req,
                            struct api_response *ret, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct cluster *c = cluster_of(s, cluster, reterr);
    struct api_request mine = *req;

    mine.user = s->user;
    return c ? sim_request(c, &mine, ret, reterr) : -1;
}

struct host_watch {
    struct simwatch *watch;
};

static struct host_watch *sim_host_watch_open(struct host *h, const char *cluster,
                                              const struct api_request *req,
                                              struct api_response *ret_error, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct cluster *c = cluster_of(s, cluster, reterr);
    struct api_request mine = *req;
    struct simwatch *watch;
    struct host_watch *w;

    mine.user = s->user;
    watch = c ? sim_watch(c, &mine, ret_error, reterr) : NULL;
    if (!watch)
        return NULL;
    w = mem_zalloc(sizeof *w);
    w->watch = watch;
    return w;
}

static enum host_wait sim_host_watch_next(struct host *h, struct host_watch *w, int64_t until_ns,
                                          struct api_event *ret, bool *ret_ended)
{
    (void)h;
    return wait_of(simwatch_next(w->watch, until_ns, ret, ret_ended));
}

static void sim_host_watch_close(struct host *h, struct host_watch *w)
{
    (void)h;
    simwatch_close(w->watch);
    free(w);
}

/* ---- time and tasks ---- */

static int64_t sim_host_now(struct host *h)
{
    return world_now(simhost_of(h)->world);
}

static enum host_wait sim_host_sleep(struct host *h, int64_t ns)
{
    return wait_of(sched_sleep(world_sched(simhost_of(h)->world), ns));
}

struct task {
    struct simhost *host;
    host_task_fn *fn;
    void *arg;
};

static void run_task(void *arg)
{
    struct task t = *(struct task *)arg;

    free(arg);
    t.fn(t.arg);
    simhost_release(&t.host->host);
}

static void sim_host_spawn(struct host *h, const char *name, host_task_fn *fn, void *arg)
{
    struct simhost *s = simhost_of(h);
    struct task *t = mem_alloc(sizeof *t);

    *t = (struct task){s, fn, arg};
    simhost_ref(s);
    actor_spawn(s->process, name, run_task, t);
}

struct host_event {
    struct waitcell *cell;
};

struct waitcell *simhost_event_cell(struct host_event *e)
{
    return e->cell;
}

static struct host_event *sim_host_event_create(struct host *h, const char *name)
{
    struct host_event *e = mem_zalloc(sizeof *e);

    e->cell = waitcell_create(world_sched(simhost_of(h)->world), name);
    return e;
}

static void sim_host_event_destroy(struct host *h, struct host_event *e)
{
    (void)h;
    waitcell_destroy(e->cell);
    free(e);
}

static void sim_host_event_signal(struct host *h, struct host_event *e)
{
    (void)h;
    waitcell_signal(e->cell);
}

static enum host_wait sim_host_event_wait(struct host *h, struct host_event *e, int64_t until_ns)
{
    (void)h;
    return wait_of(waitcell_wait(e->cell, until_ns));
}

static bool sim_host_crashed(struct host *h)
{
    return process_crashed(simhost_of(h)->process);
}

static bool sim_host_stopping(struct host *h)
{
    return process_stopping(simhost_of(h)->process);
}

static void sim_host_prng(struct host *h, const char *label, struct prng *ret)
{
    struct simhost *s = simhost_of(h);
    AUTO(str) char *full = mem_printf("%s/%s", process_name(s->process), label);

    sched_prng(world_sched(s->world), full, ret);
}

/* ---- object store ---- */

static int sim_host_object_get(struct host *h, const char *bucket, const char *key,
                               size_t max_bytes, char **ret_data, size_t *ret_len,
                               struct host_version *ret_version, struct err *reterr)
{
    return sim_object_get(simhost_of(h)->world, bucket, key, max_bytes, ret_data, ret_len,
                          ret_version ? ret_version->text : NULL, reterr);
}

static int sim_host_object_size(struct host *h, const char *bucket, const char *key, uint64_t *ret,
                                struct err *reterr)
{
    return sim_object_size(simhost_of(h)->world, bucket, key, ret, reterr);
}

static int sim_host_object_read(struct host *h, const char *bucket, const char *key,
                                uint64_t offset, void *buf, size_t len, size_t *ret_len,
                                struct err *reterr)
{
    return sim_object_read(simhost_of(h)->world, bucket, key, offset, buf, len, ret_len, reterr);
}

static int sim_host_object_put(struct host *h, const char *bucket, const char *key,
                               const void *data, size_t len, const struct host_version *only_if,
                               struct err *reterr)
{
    return sim_object_put(simhost_of(h)->world, bucket, key, data, len,
                          only_if ? only_if->text : NULL, reterr);
}

static int sim_host_object_put_file(struct host *h, const char *bucket, const char *key,
                                    struct host_file *f, struct err *reterr)
{
    AUTO(str) char *data = NULL;
    size_t len = 0;

    if (simhost_file_whole(f, &data, &len, reterr) < 0)
        return -1;
    return sim_object_put(simhost_of(h)->world, bucket, key, data, len, NULL, reterr);
}

static int sim_host_object_delete(struct host *h, const char *bucket, const char *key,
                                  const struct host_version *only_if, struct err *reterr)
{
    return sim_object_delete(simhost_of(h)->world, bucket, key, only_if ? only_if->text : NULL,
                             reterr);
}

static json_t *sim_host_object_list(struct host *h, const char *bucket, const char *prefix,
                                    struct err *reterr)
{
    return sim_object_list(simhost_of(h)->world, bucket, prefix, reterr);
}

/* ---- services ---- */

static struct service_caller caller_of(const struct simhost *s)
{
    return (struct service_caller){process_name(s->process), s->user};
}

static int sim_host_service_open(struct host *h, const char *service, host_service_fn *fn,
                                 void *cookie, struct err *reterr)
{
    struct simhost *s = simhost_of(h);

    return services_open(services_of(s->world), h, s->process, service, fn, cookie, reterr);
}

static int sim_host_service_call(struct host *h, const char *service,
                                 const struct http_request *req, struct http_reply *ret,
                                 struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct service_caller who = caller_of(s);

    return services_call(services_of(s->world), service, &who, req, ret, reterr);
}

static struct host_stream *sim_host_service_stream(struct host *h, const char *service,
                                                   const struct http_request *req,
                                                   struct http_reply *ret_error, struct err *reterr)
{
    struct simhost *s = simhost_of(h);
    struct service_caller who = caller_of(s);

    return services_stream(services_of(s->world), service, &who, req, ret_error, reterr);
}

static const char *level_name(enum host_log_level level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};

    return names[level];
}

static json_t *log_line(const struct simhost *s, enum host_log_level level, const char *message)
{
    char time[TIME_TEXT];

    time_format(world_now(s->world), time);
    return json_pack("{s:s, s:s, s:s, s:s}", "by", process_name(s->process), "level",
                     level_name(level), "message", message, "time", time);
}

static void sim_host_log(struct host *h, enum host_log_level level, const char *message)
{
    struct simhost *s = simhost_of(h);
    struct trace *t = world_trace(s->world);

    if (s->log && level >= LOG_INFO && json_array_size(s->log) < HISTORY_LOG_MAX)
        json_array_append_new(s->log, log_line(s, level, message));
    if (!trace_on(t))
        return;
    trace_begin(t, world_now(s->world), "log");
    trace_str(t, "by", process_name(s->process));
    trace_str(t, "level", level_name(level));
    trace_str(t, "message", message);
    trace_end(t);
}

const struct host_ops simulated_ops = {
    .name = "simulated",
    .request = sim_host_request,
    .watch_open = sim_host_watch_open,
    .watch_next = sim_host_watch_next,
    .watch_close = sim_host_watch_close,
    .now = sim_host_now,
    .sleep = sim_host_sleep,
    .spawn = sim_host_spawn,
    .event_create = sim_host_event_create,
    .event_destroy = sim_host_event_destroy,
    .event_signal = sim_host_event_signal,
    .event_wait = sim_host_event_wait,
    .crashed = sim_host_crashed,
    .stopping = sim_host_stopping,
    .prng = sim_host_prng,
    .file_open = simhost_file_open,
    .file_read = simhost_file_read,
    .file_write = simhost_file_write,
    .file_sync = simhost_file_sync,
    .file_truncate = simhost_file_truncate,
    .file_zero = simhost_file_zero,
    .file_close = simhost_file_close,
    .file_stat = simhost_file_stat,
    .file_rename = simhost_file_rename,
    .file_remove = simhost_file_remove,
    .make_dir = simhost_make_dir,
    .sync_dir = simhost_sync_dir,
    .list_dir = simhost_list_dir,
    .object_get = sim_host_object_get,
    .object_size = sim_host_object_size,
    .object_read = sim_host_object_read,
    .object_put = sim_host_object_put,
    .object_put_file = sim_host_object_put_file,
    .object_delete = sim_host_object_delete,
    .object_list = sim_host_object_list,
    .program_run = simhost_program_run,
    .service_open = sim_host_service_open,
    .service_call = sim_host_service_call,
    .service_stream = sim_host_service_stream,
    .stream_next = simhost_stream_next,
    .stream_close = simhost_stream_close,
    .reply = simhost_reply,
    .reply_begin = simhost_reply_begin,
    .reply_more = simhost_reply_more,
    .reply_wait = simhost_reply_wait,
    .log = sim_host_log,
};
