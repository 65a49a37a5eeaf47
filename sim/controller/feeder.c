/* An informer: list, then watch from there; when the stream ends, again. It keeps the last known
 * objects, so that what vanished between two lists is told as deleted. */
#include "sim/controller/ctl.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/client.h"
#include "sim/simwatch.h"

#define RETRY_FIRST_NS (800 * NS_PER_MS)
#define RETRY_MAX_NS (30 * NS_PER_S)

struct feeder {
    struct ctl ctl;
    struct kind kind;
    feed_fn *fn;
    void *cookie;
    struct sched *sched;
    struct strmap *known;    /* "ns/name" -> json_t */
    struct waitcell *served; /* signalled when a definition of a kind changes */
    int64_t retry_ns;
};

static void drop_object(void *object)
{
    json_decref(object);
}

static char *key_of(const json_t *obj)
{
    return mem_printf("%s/%s", meta_namespace(obj), meta_name(obj));
}

static void deliver(struct feeder *f, enum api_event_type type, json_t *object)
{
    AUTO(str) char *key = key_of(object);
    AUTO(json) json_t *old = NULL;
    assert(type == EVENT_ADDED || type == EVENT_MODIFIED || type == EVENT_DELETED);
    if (type == EVENT_DELETED)
        old = strmap_remove(f->known, key);
    else
        old = strmap_put(f->known, key, json_incref(object));
    f->fn(f->cookie, type, object);
}

/* Tells the difference between the known objects and a fresh list. */
static void replace(struct feeder *f, const json_t *items)
{
    struct strmap *before = f->known;
    f->known = strmap_create();
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        AUTO(str) char *key = key_of(item);
        AUTO(json) json_t *old = strmap_remove(before, key);
        bool same = old && !strcmp(meta_uid(old), meta_uid(item)) &&
                    !strcmp(meta_resource_version(old), meta_resource_version(item));
        if (same)
            strmap_put(f->known, key, json_incref(item));
        else
            deliver(f, old ? EVENT_MODIFIED : EVENT_ADDED, item);
    }
    size_t at = 0;
    const char *key;
    void *gone;
    while (strmap_each(before, &at, &key, &gone))
        f->fn(f->cookie, EVENT_DELETED, gone);
    strmap_destroy(before, drop_object);
    assert(strmap_count(f->known) == json_array_size(items)); /* what was listed, and no more */
}

/* 0: *ret_revision (new) is where to watch from. -1: nothing was listed; *ret_code is the HTTP
 * code, 0 without an answer. */
static int list(struct feeder *f, char **ret_revision, int *ret_code)
{
    __attribute__((cleanup(cleanup_response))) struct api_response res = {0};
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    struct api_request req = {
        .verb = API_LIST,
        .resource = {f->kind.group, f->kind.version, f->kind.plural},
        .user = f->ctl.user,
    };
    *ret_code = 0;
    if (sim_request(f->ctl.cluster, &req, &res, &e) < 0)
        return -1;
    *ret_code = res.code;
    if (!api_ok(&res))
        return -1;
    /* Items of a list carry no kind in some servers' answers; ours are read by metadata only. */
    replace(f, json_object_get(res.body, "items"));
    *ret_revision = mem_strdup(json_str_or_empty(res.body, "metadata.resourceVersion"));
    return 0;
}

static void watch(struct feeder *f, const char *revision)
{
    __attribute__((cleanup(cleanup_response))) struct api_response res = {0};
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    struct api_request req = {
        .verb = API_WATCH,
        .resource = {f->kind.group, f->kind.version, f->kind.plural},
        .resource_version = revision,
        .user = f->ctl.user,
    };
    AUTO(simwatch) struct simwatch *w = sim_watch(f->ctl.cluster, &req, &res, &e);
    if (!w)
        return;
    for (;;) {
        struct api_event ev = {0};
        bool ended = false;
        enum sched_result r = simwatch_next(w, SCHED_NEVER, &ev, &ended);
        if (r == SCHED_CRASHED || ended)
            return;
        if (r != SCHED_OK)
            continue;
        if (ev.type == EVENT_ERROR)
            return;
        if (ev.type != EVENT_BOOKMARK)
            deliver(f, ev.type, ev.object);
    }
}

/* Waits before the next attempt; an unserved kind waits for a change among the definitions. */
static enum sched_result pause_after(struct feeder *f, int code)
{
    if (code == 404)
        return waitcell_wait(f->served, SCHED_NEVER);
    int64_t delay = f->retry_ns;
    f->retry_ns = delay * 2 < RETRY_MAX_NS ? delay * 2 : RETRY_MAX_NS;
    return sched_sleep(f->sched, delay);
}

static void run(void *arg)
{
    struct feeder *f = arg;
    while (!sched_crashed(f->sched)) {
        AUTO(str) char *revision = NULL;
        int code;
        if (list(f, &revision, &code) < 0) {
            if (sched_crashed(f->sched) || pause_after(f, code) == SCHED_CRASHED)
                return;
            continue;
        }
        f->retry_ns = RETRY_FIRST_NS;
        watch(f, revision);
        if (sched_point(f->sched, "relist") == SCHED_CRASHED)
            return;
    }
}

static void on_change(void *cookie, const struct store_change *change)
{
    struct feeder *f = cookie;
    if (change->type != EVENT_DELETED && !strcmp(change->plural, "customresourcedefinitions"))
        waitcell_signal(f->served);
}

struct feeder *feeder_start(const struct ctl *c, struct process *p, const struct kind *k,
                            feed_fn *fn, void *cookie)
{
    struct feeder *f = mem_zalloc(sizeof *f);
    f->ctl = *c;
    f->kind = *k;
    f->fn = fn;
    f->cookie = cookie;
    f->sched = world_sched(cluster_world(c->cluster));
    f->known = strmap_create();
    AUTO(str) char *name = mem_printf("informer/%s", k->plural);
    f->served = waitcell_create(f->sched, name);
    f->retry_ns = RETRY_FIRST_NS;
    apiserver_observe(cluster_server(c->cluster), on_change, f);
    actor_spawn(p, name, run, f);
    return f;
}

void feeder_destroy(struct feeder *f)
{
    if (!f)
        return;
    strmap_destroy(f->known, drop_object);
    waitcell_destroy(f->served);
    free(f);
}
