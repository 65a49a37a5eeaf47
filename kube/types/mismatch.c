/* Values that cannot be their field's, in the words of Go's decoder (sigs.k8s.io/json): the struct
 * that holds the innermost field, then the path of names, inlined types' names between them.
 * Recursion follows the object, which is at most JSON_DEPTH_MAX deep. */
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "kube/types/go_text.h"
#include "kube/types/types.h"
#include "kube/types/wire.h"

struct checker {
    struct strbuf path;
    const char *holder; /* the innermost struct's name */
    bool apart;         /* inside of what Go decodes apart: the holder stays */
    unsigned depth;
    char *wrong;
};

/* All checks: false when c->wrong is set. */
static bool check_message(struct checker *c, const struct kube_type *t, const char *type_name,
                          const json_t *value);

static const char *short_name(const struct kube_type *t)
{
    return strrchr(t->name, '.') + 1;
}

/* "v1.PodSpec" */
static const char *go_name(const struct kube_type *t)
{
    const char *name = short_name(t) - 1;

    while (name[-1] != '.')
        name--;
    return name;
}

/* ---- words ---- */

static bool is_number_type(const char *type_name)
{
    return strncmp(type_name, "int", 3) == 0 || strncmp(type_name, "uint", 4) == 0;
}

static void add_what(struct strbuf *out, const json_t *value, const char *type_name)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        strbuf_addstr(out, "object");
        return;
    case JSON_ARRAY:
        strbuf_addstr(out, "array");
        return;
    case JSON_STRING:
        strbuf_addstr(out, "string");
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        strbuf_addstr(out, "bool");
        return;
    case JSON_INTEGER:
    case JSON_REAL:
        strbuf_addstr(out, "number");
        if (is_number_type(type_name)) {
            strbuf_addch(out, ' ');
            json_write(out, value, JSON_TIGHT);
        }
        return;
    case JSON_NULL:
        break;
    }
    strbuf_addstr(out, "null");
}

static bool mismatch(struct checker *c, const json_t *value, const char *type_name)
{
    struct strbuf out = {0};

    strbuf_addstr(&out, "json: cannot unmarshal ");
    add_what(&out, value, type_name);
    if (c->path.len)
        strbuf_addf(&out, " into Go struct field %s.%s of type %s", c->holder, strbuf_str(&c->path),
                    type_name);
    else
        strbuf_addf(&out, " into Go value of type %s", type_name);
    c->wrong = strbuf_take(&out);
    return false;
}

static bool expect(struct checker *c, bool fits, const json_t *value, const char *type_name)
{
    return fits || mismatch(c, value, type_name);
}

/* ---- values ---- */

static bool check_integer(struct checker *c, enum kube_scalar scalar, const char *type_name,
                          const json_t *value)
{
    json_int_t n = json_integer_value(value);
    bool fits = json_is_integer(value);

    if (scalar == KUBE_INT32 || scalar == KUBE_INT_OR_STRING)
        fits &= n == (int32_t)n;
    else if (scalar == KUBE_UINT32)
        fits &= n == (uint32_t)n;
    else if (scalar == KUBE_UINT64)
        fits &= n >= 0;
    return expect(c, fits, value, type_name);
}

static bool check_base64(struct checker *c, const json_t *value)
{
    AUTO(strbuf) struct strbuf bytes = {0};
    size_t bad;

    if (!json_is_string(value))
        return mismatch(c, value, "[]uint8");
    if (base64_read(&bytes, json_string_value(value), json_string_length(value), &bad) < 0)
        c->wrong = mem_printf("illegal base64 data at input byte %zu", bad);
    return !c->wrong;
}

/* Go reads the JSON text itself, less quotes: numbers are quantities too. */
static bool check_quantity(struct checker *c, const json_t *value)
{
    AUTO(strbuf) struct strbuf text = {0};
    struct quantity q;
    const char *wrong;

    if (json_is_string(value))
        strbuf_addstr(&text, json_string_value(value));
    else
        json_write(&text, value, JSON_TIGHT);
    wrong = go_quantity(strbuf_str(&text), &q);
    if (wrong)
        c->wrong = mem_strdup(wrong);
    return !wrong;
}

static bool check_time(struct checker *c, const json_t *value, bool micro)
{
    if (!json_is_string(value))
        return mismatch(c, value, "string");
    c->wrong = go_time_error(json_string_value(value), micro);
    return !c->wrong;
}

static bool check_duration(struct checker *c, const json_t *value)
{
    int64_t ns;

    if (!json_is_string(value))
        return mismatch(c, value, "string");
    if (!duration_parse(json_string_value(value), &ns))
        c->wrong = mem_printf("time: invalid duration \"%s\"", json_string_value(value));
    return !c->wrong;
}

static bool check_strings(struct checker *c, const char *type_name, const json_t *value)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(value))
        return mismatch(c, value, type_name);
    json_array_foreach(value, i, item) if (!json_is_string(item) &&
                                           !json_is_null(item)) return mismatch(c, item, "string");
    return true;
}

static bool check_schemas(struct checker *c, const struct kube_field *f, const json_t *list)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i,
                       item) if (!check_message(c, f->type, go_name(f->type), item)) return false;
    return true;
}

