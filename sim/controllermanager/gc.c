/* The queue of the collector, and the actor that works through it. */
#include "sim/controllermanager/gc_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/apiserver/catalog.h"

/* Upstream's rate limiter: 5 ms, doubled at each failure, at most 1000 s. */
#define RETRY_FIRST_NS (5 * NS_PER_MS)
#define RETRY_MAX_NS (1000 * NS_PER_S)

/* ---- the queue ---- */

static void item_free(void *p)
{
    struct gc_item *i = p;
    free(i->key);
    free(i->uid);
    free(i);
}

void gc_queue(struct gc *g, enum gc_work work, const char *uid)
{
    AUTO(str) char *key = mem_printf("%s %s", work == GC_DELETE ? "delete" : "orphan", uid);
    struct gc_item *i = strmap_get(g->items, key);
    if (!i) {
        i = mem_zalloc(sizeof(*i));
        i->key = TAKE(key);
        i->uid = mem_strdup(uid);
        i->work = work;
        strmap_put(g->items, i->key, i);
    }
    i->due.waits = false;
    waitcell_signal(g->cell);
}

/* Puts a failed item back, unless somebody queued it again meanwhile. */
static void put_back(struct gc *g, struct gc_item *i, bool blocked)
{
    struct gc_item *again = strmap_get(g->items, i->key);
    assert(again != i); /* it was taken out to be worked on */
    if (again) {
        again->attempts = i->attempts + 1;
        again->due.at_ns =
            sched_now(g->sched) + due_delay(again->attempts, RETRY_FIRST_NS, RETRY_MAX_NS);
        item_free(i);
        return;
    }
    i->attempts++;
    i->due.at_ns = sched_now(g->sched) + due_delay(i->attempts, RETRY_FIRST_NS, RETRY_MAX_NS);
    i->due.waits = blocked;
    g->any_blocked |= blocked;
    strmap_put(g->items, i->key, i);
}

/* A refusal may be lifted by any change. */
static void unblock_all(struct gc *g)
{
    size_t at = 0;
    const char *key;
    void *value;
    while (strmap_each(g->items, &at, &key, &value))
        ((struct gc_item *)value)->due.waits = false;
    g->any_blocked = false;
    waitcell_signal(g->cell);
}

/* ---- the actor ---- */

static bool work_on(struct gc *g, struct gc_item *i)
{
    void *removed = strmap_remove(g->items, i->key);
    assert(removed == i);
    assert(!i->due.waits);
    int64_t seen = apiserver_revision(cluster_server(g->cluster));
    enum gc_verdict v =
        i->work == GC_DELETE ? gc_attempt_delete(g, i->uid) : gc_attempt_orphan(g, i->uid);
    switch (v) {
    case GC_DONE:
    case GC_CRASHED:
        item_free(i);
        break;
    case GC_RETRY:
        put_back(g, i, false);
        break;
    case GC_BLOCKED:
        /* What changed while it was being refused may have lifted the refusal. */
        put_back(g, i, seen == apiserver_revision(cluster_server(g->cluster)));
        break;
    }
    return v != GC_CRASHED;
}

static void run(void *arg)
{
    struct gc *g = arg;
    while (!sched_crashed(g->sched)) {
        int64_t at, sight = gc_sight_catch_up(g);
        struct gc_item *i = due_first(g->items, sched_now(g->sched), &at);
        if (i) {
            if (!work_on(g, i))
                return;
        } else if (waitcell_wait(g->cell, at < sight ? at : sight) == SCHED_CRASHED) {
            return;
        }
    }
}

static void observe(void *cookie, const struct store_change *change)
{
    struct gc *g = cookie;
    if (g->any_blocked)
        unblock_all(g);
    if (strcmp(change->plural, "events") == 0 && !*change->group)
        return;
    gc_sight_note(g, change);
}

static void take_in(struct gc *g, const struct apiserver *a)
{
    for (size_t i = 0; i < catalog_stored_count(a); i++) {
        struct catalog_stored t;
        if (!catalog_stored_at(a, i, &t))
            continue;
        AUTO(json) json_t *all = apiserver_peek_all(a, t.resource.group, t.resource.plural, NULL);
        for (size_t k = 0; k < json_array_size(all); k++) {
            const json_t *object = json_array_get(all, k);
            gc_note(g, EVENT_ADDED, meta_api_version(object), t.kind, object);
        }
    }
}

struct gc *gc_start(const struct kcm *k)
{
    struct cluster *c = k->cluster;
    struct gc *g = mem_zalloc(sizeof(*g));
    g->kcm = k;
    g->cluster = c;
    g->sched = k->sched;
    AUTO(str) char *name = mem_printf("%s/garbage-collector", cluster_name(c));
    g->cell = waitcell_create(g->sched, name);
    g->nodes = strmap_create();
    g->absent = strmap_create();
    g->told = strmap_create();
    g->items = strmap_create();
    take_in(g, cluster_server(c));
    apiserver_observe(cluster_server(c), observe, g);
    actor_spawn(cluster_process(c, "kube-controller-manager"), "garbage-collector", run, g);
    return g;
}

void gc_destroy(struct gc *g)
{
    if (!g)
        return;
    gc_sight_finish(g);
    gc_graph_finish(g);
    strmap_destroy(g->items, item_free);
    waitcell_destroy(g->cell);
    free(g);
}
