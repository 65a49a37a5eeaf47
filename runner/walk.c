/* See walk.h. Recursion follows fixtures, which scenario.c keeps from including themselves. */
#include "runner/walk.h"

#include <string.h>

#include "base/mem.h"
#include "runner/race.h"

/* ---- what a name stands for ---- */

#define NAMES_DEEP 16 /* of names that stand for names */

static bool is_parameter(const struct template_def *t, const char *name)
{
    for (size_t i = 0; t && t->params[i]; i++)
        if (strcmp(t->params[i], name) == 0)
            return true;
    return false;
}

static size_t variable_find(const struct unit *u, const char *name)
{
    size_t i = 0;

    while (i < u->var_count && strcmp(u->var_names[i], name) != 0)
        i++;
    return i;
}

/* *at moves to where the value is written. */
static const struct tmpl *named_value(struct place *at, const char *name)
{
    size_t i = variable_find(at->unit, name);
    const struct tmpl *given;
    struct said with;

    if (is_parameter(at->in, name) || i == at->unit->var_count)
        return NULL; /* another for each use, or for each case */
    at->in = NULL;
    if (!at->outer || !at->given->with)
        return at->unit->var_values[i];
    with = said_at(at->outer, at->given->with);
    if (!with.t || !tmpl_is_map(with.t))
        return NULL;
    given = tmpl_get(with.t, name);
    if (!given)
        return at->unit->var_values[i];
    *at = with.at;
    return given;
}

struct said said_at(const struct place *at, const struct tmpl *t)
{
    struct said s = {*at, t};

    for (unsigned i = 0; s.t && i < NAMES_DEEP; i++) {
        const struct cel_program *p = tmpl_alone(s.t);

        if (p)
            s.t = named_value(&s.at, cel_program_text(p));
        else if (tmpl_fixed(s.t) || tmpl_at(s.t, 0, NULL, NULL))
            return s;
        else
            break; /* a text with holes in it */
    }
    return (struct said){*at, NULL};
}

struct said said_member(const struct said *s, const char *key)
{
    return said_at(&s->at, s->t ? tmpl_get(s->t, key) : NULL);
}

struct said said_item(const struct said *s, size_t i)
{
    return said_at(&s->at, s->t ? tmpl_at(s->t, i, NULL, NULL) : NULL);
}

const char *said_word(const struct said *s)
{
    return tmpl_word(s->t);
}

/* ---- everything ---- */

static void visit(const struct walker *w, const struct tmpl *t)
{
    if (t && w->expressions)
        tmpl_visit(t, w->expressions);
}

static void visit_program(const struct walker *w, const struct cel_program *p)
{
    if (p && w->expressions)
        cel_program_visit(p, w->expressions);
}

static void walk_selector(const struct place *at, const struct selector_on *s,
                          const struct walker *w)
{
    const struct tmpl *const members[] = {s->type,       s->kind,          s->name, s->ns,
                                          s->cluster,    s->subresource,   s->by,   s->at,
                                          s->skip_given, s->optional_given};

    if (w->selector)
        w->selector(w->cookie, at, s);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        visit(w, members[i]);
    visit_program(w, s->that);
}

static void walk_condition(const struct place *at, const struct condition *c,
                           const struct walker *w)
{
    if (w->condition)
        w->condition(w->cookie, at, c);
    visit_program(w, c->that);
    visit(w, c->spec);
}

static void walk_steps(const struct place *at, const struct steps *steps, const struct walker *w)
{
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *s = &steps->items[i];
        const struct tmpl *const members[] = {s->cluster, s->as,      s->args,
                                              s->with,    s->refused, s->warned};

        if (w->step)
            w->step(w->cookie, at, s);
        visit_program(w, s->when);
        for (size_t k = 0; k < ARRAY_LEN(members); k++)
            visit(w, members[k]);
        if (s->condition)
            walk_condition(at, s->condition, w);
        if (s->upon)
            walk_selector(at, s->upon, w);
        if (s->race)
            visit(w, s->race->between);
        for (size_t k = 0; s->race && k < s->race->count; k++)
            walk_steps(at, &s->race->steps[k], w); /* which hold no race */
    }
}

static void walk_templates(const struct place *at, const struct walker *w)
{
    size_t i = 0;
    const char *name;
    void *value;

    while (strmap_each(at->unit->templates, &i, &name, &value)) {
        const struct template_def *t = value;
        struct place inside = *at;

        inside.in = t;
        for (size_t k = 0; t->params[k]; k++)
            visit(w, t->defaults[k]);
        walk_steps(&inside, &t->steps, w);
    }
}

static void walk_laws(const struct place *at, const struct walker *w)
{
    const struct unit *u = at->unit;

    for (size_t i = 0; i < u->laws.count; i++) {
        const struct law *l = &u->laws.items[i];

        if (w->law)
            w->law(w->cookie, at, l);
        if (l->on)
            walk_selector(at, l->on, w);
        visit_program(w, l->that);
    }
    for (size_t i = 0; i < u->eventually.count; i++)
        walk_condition(at, u->eventually.items[i], w);
    for (size_t i = 0; i < u->sometimes.count; i++)
        walk_condition(at, u->sometimes.items[i], w);
}

static void walk_unit(const struct place *at, const struct walker *w);

static void walk_given(const struct place *at, const struct given *g, const struct walker *w)
{
    if (w->given)
        w->given(w->cookie, at, g);
    visit(w, g->args);
    visit(w, g->cluster);
    visit(w, g->with);
    walk_steps(at, &g->steps, w);
    if (g->fixture) {
        const struct place inside = {.unit = g->fixture, .outer = at, .given = g};

        walk_unit(&inside, w);
    }
}

static void walk_unit(const struct place *at, const struct walker *w)
{
    const struct unit *u = at->unit;

    for (size_t i = 0; i < u->var_count; i++)
        visit(w, u->var_values[i]);
    for (size_t i = 0; i < u->given_count; i++)
        walk_given(at, &u->givens[i], w);
    walk_templates(at, w);
    walk_steps(at, &u->steps, w);
    walk_steps(at, &u->finally, w);
    walk_laws(at, w);
}

void walk_scenario(const struct unit *u, const struct walker *w)
{
    const struct place at = {.unit = u};

    walk_unit(&at, w);
}
