/* See component_names.h. */
#include "runner/component_names.h"
#include "components/component.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "runner/given.h"
#include "runner/race.h"
#include "runner/verb.h"

#define NAMES_MAX 256
#define HINTS_MAX 4 /* names in a hint */

/* Of components, and the templates in which more of them may be. */
struct names {
    const char *items[NAMES_MAX];
    struct src_pos places[NAMES_MAX]; /* where the first of that name is started */
    size_t count;
    const struct template_def *templates[NAMES_MAX];
    size_t template_count;
    bool more; /* than are found here: from parameters and variables, or beyond the limits */
};

static void add_name(struct names *n, const struct tmpl *t)
{
    const char *name = tmpl_word(t);

    for (size_t i = 0; name && i < n->count; i++)
        if (strcmp(n->items[i], name) == 0)
            return;
    if (!name || n->count == NAMES_MAX) {
        n->more = true;
        return;
    }
    n->places[n->count] = tmpl_pos(t);
    n->items[n->count++] = name;
}

static void add_template(struct names *n, const struct template_def *t)
{
    for (size_t i = 0; i < n->template_count; i++)
        if (n->templates[i] == t)
            return;
    if (n->template_count < NAMES_MAX)
        n->templates[n->template_count++] = t;
    else
        n->more = true;
}

static void names_of_steps(struct names *n, const struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *s = &steps->items[i];
        const struct tmpl *start = s->verb == &verb_component ? tmpl_get(s->args, "start") : NULL;

        if (start)
            add_name(n, start);
        if (s->verb == &verb_use && s->use)
            add_template(n, s->use);
        for (size_t k = 0; s->race && k < s->race->count; k++)
            names_of_steps(n, &s->race->steps[k]);
    }
}

static void names_of_unit(struct names *n, const struct unit *u)
{
    for (size_t i = 0; i < u->given_count; i++) {
        const struct given *g = &u->givens[i];

        if (g->item == &given_component)
            add_name(n, g->args);
        names_of_steps(n, &g->steps);
        if (g->fixture)
            names_of_unit(n, g->fixture);
    }
    names_of_steps(n, &u->steps);
    names_of_steps(n, &u->finally);
}

static void names_of_collection(struct names *n, const struct collection *c)
{
    for (size_t i = 0; i < c->case_count; i++)
        names_of_unit(n, c->cases[i].unit);
    /* Templates use others: the list grows while it is walked. */
    for (size_t i = 0; i < n->template_count; i++)
        names_of_steps(n, &n->templates[i]->steps);
}

/* ---- a name of the command line ---- */

static int hint_at(const struct names *n, const char *near, struct err *reterr)
{
    AUTO(str) char *rest = NULL;
    AUTO(str) char *hint = NULL;
    size_t i = 0;

    while (n->items[i] != near)
        i++;
    rest = mem_printf(", which %s:%u starts", n->places[i].file, n->places[i].line);
    hint = err_did_you_mean(near, rest);
    return err_hint(reterr, "%s", hint);
}

static int hint_pod(const char *name, struct err *reterr)
{
    AUTO(str) char *hint = err_did_you_mean(name, ", the program of pods");

    return err_hint(reterr, "%s", hint);
}

static int hint_all(const struct names *n, struct err *reterr)
{
    AUTO(strbuf) struct strbuf text = {0};

    for (size_t i = 0; i < n->count && i < HINTS_MAX; i++)
        strbuf_addf(&text, "%s'%s' (%s:%u)", i ? ", " : "", n->items[i], n->places[i].file,
                    n->places[i].line);
    return n->count == 0 ? err_hint(reterr, "no component is started at all")
                         : err_hint(reterr, "started are %s%s", strbuf_str(&text),
                                    n->count > HINTS_MAX ? " and others" : "");
}

int component_names_check(const struct collection *c, const char *text, struct err *reterr)
{
    struct names names = {.count = 0};
    AUTO(str) char *name = mem_strndup(text, strcspn(text, "="));
    const char *near;

    names_of_collection(&names, c);
    if (names.more)
        return 0;
    for (size_t i = 0; i < names.count; i++)
        if (strcmp(names.items[i], name) == 0)
            return 0;
    err_set(reterr, ERR_NOT_FOUND, NO_POS,
            "--implementation: no selected case starts a component called '%s'", name);
    near = err_nearest(name, names.items, names.count);
    if (near)
        return hint_at(&names, near, reterr);
    near = component_nearest(name);
    return near && component_find(near)->kind == COMPONENT_POD ? hint_pod(near, reterr)
                                                               : hint_all(&names, reterr);
}
