/* Verdicts on values: types, limits, enums, patterns, junctors. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cel/re2_shim.h"
#include "cel/utf8.h"
#include "kube/status.h"
#include "sim/apiserver/meta_priv.h"
#include "sim/apiserver/schema.h"
#include "sim/apiserver/schema_priv.h"

/* Of all rules of one object together. */
#define RULES_COST_MAX 10000000u

/* ---- one value ---- */

struct check {
    struct schema_frame *frame;
    struct field_errors *errors;
};

/* Nothing is said of what is stored already, nor beyond what an answer holds. */
static bool reports(const struct check *c)
{
    return !c->errors->truncated && !schema_frame_unchanged(c->frame);
}

static void add_body_error(const struct check *c, const json_t *shown, const char *what)
{
    if (!reports(c))
        return;
    AUTO(strbuf) struct strbuf path = {0};
    schema_frame_path(c->frame, &path);
    field_errors_add(c->errors, FIELD_INVALID, strbuf_str(&path), shown, "%s in body %s",
                     strbuf_str(&path), what);
}

/* A value whose format is wrong counts as one of another type. */
static void add_format_error(const struct check *c, const char *format, const json_t *v)
{
    if (!reports(c))
        return;
    AUTO(strbuf) struct strbuf path = {0};
    AUTO(str) char *shown = json_text(v);
    schema_frame_path(c->frame, &path);
    field_errors_add(c->errors, FIELD_TYPE_INVALID, strbuf_str(&path), v,
                     "%s in body must be of type %s: %s", strbuf_str(&path), format, shown);
}

static void add_limit_error(const struct check *c, const json_t *shown, const char *before,
                            int64_t limit, const char *after)
{
    AUTO(str) char *what = mem_printf("%s%lld%s", before, (long long)limit, after);
    add_body_error(c, shown, what);
}

static const char *type_of(const json_t *v)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null"};

    return words[json_typeof(v)];
}

static const char *type_word(const struct schema *s)
{
    if (s->int_or_string)
        return "integer,string";
    switch (s->type) {
    case TYPE_OBJECT:
        return "object";
    case TYPE_ARRAY:
        return "array";
    case TYPE_STRING:
        return "string";
    case TYPE_INTEGER:
        return "integer";
    case TYPE_NUMBER:
        return "number";
    case TYPE_BOOLEAN:
        return "boolean";
    case TYPE_ANY:
        break;
    }
    return "";
}

static bool is_integral(const json_t *v)
{
    if (json_is_integer(v))
        return true;
    return json_is_real(v) && floor(json_real_value(v)) == json_real_value(v) &&
           fabs(json_real_value(v)) < 9223372036854775808.0;
}

static bool type_fits(const struct schema *s, const json_t *v)
{
    if (s->int_or_string)
        return json_is_integer(v) || json_is_string(v);
    switch (s->type) {
    case TYPE_OBJECT:
        return json_is_object(v);
    case TYPE_ARRAY:
        return json_is_array(v);
    case TYPE_STRING:
        return json_is_string(v);
    case TYPE_INTEGER:
        return is_integral(v);
    case TYPE_NUMBER:
        return json_is_number(v);
    case TYPE_BOOLEAN:
        return json_is_boolean(v);
    case TYPE_ANY:
        return true;
    }
    return true;
}

static void add_type_error(const struct check *c, const struct schema *s, const json_t *v)
{
    if (!reports(c))
        return;
    AUTO(strbuf) struct strbuf path = {0};
    schema_frame_path(c->frame, &path);
    AUTO(json) json_t *shown = json_string(type_of(v));
    field_errors_add(c->errors, FIELD_TYPE_INVALID, strbuf_str(&path), shown,
                     "%s in body must be of type %s: \"%s\"", strbuf_str(&path), type_word(s),
                     type_of(v));
}

