#include "sim/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "sim/world_priv.h"

struct part {
    const struct cluster *cluster; /* whose it is; NULL: the world's */
    char *name;
    void *part;
    void (*destroy)(void *part);
};
struct request_hook {
    request_hook_fn *fn;
    void *cookie;
};
struct change_hook {
    change_hook_fn *fn;
    void *cookie;
};
struct effect_hook {
    effect_hook_fn *fn;
    void *cookie;
};

struct world {
    struct trace *trace;
    struct faults *faults;
    struct sched *sched;
    char *dir;
    bool can_mount;
    int64_t revision; /* of every cluster at its start */
    struct cluster **clusters;
    size_t cluster_count, cluster_cap;
    struct part *parts;
    size_t part_count, part_cap;
    struct simwatch **watches;
    size_t watch_count, watch_cap;
    struct request_hook *on_request;
    size_t on_request_count, on_request_cap;
    struct change_hook *on_change;
    size_t on_change_count, on_change_cap;
    struct effect_hook *on_effect;
    size_t on_effect_count, on_effect_cap;
    delivery_hook_fn *on_delivery; /* one is enough */
    void *on_delivery_cookie;
};

struct cluster {
    struct world *world;
    char *name;
    struct apiserver *server;
    struct strmap *processes; /* by their names within the cluster; borrowed from the scheduler */
    struct process_owner platform, pods; /* what its processes have for an owner */
    bool link;
};

/* ---- life ---- */

static void wake_watches(void *cookie)
{
    struct world *w = cookie;
    for (size_t i = 0; i < w->watch_count; i++)
        simwatch_wake(w->watches[i]);
}

struct world *world_create(const struct world_config *config)
{
    struct world *w = mem_zalloc(sizeof(*w));
    w->trace = config->trace ? trace_create() : NULL;
    w->faults = faults_create();
    fault_on_remove(w->faults, wake_watches, w);
    const struct sched_config sc = {.seed = config->seed,
                                    .start_ns =
                                        config->start_ns ? config->start_ns : WORLD_START_NS,
                                    .policy = config->policy,
                                    .trace = w->trace,
                                    .events_max = config->events_max};
    w->sched = sched_create(&sc);
    w->dir = config->dir ? mem_strdup(config->dir) : NULL;
    w->can_mount = config->can_mount;
    w->revision = config->revision;
    return w;
}

static void cluster_destroy(struct cluster *c)
{
    apiserver_check_frozen(c->server);
    apiserver_destroy(c->server);
    strmap_destroy(c->processes, NULL);
    free(c->name);
    free(c);
}

void world_destroy(struct world *w)
{
    if (!w)
        return;
    sched_unwind(w->sched);
    while (w->part_count > 0) {
        struct part p = w->parts[--w->part_count];
        if (p.destroy)
            p.destroy(p.part);
        free(p.name);
    }
    assert(w->watch_count == 0); /* their actors have unwound */
    for (size_t i = w->cluster_count; i > 0; i--)
        cluster_destroy(w->clusters[i - 1]);
    sched_destroy(w->sched);
    faults_destroy(w->faults);
    trace_destroy(w->trace);
    free(w->clusters);
    free(w->parts);
    free(w->watches);
    free(w->on_request);
    free(w->on_change);
    free(w->on_effect);
    free(w->dir);
    free(w);
}

struct sched *world_sched(const struct world *w)
{
    return w->sched;
}

struct faults *world_faults(const struct world *w)
{
    return w->faults;
}

struct trace *world_trace(const struct world *w)
{
    return w->trace;
}

const char *world_dir(const struct world *w)
{
    return w->dir;
}

bool world_can_mount(const struct world *w)
{
    return w->can_mount;
}

int64_t world_now(const struct world *w)
{
    return sched_now(w->sched);
}

/* ---- clusters ---- */

static void trace_change(struct cluster *c, const struct store_change *change)
{
    struct trace *t = c->world->trace;
    trace_begin(t, world_now(c->world), "change");
    trace_str(t, "cluster", c->name);
    trace_str(t, "type", api_event_name(change->type));
    trace_str(t, "kind", change->kind);
    trace_str(t, "ns", *change->ns ? change->ns : NULL);
    trace_str(t, "name", change->name);
    trace_int(t, "rv", change->revision);
    trace_str(t, "by", world_acting(c->world));
    trace_str(t, "user", change->user);
    trace_end(t);
}

