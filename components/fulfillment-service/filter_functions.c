/* What the conditions call: arithmetic that has no value where CEL has an error, texts byte by
 * byte, times. A NULL among the arguments is a NULL as the result. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "cel/ast.h"
#include "components/fulfillment-service/filter_sqlite.h"
#include "kube/time.h"

static enum binary_op op_of(sqlite3_context *c)
{
    return (enum binary_op)(intptr_t)sqlite3_user_data(c);
}

static bool has_null(int count, sqlite3_value **args)
{
    for (int i = 0; i < count; i++)
        if (sqlite3_value_type(args[i]) == SQLITE_NULL)
            return true;
    return false;
}

/* False: an overflow, or a division by zero. */
static bool compute_int(enum binary_op op, int64_t a, int64_t b, int64_t *ret)
{
    switch (op) {
    case OP_ADD:
        return !__builtin_add_overflow(a, b, ret);
    case OP_SUB:
        return !__builtin_sub_overflow(a, b, ret);
    case OP_MUL:
        return !__builtin_mul_overflow(a, b, ret);
    case OP_DIV:
    case OP_MOD:
        if (b == 0 || (a == INT64_MIN && b == -1))
            return false;
        *ret = op == OP_DIV ? a / b : a % b;
        return true;
    default:
        return false;
    }
}

static double compute_double(enum binary_op op, double a, double b)
{
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUB:
        return a - b;
    case OP_MUL:
        return a * b;
    default:
        return a / b;
    }
}

static void compute(sqlite3_context *c, int count, sqlite3_value **args)
{
    int64_t value;

    if (has_null(count, args))
        return;
    if (sqlite3_value_type(args[0]) == SQLITE_FLOAT || sqlite3_value_type(args[1]) == SQLITE_FLOAT)
        sqlite3_result_double(c, compute_double(op_of(c), sqlite3_value_double(args[0]),
                                                sqlite3_value_double(args[1])));
    else if (compute_int(op_of(c), sqlite3_value_int64(args[0]), sqlite3_value_int64(args[1]),
                         &value))
        sqlite3_result_int64(c, value);
}

static void negate(sqlite3_context *c, int count, sqlite3_value **args)
{
    int64_t value;

    if (has_null(count, args))
        return;
    if (sqlite3_value_type(args[0]) == SQLITE_FLOAT)
        sqlite3_result_double(c, -sqlite3_value_double(args[0]));
    else if (compute_int(OP_SUB, 0, sqlite3_value_int64(args[0]), &value))
        sqlite3_result_int64(c, value);
}

struct text {
    const char *data;
    size_t len;
};

static struct text text_of(sqlite3_value *v)
{
    const char *data = (const char *)sqlite3_value_text(v);

    return (struct text){data ? data : "", data ? (size_t)sqlite3_value_bytes(v) : 0};
}

static void starts(sqlite3_context *c, int count, sqlite3_value **args)
{
    struct text a, b;

    if (has_null(count, args))
        return;
    a = text_of(args[0]);
    b = text_of(args[1]);
    sqlite3_result_int(c, a.len >= b.len && memcmp(a.data, b.data, b.len) == 0);
}

static void ends(sqlite3_context *c, int count, sqlite3_value **args)
{
    struct text a, b;

    if (has_null(count, args))
        return;
    a = text_of(args[0]);
    b = text_of(args[1]);
    sqlite3_result_int(c, a.len >= b.len && memcmp(a.data + a.len - b.len, b.data, b.len) == 0);
}

static void contains(sqlite3_context *c, int count, sqlite3_value **args)
{
    struct text a, b;

    if (has_null(count, args))
        return;
    a = text_of(args[0]);
    b = text_of(args[1]);
    sqlite3_result_int(c, b.len == 0 || memmem(a.data, a.len, b.data, b.len) != NULL);
}

static void join(sqlite3_context *c, int count, sqlite3_value **args)
{
    struct text a, b;
    char *both;

    if (has_null(count, args))
        return;
    a = text_of(args[0]);
    b = text_of(args[1]);
    both = mem_alloc(a.len + b.len + 1);
    memcpy(both, a.data, a.len);
    memcpy(both + a.len, b.data, b.len);
    sqlite3_result_text64(c, both, a.len + b.len, free, SQLITE_UTF8);
}

/* Nanoseconds of a stored time; one beyond what they reach counts as not set. */
static void time_of(sqlite3_context *c, int count, sqlite3_value **args)
{
    int64_t ns;

    if (!has_null(count, args) && time_parse(text_of(args[0]).data, &ns))
        sqlite3_result_int64(c, ns);
}

int filter_sqlite_functions(sqlite3 *db)
{
    static const struct {
        const char *name;
        int args;
        enum binary_op op;
        void (*fn)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"filter_add", 2, OP_ADD, compute}, {"filter_sub", 2, OP_SUB, compute},
        {"filter_mul", 2, OP_MUL, compute}, {"filter_div", 2, OP_DIV, compute},
        {"filter_mod", 2, OP_MOD, compute}, {"filter_negate", 1, OP_SUB, negate},
        {"filter_join", 2, OP_ADD, join},   {"filter_starts", 2, OP_EQ, starts},
        {"filter_ends", 2, OP_EQ, ends},    {"filter_contains", 2, OP_EQ, contains},
        {"filter_time", 1, OP_EQ, time_of},
    };
    int code = SQLITE_OK;

    for (size_t i = 0; i < ARRAY_LEN(functions) && code == SQLITE_OK; i++)
        code =
            sqlite3_create_function(db, functions[i].name, functions[i].args,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                    (void *)(intptr_t)functions[i].op, functions[i].fn, NULL, NULL);
    return code;
}
