/* Conditions, selectors (`upon`, `on`) and laws. */
#include <string.h>

#include "base/mem.h"
#include "runner/parse_priv.h"
#include "runner/patience.h"
#include "runner/shapes.h"
#include "sim/world.h"

bool parse_member(struct parser *p, const struct yaml_node *map, const char *key,
                  const struct scope *scope, struct tmpl **ret)
{
    const struct yaml_node *n = yaml_get(p->doc, map, key);

    if (!n)
        return true;
    *ret = tmpl_compile(p->doc, n, scope, p->diags);
    return *ret != NULL;
}

/* ---- conditions ---- */

void condition_destroy(struct condition *c)
{
    if (!c)
        return;
    cel_program_destroy(c->that);
    tmpl_destroy(c->spec);
    for (size_t i = 0; i < ARRAY_LEN(c->owned); i++)
        tmpl_destroy(c->owned[i]);
    free(c);
}

static bool is_true(const struct yaml_node *n)
{
    return n->type == YAML_BOOL && n->value.boolean;
}

static bool condition_form(struct parser *p, const struct yaml_node *node, struct condition *c)
{
    static const char *const forms[] = {"that", "kind", "disk", NULL};
    int form = shape_one_of(p->doc, node, forms, "condition", p->diags);
    const char *missing = NULL;

    if (form < 0)
        return false;
    c->kind = form == 0 ? CONDITION_THAT : CONDITION_DISK;
    if (form == 1) {
        bool has = yaml_get(p->doc, node, "has") != NULL;
        bool absent = yaml_get(p->doc, node, "absent") != NULL;

        c->kind = has ? CONDITION_HAS : CONDITION_ABSENT;
        if (has == absent) {
            diags_add(p->diags, DIAG_ERROR, node->pos,
                      "condition: 'kind' needs exactly one of 'has' and 'absent'");
            return false;
        }
        if (absent && !is_true(yaml_get(p->doc, node, "absent"))) {
            diags_add(p->diags, DIAG_ERROR, yaml_get(p->doc, node, "absent")->pos,
                      "condition: 'absent' can only be true; 'has: {}' asks whether it exists");
            return false;
        }
        if (!yaml_get(p->doc, node, "name"))
            missing = "name";
    }
    if (form == 2 && !yaml_get(p->doc, node, "equals"))
        missing = "equals";
    if (!missing)
        return true;
    diags_add(p->diags, DIAG_ERROR, node->pos, "condition: '%s' is missing", missing);
    return false;
}

/* What stands there; a hole is looked at when it is filled. */
static bool check_patience(struct parser *p, const struct yaml_node *node, const struct tmpl *t)
{
    struct patience patience;
    const char *word = tmpl_word(t);

    if (!word || patience_parse(word, &patience))
        return true;
    diags_add(p->diags, DIAG_ERROR, yaml_get(p->doc, node, "afterCrash")->pos, PATIENCE_WANTED,
              word);
    return false;
}

static bool condition_members(struct parser *p, const struct yaml_node *node,
                              const struct scope *scope, struct condition *c)
{
    static const char *const keys[] = {"within", "for", "message", "afterCrash"};

    if (c->kind == CONDITION_THAT) {
        c->that = expr_compile(yaml_get(p->doc, node, "that"), scope, p->diags);
        if (!c->that)
            return false;
    } else {
        c->spec = tmpl_compile(p->doc, node, scope, p->diags);
        if (!c->spec)
            return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (!parse_member(p, node, keys[i], scope, &c->owned[i]))
            return false;
    c->within = c->owned[0];
    c->hold = c->owned[1];
    c->message = c->owned[2];
    c->after_crash = c->owned[3];
    return check_patience(p, node, c->after_crash);
}

DEFINE_CLEANUP(struct condition, condition, condition_destroy);

struct condition *parse_condition(struct parser *p, const struct yaml_node *node,
                                  const struct scope *scope)
{
    AUTO(condition) struct condition *c = mem_zalloc(sizeof *c);

    c->pos = node->pos;
    if (node->type != YAML_MAP) {
        c->kind = CONDITION_THAT;
        c->that = expr_compile(node, scope, p->diags);
        return c->that ? TAKE(c) : NULL;
    }
    if (!shape_check(p->doc, node, &shape_condition, "condition", p->diags) ||
        !condition_form(p, node, c) || !condition_members(p, node, scope, c))
        return NULL;
    return TAKE(c);
}

bool parse_conditions(struct parser *p, const struct yaml_node *list, struct conditions *ret)
{
    const struct yaml_node *n;
    bool ok = true;

    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n)) {
        struct condition *c = parse_condition(p, n, p->unit->scope);

        if (!c) {
            ok = false;
            continue;
        }
        ret->items = mem_grow(ret->items, &ret->cap, ret->count + 1, sizeof *ret->items);
        ret->items[ret->count++] = c;
    }
    return ok;
}

