/* Operators. Arithmetic is between equal types only, and an overflow is an error; comparisons cross
 * the numeric types. */
#include <assert.h>
#include <math.h>

#include "cel/context.h"

static int give_int(struct cel_context *c, bool overflow, enum cel_type type, int64_t v,
                    struct cel_value *ret)
{
    if (overflow)
        return eval_fail(c, ERR_INVALID, "%s overflow",
                         type == CEL_INT        ? "integer"
                         : type == CEL_DURATION ? "duration"
                                                : "timestamp");
    *ret = (struct cel_value){.type = type, .u.integer = v};
    return 0;
}

/* Whether +, - or * overflows; the types of a, b and *v are the same. */
#define OVERFLOWS(op, a, b, v)                                                                     \
    ((op) == OP_ADD   ? __builtin_add_overflow(a, b, v)                                            \
     : (op) == OP_SUB ? __builtin_sub_overflow(a, b, v)                                            \
                      : __builtin_mul_overflow(a, b, v))

static bool divides(enum binary_op op)
{
    return op == OP_DIV || op == OP_MOD;
}

static int by_zero(struct cel_context *c, enum binary_op op)
{
    return eval_fail(c, ERR_INVALID, op == OP_DIV ? "division by zero" : "modulus by zero");
}

static int int_math(struct cel_context *c, enum binary_op op, int64_t a, int64_t b,
                    struct cel_value *ret)
{
    int64_t v = 0;

    if (!divides(op)) {
        bool overflow = OVERFLOWS(op, a, b, &v);

        return give_int(c, overflow, CEL_INT, v, ret);
    }
    if (b == 0)
        return by_zero(c, op);
    if (a == INT64_MIN && b == -1)
        return give_int(c, true, CEL_INT, 0, ret);
    return give_int(c, false, CEL_INT, op == OP_DIV ? a / b : a % b, ret);
}

static int uint_math(struct cel_context *c, enum binary_op op, uint64_t a, uint64_t b,
                     struct cel_value *ret)
{
    uint64_t v = 0;

    if (divides(op) && b == 0)
        return by_zero(c, op);
    if (divides(op))
        v = op == OP_DIV ? a / b : a % b;
    else if (OVERFLOWS(op, a, b, &v))
        return eval_fail(c, ERR_INVALID, "unsigned integer overflow");
    *ret = (struct cel_value){.type = CEL_UINT, .u.uinteger = v};
    return 0;
}

static int double_math(enum binary_op op, double a, double b, struct cel_value *ret)
{
    double v;

    switch (op) {
    case OP_ADD:
        v = a + b;
        break;
    case OP_SUB:
        v = a - b;
        break;
    case OP_MUL:
        v = a * b;
        break;
    case OP_DIV:
        /* IEEE 754: x / 0.0 is an infinity or NaN, never an error. C leaves it open, compilers for
         * our targets do not. */
        v = b != 0                     ? a / b
            : isnan(a) || a == 0       ? NAN
            : signbit(a) == signbit(b) ? INFINITY
                                       : -INFINITY;
        break;
    default:
        return -1;
    }
    *ret = cel_double(v);
    return 0;
}

static int add_text(struct cel_context *c, const struct cel_value *a, const struct cel_value *b,
                    struct cel_value *ret)
{
    size_t a_len = a->u.text.len, b_len = b->u.text.len;
    enum cel_type type = a->type;
    char *data;

    if (a_len + b_len > CEL_STRING_MAX)
        return eval_fail(c, ERR_LIMIT, "a %s of more than %zu KiB", cel_type_name(type),
                         CEL_STRING_MAX >> 10);
    data = eval_alloc(c, a_len + b_len + 1);
    if (!data || eval_charge(c, (a_len + b_len) / 16) < 0)
        return -1;
    if (a_len)
        memcpy(data, a->u.text.data, a_len);
    if (b_len)
        memcpy(data + a_len, b->u.text.data, b_len);
    data[a_len + b_len] = '\0';
    *ret = value_text(data, a_len + b_len);
    ret->type = type;
    return 0;
}

static int add_lists(struct cel_context *c, const struct cel_value *a, const struct cel_value *b,
                     struct cel_value *ret)
{
    size_t a_count = value_count(a), b_count = value_count(b);
    struct cel_value list;

    if (a_count == 0 || b_count == 0) {
        *ret = a_count ? *a : *b;
        return 0;
    }
    if (eval_charge(c, a_count + b_count) < 0 || eval_new_list(c, a_count + b_count, &list) < 0)
        return -1;
    for (size_t i = 0; i < a_count; i++)
        list.u.list->items[i] = value_item(a, i);
    for (size_t i = 0; i < b_count; i++)
        list.u.list->items[a_count + i] = value_item(b, i);
    *ret = list;
    return 0;
}

