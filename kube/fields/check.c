/* Whether an applied object fits its type, in the merge library's words; and sets that were
 * recorded when the type looked otherwise. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/utf8.h"
#include "kube/fields/fields_priv.h"
#include "kube/gotext.h"

#define ERRORS_MAX 100

struct checker {
    struct pool *pool;
    struct strbuf path, errors;
    size_t count;
    bool allow_duplicates;
};

__attribute__((format(printf, 2, 3))) static void complain(struct checker *c, const char *fmt, ...)
{
    if (c->count++ >= ERRORS_MAX)
        return;
    strbuf_addstr(&c->errors, c->count > 1 ? "\n  " : "  ");
    AUTO(strbuf) struct strbuf path = {0};
    strbuf_addstr(&path, strbuf_str(&c->path));
    utf8_shorten(&path, FIELDS_PATH_TEXT_MAX);
    strbuf_addf(&c->errors, "%s%s", strbuf_str(&path), path.len ? ": " : "");
    va_list ap;
    va_start(ap, fmt);
    strbuf_vaddf(&c->errors, fmt, ap);
    va_end(ap);
}

static void path_cut(struct checker *c, size_t len)
{
    c->path.len = len;
    c->path.data[len] = '\0';
}

/* ---- values ---- */

/* Names of an object's members, sorted; in the pool. */
static const char **sorted_keys(struct pool *p, const json_t *object)
{
    size_t count = 0;
    const char **keys = pool_alloc(p, (json_object_size(object) + 1) * sizeof(*keys));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) keys[count++] = key;
    if (count)
        qsort(keys, count, sizeof(*keys), text_order);
    keys[count] = NULL;
    return keys;
}

static void complain_of(struct checker *c, const char *expected, const json_t *v)
{
    AUTO(strbuf) struct strbuf text = {0};
    gotext_value(&text, v);
    complain(c, "expected %s, got &{%s}", expected, strbuf_str(&text));
}

/* ---- checks ---- */

static void check(struct checker *c, const json_t *v, struct typed t, unsigned depth);

static void check_scalar(struct checker *c, const json_t *v, enum typed_scalar scalar)
{
    AUTO(strbuf) struct strbuf text = {0};
    switch (scalar) {
    case TYPED_UNTYPED:
        if (json_is_object(v) || json_is_array(v))
            complain_of(c, "any scalar", v);
        return;
    case TYPED_STRING:
        if (json_is_string(v))
            return;
        gotext_source(&text, v);
        complain(c, "expected string, got &value.valueUnstructured{Value:%s}", strbuf_str(&text));
        return;
    case TYPED_NUMBER:
        if (!json_is_number(v))
            complain(c, "expected numeric (int or float), got %s", gotext_type(v));
        return;
    case TYPED_BOOLEAN:
        if (!json_is_boolean(v))
            complain_of(c, "boolean", v);
        return;
    }
}

static void check_below(struct checker *c, const struct element *e, const json_t *v,
                        struct typed of, unsigned depth)
{
    size_t len = c->path.len;
    element_text(&c->path, e);
    check(c, v, of, depth + 1);
    path_cut(c, len);
}

static void check_map(struct checker *c, const json_t *object, struct typed t,
                      const struct typed_info *info, unsigned depth)
{
    const char **keys = sorted_keys(c->pool, object);
    for (size_t i = 0; keys[i]; i++) {
        bool named;
        struct element e = element_field(keys[i]);
        struct typed of = member_type(t, info, keys[i], &named);
        if (!named && !info->open) {
            size_t len = c->path.len;
            element_text(&c->path, &e);
            complain(c, "field not declared in schema");
            path_cut(c, len);
            return;
        }
        check_below(c, &e, json_object_get(object, keys[i]), of, depth);
    }
}

/* Steps of a granular list's items; false when one has none. */
static bool check_steps(struct checker *c, const json_t *list, struct typed t,
                        const struct typed_info *info, struct element *steps)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        AUTO(str)
        char *why = element_of_item(c->pool, t, info, json_array_get(list, i), &steps[i]);
        if (why) {
            complain(c, "element %zu: %s", i, why);
            return false;
        }
    }
    return true;
}