void conditions_finish(struct conditions *c)
{
    for (size_t i = 0; i < c->count; i++)
        condition_destroy(c->items[i]);
    free(c->items);
    *c = (struct conditions){0};
}

/* ---- selectors ---- */

void selector_on_destroy(struct selector_on *s)
{
    if (!s)
        return;
    tmpl_destroy(s->type);
    tmpl_destroy(s->kind);
    tmpl_destroy(s->name);
    tmpl_destroy(s->ns);
    tmpl_destroy(s->cluster);
    tmpl_destroy(s->subresource);
    tmpl_destroy(s->by);
    cel_program_destroy(s->that);
    tmpl_destroy(s->at);
    tmpl_destroy(s->skip_given);
    tmpl_destroy(s->optional_given);
    free(s);
}
DEFINE_CLEANUP(struct selector_on, selector_on, selector_on_destroy);

/* The text of a scalar must be one of the words. Returns its index, or -1 after a diagnosis. */
static int one_word(struct parser *p, const struct yaml_node *n, const char *const *words,
                    size_t count)
{
    AUTO(str) char *hint = NULL;

    for (size_t i = 0; i < count; i++)
        if (strcmp(n->text, words[i]) == 0)
            return (int)i;
    hint = err_suggestion(n->text, words, count);
    diags_add_hint(p->diags, DIAG_ERROR, n->pos, hint, "'%s' is no %s", n->text, n->key);
    return -1;
}

/* A call is of a service and a path, everything else of an object. */
static bool selector_call(struct parser *p, const struct yaml_node *node,
                          const struct yaml_node *other, struct selector_on *s)
{
    static const char *const of_calls[] = {"service", "path"};
    static const char *const of_objects[] = {"kind", "name", "namespace", "cluster", "subresource"};
    const struct yaml_node *call = yaml_get(p->doc, node, "call");
    const char *const *strange = call ? of_objects : of_calls;
    size_t count = call ? ARRAY_LEN(of_objects) : ARRAY_LEN(of_calls);

    s->is_call = call != NULL;
    if (call && other) {
        diags_add(p->diags, DIAG_ERROR, call->key_pos,
                  "both '%s' and 'call'; exactly one is allowed", other->key);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *n = yaml_get(p->doc, node, strange[i]);

        if (!n)
            continue;
        diags_add(p->diags, DIAG_ERROR, n->key_pos,
                  call ? "upon: a call has no '%s'; 'service' and 'path' say what is called"
                       : "upon: '%s' belongs to 'call'",
                  strange[i]);
        return false;
    }
    return true;
}

static bool selector_type(struct parser *p, const struct yaml_node *node, struct selector_on *s)
{
    static const char *const events[] = {"ADDED", "MODIFIED", "DELETED"};
    static const char *const requests[] = {"get",   "list",   "create", "update",
                                           "patch", "delete", "watch"};
    const struct yaml_node *event = yaml_get(p->doc, node, "event");
    const struct yaml_node *request = yaml_get(p->doc, node, "request");

    if (event && request) {
        diags_add(p->diags, DIAG_ERROR, request->key_pos,
                  "both 'event' and 'request'; exactly one is allowed");
        return false;
    }
    if (!selector_call(p, node, event ? event : request, s))
        return false;
    s->is_request = request || s->is_call;
    if (event && !shape_has_hole(event) && one_word(p, event, events, ARRAY_LEN(events)) < 0)
        return false;
    if (request && !shape_has_hole(request) &&
        one_word(p, request, requests, ARRAY_LEN(requests)) < 0)
        return false;
    return true;
}

static const char *const moments[] = {
    [REQUEST_BEFORE] = "before", [REQUEST_COMMITTED] = "committed", [REQUEST_AFTER] = "after"};

const char *moment_name(enum request_moment moment)
{
    return moments[moment];
}

bool moment_find(const char *word, enum request_moment *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
        if (strcmp(word, moments[i]) != 0)
            continue;
        *ret = (enum request_moment)i;
        return true;
    }
    return false;
}

static bool selector_moment(struct parser *p, const struct yaml_node *node,
                            const struct scope *scope, struct selector_on *s)
{
    const struct yaml_node *at = yaml_get(p->doc, node, "at");

    s->moment = REQUEST_BEFORE;
    if (!at)
        return true;
    if (!s->is_request) {
        diags_add(p->diags, DIAG_ERROR, at->key_pos,
                  "'at' belongs to 'request' and 'call'; an event is always "
                  "a committed change");
        return false;
    }
    if (shape_has_hole(at))
        return parse_member(p, node, "at", scope, &s->at);
    return one_word(p, at, moments, ARRAY_LEN(moments)) >= 0 && moment_find(at->text, &s->moment);
}

static bool selector_skip(struct parser *p, const struct yaml_node *node, const struct scope *scope,
                          struct selector_on *s)
{
    const struct yaml_node *skip = yaml_get(p->doc, node, "skip");

