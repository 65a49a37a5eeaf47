/* Compiling structural schemas, and what needs no verdict: pruning and defaulting. */
#include "sim/apiserver/schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cel/re2_shim.h"
#include "sim/apiserver/schema_priv.h"

#define SCHEMA_NODES_MAX 20000u
#define SCHEMA_DEPTH_MAX JSON_DEPTH_MAX

struct compiler {
    struct field_errors *errors;
    struct field_errors *rule_errors; /* told when there are no others */
    size_t nodes;
};

static struct schema *compile(struct compiler *c, const json_t *src, const char *field,
                              unsigned depth, bool inside_junctor);

static void set_destroy(struct schema_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        schema_destroy(set->items[i]);
    free(set->items);
}

void schema_destroy(struct schema *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->prop_count; i++) {
        free(s->props[i].name);
        schema_destroy(s->props[i].schema);
    }
    free(s->props);
    free(s->list_key_names);
    schema_destroy(s->additional);
    schema_destroy(s->items);
    schema_destroy(s->none_of);
    set_destroy(&s->all_of);
    set_destroy(&s->any_of);
    set_destroy(&s->one_of);
    schema_rules_finish(s);
    regex_destroy(s->pattern);
    json_decref(s->source);
    free(s);
}

static enum schema_type type_from(const char *text, bool *ret_known)
{
    static const struct {
        const char *name;
        enum schema_type type;
    } names[] = {
        {"object", TYPE_OBJECT},   {"array", TYPE_ARRAY},   {"string", TYPE_STRING},
        {"integer", TYPE_INTEGER}, {"number", TYPE_NUMBER}, {"boolean", TYPE_BOOLEAN},
    };
    *ret_known = true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i].name, text) == 0)
            return names[i].type;
    *ret_known = false;
    return TYPE_ANY;
}

static int prop_order(const void *a, const void *b)
{
    return strcmp(((const struct schema_prop *)a)->name, ((const struct schema_prop *)b)->name);
}

static void compile_props(struct compiler *c, struct schema *s, const json_t *props,
                          const char *field, unsigned depth, bool inside)
{
    const char *key;
    json_t *value;
    s->props = mem_zalloc((json_object_size(props) + 1) * sizeof(*s->props));
    json_object_foreach((json_t *)props, key, value)
    {
        AUTO(str) char *at = mem_printf("%s.properties[%s]", field, key);
        struct schema *child = compile(c, value, at, depth + 1, inside);
        if (!child)
            continue;
        s->props[s->prop_count].name = mem_strdup(key);
        s->props[s->prop_count].schema = child;
        s->prop_count++;
    }
    if (s->prop_count)
        qsort(s->props, s->prop_count, sizeof(*s->props), prop_order);
}

static void compile_set(struct compiler *c, struct schema_set *set, const json_t *list,
                        const char *field, const char *name, unsigned depth)
{
    if (!json_is_array(list))
        return;
    set->items = mem_zalloc((json_array_size(list) + 1) * sizeof(*set->items));
    for (size_t i = 0; i < json_array_size(list); i++) {
        AUTO(str) char *at = mem_printf("%s.%s[%zu]", field, name, i);
        struct schema *child = compile(c, json_array_get(list, i), at, depth + 1, true);
        if (child)
            set->items[set->count++] = child;
    }
}

static bool number_of(const json_t *src, const char *key, double *ret)
{
    const json_t *v = json_object_get(src, key);
    if (!json_is_number(v))
        return false;
    *ret = json_number_value(v);
    return true;
}

static void compile_pattern(struct compiler *c, struct schema *s, const char *field)
{
    s->pattern_text = json_string_value(json_object_get(s->source, "pattern"));
    if (!s->pattern_text)
        return;
    char why[200];
    s->pattern = regex_create(s->pattern_text, strlen(s->pattern_text), why, sizeof(why));
    if (!s->pattern) {
        AUTO(str) char *at = mem_printf("%s.pattern", field);
        field_errors_add(c->errors, FIELD_INVALID, at, json_object_get(s->source, "pattern"),
                         "must be a valid regular expression, but isn't: %s", why);
    }
}

static int64_t limit_of(const json_t *src, const char *key)
{
    return json_int(src, key, -1);
}

