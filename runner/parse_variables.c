/* The names of a file's values: its matrix and its variables, or a fixture's parameters. */
#include <string.h>

#include "base/mem.h"
#include "runner/parse_priv.h"

#define MATRIX_CASES_MAX 10000

bool legal_variable(const char *name)
{
    if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || *name == '_'))
        return false;
    for (; *name; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || *name == '_' ||
              (*name >= '0' && *name <= '9')))
            return false;
    return true;
}

bool parse_variable_names(struct parser *p, const struct yaml_node *map, const struct scope *scope)
{
    const struct yaml_node *n;
    bool ok = true;

    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        int index = scope_find(scope, n->key);

        if (index >= SCOPE_FIRST) {
            diags_add(p->diags, DIAG_ERROR, n->key_pos, "the name '%s' is taken", n->key);
            ok = false;
        } else if (index >= 0 || !legal_variable(n->key)) {
            diags_add(
                p->diags, DIAG_ERROR, n->key_pos,
                "'%s' cannot be the name of a variable: letters, digits and '_' only, and not "
                "self, oldSelf or event",
                n->key);
            ok = false;
        }
    }
    return ok;
}

static bool parse_matrix(struct parser *p, const struct yaml_node *map)
{
    struct unit *u = p->unit;
    const struct yaml_node *n;
    size_t cases = 1;
    bool ok = parse_variable_names(p, map, u->scope);

    u->matrix = json_object();
    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        if (n->type != YAML_SEQ || n->count == 0) {
            diags_add(p->diags, DIAG_ERROR, n->pos, "matrix: '%s' must be a list that is not empty",
                      n->key);
            return false;
        }
        if (strcmp(n->key, "exclude") == 0) {
            u->exclude = yaml_to_json(p->doc, n);
            continue;
        }
        cases *= n->count;
        if (cases > MATRIX_CASES_MAX) {
            diags_add(p->diags, DIAG_ERROR, n->key_pos, "matrix: more than %d cases",
                      MATRIX_CASES_MAX);
            return false;
        }
        json_object_set_new(u->matrix, n->key, yaml_to_json(p->doc, n));
        scope_add(u->scope, n->key);
    }
    return ok;
}

static bool check_exclude(struct parser *p, const struct yaml_node *map)
{
    const struct yaml_node *list = yaml_get(p->doc, map, "exclude"), *n, *m;
    bool ok = true;

    for (n = list ? yaml_first(p->doc, list) : NULL; n; n = yaml_next(p->doc, n)) {
        if (n->type != YAML_MAP) {
            diags_add(p->diags, DIAG_ERROR, n->pos, "matrix: 'exclude' is a list of maps");
            ok = false;
            continue;
        }
        for (m = yaml_first(p->doc, n); m; m = yaml_next(p->doc, m)) {
            if (json_object_get(p->unit->matrix, m->key))
                continue;
            diags_add(p->diags, DIAG_ERROR, m->key_pos,
                      "matrix: 'exclude' names '%s', which the "
                      "matrix does not have",
                      m->key);
            ok = false;
        }
    }
    return ok;
}

/* Every case has a name of its own, and there is one. */
static bool check_cases(struct parser *p, const struct yaml_node *map)
{
    AUTO(json) json_t *cases = scenario_cases(p->unit);
    const struct yaml_node *n, *a, *b;

    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        if (strcmp(n->key, "exclude") == 0)
            continue;
        for (a = yaml_first(p->doc, n); a; a = yaml_next(p->doc, a)) {
            for (b = yaml_first(p->doc, n); b != a; b = yaml_next(p->doc, b)) {
                if (!a->text || !b->text || strcmp(a->text, b->text) != 0)
                    continue;
                diags_add(p->diags, DIAG_ERROR, a->pos, "matrix: '%s' has '%s' twice", n->key,
                          a->text);
                return false;
            }
        }
    }
    if (json_array_size(cases) > 0)
        return true;
    diags_add(p->diags, DIAG_ERROR, map->key_pos, "matrix: 'exclude' leaves no case");
    return false;
}

/* vars see the matrix and the vars above them; params see nothing but each other. */
static bool parse_vars(struct parser *p, const struct yaml_node *map)
{
    struct unit *u = p->unit;
    const struct yaml_node *n;

    if (!parse_variable_names(p, map, u->scope))
        return false;
    u->var_names = mem_zalloc((map->count + 1) * sizeof *u->var_names);
    u->var_values = mem_zalloc((map->count + 1) * sizeof *u->var_values);
    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n)) {
        struct tmpl *t = NULL;

        if (!(u->is_fixture && n->type == YAML_NULL)) {
            t = tmpl_compile(p->doc, n, u->scope, p->diags);
            if (!t)
                return false;
        }
        u->var_names[u->var_count] = mem_strdup(n->key);
        u->var_values[u->var_count++] = t;
        scope_add(u->scope, n->key);
    }
    return true;
}

bool parse_names(struct parser *p, const struct yaml_node *spec)
{
    const struct yaml_node *matrix = yaml_get(p->doc, spec, "matrix");
    const struct yaml_node *vars = yaml_get(p->doc, spec, p->unit->is_fixture ? "params" : "vars");
    bool ok = true;

    if (matrix)
        ok = parse_matrix(p, matrix) && check_exclude(p, matrix);
    if (vars)
        ok = parse_vars(p, vars) && ok;
    if (p->unit->scope->count > SCOPE_NAMES_MAX) {
        diags_add(p->diags, DIAG_ERROR, (vars ? vars : matrix)->key_pos, "more than %d variables",
                  SCOPE_NAMES_MAX - SCOPE_FIRST);
        return false;
    }
    return ok && (!matrix || check_cases(p, matrix));
}
