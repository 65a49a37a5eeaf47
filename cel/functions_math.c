/* cel-spec's extension `math`: of the standard environment, not of Kubernetes'. */
#include <math.h>

#include "cel/functions.h"

/* ---- the least and the greatest ---- */

/* Of one list, or of the arguments; it keeps its type. */
static int choose(struct cel_context *c, size_t nargs, struct cel_value *args,
                  enum value_order wanted, struct cel_value *ret)
{
    bool list = nargs == 1 && args[0].type == CEL_LIST;
    size_t count = list ? value_count(&args[0]) : nargs;
    struct cel_value best = {.type = CEL_NULL};

    for (size_t i = 0; i < count; i++) {
        struct cel_value v = list ? value_item(&args[0], i) : args[i];
        enum value_order order;

        if (eval_charge(c, 1) < 0)
            return -1;
        if (!value_is_number(&v))
            return eval_no_overload(c, nargs, args);
        if (i == 0 || (value_compare(&v, &best, &order) && order == wanted))
            best = v;
    }
    if (count == 0)
        return eval_fail(c, ERR_INVALID, "%s() needs at least one number",
                         wanted == ORDER_LESS ? "math.least" : "math.greatest");
    *ret = best;
    return 0;
}

static int fn_least(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    return choose(c, nargs, args, ORDER_LESS, ret);
}

static int fn_greatest(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    return choose(c, nargs, args, ORDER_GREATER, ret);
}

/* ---- doubles ---- */

#define DEFINE_OF_DOUBLE(name, result)                                                             \
    static int name(struct cel_context *c, size_t nargs, struct cel_value *args,                   \
                    struct cel_value *ret)                                                         \
    {                                                                                              \
        double x = args[0].u.real;                                                                 \
                                                                                                   \
        if (args[0].type != CEL_DOUBLE)                                                            \
            return eval_no_overload(c, nargs, args);                                               \
        *ret = result;                                                                             \
        return 0;                                                                                  \
    }

DEFINE_OF_DOUBLE(fn_ceil, cel_double(ceil(x)))
DEFINE_OF_DOUBLE(fn_floor, cel_double(floor(x)))
DEFINE_OF_DOUBLE(fn_round, cel_double(round(x))) /* halves away from zero */
DEFINE_OF_DOUBLE(fn_trunc, cel_double(trunc(x)))
DEFINE_OF_DOUBLE(fn_is_nan, cel_bool(isnan(x)))
DEFINE_OF_DOUBLE(fn_is_inf, cel_bool(isinf(x)))
DEFINE_OF_DOUBLE(fn_is_finite, cel_bool(isfinite(x)))

/* ---- any number ---- */

static struct cel_value of_uint(uint64_t v)
{
    return (struct cel_value){.type = CEL_UINT, .u.uinteger = v};
}

static int fn_abs(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    if (!value_is_number(&args[0]))
        return eval_no_overload(c, nargs, args);
    if (args[0].type == CEL_INT && args[0].u.integer == INT64_MIN)
        return eval_fail(c, ERR_INVALID, "integer overflow");
    *ret = args[0].type == CEL_INT && args[0].u.integer < 0 ? cel_int(-args[0].u.integer)
           : args[0].type == CEL_DOUBLE                     ? cel_double(fabs(args[0].u.real))
                                                            : args[0];
    return 0;
}

static double sign_of(double x)
{
    return isnan(x) ? x : (double)((x > 0) - (x < 0));
}

static int fn_sign(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    int64_t i = args[0].u.integer;

    if (!value_is_number(&args[0]))
        return eval_no_overload(c, nargs, args);
    *ret = args[0].type == CEL_INT    ? cel_int((i > 0) - (i < 0))
           : args[0].type == CEL_UINT ? of_uint(args[0].u.uinteger > 0)
                                      : cel_double(sign_of(args[0].u.real));
    return 0;
}

static int fn_sqrt(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    if (!value_is_number(&args[0]))
        return eval_no_overload(c, nargs, args);
    *ret = cel_double(sqrt(args[0].type == CEL_INT    ? (double)args[0].u.integer
                           : args[0].type == CEL_UINT ? (double)args[0].u.uinteger
                                                      : args[0].u.real));
    return 0;
}

/* ---- bits, of ints and uints ---- */

static bool is_whole(const struct cel_value *v)
{
    return v->type == CEL_INT || v->type == CEL_UINT;
}

#define DEFINE_BITS(name, operation)                                                               \
    static int name(struct cel_context *c, size_t nargs, struct cel_value *args,                   \
                    struct cel_value *ret)                                                         \
    {                                                                                              \
        if (!is_whole(&args[0]) || args[0].type != args[1].type)                                   \
            return eval_no_overload(c, nargs, args);                                               \
        *ret = args[0];                                                                            \
        ret->u.uinteger = args[0].u.uinteger operation args[1].u.uinteger;                         \
        return 0;                                                                                  \
    }

DEFINE_BITS(fn_bit_and, &)
DEFINE_BITS(fn_bit_or, |)
DEFINE_BITS(fn_bit_xor, ^)

