/* Steps and templates. One table row per verb: adding a verb is one row here and one in step.c. */
#include <string.h>

#include "base/mem.h"
#include "runner/parse_priv.h"

const char *const verb_names[VERB_COUNT + 1] = {
    "apply", "create", "patch",  "delete", "component", "crash", "guest", "mark", "fault", "link",
    "limit", "clock",  "settle", "wait",   "assert",    "error", "use",   "race", "call",  NULL,
};

bool verb_waits(enum verb v)
{
    return v == VERB_WAIT || v == VERB_ASSERT || v == VERB_ERROR || v == VERB_SETTLE ||
           v == VERB_CLOCK;
}

#define REFERENCE                                                                                  \
    {"kind", SHAPE_TEXT, true}, {"name", SHAPE_TEXT, true}, {"namespace", SHAPE_TEXT, false},      \
    {                                                                                              \
        "cluster", SHAPE_TEXT, false                                                               \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, SHAPE_ANY, false                                                                     \
    }

static const struct shape_key patch_keys[] = {REFERENCE,
                                              {"merge", SHAPE_MAP_VALUE, false},
                                              {"json", SHAPE_LIST_VALUE, false},
                                              {"subresource", SHAPE_TEXT, false},
                                              END};
static const struct shape_key delete_keys[] = {
    REFERENCE, {"propagation", SHAPE_TEXT, false}, {"missing", SHAPE_TEXT, false}, END};
static const struct shape_key component_keys[] = {{"start", SHAPE_TEXT, false},
                                                  {"stop", SHAPE_TEXT, false},
                                                  {"restart", SHAPE_TEXT, false},
                                                  {"with", SHAPE_MAP_VALUE, false},
                                                  END};
static const struct shape_key crash_keys[] = {
    {"component", SHAPE_TEXT, true}, {"restart", SHAPE_TEXT, false}, END};
static const struct shape_key guest_keys[] = {{"vm", SHAPE_TEXT, true},
                                              {"cluster", SHAPE_TEXT, false},
                                              {"write", SHAPE_MAP, false},
                                              {"discard", SHAPE_MAP, false},
                                              {"power", SHAPE_TEXT, false},
                                              {"agent", SHAPE_TEXT, false},
                                              END};
static const struct shape_key fault_keys[] = {
    {"name", SHAPE_TEXT, false},       {"point", SHAPE_TEXT, false},
    {"match", SHAPE_MAP_VALUE, false}, {"skip", SHAPE_INT, false},
    {"times", SHAPE_INT, false},       {"action", SHAPE_MAP_VALUE, false},
    {"clear", SHAPE_TEXT, false},      END};
static const struct shape_key link_keys[] = {
    {"cluster", SHAPE_TEXT, true}, {"up", SHAPE_BOOL, true}, END};
static const struct shape_key limit_keys[] = {{"claim", SHAPE_TEXT, true},
                                              {"bytes", SHAPE_QUANTITY, true},
                                              {"cluster", SHAPE_TEXT, false},
                                              END};
static const struct shape_key clock_keys[] = {{"advance", SHAPE_DURATION, true}, END};
static const struct shape_key settle_keys[] = {
    {"quiet", SHAPE_DURATION, false}, {"within", SHAPE_DURATION, false}, END};

/* What the value of each verb may be. A NULL table with a type is a plain value; conditions are
 * parsed apart. */
struct verb_shape {
    const struct shape_key *keys;
    const char *const *one_of;
    bool text_too; /* a plain text is fine as well */
    bool manifest; /* a manifest, or a list of them */
    bool condition;
    bool reserved;
};
static const char *const patch_forms[] = {"merge", "json", NULL};
static const char *const component_forms[] = {"start", "stop", "restart", NULL};
static const char *const guest_forms[] = {"write", "discard", "power", "agent", NULL};
static const char *const fault_forms[] = {"action", "clear", NULL};

