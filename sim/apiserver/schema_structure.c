/* Structural rules: what may stand where in a schema (section 6.4). The compiled tree is walked
 * once; errors carry kube-apiserver's paths and words. Depth is bounded by the compiler's limit. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/apiserver/schema_priv.h"

enum level { LEVEL_ROOT, LEVEL_ITEM, LEVEL_FIELD };

/* ---- inside of allOf, anyOf, oneOf, not: values only ---- */

static bool has_text(const struct schema *s, const char *key)
{
    const char *text = json_string_value(json_object_get(s->source, key));
    return text && *text;
}

/* What no junctor may hold, and what would be fine instead. */
static void check_generics(const struct schema_walk *w, const struct schema *v, const char *field)
{
    static const char *const flags[] = {"nullable", "x-kubernetes-preserve-unknown-fields",
                                        "x-kubernetes-embedded-resource",
                                        "x-kubernetes-int-or-string"};
    static const char *const texts[] = {"type", "title", "description"};
    static const char *const lists[] = {"x-kubernetes-list-map-keys", "x-kubernetes-validations"};
    static const char *const any[] = {"additionalProperties", "default", "x-kubernetes-list-type",
                                      "x-kubernetes-map-type"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (has_text(v, texts[i]))
            schema_walk_add(w, FIELD_FORBIDDEN, field, texts[i], NULL,
                            "must be empty to be structural");
    for (size_t i = 0; i < ARRAY_LEN(any); i++)
        if (json_object_get(v->source, any[i]))
            schema_walk_add(w, FIELD_FORBIDDEN, field, any[i], NULL,
                            "must be undefined to be structural");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (json_is_true(json_object_get(v->source, flags[i])))
            schema_walk_add(w, FIELD_FORBIDDEN, field, flags[i], NULL,
                            "must be false to be structural");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (json_array_size(json_object_get(v->source, lists[i])))
            schema_walk_add(w, FIELD_FORBIDDEN, field, lists[i], NULL,
                            "must be empty to be structural");
    if (schema_prop(v, "metadata"))
        schema_walk_add(w, FIELD_FORBIDDEN, field, "properties[metadata]", NULL,
                        "must not be specified in a nested context");
}

static void check_junctors(const struct schema_walk *w, const struct schema *v,
                           const struct schema *s, const char *field, const char *place,
                           bool outermost);

/* v constrains what s declares; s NULL: nothing does. */
static void check_nested(const struct schema_walk *w, const struct schema *v,
                         const struct schema *s, const char *field, const char *place)
{
    if (!s)
        schema_walk_add(w, FIELD_REQUIRED, place, "", NULL, "because it is defined in %s", field);
    schema_walk_keywords(w, v, field);
    check_generics(w, v, field);
    check_junctors(w, v, s, field, place, /* outermost= */ false);
    if (v->items) {
        AUTO(str) char *at = mem_printf("%s.items", field);
        AUTO(str) char *there = mem_printf("%s.items", place);
        /* Upstream names the missing parent and stops looking below it. */
        check_nested(w, v->items, s ? s->items : v->items, at, there);
    }
    for (size_t i = 0; i < v->prop_count; i++) {
        AUTO(str) char *at = mem_printf("%s.properties[%s]", field, v->props[i].name);
        AUTO(str) char *there = mem_printf("%s.properties[%s]", place, v->props[i].name);
        check_nested(w, v->props[i].schema,
                     s ? schema_prop(s, v->props[i].name) : v->props[i].schema, at, there);
    }
}

static void check_set_of(const struct schema_walk *w, const struct schema_set *set,
                         const char *name, const struct schema *s, const char *field,
                         const char *place, size_t from)
{
    for (size_t i = from; i < set->count; i++) {
        AUTO(str) char *at = mem_printf("%s.%s[%zu]", field, name, i);
        check_nested(w, set->items[i], s, at, place);
    }
}

static bool is_int_or_string(const struct schema_walk *w, const struct schema *v)
{
    const json_t *any = json_object_get(v->source, "anyOf");
    return any && json_same(any, w->int_or_string);
}

/* allOf whose first member is the int-or-string pattern: that member's types are fine. */
static void check_all_of(const struct schema_walk *w, const struct schema *v,
                         const struct schema *s, const char *field, const char *place,
                         bool outermost)
{
    size_t from = 0;
    if (outermost && v->all_of.count && is_int_or_string(w, v->all_of.items[0])) {
        AUTO(str) char *at = mem_printf("%s.allOf[0]", field);
        schema_walk_keywords(w, v->all_of.items[0], at);
        check_generics(w, v->all_of.items[0], at);
        from = 1;
    }
    check_set_of(w, &v->all_of, "allOf", s, field, place, from);
}

static void check_junctors(const struct schema_walk *w, const struct schema *v,
                           const struct schema *s, const char *field, const char *place,
                           bool outermost)
{
    if (!outermost || !is_int_or_string(w, v))
        check_set_of(w, &v->any_of, "anyOf", s, field, place, 0);
    check_all_of(w, v, s, field, place, outermost);
    check_set_of(w, &v->one_of, "oneOf", s, field, place, 0);
    if (v->none_of) {
        AUTO(str) char *at = mem_printf("%s.not", field);
        check_nested(w, v->none_of, s, at, place);
    }
}

/* ---- the structure ---- */

static void check_extensions(const struct schema_walk *w, const struct schema *s, const char *field)
{
    AUTO(json) json_t *yes = json_true();
    if (s->int_or_string && s->preserve_unknown)
        schema_walk_add(w, FIELD_INVALID, field, "x-kubernetes-preserve-unknown-fields", yes,
                        "must be false if x-kubernetes-int-or-string is true");
    if (s->int_or_string && s->embedded)
        schema_walk_add(w, FIELD_INVALID, field, "x-kubernetes-embedded-resource", yes,
                        "must be false if x-kubernetes-int-or-string is true");
    if (s->embedded && json_object_get(s->source, "additionalProperties"))
        schema_walk_add(w, FIELD_FORBIDDEN, field, "additionalProperties", NULL,
                        "must not be used if x-kubernetes-embedded-resource is set");
    if (s->embedded && !s->preserve_unknown && s->prop_count == 0)
        schema_walk_add(w, FIELD_REQUIRED, field, "properties", NULL,
                        "must not be empty if x-kubernetes-embedded-resource is true without "
                        "x-kubernetes-preserve-unknown-fields");
}

static void check_type(const struct schema_walk *w, const struct schema *s, const char *field,
                       enum level level)
{
    static const char *const empty[] = {
        [LEVEL_ROOT] = "must not be empty at the root",
        [LEVEL_ITEM] = "must not be empty for specified array items",
        [LEVEL_FIELD] = "must not be empty for specified object fields",
    };
    if (s->embedded)
        schema_walk_need_type(w, s, field, "object",
                              "must be object if x-kubernetes-embedded-resource is true");
    else if (!*schema_type_text(s) && !s->int_or_string && !s->preserve_unknown)
        schema_walk_add(w, FIELD_REQUIRED, field, "type", NULL, "%s", empty[level]);
    if (level == LEVEL_ROOT && *schema_type_text(s) && strcmp(schema_type_text(s), "object") != 0)
        schema_walk_add(w, FIELD_INVALID, field, "type", json_object_get(s->source, "type"),
                        "must be object at the root");
    if (s->type == TYPE_ARRAY && !s->items && !json_is_array(json_object_get(s->source, "items")))
        schema_walk_add(w, FIELD_REQUIRED, field, "items", NULL, "must be specified");
}

/* Of its metadata a kind may narrow the names, and nothing else. */
static bool narrows_names_only(const struct schema *meta)
{
    static const char *const harmless[] = {"type", "properties", "description", "default"};
    if (json_other_key(meta->source, harmless, ARRAY_LEN(harmless)))
        return false;
    for (size_t i = 0; i < meta->prop_count; i++)
        if (strcmp(meta->props[i].name, "name") != 0 &&
            strcmp(meta->props[i].name, "generateName") != 0)
            return false;
    return true;
}

static void check_meta(const struct schema_walk *w, const struct schema *s, const char *field,
                       enum level level)
{
    static const char *const texts[] = {"kind", "apiVersion"};
    const struct schema *meta = schema_prop(s, "metadata");
    bool resource = level == LEVEL_ROOT || s->embedded;
    for (size_t i = 0; resource && i < ARRAY_LEN(texts); i++) {
        const struct schema *prop = schema_prop(s, texts[i]);
        AUTO(str) char *at = mem_printf("properties[%s].type", texts[i]);
        AUTO(json) json_t *shown = json_string(prop ? schema_type_text(prop) : "");
        if (prop && prop->type != TYPE_STRING)
            schema_walk_add(w, FIELD_INVALID, field, at, shown, "must be string");
    }
    AUTO(json) json_t *shown = json_string(meta ? schema_type_text(meta) : "");
    if (meta && resource && meta->type != TYPE_OBJECT)
        schema_walk_add(w, FIELD_INVALID, field, "properties[metadata].type", shown,
                        "must be object");
    if (meta && level == LEVEL_ROOT && !narrows_names_only(meta))
        schema_walk_add(
            w, FIELD_FORBIDDEN, field, "properties[metadata]", NULL,
            "must not specify anything other than name and generateName, but metadata is "
            "implicitly specified");
}

static void check_default(const struct schema_walk *w, const struct schema *s, const char *field);

static void check_schema(const struct schema_walk *w, const struct schema *s, const char *field,
                         enum level level, const char *no_default)
{
    check_type(w, s, field, level);
    check_extensions(w, s, field);
    check_meta(w, s, field, level);
    check_junctors(w, s, s, field, field, /* outermost= */ true);
    schema_walk_keywords(w, s, field);
    if (s->fallback && no_default)
        schema_walk_add(w, FIELD_FORBIDDEN, field, "default", NULL,
                        "must not be set in top-level %s", no_default);
    else if (s->fallback && !json_is_null(s->fallback))
        check_default(w, s, field);
    if (level == LEVEL_ROOT && json_object_get(s->source, "additionalProperties"))
        schema_walk_add(w, FIELD_FORBIDDEN, field, "additionalProperties", NULL,
                        "must not be used at the root");
    for (size_t i = 0; i < s->prop_count; i++) {
        const char *name = s->props[i].name;
        AUTO(str) char *at = mem_printf("%s.properties[%s]", field, name);
        bool meta =
            level == LEVEL_ROOT && (strcmp(name, "metadata") == 0 || strcmp(name, "kind") == 0 ||
                                    strcmp(name, "apiVersion") == 0);
        check_schema(w, s->props[i].schema, at, LEVEL_FIELD, meta ? name : no_default);
    }
    if (s->items) {
        AUTO(str) char *at = mem_printf("%s.items", field);
        check_schema(w, s->items, at, LEVEL_ITEM, no_default);
    }
    if (s->additional) {
        AUTO(str) char *at = mem_printf("%s.additionalProperties", field);
        check_schema(w, s->additional, at, LEVEL_FIELD, no_default);
    }
}

/* ---- defaults ---- */

static bool is_known(const struct schema *s, const char *key)
{
    static const char *const meta[] = {"apiVersion", "kind", "metadata"};
    for (size_t i = 0; s->embedded && i < ARRAY_LEN(meta); i++)
        if (strcmp(meta[i], key) == 0)
            return true;
    return schema_prop(s, key) || s->additional || s->additional_any || s->preserve_unknown;
}

static bool is_pruned(const struct schema *s, const json_t *v)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)v, key, value)
    {
        const struct schema *child = schema_prop(s, key);
        if (!child)
            child = s->additional;
        if (!is_known(s, key) || (child && !is_pruned(child, value)))
            return false;
    }
    for (size_t i = 0; s->items && i < json_array_size(v); i++)
        if (!is_pruned(s->items, json_array_get(v, i)))
            return false;
    return true;
}

