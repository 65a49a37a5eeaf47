/* The world before the first step. One row per item in given_shapes. */
#include <string.h>

#include "base/mem.h"
#include "runner/parse_priv.h"
#include "runner/shapes.h"

/* Fixtures may include fixtures, each several times: their number grows with powers. */
#define INCLUSIONS_MAX 256

static const char *const given_names[GIVEN_COUNT + 1] = {
    "cluster", "kubevirt",  "storage",  "provisioner", "objects", "withoutFields",
    "chain",   "component", "duration", "fixture",     "steps",   NULL,
};

static bool check_each(struct parser *p, const struct yaml_node *map, const char *key,
                       const struct shape_key *keys, const char *what)
{
    const struct yaml_node *list = yaml_get(p->doc, map, key), *n;
    bool ok = true;

    if (!list || shape_has_hole(list))
        return true; /* known when it runs; what it gives is checked there */
    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n))
        ok = shape_check(p->doc, n, keys, what, p->diags) && ok;
    return ok;
}

static bool check_chain(struct parser *p, const struct yaml_node *map)
{
    const struct yaml_node *n;
    const struct yaml_node *repeat = yaml_get(p->doc, map, "repeat");
    const struct yaml_node *damage = yaml_get(p->doc, map, "damage");
    bool ok = shape_check(p->doc, map, shape_chain.keys, "chain", p->diags);

    if (!ok)
        return false;
    ok = check_each(p, map, "disks", shape_disk.keys, "disk");
    ok = check_each(p, map, "checkpoints", shape_checkpoint.keys, "checkpoint") && ok;
    for (n = yaml_first(p->doc, yaml_get(p->doc, map, "checkpoints")); n && ok;
         n = yaml_next(p->doc, n)) {
        ok = check_each(p, n, "write", shape_extent.keys, "write") && ok;
        ok = check_each(p, n, "discard", shape_extent.keys, "discard") && ok;
    }
    if (repeat && !shape_has_hole(repeat))
        ok = shape_check(p->doc, repeat, shape_repeat.keys, "repeat", p->diags) && ok;
    if (damage && shape_has_hole(damage))
        damage = NULL;
    for (n = damage ? yaml_first(p->doc, damage) : NULL; n; n = yaml_next(p->doc, n))
        ok = shape_check(p->doc, n, shape_damage.keys, "damage", p->diags) &&
             shape_one_of(p->doc, n, shape_damage.one_of, "damage", p->diags) >= 0 && ok;
    return ok;
}

static bool check_args(struct parser *p, enum given_kind kind, const struct yaml_node *value)
{
    switch (kind) {
    case GIVEN_PROVISIONER:
        return shape_check(p->doc, value, shape_provisioner.keys, "provisioner", p->diags);
    case GIVEN_WITHOUT_FIELDS:
        return shape_check(p->doc, value, shape_without_fields.keys, "withoutFields", p->diags);
    case GIVEN_DURATION:
        return shape_check(p->doc, value, shape_duration.keys, "duration", p->diags);
    case GIVEN_CHAIN:
        return check_chain(p, value);
    case GIVEN_CLUSTER:
    case GIVEN_KUBEVIRT:
    case GIVEN_STORAGE:
    case GIVEN_OBJECTS:
    case GIVEN_COMPONENT:
    case GIVEN_FIXTURE:
    case GIVEN_STEPS:
    case GIVEN_COUNT:
        break;
    }
    return true;
}

/* `cluster` is an item of its own, and a key beside others. */
static int given_of(struct parser *p, const struct yaml_node *node)
{
    static const char *const others[] = {"kubevirt",      "storage", "provisioner", "objects",
                                         "withoutFields", "chain",   "component",   "duration",
                                         "fixture",       "steps",   NULL};
    int other;
    bool any = false;

    for (size_t i = 0; others[i]; i++)
        any = any || yaml_get(p->doc, node, others[i]);
    if (!any && yaml_get(p->doc, node, "cluster"))
        return GIVEN_CLUSTER;
    other = shape_one_of(p->doc, node, others, "given", p->diags);
    return other < 0 ? -1 : other + 1;
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
    int kind;

    if (!shape_check(p->doc, node, shape_given.keys, "given", p->diags))
        return false;
    kind = given_of(p, node);
    if (kind < 0)
        return false;
    g->kind = (enum given_kind)kind;
    value = yaml_get(p->doc, node, given_names[kind]);
    g->pos = value->key_pos;
    if (!check_args(p, g->kind, value))
        return false;
    if (g->kind == GIVEN_STEPS)
        return true; /* parsed later, when all fixtures and templates are known */
    if (g->kind == GIVEN_FIXTURE) {
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
           (g->kind == GIVEN_CLUSTER ||
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