static const struct verb_shape verb_shapes[VERB_COUNT] = {
    [VERB_APPLY] = {.manifest = true},
    [VERB_CREATE] = {.manifest = true},
    [VERB_PATCH] = {.keys = patch_keys, .one_of = patch_forms},
    [VERB_DELETE] = {.keys = delete_keys},
    [VERB_COMPONENT] = {.keys = component_keys, .one_of = component_forms},
    [VERB_CRASH] = {.keys = crash_keys, .text_too = true},
    [VERB_GUEST] = {.keys = guest_keys, .one_of = guest_forms},
    [VERB_MARK] = {.text_too = true},
    [VERB_FAULT] = {.keys = fault_keys, .one_of = fault_forms},
    [VERB_LINK] = {.keys = link_keys},
    [VERB_LIMIT] = {.keys = limit_keys},
    [VERB_CLOCK] = {.keys = clock_keys},
    [VERB_SETTLE] = {.keys = settle_keys},
    [VERB_WAIT] = {.condition = true},
    [VERB_ASSERT] = {.condition = true},
    [VERB_ERROR] = {.condition = true},
    [VERB_USE] = {.text_too = true},
    [VERB_RACE] = {.reserved = true},
    [VERB_CALL] = {.reserved = true},
};

static const struct shape_key step_keys[] = {{"apply", SHAPE_ANY, false},
                                             {"create", SHAPE_ANY, false},
                                             {"patch", SHAPE_ANY, false},
                                             {"delete", SHAPE_ANY, false},
                                             {"component", SHAPE_ANY, false},
                                             {"crash", SHAPE_ANY, false},
                                             {"guest", SHAPE_ANY, false},
                                             {"mark", SHAPE_ANY, false},
                                             {"fault", SHAPE_ANY, false},
                                             {"link", SHAPE_ANY, false},
                                             {"limit", SHAPE_ANY, false},
                                             {"clock", SHAPE_ANY, false},
                                             {"settle", SHAPE_ANY, false},
                                             {"wait", SHAPE_ANY, false},
                                             {"assert", SHAPE_ANY, false},
                                             {"error", SHAPE_ANY, false},
                                             {"use", SHAPE_ANY, false},
                                             {"race", SHAPE_ANY, false},
                                             {"call", SHAPE_ANY, false},
                                             {"name", SHAPE_TEXT, false},
                                             {"when", SHAPE_EXPR, false},
                                             {"cluster", SHAPE_TEXT, false},
                                             {"as", SHAPE_TEXT, false},
                                             {"with", SHAPE_MAP_VALUE, false},
                                             {"upon", SHAPE_MAP, false},
                                             {"refused", SHAPE_MAP, false},
                                             END};

static const struct shape_key refused_keys[] = {
    {"code", SHAPE_INT, false}, {"reason", SHAPE_TEXT, false}, {"message", SHAPE_TEXT, false}, END};

