/* One case from an empty world to its verdict. */
#include "runner/case.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "kube/time.h"
#include "runner/casework.h"
#include "runner/external.h"
#include "runner/keep.h"
#include "runner/stage.h"
#include "runner/verb.h"

#define EVENTUALLY_WITHIN (600 * NS_PER_S)

struct eval case_eval(struct casework *cw, const struct frame *frame)
{
    return (struct eval){.cel = cw->cel, .frame = frame, .cookie = cw};
}

/* ---- the story ---- */

static int judge_eventually(struct casework *cw)
{
    for (size_t i = 0; i < cw->inclusion_count; i++) {
        const struct inclusion *in = cw->inclusions[i];

        for (size_t k = 0; k < in->unit->eventually.count; k++)
            if (wait_condition(cw, in->unit->eventually.items[k], in->frame, &verb_assert,
                               EVENTUALLY_WITHIN) < 0)
                return -1;
    }
    return 0;
}

static int run_finally(struct casework *cw, struct frame *frame)
{
    if (cw->unit->finally.count == 0)
        return 0;
    if (settle(cw, 30 * NS_PER_S, 3600 * NS_PER_S, cw->unit->finally.items[0].pos) < 0)
        return -1;
    return run_steps(cw, &cw->unit->finally, frame);
}

static int judge_turns(struct casework *cw)
{
    if (!cw->options->turns.text || cw->turns.count)
        return 0;
    return verdict(cw, RESULT_ERROR, "scenario", (struct src_pos){cw->unit->path, 1, 1}, NULL,
                   "--interleaving was given, and this case has no race");
}

static void tell_story(void *arg)
{
    struct casework *cw = arg;
    struct frame *frame;

    if (stage_world(cw) < 0 || external_wait(cw->external) < 0)
        return;
    frame = cw->inclusions[0]->frame;
    if (run_steps(cw, &cw->unit->steps, frame) < 0 || judge_eventually(cw) < 0 ||
        run_finally(cw, frame) < 0 || armed_judge(cw) < 0 || judge_turns(cw) < 0 ||
        laws_judge_kinds(cw) < 0 || laws_judge_sometimes(cw) < 0)
        return;
    story_ends(cw);
}

/* ---- set up and tear down ---- */

static void casework_start(struct casework *cw)
{
    struct world_config config = {
        .seed = cw->options->seed,
        .start_ns = cw->options->start_ns,
        .trace = cw->options->trace,
        .events_max = cw->options->events_max ? cw->options->events_max : CASE_EVENTS_MAX,
        .revision = cw->options->external ? cw->options->external->revision : 0,
        .dir = cw->options->dir,
        .can_mount = cw->options->can_mount,
    };

    cw->world = world_create(&config);
    turns_init(&cw->turns, &cw->options->turns);
    cw->cel = cel_context_create();
    cw->chains = strmap_create();
    cw->checked = strmap_create();
    history_init(&cw->history, world_now(cw->world));
    cw->last_write_ns = world_now(cw->world);
    cw->watch.cell = waitcell_create(world_sched(cw->world), "story");
    cw->resume = waitcell_create(world_sched(cw->world), "stage");
    cw->story = process_create(world_sched(cw->world), "scenario");
    install_hooks(cw);
    cw->external = external_create(cw);
}

static void take_checked(struct casework *cw)
{
    size_t i = 0, n = 0;
    const char *key;
    void *value;

    cw->result->checked = mem_zalloc((strmap_count(cw->checked) + 1) * sizeof *cw->result->checked);
    while (strmap_each(cw->checked, &i, &key, &value))
        cw->result->checked[n++] = mem_strdup(key);
}

/* A process that ended badly after the verdict, as one does whose leak check finds something, has
 * the last word. */
static void end_processes(struct casework *cw)
{
    struct result_case *r = cw->result;
    struct err e = {0};

    if (front_end(TAKE(cw->front), &e) == 0)
        return;
    r->status = RESULT_ERROR;
    free(r->error_type);
    free(r->headline);
    free(r->details);
    r->error_type = mem_strdup("component");
    r->headline = mem_printf("%s:%u:1: %s", r->file, r->line, e.msg);
    r->details = mem_strdup(e.hint);
    err_clear(&e);
}

