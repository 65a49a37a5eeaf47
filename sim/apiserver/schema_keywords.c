/* Keywords of a schema that are refused or belong together wherever they stand (section 6.4), list
 * and map types above all. */
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/apiserver/schema_priv.h"

/* ---- saying it ---- */

void schema_walk_add(const struct schema_walk *w, enum field_error_type type, const char *field,
                     const char *member, const json_t *shown, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    AUTO(str) char *at = *member ? mem_printf("%s.%s", field, member) : mem_strdup(field);
    field_errors_add(w->errors, type, at, shown, "%s", text);
}

const char *schema_type_text(const struct schema *s)
{
    return json_str_or_empty(s->source, "type");
}

static const char *list_type_of(const struct schema *s)
{
    return json_string_value(json_object_get(s->source, "x-kubernetes-list-type"));
}

static const char *map_type_of(const struct schema *s)
{
    return json_string_value(json_object_get(s->source, "x-kubernetes-map-type"));
}

/* "must be X if Y": Required when there is no type, Invalid when it is another one. */
void schema_walk_need_type(const struct schema_walk *w, const struct schema *s, const char *field,
                           const char *type, const char *why)
{
    if (strcmp(schema_type_text(s), type) == 0)
        return;
    bool none = !*schema_type_text(s);
    schema_walk_add(w, none ? FIELD_REQUIRED : FIELD_INVALID, field, "type",
                    none ? NULL : json_object_get(s->source, "type"), "%s", why);
}

/* ---- keywords, anywhere ---- */