/* A timestamp and a duration. */
static int move_time(struct cel_context *c, enum binary_op op, const struct cel_value *time,
                     const struct cel_value *by, struct cel_value *ret)
{
    int64_t s = by->u.integer / NS_PER_S, ns = by->u.integer % NS_PER_S;
    int64_t sign = op == OP_SUB ? -1 : 1;

    if (!value_time(time->u.time.seconds + sign * s, time->u.time.nanos + sign * ns, ret))
        return eval_fail(c, ERR_INVALID, "timestamp overflow");
    return 0;
}

/* Sums and differences of times: 1 when the types are not times. */
static int time_math(struct cel_context *c, enum binary_op op, const struct cel_value *a,
                     const struct cel_value *b, struct cel_value *ret)
{
    bool a_time = a->type == CEL_TIMESTAMP, b_time = b->type == CEL_TIMESTAMP, overflow;
    int64_t v;

    if ((!a_time && a->type != CEL_DURATION) || (!b_time && b->type != CEL_DURATION))
        return 1;
    if ((op != OP_ADD && op != OP_SUB) || (op == OP_ADD && a_time && b_time) ||
        (op == OP_SUB && !a_time && b_time))
        return 1;
    if (a_time != b_time)
        return move_time(c, op, a_time ? a : b, a_time ? b : a, ret);
    if (a_time) {
        overflow = __builtin_sub_overflow(a->u.time.seconds, b->u.time.seconds, &v) ||
                   __builtin_mul_overflow(v, NS_PER_S, &v) ||
                   __builtin_add_overflow(v, a->u.time.nanos - b->u.time.nanos, &v);
        return give_int(c, overflow, CEL_DURATION, v, ret);
    }
    overflow = op == OP_ADD ? __builtin_add_overflow(a->u.integer, b->u.integer, &v)
                            : __builtin_sub_overflow(a->u.integer, b->u.integer, &v);
    return give_int(c, overflow, CEL_DURATION, v, ret);
}

static int arithmetic(struct cel_context *c, enum binary_op op, const struct cel_value *a,
                      const struct cel_value *b, struct cel_value *ret)
{
    struct cel_value types[2] = {*a, *b};
    int rc = 1;

    if (a->type != b->type || a->type == CEL_TIMESTAMP || a->type == CEL_DURATION)
        rc = time_math(c, op, a, b, ret);
    else if (a->type == CEL_INT)
        rc = int_math(c, op, a->u.integer, b->u.integer, ret);
    else if (a->type == CEL_UINT)
        rc = uint_math(c, op, a->u.uinteger, b->u.uinteger, ret);
    else if (a->type == CEL_DOUBLE && op != OP_MOD)
        rc = double_math(op, a->u.real, b->u.real, ret);
    else if (op == OP_ADD && (a->type == CEL_STRING || a->type == CEL_BYTES))
        rc = add_text(c, a, b, ret);
    else if (op == OP_ADD && a->type == CEL_LIST)
        rc = add_lists(c, a, b, ret);
    return rc == 1 ? eval_no_overload(c, 2, types) : rc;
}

static int order(struct cel_context *c, enum binary_op op, const struct cel_value *a,
                 const struct cel_value *b, struct cel_value *ret)
{
    const struct cel_value types[2] = {*a, *b};
    enum value_order found;

    if (!value_compare(a, b, &found))
        return eval_no_overload(c, 2, types);
    switch (op) {
    case OP_LT:
        *ret = cel_bool(found == ORDER_LESS);
        return 0;
    case OP_LE:
        *ret = cel_bool(found == ORDER_LESS || found == ORDER_EQUAL);
        return 0;
    case OP_GT:
        *ret = cel_bool(found == ORDER_GREATER);
        return 0;
    default:
        *ret = cel_bool(found == ORDER_GREATER || found == ORDER_EQUAL);
        return 0;
    }
}

static int equality(struct cel_context *c, enum binary_op op, const struct cel_value *a,
                    const struct cel_value *b, struct cel_value *ret)
{
    uint64_t steps = 0;
    bool equal = value_equal(a, b, &steps);

    *ret = cel_bool(equal == (op == OP_EQ));
    return eval_charge(c, steps - 1);
}

static int membership(struct cel_context *c, const struct cel_value *a, const struct cel_value *b,
                      struct cel_value *ret)
{
    uint64_t steps = 0;
    bool found = false;

