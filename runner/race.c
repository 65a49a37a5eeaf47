/* See race.h. */
#include "runner/race.h"

#include <string.h>

#include "base/mem.h"
#include "kube/time.h"
#include "runner/services.h"
#include "runner/verb.h"

/* Who has the turn and makes no move for so long (it waits for a lock that another one holds, say)
 * lets the others have theirs. */
#define RACE_PATIENCE (1 * NS_PER_S)

/* What a story has of its own: it is another list's while that one runs. */
struct bookmark {
    const struct step *step, *use;
    struct inclusion *home;
    unsigned use_depth;
};

struct racer {
    struct race_run *race;
    const struct steps *steps;
    struct actor *actor;
    struct waitcell *cell;
    bool ready, granted, ended;
    bool fresh;   /* has the turn, and has not used it */
    bool patient; /* runs a step that waits: nobody hurries it */
    size_t turns;
};

struct race_run {
    struct casework *cw;
    const struct race_def *def;
    struct frame *frame;
    struct racer racers[RACERS_MAX];
    struct bookmark start;
    struct racer *current;  /* has the turn */
    struct waitcell *moved; /* somebody is ready, or has ended */
    unsigned refs;
};

static struct bookmark bookmark_of(const struct casework *cw)
{
    return (struct bookmark){cw->step, cw->use, cw->home, cw->use_depth};
}

static void go_to(struct casework *cw, struct bookmark p)
{
    cw->step = p.step;
    cw->use = p.use;
    cw->home = p.home;
    cw->use_depth = p.use_depth;
}

static void race_release(struct race_run *r)
{
    if (--r->refs > 0)
        return;
    for (size_t i = 0; i < r->def->count; i++)
        waitcell_destroy(r->racers[i].cell);
    waitcell_destroy(r->moved);
    free(r);
}

/* ---- on the racer's side ---- */

static void give_up_turn(struct racer *me)
{
    struct race_run *r = me->race;

    if (r->current == me)
        r->current = NULL;
    waitcell_signal(r->moved);
}

/* Waits for the turn. -1: crashed, or the case is over. */
static int take_turn(struct racer *me)
{
    struct casework *cw = me->race->cw;
    struct bookmark place = bookmark_of(cw);
    int result = 0;

    me->ready = true;
    give_up_turn(me);
    while (!me->granted && result == 0)
        if (waitcell_wait(me->cell, SCHED_NEVER) != SCHED_OK)
            result = -1;
    me->ready = me->granted = false;
    go_to(cw, place);
    return result == 0 && !cw->over ? 0 : -1;
}

static void run_racer(void *arg)
{
    struct racer *me = arg;
    struct race_run *r = me->race;

    me->actor = actor_self(world_sched(r->cw->world));
    go_to(r->cw, r->start);
    if (take_turn(me) == 0) {
        me->fresh = true;
        run_steps(r->cw, me->steps, r->frame);
    }
    me->ended = true;
    give_up_turn(me);
    race_release(r);
}

static struct racer *running_racer(struct casework *cw)
{
    const struct actor *self = actor_self(world_sched(cw->world));

    for (size_t i = 0; cw->race && self && i < cw->race->def->count; i++)
        if (cw->race->racers[i].actor == self && !cw->race->racers[i].ended)
            return &cw->race->racers[i];
    return NULL;
}

/* What only looks, or is for later, goes with the request before it. */
static bool begins_turn(const struct step *step)
{
    return step->verb != &verb_use && step->verb != &verb_mark && !step->upon &&
           step->verb->takes != VERB_CONDITION;
}

int race_before_step(struct casework *cw, const struct step *step)
{
    struct racer *me = running_racer(cw);

    if (!me)
        return 0;
    me->patient = step->verb->waits;
    if (!begins_turn(step))
        return 0;
    if (me->fresh) {
        me->fresh = false;
        return 0;
    }
    return take_turn(me);
}

void race_before_work(struct casework *cw)
{
    struct race_run *r = cw->race;
    unsigned mark = r && r->def->inside ? services_acting_for(services_of(cw->world)) : 0;

    if (mark && mark <= r->def->count && !r->racers[mark - 1].ready && !cw->over)
        take_turn(&r->racers[mark - 1]);
}

unsigned race_mark(void *cookie)
{
    struct casework *cw = cookie;
    const struct racer *me = running_racer(cw);

    return me ? (unsigned)(me - cw->race->racers) + 1 : 0;
}

