/* See realhost.h: time, tasks, events, and the life of it all. */
#include "runner/realhost/realhost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wall.h"
#include "kube/time.h"
#include "runner/realhost/realhost_priv.h"
#include "runner/realhost/s3_store.h"
#include "runner/stop.h"

/* ---- the host ---- */

static enum host_wait wait_of(enum sched_result r)
{
    return r == SCHED_OK ? HOST_OK : r == SCHED_TIMEOUT ? HOST_TIMEOUT : HOST_CRASHED;
}

static int64_t now(struct host *h)
{
    return sched_now(realhost_of(h)->sched);
}

static enum host_wait sleep_for(struct host *h, int64_t ns)
{
    return wait_of(sched_sleep(realhost_of(h)->sched, ns));
}

static void spawn(struct host *h, const char *name, host_task_fn *fn, void *arg)
{
    actor_spawn(realhost_of(h)->process, name, fn, arg);
}

struct host_event {
    struct waitcell *cell;
};

static struct host_event *event_create(struct host *h, const char *name)
{
    struct host_event *e = mem_zalloc(sizeof *e);

    e->cell = waitcell_create(realhost_of(h)->sched, name);
    return e;
}

static void event_destroy(struct host *h, struct host_event *e)
{
    (void)h;
    waitcell_destroy(e->cell);
    free(e);
}

static void event_signal(struct host *h, struct host_event *e)
{
    (void)h;
    waitcell_signal(e->cell);
}

static enum host_wait event_wait(struct host *h, struct host_event *e, int64_t until_ns)
{
    (void)h;
    return wait_of(waitcell_wait(e->cell, until_ns));
}

static bool crashed(struct host *h)
{
    return process_crashed(realhost_of(h)->process);
}

static bool stopping(struct host *h)
{
    return process_stopping(realhost_of(h)->process);
}

static void prng(struct host *h, const char *label, struct prng *ret)
{
    prng_init(ret, realhost_of(h)->config.seed, label);
}

static void log_line(struct host *h, enum host_log_level level, const char *message)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    char time[TIME_TEXT];

    time_format(now(h), time);
    fprintf(stderr, "%s %s: %s\n", time, names[level], message);
}

const struct host_ops real_ops = {
    .name = "real",
    .request = real_request,
    .watch_open = real_watch_open,
    .watch_next = real_watch_next,
    .watch_close = real_watch_close,
    .now = now,
    .sleep = sleep_for,
    .spawn = spawn,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_signal = event_signal,
    .event_wait = event_wait,
    .crashed = crashed,
    .stopping = stopping,
    .prng = prng,
    .file_open = real_file_open,
    .file_read = real_file_read,
    .file_write = real_file_write,
    .file_sync = real_file_sync,
    .file_truncate = real_file_truncate,
    .file_zero = real_file_zero,
    .file_close = real_file_close,
    .file_stat = real_file_stat,
    .file_rename = real_file_rename,
    .file_remove = real_file_remove,
    .make_dir = real_make_dir,
    .sync_dir = real_sync_dir,
    .list_dir = real_list_dir,
    .object_get = real_object_get,
    .object_size = real_object_size,
    .object_read = real_object_read,
    .object_put = real_object_put,
    .object_put_file = real_object_put_file,
    .object_delete = real_object_delete,
    .object_list = real_object_list,
    .program_run = real_program_run,
    .service_open = real_service_open,
    .service_call = real_service_call,
    .service_stream = real_service_stream,
    .stream_next = real_stream_next,
    .stream_close = real_stream_close,
    .reply = real_reply,
    .reply_begin = real_reply_begin,
    .reply_more = real_reply_more,
    .reply_wait = real_reply_wait,
    .log = log_line,
};

/* ---- life ---- */

static int open_folder(const char *path, const char *option, int *ret, struct err *reterr)
{
    *ret = -1;
    if (!path)
        return 0;
    *ret = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *ret >= 0 ? 0 : err_set_errno(reterr, errno, NO_POS, "%s '%s'", option, path);
}

struct realhost *realhost_create(const struct realhost_config *config, struct err *reterr)
{
    AUTO(realhost) struct realhost *r = mem_zalloc(sizeof *r);

