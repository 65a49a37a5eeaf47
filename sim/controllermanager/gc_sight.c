/* What the collector has been told so far. It hears of each change as it is committed, unless a
 * rule at the point `collector` says otherwise; changes of one kind keep their order. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/controllermanager/gc_priv.h"

/* How often a held change is looked at again. */
#define HELD_NS (100 * NS_PER_MS)

struct unseen {
    enum api_event_type type;
    char *kind;
    json_t *object;
    int64_t at_ns;
    const json_t *hold; /* the rule's action, or NULL */
};

static struct faults *faults_of(const struct gc *g)
{
    return world_faults(cluster_world(g->cluster));
}

static const json_t *rule_for(const struct gc *g, const struct store_change *change)
{
    const struct fault_attr attrs[] = {{"kind", change->kind},
                                       {"ns", change->ns},
                                       {"name", change->name},
                                       {"event", api_event_name(change->type)},
                                       {"cluster", cluster_name(g->cluster)}};
    return fault_hit(faults_of(g), "collector", attrs, ARRAY_LEN(attrs));
}

static bool waits(const struct gc *g, const char *kind)
{
    for (size_t i = 0; i < g->unseen_count; i++)
        if (strcmp(g->unseen[i].kind, kind) == 0)
            return true;
    return false;
}

void gc_sight_note(struct gc *g, const struct store_change *change)
{
    const json_t *rule = rule_for(g, change);
    if (json_is_true(json_object_get(rule, "drop")))
        return;
    if (!rule && (g->unseen_count == 0 || !waits(g, change->kind))) {
        gc_note(g, change->type, meta_api_version(change->object), change->kind, change->object);
        return;
    }
    int64_t lag = json_integer_value(json_object_get(rule, "lag"));
    g->unseen = mem_grow(g->unseen, &g->unseen_cap, g->unseen_count + 1, sizeof(*g->unseen));
    g->unseen[g->unseen_count++] =
        (struct unseen){.type = change->type,
                        .kind = mem_strdup(change->kind),
                        .object = json_incref(change->object),
                        .at_ns = sched_now(g->sched) + lag,
                        .hold = json_is_true(json_object_get(rule, "hold")) ? rule : NULL};
    waitcell_signal(g->cell);
}

static void unseen_finish(struct unseen *u)
{
    free(u->kind);
    json_decref(u->object);
}

/* Behind one of its kind that is not to be seen yet, nothing is. */
static bool is_due(const struct gc *g, size_t i)
{
    const struct unseen *u = &g->unseen[i];
    for (size_t k = 0; k < i; k++)
        if (strcmp(g->unseen[k].kind, u->kind) == 0)
            return false;
    return u->at_ns <= sched_now(g->sched) && !(u->hold && fault_in_force(faults_of(g), u->hold));
}

int64_t gc_sight_catch_up(struct gc *g)
{
    for (size_t i = 0; i < g->unseen_count;) {
        if (!is_due(g, i)) {
            i++;
            continue;
        }
        struct unseen u = g->unseen[i];
        memmove(&g->unseen[i], &g->unseen[i + 1], (--g->unseen_count - i) * sizeof(*g->unseen));
        gc_note(g, u.type, meta_api_version(u.object), u.kind, u.object);
        unseen_finish(&u);
        i = 0;
    }
    int64_t at = SCHED_NEVER;
    for (size_t i = 0; i < g->unseen_count; i++) {
        int64_t next = g->unseen[i].hold ? sched_now(g->sched) + HELD_NS : g->unseen[i].at_ns;
        at = next < at ? next : at;
    }
    return at;
}

void gc_sight_finish(struct gc *g)
{
    for (size_t i = 0; i < g->unseen_count; i++)
        unseen_finish(&g->unseen[i]);
    free(g->unseen);
}
