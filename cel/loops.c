/* Comprehensions. all and exists are && and || over the elements, errors included; the others stop
 * at the first error. */
#include <assert.h>

#include "cel/context.h"
#include "cel/cost.h"

/* What the general fold of the specification evaluates for each element: the condition to go on
 * (the accumulator, what looks at it) and, in the step, the accumulator again. */
#define UNITS_GO_ON_ALL (UNITS_NAME + UNITS_CALL)
#define UNITS_GO_ON_EXISTS (UNITS_NAME + 2 * UNITS_CALL)
/* accumulator + 1; accumulator + [ ]; the function that adds to a map */
#define UNITS_COUNT (UNITS_NAME + UNITS_CALL)
#define UNITS_APPEND (UNITS_NAME + UNITS_CALL + UNITS_LIST)
#define UNITS_INSERT (2 * UNITS_NAME + UNITS_CALL)

struct walk {
    const struct cel_value *range;
    size_t index;
    struct map_cursor cursor;
};

/* Sets the names for the next element. */
static bool walk_next(struct walk *w, unsigned names, struct cel_value *slots)
{
    struct cel_value *first = &slots[LOOP_NAME], *second = &slots[LOOP_NAME2];

    assert(names == 1 || names == 2);
    if (w->range->type == CEL_MAP)
        return map_next(w->range, &w->cursor, first, second);
    if (w->index >= value_count(w->range))
        return false;
    if (names == 2) {
        *first = cel_int((int64_t)w->index);
        *second = value_item(w->range, w->index);
    } else {
        *first = value_item(w->range, w->index);
    }
    w->index++;
    return true;
}

/* Evaluates a predicate into slots[LOOP_RESULT], a bool. What it made besides is garbage as soon as
 * the bool is known; host functions may hold on to what they made, so only loops without them give
 * it back. */
static int eval_predicate(struct cel_context *c, const struct loop *loop, struct cel_value *slots)
{
    struct arena_mark mark = arena_mark(&c->arena);
    struct cel_value *result = &slots[LOOP_RESULT];

    if (c->cost > c->cost_max)
        return eval_fail_cost(c);
    if (eval_node(c, loop->predicate, result) < 0)
        return -1;
    if (result->type != CEL_BOOL) {
        c->at = loop->predicate;
        return eval_fail(c, ERR_INVALID, "expected bool, found %s", cel_type_name(result->type));
    }
    if (loop->pure && c->arena.bytes != mark.bytes)
        arena_release(&c->arena, mark);
    return 0;
}

static int eval_quantifier(struct cel_context *c, const struct node *n, struct walk *w,
                           struct cel_value *ret)
{
    const struct loop *loop = n->u.loop;
    const bool decisive = n->op == LOOP_EXISTS;
    const unsigned go_on = decisive ? UNITS_GO_ON_EXISTS : UNITS_GO_ON_ALL;
    struct cel_value *slots = &c->frame[n->slot];
    const struct cel_error *first = NULL;

    while (walk_next(w, loop->name_count, slots)) {
        struct arena_mark mark = arena_mark(&c->arena);

        c->cost += go_on + UNITS_NAME;
        if (eval_predicate(c, loop, slots) == 0) {
            if (slots[LOOP_RESULT].u.boolean == decisive) {
                c->cost += walk_next(w, loop->name_count, slots) ? go_on : 0;
                *ret = cel_bool(decisive);
                return 0;
            }
            continue;
        }
        if (c->error->fatal)
            return -1;
        if (!first)
            first = c->error;
        else if (loop->pure)
            arena_release(&c->arena, mark);
    }
    if (first) {
        c->error = first;
        return -1;
    }
    *ret = cel_bool(!decisive);
    return 0;
}

static int eval_exists_one(struct cel_context *c, const struct node *n, struct walk *w,
                           struct cel_value *ret)
{
    struct cel_value *slots = &c->frame[n->slot];
    size_t count = 0;