/* What is neither a schema nor the other thing is nothing to Go, but for a bool. */
static bool check_schema_or(struct checker *c, const struct kube_field *f, const json_t *value)
{
    bool apart = c->apart, ok = true;

    c->apart = true;
    if (json_is_object(value))
        ok = check_message(c, f->type, go_name(f->type), value);
    else if (json_is_array(value) && f->scalar == KUBE_SCHEMA_OR_ARRAY)
        ok = check_schemas(c, f, value);
    else if (json_is_array(value) && f->scalar == KUBE_SCHEMA_OR_STRINGS)
        ok = check_strings(c, "[]string", value);
    else if (!json_is_boolean(value) && f->scalar == KUBE_SCHEMA_OR_BOOL)
        c->wrong = mem_strdup("boolean or JSON schema expected");
    c->apart = apart;
    return ok && !c->wrong;
}

static bool check_value(struct checker *c, const struct kube_field *f, const char *type_name,
                        const json_t *value)
{
    if (json_is_null(value))
        return true;
    switch (f->scalar) {
    case KUBE_STRING:
        return expect(c, json_is_string(value), value, type_name);
    case KUBE_BOOL:
        return expect(c, json_is_boolean(value), value, type_name);
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_UINT32:
    case KUBE_UINT64:
        return check_integer(c, f->scalar, type_name, value);
    case KUBE_DOUBLE:
        return expect(c, json_is_number(value), value, type_name);
    case KUBE_BYTES:
        return check_base64(c, value);
    case KUBE_QUANTITY:
        return check_quantity(c, value);
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
        return check_time(c, value, f->scalar == KUBE_MICRO_TIME);
    case KUBE_DURATION:
        return check_duration(c, value);
    case KUBE_INT_OR_STRING:
        return json_is_string(value) || check_integer(c, f->scalar, "int32", value);
    case KUBE_STRING_LIST:
        return check_strings(c, type_name, value);
    case KUBE_SCHEMA_OR_ARRAY:
    case KUBE_SCHEMA_OR_BOOL:
    case KUBE_SCHEMA_OR_STRINGS:
        return check_schema_or(c, f, value);
    case KUBE_MESSAGE:
        return check_message(c, f->type, type_name, value);
    case KUBE_RAW:
    case KUBE_FIELDS_V1:
        break;
    }
    return true;
}

/* ---- fields ---- */

/* The name of an element's type, from its container's: "[]v1.Container", "map[string]string". A
 * container with a name of its own holds what has one too. */
static const char *element_name(const struct kube_field *f)
{
    const char *end = strchr(f->go_type, ']');

    if (f->type)
        return go_name(f->type);
    return end ? end + 1 : f->go_type;
}

static bool check_elements(struct checker *c, const struct kube_field *f, const json_t *value)
{
    const char *name = element_name(f), *key;
    json_t *item;
    size_t i;

    if (f->map ? !json_is_object(value) : !json_is_array(value))
        return mismatch(c, value, f->go_type);
    json_array_foreach(value, i, item) if (!check_value(c, f, name, item)) return false;
    json_object_foreach((json_t *)value, key,
                        item) if (!check_value(c, f, name, item)) return false;
    return true;
}

static void add_name(struct checker *c, const char *name)
{
    if (c->path.len)
        strbuf_addch(&c->path, '.');
    strbuf_addstr(&c->path, name);
}

/* Adds the names of the inlined types on the way to f. */
static bool add_inlined(struct checker *c, const struct kube_type *t, const struct kube_field *f)
{
    size_t len = c->path.len;

    if (f >= t->fields && f < t->fields + t->field_count)
        return true;
    for (size_t i = 0; i < t->field_count; i++) {
        if (*t->fields[i].name)
            continue;
        add_name(c, short_name(t->fields[i].type));
        if (add_inlined(c, t->fields[i].type, f))
            return true;
        c->path.len = len;
    }
    return false;
}

static bool check_field(struct checker *c, const struct kube_type *t, const struct kube_field *f,
                        const json_t *value)
{
    size_t len = c->path.len;
    bool ok;

    if (json_is_null(value))
        return true;
    if (t->kind && !t->fields[0].number && (f == &t->fields[0] || f == &t->fields[1]))
        add_name(c, "TypeMeta");
    else
        add_inlined(c, t, f);
    add_name(c, f->name);
    ok = f->map || f->repeated ? check_elements(c, f, value) : check_value(c, f, f->go_type, value);
    c->path.len = len;
    return ok;
}

static bool check_message(struct checker *c, const struct kube_type *t, const char *type_name,
                          const json_t *value)
{
    const char *holder = c->holder, *key;
    json_t *member;

    if (json_is_null(value) || c->depth == JSON_DEPTH_MAX)
        return true;
    if (!json_is_object(value))
        return mismatch(c, value, type_name);
    c->depth++;
    json_object_foreach((json_t *)value, key, member)
    {
        const struct kube_field *f = kube_field_find(t, key);

        c->holder = c->apart ? holder : short_name(t);
        if (f && !check_field(c, t, f, member))
            return false;
    }
    c->holder = holder;
    c->depth--;
    return true;
}

char *kube_type_mismatch(const struct kube_type *t, const json_t *object)
{
    struct checker c = {0};

    check_message(&c, t, go_name(t), object);
    strbuf_finish(&c.path);
    return c.wrong;
}
