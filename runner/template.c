/* See template.h. A template mirrors the YAML tree: literal leaves keep their JSON, leaves with
 * holes keep their pieces. */
#include "runner/template.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/time.h"
#include "runner/expr.h"

/* ---- scopes and frames ---- */

static void scope_refresh(struct scope *s)
{
    s->env.variables = (const char *const *)s->names;
    s->env.functions = expr_cel_functions;
    s->env.function_count = expr_function_count;
}

static void scope_append(struct scope *s, const char *name)
{
    s->names = mem_reallocarray(s->names, s->count + 2, sizeof *s->names);
    s->names[s->count++] = mem_strdup(name);
    s->names[s->count] = NULL;
    scope_refresh(s);
}

struct scope *scope_create(const struct scope *parent)
{
    static const char *const always[] = {"self", "oldSelf", "event"};
    struct scope *s = mem_zalloc(sizeof *s);

    if (parent)
        for (size_t i = 0; i < parent->count; i++)
            scope_append(s, parent->names[i]);
    else
        for (size_t i = 0; i < ARRAY_LEN(always); i++)
            scope_append(s, always[i]);
    return s;
}

void scope_add(struct scope *s, const char *name)
{
    if (scope_find(s, name) < 0)
        scope_append(s, name);
}

int scope_find(const struct scope *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->names[i], name) == 0)
            return (int)i;
    return -1;
}

void scope_destroy(struct scope *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        free(s->names[i]);
    free(s->names);
    free(s);
}

struct frame *frame_create(const struct scope *s, const struct frame *parent)
{
    struct frame *f = mem_zalloc(sizeof *f);

    f->scope = s;
    f->values = mem_zalloc((s->count + 1) * sizeof *f->values);
    if (!parent)
        return f;
    for (size_t i = SCOPE_FIRST; i < s->count; i++) {
        int from = scope_find(parent->scope, s->names[i]);

        if (from >= 0 && parent->values[from])
            f->values[i] = json_incref(parent->values[from]);
    }
    return f;
}

void frame_set_take(struct frame *f, int index, json_t *value)
{
    assert(index >= 0 && (size_t)index < f->scope->count);
    json_decref(f->values[index]);
    f->values[index] = value;
}

void frame_destroy(struct frame *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->scope->count; i++)
        json_decref(f->values[i]);
    free(f->values);
    free(f);
}

/* Names in a scope are few: a scenario has a handful of variables. */
#define BINDINGS_MAX 64

static size_t bind_frame(const struct frame *f, struct cel_binding *bindings)
{
    assert(f->scope->count <= BINDINGS_MAX);
    for (size_t i = 0; i < f->scope->count; i++)
        bindings[i] = (struct cel_binding){.json = f->values[i]};
    return f->scope->count;
}

int eval_program(const struct eval *e, const struct cel_program *p, struct cel_value *ret,
                 struct err *reterr)
{
    struct cel_binding bindings[BINDINGS_MAX];

    bind_frame(e->frame, bindings);
    return cel_eval(p, e->cel, bindings, e->cookie, 0, ret, reterr);
}

int eval_bool(const struct eval *e, const struct cel_program *p, bool *ret, struct err *reterr)
{
    struct cel_binding bindings[BINDINGS_MAX];

    bind_frame(e->frame, bindings);
    return cel_eval_bool(p, e->cel, bindings, e->cookie, 0, ret, reterr);
}

/* ---- templates ---- */

enum tmpl_kind { TMPL_LITERAL, TMPL_TEXT, TMPL_LIST, TMPL_MAP };

struct piece {
    char *literal; /* or */
    struct cel_program *program;
};

struct tmpl {
    enum tmpl_kind kind;
    struct src_pos pos;
    json_t *literal;      /* TMPL_LITERAL; and of a list or map without holes, the whole */
    struct piece *pieces; /* TMPL_TEXT */
    size_t piece_count, piece_cap;
    struct tmpl **children; /* TMPL_LIST, TMPL_MAP */
    char **keys;            /* TMPL_MAP */
    struct src_pos *places; /* of the keys */
    size_t child_count;
};

void tmpl_destroy(struct tmpl *t)
{
    if (!t)
        return;
    json_decref(t->literal);
    for (size_t i = 0; i < t->piece_count; i++) {
        free(t->pieces[i].literal);
        cel_program_destroy(t->pieces[i].program);
    }
    free(t->pieces);
    for (size_t i = 0; i < t->child_count; i++) {
        tmpl_destroy(t->children[i]);
        if (t->keys)
            free(t->keys[i]);
    }
    free(t->children);
    free(t->keys);
    free(t->places);
    free(t);
}

