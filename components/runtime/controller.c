#include "components/runtime/controller.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/runtime/queue.h"
#include "kube/meta.h"

/* One watched informer: how its objects become keys. */
struct source {
    struct controller *controller;
    map_fn *map;
    predicate_fn *predicate;
    void *cookie;
    const char *group, *kind; /* owner */
    const char *label, *ns;   /* label */
    struct source *next;
};

struct controller {
    struct runtime *rt; /* which owns this */
    struct controller_config config;
    struct queue *queue;
    struct source *sources;
};

void reconcile_after(struct reconcile_result *r, int64_t ns)
{
    if (!r->requeue_after_ns || ns < r->requeue_after_ns)
        r->requeue_after_ns = ns;
}

struct controller *controller_create(struct runtime *rt, const struct controller_config *config)
{
    assert(config->name && config->reconcile);
    struct controller *c = mem_zalloc(sizeof *c);
    c->rt = rt;
    c->config = *config;
    c->queue = queue_create(runtime_host(rt), config->name);
    runtime_add_controller(rt, c);
    return c;
}

void controller_destroy(struct controller *c)
{
    if (!c)
        return;
    while (c->sources) {
        struct source *s = c->sources;
        c->sources = s->next;
        free(s);
    }
    queue_destroy(c->queue);
    free(c);
}

/* Kubernetes names hold no slash, so "NAMESPACE/NAME" is a key. */
void controller_enqueue(struct controller *c, const char *ns, const char *name)
{
    if (!*name)
        return;
    char *key = mem_printf("%s/%s", ns ? ns : "", name);
    queue_add(c->queue, key);
    free(key);
}

static void call_map(const struct source *s, const json_t *obj)
{
    /* The ready-made maps find their settings in the source, the others in the cookie. */
    s->map(s->label || s->group ? (void *)(uintptr_t)s : s->cookie, s->controller, obj);
}

static void on_event(void *cookie, enum api_event_type type, const json_t *old, const json_t *obj)
{
    const struct source *s = cookie;
    if (s->predicate && !s->predicate(s->cookie, type, old, obj))
        return;
    if (old && old != obj)
        call_map(s, old);
    call_map(s, obj);
}

static struct source *add_source(struct controller *c, struct informer *i, map_fn *map,
                                 predicate_fn *predicate, void *cookie)
{
    struct source *s = mem_zalloc(sizeof *s);
    s->controller = c;
    s->map = map;
    s->predicate = predicate;
    s->cookie = cookie;
    s->next = c->sources;
    c->sources = s;
    informer_on_event(i, on_event, s);
    return s;
}

void controller_watch(struct controller *c, struct informer *i, map_fn *map,
                      predicate_fn *predicate, void *cookie)
{
    assert(map);
    add_source(c, i, map, predicate, cookie);
}

static void map_self(void *cookie, struct controller *c, const json_t *obj)
{
    (void)cookie;
    controller_enqueue(c, meta_namespace(obj), meta_name(obj));
}

void controller_watch_self(struct controller *c, struct informer *i, predicate_fn *predicate,
                           void *cookie)
{
    add_source(c, i, map_self, predicate, cookie);
}

static void map_owner(void *cookie, struct controller *c, const json_t *obj)
{
    const struct source *s = cookie;
    const json_t *owner = meta_controller_of(obj);
    char group[256];
    if (!owner || strcmp(json_str_or_empty(owner, "kind"), s->kind) != 0 ||
        !meta_split_api_version(json_str_or_empty(owner, "apiVersion"), group, sizeof group, NULL,
                                0) ||
        strcmp(group, s->group) != 0)
        return;
    controller_enqueue(c, meta_namespace(obj), json_str_or_empty(owner, "name"));
}

void controller_watch_owner(struct controller *c, struct informer *i, const char *group,
                            const char *kind)
{
    struct source *s = add_source(c, i, map_owner, NULL, NULL);
    s->group = group;
    s->kind = kind;
}

static void map_label(void *cookie, struct controller *c, const json_t *obj)
{
    const struct source *s = cookie;
    const char *name = meta_label(obj, s->label);
    if (name)
        controller_enqueue(c, s->ns ? s->ns : meta_namespace(obj), name);
}

void controller_watch_label(struct controller *c, struct informer *i, const char *label,
                            const char *ns)
{
    struct source *s = add_source(c, i, map_label, NULL, NULL);
    s->label = label;
    s->ns = ns;
}

/* Reconciles one key. false: crashed. */
static bool work_on(struct controller *c, const char *key)
{
    const char *slash = strchr(key, '/');
    char *ns = mem_strndup(key, (size_t)(slash - key));
    struct reconcile_result result = {0};
    AUTO(err) struct err e = {0};
    struct host *h = runtime_host(c->rt);
    int failed = c->config.reconcile(c->config.cookie, ns, slash + 1, &result, &e);
    free(ns);
    if (host_crashed(h) || e.code == ERR_CRASHED)
        return false;
    if (failed) {
        host_log(h, LOG_ERROR, "%s %s: %s", c->config.name, key, e.msg ? e.msg : "failed");
        queue_add_rate_limited(c->queue, key);
        return true;
    }
    queue_forget(c->queue, key);
    if (result.requeue_after_ns > 0)
        queue_add_after(c->queue, key, result.requeue_after_ns);
    return true;
}

static void worker(void *arg)
{
    struct controller *c = arg;
    for (;;) {
        char *key = queue_get(c->queue);
        if (!key)
            return;
        bool go_on = work_on(c, key);
        queue_done(c->queue, key);
        free(key);
        if (!go_on)
            return;
    }
}

void controller_start(struct controller *c)
{
    unsigned workers = c->config.workers ? c->config.workers : 1;
    for (unsigned i = 0; i < workers; i++)
        runtime_spawn(c->rt, c->config.name, worker, c);
}