static void casework_finish(struct casework *cw, struct case_outcome *ret)
{
    cw->over = true; /* unwinding judges nothing */
    process_crash(cw->story);
    waitcell_destroy(TAKE(cw->watch.cell));
    waitcell_destroy(TAKE(cw->resume));
    if (cw->options->trace && world_trace(cw->world)) {
        const struct strbuf *text = trace_text(world_trace(cw->world));

        strbuf_add(&ret->trace, strbuf_str(text), text->len);
    }
    external_destroy(cw->external);
    world_destroy(cw->world);
    end_processes(cw);
    for (size_t i = 0; i < cw->inclusion_count; i++) {
        frame_destroy(cw->inclusions[i]->frame);
        free(cw->inclusions[i]);
    }
    armed_finish(&cw->armed);
    active_laws_finish(&cw->laws);
    for (size_t i = 0; i < cw->component_count; i++) {
        free(cw->components[i]->name);
        json_decref(cw->components[i]->config);
        free(cw->components[i]);
    }
    free(cw->inclusions);
    free(cw->components);
    history_finish(&cw->history);
    reads_finish(&cw->reads);
    turns_finish(&cw->turns);
    free(cw->unknown_kind);
    strbuf_finish(&cw->notes);
    strmap_destroy(cw->chains, (void (*)(void *))chain_stage_destroy);
    strmap_destroy(cw->checked, free);
    cel_context_destroy(cw->cel);
}

static const char *stop_reason(enum sched_stop stop)
{
    return stop == SCHED_STOP_LIMIT ? "the limit of events was reached: something runs in circles"
                                    : "nothing is left to happen, and the story has not ended";
}

static void run_world(struct casework *cw, actor_fn *story)
{
    enum sched_stop stop;

    actor_spawn(cw->story, "story", story, cw);
    if (cw->external) {
        external_run(cw->external);
        return;
    }
    do
        stop = sched_run(world_sched(cw->world), SCHED_NEVER);
    while (stop == SCHED_STOP_ASKED && !cw->over && !cw->paused);
    if (!cw->over && !cw->paused)
        verdict(cw, RESULT_ERROR, "limit", cw->step ? cw->step->pos : NO_POS, NULL, "%s",
                stop_reason(stop));
}

/* Its folder, as the labels tell. New. */
static char *suite_of(const struct unit *u)
{
    const char *family = json_str(u->labels, "family"), *group = json_str(u->labels, "group");

    if (family && group)
        return mem_printf("%s/%s", family, group);
    return mem_strdup(family ? family : group ? group : "scenarios");
}

struct result_case *case_blank_result(const struct unit *u, const json_t *values,
                                      const struct replay *how)
{
    struct result_case *r = result_case_create();
    size_t n = json_array_size(u->requirements);

    r->name = scenario_case_name(u, values);
    r->file = mem_strdup(u->path);
    r->line = 1;
    r->seed = how->seed;
    r->engine = how->engine ? mem_strdup(how->engine) : NULL;
    r->requirements = mem_zalloc((n + 1) * sizeof *r->requirements);
    for (size_t i = 0; i < n; i++)
        r->requirements[i] = mem_strdup(json_string_value(json_array_get(u->requirements, i)));
    r->suite = suite_of(u);
    r->replay = case_replay(u, r->name, how);
    return r;
}

static struct result_case *blank_result(const struct unit *u, const json_t *values,
                                        const struct case_options *options)
{
    return case_blank_result(u, values,
                             &(struct replay){.seed = options->seed,
                                              .outside = options->sockets != NULL,
                                              .pods = options->pods});
}

/* The interleaving that broke something is part of its name. */
static void tell_turns(struct casework *cw, struct case_outcome *ret)
{
    struct turns *t = &cw->turns;

    if (t->count == 0)
        return;
    ret->interleaving = mem_strdup(turns_text(t));
    ret->turn_count = t->count;
    ret->turns = TAKE(t->items);
    ret->orders = t->orders;
    ret->uncounted = t->uncounted;
    ret->sometimes_count = cw->laws.sometimes_count;
    ret->sometimes = mem_zalloc((ret->sometimes_count + 1) * sizeof *ret->sometimes);
    for (size_t i = 0; i < ret->sometimes_count; i++)
        ret->sometimes[i] = cw->laws.sometimes[i].seen;
}

