#include "runner/armed.h"

#include <assert.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/casework.h"

/* ---- arming ---- */

/* A hole of `upon` must give what could have stood there. */
static int armed_value(struct casework *cw, const struct tmpl *t, const struct frame *frame,
                       const char *key, bool (*fits)(const json_t *), const char *wanted,
                       json_t **ret)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};

    *ret = tmpl_eval(t, &e, &err);
    if (!*ret)
        return verdict_error(cw, "scenario", tmpl_pos(t), &err);
    if (fits(*ret))
        return 0;
    return verdict(cw, RESULT_ERROR, "scenario", tmpl_pos(t), NULL, "upon: '%s' must be %s", key,
                   wanted);
}

static bool is_moment(const json_t *v)
{
    enum request_moment moment;

    return json_is_string(v) && moment_find(json_string_value(v), &moment);
}

static bool is_count(const json_t *v)
{
    return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool is_bool(const json_t *v)
{
    return json_is_boolean(v);
}

static int fill_armed(struct casework *cw, struct armed *a, const struct frame *frame)
{
    const struct selector_on *on = a->step->upon;
    AUTO(json) json_t *at = NULL;
    AUTO(json) json_t *skip = NULL;
    AUTO(json) json_t *optional = NULL;

    if ((on->at && armed_value(cw, on->at, frame, "at", is_moment,
                               "'before', 'committed' or 'after'", &at) < 0) ||
        (on->skip_given && armed_value(cw, on->skip_given, frame, "skip", is_count,
                                       "an integer of at least 0", &skip) < 0) ||
        (on->optional_given && armed_value(cw, on->optional_given, frame, "optional", is_bool,
                                           "true or false", &optional) < 0))
        return -1;
    a->moment = on->moment;
    if (at)
        moment_find(json_string_value(at), &a->moment);
    a->skip = skip ? (uint64_t)json_integer_value(skip) : on->skip;
    a->optional = optional ? json_is_true(optional) : on->optional;
    return 0;
}

int armed_add(struct casework *cw, const struct step *step, const struct frame *frame)
{
    struct armed_steps *all = &cw->armed;
    struct armed *a = mem_zalloc(sizeof *a);

    assert(step->upon);

    a->step = step;
    a->frame = frame_create(frame->scope, frame);
    all->items = mem_grow(all->items, &all->cap, all->count + 1, sizeof *all->items);
    all->items[all->count++] = a;
    return fill_armed(cw, a, frame);
}

void armed_finish(struct armed_steps *all)
{
    for (size_t i = 0; i < all->count; i++) {
        frame_destroy(all->items[i]->frame);
        free(all->items[i]->error);
        free(all->items[i]);
    }
    free(all->items);
    free(all->due);
}

/* ---- the moment ---- */

static bool armed_is_due(struct casework *cw, struct armed *a, const struct happening *h,
                         bool is_request, enum request_moment moment)
{
    const struct selector_on *s = a->step->upon;
    struct eval e = case_eval(cw, a->frame);
    AUTO(err) struct err err = {0};
    bool value = true;

    if (a->fired || s->is_request != is_request || s->is_call != h->is_call ||
        (is_request && a->moment != moment) || !happening_fits(cw, s, a->frame, h))
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

void armed_fire(struct casework *cw, const struct happening *h, enum request_moment moment,
                json_t *self, json_t *event)
{
    for (size_t i = 0; i < cw->armed.count && !cw->over; i++) {
        struct armed *a = cw->armed.items[i];

        if (a->fired)
            continue;
        bind_event(a->frame, self, NULL, event);
        if (armed_is_due(cw, a, h, true, moment)) {
            a->fired = true;
            run_verb(cw, a->step, a->frame);
        }
        bind_event(a->frame, NULL, NULL, NULL);
    }
}

void armed_queue(struct casework *cw, const struct happening *h, json_t *self, json_t *old,
                 json_t *event)
{
    for (size_t i = 0; i < cw->armed.count; i++) {
        struct armed *a = cw->armed.items[i];

        if (a->fired || a->step->upon->is_request)
            continue;
        bind_event(a->frame, self, old, event);
        if (!armed_is_due(cw, a, h, false, REQUEST_COMMITTED)) {
            bind_event(a->frame, NULL, NULL, NULL);
            continue;
        }
        a->fired = true;
        cw->armed.due = mem_grow(cw->armed.due, &cw->armed.due_cap, cw->armed.due_count + 1,
                                 sizeof *cw->armed.due);
        cw->armed.due[cw->armed.due_count++] = a;
    }
}

void armed_run_due(struct casework *cw)
{
    assert(cw->armed.due_count <= cw->armed.count);
    if (cw->armed.running_due)
        return;
    cw->armed.running_due = true;
    for (size_t i = 0; i < cw->armed.due_count && !cw->over; i++) {
        struct armed *a = cw->armed.due[i];

        run_verb(cw, a->step, a->frame);
        bind_event(a->frame, NULL, NULL, NULL);
    }
    cw->armed.due_count = 0;
    cw->armed.running_due = false;
}

/* ---- at the end ---- */

/* A crash of the sweep may fall on the very request that a step waits for: then the run without a
 * crash is the one that tells. */
int armed_judge(struct casework *cw)
{
    if (cw->options->crash_point)
        return 0;
    for (size_t i = 0; i < cw->armed.count; i++) {
        const struct armed *a = cw->armed.items[i];

        if (!a->fired && !a->optional)
            return verdict(cw, RESULT_ERROR, "stage", a->step->upon->pos, NULL,
                           "what this step is armed for never happened (%llu matched, %llu are "
                           "skipped%s%s)",
                           (unsigned long long)a->seen, (unsigned long long)a->skip,
                           a->error ? "; 'that' could not be evaluated: " : "",
                           a->error ? a->error : "");
    }
    return 0;
}
