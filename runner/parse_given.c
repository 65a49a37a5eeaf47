/* The world before the first step. What an item takes, its constant tells (given.h). */
#include <string.h>

#include "base/mem.h"
#include "runner/given.h"

/* Fixtures may include fixtures, each several times: their number grows with powers. */
#define INCLUSIONS_MAX 256

static bool check_args(struct parser *p, const struct given_item *item,
                       const struct yaml_node *value)
{
    if (item->shape && !shape_check(p->doc, value, item->shape, item->name, p->diags))
        return false;
    return !item->check || item->check(p, value);
}

/* `cluster` is an item of its own, and a key beside others. */
static const struct given_item *given_of(struct parser *p, const struct yaml_node *node)
{
    int form;
    bool any = false;

    for (size_t i = 0; given_forms[i]; i++)
        any = any || yaml_get(p->doc, node, given_forms[i]);
    if (!any && yaml_get(p->doc, node, "cluster"))
        return &given_cluster;
    form = shape_one_of(p->doc, node, given_forms, "given", p->diags);
    return form < 0 ? NULL : given_items[form + 1];
}

/* A fixture's parameters must exist, and the required ones must be given. */
static bool check_params(struct parser *p, const struct unit *fixture, const struct yaml_node *node)
{
    const struct yaml_node *with = yaml_get(p->doc, node, "with"), *n;
    bool ok = true;

    if (with && shape_has_hole(with))
        return true; /* known when it runs; what it gives is checked there */
    for (n = with ? yaml_first(p->doc, with) : NULL; n; n = yaml_next(p->doc, n)) {
        AUTO(str) char *hint = NULL;
        size_t i = 0;

        while (i < fixture->var_count && strcmp(fixture->var_names[i], n->key) != 0)
            i++;
        if (i < fixture->var_count)
            continue;
        hint = err_suggestion(n->key, (const char *const *)fixture->var_names, fixture->var_count);
        diags_add_hint(p->diags, DIAG_ERROR, n->key_pos, hint, "fixture '%s' has no parameter '%s'",
                       fixture->name, n->key);
        ok = false;
    }
    for (size_t i = 0; i < fixture->var_count; i++) {
        if (fixture->var_values[i] || (with && yaml_get(p->doc, with, fixture->var_names[i])))
            continue;
        diags_add(p->diags, DIAG_ERROR, node->pos, "fixture '%s' needs the parameter '%s'",
                  fixture->name, fixture->var_names[i]);
        ok = false;
    }
    return ok;
}

static bool parse_given(struct parser *p, const struct yaml_node *node, struct given *g)
{
    const struct yaml_node *value;

    if (!given_check(p->doc, node, p->diags))
        return false;
    g->item = given_of(p, node);
    if (!g->item)
        return false;
    value = yaml_get(p->doc, node, g->item->name);
    g->pos = value->key_pos;
    if (!check_args(p, g->item, value))
        return false;
    if (g->item == &given_steps)
        return true; /* parsed later, when all fixtures and templates are known */
    if (g->item == &given_fixture) {
        g->fixture = library_fixture(p, value->text, value->pos);
        if (!g->fixture || !check_params(p, g->fixture, node))
            return false;
        p->unit->inclusions += 1 + g->fixture->inclusions;
        if (p->unit->inclusions > INCLUSIONS_MAX) {
            diags_add(p->diags, DIAG_ERROR, value->pos, "more than %d fixtures are included",
                      INCLUSIONS_MAX);
            return false;
        }
    }
    g->args = tmpl_compile(p->doc, value, p->unit->scope, p->diags);
    return g->args && parse_member(p, node, "with", p->unit->scope, &g->with) &&
           (g->item == &given_cluster ||
            parse_member(p, node, "cluster", p->unit->scope, &g->cluster));
}

static void given_finish(struct given *g)
{
    tmpl_destroy(g->args);
    tmpl_destroy(g->cluster);
    tmpl_destroy(g->with);
    steps_finish(&g->steps);
}

bool parse_givens(struct parser *p, const struct yaml_node *list)
{
    struct unit *u = p->unit;
    const struct yaml_node *n;
    bool ok = true;

    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n)) {
        struct given g = {.pos = n->pos};

        if (!parse_given(p, n, &g)) {
            given_finish(&g);
            ok = false;
            continue;
        }
        u->givens = mem_grow(u->givens, &u->given_cap, u->given_count + 1, sizeof *u->givens);
        u->givens[u->given_count++] = g;
    }
    return ok;
}

void givens_finish(struct unit *u)
{
    for (size_t i = 0; i < u->given_count; i++)
        given_finish(&u->givens[i]);
    free(u->givens);
}