void run_case(const struct unit *u, const json_t *values, const struct case_options *options,
              struct case_outcome *ret)
{
    struct casework cw = {.unit = u, .values = values, .options = options};
    int64_t start = wall_monotonic_ns();

    *ret = (struct case_outcome){0};
    cw.result = ret->result = blank_result(u, values, options);
    if (options->external)
        external_replay(options->external, &cw.result->replay);
    casework_start(&cw);
    run_world(&cw, tell_story);
    assert(cw.over); /* by a verdict, or at the end of its story */
    laws_tell(&cw);
    take_checked(&cw);
    if (options->keep)
        keep_images(&cw);
    ret->result->virtual_ns = world_now(cw.world) - WORLD_START_NS;
    ret->crash_points = cw.crash_points;
    ret->swept = cw.swept;
    tell_turns(&cw, ret);
    casework_finish(&cw, ret);
    ret->result->wall_ns = wall_monotonic_ns() - start;
}

void case_outcome_finish(struct case_outcome *o)
{
    result_case_destroy(o->result);
    strbuf_finish(&o->trace);
    free(o->turns);
    free(o->interleaving);
    free(o->sometimes);
    *o = (struct case_outcome){0};
}

/* ---- a stage without a story ---- */

struct staged_case {
    struct casework work; /* first: what its story is given */
    struct case_outcome outcome;
    void (*done)(void *cookie, const struct result_case *result);
    void *cookie;
};
static_assert(offsetof(struct staged_case, work) == 0, "set_stage() has it from its story");

int stage_pause(struct casework *cw)
{
    struct actor *self = actor_self(world_sched(cw->world));

    /* A step that an event has set off does not hold up whoever made it. */
    assert(!cw->paused);
    if (cw->resumed || !cw->staging || !self || actor_process(self) != cw->story)
        return 0;
    cw->paused = true;
    sched_stop(world_sched(cw->world));
    while (cw->paused)
        if (waitcell_wait(cw->resume, SCHED_NEVER) != SCHED_OK)
            return -1;
    return cw->over ? -1 : 0;
}

static void set_stage(void *arg)
{
    struct casework *cw = arg;
    struct staged_case *s = arg;

    if (stage_world(cw) == 0) {
        cw->over = true;
        cw->result->status = RESULT_PASSED;
        sched_stop(world_sched(cw->world));
    }
    if (s->done && !sched_crashed(world_sched(cw->world)))
        s->done(s->cookie, cw->result);
}

struct staged_case *case_stage(const struct unit *u, const json_t *values,
                               const struct case_options *options, struct err *reterr)
{
    struct staged_case *s = mem_zalloc(sizeof *s);

    s->work = (struct casework){.unit = u, .values = values, .options = options};
    s->work.result = s->outcome.result = blank_result(u, values, options);
    casework_start(&s->work);
    run_world(&s->work, set_stage);
    if (s->work.paused || s->work.result->status == RESULT_PASSED)
        return s;
    err_set(reterr, ERR_INVALID, NO_POS, "the stage could not be set: %s",
            s->work.result->headline);
    staged_case_destroy(s);
    return NULL;
}

void staged_case_destroy(struct staged_case *s)
{
    if (!s)
        return;
    casework_finish(&s->work, &s->outcome);
    case_outcome_finish(&s->outcome);
    free(s);
}

struct world *staged_case_world(const struct staged_case *s)
{
    return s->work.world;
}

bool staged_case_is_paused(const struct staged_case *s)
{
    return s->work.paused;
}

void staged_case_go_on(struct staged_case *s,
                       void (*done)(void *cookie, const struct result_case *result), void *cookie)
{
    assert(s->work.paused && !s->work.resumed);
    s->done = done;
    s->cookie = cookie;
    s->work.paused = false;
    s->work.resumed = true;
    waitcell_signal(s->work.resume);
}