static void observe(void *cookie, const struct store_change *change)
{
    struct cluster *c = cookie;
    struct world *w = c->world;
    if (trace_on(w->trace))
        trace_change(c, change);
    for (size_t i = 0; i < w->on_change_count; i++)
        w->on_change[i].fn(w->on_change[i].cookie, c, change);
}

struct cluster *world_add_cluster(struct world *w, const char *name, struct err *reterr)
{
    if (world_cluster(w, name)) {
        err_set(reterr, ERR_INVALID, NO_POS, "a cluster named '%s' exists already", name);
        return NULL;
    }
    struct cluster *c = mem_zalloc(sizeof(*c));
    c->world = w;
    c->name = mem_strdup(name);
    c->link = true;
    c->platform = (struct process_owner){OWNER_PLATFORM, c};
    c->pods = (struct process_owner){OWNER_POD, c};
    c->processes = strmap_create();
    c->server = apiserver_create(w->sched, name);
    if (w->revision > 0)
        apiserver_begin_at(c->server, w->revision);
    apiserver_add_builtin_crds(c->server);
    w->clusters =
        mem_grow(w->clusters, &w->cluster_cap, w->cluster_count + 1, sizeof(*w->clusters));
    w->clusters[w->cluster_count++] = c;
    apiserver_observe(c->server, observe, c);
    return c;
}

struct cluster *world_cluster(const struct world *w, const char *name)
{
    if (!name)
        return w->cluster_count ? w->clusters[0] : NULL;
    for (size_t i = 0; i < w->cluster_count; i++)
        if (strcmp(w->clusters[i]->name, name) == 0)
            return w->clusters[i];
    return NULL;
}

size_t world_cluster_count(const struct world *w)
{
    return w->cluster_count;
}

struct cluster *world_cluster_at(const struct world *w, size_t i)
{
    assert(i < w->cluster_count);
    return w->clusters[i];
}

struct apiserver *cluster_server(const struct cluster *c)
{
    return c->server;
}

const char *cluster_name(const struct cluster *c)
{
    return c->name;
}

struct world *cluster_world(const struct cluster *c)
{
    return c->world;
}

struct process *cluster_process(struct cluster *c, const char *name)
{
    struct process *p = strmap_get(c->processes, name);
    if (!p || process_crashed(p)) {
        AUTO(str) char *full = mem_printf("%s/%s", c->name, name);
        p = process_create(c->world->sched, full);
        process_set_owner(p, &c->platform);
        strmap_put(c->processes, name, p);
    }
    return p;
}

struct process *cluster_pod_process(struct cluster *c, const char *ns, const char *pod)
{
    AUTO(str) char *full = mem_printf("pod/%s/%s", ns, pod);
    struct process *p = process_create(c->world->sched, full);
    process_set_owner(p, &c->pods);
    return p;
}

void cluster_set_link(struct cluster *c, bool up)
{
    c->link = up;
    if (!up)
        wake_watches(c->world);
}

bool cluster_link(const struct cluster *c)
{
    return c->link;
}

bool cluster_cuts_off(const struct cluster *c, const struct process_owner *owner)
{
    return !c->link && owner->cluster != c;
}

/* ---- parts ---- */

static void *find_part(const struct world *w, const struct cluster *c, const char *name)
{
    for (size_t i = 0; i < w->part_count; i++)
        if (w->parts[i].cluster == c && strcmp(w->parts[i].name, name) == 0)
            return w->parts[i].part;
    return NULL;
}

static void attach(struct world *w, const struct part *p)
{
    assert(p->part);
    assert(!find_part(w, p->cluster, p->name));
    w->parts = mem_grow(w->parts, &w->part_cap, w->part_count + 1, sizeof(*w->parts));
    w->parts[w->part_count] = *p;
    w->parts[w->part_count++].name = mem_strdup(p->name);
}

void world_attach(struct world *w, const char *name, void *part, void (*destroy)(void *part))
{
    attach(w, &(struct part){NULL, (char *)name, part, destroy});
}

void *world_part(const struct world *w, const char *name)
{
    return find_part(w, NULL, name);
}