/* ---- on the story's side ---- */

static unsigned ready_ones(const struct race_run *r, bool *ret_all)
{
    unsigned ready = 0;

    *ret_all = true;
    for (size_t i = 0; i < r->def->count; i++) {
        if (r->racers[i].ready && !r->racers[i].granted)
            ready |= 1u << i;
        else if (!r->racers[i].ended)
            *ret_all = false;
    }
    return ready;
}

/* Until whoever has the turn is through with it, or cannot go on without the others. *ret: those
 * who can have it; 0: all have ended. */
static int wait_for_racers(struct race_run *r, unsigned *ret)
{
    struct sched *s = world_sched(r->cw->world);
    bool all, hurry;
    enum sched_result got;

    while ((*ret = ready_ones(r, &all)), !all) {
        hurry = *ret && r->def->inside && !(r->current && r->current->patient);
        got = waitcell_wait(r->moved, hurry ? sched_now(s) + RACE_PATIENCE : SCHED_NEVER);
        if (got == SCHED_TIMEOUT && (*ret = ready_ones(r, &all))) {
            r->cw->turns.uncounted = true;
            return 0;
        }
        if (got == SCHED_CRASHED || r->cw->over)
            return -1;
    }
    return 0;
}

static int let_world_go_on(struct race_run *r, int64_t ns)
{
    if (ns > 0 && sched_sleep(world_sched(r->cw->world), ns) != SCHED_OK)
        return -1;
    return r->cw->over ? -1 : 0;
}

static int no_such_turn(struct race_run *r, const struct step *step)
{
    const struct turns *t = &r->cw->turns;

    if (t->count == TURNS_MAX)
        return verdict(r->cw, RESULT_ERROR, "limit", step->pos, NULL, "more than %u turns",
                       TURNS_MAX);
    return verdict(
        r->cw, RESULT_ERROR, "scenario", step->pos, NULL,
        "--interleaving '%s' does not fit: after '%s', none whose turn it can be is named",
        t->plan.text, turns_text(t));
}

static int conduct(struct race_run *r, const struct step *step, int64_t between_ns)
{
    struct turns *t = &r->cw->turns;
    unsigned ready;
    int who;

    for (bool first = true;; first = false) {
        if (wait_for_racers(r, &ready) < 0)
            return -1;
        if (!ready)
            return 0;
        if (!first && let_world_go_on(r, between_ns) < 0)
            return -1;
        who = turns_choose(t, ready, (const char *const *)r->def->names);
        if (who < 0)
            return no_such_turn(r, step);
        r->current = &r->racers[who];
        r->current->turns++;
        r->current->granted = true;
        waitcell_signal(r->current->cell);
    }
}

static struct race_run *begin(struct casework *cw, const struct race_def *def, struct frame *frame)
{
    struct race_run *r = mem_zalloc(sizeof *r);

    r->cw = cw;
    r->def = def;
    r->frame = frame;
    r->start = bookmark_of(cw);
    r->moved = waitcell_create(world_sched(cw->world), "race");
    r->refs = 1 + (unsigned)def->count;
    cw->race = r;
    for (size_t i = 0; i < def->count; i++) {
        r->racers[i] = (struct racer){.race = r, .steps = &def->steps[i]};
        r->racers[i].cell = waitcell_create(world_sched(cw->world), def->names[i]);
        actor_spawn(cw->story, def->names[i], run_racer, &r->racers[i]);
    }
    return r;
}

static void count_turns(struct race_run *r)
{
    size_t each[RACERS_MAX];

    for (size_t i = 0; i < r->def->count; i++)
        each[i] = r->racers[i].turns;
    turns_count_race(&r->cw->turns, each, r->def->count);
}

int race_run(struct casework *cw, const struct step *step, struct frame *frame)
{
    struct eval e = case_eval(cw, frame);
    struct err err = {0};
    struct race_run *r;
    int64_t between = 0;
    int result;

    if (cw->race)
        return verdict(cw, RESULT_ERROR, "scenario", step->pos, NULL,
                       "a race inside a race: who waits for whom, nobody could tell");
    if (step->race->between && tmpl_duration(step->race->between, &e, &between, &err) < 0)
        return verdict_error(cw, "scenario", step->pos, &err);
    r = begin(cw, step->race, frame);
    result = conduct(r, step, between);
    count_turns(r);
    cw->race = NULL;
    go_to(cw, r->start);
    race_release(r);
    return result;
}
