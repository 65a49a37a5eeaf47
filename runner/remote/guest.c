/* See guest.h. One fiber per task, and a loop that runs whichever the world has resumed. */
#include "runner/remote/guest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/remote/guest_priv.h"

#define FOREVER_MS (-1)

void guest_die(const struct err *e)
{
    fprintf(stderr, "vmconform-component: error: %s\n", e->msg ? e->msg : "");
    fflush(stderr);
    _exit(3); /* what tasks hold goes with the process */
}

/* ---- speaking ---- */

void guest_send(struct guest *g, enum wire_op op, json_t *json, const void *blob, size_t blob_len)
{
    struct wire_message m = {
        .op = op, .task = g->running->id, .json = json, .blob = (char *)blob, .blob_len = blob_len};
    struct err e = {0};

    if (wire_send(g->control, &m, FOREVER_MS, &e) < 0)
        guest_die(&e);
    json_decref(json);
}

const struct wire_message *guest_wait(struct guest *g, bool (*ready)(const struct task *t),
                                      struct transfer *x)
{
    struct task *t = g->running;

    wire_finish(&t->resume);
    t->resumed = false;
    t->ready = ready;
    t->transfer = x;
    waitcell_wait(t->cell, SCHED_NEVER);
    assert(t->resumed && g->running == t);
    return &t->resume;
}

const struct wire_message *guest_call(struct guest *g, enum wire_op op, json_t *json,
                                      const void *blob, size_t blob_len)
{
    guest_send(g, op, json, blob, blob_len);
    return guest_wait(g, NULL, NULL);
}

/* ---- tasks ---- */

struct task *guest_add_task(struct guest *g, const char *name, host_task_fn *fn, void *arg)
{
    struct task *t = mem_zalloc(sizeof *t);

    t->guest = g;
    t->id = (uint32_t)g->task_count;
    t->name = mem_strdup(name);
    t->fn = fn;
    t->arg = arg;
    t->cell = waitcell_create(g->sched, name);
    g->tasks = mem_grow(g->tasks, &g->task_cap, g->task_count + 1, sizeof *g->tasks);
    g->tasks[g->task_count++] = t;
    g->live++;
    return t;
}

static void end_task(struct task *t)
{
    struct guest *g = t->guest;

    g->tasks[t->id] = NULL;
    g->live--;
    waitcell_destroy(t->cell);
    wire_finish(&t->resume);
    free(t->name);
    free(t);
}

static void run_task(void *arg)
{
    struct task *t = arg;

    t->fn(t->arg);
    if (t->id != 0) /* the first one has told how it ended */
        guest_send(t->guest, WIRE_END, json_object(), NULL, 0);
    end_task(t);
}

static void run_component(void *arg)
{
    struct guest *g = arg;
    struct wire_message m = {.op = WIRE_END};
    struct err e = {0};
    int r = g->component->run(&g->host, g->config, &e);

    m.json = json_pack("{s:b}", "ok", r == 0);
    if (r < 0)
        wire_put_error(&m, &e);
    err_clear(&e);
    guest_send(g, WIRE_END, m.json, NULL, 0);
}

/* Until its next call. */
static void run_until_call(struct guest *g, struct task *t)
{
    g->running = t;
    if (t->started) {
        waitcell_signal(t->cell);
    } else {
        t->started = true;
        actor_spawn(g->process, t->name, run_task, t);
    }
    sched_run(g->sched, SCHED_NEVER);
    g->running = NULL;
}

/* ---- the loop ---- */

#define STEP_MS 1000

/* A request that has just been made goes out while we listen. */
static void wait_for_world(struct guest *g)
{
    do
        transfers_step(g->transfers);
    while (!transfers_wait(g->transfers, g->control, STEP_MS));
}

static int receive(struct guest *g, struct task **ret, struct err *reterr)
{
    struct wire_message m = {0};
    struct task *t;

    wait_for_world(g);
    if (wire_receive(g->control, &m, FOREVER_MS, reterr) < 0) {
        wire_finish(&m);
        return -1;
    }
    if (m.op == WIRE_SERVE && m.task == g->task_count)
        t = guest_serve(g, &m);
    else
        t = m.op == WIRE_RESUME && m.task < g->task_count ? g->tasks[m.task] : NULL;
    if (!t || t->resumed) {
        wire_finish(&m);
        err_set(reterr, ERR_CORRUPT, NO_POS, "the world resumed a task that does not wait");
        return -1;
    }
    g->now_ns = m.now_ns;
    g->crashed = m.crashed;
    g->stopping = m.stopping;
    t->resume = m;
    t->resumed = true;
    *ret = t;
    return 0;
}

static bool is_ready(const struct task *t)
{
    return !t->ready || t->ready(t);
}

static int run_tasks(struct guest *g, struct err *reterr)
{
    while (g->live > 0) {
        struct task *t;

        if (receive(g, &t, reterr) < 0)
            return -1;
        while (!is_ready(t)) {
            transfers_wait(g->transfers, -1, STEP_MS);
            transfers_step(g->transfers);
        }
        run_until_call(g, t);
    }
    return 0;
}

/* ---- start and end ---- */

static int take_start(struct guest *g, const struct wire_message *m, struct err *reterr)
{
    const char *name = json_str_or_empty(m->json, "component");

    if (m->op != WIRE_START)
        return err_set(reterr, ERR_CORRUPT, NO_POS, "the world did not begin with a start");
    g->component = component_find(name);
    if (!g->component)
        return err_set(reterr, ERR_NOT_FOUND, NO_POS, "no component is called '%s'", name);
    g->tag = mem_strdup(json_str_or_empty(m->json, "tag"));
    g->socket = mem_strdup(json_str_or_empty(m->json, "socket"));
    g->config = json_incref(json_object_get(m->json, "config"));
    g->now_ns = m->now_ns;
    g->crashed = m->crashed;
    g->stopping = m->stopping;
    g->server = (struct transfer_server){.url = "http://vmconform", .unix_path = g->socket};
    return 0;
}

static int start(struct guest *g, struct err *reterr)
{
    AUTO(wire) struct wire_message m = {0};
    struct task *first;

    if (wire_receive(g->control, &m, FOREVER_MS, reterr) < 0 || take_start(g, &m, reterr) < 0)
        return -1;
    first = guest_add_task(g, "main", run_component, g);
    first->resumed = true;
    run_until_call(g, first);
    return run_tasks(g, reterr);
}

static void finish(struct guest *g)
{
    transfers_destroy(g->transfers);
    sched_destroy(g->sched);
    guest_services_finish(g);
    json_decref(g->config);
    free(g->tasks);
    free(g->tag);
    free(g->socket);
}

int guest_run(int control, struct err *reterr)
{
    struct guest g = {.host.ops = &sealed_ops, .control = control};

    g.sched = sched_create(&(struct sched_config){.seed = 1});
    g.process = process_create(g.sched, "component");
    g.transfers = transfers_create();
    if (start(&g, reterr) < 0)
        return -1; /* tasks that wait for the world go with the process */
    finish(&g);
    return 0;
}
