/* Functions on lists: those of Kubernetes, and the set and list extensions that its expressions may
 * use. */
#include "cel/functions.h"

static int fail_order(struct cel_context *c, const struct cel_value *a, const struct cel_value *b)
{
    return eval_fail(c, ERR_INVALID, "%.*s() cannot order %s and %s", (int)c->at->name_len,
                     c->at->name, cel_type_name(a->type), cel_type_name(b->type));
}

static int fn_is_sorted(struct cel_context *c, size_t nargs, struct cel_value *args,
                        struct cel_value *ret)
{
    enum value_order order;

    if (args[0].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    *ret = cel_bool(true);
    for (size_t i = 1, count = value_count(&args[0]); i < count; i++) {
        struct cel_value a = value_item(&args[0], i - 1), b = value_item(&args[0], i);

        if (eval_charge(c, 1) < 0)
            return -1;
        if (!value_compare(&a, &b, &order))
            return fail_order(c, &a, &b);
        if (order == ORDER_GREATER) {
            *ret = cel_bool(false);
            return 0;
        }
    }
    return 0;
}

static int fn_sum(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    struct cel_value sum = cel_int(0);

    if (args[0].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    for (size_t i = 0, count = value_count(&args[0]); i < count; i++) {
        struct cel_value item = value_item(&args[0], i), next;

        if (!value_is_number(&item) && item.type != CEL_DURATION)
            return eval_fail(c, ERR_INVALID, "sum() needs numbers or durations, found %s",
                             cel_type_name(item.type));
        if (i && item.type != sum.type)
            return eval_fail(c, ERR_INVALID, "sum() needs values of one type, found %s and %s",
                             cel_type_name(sum.type), cel_type_name(item.type));
        if (eval_charge(c, 1) < 0 || (i && eval_binary(c, OP_ADD, &sum, &item, &next) < 0))
            return -1;
        sum = i ? next : item;
    }
    *ret = sum;
    return 0;
}

static int extreme(struct cel_context *c, size_t nargs, struct cel_value *args,
                   enum value_order wanted, struct cel_value *ret)
{
    struct cel_value best;
    enum value_order order;
    size_t count;

    if (args[0].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    count = value_count(&args[0]);
    if (count == 0)
        return eval_fail(c, ERR_INVALID, "%.*s() of an empty list", (int)c->at->name_len,
                         c->at->name);
    best = value_item(&args[0], 0);
    for (size_t i = 1; i < count; i++) {
        struct cel_value item = value_item(&args[0], i);

        if (!value_compare(&item, &best, &order))
            return fail_order(c, &item, &best);
        if (order == wanted)
            best = item;
    }
    *ret = best;
    return eval_charge(c, count);
}

static int fn_min(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    return extreme(c, nargs, args, ORDER_LESS, ret);
}

static int fn_max(struct cel_context *c, size_t nargs, struct cel_value *args,
                  struct cel_value *ret)
{
    return extreme(c, nargs, args, ORDER_GREATER, ret);
}

static bool has_item(const struct cel_value *list, size_t count, const struct cel_value *v,
                     uint64_t *steps)
{
    for (size_t i = 0; i < count; i++) {
        struct cel_value item = value_item(list, i);

        if (value_equal(&item, v, steps))
            return true;
    }
    return false;
}

/* How many items of b are in a. */
static int count_shared(struct cel_context *c, const struct cel_value *a, const struct cel_value *b,
                        size_t *ret)
{
    size_t a_count = value_count(a), shared = 0;

    for (size_t i = 0, count = value_count(b); i < count; i++) {
        struct cel_value item = value_item(b, i);
        uint64_t steps = 0;

        shared += has_item(a, a_count, &item, &steps);
        if (eval_charge(c, steps) < 0)
            return -1;
    }
    *ret = shared;
    return 0;
}

enum sets_relation { CONTAINS, INTERSECTS, EQUIVALENT };

static int relate_sets(struct cel_context *c, size_t nargs, struct cel_value *args,
                       enum sets_relation asked, struct cel_value *ret)
{
    size_t b_in_a, a_in_b = 0;
    bool contains;

    if (args[0].type != CEL_LIST || args[1].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    if (count_shared(c, &args[0], &args[1], &b_in_a) < 0 ||
        (asked == EQUIVALENT && count_shared(c, &args[1], &args[0], &a_in_b) < 0))
        return -1;
    contains = b_in_a == value_count(&args[1]);
    if (asked == EQUIVALENT)
        contains = contains && a_in_b == value_count(&args[0]);
    *ret = cel_bool(asked == INTERSECTS ? b_in_a > 0 : contains);
    return 0;
}

#define DEFINE_SETS(name, relation)                                                                \
    static int name(struct cel_context *c, size_t nargs, struct cel_value *args,                   \
                    struct cel_value *ret)                                                         \
    {                                                                                              \
        return relate_sets(c, nargs, args, relation, ret);                                         \
    }

DEFINE_SETS(fn_sets_contains, CONTAINS)
DEFINE_SETS(fn_sets_intersects, INTERSECTS)
DEFINE_SETS(fn_sets_equivalent, EQUIVALENT)

static int fn_distinct(struct cel_context *c, size_t nargs, struct cel_value *args,
                       struct cel_value *ret)
{
    size_t count, kept = 0;

    if (args[0].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    count = value_count(&args[0]);
    if (eval_new_list(c, count, ret) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cel_value item = value_item(&args[0], i);
        uint64_t steps = 1;

        if (!has_item(ret, kept, &item, &steps))
            ret->u.list->items[kept++] = item;
        if (eval_charge(c, steps) < 0)
            return -1;
    }
    ret->u.list->count = kept;
    return 0;
}

static int fn_slice(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    int64_t start = args[1].u.integer, end = args[2].u.integer, count;

    if (args[0].type != CEL_LIST || args[1].type != CEL_INT || args[2].type != CEL_INT)
        return eval_no_overload(c, nargs, args);
    count = (int64_t)value_count(&args[0]);
    if (start < 0 || end < start || end > count)
        return eval_fail(c, ERR_INVALID, "bad slice [%lld, %lld) of a list of %lld",
                         (long long)start, (long long)end, (long long)count);
    if (eval_new_list(c, (size_t)(end - start), ret) < 0)
        return -1;
    for (int64_t i = start; i < end; i++)
        ret->u.list->items[i - start] = value_item(&args[0], (size_t)i);
    return eval_charge(c, (uint64_t)(end - start));
}

/* One level. */
static int fn_flatten(struct cel_context *c, size_t nargs, struct cel_value *args,
                      struct cel_value *ret)
{
    size_t count, total = 0, used = 0;

    if (args[0].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    count = value_count(&args[0]);
    for (size_t i = 0; i < count; i++) {
        struct cel_value item = value_item(&args[0], i);

        total += item.type == CEL_LIST ? value_count(&item) : 1;
    }
    if (eval_charge(c, count + total) < 0 || eval_new_list(c, total, ret) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cel_value item = value_item(&args[0], i);
        size_t inner = item.type == CEL_LIST ? value_count(&item) : 0;

        for (size_t j = 0; j < inner; j++)
            ret->u.list->items[used++] = value_item(&item, j);
        if (item.type != CEL_LIST)
            ret->u.list->items[used++] = item;
    }
    return 0;
}

static int fn_range(struct cel_context *c, size_t nargs, struct cel_value *args,
                    struct cel_value *ret)
{
    if (args[0].type != CEL_INT)
        return eval_no_overload(c, nargs, args);
    if (args[0].u.integer < 0)
        return eval_fail(c, ERR_INVALID, "lists.range() of a negative number");
    if (eval_charge(c, (uint64_t)args[0].u.integer) < 0 ||
        eval_new_list(c, (size_t)args[0].u.integer, ret) < 0)
        return -1;
    for (int64_t i = 0; i < args[0].u.integer; i++)
        ret->u.list->items[i] = cel_int(i);
    return 0;
}

/* Merges the sorted halves [0, half) and [half, count) of from into to. Equal items keep their
 * order. */
static void merge(const struct cel_value *from, size_t half, size_t count, struct cel_value *to)
{
    size_t a = 0, b = half;
    enum value_order order = ORDER_EQUAL;

    for (size_t i = 0; i < count; i++) {
        if (a < half && b < count)
            value_compare(&from[b], &from[a], &order);
        if (b >= count || (a < half && order != ORDER_LESS))
            to[i] = from[a++];
        else
            to[i] = from[b++];
    }
}

static void merge_sort(struct cel_value *items, size_t count, struct cel_value *spare)
{
    size_t half = count / 2;

    if (count < 2)
        return;
    merge_sort(items, half, spare);
    merge_sort(items + half, count - half, spare);
    merge(items, half, count, spare);
    memcpy(items, spare, count * sizeof *items);
}

static int fn_sort(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret)
{
    struct cel_value spare;
    enum value_order order;
    size_t count;

    if (args[0].type != CEL_LIST)
        return eval_no_overload(c, nargs, args);
    count = value_count(&args[0]);
    if (eval_charge(c, 8 * count) < 0 || eval_new_list(c, count, ret) < 0 ||
        eval_new_list(c, count, &spare) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        ret->u.list->items[i] = value_item(&args[0], i);
        if (!value_compare(&ret->u.list->items[i], &ret->u.list->items[0], &order))
            return fail_order(c, &ret->u.list->items[i], &ret->u.list->items[0]);
    }
    merge_sort(ret->u.list->items, count, spare.u.list->items);
    return 0;
}

/* What has an order, as the checker knows it. */
#define IS_ORDERED                                                                                 \
    "list(int)->bool;list(uint)->bool;list(double)->bool;list(bool)->bool;list(duration)->bool;"   \
    "list(timestamp)->bool;list(string)->bool;list(bytes)->bool"
#define ONE_ORDERED                                                                                \
    "list(int)->int;list(uint)->uint;list(double)->double;list(bool)->bool;list(duration)->"       \
    "duration;list(timestamp)->timestamp;list(string)->string;list(bytes)->bytes"
#define ALL_ORDERED                                                                                \
    "list(int)->list(int);list(uint)->list(uint);list(double)->list(double);list(bool)->list("     \
    "bool);list(duration)->list(duration);list(timestamp)->list(timestamp);list(string)->list("    \
    "string);list(bytes)->list(bytes)"

static const struct cel_std rows[] = {
    {"isSorted", STD_MEMBER, 1, 1, 0, fn_is_sorted, IS_ORDERED, 0, COST_TREE},
    {"sum", STD_MEMBER, 1, 1, 0, fn_sum,
     "list(int)->int;list(uint)->uint;list(double)->double;list(duration)->duration", 0, COST_TREE},
    {"min", STD_MEMBER, 1, 1, 0, fn_min, ONE_ORDERED, 0, COST_TREE},
    {"max", STD_MEMBER, 1, 1, 0, fn_max, ONE_ORDERED, 0, COST_TREE},
    {"distinct", STD_MEMBER, 1, 1, 0, fn_distinct, "list(A)->list(A)", 34, COST_LIST_ORDER},
    {"slice", STD_MEMBER, 3, 3, 0, fn_slice, "list(A),int,int->list(A)", 34, COST_LIST},
    {"flatten", STD_MEMBER, 1, 1, 0, fn_flatten, "list(list(A))->list(A)", 34, COST_LIST_FLAT},
    {"sort", STD_MEMBER, 1, 1, 0, fn_sort, ALL_ORDERED, 34, COST_LIST_ORDER},
    {"lists.range", STD_GLOBAL, 1, 1, 0, fn_range, "int->list(int)", 34, COST_LIST},
    {"sets.contains", STD_GLOBAL, 2, 2, 0, fn_sets_contains, "list(A),list(A)->bool", 29,
     COST_PRODUCT},
    {"sets.equivalent", STD_GLOBAL, 2, 2, 0, fn_sets_equivalent, "list(A),list(A)->bool", 29,
     COST_PRODUCT_TWICE},
    {"sets.intersects", STD_GLOBAL, 2, 2, 0, fn_sets_intersects, "list(A),list(A)->bool", 29,
     COST_PRODUCT},
};

const struct std_family std_lists = {.rows = rows, .count = ARRAY_LEN(rows)};
