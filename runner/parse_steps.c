/* Steps and templates. What a verb takes, its constant tells (verb.h). */
#include <string.h>

#include "base/mem.h"
#include "runner/parse_priv.h"
#include "runner/race.h"
#include "runner/verb.h"

static bool manifest_shaped(struct parser *p, const struct yaml_node *n)
{
    static const char *const needed[] = {"apiVersion", "kind", "metadata"};

    if (shape_has_hole(n))
        return true; /* known when it runs; what it gives is checked there */
    if (n->type != YAML_MAP) {
        diags_add(p->diags, DIAG_ERROR, n->pos, "a manifest must be a map, found a %s",
                  yaml_type_name(n->type));
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (!yaml_get(p->doc, n, needed[i])) {
            diags_add(p->diags, DIAG_ERROR, n->pos, "manifest: '%s' is missing", needed[i]);
            return false;
        }
    }
    return true;
}

static bool manifests_shaped(struct parser *p, const struct yaml_node *value)
{
    const struct yaml_node *n;
    bool ok = true;

    if (value->type != YAML_SEQ)
        return manifest_shaped(p, value);
    for (n = yaml_first(p->doc, value); n; n = yaml_next(p->doc, n))
        ok = manifest_shaped(p, n) && ok;
    return ok;
}

/* Members that are maps themselves. */
static bool check_inner(struct parser *p, const struct yaml_node *value, const struct shape *shape)
{
    bool ok = true;

    for (const struct shape_note *note = shape->notes; note && note->key; note++) {
        const struct yaml_node *n = note->of ? yaml_get(p->doc, value, note->key) : NULL;

        ok = (!n || shape_check(p->doc, n, note->of, note->key, p->diags)) && ok;
    }
    return ok;
}

static bool check_value(struct parser *p, const struct verb *v, const struct yaml_node *value)
{
    if (v->takes == VERB_MANIFESTS)
        return manifests_shaped(p, value);
    if ((v->takes == VERB_TEXT || v->takes == VERB_TEXT_OR_MAP) && value->type == YAML_STRING)
        return true;
    if (v->takes == VERB_TEXT) {
        diags_add(p->diags, DIAG_ERROR, value->pos, "%s: expected a name, found a %s", v->name,
                  yaml_type_name(value->type));
        return false;
    }
    if (!shape_check(p->doc, value, v->shape, v->name, p->diags))
        return false;
    if (v->shape->one_of && shape_one_of(p->doc, value, v->shape->one_of, v->name, p->diags) < 0)
        return false;
    return check_inner(p, value, v->shape);
}

static void step_finish(struct step *s)
{
    free(s->name);
    free(s->use_name);
    cel_program_destroy(s->when);
    tmpl_destroy(s->cluster);
    tmpl_destroy(s->as);
    tmpl_destroy(s->args);
    tmpl_destroy(s->with);
    tmpl_destroy(s->refused);
    tmpl_destroy(s->warned);
    selector_on_destroy(s->upon);
    condition_destroy(s->condition);
    race_def_destroy(s->race);
}

void steps_finish(struct steps *s)
{
    for (size_t i = 0; i < s->count; i++)
        step_finish(&s->items[i]);
    free(s->items);
    *s = (struct steps){0};
}

static bool step_upon(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                      struct step *s)
{
    const struct yaml_node *upon = yaml_get(p->doc, node, "upon");

    if (!upon)
        return true;
    if (s->verb->waits || s->verb->unarmed) {
        diags_add(p->diags, DIAG_ERROR, upon->key_pos, "'%s' cannot be armed with 'upon'",
                  s->verb->name);
        return false;
    }
    s->upon = parse_selector(p, upon, scope, true);
    return s->upon != NULL;
}

static bool step_with(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                      struct step *s)
{
    const struct yaml_node *with = yaml_get(p->doc, node, "with");

    if (with && s->verb != &verb_use) {
        diags_add(p->diags, DIAG_ERROR, with->key_pos, "'with' belongs to 'use'");
        return false;
    }
    return parse_member(p, node, "with", scope, &s->with);
}

/* Keys that say what the API server answers. */
static bool belongs_to_writes(struct parser *p, const struct yaml_node *n, const char *key,
                              const struct step *s)
{
    if (!n || s->verb->writes)
        return true;
    diags_add(p->diags, DIAG_ERROR, n->key_pos, "'%s' belongs to apply, create, patch and delete",
              key);
    return false;
}

static bool step_warned(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                        struct step *s)
{
    return belongs_to_writes(p, yaml_get(p->doc, node, "warned"), "warned", s) &&
           parse_member(p, node, "warned", scope, &s->warned);
}