static void compile_scalars(struct compiler *c, struct schema *s, const char *field)
{
    const json_t *src = s->source;
    s->nullable = json_bool(src, "nullable", false);
    s->preserve_unknown =
        json_is_true(json_object_get(src, "x-kubernetes-preserve-unknown-fields"));
    s->int_or_string = json_is_true(json_object_get(src, "x-kubernetes-int-or-string"));
    s->embedded = json_is_true(json_object_get(src, "x-kubernetes-embedded-resource"));
    s->has_min = number_of(src, "minimum", &s->min);
    s->has_max = number_of(src, "maximum", &s->max);
    s->min_exclusive = json_bool(src, "exclusiveMinimum", false);
    s->max_exclusive = json_bool(src, "exclusiveMaximum", false);
    number_of(src, "multipleOf", &s->multiple_of);
    s->len_min = limit_of(src, "minLength");
    s->len_max = limit_of(src, "maxLength");
    s->items_min = limit_of(src, "minItems");
    s->items_max = limit_of(src, "maxItems");
    s->props_min = limit_of(src, "minProperties");
    s->props_max = limit_of(src, "maxProperties");
    s->format = json_str(src, "format");
    const json_t *list = json_object_get(src, "required");
    s->required = json_is_array(list) ? list : NULL;
    list = json_object_get(src, "enum");
    s->enumerate = json_is_array(list) ? list : NULL;
    s->fallback = json_object_get(src, "default");
    compile_pattern(c, s, field);
}

/* The strings of an array, borrowed, NULL-terminated. New. */
static const char **names_of(const json_t *list)
{
    size_t count = 0;
    const char **names = mem_alloc((json_array_size(list) + 1) * sizeof(*names));
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            names[count++] = json_string_value(json_array_get(list, i));
    names[count] = NULL;
    return names;
}

static void compile_list_type(struct schema *s)
{
    const char *type = json_string_value(json_object_get(s->source, "x-kubernetes-list-type"));
    const char *map_type = json_string_value(json_object_get(s->source, "x-kubernetes-map-type"));
    s->atomic_map = map_type && strcmp(map_type, "atomic") == 0;
    s->list_keys = json_object_get(s->source, "x-kubernetes-list-map-keys");
    if (!type || strcmp(type, "atomic") == 0)
        return;
    if (strcmp(type, "set") == 0)
        s->list = LIST_SET;
    else if (strcmp(type, "map") == 0 && json_array_size(s->list_keys) > 0)
        s->list = LIST_MAP;
    if (s->list == LIST_MAP)
        s->list_key_names = names_of(s->list_keys);
}

static void flags_from(struct schema *s, const struct schema *child)
{
    if (!child)
        return;
    s->has_rules |= child->has_rules;
    s->has_defaults |= child->has_defaults;
    s->has_list_types |= child->has_list_types;
}

static void collect_flags(struct schema *s)
{
    s->has_rules = s->rule_count > 0;
    s->has_defaults = s->fallback != NULL;
    s->has_list_types = s->list != LIST_ATOMIC;
    for (size_t i = 0; i < s->prop_count; i++)
        flags_from(s, s->props[i].schema);
    flags_from(s, s->additional);
    flags_from(s, s->items);
}

static void compile_type(struct compiler *c, struct schema *s, const char *field)
{
    const char *type = json_str(s->source, "type");
    if (!type || !*type)
        return;
    bool known;
    s->type = type_from(type, &known);
    if (!known) {
        AUTO(str) char *at = mem_printf("%s.type", field);
        field_errors_add(c->errors, FIELD_NOT_SUPPORTED, at, json_object_get(s->source, "type"),
                         "supported values: \"array\", \"boolean\", \"integer\", \"number\", "
                         "\"object\", \"string\"");
    }
}

static void compile_children(struct compiler *c, struct schema *s, const char *field,
                             unsigned depth, bool inside)
{
    const json_t *src = s->source;
    const json_t *props = json_object_get(src, "properties");
    if (json_is_object(props))
        compile_props(c, s, props, field, depth, inside);

    const json_t *additional = json_object_get(src, "additionalProperties");
    if (json_is_object(additional)) {
        AUTO(str) char *at = mem_printf("%s.additionalProperties", field);
        s->additional = compile(c, additional, at, depth + 1, inside);
    } else {
        s->additional_any = json_is_true(additional);
    }
    const json_t *items = json_object_get(src, "items");
    AUTO(str) char *items_at = mem_printf("%s.items", field);
    if (json_is_object(items))
        s->items = compile(c, items, items_at, depth + 1, inside);
    else if (json_is_array(items))
        field_errors_add(c->errors, FIELD_FORBIDDEN, items_at, NULL,
                         "items must be a schema object and not an array");

    compile_set(c, &s->all_of, json_object_get(src, "allOf"), field, "allOf", depth);
    compile_set(c, &s->any_of, json_object_get(src, "anyOf"), field, "anyOf", depth);
    compile_set(c, &s->one_of, json_object_get(src, "oneOf"), field, "oneOf", depth);
    const json_t *not = json_object_get(src, "not");
    if (json_is_object(not )) {
        AUTO(str) char *at = mem_printf("%s.not", field);
        s->none_of = compile(c, not, at, depth + 1, true);
    }
}

