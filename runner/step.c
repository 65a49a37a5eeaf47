/* The story: steps in order, templates. What is armed is in armed.c, what a step does is its verb's
 * (verb.h). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/race.h"
#include "runner/saved.h"
#include "runner/verb.h"

#define USE_DEPTH_MAX 16
#define STEPS_MAX 100000

static int bind_param(struct casework *cw, const struct template_def *t, size_t i,
                      const struct step *step, const struct frame *caller, struct frame *inner)
{
    const struct tmpl *given = step->with ? tmpl_get(step->with, t->params[i]) : NULL;
    struct eval outer = case_eval(cw, given ? caller : inner);
    const struct tmpl *value = given ? given : t->defaults[i];
    struct err err = {0};
    json_t *v;

    if (!value)
        return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                       "template '%s' needs the parameter '%s'", t->name, t->params[i]);
    v = tmpl_eval(value, &outer, &err);
    if (!v)
        return verdict_error(cw, "scenario", tmpl_pos(value), &err);
    frame_set_take(inner, scope_find(t->scope, t->params[i]), v);
    return 0;
}

/* The file that defines the template, as it is included: a fixture's own parameters, or the
 * scenario's names. NULL after a verdict: which of several inclusions is meant, nobody can tell. */
static struct inclusion *home_of(struct casework *cw, const struct step *step)
{
    const struct unit *u = step->use->unit;
    struct inclusion *found = NULL;

    if (cw->home->unit == u)
        return cw->home;
    for (size_t i = 0; i < cw->inclusion_count; i++) {
        if (cw->inclusions[i]->unit != u)
            continue;
        if (found && u->var_count) {
            verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                    "template '%s' belongs to fixture '%s', which is included more than once "
                    "with parameters of its own",
                    step->use_name, u->name);
            return NULL;
        }
        found = cw->inclusions[i];
    }
    if (!found)
        verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                "template '%s' belongs to fixture '%s', which is not included yet", step->use_name,
                u->name);
    return found;
}

static int run_use(struct casework *cw, const struct step *step, struct frame *frame)
{
    const struct template_def *t = step->use;
    struct inclusion *home = home_of(cw, step), *before = cw->home;
    AUTO(frame) struct frame *inner = home ? frame_create(t->scope, home->frame) : NULL;
    int r;

    if (!home)
        return -1;
    if (cw->use_depth >= USE_DEPTH_MAX)
        return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                       "templates use each other more than %d deep", USE_DEPTH_MAX);
    for (size_t i = 0; t->params[i]; i++)
        if (bind_param(cw, t, i, step, frame, inner) < 0)
            return -1;
    if (cw->use_depth++ == 0)
        cw->use = step;
    cw->home = home;
    r = run_steps(cw, &t->steps, inner);
    cw->home = before;
    if (--cw->use_depth == 0)
        cw->use = NULL;
    saved_refresh(cw, step, frame);
    return r;
}

/* Whatever a `${...}` gave: from here on every member has its type. */
int step_check_args(const struct step *step, const json_t *args, struct err *reterr)
{
    const struct verb *v = step->verb;

    if (v->takes == VERB_TEXT || (v->takes == VERB_TEXT_OR_MAP && !json_is_object(args)))
        return shape_check_type(args, SHAPE_TEXT, v->name, tmpl_pos(step->args), reterr);
    if (shape_check_value(args, step->args, v->shape, reterr) < 0)
        return -1;
    for (const struct shape_note *n = v->shape->notes; n && n->key; n++) {
        const json_t *inner = n->of ? json_object_get(args, n->key) : NULL;
        const struct tmpl *t = inner ? tmpl_get(step->args, n->key) : NULL;

        if (inner && shape_check_value(inner, t ? t : step->args, n->of, reterr) < 0)
            return -1;
    }
    return 0;
}

static int run_act(struct casework *cw, const struct step *step, const struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    AUTO(json) json_t *args = tmpl_eval(step->args, &e, &err);

    if (!args || step_check_args(step, args, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    return step->verb->act(cw, step, &e, args);
}

int run_verb(struct casework *cw, const struct step *step, struct frame *frame)
{
    return step->verb->run ? step->verb->run(cw, step, frame) : run_act(cw, step, frame);
}

static int run_step(struct casework *cw, const struct step *step, struct frame *frame)
{
    struct trace *trace = world_trace(cw->world);

    if (cw->race && race_before_step(cw, step) < 0)
        return -1;
    if (step->when) {
        struct eval e = case_eval(cw, frame);
        struct err err = {0};
        bool value = false;

        if (eval_bool(&e, step->when, &value, &err) < 0)
            return verdict_error(cw, "scenario", cel_program_pos(step->when), &err);
        if (!value)
            return 0;
    }
    if (trace_on(trace)) {
        trace_begin(trace, world_now(cw->world), "step");
        trace_str(trace, "verb", step->verb->name);
        trace_str(trace, "name", step->name);
        trace_int(trace, "line", step->pos.line);
        trace_end(trace);
    }
    if (step->upon)
        return armed_add(cw, step, frame);
    return run_verb(cw, step, frame);
}

int run_steps(struct casework *cw, const struct steps *steps, struct frame *frame)
{
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *before = cw->step;
        int r;

        cw->step = &steps->items[i];
        if (++cw->steps_run > STEPS_MAX)
            return verdict(cw, RESULT_ERROR, "limit", cw->step->pos, NULL,
                           "more than %d steps were run", STEPS_MAX);
        r = run_step(cw, &steps->items[i], frame);
        cw->step = before;
        if (r < 0 || cw->over)
            return -1;
    }
    return 0;
}

/* ---- the verbs that belong to the story itself ---- */

const struct verb verb_use = {
    .name = "use",
    .value = "NAME, with `with: {...}` beside it",
    .says = "runs a template",
    .takes = VERB_TEXT,
    .unarmed = true,
    .run = run_use,
};
