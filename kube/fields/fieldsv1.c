/* FieldsV1: a set of paths as an object whose keys are steps: "f:name", "k:{...}", "v:1", "i:0",
 * and "." for the path so far. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"

/* ---- reading ---- */

static char *read_value(struct pool *p, const char *text, const json_t **ret)
{
    struct err e = {0};
    json_t *v = json_read(text, strlen(text), "fieldsV1", &e);
    if (!v) {
        char *why = mem_printf("parsing key as path element: %s", e.msg ? e.msg : text);
        err_clear(&e);
        return why;
    }
    *ret = pool_hold(p, v);
    return NULL;
}

static int key_order(const void *a, const void *b)
{
    return strcmp(((const struct element_key *)a)->name, ((const struct element_key *)b)->name);
}

static char *read_keys(struct pool *p, const char *text, struct element *ret)
{
    const json_t *v;
    char *why = read_value(p, text, &v);
    if (why)
        return why;
    if (!json_is_object(v))
        return mem_printf("parsing key as path element: expected an object in \"k:%s\"", text);
    size_t count = 0;
    struct element_key *keys = pool_alloc(p, (json_object_size(v) + 1) * sizeof(*keys));
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)v, name, value) keys[count++] = (struct element_key){name, value};
    qsort(keys, count, sizeof(*keys), key_order);
    *ret = (struct element){.kind = ELEMENT_KEY, .key_count = count, .keys = keys};
    return NULL;
}

static char *read_index(const char *text, struct element *ret)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || *text == ' ')
        return mem_printf("parsing key as path element: strconv.Atoi: parsing \"%s\": invalid "
                          "syntax",
                          text);
    *ret = (struct element){.kind = ELEMENT_INDEX, .index = n};
    return NULL;
}

/* *ret_known: false for steps of a kind that does not exist (yet): they are dropped. */
static char *read_element(struct pool *p, const char *key, struct element *ret, bool *ret_known)
{
    *ret_known = true;
    if (strlen(key) < 2)
        return mem_strdup("parsing key as path element: key must be 2 characters long:");
    if (key[1] != ':')
        return mem_printf("parsing key as path element: missing colon: %s", key);
    const char *rest = key + 2;
    switch (key[0]) {
    case 'f':
        *ret = element_field(rest);
        return NULL;
    case 'k':
        return read_keys(p, rest, ret);
    case 'v':
        *ret = (struct element){.kind = ELEMENT_VALUE};
        return read_value(p, rest, &ret->value);
    case 'i':
        return read_index(rest, ret);
    default:
        *ret_known = false;
        return NULL;
    }
}

static char *read_set(struct pool *p, const json_t *v, unsigned depth, const struct set **ret,
                      bool *ret_member)
{
    struct set_builder b = {.pool = p};
    const char *key;
    json_t *value;

    *ret = NULL;
    *ret_member = false;
    if (!json_is_object(v) || depth > JSON_DEPTH_MAX)
        return mem_strdup("expected an object of fields");
    json_object_foreach((json_t *)v, key, value)
    {
        struct element e;
        const struct set *below;
        bool known, member;
        if (strcmp(key, ".") == 0) {
            *ret_member = true;
            continue;
        }
        char *why = read_element(p, key, &e, &known);
        if (!why && known)
            why = read_set(p, value, depth + 1, &below, &member);
        if (why)
            return why;
        if (known)
            set_add(&b, &e, member, below);
    }
    *ret = set_built(&b);
    if (!*ret)
        *ret_member = true;
    return NULL;
}

char *fieldsv1_read(struct pool *p, const json_t *fields, const struct set **ret)
{
    bool member;
    *ret = NULL;
    return fields && !json_is_null(fields) ? read_set(p, fields, 0, ret, &member) : NULL;
}

/* ---- writing ---- */

static void element_key_text(struct strbuf *out, const struct element *e)
{
    strbuf_reset(out);
    switch (e->kind) {
    case ELEMENT_FIELD:
        strbuf_addstr(out, "f:");
        strbuf_addstr(out, e->name);
        return;
    case ELEMENT_KEY:
        strbuf_addstr(out, "k:{");
        for (size_t i = 0; i < e->key_count; i++) {
            AUTO(json) json_t *name = json_string_nocheck(e->keys[i].name);
            if (i)
                strbuf_addch(out, ',');
            json_write(out, name, JSON_TIGHT);
            strbuf_addch(out, ':');
            json_write_sorted(out, e->keys[i].value, JSON_TIGHT);
        }
        strbuf_addch(out, '}');
        return;
    case ELEMENT_VALUE:
        strbuf_addstr(out, "v:");
        json_write_sorted(out, e->value, JSON_TIGHT);
        return;
    case ELEMENT_INDEX:
        strbuf_addf(out, "i:%" PRId64, e->index);
        return;
    }
}

/* The ends of all paths are one empty object: most of a set is ends, and a copy of it has its own.
 */
struct writing {
    json_t *end;
    struct strbuf key;
};

static json_t *write_set(const struct set *s, bool self, struct writing *w)
{
    if (!s)
        return json_incref(w->end);
    json_t *out = json_object();
    if (self)
        json_object_set_nocheck(out, ".", w->end);
    for (size_t i = 0; i < s->count; i++) {
        const struct set_item *x = &s->items[i];
        json_t *below = write_set(x->below, x->member, w);
        element_key_text(&w->key, &x->e);
        json_object_set_new_nocheck(out, strbuf_str(&w->key), below);
    }
    return out;
}

json_t *fieldsv1_write(const struct set *s)
{
    struct writing w = {.end = json_object()};
    json_t *out = write_set(s, false, &w);
    strbuf_finish(&w.key);
    json_decref(w.end);
    return out;
}
