/* See front.h: the loop, the server, and who gets which request. */
#include "runner/remote/front_priv.h"

#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/mem.h"
#include "base/wall.h"

/* ---- requests find their proxies ---- */

static const char *task_header(const struct http_exchange *x)
{
    size_t count;
    const struct http_header *headers = http_headers(x, &count);

    for (size_t i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, "X-Vmconform-Task") == 0)
            return headers[i].value;
    return "";
}

static struct proxy *proxy_of(struct front *f, const struct http_exchange *x)
{
    const char *tag = task_header(x);
    struct proxy *p;

    TAILQ_FOREACH(p, &f->proxies, link)
    {
        char want[32];

        snprintf(want, sizeof want, "%u.%u", p->remote->number, p->task);
        if (strcmp(tag, want) == 0)
            return p;
    }
    return NULL;
}

static void forget_exchange(void *cookie)
{
    ((struct proxy *)cookie)->exchange = NULL;
}

/* Nobody but the task that runs may ask. It announces a request by the control socket, which may be
 * read before or after. */
static void handle(void *cookie, struct http_exchange *x)
{
    struct front *f = cookie;
    struct proxy *p = proxy_of(f, x);

    if (!p || p != f->awaited || p->exchange) {
        http_abort(x);
        return;
    }
    p->exchange = x;
    http_on_abandoned(x, forget_exchange, p);
    loop_stop(f->loop);
}

/* ---- the loop ---- */

static int64_t look_at_clock(void *cookie)
{
    struct front *f = cookie;
    int64_t left;

    if (f->deadline_ns == INT64_MAX)
        return INT64_MAX;
    left = f->deadline_ns - wall_monotonic_ns();
    if (left > 0)
        return left;
    f->late = true;
    loop_stop(f->loop);
    return 0;
}

static void on_control(void *cookie, uint32_t events)
{
    (void)events;
    loop_stop(((struct front *)cookie)->loop);
}

static bool can_be_read(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, 0) > 0;
}

int front_wait(struct front *f, struct proxy *p)
{
    struct remote *r = p->remote;
    struct loop_fd *control = loop_watch_fd(f->loop, r->control, EPOLLIN, on_control, f);
    struct err e = {0};

    f->late = false;
    f->awaited = p;
    f->deadline_ns = wall_monotonic_ns() + f->config.watchdog_ns;
    while (!f->late && !(p->wants_http && p->exchange) && !can_be_read(r->control) &&
           loop_run(f->loop, false, &e) == 0)
        ;
    f->awaited = NULL;
    f->deadline_ns = INT64_MAX;
    loop_forget_fd(control);
    if (err_pending(&e))
        remote_fail(r, "the world cannot serve it: %s", e.msg);
    else if (f->late)
        remote_fail(r, "has not answered for %.1f s", (double)f->config.watchdog_ns / 1e9);
    err_clear(&e);
    return r->dead ? -1 : 0;
}

/* ---- clusters ---- */

struct front_cluster *front_cluster(struct front *f, struct cluster *c)
{
    struct front_cluster *fc;
    struct rest_config config = {.server = cluster_server(c),
                                 .sched = world_sched(f->config.world)};

    for (size_t i = 0; i < f->cluster_count; i++)
        if (f->clusters[i]->cluster == c)
            return f->clusters[i];
    fc = mem_zalloc(sizeof *fc);
    fc->front = f;
    fc->cluster = c;
    config.backend = front_backend(fc);
    fc->rest = rest_create(&config);
    f->clusters = mem_grow(f->clusters, &f->cluster_cap, f->cluster_count + 1, sizeof *f->clusters);
    f->clusters[f->cluster_count++] = fc;
    return fc;
}

/* ---- life ---- */

/* What stands on the world's parts ends with them. */
static void end_service(void *part)
{
    struct front *f = part;

    http_server_destroy(TAKE(f->server));
    for (size_t i = 0; i < f->cluster_count; i++) {
        rest_destroy(f->clusters[i]->rest);
        free(f->clusters[i]);
    }
    free(TAKE(f->clusters));
    f->cluster_count = f->cluster_cap = 0;
}

static int listen_for(struct front *f, struct err *reterr)
{
    struct http_config config = {
        .unix_path = f->socket, .limits = {.idle_timeout_s = 3600}, .handle = handle, .cookie = f};

    f->sched = sched_create(&(struct sched_config){.start_ns = WORLD_START_NS});
    f->loop = loop_create(f->sched, 1.0, reterr);
    if (!f->loop)
        return -1;
    loop_on_idle(f->loop, look_at_clock, f);
    config.loop = f->loop;
    f->server = http_server_create(&config, reterr);
    return f->server ? 0 : -1;
}

struct front *front_create(const struct front_config *config, struct err *reterr)
{
    struct front *f = mem_zalloc(sizeof *f);

    f->config = *config;
    if (!f->config.watchdog_ns)
        f->config.watchdog_ns = FRONT_WATCHDOG_NS;
    f->deadline_ns = INT64_MAX;
    TAILQ_INIT(&f->remotes);
    TAILQ_INIT(&f->proxies);
    f->socket = mem_printf("%s/api.sock", config->dir);
    f->program = config->program ? mem_strdup(config->program) : front_program();
    if (!f->program)
        err_set(reterr, ERR_NOT_FOUND, NO_POS,
                "vmconform-component is not beside this program: components cannot be run as "
                "processes");
    if (!f->program || listen_for(f, reterr) < 0) {
        end_service(f);
        front_end(f, NULL);
        return NULL;
    }
    world_attach(config->world, "front", f, end_service);
    return f;
}

int front_run(struct front *f, const char *component, struct host *h, const json_t *config,
              struct err *reterr)
{
    struct remote *r = remote_start(f, component, h, reterr);
    AUTO(str) char *tag = r ? mem_printf("%u", r->number) : NULL;
    struct wire_message first = {.op = WIRE_START};

    if (!r)
        return -1;
    first.json = json_pack("{s:s, s:O, s:s, s:s}", "component", component, "config", config, "tag",
                           tag, "socket", f->socket);
    r->tasks = 1;
    return proxy_run(r, 0, &first, reterr);
}

int front_end(struct front *f, struct err *reterr)
{
    struct remote *r;
    int result;

    if (!f)
        return 0;
    while ((r = TAILQ_FIRST(&f->remotes))) {
        struct err e = {0};

        if (remote_reap(r, &e) < 0 && !err_pending(&f->complaint))
            err_move(&f->complaint, &e);
        err_clear(&e);
        remote_destroy(r);
    }
    result = err_pending(&f->complaint) ? err_move(reterr, &f->complaint) : 0;
    loop_destroy(f->loop);
    sched_destroy(f->sched);
    free(f->program);
    free(f->socket);
    free(f);
    return result;
}
