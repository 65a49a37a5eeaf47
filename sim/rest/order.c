/* The order of keys in what is answered: objects of compiled kinds are structs to the real server,
 * their members come as the types have them and those of maps sorted; objects of definitions are
 * maps all through (kube-apiserver.md 1.5). */
#include <stdlib.h>
#include <string.h>

#include "kube/types/types.h"
#include "sim/rest/rest_priv.h"

struct writer {
    struct strbuf *out;
    enum json_style style;
};

static bool is_plain_key(const char *key)
{
    for (; *key; key++)
        if ((unsigned char)*key < 0x20 || (unsigned char)*key >= 0x7f || *key == '"' ||
            *key == '\\' || *key == '<' || *key == '>' || *key == '&')
            return false;
    return true;
}

static void write_key(struct writer *w, const char *key, bool *first, unsigned depth)
{
    bool tight = w->style == JSON_TIGHT;
    if (is_plain_key(key) && tight) {
        strbuf_addstr(w->out, *first ? "\"" : ",\"");
        strbuf_addstr(w->out, key);
        strbuf_addstr(w->out, "\":");
        *first = false;
        return;
    }
    if (!*first)
        strbuf_addch(w->out, ',');
    *first = false;
    json_write_break(w->out, w->style, depth);
    AUTO(json) json_t *text = json_string(key);
    json_write(w->out, text, JSON_TIGHT);
    strbuf_addstr(w->out, w->style == JSON_INDENTED ? ": " : ":");
}

/* What stands at a place: a value of a type, a map of them, a list of them. */
struct shape {
    const struct kube_type *type; /* NULL: nothing is known, members stay as they stand */
    bool map, list;
};

static struct shape shape_of(const struct kube_field *f)
{
    return (struct shape){
        .type = f->scalar == KUBE_MESSAGE ? f->type : NULL, .map = f->map, .list = f->repeated};
}

static void write_value(struct writer *w, const json_t *v, struct shape s, unsigned depth);

static void write_map(struct writer *w, const json_t *v, struct shape s, unsigned depth)
{
    const char **keys = json_sorted_keys(v);
    bool first = true;
    s.map = false;
    for (size_t i = 0; i < json_object_size(v); i++) {
        write_key(w, keys[i], &first, depth + 1);
        write_value(w, json_object_get(v, keys[i]), s, depth + 1);
    }
    free(keys);
}

/* What nobody set, as Go writes it: clients read the status of what has none yet. */
static void write_zero(struct writer *w, const struct kube_field *f, unsigned depth)
{
    AUTO(json) json_t *zero = kube_field_zero(f);
    write_value(w, zero, shape_of(f), depth);
}

/* *left: members that are still to be written. Types have many more fields than objects have
 * members. */
static void write_fields(struct writer *w, const json_t *v, const struct kube_type *t, size_t *left,
                         bool *first, unsigned depth)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct kube_field *f = &t->fields[i];
        if (!*f->name) {
            write_fields(w, v, f->type, left, first, depth);
            continue;
        }
        const json_t *value = *left > 0 ? json_object_get(v, f->name) : NULL;
        if (!value && !kube_field_always(f))
            continue;
        write_key(w, f->name, first, depth + 1);
        if (value) {
            write_value(w, value, shape_of(f), depth + 1);
            --*left;
        } else {
            write_zero(w, f, depth + 1);
        }
    }
}

/* Whether it wrote any. */
static bool write_struct(struct writer *w, const json_t *v, const struct kube_type *t,
                         unsigned depth)
{
    const char *key;
    json_t *value;
    bool first = true;
    size_t left = json_object_size(v);
    if (t)
        write_fields(w, v, t, &left, &first, depth);
    if (left == 0)
        return !first;
    json_object_foreach((json_t *)v, key, value)
    {
        if (t && kube_field_find(t, key))
            continue;
        write_key(w, key, &first, depth + 1);
        write_value(w, value, (struct shape){0}, depth + 1);
    }
    return true;
}

static void write_object(struct writer *w, const json_t *v, struct shape s, unsigned depth)
{
    bool some = json_object_size(v) > 0;
    strbuf_addch(w->out, '{');
    if (s.map)
        write_map(w, v, s, depth);
    else
        some = write_struct(w, v, s.type, depth);
    if (some)
        json_write_break(w->out, w->style, depth);
    strbuf_addch(w->out, '}');
}

static void write_array(struct writer *w, const json_t *v, struct shape s, unsigned depth)
{
    strbuf_addch(w->out, '[');
    s.list = false;
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i)
            strbuf_addch(w->out, ',');
        json_write_break(w->out, w->style, depth + 1);
        write_value(w, json_array_get(v, i), s, depth + 1);
    }
    if (json_array_size(v))
        json_write_break(w->out, w->style, depth);
    strbuf_addch(w->out, ']');
}

/* Depth is that of a tree which was read, or made of such trees: bounded. */
static void write_value(struct writer *w, const json_t *v, struct shape s, unsigned depth)
{
    if (json_is_object(v))
        write_object(w, v, s, depth);
    else if (json_is_array(v))
        write_array(w, v, s, depth);
    else
        json_write(w->out, v, JSON_TIGHT);
}

/* Kinds that the table lacks begin as all do. */
static void write_unknown(struct writer *w, const json_t *v)
{
    static const char *const head[] = {"kind", "apiVersion", "metadata"};
    const struct shape meta = {
        .type = kube_type_named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")};
    const char *key;
    json_t *value;
    bool first = true;
    strbuf_addch(w->out, '{');
    for (size_t i = 0; i < ARRAY_LEN(head); i++) {
        value = json_object_get(v, head[i]);
        if (!value)
            continue;
        write_key(w, head[i], &first, 1);
        write_value(w, value, i == 2 ? meta : (struct shape){0}, 1);
    }
    json_object_foreach((json_t *)v, key, value)
    {
        if (strcmp(key, head[0]) == 0 || strcmp(key, head[1]) == 0 || strcmp(key, head[2]) == 0)
            continue;
        write_key(w, key, &first, 1);
        write_value(w, value, (struct shape){0}, 1);
    }
    if (json_object_size(v))
        json_write_break(w->out, w->style, 0);
    strbuf_addch(w->out, '}');
}

static void write_typed(struct writer *w, const json_t *v)
{
    const struct kube_type *t =
        json_is_object(v) ? kube_type_of(meta_api_version(v), meta_kind(v)) : NULL;
    if (t || !json_is_object(v))
        write_value(w, v, (struct shape){.type = t}, 0);
    else
        write_unknown(w, v);
}

void order_write(struct strbuf *out, const json_t *v, enum key_order order, enum json_style style)
{
    switch (order) {
    case ORDER_AS_IS:
        json_write(out, v, style);
        return;
    case ORDER_SORTED:
        json_write_sorted(out, v, style);
        return;
    case ORDER_TYPED:
        write_typed(&(struct writer){.out = out, .style = style}, v);
        return;
    }
}