static void check_unsupported(const struct schema_walk *w, const struct schema *s,
                              const char *field)
{
    static const char *const keywords[] = {"id",          "additionalItems", "patternProperties",
                                           "definitions", "dependencies",    "$ref"};
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
        if (json_object_get(s->source, keywords[i]))
            schema_walk_add(w, FIELD_FORBIDDEN, field, keywords[i], NULL, "%s is not supported",
                            keywords[i]);
    if (strcmp(schema_type_text(s), "null") == 0)
        schema_walk_add(w, FIELD_FORBIDDEN, field, "type", NULL,
                        "type cannot be set to null, use nullable as an alternative");
    if (json_is_true(json_object_get(s->source, "uniqueItems")))
        schema_walk_add(
            w, FIELD_FORBIDDEN, field, "uniqueItems", NULL,
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    const json_t *more = json_object_get(s->source, "additionalProperties");
    if (s->prop_count && more && !json_is_true(more))
        schema_walk_add(w, FIELD_FORBIDDEN, field, "additionalProperties", NULL,
                        "additionalProperties and properties are mutual exclusive");
    const json_t *keep = json_object_get(s->source, "x-kubernetes-preserve-unknown-fields");
    if (json_is_false(keep))
        schema_walk_add(w, FIELD_INVALID, field, "x-kubernetes-preserve-unknown-fields", keep,
                        "must be true or undefined");
}

/* ---- lists and maps ---- */

static void check_map_type(const struct schema_walk *w, const struct schema *s, const char *field)
{
    const char *type = map_type_of(s);
    if (!type)
        return;
    schema_walk_need_type(w, s, field, "object",
                          "must be object if x-kubernetes-map-type is specified");
    if (strcmp(type, "atomic") != 0 && strcmp(type, "granular") != 0)
        schema_walk_add(w, FIELD_NOT_SUPPORTED, field, "x-kubernetes-map-type",
                        json_object_get(s->source, "x-kubernetes-map-type"),
                        "supported values: \"atomic\", \"granular\"");
}

/* Items of a set are compared as a whole, so none of them may be merged inside. */
static void check_set_items(const struct schema_walk *w, const struct schema *items,
                            const char *field)
{
    const char *list = list_type_of(items), *map = map_type_of(items);
    const char *why = "must be atomic as item of a list with x-kubernetes-list-type=set";
    if (items->type == TYPE_ARRAY && list && strcmp(list, "atomic") != 0)
        schema_walk_add(w, FIELD_INVALID, field, "items.x-kubernetes-list-type",
                        json_object_get(items->source, "x-kubernetes-list-type"), "%s", why);
    if (items->type == TYPE_OBJECT && (!map || strcmp(map, "atomic") != 0)) {
        AUTO(json) json_t *nothing = json_null();
        schema_walk_add(w, FIELD_INVALID, field, "items.x-kubernetes-map-type", nothing, "%s", why);
    }
}

static bool is_required(const struct schema *s, const char *name)
{
    for (size_t i = 0; i < json_array_size(s->required); i++) {
        const char *one = json_string_value(json_array_get(s->required, i));
        if (one && strcmp(one, name) == 0)
            return true;
    }
    return false;
}

static bool repeated(const json_t *keys, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (json_equal(json_array_get(keys, k), json_array_get(keys, i)))
            return true;
    return false;
}

static void check_map_key(const struct schema_walk *w, const struct schema *s, size_t i,
                          const char *field)
{
    const json_t *keys = s->list_keys;
    const char *key = json_string_value(json_array_get(keys, i));
    const struct schema *prop = key ? schema_prop(s->items, key) : NULL;
    if (!prop) {
        schema_walk_add(w, FIELD_INVALID, field, "x-kubernetes-list-map-keys", keys,
                        "entries must all be names of item properties");
        return;
    }
    AUTO(str) char *at = mem_printf("%s.items.properties[%s]", field, key);
    if (prop->type == TYPE_ARRAY || prop->type == TYPE_OBJECT)
        schema_walk_add(w, FIELD_INVALID, at, "type", json_object_get(s->items->source, "type"),
                        "must be a scalar type if parent array's x-kubernetes-list-type is map");
    if (repeated(keys, i))
        schema_walk_add(w, FIELD_INVALID, field, "x-kubernetes-list-map-keys", keys,
                        "must not contain duplicate entries");
    if (!is_required(s->items, key) && !prop->fallback)
        schema_walk_add(
            w, FIELD_REQUIRED, at, "default", NULL,
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required property");
    if (prop->nullable)
        schema_walk_add(w, FIELD_FORBIDDEN, at, "nullable", NULL,
                        "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
}

#define MAP_KEYS_MAX 100u

static void check_map_list(const struct schema_walk *w, const struct schema *s, const char *field)
{
    size_t n = json_array_size(s->list_keys);
    if (n == 0)
        schema_walk_add(w, FIELD_REQUIRED, field, "x-kubernetes-list-map-keys", NULL,
                        "must not be empty if x-kubernetes-list-type is map");
    if (!s->items) {
        schema_walk_add(w, FIELD_REQUIRED, field, "items", NULL,
                        "must have a schema if x-kubernetes-list-type is map");
        return;
    }
    if (s->items->type != TYPE_OBJECT) {
        schema_walk_add(w, FIELD_INVALID, field, "items.type",
                        json_object_get(s->items->source, "type"),
                        "must be object if parent array's x-kubernetes-list-type is map");
        return;
    }
    for (size_t i = 0; i < n && i < MAP_KEYS_MAX; i++)
        check_map_key(w, s, i, field);
}

static void check_list_type(const struct schema_walk *w, const struct schema *s, const char *field)
{
    const char *type = list_type_of(s);
    bool map = type && strcmp(type, "map") == 0, set = type && strcmp(type, "set") == 0;
    const json_t *shown = json_object_get(s->source, "x-kubernetes-list-type");
    if (type)
        schema_walk_need_type(w, s, field, "array",
                              "must be array if x-kubernetes-list-type is specified");
    if (set && s->type == TYPE_ARRAY && s->items)
        check_set_items(w, s->items, field);
    if (type && !map && !set && strcmp(type, "atomic") != 0)
        schema_walk_add(w, FIELD_NOT_SUPPORTED, field, "x-kubernetes-list-type", shown,
                        "supported values: \"atomic\", \"set\", \"map\"");
    if (json_array_size(s->list_keys) && !map)
        schema_walk_add(w, type ? FIELD_INVALID : FIELD_REQUIRED, field, "x-kubernetes-list-type",
                        type ? shown : NULL,
                        "must be map if x-kubernetes-list-map-keys is non-empty");
    if (map)
        check_map_list(w, s, field);
    if ((map || set) && s->items && s->items->nullable)
        schema_walk_add(w, FIELD_FORBIDDEN, field, "items.nullable", NULL,
                        "cannot be nullable when x-kubernetes-list-type is %s", type);
}

void schema_walk_keywords(const struct schema_walk *w, const struct schema *s, const char *field)
{
    check_unsupported(w, s, field);
    check_map_type(w, s, field);
    check_list_type(w, s, field);
}
