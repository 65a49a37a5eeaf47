/* JSONPath, as the columns of definitions use it: .a.b, ['a'], [0], [-1], [1:3], [*], .*,
 * [?(@.a=="b")], with dots escaped by backslashes. Filters do not nest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/rest/table_priv.h"

#define PATH_STEPS_MAX 64
#define PATH_VALUES_MAX 4096

enum step_kind { STEP_FIELD, STEP_INDEX, STEP_SLICE, STEP_WILD, STEP_FILTER };
enum compare {
    COMPARE_EXISTS,
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE
};

/* One side of a comparison: a path from the element, or a value. */
struct operand {
    struct table_path *path;
    json_t *value;
};
struct step {
    enum step_kind kind;
    char *name;
    long from, to;
    bool has_to;
    enum compare compare;
    struct operand left, right;
};
struct table_path {
    struct step *steps;
    size_t count, cap;
};

static void operand_finish(struct operand *o)
{
    table_path_destroy(o->path);
    json_decref(o->value);
}

void table_path_destroy(struct table_path *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++) {
        free(p->steps[i].name);
        operand_finish(&p->steps[i].left);
        operand_finish(&p->steps[i].right);
    }
    free(p->steps);
    free(p);
}

/* ---- reading ---- */

static struct table_path *parse(const char *text, size_t len, bool filters);

static struct step *add_step(struct table_path *p, enum step_kind kind)
{
    if (p->count == PATH_STEPS_MAX)
        return NULL;
    p->steps = mem_grow(p->steps, &p->cap, p->count + 1, sizeof *p->steps);
    struct step *s = &p->steps[p->count++];
    *s = (struct step){.kind = kind};
    return s;
}

static char *unescape(const char *text, size_t len)
{
    char *out = mem_strndup(text, len);
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (out[i] != '\\')
            out[n++] = out[i];
    out[n] = '\0';
    return out;
}

/* A name behind a dot. Returns where it ends; NULL: there is none. */
static const char *parse_field(struct table_path *p, const char *at, const char *end)
{
    const char *start = at;
    while (at < end && !strchr(" .,[]$@{}", *at))
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    if (at == start)
        return NULL;
    bool wild = at - start == 1 && *start == '*';
    struct step *s = add_step(p, wild ? STEP_WILD : STEP_FIELD);
    if (s && !wild)
        s->name = unescape(start, (size_t)(at - start));
    return s ? at : NULL;
}

static bool parse_number(const char *text, size_t len, long *ret)
{
    char buffer[24], *end;
    if (len == 0 || len >= sizeof buffer)
        return false;
    memcpy(buffer, text, len);
    buffer[len] = '\0';
    errno = 0;
    *ret = strtol(buffer, &end, 10);
    return *end == '\0' && errno == 0;
}

static bool parse_index(struct table_path *p, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);
    long from = 0, to = 0;
    if (!colon) {
        if (!parse_number(text, len, &from))
            return false;
        struct step *s = add_step(p, STEP_INDEX);
        if (s)
            s->from = from;
        return s;
    }
    size_t before = (size_t)(colon - text), after = len - before - 1;
    if ((before && !parse_number(text, before, &from)) ||
        (after && !parse_number(colon + 1, after, &to)))
        return false;
    struct step *s = add_step(p, STEP_SLICE);
    if (s)
        s->from = from, s->to = to, s->has_to = after > 0;
    return s;
}

static void trim(const char **text, size_t *len)
{
    while (*len && **text == ' ')
        ++*text, --*len;
    while (*len && (*text)[*len - 1] == ' ')
        --*len;
}

static bool parse_operand(struct operand *o, const char *text, size_t len)
{
    trim(&text, &len);
    if (len == 0)
        return false;
    if (*text == '@' || *text == '.' || *text == '$') {
        o->path = parse(text, len, /* filters= */ false);
        return o->path;
    }
    if (*text == '\'' || *text == '"') {
        if (len < 2 || text[len - 1] != *text)
            return false;
        o->value = json_stringn(text + 1, len - 2);
        return o->value;
    }
    o->value = json_read(text, len, "path", NULL);
    return json_is_number(o->value) || json_is_boolean(o->value);
}

