/* See simwatch.h.
 *
 * What happens to an event is decided once, when it becomes the next one to be read; what is held
 * is looked at again only when a fault is removed, so that a watch that waits costs nothing. */
#include "sim/simwatch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/client.h"
#include "sim/client_priv.h"
#include "sim/world_priv.h"

struct simwatch {
    struct cluster *cluster;
    struct apiwatch *watch;
    struct waitcell *cell;
    char *by, *kind, *plural;
    const struct process_owner *owner;
    bool judged;        /* the next event's fate is known: */
    int64_t visible_ns; /* when it can be read */
    const json_t *hold; /* the rule's action that holds it, or NULL */
    bool drop, gone;
    bool over;
    json_t *error;            /* the ERROR event's object */
    void (*fn)(void *cookie); /* of those who poll; NULL: nobody does */
    void *cookie;
    uint64_t timer; /* when what lags can be polled; 0: none */
};

static void on_event(void *cookie)
{
    simwatch_wake(cookie);
}

void simwatch_wake(struct simwatch *w)
{
    waitcell_signal(w->cell);
    if (w->fn)
        w->fn(w->cookie);
}

/* The answer to the request that opens the stream; faults of the API may give it instead of the
 * server. */
static struct apiwatch *open_stream(struct cluster *c, const struct api_request *req,
                                    struct api_response *ret_error)
{
    struct world *w = cluster_world(c);
    struct request_info info = {.cluster = c,
                                .request = req,
                                .by = world_acting(w),
                                .owner = world_acting_owner(w),
                                .kind = apiserver_kind_of(cluster_server(c), &req->resource)};
    struct apiwatch *watch = NULL;
    if (!client_fault_answer(client_fault(&info), req, ret_error))
        watch = apiserver_watch(cluster_server(c), req, ret_error);
    const struct api_response opened = {.code = 200};
    info.response = watch ? &opened : ret_error;
    if (trace_on(world_trace(w)))
        client_trace(&info);
    return watch;
}

struct simwatch *sim_watch(struct cluster *c, const struct api_request *req,
                           struct api_response *ret_error, struct err *reterr)
{
    struct world *world = cluster_world(c);
    struct sched *s = world_sched(world);
    const struct process_owner *owner = world_acting_owner(world);
    assert(req->verb == API_WATCH);
    assert(!ret_error->body);
    if (actor_self(s) && (sched_crashed(s) || sched_point(s, "watch") != SCHED_OK)) {
        err_set(reterr, ERR_CRASHED, NO_POS, "the process has crashed");
        return NULL;
    }
    if (cluster_cuts_off(c, owner)) {
        err_set(reterr, ERR_IO, NO_POS, "cluster '%s': no route to host", cluster_name(c));
        return NULL;
    }
    struct apiwatch *watch = open_stream(c, req, ret_error);
    assert(!watch == (ret_error->body != NULL)); /* refused is told, and opened is not */
    if (!watch)
        return NULL;
    struct simwatch *w = mem_zalloc(sizeof(*w));
    w->cluster = c;
    w->watch = watch;
    w->by = mem_strdup(world_acting(world));
    w->owner = owner;
    w->plural = mem_strdup(req->resource.plural);
    w->kind = mem_strdup(apiserver_kind_of(cluster_server(c), &req->resource));
    AUTO(str) char *name = mem_printf("watch/%s/%s", w->by, w->plural);
    w->cell = waitcell_create(s, name);
    apiwatch_on_event(watch, on_event, w);
    world_add_watch(world, w);
    return w;
}

void simwatch_close(struct simwatch *w)
{
    if (!w)
        return;
    world_remove_watch(cluster_world(w->cluster), w);
    if (w->timer)
        sched_cancel(world_sched(cluster_world(w->cluster)), w->timer);
    apiwatch_close(w->watch);
    waitcell_destroy(w->cell);
    json_decref(w->error);
    free(w->by);
    free(w->kind);
    free(w->plural);
    free(w);
}

/* ---- the next event's fate ---- */

static void judge(struct simwatch *w, int64_t committed_ns)
{
    const struct fault_attr attrs[] = {{"kind", w->kind},
                                       {"plural", w->plural},
                                       {"by", w->by},
                                       {"cluster", cluster_name(w->cluster)}};
    const json_t *action =
        fault_hit(world_faults(cluster_world(w->cluster)), "watch", attrs, ARRAY_LEN(attrs));
    w->judged = true;
    w->visible_ns = committed_ns;
    w->hold = NULL;
    if (!action)
        return;
    int64_t lag = json_int(action, "lag", 0);
    w->visible_ns = committed_ns > SCHED_NEVER - lag ? SCHED_NEVER : committed_ns + lag;
    w->hold = json_bool(action, "hold", false) ? action : NULL;
    w->drop = json_bool(action, "drop", false);
    w->gone = json_bool(action, "gone", false);
}