struct src_pos tmpl_pos(const struct tmpl *t)
{
    return t->pos;
}

static struct tmpl *tmpl_new(enum tmpl_kind kind, struct src_pos pos)
{
    struct tmpl *t = mem_zalloc(sizeof *t);

    t->kind = kind;
    t->pos = pos;
    return t;
}

struct tmpl *tmpl_literal(json_t *value_take, struct src_pos pos)
{
    struct tmpl *t = tmpl_new(TMPL_LITERAL, pos);

    t->literal = value_take;
    return t;
}

/* The end of `${...}`: the brace that closes it, minding nested braces and CEL string literals. */
static const char *hole_end(const char *p)
{
    int depth = 0;

    for (; *p; p++) {
        if (*p == '\'' || *p == '"') {
            char quote = *p++;

            while (*p && *p != quote) {
                if (*p == '\\' && p[1])
                    p++;
                p++;
            }
            if (!*p)
                return NULL;
        } else if (*p == '{') {
            depth++;
        } else if (*p == '}') {
            if (depth-- == 0)
                return p;
        }
    }
    return NULL;
}

static struct piece *add_piece(struct tmpl *t)
{
    t->pieces = mem_grow(t->pieces, &t->piece_cap, t->piece_count + 1, sizeof *t->pieces);
    t->pieces[t->piece_count] = (struct piece){0};
    return &t->pieces[t->piece_count++];
}

static void add_literal(struct tmpl *t, struct strbuf *text)
{
    if (text->len == 0)
        return;
    add_piece(t)->literal = mem_strdup(strbuf_str(text));
    strbuf_reset(text);
}

/* Where byte `offset` of a scalar's text stands. */
static struct src_pos pos_within(const struct yaml_node *node, size_t offset)
{
    struct src_pos pos = node->pos;

    if (node->runs)
        return src_runs_pos(node->runs, node->run_count, offset);
    if (!node->block && !strchr(node->text, '\n'))
        pos.col += (uint32_t)offset + (node->quoted ? 1 : 0);
    return pos;
}

static struct cel_program *compile_within(const struct yaml_node *node, const char *text,
                                          size_t offset, const struct scope *scope,
                                          struct err *reterr)
{
    size_t count = 0;
    struct src_run *runs =
        node->runs ? src_runs_part(node->runs, node->run_count, offset, strlen(text), &count)
                   : NULL;
    /* Of the whole: a law or a condition stands where its scalar does. */
    struct src_pos pos = node->block && offset == 0 ? node->pos : pos_within(node, offset);
    struct cel_program *p = cel_compile_runs(text, &scope->env, pos, runs, count, reterr);

    free(runs);
    return p;
}

static bool compile_hole(struct tmpl *t, const struct yaml_node *node, const char *start,
                         const char *end, const struct scope *scope, struct diags *diags)
{
    AUTO(str) char *text = mem_strndup(start, (size_t)(end - start));
    struct err err = {0};
    struct cel_program *p = compile_within(node, text, (size_t)(start - node->text), scope, &err);

    if (!p) {
        diags_take(diags, &err);
        return false;
    }
    add_piece(t)->program = p;
    return true;
}

static struct tmpl *compile_text(const struct yaml_node *node, const struct scope *scope,
                                 struct diags *diags)
{
    AUTO(tmpl) struct tmpl *t = tmpl_new(TMPL_TEXT, node->pos);
    AUTO(strbuf) struct strbuf literal = {0};
    const char *p = node->text;

    while (*p) {
        const char *end;

        if (strncmp(p, "$${", 3) == 0) {
            strbuf_addstr(&literal, "${");
            p += 3;
            continue;
        }
        if (strncmp(p, "${", 2) != 0) {
            strbuf_addch(&literal, *p++);
            continue;
        }
        end = hole_end(p + 2);
        if (!end) {
            diags_add_hint(diags, DIAG_ERROR, pos_within(node, (size_t)(p - node->text)),
                           "write $${ for a literal ${", "'${' without its '}'");
            return NULL;
        }
        add_literal(t, &literal);
        if (!compile_hole(t, node, p + 2, end, scope, diags))
            return NULL;
        p = end + 1;
    }
    add_literal(t, &literal);
    return TAKE(t);
}

