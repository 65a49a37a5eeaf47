/* The hooks of a case: after every change the laws are judged and what the story waits for is
 * looked at; armed steps fire inside the request or change that they were armed for; the crash
 * sweep counts and crashes here. */
#include <string.h>

#include "base/glob.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "runner/casework.h"

static const char scenario_process[] = "scenario";

/* ---- selecting ---- */

static bool text_fits(struct casework *cw, const struct tmpl *t, const struct frame *f,
                      const char *text)
{
    struct eval e = case_eval(cw, f);
    AUTO(str) char *pattern = NULL;

    if (!t)
        return true;
    pattern = tmpl_text(t, &e, NULL);
    return pattern && glob_match(pattern, text ? text : "");
}

struct happening {
    const char *type; /* "ADDED" or "create" */
    const char *kind, *ns, *name, *cluster, *subresource, *by;
};

/* `name` of a selector may be "NS/NAME". */
static bool name_fits(struct casework *cw, const struct selector_on *s, const struct frame *f,
                      const struct happening *h)
{
    AUTO(str) char *full = NULL;

    if (!s->name || text_fits(cw, s->name, f, h->name))
        return true;
    full = mem_printf("%s/%s", h->ns ? h->ns : "", h->name ? h->name : "");
    return text_fits(cw, s->name, f, full);
}

static bool selector_fits(struct casework *cw, const struct selector_on *s, const struct frame *f,
                          const struct happening *h)
{
    return text_fits(cw, s->type, f, h->type) && text_fits(cw, s->kind, f, h->kind) &&
           text_fits(cw, s->ns, f, h->ns) && text_fits(cw, s->cluster, f, h->cluster) &&
           text_fits(cw, s->subresource, f, h->subresource) && text_fits(cw, s->by, f, h->by) &&
           name_fits(cw, s, f, h);
}

/* ---- laws ---- */

/* The version of the object that the acting process last received: what its decision can rest on.
 */
static json_t *last_read(const struct casework *cw, struct cluster *c,
                         const struct store_change *change, const char *by)
{
    uint64_t version = reads_version(&cw->reads, by, cluster_name(c), change->kind, change->ns,
                                     change->name, NULL);
    AUTO(str) char *text = version ? mem_printf("%llu", (unsigned long long)version) : NULL;

    return json_string(text ? text : "");
}

static void put_text(json_t *event, const char *key, const char *text)
{
    json_object_set_new_nocheck(event, key, json_string(text ? text : ""));
}

static json_t *event_json(struct casework *cw, struct cluster *c, const struct store_change *change,
                          const char *by, int64_t now)
{
    json_t *event = json_object();
    char time[TIME_TEXT];

    time_format(now, time);
    put_text(event, "type", api_event_name(change->type));
    put_text(event, "kind", change->kind);
    put_text(event, "namespace", change->ns);
    put_text(event, "name", change->name);
    put_text(event, "cluster", cluster_name(c));
    put_text(event, "by", by);
    put_text(event, "user", change->user);
    put_text(event, "verb", change->request ? api_verb_name(change->request->verb) : "");
    put_text(event, "subresource",
             change->request && change->request->subresource ? change->request->subresource : "");
    put_text(event, "time", time);
    json_object_set_new(event, "lastRead", last_read(cw, c, change, by));
    return event;
}

void bind_event(struct frame *f, json_t *self, json_t *old, json_t *event)
{
    frame_set_take(f, SCOPE_SELF, json_incref(self));
    frame_set_take(f, SCOPE_OLD_SELF, json_incref(old));
    frame_set_take(f, SCOPE_EVENT, json_incref(event));
}

static void law_broken(struct casework *cw, const struct law *law, const struct happening *h,
                       const char *why)
{
    AUTO(strbuf) struct strbuf detail = {0};

    strbuf_addf(&detail, "  broken by %s: %s %s %s%s%s (cluster %s)\n",
                *h->by ? h->by : "the server", h->type, h->kind, h->ns ? h->ns : "",
                h->ns && *h->ns ? "/" : "", h->name, h->cluster);
    if (law->that)
        strbuf_addf(&detail, "  %s%s\n", cel_program_text(law->that),
                    why          ? ""
                    : law->never ? " is true"
                                 : " is false");
    cw->about = (struct subject){h->cluster, h->kind, h->ns, h->name, h->by};
    if (why && *why)
        strbuf_addf(&detail, "%s", why);
    strbuf_addstr(&detail, strbuf_str(&cw->notes));
    verdict(cw, RESULT_FAILED, NULL, law->pos, strbuf_str(&detail), "%s: %s",
            law->never ? "this happened, though it never must" : "this law was broken", law->name);
    cw->about = (struct subject){0};
}