static int fn_bit_not(struct cel_context *c, size_t nargs, struct cel_value *args,
                      struct cel_value *ret)
{
    if (!is_whole(&args[0]))
        return eval_no_overload(c, nargs, args);
    *ret = args[0];
    ret->u.uinteger = ~args[0].u.uinteger;
    return 0;
}

/* Zeros come in, also at the sign of an int: a shift by 64 or more leaves none of the bits. */
static int shift(struct cel_context *c, size_t nargs, struct cel_value *args, bool left,
                 struct cel_value *ret)
{
    int64_t by = args[1].u.integer;
    uint64_t bits = args[0].u.uinteger;

    if (!is_whole(&args[0]) || args[1].type != CEL_INT)
        return eval_no_overload(c, nargs, args);
    if (by < 0)
        return eval_fail(c, ERR_INVALID, "negative shift of bits: %lld", (long long)by);
    *ret = args[0];
    ret->u.uinteger = by >= 64 ? 0 : left ? bits << by : bits >> by;
    return 0;
}

static int fn_shift_left(struct cel_context *c, size_t nargs, struct cel_value *args,
                         struct cel_value *ret)
{
    return shift(c, nargs, args, true, ret);
}

static int fn_shift_right(struct cel_context *c, size_t nargs, struct cel_value *args,
                          struct cel_value *ret)
{
    return shift(c, nargs, args, false, ret);
}

/* Up to two numbers tell the type of the result; more, or mixed ones, do not. */
#define SOME_NUMBERS                                                                               \
    "int->int;uint->uint;double->double;list(int)->int;list(uint)->uint;list(double)->double;"     \
    "list(dyn)->dyn;"                                                                              \
    "int,int->int;int,uint->dyn;int,double->dyn;uint,int->dyn;uint,uint->uint;uint,double->dyn;"   \
    "double,int->dyn;double,uint->dyn;double,double->double;"                                      \
    "dyn,dyn,dyn->dyn;dyn,dyn,dyn,dyn->dyn;dyn,dyn,dyn,dyn,dyn->dyn;dyn,dyn,dyn,dyn,dyn,dyn->dyn;" \
    "dyn,dyn,dyn,dyn,dyn,dyn,dyn->dyn;dyn,dyn,dyn,dyn,dyn,dyn,dyn,dyn->dyn"

static const struct cel_std rows[] = {
    {"math.least", STD_GLOBAL, 1, CEL_ARGS_MAX, 0, fn_least, SOME_NUMBERS, 0, COST_CALL},
    {"math.greatest", STD_GLOBAL, 1, CEL_ARGS_MAX, 0, fn_greatest, SOME_NUMBERS, 0, COST_CALL},
    {"math.ceil", STD_GLOBAL, 1, 1, 0, fn_ceil, "double->double", 0, COST_CALL},
    {"math.floor", STD_GLOBAL, 1, 1, 0, fn_floor, "double->double", 0, COST_CALL},
    {"math.round", STD_GLOBAL, 1, 1, 0, fn_round, "double->double", 0, COST_CALL},
    {"math.trunc", STD_GLOBAL, 1, 1, 0, fn_trunc, "double->double", 0, COST_CALL},
    {"math.isNaN", STD_GLOBAL, 1, 1, 0, fn_is_nan, "double->bool", 0, COST_CALL},
    {"math.isInf", STD_GLOBAL, 1, 1, 0, fn_is_inf, "double->bool", 0, COST_CALL},
    {"math.isFinite", STD_GLOBAL, 1, 1, 0, fn_is_finite, "double->bool", 0, COST_CALL},
    {"math.abs", STD_GLOBAL, 1, 1, 0, fn_abs, "int->int;uint->uint;double->double", 0, COST_CALL},
    {"math.sign", STD_GLOBAL, 1, 1, 0, fn_sign, "int->int;uint->uint;double->double", 0, COST_CALL},
    {"math.sqrt", STD_GLOBAL, 1, 1, 0, fn_sqrt, "int->double;uint->double;double->double", 0,
     COST_CALL},
    {"math.bitAnd", STD_GLOBAL, 2, 2, 0, fn_bit_and, "int,int->int;uint,uint->uint", 0, COST_CALL},
    {"math.bitOr", STD_GLOBAL, 2, 2, 0, fn_bit_or, "int,int->int;uint,uint->uint", 0, COST_CALL},
    {"math.bitXor", STD_GLOBAL, 2, 2, 0, fn_bit_xor, "int,int->int;uint,uint->uint", 0, COST_CALL},
    {"math.bitNot", STD_GLOBAL, 1, 1, 0, fn_bit_not, "int->int;uint->uint", 0, COST_CALL},
    {"math.bitShiftLeft", STD_GLOBAL, 2, 2, 0, fn_shift_left, "int,int->int;uint,int->uint", 0,
     COST_CALL},
    {"math.bitShiftRight", STD_GLOBAL, 2, 2, 0, fn_shift_right, "int,int->int;uint,int->uint", 0,
     COST_CALL},
};

const struct std_family std_math = {.rows = rows, .count = ARRAY_LEN(rows), .standard = true};