    if (skip && shape_has_hole(skip))
        return parse_member(p, node, "skip", scope, &s->skip_given);
    if (skip && (skip->type != YAML_INT || skip->value.integer < 0)) {
        diags_add(p->diags, DIAG_ERROR, skip->pos, "'skip' must be an integer of at least 0");
        return false;
    }
    s->skip = skip ? (uint64_t)skip->value.integer : 0;
    return true;
}

static bool selector_optional(struct parser *p, const struct yaml_node *node,
                              const struct scope *scope, struct selector_on *s)
{
    const struct yaml_node *optional = yaml_get(p->doc, node, "optional");

    if (optional && shape_has_hole(optional))
        return parse_member(p, node, "optional", scope, &s->optional_given);
    if (optional && optional->type != YAML_BOOL) {
        diags_add(p->diags, DIAG_ERROR, optional->pos, "'optional' must be true or false");
        return false;
    }
    s->optional = optional && is_true(optional);
    return true;
}

static bool selector_members(struct parser *p, const struct yaml_node *node,
                             const struct scope *scope, struct selector_on *s)
{
    const struct yaml_node *that = yaml_get(p->doc, node, "that");

    if (!selector_skip(p, node, scope, s) || !selector_optional(p, node, scope, s))
        return false;
    if (that) {
        s->that = expr_compile(that, scope, p->diags);
        if (!s->that)
            return false;
    }
    return parse_member(p, node,
                        s->is_call      ? "call"
                        : s->is_request ? "request"
                                        : "event",
                        scope, &s->type) &&
           parse_member(p, node, s->is_call ? "service" : "kind", scope, &s->kind) &&
           parse_member(p, node, s->is_call ? "path" : "name", scope, &s->name) &&
           parse_member(p, node, "namespace", scope, &s->ns) &&
           parse_member(p, node, "cluster", scope, &s->cluster) &&
           parse_member(p, node, "subresource", scope, &s->subresource) &&
           parse_member(p, node, "by", scope, &s->by);
}

struct selector_on *parse_selector(struct parser *p, const struct yaml_node *node,
                                   const struct scope *scope, bool in_step)
{
    AUTO(selector_on) struct selector_on *s = mem_zalloc(sizeof *s);

    s->pos = node->pos;
    if (!shape_check(p->doc, node, &shape_upon, "upon", p->diags) || !selector_type(p, node, s) ||
        !selector_moment(p, node, scope, s))
        return NULL;
    if (in_step && !yaml_get(p->doc, node, "event") && !s->is_request) {
        diags_add(p->diags, DIAG_ERROR, node->pos, "upon: 'event', 'request' or 'call' is missing");
        return NULL;
    }
    if (!in_step && s->is_request && (!s->is_call || yaml_get(p->doc, node, "at"))) {
        diags_add(p->diags, DIAG_ERROR, node->pos,
                  "upon: a law speaks of committed changes and of answered calls; use 'event', or "
                  "'call' without 'at'");
        return NULL;
    }
    if (!selector_members(p, node, scope, s))
        return NULL;
    return TAKE(s);
}

/* ---- laws ---- */

static void law_finish(struct law *l)
{
    free(l->name);
    free(l->requirement);
    selector_on_destroy(l->on);
    cel_program_destroy(l->that);
}

static bool parse_law(struct parser *p, const struct yaml_node *node, struct law *l)
{
    const struct yaml_node *on, *that, *requirement;

    if (!shape_check(p->doc, node, &shape_law, "law", p->diags))
        return false;
    on = yaml_get(p->doc, node, "upon");
    that = yaml_get(p->doc, node, "that");
    requirement = yaml_get(p->doc, node, "requirement");
    l->name = mem_strdup(yaml_get(p->doc, node, "name")->text);
    if (requirement)
        l->requirement = mem_strdup(requirement->text);
    if (!that && (!l->never || !on)) {
        diags_add(p->diags, DIAG_ERROR, node->pos,
                  l->never ? "law: a 'never' needs 'upon' or 'that'" : "law: 'that' is missing");
        return false;
    }
    if (on && !(l->on = parse_selector(p, on, p->unit->scope, false)))
        return false;
    if (that && !(l->that = expr_compile(that, p->unit->scope, p->diags)))
        return false;
    return true;
}

bool parse_laws(struct parser *p, const struct yaml_node *list, bool never, struct laws *ret)
{
    const struct yaml_node *n;
    bool ok = true;

    for (n = yaml_first(p->doc, list); n; n = yaml_next(p->doc, n)) {
        struct law law = {.pos = n->pos, .never = never};

        if (!parse_law(p, n, &law)) {
            law_finish(&law);
            ok = false;
            continue;
        }
        ret->items = mem_grow(ret->items, &ret->cap, ret->count + 1, sizeof *ret->items);
        ret->items[ret->count++] = law;
    }
    return ok;
}

void laws_finish(struct laws *l)
{
    for (size_t i = 0; i < l->count; i++)
        law_finish(&l->items[i]);
    free(l->items);
    *l = (struct laws){0};
}