/* The operator outside of quotes; len when there is none. */
static size_t find_operator(const char *text, size_t len)
{
    char quote = '\0';
    for (size_t i = 0; i < len; i++) {
        if (quote)
            quote = text[i] == quote ? '\0' : quote;
        else if (text[i] == '\'' || text[i] == '"')
            quote = text[i];
        else if (strchr("!<>=", text[i]))
            return i;
    }
    return len;
}

static bool parse_compare(const char *text, size_t len, enum compare *ret)
{
    static const char *const names[] = {
        [COMPARE_EQ] = "==", [COMPARE_NE] = "!=", [COMPARE_LT] = "<",
        [COMPARE_LE] = "<=", [COMPARE_GT] = ">",  [COMPARE_GE] = ">="};
    for (unsigned i = COMPARE_EQ; i <= COMPARE_GE; i++) {
        if (strlen(names[i]) != len || memcmp(names[i], text, len) != 0)
            continue;
        *ret = i;
        return true;
    }
    return false;
}

static bool parse_filter(struct table_path *p, const char *text, size_t len)
{
    struct step *s = add_step(p, STEP_FILTER);
    size_t at = find_operator(text, len), end = at;
    while (end < len && strchr("!<>=", text[end]))
        end++;
    if (!s || !parse_operand(&s->left, text, at))
        return false;
    if (at == len)
        return s->left.path;
    return parse_compare(text + at, end - at, &s->compare) &&
           parse_operand(&s->right, text + end, len - end);
}

/* Where the bracket closes, outside of quotes; NULL: nowhere. */
static const char *find_close(const char *at, const char *end)
{
    char quote = '\0';
    unsigned depth = 1;
    for (; at < end; at++) {
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '\'' || *at == '"')
            quote = *at;
        else if (*at == '[')
            depth++;
        else if (*at == ']' && --depth == 0)
            return at;
    }
    return NULL;
}

static bool parse_bracket(struct table_path *p, const char *text, size_t len, bool filters)
{
    trim(&text, &len);
    if (len >= 2 && (*text == '\'' || *text == '"') && text[len - 1] == *text) {
        struct step *s = add_step(p, STEP_FIELD);
        if (s)
            s->name = unescape(text + 1, len - 2);
        return s;
    }
    if (len == 1 && *text == '*')
        return add_step(p, STEP_WILD);
    if (len > 3 && strncmp(text, "?(", 2) == 0 && text[len - 1] == ')')
        return filters && parse_filter(p, text + 2, len - 3);
    return parse_index(p, text, len);
}

static bool parse_steps(struct table_path *p, const char *at, const char *end, bool filters)
{
    while (at < end) {
        if (*at == '.') {
            at = parse_field(p, at + 1, end);
        } else if (*at == '[') {
            const char *close = find_close(at + 1, end);
            if (!close || !parse_bracket(p, at + 1, (size_t)(close - at - 1), filters))
                return false;
            at = close + 1;
        } else {
            return false;
        }
        if (!at)
            return false;
    }
    return true;
}

static struct table_path *parse(const char *text, size_t len, bool filters)
{
    AUTO(table_path) struct table_path *p = mem_zalloc(sizeof *p);
    const char *end = text + len;
    if (len && (*text == '$' || *text == '@'))
        text++;
    return parse_steps(p, text, end, filters) ? TAKE(p) : NULL;
}

struct table_path *table_path_parse(const char *text)
{
    return parse(text, strlen(text), /* filters= */ true);
}

/* ---- following ---- */

struct values {
    const json_t **items;
    size_t count, cap;
};