static void check_enum(const struct check *c, const struct schema *s, const json_t *v)
{
    for (size_t i = 0; i < json_array_size(s->enumerate); i++)
        if (json_same(json_array_get(s->enumerate, i), v))
            return;
    if (!reports(c))
        return;
    AUTO(strbuf) struct strbuf path = {0};
    AUTO(strbuf) struct strbuf values = {0};
    schema_frame_path(c->frame, &path);
    for (size_t i = 0; i < json_array_size(s->enumerate); i++) {
        const json_t *one = json_array_get(s->enumerate, i);
        strbuf_addstr(&values, i ? ", " : "");
        if (json_is_string(one)) {
            strbuf_addf(&values, "\"%s\"", json_string_value(one));
        } else {
            AUTO(str) char *text = json_text(one);
            strbuf_addf(&values, "\"%s\"", text);
        }
    }
    field_errors_add(c->errors, FIELD_NOT_SUPPORTED, strbuf_str(&path), v, "supported values: %s",
                     strbuf_str(&values));
}

static void check_number(const struct check *c, const struct schema *s, const json_t *v)
{
    double n = json_number_value(v);
    char what[96];
    if (s->multiple_of != 0 && fmod(n, s->multiple_of) != 0) {
        snprintf(what, sizeof(what), "should be a multiple of %.15g", s->multiple_of);
        add_body_error(c, v, what);
    }
    if (s->has_max && (s->max_exclusive ? n >= s->max : n > s->max)) {
        snprintf(what, sizeof(what), "should be less than%s %.15g",
                 s->max_exclusive ? "" : " or equal to", s->max);
        add_body_error(c, v, what);
    }
    if (s->has_min && (s->min_exclusive ? n <= s->min : n < s->min)) {
        snprintf(what, sizeof(what), "should be greater than%s %.15g",
                 s->min_exclusive ? "" : " or equal to", s->min);
        add_body_error(c, v, what);
    }
}

static void add_too_long(const struct check *c, int64_t max)
{
    if (!reports(c))
        return;
    AUTO(strbuf) struct strbuf path = {0};
    schema_frame_path(c->frame, &path);
    field_errors_add(c->errors, FIELD_TOO_LONG, strbuf_str(&path), c->frame->value,
                     "may not be more than %lld bytes", (long long)max);
}

/* Of length and pattern, the first that is wrong is told. */
static void check_text(const struct check *c, const struct schema *s, const json_t *v)
{
    const char *text = json_string_value(v);
    size_t len = json_string_length(v);
    bool counts = s->len_min >= 0 || s->len_max >= 0;
    int64_t chars = counts ? (int64_t)utf8_count(text, len) : 0;
    if (s->len_max >= 0 && chars > s->len_max) {
        add_too_long(c, s->len_max);
    } else if (s->len_min >= 0 && chars < s->len_min) {
        add_limit_error(c, v, "should be at least ", s->len_min, " chars long");
    } else if (s->pattern && !regex_find(s->pattern, text, len, 0, NULL, NULL)) {
        AUTO(str) char *what = mem_printf("should match '%s'", s->pattern_text);
        add_body_error(c, v, what);
    }
}

static void check_string(const struct check *c, const struct schema *s, const json_t *v)
{
    check_text(c, s, v);
    if (s->format && !schema_format_ok(s->format, json_string_value(v)))
        add_format_error(c, s->format, v);
}

static void add_too_many(const struct check *c, size_t have, int64_t max)
{
    if (!reports(c))
        return;
    AUTO(strbuf) struct strbuf path = {0};
    schema_frame_path(c->frame, &path);
    AUTO(json) json_t *count = json_integer((json_int_t)have);
    field_errors_add(c->errors, FIELD_TOO_MANY, strbuf_str(&path), count,
                     "must have at most %lld items", (long long)max);
}

static void check_sizes(const struct check *c, size_t have, int64_t min, int64_t max,
                        const char *unit)
{
    if (max >= 0 && (int64_t)have > max)
        add_too_many(c, have, max);
    if (min >= 0 && (int64_t)have < min) {
        AUTO(str) char *after = mem_printf(" %s", unit);
        AUTO(json) json_t *count = json_integer((json_int_t)have);
        add_limit_error(c, count, "should have at least ", min, after);
    }
}