/* `accepted: true`; anything else that could stand there says nothing. */
static bool step_accepted(struct parser *p, const struct yaml_node *node, struct step *s)
{
    const struct yaml_node *n = yaml_get(p->doc, node, "accepted");

    if (!belongs_to_writes(p, n, "accepted", s))
        return false;
    if (n && strcmp(n->text, "true") != 0) {
        diags_add(p->diags, DIAG_ERROR, n->pos, "'accepted' can only be true");
        return false;
    }
    if (n && yaml_get(p->doc, node, "refused")) {
        diags_add(p->diags, DIAG_ERROR, n->key_pos, "both 'accepted' and 'refused'");
        return false;
    }
    s->accepted = n != NULL;
    return true;
}

static bool step_refused(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                         struct step *s)
{
    const struct yaml_node *n = yaml_get(p->doc, node, "refused");

    if (!n)
        return true;
    return belongs_to_writes(p, n, "refused", s) &&
           shape_check(p->doc, n, &shape_refused, "refused", p->diags) &&
           parse_member(p, node, "refused", scope, &s->refused);
}

static bool parse_step(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                       struct step *s)
{
    const struct yaml_node *value, *when, *name;
    int verb;

    s->pos = node->pos;
    if (!shape_check(p->doc, node, &shape_step, "step", p->diags))
        return false;
    verb = shape_one_of(p->doc, node, verb_names, "step", p->diags);
    if (verb < 0)
        return false;
    s->verb = verbs_all[verb];
    value = yaml_get(p->doc, node, s->verb->name);
    s->pos = value->key_pos;
    name = yaml_get(p->doc, node, "name");
    if (name)
        s->name = mem_strdup(name->text);
    when = yaml_get(p->doc, node, "when");
    if (when && !(s->when = expr_compile(when, scope, p->diags)))
        return false;
    if (s->verb->takes == VERB_CONDITION) {
        s->condition = parse_condition(p, value, scope);
        if (!s->condition)
            return false;
    } else if (s->verb->parse) {
        if (!s->verb->parse(p, value, scope, s))
            return false;
    } else {
        if (!check_value(p, s->verb, value) || (s->verb->check && !s->verb->check(p, value, scope)))
            return false;
        s->args = tmpl_compile(p->doc, value, scope, p->diags);
        if (!s->args)
            return false;
        if (s->verb == &verb_use)
            s->use_name = mem_strdup(value->text);
    }
    if (!parse_member(p, node, "cluster", scope, &s->cluster))
        return false;
    if (s->condition)
        s->condition->cluster = s->cluster;
    return parse_member(p, node, "as", scope, &s->as) && step_with(p, node, scope, s) &&
           step_refused(p, node, scope, s) && step_accepted(p, node, s) &&
           step_warned(p, node, scope, s) && step_upon(p, node, scope, s);
}

static void nearest_template(const struct unit *u, const char *word, const char **best);

/* Every parameter that is given exists, and every one that is required is given. */
static bool check_with(struct parser *p, const struct yaml_node *node, const struct template_def *t)
{
    const struct yaml_node *with = yaml_get(p->doc, node, "with"), *n;
    bool ok = true;

    for (n = with ? yaml_first(p->doc, with) : NULL; n; n = yaml_next(p->doc, n)) {
        size_t count = 0;
        AUTO(str) char *hint = NULL;
        bool known = false;

        for (; t->params[count]; count++)
            known = known || strcmp(t->params[count], n->key) == 0;
        if (known)
            continue;
        hint = err_suggestion(n->key, (const char *const *)t->params, count);
        diags_add_hint(p->diags, DIAG_ERROR, n->key_pos, hint,
                       "template '%s' has no parameter '%s'", t->name, n->key);
        ok = false;
    }
    for (size_t i = 0; t->params[i]; i++) {
        if (t->defaults[i] || (with && yaml_get(p->doc, with, t->params[i])))
            continue;
        diags_add(p->diags, DIAG_ERROR, node->pos, "template '%s' needs the parameter '%s'",
                  t->name, t->params[i]);
        ok = false;
    }
    return ok;
}

/* Binds `use` to its template; all templates of this file are known by name by now, though not all
 * are parsed. */
