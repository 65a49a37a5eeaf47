#include "components/runtime/runtime.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "components/runtime/controller.h"
#include "components/runtime/informer.h"

struct owned {
    void *thing;
    void (*destroy)(void *thing);
};

struct runtime {
    struct host *host;
    size_t refs;
    struct informer **informers;
    size_t informers_count, informers_cap;
    struct controller **controllers;
    size_t controllers_count, controllers_cap;
    struct owned *owned;
    size_t owned_count, owned_cap;
    struct host_event *wake;
};

struct runtime *runtime_create(struct host *h)
{
    struct runtime *rt = mem_zalloc(sizeof *rt);
    rt->host = h;
    rt->refs = 1;
    rt->wake = host_event_create(h, "runtime");
    return rt;
}

static struct runtime *runtime_ref(struct runtime *rt)
{
    assert(rt->refs > 0);
    rt->refs++;
    return rt;
}

static void destroy(struct runtime *rt)
{
    for (size_t i = rt->controllers_count; i > 0; i--)
        controller_destroy(rt->controllers[i - 1]);
    for (size_t i = rt->informers_count; i > 0; i--)
        informer_destroy(rt->informers[i - 1]);
    for (size_t i = rt->owned_count; i > 0; i--)
        rt->owned[i - 1].destroy(rt->owned[i - 1].thing);
    free(rt->controllers);
    free(rt->informers);
    free(rt->owned);
    host_event_destroy(rt->host, rt->wake);
    free(rt);
}

void runtime_unref(struct runtime *rt)
{
    if (!rt)
        return;
    assert(rt->refs > 0);
    if (--rt->refs == 0)
        destroy(rt);
}

struct host *runtime_host(const struct runtime *rt)
{
    return rt->host;
}

void runtime_own(struct runtime *rt, void *thing, void (*destroy_thing)(void *thing))
{
    rt->owned = mem_grow(rt->owned, &rt->owned_cap, rt->owned_count + 1, sizeof *rt->owned);
    rt->owned[rt->owned_count++] = (struct owned){thing, destroy_thing};
}

struct task {
    struct runtime *rt;
    host_task_fn *fn;
    void *arg;
};

static void run_task(void *arg)
{
    struct task *t = arg;
    t->fn(t->arg);
    runtime_unref(t->rt);
    free(t);
}

void runtime_spawn(struct runtime *rt, const char *name, host_task_fn *fn, void *arg)
{
    struct task *t = mem_zalloc(sizeof *t);
    *t = (struct task){runtime_ref(rt), fn, arg};
    host_spawn(rt->host, name, run_task, t);
}

void runtime_add_informer(struct runtime *rt, struct informer *i)
{
    rt->informers =
        mem_grow(rt->informers, &rt->informers_cap, rt->informers_count + 1, sizeof *rt->informers);
    rt->informers[rt->informers_count++] = i;
}

void runtime_add_controller(struct runtime *rt, struct controller *c)
{
    rt->controllers = mem_grow(rt->controllers, &rt->controllers_cap, rt->controllers_count + 1,
                               sizeof *rt->controllers);
    rt->controllers[rt->controllers_count++] = c;
}

void runtime_informer_answered(struct runtime *rt)
{
    host_event_signal(rt->host, rt->wake);
}

static bool all_answered(const struct runtime *rt)
{
    for (size_t i = 0; i < rt->informers_count; i++)
        if (!informer_answered(rt->informers[i]))
            return false;
    return true;
}

int runtime_run(struct runtime *rt, struct err *reterr)
{
    for (size_t i = 0; i < rt->informers_count; i++)
        informer_start(rt->informers[i]);
    enum host_wait got = host_crashed(rt->host) ? HOST_CRASHED : HOST_OK;
    while (got != HOST_CRASHED && !all_answered(rt))
        got = host_event_wait(rt->host, rt->wake, HOST_FOREVER);
    if (got != HOST_CRASHED)
        for (size_t i = 0; i < rt->controllers_count; i++)
            controller_start(rt->controllers[i]);
    while (got != HOST_CRASHED)
        got = host_event_wait(rt->host, rt->wake, HOST_FOREVER);
    return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
}