/* Conditions are looked at after every change: what no value enters is put together once. */
static void keep_whole(struct tmpl *t)
{
    AUTO(json) json_t *whole = t->kind == TMPL_MAP ? json_object() : json_array();

    for (size_t i = 0; i < t->child_count; i++) {
        json_t *child = t->children[i]->literal;

        if (!child)
            return;
        if (t->kind == TMPL_MAP)
            json_object_set(whole, t->keys[i], child);
        else
            json_array_append(whole, child);
    }
    t->literal = TAKE(whole);
}

static struct tmpl *compile_container(const struct yaml_doc *doc, const struct yaml_node *node,
                                      const struct scope *scope, struct diags *diags)
{
    bool map = node->type == YAML_MAP;
    AUTO(tmpl) struct tmpl *t = tmpl_new(map ? TMPL_MAP : TMPL_LIST, node->pos);
    bool ok = true;
    const struct yaml_node *n;

    t->children = mem_zalloc((node->count + 1) * sizeof *t->children);
    if (map) {
        t->keys = mem_zalloc((node->count + 1) * sizeof *t->keys);
        t->places = mem_zalloc((node->count + 1) * sizeof *t->places);
    }
    for (n = yaml_first(doc, node); n; n = yaml_next(doc, n)) {
        struct tmpl *child = tmpl_compile(doc, n, scope, diags);

        if (!child) {
            ok = false;
            continue;
        }
        if (map) {
            t->keys[t->child_count] = mem_strdup(n->key);
            t->places[t->child_count] = n->key_pos;
        }
        t->children[t->child_count++] = child;
    }
    if (ok)
        keep_whole(t);
    return ok ? TAKE(t) : NULL;
}

struct tmpl *tmpl_compile(const struct yaml_doc *doc, const struct yaml_node *node,
                          const struct scope *scope, struct diags *diags)
{
    if (node->type == YAML_MAP || node->type == YAML_SEQ)
        return compile_container(doc, node, scope, diags);
    if (node->type == YAML_STRING && strstr(node->text, "${"))
        return compile_text(node, scope, diags);
    return tmpl_literal(yaml_to_json(doc, node), node->pos);
}

static int add_value_text(struct strbuf *out, const struct cel_value *v)
{
    AUTO(json) json_t *json = cel_to_json(v);

    if (json_is_string(json))
        strbuf_addstr(out, json_string_value(json));
    else
        json_write(out, json, JSON_TIGHT);
    return 0;
}

static json_t *too_large(const struct tmpl *t, struct err *reterr)
{
    err_set(reterr, ERR_LIMIT, t->pos, "this value is too large: more than %u items or %u bytes",
            VALUE_NODES_MAX, VALUE_TEXT_MAX);
    return NULL;
}

static json_t *eval_text(const struct tmpl *t, const struct eval *e, struct err *reterr)
{
    AUTO(strbuf) struct strbuf out = {0};
    struct cel_value v;

    if (t->piece_count == 1 && t->pieces[0].program) {
        if (eval_program(e, t->pieces[0].program, &v, reterr) < 0)
            return NULL;
        return cel_to_json(&v);
    }
    for (size_t i = 0; i < t->piece_count; i++) {
        if (t->pieces[i].literal) {
            strbuf_addstr(&out, t->pieces[i].literal);
            continue;
        }
        if (eval_program(e, t->pieces[i].program, &v, reterr) < 0)
            return NULL;
        add_value_text(&out, &v);
        if (out.len > VALUE_TEXT_MAX)
            return too_large(t, reterr);
    }
    return json_stringn(strbuf_str(&out), out.len);
}

static json_t *eval_node(const struct tmpl *t, const struct eval *e, bool view, struct err *reterr)
{
    AUTO(json) json_t *out = NULL;

    if (t->literal)
        return view ? json_incref(t->literal) : json_copy_of(t->literal);
    if (t->kind == TMPL_TEXT)
        return eval_text(t, e, reterr);
    out = t->kind == TMPL_MAP ? json_object() : json_array();
    for (size_t i = 0; i < t->child_count; i++) {
        json_t *child = eval_node(t->children[i], e, view, reterr);

        if (!child)
            return NULL;
        if (t->kind == TMPL_MAP)
            json_object_set_new(out, t->keys[i], child);
        else
            json_array_append_new(out, child);
    }
    return TAKE(out);
}

/* Counts until a limit is passed: parts may be shared, so the whole can be far larger than what
 * was allocated. */
