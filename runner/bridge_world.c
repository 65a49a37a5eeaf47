/* See bridge_world.h. */
#include "runner/bridge_world.h"

#include "base/mem.h"
#include "kube/status.h"
#include "sim/client.h"
#include "sim/simwatch.h"

static void no_answer(struct api_response *ret, struct err *e)
{
    status_unavailable(ret, e->code == ERR_CRASHED ? "the client's process has crashed" : e->msg);
    err_clear(e);
}

void bridge_request(struct cluster *c, const struct api_request *req, struct api_response *ret)
{
    struct err e = {0};

    if (sim_request(c, req, ret, &e) < 0)
        no_answer(ret, &e);
}

/* process is NULL outside of actors. */
struct world_watch {
    struct simwatch *watch;
    struct process *process;
    struct crash_hook crash; /* its stream waits for events: a crash is one */
    void (*fn)(void *cookie);
    void *cookie;
};

static void on_crash(void *cookie)
{
    struct world_watch *w = cookie;

    if (w->fn)
        w->fn(w->cookie);
}

static bool is_crashed(const struct world_watch *w)
{
    return w->process && process_crashed(w->process);
}

static bool watch_next(void *source, struct api_event *ret)
{
    struct world_watch *w = source;

    return !is_crashed(w) && simwatch_poll(w->watch, ret);
}

static bool watch_ended(const void *source)
{
    const struct world_watch *w = source;

    return is_crashed(w) || simwatch_ended(w->watch);
}

static void watch_on_event(void *source, void (*fn)(void *cookie), void *cookie)
{
    struct world_watch *w = source;

    w->fn = fn;
    w->cookie = cookie;
    simwatch_on_event(w->watch, fn, cookie);
}

static void watch_close(void *source)
{
    struct world_watch *w = source;

    process_forget_hook(&w->crash);
    simwatch_close(w->watch);
    free(w);
}

struct rest_source bridge_watch(struct cluster *c, const struct api_request *req,
                                struct api_response *ret_error)
{
    static const struct rest_source_ops ops = {watch_next, watch_ended, watch_on_event,
                                               watch_close};
    struct actor *self = actor_self(world_sched(cluster_world(c)));
    struct err e = {0};
    struct simwatch *w = sim_watch(c, req, ret_error, &e);
    struct world_watch *source;

    if (err_pending(&e))
        no_answer(ret_error, &e);
    if (!w)
        return (struct rest_source){NULL, NULL};
    source = mem_zalloc(sizeof *source);
    *source = (struct world_watch){.watch = w,
                                   .process = self ? actor_process(self) : NULL,
                                   .crash = {.fn = on_crash, .cookie = source}};
    if (source->process)
        process_on_crash(source->process, &source->crash);
    return (struct rest_source){&ops, source};
}