    r->host.ops = &real_ops;
    r->config = *config;
    r->root = r->objects = -1;
    r->object_ops = config->s3 ? &s3_object_ops : &folder_object_ops;
    r->transfer_at = INT64_MAX;
    TAILQ_INIT(&r->waiters);
    r->sched =
        sched_create(&(struct sched_config){.seed = config->seed, .start_ns = wall_date_ns()});
    r->process = process_create(r->sched, "component");
    r->transfers = transfers_create();
    r->loop = loop_create(r->sched, 1.0, reterr);
    if (!r->loop || open_folder(config->root, "--root", &r->root, reterr) < 0 ||
        open_folder(config->objects, "--objects", &r->objects, reterr) < 0)
        return NULL;
    real_http_start(r);
    return TAKE(r);
}

void realhost_destroy(struct realhost *r)
{
    if (!r)
        return;
    sched_unwind(r->sched);
    real_service_end(r);
    transfers_destroy(r->transfers);
    loop_destroy(r->loop);
    sched_destroy(r->sched);
    for (size_t i = 0; i < r->cluster_count; i++) {
        access_finish(&r->clusters[i].access);
        free(r->clusters[i].name);
        free(r->clusters[i].url);
        free(r->clusters[i].connect_to);
    }
    free(r->clusters);
    if (r->root >= 0)
        close(r->root);
    if (r->objects >= 0)
        close(r->objects);
    err_clear(&r->why);
    free(r);
}

/* The certificate must name somebody else than the host that we reach: so the URL names that one,
 * and the connection goes where the server is. */
static void point_elsewhere(struct real_cluster *c)
{
    const char *server = c->access.server, *host = strstr(server, "://") + 3;
    size_t scheme = (size_t)(host - server), len = strcspn(host, "/");
    const char *colon = memrchr(host, ':', len);
    bool has_port = colon && !memchr(colon, ']', len - (size_t)(colon - host));
    const char *port = strncmp(server, "https", 5) == 0 ? ":443" : ":80";
    size_t port_len = has_port ? len - (size_t)(colon - host) : strlen(port);

    if (has_port)
        port = colon;
    free(c->url);
    c->url = mem_printf("%.*s%s%.*s%s", (int)scheme, server, c->access.server_name, (int)port_len,
                        port, host + len);
    c->connect_to = mem_printf("::%.*s%.*s", (int)(has_port ? (size_t)(colon - host) : len), host,
                               (int)port_len, port);
}

void realhost_add_cluster(struct realhost *r, const char *name, struct access *access)
{
    struct real_cluster *c;

    r->clusters = mem_grow(r->clusters, &r->cluster_cap, r->cluster_count + 1, sizeof *r->clusters);
    c = &r->clusters[r->cluster_count++];
    *c = (struct real_cluster){.name = mem_strdup(name), .access = *access};
    *access = (struct access){0};
    c->url = mem_strdup(c->access.server);
    if (c->access.server_name)
        point_elsewhere(c);
}

/* ---- a run ---- */

struct launch {
    struct realhost *host;
    const struct component *component;
    const json_t *config;
};

static void run_component(void *arg)
{
    struct launch *l = arg;
    struct realhost *r = l->host;

    r->result = l->component->run(&r->host, l->config, &r->why);
    loop_stop(r->loop);
}

/* Whether to go on after a signal: the program of a pod ends by itself, unless it is asked twice.
 */
static bool goes_on(struct realhost *r, const struct component *c)
{
    if (!stop_asked())
        return true;
    if (c->kind != COMPONENT_POD || process_stopping(r->process))
        return false;
    process_ask_stop(r->process);
    stop_on_signals(r->loop);
    return true;
}

int realhost_run(struct realhost *r, const struct component *c, const json_t *config,
                 struct err *reterr)
{
    struct launch l = {r, c, config};
    bool stopped;
    int result = 0;

    stop_on_signals(r->loop);
    actor_spawn(r->process, "main", run_component, &l);
    while (result == 0 && goes_on(r, c) && process_actors(r->process) > 0)
        result = loop_run(r->loop, false, reterr);
    stopped = process_actors(r->process) > 0;
    stop_forget();
    if (stopped)
        sched_unwind(r->sched); /* crashes what runs: every task goes through its own errors */
    if (result < 0 || stopped || r->result == 0)
        return result;
    err_move(reterr, &r->why);
    return -1;
}