    while (walk_next(w, n->u.loop->name_count, slots)) {
        if (eval_predicate(c, n->u.loop, slots) < 0)
            return -1;
        c->cost += slots[LOOP_RESULT].u.boolean ? UNITS_COUNT : 0;
        count += slots[LOOP_RESULT].u.boolean;
    }
    c->cost += UNITS_CALL; /* accumulator == 1 */
    *ret = cel_bool(count == 1);
    return 0;
}

/* 1 when the element passes the filter. */
static int eval_filter(struct cel_context *c, const struct loop *loop, struct cel_value *slots)
{
    if (!loop->predicate)
        return 1;
    return eval_predicate(c, loop, slots) < 0 ? -1 : slots[LOOP_RESULT].u.boolean;
}

/* The next item that passes the filter: 1; 0 behind the last one. */
static int next_wanted(struct cel_context *c, const struct loop *loop, struct walk *w,
                       struct cel_value *slots)
{
    int wanted = 0;

    if (c->cost > c->cost_max)
        return eval_fail_cost(c);
    while (wanted == 0 && walk_next(w, loop->name_count, slots))
        wanted = eval_filter(c, loop, slots);
    return wanted;
}

static int eval_list_loop(struct cel_context *c, const struct node *n, struct walk *w,
                          struct cel_value *ret)
{
    const struct loop *loop = n->u.loop;
    struct cel_value *slots = &c->frame[n->slot], list;
    /* The literal of a constant is one, too. */
    unsigned append = !loop->result ? UNITS_APPEND + UNITS_NAME
                      : loop->result->kind == NODE_CONST && loop->result->unit == 0
                          ? UNITS_APPEND - UNITS_LIST
                          : UNITS_APPEND;
    size_t count = 0;
    int more;

    if (eval_new_list(c, value_count(w->range), &list) < 0)
        return -1;
    while ((more = next_wanted(c, loop, w, slots)) > 0) {
        c->cost += append;
        if (!loop->result)
            list.u.list->items[count] = slots[LOOP_NAME];
        else if (eval_node(c, loop->result, &list.u.list->items[count]) < 0)
            return -1;
        count++;
    }
    if (more < 0)
        return -1;
    list.u.list->count = count;
    *ret = list;
    return 0;
}

static int eval_map_loop(struct cel_context *c, const struct node *n, struct walk *w,
                         struct cel_value *ret)
{
    const struct loop *loop = n->u.loop;
    struct cel_value *slots = &c->frame[n->slot], map;
    int more;

    if (eval_new_map(c, value_count(w->range), &map) < 0)
        return -1;
    while ((more = next_wanted(c, loop, w, slots)) > 0) {
        c->cost += UNITS_INSERT;
        if (eval_node(c, loop->result, &slots[LOOP_RESULT]) < 0 ||
            eval_map_add(c, &map, &slots[LOOP_NAME], &slots[LOOP_RESULT]) < 0)
            return -1;
    }
    if (more < 0)
        return -1;
    *ret = map;
    return 0;
}

int eval_loop(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    struct walk w = {.range = &c->frame[n->slot + LOOP_RANGE]};

    if (eval_node(c, n->args[0], &c->frame[n->slot + LOOP_RANGE]) < 0)
        return -1;
    if (w.range->type != CEL_LIST && w.range->type != CEL_MAP) {
        c->at = n;
        return eval_fail(c, ERR_INVALID, "%.*s() needs a list or a map, found %s", (int)n->name_len,
                         n->name, cel_type_name(w.range->type));
    }
    c->cost += UNITS_NAME; /* the accumulator, in the end */
    switch ((enum loop_op)n->op) {
    case LOOP_ALL:
    case LOOP_EXISTS:
        return eval_quantifier(c, n, &w, ret);
    case LOOP_EXISTS_ONE:
        return eval_exists_one(c, n, &w, ret);
    case LOOP_LIST:
        return eval_list_loop(c, n, &w, ret);
    case LOOP_MAP:
        return eval_map_loop(c, n, &w, ret);
    case LOOP_COUNT:
        break;
    }
    assert(!"unknown loop");
    return -1;
}