    if (b->type == CEL_MAP) {
        struct cel_value ignored;

        *ret = cel_bool(value_lookup(b, a, &ignored));
        return b->is_json ? 0 : eval_charge(c, b->u.map->count / 16);
    }
    if (b->type != CEL_LIST) {
        const struct cel_value types[2] = {*a, *b};

        return eval_no_overload(c, 2, types);
    }
    for (size_t i = 0, count = value_count(b); i < count && !found; i++) {
        struct cel_value item = value_item(b, i);

        found = value_equal(a, &item, &steps);
    }
    *ret = cel_bool(found);
    return eval_charge(c, steps);
}

int eval_binary(struct cel_context *c, enum binary_op op, const struct cel_value *a,
                const struct cel_value *b, struct cel_value *ret)
{
    switch (op) {
    case OP_EQ:
    case OP_NE:
        return equality(c, op, a, b, ret);
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return order(c, op, a, b, ret);
    case OP_IN:
        return membership(c, a, b, ret);
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MOD:
        return arithmetic(c, op, a, b, ret);
    case OP_COUNT:
        break;
    }
    assert(!"unknown operator");
    return -1;
}

int eval_negate(struct cel_context *c, struct cel_value *v)
{
    if (v->type == CEL_DOUBLE) {
        v->u.real = -v->u.real;
        return 0;
    }
    if (v->type == CEL_INT || v->type == CEL_DURATION)
        return give_int(c, v->u.integer == INT64_MIN, v->type,
                        (int64_t)(0 - (uint64_t)v->u.integer), v);
    return eval_no_overload(c, 1, v);
}

/* A list index is an int, or another number with an integer's value. */
static bool index_of(const struct cel_value *key, int64_t *ret)
{
    if (key->type == CEL_INT) {
        *ret = key->u.integer;
    } else if (key->type == CEL_UINT) {
        *ret = key->u.uinteger > INT64_MAX ? INT64_MAX : (int64_t)key->u.uinteger;
    } else if (key->type == CEL_DOUBLE && fabs(key->u.real) < 0x1p53 &&
               trunc(key->u.real) == key->u.real) {
        *ret = (int64_t)key->u.real;
    } else {
        return false;
    }
    return true;
}

static int index_list(struct cel_context *c, const struct cel_value *target,
                      const struct cel_value *key, bool optional, struct cel_value *ret)
{
    struct cel_value item;
    int64_t index;

    if (!index_of(key, &index)) {
        const struct cel_value types[2] = {*target, *key};

        return eval_no_overload(c, 2, types);
    }
    if (index < 0 || (uint64_t)index >= value_count(target)) {
        if (!optional)
            return eval_fail(c, ERR_INVALID, "index out of range: %lld (the list has %zu)",
                             (long long)index, value_count(target));
        *ret = value_none();
        return 0;
    }
    item = value_item(target, (size_t)index);
    if (optional)
        return eval_some(c, &item, ret);
    *ret = item;
    return 0;
}

static int fail_key(struct cel_context *c, const struct cel_value *key)
{
    AUTO(str) char *shown = NULL;

    if (key->type == CEL_STRING)
        return eval_fail(c, ERR_NOT_FOUND, "no such key: %.*s",
                         key->u.text.len > 100 ? 100 : (int)key->u.text.len, key->u.text.data);
    shown = cel_show(key, 60);
    return eval_fail(c, ERR_NOT_FOUND, "no such key: %s", shown);
}

static int index_map(struct cel_context *c, const struct cel_value *target,
                     const struct cel_value *key, bool optional, struct cel_value *ret)
{
    struct cel_value found;

    if (!value_is_number(key) && key->type != CEL_STRING && key->type != CEL_BOOL) {
        const struct cel_value types[2] = {*target, *key};

        return eval_no_overload(c, 2, types);
    }
    if (!target->is_json && eval_charge(c, target->u.map->count / 16) < 0)
        return -1;
    if (!value_lookup(target, key, &found)) {
        if (!optional)
            return fail_key(c, key);
        *ret = value_none();
        return 0;
    }
    if (optional)
        return eval_some(c, &found, ret);
    *ret = found;
    return 0;
}

int eval_index(struct cel_context *c, const struct cel_value *target, const struct cel_value *key,
               bool optional, struct cel_value *ret)
{
    if (target->type == CEL_OPTIONAL) {
        if (!target->u.optional) {
            *ret = value_none();
            return 0;
        }
        target = target->u.optional;
        optional = true;
    }
    if (target->type == CEL_LIST)
        return index_list(c, target, key, optional, ret);
    if (target->type == CEL_MAP)
        return index_map(c, target, key, optional, ret);
    return eval_no_overload(c, 2, (const struct cel_value[]){*target, *key});
}