static bool is_held(struct simwatch *w)
{
    if (w->hold && !fault_in_force(world_faults(cluster_world(w->cluster)), w->hold))
        w->judged = false; /* released: another rule may have its word now */
    return w->judged && w->hold;
}

enum fate { FATE_NONE, FATE_EVENT, FATE_WAIT, FATE_OVER };

/* What can be read now; *ret_at is when to look again for FATE_WAIT. */
static enum fate look(struct simwatch *w, int64_t *ret_at)
{
    if (w->over || cluster_cuts_off(w->cluster, w->owner))
        return FATE_OVER;
    int64_t committed_ns;
    if (!apiwatch_peek(w->watch, &committed_ns))
        return apiwatch_ended(w->watch) ? FATE_OVER : FATE_NONE;
    if (!w->judged)
        judge(w, committed_ns);
    if (is_held(w))
        return FATE_NONE;
    if (!w->judged)
        judge(w, committed_ns);
    if (w->hold)
        return FATE_NONE; /* the next rule holds it as well */
    if (w->drop)
        return FATE_OVER;
    *ret_at = w->visible_ns;
    bool now = w->visible_ns <= world_now(cluster_world(w->cluster));
    return now || w->gone ? FATE_EVENT : FATE_WAIT;
}

/* ---- reading ---- */

static void trace_event(const struct simwatch *w, const struct api_event *ev)
{
    struct world *world = cluster_world(w->cluster);
    struct trace *t = world_trace(world);
    if (!trace_on(t))
        return;
    const char *ns = meta_namespace(ev->object), *rv = meta_resource_version(ev->object);
    trace_begin(t, world_now(world), "watch");
    trace_str(t, "cluster", cluster_name(w->cluster));
    trace_str(t, "by", w->by);
    trace_str(t, "type", api_event_name(ev->type));
    trace_str(t, "kind", w->kind);
    trace_str(t, "ns", *ns ? ns : NULL);
    trace_str(t, "name", *meta_name(ev->object) ? meta_name(ev->object) : NULL);
    trace_str(t, "rv", *rv ? rv : NULL);
    trace_end(t);
}

static void take_event(struct simwatch *w, struct api_event *ret)
{
    assert(w->judged);
    assert(!w->hold && !w->drop && !w->over);
    assert(w->gone || w->visible_ns <= world_now(cluster_world(w->cluster)));
    w->judged = false;
    if (w->gone) {
        struct api_response status = {0};
        status_expired(&status, "The resourceVersion for the provided watch is too old.");
        json_decref(w->error);
        w->error = status.body;
        w->over = true;
        *ret = (struct api_event){EVENT_ERROR, w->error};
    } else {
        bool there = apiwatch_next(w->watch, ret);
        assert(there);
        (void)there;
        world_notify_delivery(cluster_world(w->cluster), w->cluster, w->by, w->kind, ret->object);
    }
    trace_event(w, ret);
}

enum sched_result simwatch_next(struct simwatch *w, int64_t until_ns, struct api_event *ret,
                                bool *ret_ended)
{
    struct sched *s = world_sched(cluster_world(w->cluster));
    *ret = (struct api_event){0};
    *ret_ended = false;
    for (;;) {
        if (sched_crashed(s))
            return SCHED_CRASHED;
        int64_t at = SCHED_NEVER;
        switch (look(w, &at)) {
        case FATE_EVENT:
            take_event(w, ret);
            return SCHED_OK;
        case FATE_OVER:
            w->over = true;
            *ret_ended = true;
            return SCHED_OK;
        case FATE_NONE:
        case FATE_WAIT:
            break;
        }
        enum sched_result r = waitcell_wait(w->cell, at < until_ns ? at : until_ns);
        if (r == SCHED_CRASHED)
            return SCHED_CRASHED;
        if (r == SCHED_TIMEOUT && at > until_ns)
            return SCHED_TIMEOUT;
    }
}

/* ---- reading without waiting ---- */

static void on_visible(void *cookie)
{
    struct simwatch *w = cookie;
    w->timer = 0;
    simwatch_wake(w);
}

static void wake_at(struct simwatch *w, int64_t at_ns)
{
    if (!w->timer && at_ns != SCHED_NEVER)
        w->timer = sched_post(world_sched(cluster_world(w->cluster)), at_ns, on_visible, w);
}

bool simwatch_poll(struct simwatch *w, struct api_event *ret)
{
    int64_t at = SCHED_NEVER;
    switch (look(w, &at)) {
    case FATE_EVENT:
        take_event(w, ret);
        return true;
    case FATE_OVER:
        w->over = true;
        return false;
    case FATE_WAIT:
        wake_at(w, at);
        return false;
    case FATE_NONE:
        break;
    }
    return false;
}

bool simwatch_ended(const struct simwatch *w)
{
    return w->over;
}

void simwatch_on_event(struct simwatch *w, void (*fn)(void *cookie), void *cookie)
{
    w->fn = fn;
    w->cookie = cookie;
}
