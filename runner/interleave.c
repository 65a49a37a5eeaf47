/* See interleave.h. */
#include "runner/interleave.h"

#include <string.h>

#include "base/mem.h"
#include "base/plural.h"
#include "base/strmap.h"
#include "runner/orders.h"

#define IN_VAIN_MAX 50u

struct campaign {
    const struct case_options *base;
    interleave_run_fn *run;
    void *cookie;
    struct case_outcome *outcome; /* of the last run */
    struct strmap *seen;          /* orders that were run */
    struct orders *known;         /* the same, for those that are drawn */
    uint64_t orders;              /* there are, judged by the first run; saturates */
    bool uncounted;               /* there are fewer, nobody knows how many */
    bool *sometimes;              /* was true in one of them */
    size_t sometimes_count;
    int64_t wall_ns;
};

static bool passed(const struct campaign *c)
{
    return c->outcome->result->status == RESULT_PASSED;
}

/* ---- one run ---- */

static void note_run(struct campaign *c)
{
    const struct case_outcome *o = c->outcome;

    c->uncounted = c->uncounted || o->uncounted;
    if (!strmap_get(c->seen, o->interleaving))
        strmap_put(c->seen, o->interleaving, c);
    orders_add(c->known, o->turns, o->turn_count);
    c->wall_ns += o->result->wall_ns;
    for (size_t i = 0; i < o->sometimes_count && i < c->sometimes_count; i++)
        c->sometimes[i] = c->sometimes[i] || o->sometimes[i];
}

static void run_with(struct campaign *c, const struct turn_plan *plan, bool last)
{
    struct case_options options = *c->base;
    struct case_outcome next;

    options.turns = *plan;
    options.sometimes = last ? c->sometimes : NULL;
    c->run(c->cookie, &options, &next);
    case_outcome_finish(c->outcome);
    *c->outcome = next;
    note_run(c);
}

/* ---- which ---- */

/* Each order once, by where the last choice could have been another one. false: more than are run.
 */
static bool run_all(struct campaign *c)
{
    while (passed(c)) {
        size_t count = c->outcome->turn_count;
        AUTO(turn_list) struct turn *turns = TAKE(c->outcome->turns);

        count = turns_next(turns, count);
        if (count == 0)
            return true;
        if (strmap_count(c->seen) >= INTERLEAVINGS_MAX)
            return false;
        run_with(c, &(struct turn_plan){.begin = turns, .begin_count = count}, false);
    }
    return true;
}

static bool wants_more(const struct campaign *c, unsigned in_vain)
{
    return passed(c) && in_vain < IN_VAIN_MAX && strmap_count(c->seen) < INTERLEAVINGS_MAX;
}

/* By chance, the same for each seed. Where many tries in a row met no new order, there are hardly
 * more. A try that comes to an order that was run is none the less one, and would end as that did:
 * only the last of all is run, since the result tells of it. */
static void run_sample(struct campaign *c)
{
    unsigned in_vain = 0;

    for (uint64_t n = 1; wants_more(c, in_vain); n++) {
        AUTO(str) char *label = mem_printf("interleaving %llu", (unsigned long long)n);
        struct turn_plan plan = {.random = true, .seed = prng_hash(c->base->seed, label)};
        size_t before = strmap_count(c->seen);

        if (!orders_know(c->known, &plan) || in_vain + 1 == IN_VAIN_MAX)
            run_with(c, &plan, false);
        in_vain = strmap_count(c->seen) > before ? 0 : in_vain + 1;
    }
}

/* ---- what is told ---- */

static bool all_sometimes(const struct campaign *c)
{
    for (size_t i = 0; i < c->sometimes_count; i++)
        if (!c->sometimes[i])
            return false;
    return true;
}

static void add_checked(struct result_case *r, char *text_take)
{
    size_t n = 0;

    while (r->checked && r->checked[n])
        n++;
    r->checked = mem_reallocarray(r->checked, n + 2, sizeof *r->checked);
    r->checked[n] = text_take;
    r->checked[n + 1] = NULL;
}

static char *scope_of(const struct campaign *c, bool all)
{
    size_t n = strmap_count(c->seen);
    const char *what = plural(n, "interleaving", "interleavings");

    if (!all && c->uncounted)
        return mem_printf("race: %zu %s, sampled", n, what);
    if (all)
        return mem_printf("race: all %zu %s", n, what);
    if (c->orders == UINT64_MAX)
        return mem_printf("race: %zu %s of more than can be counted, sampled", n, what);
    if (c->orders <= n)
        return mem_printf("race: the first %zu %s; there are more", n, what);
    return mem_printf("race: %zu of %llu interleavings, sampled", n, (unsigned long long)c->orders);
}

void interleave_tell_one(struct case_outcome *o)
{
    if (o->result->status == RESULT_PASSED)
        add_checked(o->result, mem_printf("race: one interleaving, %s", o->interleaving));
}

void interleave(const struct case_options *base, interleave_run_fn *run, void *cookie,
                struct case_outcome *first)
{
    struct campaign c = {
        .base = base, .run = run, .cookie = cookie, .outcome = first, .orders = first->orders};
    bool all = false;

    c.seen = strmap_create();
    c.known = orders_create();
    c.sometimes_count = first->sometimes_count;
    c.sometimes = mem_zalloc((c.sometimes_count + 1) * sizeof *c.sometimes);
    note_run(&c);
    if (c.orders <= INTERLEAVINGS_MAX)
        all = run_all(&c);
    else
        run_sample(&c);
    if (passed(&c) && !all_sometimes(&c))
        run_with(&c, &(struct turn_plan){0}, true); /* which has the words for it */
    if (passed(&c) || c.outcome->result->status == RESULT_VACUOUS)
        add_checked(c.outcome->result, scope_of(&c, all));
    c.outcome->result->wall_ns = c.wall_ns;
    strmap_destroy(c.seen, NULL);
    orders_destroy(c.known);
    free(c.sometimes);
}
