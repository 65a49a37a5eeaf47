/* What a case hangs on its world: every change is judged by the laws, what the story waits for is
 * looked at, armed steps fire in their moment, and the crash sweep counts and crashes here. */
#include <string.h>

#include "base/json.h"
#include "kube/time.h"
#include "runner/calls.h"
#include "runner/casework.h"
#include "runner/race.h"

static const char scenario_process[] = "scenario";

void look_at_watchpoint(struct casework *cw)
{
    struct watchpoint *w = &cw->watch;

    if (!w->active || w->happened || cw->over)
        return;
    if (condition_true(cw, w->condition, w->frame, NULL)) {
        w->happened = true;
        waitcell_signal(w->cell);
    }
}

static void bind_all(struct casework *cw, json_t *self, json_t *old, json_t *event)
{
    for (size_t i = 0; i < cw->inclusion_count; i++)
        bind_event(cw->inclusions[i]->frame, self, old, event);
}

static void on_change(void *cookie, struct cluster *c, const struct store_change *change)
{
    struct casework *cw = cookie;
    const char *by = cw->writing ? scenario_process : world_acting(cw->world);
    enum owner_kind owner = cw->writing ? OWNER_OUTSIDE : world_acting_owner(cw->world)->kind;
    int64_t now = world_now(cw->world);
    AUTO(json) json_t *event = NULL;
    struct happening h = happening_of_change(c, change, by);

    cw->last_write_ns = now;
    history_add_change(&cw->history, now, c, change, by, owner);
    if (cw->over)
        return;
    event = happening_change_json(cw, c, change, by);
    bind_all(cw, change->object, change->old, event);
    laws_judge(cw, &h);
    bind_all(cw, NULL, NULL, NULL);
    look_at_watchpoint(cw);
    if (cw->armed.count)
        armed_queue(cw, &h, change->object, change->old, event);
}

static bool is_write(enum api_verb verb)
{
    return verb == API_CREATE || verb == API_UPDATE || verb == API_PATCH || verb == API_DELETE ||
           verb == API_DELETE_COLLECTION;
}

#define SWEEP_RESTART (1 * NS_PER_S)

/* Others make theirs before it is through: what comes of this one, the same actor tells. */
static void next_crash_point(struct casework *cw, const struct actor *self)
{
    cw->crash_points++;
    if (cw->options->crash_point && (uint64_t)cw->options->crash_point == cw->crash_points)
        cw->crash_actor = self;
    else if (cw->crash_actor == self)
        cw->crash_actor = NULL;
}

/* The process of a pod's program, when that is what acts. */
static struct process *acting_pod(const struct actor *self)
{
    struct process *p = self ? actor_process(self) : NULL;
    const struct process_owner *owner = p ? process_owner(p) : NULL;

    return owner && owner->kind == OWNER_POD && !process_crashed(p) ? p : NULL;
}

static bool is_crash_moment(struct casework *cw, enum request_moment moment,
                            const struct actor *self)
{
    if (moment == REQUEST_BEFORE)
        next_crash_point(cw, self);
    if (self != cw->crash_actor || cw->options->crash_moment != moment)
        return false;
    cw->crash_actor = NULL; /* once */
    return true;
}

void crash_point(struct casework *cw, enum request_moment moment, const char *by, const char *what)
{
    struct running_component *component = component_of_process(cw, by);
    const struct actor *self = actor_self(world_sched(cw->world));
    struct process *pod = component ? NULL : acting_pod(self);

    /* A step that was armed for this very request may have stopped it. */
    if (cw->over || (cw->options->crash_files && strncmp(what, "file-", 5) != 0) ||
        (component ? !component->wanted || process_crashed(component->process) : !pod) ||
        !is_crash_moment(cw, moment, self))
        return;
    cw->swept = what;
    if (component) {
        component_crash(cw, component->name, SWEEP_RESTART, NO_POS);
        return;
    }
    process_crash(pod);
    cw->pod_crashed = true;
}

/* What is armed acts inside the request; what that does is no moment of its own. */
static void fire(struct casework *cw, enum request_moment moment, const struct happening *h,
                 const struct request_info *info)
{
    AUTO(json) json_t *event = happening_request_json(cw, info);

    cw->in_hook = true;
    armed_fire(cw, h, moment, happening_request_self(info), event);
    cw->in_hook = false;
}

static void on_request(void *cookie, enum request_moment moment, const struct request_info *info)
{
    struct casework *cw = cookie;
    struct happening h = happening_of_request(info);

    if (cw->race && moment == REQUEST_BEFORE)
        race_before_work(cw);
    if (moment == REQUEST_AFTER && info->response && api_ok(info->response))
        reads_note(&cw->reads, info->by, h.cluster, info->kind, info->response->body,
                   world_now(cw->world));
    if (moment == REQUEST_COMMITTED)
        history_add_request(&cw->history, world_now(cw->world), info);
    if (cw->over)
        return;
    if (moment == REQUEST_COMMITTED && cw->armed.due_count)
        armed_run_due(cw);
    if (!cw->in_hook && cw->armed.count)
        fire(cw, moment, &h, info);
    if (moment == REQUEST_COMMITTED)
        look_at_watchpoint(cw);
    if (is_write(info->request->verb))
        crash_point(cw, moment, info->by, api_verb_name(info->request->verb));
}

static void on_effect(void *cookie, enum request_moment moment, const struct effect_info *info)
{
    struct casework *cw = cookie;

    if (cw->race && moment == REQUEST_BEFORE)
        race_before_work(cw);
    if (cw->over)
        return;
    if (moment == REQUEST_COMMITTED)
        look_at_watchpoint(cw);
    crash_point(cw, moment, info->by, effect_name(info->kind));
}

static void on_delivery(void *cookie, struct cluster *c, const char *by, const char *kind,
                        const json_t *object)
{
    struct casework *cw = cookie;

    reads_note(&cw->reads, by, cluster_name(c), kind, object, world_now(cw->world));
}

void install_hooks(struct casework *cw)
{
    world_on_delivery(cw->world, on_delivery, cw);
    world_on_change(cw->world, on_change, cw);
    world_on_request(cw->world, on_request, cw);
    world_on_effect(cw->world, on_effect, cw);
    calls_install(cw);
}
