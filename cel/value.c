/* See value.h. */
#include "cel/value.h"

#include <assert.h>
#include <math.h>

const char *cel_type_name(enum cel_type type)
{
    static const char *const names[] = {
        [CEL_NULL] = "null_type",
        [CEL_BOOL] = "bool",
        [CEL_INT] = "int",
        [CEL_UINT] = "uint",
        [CEL_DOUBLE] = "double",
        [CEL_STRING] = "string",
        [CEL_BYTES] = "bytes",
        [CEL_LIST] = "list",
        [CEL_MAP] = "map",
        [CEL_TIMESTAMP] = "google.protobuf.Timestamp",
        [CEL_DURATION] = "google.protobuf.Duration",
        [CEL_TYPE] = "type",
        [CEL_OPTIONAL] = "optional_type",
        [CEL_QUANTITY] = "kubernetes.Quantity",
        [CEL_URL] = "kubernetes.URL",
        [CEL_IP] = "net.IP",
        [CEL_CIDR] = "net.CIDR",
        [CEL_FORMAT] = "kubernetes.NamedFormat",
        [CEL_ERROR] = "error",
    };

    assert(type < CEL_TYPE_COUNT);
    return names[type];
}

struct cel_value cel_null(void)
{
    return (struct cel_value){.type = CEL_NULL};
}

struct cel_value cel_bool(bool v)
{
    return (struct cel_value){.type = CEL_BOOL, .u.boolean = v};
}

struct cel_value cel_int(int64_t v)
{
    return (struct cel_value){.type = CEL_INT, .u.integer = v};
}

struct cel_value cel_double(double v)
{
    return (struct cel_value){.type = CEL_DOUBLE, .u.real = v};
}

#define FIRST_SECOND INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */

bool value_time(int64_t seconds, int64_t ns, struct cel_value *ret)
{
    int64_t nanos = ns % NS_PER_S, carry = ns / NS_PER_S;

    if (nanos < 0) {
        nanos += NS_PER_S;
        carry--;
    }
    if (__builtin_add_overflow(seconds, carry, &seconds) || seconds < FIRST_SECOND ||
        seconds > LAST_SECOND)
        return false;
    *ret = (struct cel_value){.type = CEL_TIMESTAMP, .u.time = {seconds, (int32_t)nanos}};
    return true;
}

void value_format_time(const struct cel_value *v, char out[TIME_TEXT])
{
    int32_t nanos = v->u.time.nanos;
    unsigned digits = nanos == 0 ? 0 : nanos % 1000000 == 0 ? 3 : nanos % 1000 == 0 ? 6 : 9;

    time_format_seconds(v->u.time.seconds, nanos, digits, out);
}

struct cel_value cel_timestamp(int64_t ns)
{
    struct cel_value v;

    value_time(0, ns, &v);
    return v;
}

struct cel_value cel_duration(int64_t ns)
{
    return (struct cel_value){.type = CEL_DURATION, .u.integer = ns};
}

struct cel_value cel_json(const json_t *json)
{
    struct cel_value v = {.type = CEL_NULL};

