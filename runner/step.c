/* The story: steps in order, templates. What is armed is in armed.c, the verbs themselves are in
 * step_api.c, step_world.c and condition.c. */
#include <string.h>

#include "runner/casework.h"

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
    return r;
}

int run_verb(struct casework *cw, const struct step *step, struct frame *frame)
{
    switch (step->verb) {
    case VERB_APPLY:
    case VERB_CREATE:
    case VERB_PATCH:
    case VERB_DELETE:
        return step_api(cw, step, frame);
    case VERB_COMPONENT:
    case VERB_CRASH:
    case VERB_GUEST:
    case VERB_MARK:
    case VERB_FAULT:
    case VERB_LINK:
    case VERB_LIMIT:
    case VERB_CLOCK:
    case VERB_SETTLE:
        return step_world(cw, step, frame);
    case VERB_WAIT:
    case VERB_ASSERT:
    case VERB_ERROR:
        return step_wait(cw, step, frame);
    case VERB_USE:
        return run_use(cw, step, frame);
    case VERB_RACE:
    case VERB_CALL:
    case VERB_COUNT:
        break;
    }
    return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL, "'%s' is not yet supported",
                   verb_names[step->verb]);
}

static int run_step(struct casework *cw, const struct step *step, struct frame *frame)
{
    struct trace *trace = world_trace(cw->world);

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
        trace_str(trace, "verb", verb_names[step->verb]);
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
