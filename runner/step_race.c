/* race: how it is written. What it does is in race.c. */
#include <string.h>

#include "base/mem.h"
#include "kube/names.h"
#include "runner/parse_priv.h"
#include "runner/race.h"
#include "runner/verb.h"

void race_def_destroy(struct race_def *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++) {
        free(r->names[i]);
        steps_finish(&r->steps[i]);
    }
    tmpl_destroy(r->between);
    free(r);
}
DEFINE_CLEANUP(struct race_def, race_def, race_def_destroy);

/* An order in which nothing interesting happens passes each time: so what must happen in one of
 * them stands beside. */
static bool check_sometimes(struct parser *p, const struct yaml_node *value)
{
    const struct yaml_node *spec = yaml_get(p->doc, yaml_node(p->doc, 0), "spec");
    const struct yaml_node *sometimes = yaml_get(p->doc, spec, "sometimes");

    if (p->unit->is_fixture) {
        diags_add(p->diags, DIAG_ERROR, value->key_pos, "a race belongs to a scenario");
        return false;
    }
    if (sometimes && sometimes->type == YAML_SEQ && sometimes->count > 0)
        return true;
    diags_add_hint(p->diags, DIAG_ERROR, value->key_pos,
                   "what must have been true in at least one of its interleavings",
                   "a race needs 'sometimes'");
    return false;
}

static bool holds_race(struct parser *p, const struct yaml_node *list)
{
    const struct yaml_node *n;

    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n)) {
        const struct yaml_node *race = n->type == YAML_MAP ? yaml_get(p->doc, n, "race") : NULL;

        if (!race)
            continue;
        diags_add(p->diags, DIAG_ERROR, race->key_pos, "race: a race inside a race");
        return true;
    }
    return false;
}

static bool parse_racer(struct parser *p, const struct yaml_node *list, const struct scope *scope,
                        struct race_def *r)
{
    if (name_check_dns1123_label(list->key)) {
        diags_add(p->diags, DIAG_ERROR, list->key_pos,
                  "race: '%s' cannot be a name: small letters, digits and '-' only", list->key);
        return false;
    }
    if (list->type != YAML_SEQ || list->count == 0) {
        diags_add(p->diags, DIAG_ERROR, list->pos, "race: '%s' must be a list of steps", list->key);
        return false;
    }
    if (r->count == RACERS_MAX) {
        diags_add(p->diags, DIAG_ERROR, list->key_pos, "race: more than %u lists", RACERS_MAX);
        return false;
    }
    r->names[r->count++] = mem_strdup(list->key);
    return !holds_race(p, list) && parse_steps(p, list, scope, &r->steps[r->count - 1]);
}

static bool parse_inside(struct parser *p, const struct yaml_node *n, struct race_def *r)
{
    if (n->type != YAML_BOOL) {
        diags_add(p->diags, DIAG_ERROR, n->pos, "race: 'inside' must be true or false");
        return false;
    }
    r->inside = n->value.boolean;
    return true;
}

static bool parse_between(struct parser *p, const struct yaml_node *n, const struct scope *scope,
                          struct race_def *r)
{
    static const struct shape_key keys[] = {{"between", SHAPE_DURATION, false},
                                            {NULL, SHAPE_ANY, false}};

    if (!shape_check_member(p->doc, n, keys, "race", p->diags))
        return false;
    r->between = tmpl_compile(p->doc, n, scope, p->diags);
    return r->between != NULL;
}

static bool parse_race(struct parser *p, const struct yaml_node *value, const struct scope *scope,
                       struct step *step)
{
    AUTO(race_def) struct race_def *r = mem_zalloc(sizeof *r);
    const struct yaml_node *n;
    bool ok = true;

    if (value->type != YAML_MAP) {
        diags_add(p->diags, DIAG_ERROR, value->pos,
                  "race must be a map of lists of steps, found a %s", yaml_type_name(value->type));
        return false;
    }
    for (n = yaml_first(p->doc, value); n; n = yaml_next(p->doc, n)) {
        if (strcmp(n->key, "inside") == 0)
            ok = parse_inside(p, n, r) && ok;
        else if (strcmp(n->key, "between") == 0)
            ok = parse_between(p, n, scope, r) && ok;
        else
            ok = parse_racer(p, n, scope, r) && ok;
    }
    if (ok && r->count < 2) {
        diags_add(p->diags, DIAG_ERROR, value->key_pos,
                  "race: at least two lists of steps are needed");
        return false;
    }
    if (!check_sometimes(p, value) || !ok)
        return false;
    step->race = TAKE(r);
    return true;
}

const struct verb verb_race = {
    .name = "race",
    .value = "`{NAME: [steps], NAME: [steps], ..., between: DURATION, inside: true|false}`",
    .says = "the lists run at the same time, in every order, see [Races](#races)",
    .takes = VERB_OWN,
    .waits = true,
    .parse = parse_race,
    .run = race_run,
};
