/* Optional values. or and orValue are no functions: their argument is evaluated only when it is
 * needed (eval.c). */
#include "cel/functions.h"

static int fn_of(struct cel_context *c, size_t nargs, struct cel_value *args, struct cel_value *ret)
{
    (void)nargs;
    return eval_some(c, &args[0], ret);
}

static int fn_none(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    (void)c;
    (void)nargs;
    (void)args;
    *ret = value_none();
    return 0;
}

static bool is_zero(const struct cel_value *v)
{
    switch (v->type) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return !v->u.boolean;
    case CEL_INT:
    case CEL_UINT:
    case CEL_DURATION:
        return v->u.uinteger == 0;
    case CEL_DOUBLE:
        return v->u.real == 0;
    case CEL_STRING:
    case CEL_BYTES:
        return v->u.text.len == 0;
    case CEL_LIST:
    case CEL_MAP:
        return value_count(v) == 0;
    case CEL_OPTIONAL:
        return !v->u.optional;
    case CEL_QUANTITY:
        return v->u.quantity->nanos == 0;
    case CEL_TIMESTAMP:
    case CEL_TYPE:
    case CEL_URL:
    case CEL_IP:
    case CEL_CIDR:
    case CEL_FORMAT:
    case CEL_ERROR:
    case CEL_TYPE_COUNT:
        break;
    }
    return false;
}

static int fn_of_non_zero(struct cel_context *c, size_t nargs, struct cel_value *args,
                          struct cel_value *ret)
{
    return is_zero(&args[0]) ? fn_none(c, nargs, args, ret) : eval_some(c, &args[0], ret);
}

static int fn_has_value(struct cel_context *c, size_t nargs, struct cel_value *args,
                        struct cel_value *ret)
{
    if (args[0].type != CEL_OPTIONAL)
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(args[0].u.optional != NULL);
    return 0;
}

static int fn_value(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    if (args[0].type != CEL_OPTIONAL)
        return eval_no_overload(c, nargs, args);
    if (!args[0].u.optional)
        return eval_fail(c, ERR_NOT_FOUND, "optional.none() has no value");
    *ret = *args[0].u.optional;
    return 0;
}

static const struct cel_std rows[] = {
    {"optional.of", STD_GLOBAL, 1, 1, 0, fn_of, "A->optional_type(A)", 28, COST_CALL},
    {"optional.none", STD_GLOBAL, 0, 0, 0, fn_none, "->optional_type(A)", 28, COST_CALL},
    {"optional.ofNonZeroValue", STD_GLOBAL, 1, 1, 0, fn_of_non_zero, "A->optional_type(A)", 28,
     COST_CALL},
    {"hasValue", STD_MEMBER, 1, 1, 0, fn_has_value, "optional_type(A)->bool", 28, COST_CALL},
    {"value", STD_MEMBER, 1, 1, 0, fn_value, "optional_type(A)->A", 28, COST_CALL},
};

const struct std_family std_optional = {.rows = rows, .count = ARRAY_LEN(rows)};