static bool add_value(struct values *v, const json_t *value)
{
    if (!value)
        return true;
    if (v->count == PATH_VALUES_MAX)
        return false;
    v->items = mem_grow(v->items, &v->cap, v->count + 1, sizeof *v->items);
    v->items[v->count++] = value;
    return true;
}

static bool follow(const struct table_path *p, const json_t *root, struct values *ret);

static const json_t *operand_value(const struct operand *o, const json_t *element)
{
    struct values v = {0};
    const json_t *first = o->value;
    if (o->path)
        first = follow(o->path, element, &v) && v.count ? v.items[0] : NULL;
    free(v.items);
    return first;
}

/* false: they cannot be compared. */
static bool order_of(const json_t *a, const json_t *b, int *ret)
{
    if (json_is_string(a) && json_is_string(b)) {
        *ret = strcmp(json_string_value(a), json_string_value(b));
        return true;
    }
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a), y = json_number_value(b);
        *ret = x < y ? -1 : x > y;
        return true;
    }
    *ret = json_is_true(a) - json_is_true(b);
    return json_is_boolean(a) && json_is_boolean(b);
}

static bool passes(const struct step *s, const json_t *element)
{
    const json_t *left = operand_value(&s->left, element);
    if (s->compare == COMPARE_EXISTS)
        return left;
    const json_t *right = operand_value(&s->right, element);
    int order;
    if (!left || !right || !order_of(left, right, &order))
        return false;
    switch (s->compare) {
    case COMPARE_EXISTS:
    case COMPARE_EQ:
        return order == 0;
    case COMPARE_NE:
        return order != 0;
    case COMPARE_LT:
        return order < 0;
    case COMPARE_LE:
        return order <= 0;
    case COMPARE_GT:
        return order > 0;
    case COMPARE_GE:
        return order >= 0;
    }
    return false;
}

static bool take_slice(const struct step *s, const json_t *v, struct values *out)
{
    long size = (long)json_array_size(v);
    long from = s->from < 0 ? s->from + size : s->from;
    long to = !s->has_to ? size : s->to < 0 ? s->to + size : s->to;
    if (!json_is_array(v) || from < 0 || (s->kind == STEP_INDEX && from >= size))
        return false;
    if (s->kind == STEP_INDEX)
        to = from + 1;
    for (long i = from; i < to && i < size; i++)
        if (!add_value(out, json_array_get(v, (size_t)i)))
            return false;
    return true;
}

/* All elements, or members, that pass. */
static bool take_each(const struct step *s, const json_t *v, struct values *out)
{
    const char *key;
    json_t *value;
    if (s->kind == STEP_FILTER && !json_is_array(v))
        return false;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *element = json_array_get(v, i);
        if ((s->kind == STEP_WILD || passes(s, element)) && !add_value(out, element))
            return false;
    }
    json_object_foreach((json_t *)v, key, value)
    {
        if (!add_value(out, value))
            return false;
    }
    return true;
}

static bool take_step(const struct step *s, const json_t *v, struct values *out)
{
    switch (s->kind) {
    case STEP_FIELD:
        return add_value(out, json_object_get(v, s->name));
    case STEP_INDEX:
    case STEP_SLICE:
        return take_slice(s, v, out);
    case STEP_WILD:
    case STEP_FILTER:
        return take_each(s, v, out);
    }
    return false;
}

static bool follow(const struct table_path *p, const json_t *root, struct values *ret)
{
    bool ok = add_value(ret, root);
    for (size_t i = 0; i < p->count && ok; i++) {
        struct values next = {0};
        for (size_t k = 0; k < ret->count && ok; k++)
            ok = take_step(&p->steps[i], ret->items[k], &next);
        free(ret->items);
        *ret = next;
    }
    return ok;
}

bool table_path_first(const struct table_path *p, const json_t *root, const json_t **ret)
{
    struct values v = {0};
    bool found = follow(p, root, &v) && v.count > 0;
    if (found)
        *ret = v.items[0];
    free(v.items);
    return found;
}