void cluster_attach(struct cluster *c, const char *name, void *part, void (*destroy)(void *part))
{
    attach(c->world, &(struct part){c, (char *)name, part, destroy});
}

void *cluster_part(const struct cluster *c, const char *name)
{
    return find_part(c->world, c, name);
}

/* ---- who acts ---- */

const char *world_acting(const struct world *w)
{
    const struct actor *a = actor_self(w->sched);
    return a ? process_name(actor_process(a)) : "";
}

const struct process_owner *world_acting_owner(const struct world *w)
{
    static const struct process_owner outside = {OWNER_OUTSIDE, NULL};
    const struct actor *a = actor_self(w->sched);
    const struct process_owner *owner = a ? process_owner(actor_process(a)) : NULL;
    return owner ? owner : &outside;
}

/* ---- hooks ---- */

void world_on_request(struct world *w, request_hook_fn *fn, void *cookie)
{
    w->on_request = mem_grow(w->on_request, &w->on_request_cap, w->on_request_count + 1,
                             sizeof(*w->on_request));
    w->on_request[w->on_request_count++] = (struct request_hook){fn, cookie};
}

void world_notify_request(struct world *w, enum request_moment moment,
                          const struct request_info *info)
{
    assert(info->by && info->kind);
    assert(info->owner);
    assert((moment == REQUEST_BEFORE) == (info->response == NULL));
    for (size_t i = 0; i < w->on_request_count; i++)
        w->on_request[i].fn(w->on_request[i].cookie, moment, info);
}

void world_on_change(struct world *w, change_hook_fn *fn, void *cookie)
{
    w->on_change =
        mem_grow(w->on_change, &w->on_change_cap, w->on_change_count + 1, sizeof(*w->on_change));
    w->on_change[w->on_change_count++] = (struct change_hook){fn, cookie};
}

void world_on_effect(struct world *w, effect_hook_fn *fn, void *cookie)
{
    w->on_effect =
        mem_grow(w->on_effect, &w->on_effect_cap, w->on_effect_count + 1, sizeof(*w->on_effect));
    w->on_effect[w->on_effect_count++] = (struct effect_hook){fn, cookie};
}

const char *effect_name(enum effect_kind kind)
{
    static const char *const names[] = {
        [EFFECT_OBJECT_PUT] = "object-put",   [EFFECT_OBJECT_DELETE] = "object-delete",
        [EFFECT_FILE_WRITE] = "file-write",   [EFFECT_FILE_SYNC] = "file-sync",
        [EFFECT_FILE_RENAME] = "file-rename", [EFFECT_FILE_TRUNCATE] = "file-truncate",
        [EFFECT_FILE_ZERO] = "file-zero",     [EFFECT_FILE_REMOVE] = "file-remove",
        [EFFECT_PROGRAM] = "program",         [EFFECT_REPLY] = "reply"};

    return names[kind];
}

void world_notify_effect(struct world *w, enum request_moment moment,
                         const struct effect_info *info)
{
    for (size_t i = 0; i < w->on_effect_count; i++)
        w->on_effect[i].fn(w->on_effect[i].cookie, moment, info);
}

void world_on_delivery(struct world *w, delivery_hook_fn *fn, void *cookie)
{
    assert(!w->on_delivery);
    w->on_delivery = fn;
    w->on_delivery_cookie = cookie;
}

void world_notify_delivery(struct world *w, struct cluster *c, const char *by, const char *kind,
                           const json_t *object)
{
    if (w->on_delivery)
        w->on_delivery(w->on_delivery_cookie, c, by, kind, object);
}

/* ---- for the client side ---- */

void world_add_watch(struct world *w, struct simwatch *watch)
{
    w->watches = mem_grow(w->watches, &w->watch_cap, w->watch_count + 1, sizeof(*w->watches));
    w->watches[w->watch_count++] = watch;
}

void world_remove_watch(struct world *w, struct simwatch *watch)
{
    for (size_t i = 0; i < w->watch_count; i++) {
        if (w->watches[i] != watch)
            continue;
        w->watch_count--;
        memmove(w->watches + i, w->watches + i + 1, (w->watch_count - i) * sizeof(*w->watches));
        return;
    }
    assert(!"a watch was closed twice");
}