static bool weigh(const json_t *v, size_t *nodes, size_t *bytes)
{
    const char *key;
    json_t *item;
    size_t i;

    if (++*nodes > VALUE_NODES_MAX)
        return false;
    if (json_is_string(v))
        *bytes += json_string_length(v);
    json_object_foreach((json_t *)v, key, item)
    {
        if (!weigh(item, nodes, bytes))
            return false;
    }
    json_array_foreach((json_t *)v, i, item)
    {
        if (!weigh(item, nodes, bytes))
            return false;
    }
    return *bytes <= VALUE_TEXT_MAX;
}

static json_t *eval_weighed(const struct tmpl *t, const struct eval *e, bool view,
                            struct err *reterr)
{
    json_t *v = eval_node(t, e, view, reterr);
    size_t nodes = 0, bytes = 0;

    if (!v || t->kind == TMPL_LITERAL || weigh(v, &nodes, &bytes))
        return v;
    json_decref(v);
    return too_large(t, reterr);
}

json_t *tmpl_eval(const struct tmpl *t, const struct eval *e, struct err *reterr)
{
    return eval_weighed(t, e, false, reterr);
}

json_t *tmpl_view(const struct tmpl *t, const struct eval *e, struct err *reterr)
{
    return eval_weighed(t, e, true, reterr);
}

char *tmpl_text(const struct tmpl *t, const struct eval *e, struct err *reterr)
{
    AUTO(json) json_t *v = tmpl_eval(t, e, reterr);

    if (!v)
        return NULL;
    if (json_is_string(v))
        return mem_strdup(json_string_value(v));
    return json_text(v);
}

int tmpl_duration(const struct tmpl *t, const struct eval *e, int64_t *ret_ns, struct err *reterr)
{
    AUTO(str) char *text = tmpl_text(t, e, reterr);

    if (!text)
        return -1;
    if (!duration_parse(text, ret_ns) || *ret_ns < 0 || *ret_ns > DURATION_MAX)
        return err_set(reterr, ERR_INVALID, t->pos,
                       "expected a duration such as 30s or 1h30m, at most 87600h, found '%s'",
                       text);
    return 0;
}

const struct tmpl *tmpl_item(const struct tmpl *t, size_t index)
{
    return t->kind == TMPL_LIST && index < t->child_count ? t->children[index] : NULL;
}

const char *tmpl_word(const struct tmpl *t)
{
    return t && t->kind == TMPL_LITERAL ? json_string_value(t->literal) : NULL;
}

const struct tmpl *tmpl_get(const struct tmpl *t, const char *key)
{
    if (t->kind != TMPL_MAP)
        return NULL;
    for (size_t i = 0; i < t->child_count; i++)
        if (strcmp(t->keys[i], key) == 0)
            return t->children[i];
    return NULL;
}

/* ---- without running it ---- */

const json_t *tmpl_fixed(const struct tmpl *t)
{
    return t->literal;
}

const struct cel_program *tmpl_alone(const struct tmpl *t)
{
    return t->kind == TMPL_TEXT && t->piece_count == 1 ? t->pieces[0].program : NULL;
}

void tmpl_visit(const struct tmpl *t, const struct cel_visitor *v)
{
    for (size_t i = 0; i < t->piece_count; i++)
        if (t->pieces[i].program)
            cel_program_visit(t->pieces[i].program, v);
    for (size_t i = 0; i < t->child_count; i++)
        tmpl_visit(t->children[i], v);
}

bool tmpl_is_map(const struct tmpl *t)
{
    return t->kind == TMPL_MAP;
}

const struct tmpl *tmpl_at(const struct tmpl *t, size_t i, const char **ret_key,
                           struct src_pos *ret_pos)
{
    if (i >= t->child_count)
        return NULL;
    if (ret_key)
        *ret_key = t->keys ? t->keys[i] : NULL;
    if (ret_pos)
        *ret_pos = t->places ? t->places[i] : t->children[i]->pos;
    return t->children[i];
}

struct cel_program *expr_compile(const struct yaml_node *node, const struct scope *scope,
                                 struct diags *diags)
{
    struct err err = {0};
    const char *text = node->text;
    struct cel_program *p;

    if (node->type != YAML_STRING && node->type != YAML_BOOL) {
        diags_add(diags, DIAG_ERROR, node->pos, "expected an expression, found a %s",
                  yaml_type_name(node->type));
        return NULL;
    }
    p = compile_within(node, text, 0, scope, &err);
    if (!p)
        diags_take(diags, &err);
    return p;
}