static void check_list(struct checker *c, const json_t *list, struct typed t,
                       const struct typed_info *info, unsigned depth)
{
    size_t count = json_array_size(list);
    struct element *steps = pool_alloc(c->pool, (count + 1) * sizeof(*steps));
    size_t *numbers = pool_alloc(c->pool, (count + 1) * sizeof(*numbers));
    bool *seen = pool_alloc(c->pool, count + 1);
    bool granular = info->list_type != KUBE_LIST_ATOMIC && !info->atomic;
    if (granular && !check_steps(c, list, t, info, steps))
        return;
    memset(seen, 0, count + 1);
    if (granular)
        element_numbers(c->pool, steps, count, numbers);
    for (size_t i = 0; i < count; i++) {
        if (!granular) {
            steps[i] = (struct element){.kind = ELEMENT_INDEX, .index = (int64_t)i};
        } else if (seen[numbers[i]] && !c->allow_duplicates) {
            AUTO(strbuf) struct strbuf text = {0};
            element_text(&text, &steps[i]);
            complain(c, "duplicate entries for key %s", strbuf_str(&text));
        }
        if (granular)
            seen[numbers[i]] = true;
        check_below(c, &steps[i], json_array_get(list, i), typed_item(t), depth);
    }
}

static void check(struct checker *c, const json_t *v, struct typed t, unsigned depth)
{
    struct typed_info info = typed_info_of(t);
    if (json_is_null(v) || depth >= JSON_DEPTH_MAX)
        return;
    switch (info.shape) {
    case TYPED_ANY:
        return;
    case TYPED_SCALAR:
        check_scalar(c, v, info.scalar);
        return;
    case TYPED_OBJECT:
        if (json_is_object(v))
            check_map(c, v, t, &info, depth);
        else
            complain_of(c, "map", v);
        return;
    case TYPED_LIST:
        if (json_is_array(v))
            check_list(c, v, t, &info, depth);
        else
            complain_of(c, "list", v);
        return;
    }
}

char *check_typed(struct pool *p, const json_t *object, struct typed t, bool allow_duplicates)
{
    struct checker c = {.pool = p, .allow_duplicates = allow_duplicates};
    check(&c, object, t, 0);
    char *text = NULL;
    if (c.count)
        text = c.count == 1 ? mem_strdup(strbuf_str(&c.errors) + 2)
                            : mem_printf("errors:\n%s", strbuf_str(&c.errors));
    strbuf_finish(&c.path);
    strbuf_finish(&c.errors);
    return text;
}

/* ---- schemas that changed ---- */

/* *ret_whole: the path is owned as a whole from now on. */
static const struct set *reconcile(struct pool *p, const struct set *s, struct typed t, bool leaf,
                                   bool *ret_whole)
{
    struct typed_info info = typed_info_of(t);
    *ret_whole = false;
    if (!s || info.shape == TYPED_ANY || info.shape == TYPED_SCALAR)
        return s;
    if (info.atomic) {
        *ret_whole = !leaf;
        return NULL;
    }
    struct set_builder b = {.pool = p};
    bool changed = false;
    for (size_t i = 0; i < s->count; i++) {
        const struct set_item *x = &s->items[i];
        bool named, whole = false;
        struct typed of = info.shape == TYPED_LIST ? typed_item(t) : typed_any();
        if (info.shape == TYPED_OBJECT && x->e.kind == ELEMENT_FIELD)
            of = member_type(t, &info, x->e.name, &named);
        const struct set *below =
            x->below ? reconcile(p, x->below, of, x->member && !x->below, &whole) : NULL;
        changed |= whole || below != x->below;
        set_add(&b, &x->e, x->member || whole, below);
    }
    return changed ? set_built(&b) : s;
}

const struct set *reconcile_set(struct pool *p, const struct set *s, struct typed t)
{
    bool whole;
    return reconcile(p, s, t, false, &whole);
}
