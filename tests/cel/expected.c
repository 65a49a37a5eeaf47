#include "tests/cel/expected.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cel/value.h"

#define TIMESTAMP "type.googleapis.com/google.protobuf.Timestamp"
#define DURATION "type.googleapis.com/google.protobuf.Duration"

static const struct field *only(const struct message *value)
{
    return value && value->count ? &value->fields[0] : NULL;
}

static bool is(const struct field *f, const char *name)
{
    return strcmp(f->name, name) == 0;
}

static int64_t number(const struct message *m, const char *name)
{
    return strtoll(textproto_text(m, name), NULL, 10);
}

static double double_of(const char *text)
{
    if (strcmp(text, "Infinity") == 0)
        return (double)INFINITY;
    if (strcmp(text, "-Infinity") == 0)
        return -(double)INFINITY;
    return strtod(text, NULL);
}

/* What stands in an Any: a time, or something that only protocol buffers have. */
static bool time_of(const struct field *any, struct cel_value *ret)
{
    const struct field *inside = only(any->message);
    int64_t ns;

    if (!inside || !inside->message || (!is(inside, TIMESTAMP) && !is(inside, DURATION)))
        return false;
    ns = number(inside->message, "seconds") * 1000000000 + number(inside->message, "nanos");
    *ret = is(inside, TIMESTAMP) ? cel_timestamp(ns) : cel_duration(ns);
    return true;
}

/* ---- what an evaluation is given ---- */

static bool list_value(struct arena *a, const struct message *list, struct cel_value *ret)
{
    struct cel_list *made = arena_zalloc(a, sizeof *made);

    made->items = arena_zalloc(a, (list->count + 1) * sizeof *made->items);
    for (size_t i = 0; i < list->count; i++)
        if (!expected_value(a, list->fields[i].message, &made->items[made->count++]))
            return false;
    *ret = (struct cel_value){.type = CEL_LIST, .u.list = made};
    return true;
}

static bool map_value(struct arena *a, const struct message *map, struct cel_value *ret)
{
    struct cel_map *made = arena_zalloc(a, sizeof *made);

    made->keys = arena_zalloc(a, (map->count + 1) * sizeof *made->keys);
    made->values = arena_zalloc(a, (map->count + 1) * sizeof *made->values);
    for (size_t i = 0; i < map->count; i++, made->count++)
        if (!expected_value(a, textproto_message(map->fields[i].message, "key"), &made->keys[i]) ||
            !expected_value(a, textproto_message(map->fields[i].message, "value"),
                            &made->values[i]))
            return false;
    *ret = (struct cel_value){.type = CEL_MAP, .u.map = made};
    return true;
}

static struct cel_value text_value(struct arena *a, enum cel_type type, const struct field *f)
{
    return (struct cel_value){.type = type, .u.text = {arena_copy(a, f->text, f->len), f->len}};
}

bool expected_value(struct arena *a, const struct message *value, struct cel_value *ret)
{
    const struct field *f = only(value);

    if (!f)
        return false;
    if (is(f, "null_value"))
        *ret = cel_null();
    else if (is(f, "bool_value"))
        *ret = cel_bool(strcmp(f->text, "true") == 0);
    else if (is(f, "int64_value"))
        *ret = cel_int(strtoll(f->text, NULL, 0));
    else if (is(f, "uint64_value"))
        *ret = (struct cel_value){.type = CEL_UINT, .u.uinteger = strtoull(f->text, NULL, 0)};
    else if (is(f, "double_value"))
        *ret = cel_double(double_of(f->text));
    else if (is(f, "string_value"))
        *ret = text_value(a, CEL_STRING, f);
    else if (is(f, "bytes_value"))
        *ret = text_value(a, CEL_BYTES, f);
    else if (is(f, "type_value"))
        *ret = text_value(a, CEL_TYPE, f);
    else if (is(f, "list_value"))
        return list_value(a, f->message, ret);
    else if (is(f, "map_value"))
        return map_value(a, f->message, ret);
    else
        return is(f, "object_value") && time_of(f, ret);
    return true;
}

/* ---- what it must give ---- */

static bool list_is(const struct message *list, const struct cel_value *got)
{
    if (got->type != CEL_LIST || value_count(got) != list->count)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        struct cel_value item = value_item(got, i);

        if (!expected_is(list->fields[i].message, &item))
            return false;
    }
    return true;
}

static bool map_has(const struct cel_value *map, const struct message *entry)
{
    struct map_cursor cursor = {0};
    struct cel_value key, value;

    while (map_next(map, &cursor, &key, &value))
        if (expected_is(textproto_message(entry, "key"), &key))
            return expected_is(textproto_message(entry, "value"), &value);
    return false;
}

static bool map_is(const struct message *map, const struct cel_value *got)
{
    if (got->type != CEL_MAP || value_count(got) != map->count)
        return false;
    for (size_t i = 0; i < map->count; i++)
        if (!map_has(got, map->fields[i].message))
            return false;
    return true;
}

static bool same_text(const struct cel_value *a, const struct cel_value *b)
{
    return a->u.text.len == b->u.text.len &&
           memcmp(a->u.text.data, b->u.text.data, a->u.text.len) == 0;
}

static bool same_scalar(const struct cel_value *a, const struct cel_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case CEL_DOUBLE:
        return isnan(a->u.real)
                   ? isnan(b->u.real)
                   : a->u.real == b->u.real && !signbit(a->u.real) == !signbit(b->u.real);
    case CEL_STRING:
    case CEL_BYTES:
    case CEL_TYPE:
        return same_text(a, b);
    default:
        return cel_equal(a, b);
    }
}

bool expected_is(const struct message *value, const struct cel_value *got)
{
    const struct field *f = only(value);
    struct arena a = {0};
    struct cel_value want;
    bool same;

    if (f && is(f, "list_value"))
        return list_is(f->message, got);
    if (f && is(f, "map_value"))
        return map_is(f->message, got);
    same = expected_value(&a, value, &want) && same_scalar(&want, got);
    arena_finish(&a);
    return same;
}

bool expected_needs_messages(const struct message *value)
{
    const struct field *f = only(value);
    struct cel_value ignored;

    if (!f || !value)
        return false;
    if (is(f, "object_value"))
        return !time_of(f, &ignored);
    if (is(f, "enum_value"))
        return true;
    if (!f->message)
        return false;
    for (size_t i = 0; i < f->message->count; i++) {
        const struct message *part = f->message->fields[i].message;

        if (is(f, "map_value") ? expected_needs_messages(textproto_message(part, "key")) ||
                                     expected_needs_messages(textproto_message(part, "value"))
                               : expected_needs_messages(part))
            return true;
    }
    return false;
}