    if (!json)
        return v;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        v.type = json_is_object(json) ? CEL_MAP : CEL_LIST;
        v.is_json = true;
        v.u.json = json;
        break;
    case JSON_STRING:
        return value_text(json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return cel_int(json_integer_value(json));
    case JSON_REAL:
        return cel_double(json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        return cel_bool(json_is_true(json));
    case JSON_NULL:
        break;
    }
    return v;
}

size_t value_count(const struct cel_value *v)
{
    assert(v->type == CEL_LIST || v->type == CEL_MAP);
    if (v->is_json)
        return v->type == CEL_LIST ? json_array_size(v->u.json) : json_object_size(v->u.json);
    return v->type == CEL_LIST ? v->u.list->count : v->u.map->count;
}

struct cel_value value_item(const struct cel_value *list, size_t i)
{
    assert(list->type == CEL_LIST);
    if (list->is_json)
        return cel_json(json_array_get(list->u.json, i));
    assert(i < list->u.list->count);
    return list->u.list->items[i];
}

bool value_field(const struct cel_value *map, const char *name, size_t len, struct cel_value *ret)
{
    assert(map->type == CEL_MAP);
    if (map->is_json) {
        const json_t *found = json_object_getn(map->u.json, name, len);

        if (found)
            *ret = cel_json(found);
        return found != NULL;
    }
    for (size_t i = 0; i < map->u.map->count; i++) {
        const struct cel_value *key = &map->u.map->keys[i];

        if (key->type == CEL_STRING && key->u.text.len == len &&
            memcmp(key->u.text.data, name, len) == 0) {
            *ret = map->u.map->values[i];
            return true;
        }
    }
    return false;
}

bool value_lookup(const struct cel_value *map, const struct cel_value *key, struct cel_value *ret)
{
    uint64_t steps = 0;

    if (key->type == CEL_STRING)
        return value_field(map, key->u.text.data, key->u.text.len, ret);
    if (map->is_json)
        return false;
    for (size_t i = 0; i < map->u.map->count; i++) {
        if (value_equal(&map->u.map->keys[i], key, &steps)) {
            *ret = map->u.map->values[i];
            return true;
        }
    }
    return false;
}

bool map_next(const struct cel_value *map, struct map_cursor *cur, struct cel_value *ret_key,
              struct cel_value *ret_value)
{
    if (map->is_json) {
        /* jansson's iterators are not const, but walking changes nothing. */
        json_t *object = (json_t *)map->u.json;

        cur->iter =
            cur->index++ == 0 ? json_object_iter(object) : json_object_iter_next(object, cur->iter);
        if (!cur->iter)
            return false;
        *ret_key = value_text(json_object_iter_key(cur->iter), json_object_iter_key_len(cur->iter));
        *ret_value = cel_json(json_object_iter_value(cur->iter));
        return true;
    }
    if (cur->index >= map->u.map->count)
        return false;
    *ret_key = map->u.map->keys[cur->index];
    *ret_value = map->u.map->values[cur->index];
    cur->index++;
    return true;
}

static enum value_order order_of(bool less, bool greater)
{
    return less ? ORDER_LESS : greater ? ORDER_GREATER : ORDER_EQUAL;
}

static enum value_order compare_double(double a, double b)
{
    return isnan(a) || isnan(b) ? ORDER_NONE : order_of(a<b, a> b);
}

/* Of a number against a double. Values inside the integer's range are compared as doubles, which is
 * lossy above 2^53: that is what the conformance data of the language demands (9223372036854775807
 * == 9223372036854775808.0). */
static enum value_order compare_with_double(const struct cel_value *a, double b)
{
    if (isnan(b))
        return ORDER_NONE;
    if (a->type == CEL_INT) {
        if (b < -0x1p63 || b > 0x1p63)
            return b < 0 ? ORDER_GREATER : ORDER_LESS;
        return compare_double((double)a->u.integer, b);
    }
    if (a->type == CEL_UINT) {
        if (b < 0 || b > 0x1p64)
            return b < 0 ? ORDER_GREATER : ORDER_LESS;
        return compare_double((double)a->u.uinteger, b);
    }
    return compare_double(a->u.real, b);
}

static enum value_order reversed(enum value_order order)
{
    return order == ORDER_LESS ? ORDER_GREATER : order == ORDER_GREATER ? ORDER_LESS : order;
}

static enum value_order compare_numbers(const struct cel_value *a, const struct cel_value *b)
{
    if (b->type == CEL_DOUBLE)
        return compare_with_double(a, b->u.real);
    if (a->type == CEL_DOUBLE)
        return reversed(compare_with_double(b, a->u.real));
    if (a->type == b->type && a->type == CEL_INT)
        return order_of(a->u.integer<b->u.integer, a->u.integer> b->u.integer);
    if (a->type == CEL_INT && a->u.integer < 0)
        return ORDER_LESS;
    if (b->type == CEL_INT && b->u.integer < 0)
        return ORDER_GREATER;
    /* Both are 0 or more, so the bits of an int are those of the uint. */
    return order_of(a->u.uinteger<b->u.uinteger, a->u.uinteger> b->u.uinteger);
}

static enum value_order compare_times(const struct cel_value *a, const struct cel_value *b)
{
    if (a->u.time.seconds != b->u.time.seconds)
        return a->u.time.seconds < b->u.time.seconds ? ORDER_LESS : ORDER_GREATER;
    return a->u.time.nanos == b->u.time.nanos  ? ORDER_EQUAL
           : a->u.time.nanos < b->u.time.nanos ? ORDER_LESS
                                               : ORDER_GREATER;
}

static enum value_order compare_text(const struct cel_value *a, const struct cel_value *b)
{
    size_t a_len = a->u.text.len, b_len = b->u.text.len, shared = a_len < b_len ? a_len : b_len;
    int order = shared ? memcmp(a->u.text.data, b->u.text.data, shared) : 0;