static struct schema *compile(struct compiler *c, const json_t *src, const char *field,
                              unsigned depth, bool inside)
{
    if (!json_is_object(src)) {
        field_errors_add(c->errors, FIELD_INVALID, field, src, "must be a schema");
        return NULL;
    }
    if (depth > SCHEMA_DEPTH_MAX || ++c->nodes > SCHEMA_NODES_MAX) {
        field_errors_add(c->errors, FIELD_FORBIDDEN, field, NULL, "the schema is too large");
        return NULL;
    }
    struct schema *s = mem_zalloc(sizeof(*s));
    s->source = json_incref((json_t *)src);
    compile_type(c, s, field);
    compile_scalars(c, s, field);
    compile_list_type(s);
    compile_children(c, s, field, depth, inside);
    const json_t *rules = json_object_get(src, "x-kubernetes-validations");
    if (json_is_array(rules) && !inside)
        schema_rules_compile(s, rules, field, c->rule_errors);
    collect_flags(s);
    return s;
}

struct schema *schema_compile(const json_t *openapi, const char *field, bool has_status,
                              struct field_errors *errors)
{
    struct field_errors rule_errors = {0};
    struct compiler c = {.errors = errors, .rule_errors = &rule_errors};
    AUTO(schema) struct schema *s = compile(&c, openapi, field, 0, false);
    if (s)
        schema_check_structure(s, field, has_status, errors);
    if (!field_errors_any(errors)) {
        field_errors_finish(errors);
        *errors = rule_errors;
    } else {
        field_errors_finish(&rule_errors);
    }
    if (field_errors_any(errors))
        return NULL;
    return TAKE(s);
}

struct schema *schema_compile_later(const json_t *openapi, bool has_status)
{
    struct schema *s = mem_zalloc(sizeof(*s));
    s->source = json_incref((json_t *)openapi);
    s->later = true;
    s->has_status = has_status;
    return s;
}

void schema_prepare(const struct schema *schema)
{
    struct schema *s = (struct schema *)schema, *made; /* what it means does not change */
    struct field_errors errors = {0};
    if (!s->later)
        return;
    made = schema_compile(s->source, "openAPIV3Schema", s->has_status, &errors);
    if (!made) {
        AUTO(str) char *why = json_text(errors.causes);
        fprintf(stderr, "a built-in schema is not valid: %s\n", why);
        abort();
    }
    json_decref(s->source);
    *s = *made;
    free(made);
    field_errors_finish(&errors);
}

const struct schema *schema_prop(const struct schema *s, const char *name)
{
    size_t lo = 0, hi = s->prop_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(s->props[mid].name, name);
        if (order == 0)
            return s->props[mid].schema;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct schema *schema_of_member(const struct schema *s, const char *name, bool *ret_map_key)
{
    const struct schema *prop = schema_prop(s, name);
    if (ret_map_key)
        *ret_map_key = !prop;
    return prop ? prop : s->additional;
}

/* ---- pruning and defaulting ---- */

static bool is_system_key(const char *key)
{
    return strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0 ||
           strcmp(key, "metadata") == 0;
}

static json_t *fallback_copy(const json_t *v)
{
    /* Scalars are shared: nothing changes one in place. */
    if (json_is_object(v) || json_is_array(v))
        return json_copy_of(v);
    return json_incref((json_t *)v);
}

static void set_defaults(const struct schema *s, json_t *object)
{
    for (size_t i = 0; i < s->prop_count; i++) {
        const struct schema *child = s->props[i].schema;
        if (!child->fallback)
            continue;
        const json_t *have = json_object_get(object, s->props[i].name);
        if (!have || (json_is_null(have) && !child->nullable))
            json_object_set_new_nocheck(object, s->props[i].name, fallback_copy(child->fallback));
    }
}

static void normalise(const struct schema *s, json_t *v, bool resource);

static void normalise_object(const struct schema *s, json_t *object, bool resource)
{
    if (s->has_defaults)
        set_defaults(s, object);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, key, value)
    {
        if (resource && is_system_key(key))
            continue;
        const struct schema *child = schema_prop(s, key);
        if (!child)
            child = s->additional;
        if (!child) {
            if (!s->additional_any && !s->preserve_unknown)
                json_object_del(object, key);
        } else if (json_is_null(value)) {
            if (!child->nullable)
                json_object_del(object, key);
        } else {
            normalise(child, value, child->embedded);
        }
    }
}

static void normalise(const struct schema *s, json_t *v, bool resource)
{
    if (json_is_object(v)) {
        normalise_object(s, v, resource);
    } else if (json_is_array(v) && s->items) {
        for (size_t i = 0; i < json_array_size(v); i++)
            normalise(s->items, json_array_get(v, i), s->items->embedded);
    }
}

void schema_normalise(const struct schema *s, json_t *object)
{
    schema_prepare(s);
    normalise(s, object, true);
}
