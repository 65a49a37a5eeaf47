/* Kubernetes' quantities: "10Gi" as an exact number. */
#include "cel/functions.h"

static int give_quantity(struct cel_context *c, struct quantity q, struct cel_value *ret)
{
    struct quantity *copy = eval_alloc(c, sizeof *copy);

    if (!copy)
        return -1;
    *copy = q;
    *ret = (struct cel_value){.type = CEL_QUANTITY, .u.quantity = copy};
    return 0;
}

static bool parse(const struct cel_value *v, struct quantity *ret)
{
    char text[QUANTITY_TEXT];

    return v->type == CEL_STRING && text_to_c(v, text, sizeof text) && quantity_parse(text, ret);
}

static int fn_quantity(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    struct quantity q;

    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    if (!parse(&args[0], &q))
        return eval_fail(c, ERR_INVALID, "'%.*s' is not a quantity",
                         args[0].u.text.len > 60 ? 60 : (int)args[0].u.text.len,
                         args[0].u.text.data);
    return give_quantity(c, q, ret);
}

static int fn_is_quantity(struct cel_context *c, size_t nargs, struct cel_value *args,
                          struct cel_value *ret)
{
    struct quantity q;

    if (args[0].type != CEL_STRING)
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(parse(&args[0], &q));
    return 0;
}

/* Both arguments as numbers. */
static int compare(struct cel_context *c, size_t nargs, struct cel_value *args, int *ret)
{
    if (args[0].type != CEL_QUANTITY || args[1].type != CEL_QUANTITY)
        return eval_no_overload(c, nargs, args);
    *ret = quantity_compare(args[0].u.quantity, args[1].u.quantity);
    return 0;
}

#define DEFINE_COMPARE(name, value)                                                                \
    static int name(struct cel_context *c, size_t nargs, struct cel_value *args,                   \
                    struct cel_value *ret)                                                         \
    {                                                                                              \
        int order = 0;                                                                             \
                                                                                                   \
        if (compare(c, nargs, args, &order) < 0)                                                   \
            return -1;                                                                             \
        *ret = value;                                                                              \
        return 0;                                                                                  \
    }

DEFINE_COMPARE(fn_compare_to, cel_int((order > 0) - (order < 0)))
DEFINE_COMPARE(fn_is_less_than, cel_bool(order < 0))
DEFINE_COMPARE(fn_is_greater_than, cel_bool(order > 0))

static const __int128 NANOS = 1000000000;

static int fn_sign(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    if (args[0].type != CEL_QUANTITY)
        return eval_no_overload(c, nargs, args);
    *ret = cel_int((args[0].u.quantity->nanos > 0) - (args[0].u.quantity->nanos < 0));
    return 0;
}

static bool fits_int(const struct quantity *q)
{
    return q->nanos % NANOS == 0 && q->nanos / NANOS <= INT64_MAX && q->nanos / NANOS >= INT64_MIN;
}

static int fn_is_integer(struct cel_context *c, size_t nargs, struct cel_value *args,
                         struct cel_value *ret)
{
    if (args[0].type != CEL_QUANTITY)
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(fits_int(args[0].u.quantity));
    return 0;
}

static int fn_as_integer(struct cel_context *c, size_t nargs, struct cel_value *args,
                         struct cel_value *ret)
{
    if (args[0].type != CEL_QUANTITY)
        return eval_no_overload(c, nargs, args);
    if (!fits_int(args[0].u.quantity))
        return eval_fail(c, ERR_INVALID, "the quantity is not an integer that fits int");
    *ret = cel_int((int64_t)(args[0].u.quantity->nanos / NANOS));
    return 0;
}

static int fn_as_float(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    if (args[0].type != CEL_QUANTITY)
        return eval_no_overload(c, nargs, args);
    *ret = cel_double((double)args[0].u.quantity->nanos / 1e9);
    return 0;
}

static int sum(struct cel_context *c, size_t nargs, struct cel_value *args, int sign,
               struct cel_value *ret)
{
    struct quantity q;
    __int128 other;

    if (args[0].type != CEL_QUANTITY || (args[1].type != CEL_QUANTITY && args[1].type != CEL_INT))
        return eval_no_overload(c, nargs, args);
    q = *args[0].u.quantity;
    other = args[1].type == CEL_INT ? args[1].u.integer * NANOS : args[1].u.quantity->nanos;
    if (sign > 0 ? __builtin_add_overflow(q.nanos, other, &q.nanos)
                 : __builtin_sub_overflow(q.nanos, other, &q.nanos))
        return eval_fail(c, ERR_INVALID, "quantity overflow");
    return give_quantity(c, q, ret);
}

static int fn_add(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    return sum(c, nargs, args, 1, ret);
}

static int fn_sub(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    return sum(c, nargs, args, -1, ret);
}

static const struct cel_std rows[] = {
    {"quantity", STD_GLOBAL, 1, 1, STD_LITERAL, fn_quantity, "string->kubernetes.Quantity", 28,
     COST_TEXT},
    {"isQuantity", STD_GLOBAL, 1, 1, 0, fn_is_quantity, "string->bool", 28, COST_TEXT},
    {"compareTo", STD_MEMBER, 2, 2, 0, fn_compare_to,
     "kubernetes.Quantity,kubernetes.Quantity->int", 28, COST_CALL},
    {"isLessThan", STD_MEMBER, 2, 2, 0, fn_is_less_than,
     "kubernetes.Quantity,kubernetes.Quantity->bool", 28, COST_CALL},
    {"isGreaterThan", STD_MEMBER, 2, 2, 0, fn_is_greater_than,
     "kubernetes.Quantity,kubernetes.Quantity->bool", 28, COST_CALL},
    {"sign", STD_MEMBER, 1, 1, 0, fn_sign, "kubernetes.Quantity->int", 28, COST_CALL},
    {"isInteger", STD_MEMBER, 1, 1, 0, fn_is_integer, "kubernetes.Quantity->bool", 28, COST_CALL},
    {"asInteger", STD_MEMBER, 1, 1, 0, fn_as_integer, "kubernetes.Quantity->int", 28, COST_CALL},
    {"asApproximateFloat", STD_MEMBER, 1, 1, 0, fn_as_float, "kubernetes.Quantity->double", 28,
     COST_CALL},
    {"add", STD_MEMBER, 2, 2, 0, fn_add,
     "kubernetes.Quantity,kubernetes.Quantity->kubernetes.Quantity;kubernetes.Quantity,int->"
     "kubernetes.Quantity",
     28, COST_CALL},
    {"sub", STD_MEMBER, 2, 2, 0, fn_sub,
     "kubernetes.Quantity,kubernetes.Quantity->kubernetes.Quantity;kubernetes.Quantity,int->"
     "kubernetes.Quantity",
     28, COST_CALL},
};

const struct std_family std_quantity = {.rows = rows, .count = ARRAY_LEN(rows)};