    return order ? order_of(order<0, order> 0) : order_of(a_len<b_len, a_len> b_len);
}

bool value_compare(const struct cel_value *a, const struct cel_value *b, enum value_order *ret)
{
    if (value_is_number(a) && value_is_number(b)) {
        *ret = compare_numbers(a, b);
        return true;
    }
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case CEL_QUANTITY: {
        int order = quantity_compare(a->u.quantity, b->u.quantity);

        *ret = order_of(order<0, order> 0);
        return true;
    }
    case CEL_BOOL:
        *ret = order_of(!a->u.boolean && b->u.boolean, a->u.boolean && !b->u.boolean);
        return true;
    case CEL_STRING:
    case CEL_BYTES:
        *ret = compare_text(a, b);
        return true;
    case CEL_TIMESTAMP:
        *ret = compare_times(a, b);
        return true;
    case CEL_DURATION:
        *ret = order_of(a->u.integer<b->u.integer, a->u.integer> b->u.integer);
        return true;
    default:
        return false;
    }
}

static bool lists_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps)
{
    size_t count = value_count(a);

    if (count != value_count(b))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct cel_value x = value_item(a, i), y = value_item(b, i);

        if (!value_equal(&x, &y, steps))
            return false;
    }
    return true;
}

static bool maps_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps)
{
    struct map_cursor cur = {0};
    struct cel_value key, value, other;

    if (value_count(a) != value_count(b))
        return false;
    while (map_next(a, &cur, &key, &value)) {
        *steps += b->is_json ? 0 : b->u.map->count / 16;
        if (!value_lookup(b, &key, &other) || !value_equal(&value, &other, steps))
            return false;
    }
    return true;
}

static bool optionals_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps)
{
    if (!a->u.optional || !b->u.optional)
        return a->u.optional == b->u.optional;
    return value_equal(a->u.optional, b->u.optional, steps);
}

bool value_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps)
{
    ++*steps;
    if (value_is_number(a) && value_is_number(b))
        return compare_numbers(a, b) == ORDER_EQUAL;
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return a->u.boolean == b->u.boolean;
    case CEL_STRING:
    case CEL_BYTES:
    case CEL_TYPE:
    case CEL_URL:
    case CEL_IP:
    case CEL_CIDR:
    case CEL_FORMAT:
        *steps += a->u.text.len / 64;
        return a->u.text.len == b->u.text.len &&
               (a->u.text.len == 0 || memcmp(a->u.text.data, b->u.text.data, a->u.text.len) == 0);
    case CEL_TIMESTAMP:
        return compare_times(a, b) == ORDER_EQUAL;
    case CEL_DURATION:
        return a->u.integer == b->u.integer;
    case CEL_LIST:
        return lists_equal(a, b, steps);
    case CEL_MAP:
        return maps_equal(a, b, steps);
    case CEL_OPTIONAL:
        return optionals_equal(a, b, steps);
    case CEL_QUANTITY:
        return quantity_compare(a->u.quantity, b->u.quantity) == 0;
    case CEL_INT:
    case CEL_UINT:
    case CEL_DOUBLE:
    case CEL_ERROR:
    case CEL_TYPE_COUNT:
        break;
    }
    return false;
}

bool cel_equal(const struct cel_value *a, const struct cel_value *b)
{
    uint64_t steps = 0;

    return value_equal(a, b, &steps);
}