static bool check_manifest(struct parser *p, const struct yaml_node *n)
{
    static const char *const needed[] = {"apiVersion", "kind", "metadata"};

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

static bool check_manifests(struct parser *p, const struct yaml_node *value)
{
    const struct yaml_node *n;
    bool ok = true;

    if (value->type != YAML_SEQ)
        return check_manifest(p, value);
    for (n = yaml_first(p->doc, value); n; n = yaml_next(p->doc, n))
        ok = check_manifest(p, n) && ok;
    return ok;
}

static bool check_value(struct parser *p, enum verb verb, const struct yaml_node *value)
{
    const struct verb_shape *shape = &verb_shapes[verb];

    if (shape->reserved) {
        diags_add(p->diags, DIAG_ERROR, value->key_pos, "'%s' is not yet supported",
                  verb_names[verb]);
        return false;
    }
    if (shape->manifest)
        return check_manifests(p, value);
    if (shape->text_too && value->type == YAML_STRING)
        return true;
    if (!shape->keys) {
        diags_add(p->diags, DIAG_ERROR, value->pos, "%s: expected a name, found a %s",
                  verb_names[verb], yaml_type_name(value->type));
        return false;
    }
    if (!shape_check(p->doc, value, shape->keys, verb_names[verb], p->diags))
        return false;
    return !shape->one_of ||
           shape_one_of(p->doc, value, shape->one_of, verb_names[verb], p->diags) >= 0;
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
    selector_on_destroy(s->upon);
    condition_destroy(s->condition);
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
    if (verb_waits(s->verb) || s->verb == VERB_USE) {
        diags_add(p->diags, DIAG_ERROR, upon->key_pos, "'%s' cannot be armed with 'upon'",
                  verb_names[s->verb]);
        return false;
    }
    s->upon = parse_selector(p, upon, scope, true);
    return s->upon != NULL;
}

static bool step_with(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                      struct step *s)
{
    const struct yaml_node *with = yaml_get(p->doc, node, "with");

    if (with && s->verb != VERB_USE) {
        diags_add(p->diags, DIAG_ERROR, with->key_pos, "'with' belongs to 'use'");
        return false;
    }
    return parse_member(p, node, "with", scope, &s->with);
}

static bool step_refused(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                         struct step *s)
{
    const struct yaml_node *n = yaml_get(p->doc, node, "refused");

    if (!n)
        return true;
    if (s->verb > VERB_DELETE) {
        diags_add(p->diags, DIAG_ERROR, n->key_pos,
                  "'refused' belongs to apply, create, patch and delete");
        return false;
    }
    return shape_check(p->doc, n, refused_keys, "refused", p->diags) &&
           parse_member(p, node, "refused", scope, &s->refused);
}

static bool parse_step(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                       struct step *s)
{
    const struct yaml_node *value, *when, *name;
    int verb;

    s->pos = node->pos;
    if (!shape_check(p->doc, node, step_keys, "step", p->diags))
        return false;
    verb = shape_one_of(p->doc, node, verb_names, "step", p->diags);
    if (verb < 0)
        return false;
    s->verb = (enum verb)verb;
    value = yaml_get(p->doc, node, verb_names[verb]);
    s->pos = value->key_pos;
    name = yaml_get(p->doc, node, "name");
    if (name)
        s->name = mem_strdup(name->text);
    when = yaml_get(p->doc, node, "when");
    if (when && !(s->when = expr_compile(when, scope, p->diags)))
        return false;
    if (verb_shapes[verb].condition) {
        s->condition = parse_condition(p, value, scope);
        if (!s->condition)
            return false;
    } else {
        if (!check_value(p, s->verb, value))
            return false;
        s->args = tmpl_compile(p->doc, value, scope, p->diags);
        if (!s->args)
            return false;
        if (s->verb == VERB_USE)
            s->use_name = mem_strdup(value->text);
    }
    return parse_member(p, node, "cluster", scope, &s->cluster) &&
           parse_member(p, node, "as", scope, &s->as) && step_with(p, node, scope, s) &&
           step_refused(p, node, scope, s) && step_upon(p, node, scope, s);
}

static void nearest_template(const struct unit *u, const char *word, const char **best);

/* Binds `use` to its template; all templates of this file are known by name by now, though not all
 * are parsed. */
static bool resolve_use(struct parser *p, const struct yaml_node *node, struct step *s)
{
    const struct yaml_node *value = yaml_get(p->doc, node, "use");
    const char *near = NULL;
    AUTO(str) char *hint = NULL;

    if (s->verb != VERB_USE)
        return true;
    s->use = find_template(p->unit, s->use_name);
    if (s->use)
        return true;
    if (p->givens_broken)
        return false;
    nearest_template(p->unit, s->use_name, &near);
    if (near)
        hint = mem_printf("did you mean '%s'?", near);
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

static const struct shape_key template_keys[] = {{"description", SHAPE_TEXT, false},
                                                 {"params", SHAPE_MAP, false},
                                                 {"steps", SHAPE_LIST, true},
                                                 END};

static bool declare_template(struct parser *p, const struct yaml_node *node)
{
    struct template_def *t;
    const struct yaml_node *params, *n;
    size_t count = 0;

    if (!shape_check(p->doc, node, template_keys, "template", p->diags))
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
    if (!params)
        return true;
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