static void judge_law(struct casework *cw, struct active_law *a, const struct happening *h)
{
    struct eval e = case_eval(cw, a->in->frame);
    AUTO(err) struct err err = {0};
    AUTO(str) char *why = NULL;
    bool value = true;

    if (a->law->on && !selector_fits(cw, a->law->on, a->in->frame, h))
        return;
    if (a->law->on && a->law->on->that) {
        if (eval_bool(&e, a->law->on->that, &value, &err) < 0) {
            a->upon_errors++; /* said beside the law's name in the report */
            return;
        }
        if (!value)
            return;
    }
    a->evaluated++;
    strbuf_reset(&cw->notes);
    if (a->law->that && eval_bool(&e, a->law->that, &value, &err) < 0) {
        /* What cannot be evaluated is no proof that a promise holds, and none that a forbidden
         * thing happened. */
        if (a->law->never)
            return;
        why = mem_printf("  %s\n", err.msg);
        value = false;
    }
    if (value == a->law->never)
        law_broken(cw, a->law, h, why);
}

static void look_at_watchpoint(struct casework *cw)
{
    struct watchpoint *w = &cw->watch;

    if (!w->active || w->happened || cw->over)
        return;
    if (condition_true(cw, w->condition, w->frame, NULL)) {
        w->happened = true;
        waitcell_signal(w->cell);
    }
}

static void look_at_sometimes(struct casework *cw)
{
    for (size_t i = 0; i < cw->sometimes_count; i++) {
        struct sometimes_state *s = &cw->sometimes[i];

        if (!s->seen)
            s->seen = condition_true(cw, s->condition, s->in->frame, NULL);
    }
}

/* ---- armed steps ---- */

static bool armed_is_due(struct casework *cw, struct armed *a, const struct happening *h,
                         bool is_request, int moment)
{
    const struct selector_on *s = a->step->upon;
    struct eval e = case_eval(cw, a->frame);
    AUTO(err) struct err err = {0};
    bool value = true;

    if (a->fired || s->is_request != is_request || (is_request && a->moment != moment) ||
        !selector_fits(cw, s, a->frame, h))
        return false;
    if (s->that && eval_bool(&e, s->that, &value, &err) < 0) {
        free(a->error); /* told when the step never fires */
        a->error = mem_strdup(err.msg);
        return false;
    }
    if (!value)
        return false;
    return a->seen++ >= a->skip;
}

static void fire_armed(struct casework *cw, const struct happening *h, bool is_request, int moment,
                       json_t *self, json_t *old, json_t *event)
{
    for (size_t i = 0; i < cw->armed_count && !cw->over; i++) {
        struct armed *a = cw->armed[i];

        if (a->fired)
            continue;
        bind_event(a->frame, self, old, event);
        if (armed_is_due(cw, a, h, is_request, moment)) {
            a->fired = true;
            run_verb(cw, a->step, a->frame);
        }
        bind_event(a->frame, NULL, NULL, NULL);
    }
}

/* A change is told while the server is still at it: nobody may write then. What is armed for it
 * runs as soon as the server is done, before the one who caused the change learns of it. */
static void queue_armed(struct casework *cw, const struct happening *h, json_t *self, json_t *old,
                        json_t *event)
{
    for (size_t i = 0; i < cw->armed_count; i++) {
        struct armed *a = cw->armed[i];

        if (a->fired || a->step->upon->is_request)
            continue;
        bind_event(a->frame, self, old, event);
        if (!armed_is_due(cw, a, h, false, 0)) {
            bind_event(a->frame, NULL, NULL, NULL);
            continue;
        }
        a->fired = true;
        cw->due = mem_grow(cw->due, &cw->due_cap, cw->due_count + 1, sizeof *cw->due);
        cw->due[cw->due_count++] = a;
    }
}

void run_due(struct casework *cw)
{
    if (cw->running_due)
        return;
    cw->running_due = true;
    for (size_t i = 0; i < cw->due_count && !cw->over; i++) {
        struct armed *a = cw->due[i];

        run_verb(cw, a->step, a->frame);
        bind_event(a->frame, NULL, NULL, NULL);
    }
    cw->due_count = 0;
    cw->running_due = false;
}

/* ---- hooks ---- */

static const char *acting_process(struct casework *cw)
{
    struct actor *a = actor_self(world_sched(cw->world));

    return a ? process_name(actor_process(a)) : "";
}

static void bind_all(struct casework *cw, json_t *self, json_t *old, json_t *event)
{
    for (size_t i = 0; i < cw->inclusion_count; i++)
        bind_event(cw->inclusions[i]->frame, self, old, event);
}