static void check_required(const struct check *c, const struct schema *s, const json_t *v)
{
    for (size_t i = 0; i < json_array_size(s->required); i++) {
        const char *name = json_string_value(json_array_get(s->required, i));
        if (!name || json_object_get(v, name))
            continue;
        if (!reports(c))
            return;
        AUTO(strbuf) struct strbuf path = {0};
        schema_frame_path_below(c->frame, name, &path);
        field_errors_add(c->errors, FIELD_REQUIRED, strbuf_str(&path), NULL, "%s", "");
    }
}

static void check_type_text(const struct check *c, const char *path, const char *name,
                            const json_t *value)
{
    AUTO(str) char *field = mem_printf("%s.%s", path, name);
    if (!value)
        field_errors_add(c->errors, FIELD_REQUIRED, field, NULL, "must not be empty");
    else if (!json_is_string(value))
        field_errors_add(c->errors, FIELD_INVALID, field, value, "must be a string");
    else if (json_string_length(value) == 0)
        field_errors_add(c->errors, FIELD_INVALID, field, value, "must not be empty");
}

/* Whole objects as values: what they are must be said, metadata may be missing. */
static void check_embedded(const struct check *c, const json_t *v)
{
    const json_t *meta = json_object_get(v, "metadata");
    AUTO(strbuf) struct strbuf path = {0};
    schema_frame_path_below(c->frame, NULL, &path);
    check_type_text(c, strbuf_str(&path), "apiVersion", json_object_get(v, "apiVersion"));
    check_type_text(c, strbuf_str(&path), "kind", json_object_get(v, "kind"));
    if (meta)
        meta_validate_embedded(meta, strbuf_str(&path), c->errors);
}

static void check_object(const struct check *c, const struct schema *s, const json_t *v)
{
    check_sizes(c, json_object_size(v), s->props_min, s->props_max, "properties");
    if (s->embedded && c->frame->up)
        check_embedded(c, v);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)v, key, value)
    {
        struct schema_frame f;
        const struct schema *child = schema_frame_enter(s, c->frame, key, &f);
        if (!child)
            continue;
        /* Keys of maps are written like members here; rules and lists write them with brackets. */
        f.map_key = false;
        schema_validate_values(child, &f, c->errors);
    }
    if (s->required)
        check_required(c, s, v);
}

static void check_array(const struct check *c, const struct schema *s, const json_t *v)
{
    check_sizes(c, json_array_size(v), s->items_min, s->items_max, "items");
    if (!s->items)
        return;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        struct schema_frame f = {.up = c->frame,
                                 .index = i,
                                 .value = item,
                                 .old = schema_correlate(s, item, i, c->frame->old)};
        schema_validate_values(s->items, &f, c->errors);
    }
}

/* ---- junctors ---- */

static bool holds(const struct schema *s, struct schema_frame *f)
{
    /* What ratcheting would hide must still count here: the trial sees no old values. */
    struct schema_frame trial = {.up = NULL, .value = f->value};
    struct field_errors errors = {0};
    schema_validate_values(s, &trial, &errors);
    bool ok = !field_errors_any(&errors);
    field_errors_finish(&errors);
    return ok;
}

/* Said of no field: which one is in the words. */
static void add_junctor_error(const struct check *c, const char *what)
{
    if (!reports(c))
        return;
    AUTO(strbuf) struct strbuf path = {0};
    schema_frame_path(c->frame, &path);
    AUTO(json) json_t *shown = json_string("");
    field_errors_add(c->errors, FIELD_INVALID, "<nil>", shown, "\"%s\" %s", strbuf_str(&path),
                     what);
}

static size_t count_holding(const struct schema_set *set, struct schema_frame *f)
{
    size_t n = 0;
    for (size_t i = 0; i < set->count; i++)
        n += holds(set->items[i], f);
    return n;
}