/* What a default writes must be as good as what a client writes. Its rules are not tried: a rule
 * that fails will say so at the first write. */
static void check_default(const struct schema_walk *w, const struct schema *s, const char *field)
{
    AUTO(str) char *at = mem_printf("%s.default", field);
    if (!is_pruned(s, s->fallback)) {
        schema_walk_add(w, FIELD_INVALID, at, "", s->fallback, "must not have unknown fields");
        return;
    }
    struct schema_frame root = {0};
    struct schema_frame frame = {.up = &root, .key = at, .value = s->fallback};
    schema_validate_values(s, &frame, w->errors);
}

/* ---- the root ---- */

/* A status that is written alone is validated by properties[status] alone: nothing else at the root
 * may judge it. */
static void check_root(const struct schema_walk *w, const struct schema *s, const char *field,
                       bool has_status)
{
    static const char *const allowed[] = {"description",
                                          "type",
                                          "format",
                                          "title",
                                          "maximum",
                                          "exclusiveMaximum",
                                          "minimum",
                                          "exclusiveMinimum",
                                          "maxLength",
                                          "minLength",
                                          "pattern",
                                          "maxItems",
                                          "minItems",
                                          "uniqueItems",
                                          "multipleOf",
                                          "required",
                                          "items",
                                          "properties",
                                          "externalDocs",
                                          "example",
                                          "x-kubernetes-preserve-unknown-fields",
                                          "x-kubernetes-validations"};
    static const char words[] =
        "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum "
        "MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items "
        "Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed "
        "at the root of the schema if the status subresource is enabled";
    const char *key;
    json_t *value;
    if (s->nullable)
        schema_walk_add(w, FIELD_FORBIDDEN, field, "nullable", NULL,
                        "nullable cannot be true at the root");
    if (!has_status)
        return;
    if (*schema_type_text(s) && strcmp(schema_type_text(s), "object") != 0)
        schema_walk_add(
            w, FIELD_INVALID, field, "type", json_object_get(s->source, "type"),
            "only \"object\" is allowed as the type at the root of the schema if the status "
            "subresource is enabled");
    json_object_foreach(s->source, key, value)
    {
        size_t i = 0;
        while (i < ARRAY_LEN(allowed) && strcmp(allowed[i], key) != 0)
            i++;
        if (i < ARRAY_LEN(allowed) || json_is_false(value))
            continue;
        schema_walk_add(w, FIELD_INVALID, field, "", s->source, "%s", words);
        return;
    }
}

void schema_check_structure(const struct schema *s, const char *field, bool has_status,
                            struct field_errors *errors)
{
    AUTO(json)
    json_t *pattern = json_pack("[{s:s}, {s:s}]", "type", "integer", "type", "string");
    const struct schema_walk w = {.errors = errors, .int_or_string = pattern};
    check_root(&w, s, field, has_status);
    check_schema(&w, s, field, LEVEL_ROOT, NULL);
}