static void on_change(void *cookie, struct cluster *c, const struct store_change *change)
{
    struct casework *cw = cookie;
    const char *by = cw->writing ? scenario_process : acting_process(cw);
    int64_t now = world_now(cw->world);
    AUTO(json) json_t *event = NULL;
    struct happening h = {api_event_name(change->type),
                          change->kind,
                          change->ns,
                          change->name,
                          cluster_name(c),
                          change->request ? change->request->subresource : NULL,
                          by};

    cw->last_write_ns = now;
    history_add_change(&cw->history, now, c, change, by);
    if (cw->over)
        return;
    event = event_json(cw, c, change, by, now);
    bind_all(cw, change->object, change->old, event);
    for (size_t i = 0; i < cw->law_count && !cw->over; i++)
        judge_law(cw, &cw->laws[i], &h);
    look_at_sometimes(cw);
    bind_all(cw, NULL, NULL, NULL);
    look_at_watchpoint(cw);
    if (cw->armed_count)
        queue_armed(cw, &h, change->object, change->old, event);
}

/* `event` of a request, for `upon.that`. New. */
static json_t *request_event(struct casework *cw, const struct request_info *info,
                             const struct happening *h)
{
    char time[TIME_TEXT];

    time_format(world_now(cw->world), time);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "verb", h->type, "kind",
                     h->kind, "namespace", h->ns ? h->ns : "", "name", h->name, "cluster",
                     h->cluster, "by", h->by, "user",
                     info->request->user ? info->request->user : "", "subresource",
                     h->subresource ? h->subresource : "", "time", time);
}

/* `self` of a request: what is sent by a create or update, else the object as it is. */
static json_t *request_self(const struct request_info *info)
{
    const struct api_request *req = info->request;

    if (req->verb == API_CREATE || req->verb == API_UPDATE)
        return (json_t *)req->body;
    if (!req->name)
        return NULL;
    return apiserver_peek(cluster_server(info->cluster), req->resource.group, req->resource.plural,
                          req->ns, req->name);
}

static bool is_write(enum api_verb verb)
{
    return verb == API_CREATE || verb == API_UPDATE || verb == API_PATCH || verb == API_DELETE ||
           verb == API_DELETE_COLLECTION;
}

#define SWEEP_RESTART (1 * NS_PER_S)

/* One place where a crash may fall: a write of a component under test. */
static void crash_point(struct casework *cw, int moment, const char *by)
{
    struct running_component *component = component_of_process(cw, by);

    /* A step that was armed for this very request may have stopped it. */
    if (!component || cw->over || !component->wanted || process_crashed(component->process))
        return;
    if (moment == REQUEST_BEFORE)
        cw->crash_points++;
    if (cw->options->crash_point && (uint64_t)cw->options->crash_point == cw->crash_points &&
        cw->options->crash_moment == moment)
        component_crash(cw, component->name, SWEEP_RESTART, NO_POS);
}

static void on_request(void *cookie, enum request_moment moment, const struct request_info *info)
{
    struct casework *cw = cookie;
    const struct api_request *req = info->request;
    struct happening h = {api_verb_name(req->verb),
                          info->kind,
                          req->ns,
                          req->name ? req->name : json_str_or_empty(req->body, "metadata.name"),
                          cluster_name(info->cluster),
                          req->subresource,
                          info->by};

    if (moment == REQUEST_AFTER && info->response && api_ok(info->response))
        reads_note(&cw->reads, info->by, h.cluster, info->kind, info->response->body,
                   world_now(cw->world));
    if (moment == REQUEST_COMMITTED)
        history_add_request(&cw->history, world_now(cw->world), info);
    if (cw->over)
        return;
    if (moment == REQUEST_COMMITTED && cw->due_count)
        run_due(cw);
    if (!cw->in_hook && cw->armed_count) {
        AUTO(json) json_t *event = request_event(cw, info, &h);

        cw->in_hook = true;
        fire_armed(cw, &h, true, (int)moment, request_self(info), NULL, event);
        cw->in_hook = false;
    }
    if (moment == REQUEST_COMMITTED)
        look_at_watchpoint(cw);
    if (is_write(req->verb))
        crash_point(cw, (int)moment, info->by);
}

static void on_effect(void *cookie, enum request_moment moment, const struct effect_info *info)
{
    struct casework *cw = cookie;

    if (cw->over)
        return;
    if (moment == REQUEST_COMMITTED)
        look_at_watchpoint(cw);
    if (strcmp(info->kind, "program") != 0)
        crash_point(cw, (int)moment, info->by);
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
}