static bool resolve_use(struct parser *p, const struct yaml_node *node, struct step *s)
{
    const struct yaml_node *value = yaml_get(p->doc, node, "use");
    const char *near = NULL;
    AUTO(str) char *hint = NULL;

    if (s->verb != &verb_use)
        return true;
    s->use = find_template(p->unit, s->use_name);
    if (s->use)
        return check_with(p, node, s->use);
    if (p->givens_broken)
        return false;
    nearest_template(p->unit, s->use_name, &near);
    if (near)
        hint = err_did_you_mean(near, "");
    diags_add_hint(p->diags, DIAG_ERROR, value->pos, hint, "no template is called '%s'",
                   s->use_name);
    return false;
}

bool parse_steps(struct parser *p, const struct yaml_node *list, const struct scope *scope,
                 struct steps *ret)
{
    const struct yaml_node *n;
    bool ok = true;

    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n)) {
        struct step s = {0};

        if (!parse_step(p, n, scope, &s) || !resolve_use(p, n, &s)) {
            step_finish(&s);
            ok = false;
            continue;
        }
        ret->items = mem_grow(ret->items, &ret->cap, ret->count + 1, sizeof *ret->items);
        ret->items[ret->count++] = s;
    }
    return ok;
}

/* ---- templates ---- */

void template_def_destroy(struct template_def *t)
{
    if (!t)
        return;
    free(t->name);
    scope_destroy(t->scope);
    for (size_t i = 0; t->params && t->params[i]; i++) {
        free(t->params[i]);
        tmpl_destroy(t->defaults[i]);
    }
    free(t->params);
    free(t->defaults);
    steps_finish(&t->steps);
    free(t);
}

struct template_def *find_template(const struct unit *u, const char *name)
{
    struct template_def *t = strmap_get(u->templates, name);

    for (size_t i = 0; !t && i < u->given_count; i++)
        if (u->givens[i].fixture)
            t = find_template(u->givens[i].fixture, name);
    return t;
}

static void nearest_template(const struct unit *u, const char *word, const char **best)
{
    size_t i = 0;
    const char *key;
    void *value;

    while (strmap_each(u->templates, &i, &key, &value)) {
        const char *pair[2] = {key, *best};

        *best = err_nearest(word, pair, *best ? 2 : 1);
    }
    for (i = 0; i < u->given_count; i++)
        if (u->givens[i].fixture)
            nearest_template(u->givens[i].fixture, word, best);
}

/* A parameter may hide a variable of the file: a template's names are its own. */
static bool parameters_legal(struct parser *p, const struct yaml_node *params)
{
    struct scope *none = scope_create(NULL);
    bool ok = !params || parse_variable_names(p, params, none);

    scope_destroy(none);
    return ok;
}

static bool declare_template(struct parser *p, const struct yaml_node *node)
{
    struct template_def *t;
    const struct yaml_node *params, *n;
    size_t count = 0;

    if (!shape_check(p->doc, node, &shape_template, "template", p->diags))
        return false;
    t = mem_zalloc(sizeof *t);
    t->name = mem_strdup(node->key);
    t->pos = node->key_pos;
    t->unit = p->unit;
    t->scope = scope_create(p->unit->scope);
    strmap_put(p->unit->templates, t->name, t);
    params = yaml_get(p->doc, node, "params");
    t->params = mem_zalloc(((params ? params->count : 0) + 1) * sizeof *t->params);
    t->defaults = mem_zalloc(((params ? params->count : 0) + 1) * sizeof *t->defaults);
    if (!parameters_legal(p, params))
        return false;
    if (!params)
        return true;
    if (t->scope->count + params->count > SCOPE_NAMES_MAX) {
        diags_add(p->diags, DIAG_ERROR, params->key_pos,
                  "more than %d names: the parameters and the variables of the file",
                  SCOPE_NAMES_MAX - SCOPE_FIRST);
        return false;
    }
    for (n = yaml_first(p->doc, params); n; n = yaml_next(p->doc, n)) {
        t->params[count] = mem_strdup(n->key);
        if (n->type != YAML_NULL) {
            t->defaults[count] = tmpl_compile(p->doc, n, p->unit->scope, p->diags);
            if (!t->defaults[count])
                return false;
        }
        scope_add(t->scope, n->key);
        count++;
    }
    return true;
}

bool parse_templates(struct parser *p, const struct yaml_node *map)
{
    const struct yaml_node *n;
    bool ok = true;

    for (n = yaml_first(p->doc, map); n; n = yaml_next(p->doc, n))
        ok = declare_template(p, n) && ok;
    for (n = yaml_first(p->doc, map); n && ok; n = yaml_next(p->doc, n)) {
        struct template_def *t = strmap_get(p->unit->templates, n->key);

        ok = parse_steps(p, yaml_get(p->doc, n, "steps"), t->scope, &t->steps) && ok;
    }
    return ok;
}