/* None of them holds: what is wrong with the first is told, too. */
static void add_none_holds(const struct check *c, const struct schema_set *set, const char *what)
{
    add_junctor_error(c, what);
    schema_validate_values(set->items[0], c->frame, c->errors);
}

static void check_one_of(const struct check *c, const struct schema_set *set)
{
    size_t n = count_holding(set, c->frame);
    if (n == 0)
        add_none_holds(c, set, "must validate one and only one schema (oneOf). Found none valid");
    if (n < 2)
        return;
    AUTO(str)
    char *what = mem_printf(
        "must validate one and only one schema (oneOf). Found %zu valid alternatives", n);
    add_junctor_error(c, what);
}

static void check_all_of(const struct check *c, const struct schema_set *set)
{
    if (count_holding(set, c->frame) == set->count)
        return;
    for (size_t i = 0; i < set->count; i++)
        schema_validate_values(set->items[i], c->frame, c->errors);
    add_junctor_error(c, "must validate all the schemas (allOf)");
}

static void check_junctors(const struct check *c, const struct schema *s)
{
    if (s->all_of.count)
        check_all_of(c, &s->all_of);
    if (s->any_of.count && count_holding(&s->any_of, c->frame) == 0)
        add_none_holds(c, &s->any_of, "must validate at least one schema (anyOf)");
    if (s->one_of.count)
        check_one_of(c, &s->one_of);
    if (s->none_of && holds(s->none_of, c->frame))
        add_junctor_error(c, "must not validate the schema (not)");
}

void schema_validate_values(const struct schema *s, struct schema_frame *f,
                            struct field_errors *errors)
{
    struct check c = {f, errors};
    const json_t *v = f->value;
    if (errors->truncated)
        return;
    if (json_is_null(v) && (s->nullable || (s->type == TYPE_ANY && !s->int_or_string)))
        return;
    if (!type_fits(s, v)) {
        add_type_error(&c, s, v);
        return;
    }
    if (s->enumerate)
        check_enum(&c, s, v);
    if (json_is_object(v))
        check_object(&c, s, v);
    else if (json_is_array(v))
        check_array(&c, s, v);
    else if (json_is_string(v))
        check_string(&c, s, v);
    else if (json_is_number(v))
        check_number(&c, s, v);
    check_junctors(&c, s);
}

/* ---- the whole ---- */

/* Lists and rules, once the values (of all or a part) are known to be fine or not. */
static void validate_rest(const struct schema *s, struct schema_frame *root,
                          struct cel_context *cel, struct field_errors *errors)
{
    bool broken = field_errors_any(errors);
    schema_validate_lists(s, root, errors);
    if (!s->has_rules)
        return;
    if (broken) {
        AUTO(json) json_t *nothing = json_string("null");
        field_errors_add(errors, FIELD_INVALID, "<nil>", nothing,
                         "some validation rules were not checked because the object was invalid; "
                         "correct the existing errors to complete validation");
        return;
    }
    struct schema_rules_run run = {.cel = cel, .errors = errors, .budget = RULES_COST_MAX};
    schema_validate_rules(s, root, &run);
}

void schema_validate(const struct schema *s, const json_t *object, const json_t *old,
                     struct cel_context *cel, struct field_errors *errors)
{
    struct schema_frame root = {.value = object, .old = old};
    schema_prepare(s);
    schema_validate_values(s, &root, errors);
    validate_rest(s, &root, cel, errors);
}

void schema_validate_status(const struct schema *s, const json_t *object, const json_t *old,
                            struct cel_context *cel, struct field_errors *errors)
{
    schema_prepare(s);
    const struct schema *status = schema_prop(s, "status");
    struct schema_frame root = {.value = object, .old = old};
    struct schema_frame below = {.up = &root,
                                 .key = "status",
                                 .value = json_object_get(object, "status"),
                                 .old = json_object_get(old, "status")};
    if (status && below.value)
        schema_validate_values(status, &below, errors);
    validate_rest(s, &root, cel, errors);
}
