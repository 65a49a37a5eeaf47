/* The tree walker. A level of the tree costs two small stack frames: operands live in the
 * evaluation's frame of slots, which check.c laid out, and not on the stack, because a fiber has
 * little of it. */
#include "cel/context.h"

#include <assert.h>

#include "cel/functions.h"

#define OUT_OF_LINE __attribute__((noinline))

/* A constant is used where it stands. */
static inline const struct cel_value *operand(struct cel_context *c, const struct node *n,
                                              struct cel_value *tmp)
{
    if (n->kind == NODE_CONST) {
        c->cost += n->unit;
        return &n->u.value;
    }
    return eval_node(c, n, tmp) < 0 ? NULL : tmp;
}

static int fail_at(struct cel_context *c, const struct node *n, enum err_code code,
                   const char *what, const char *type)
{
    c->at = n;
    return eval_fail(c, code, "%s%s", what, type);
}

OUT_OF_LINE static int eval_lazy(struct cel_context *c, const struct node *n,
                                 const struct cel_lazy *lazy, struct cel_value *ret)
{
    struct err e = {0};
    uint64_t cost = 0;

    c->at = n;
    if (lazy->force(lazy->cookie, ret, &cost, &e) < 0) {
        eval_fail(c, e.code, "%s", e.msg);
        err_clear(&e);
        return -1;
    }
    /* For Kubernetes it is a field of an object, `variables`. */
    eval_add_cost(c, cost);
    eval_add_cost(c, UNITS_NAME);
    return c->cost > c->cost_max ? eval_fail_cost(c) : 0;
}

OUT_OF_LINE static int eval_variable(struct cel_context *c, const struct node *n,
                                     struct cel_value *ret)
{
    const struct cel_binding *binding = &c->bindings[n->slot];

    if (binding->json) {
        *ret = cel_json(binding->json);
        return 0;
    }
    if (binding->lazy)
        return eval_lazy(c, n, binding->lazy, ret);
    if (!binding->value) {
        c->at = n;
        return eval_fail(c, ERR_NOT_FOUND, "no value for '%s'",
                         c->program->env->variables[n->slot]);
    }
    assert(binding->value->type != CEL_ERROR);
    *ret = *binding->value;
    return 0;
}

static int fail_select(struct cel_context *c, const struct node *n, const struct cel_value *target)
{
    c->at = n;
    if (target->type == CEL_MAP)
        return eval_fail(c, ERR_NOT_FOUND, "no such key: %.*s", (int)n->name_len, n->name);
    return eval_fail(c, ERR_INVALID, "no such overload: cannot read field '%.*s' of %s",
                     (int)n->name_len, n->name, cel_type_name(target->type));
}

static bool find_field(const struct cel_context *c, const struct node *n,
                       const struct cel_value *map, struct cel_value *ret)
{
    struct cel_value found;

    if (!value_field(map, n->name, n->name_len, &found) ||
        (found.type == CEL_NULL && c->program->env->nulls_are_absent))
        return false;
    *ret = found;
    return true;
}

/* Once a chain is optional it stays so: a.?b.c is none when either is missing. */
static int select_optional(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    struct cel_value found;

    if (ret->type == CEL_OPTIONAL) {
        if (!ret->u.optional)
            return 0;
        *ret = *ret->u.optional;
    }
    if (ret->type != CEL_MAP)
        return fail_select(c, n, ret);
    if (find_field(c, n, ret, &found))
        return eval_some(c, &found, ret);
    *ret = value_none();
    return 0;
}

OUT_OF_LINE static int eval_select(struct cel_context *c, const struct node *n,
                                   struct cel_value *ret)
{
    if (eval_node(c, n->args[0], ret) < 0)
        return -1;
    if (n->optional || ret->type == CEL_OPTIONAL)
        return select_optional(c, n, ret);
    if (ret->type == CEL_MAP && find_field(c, n, ret, ret))
        return 0;
    return fail_select(c, n, ret);
}

OUT_OF_LINE static int eval_has(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    if (eval_node(c, n->args[0], ret) < 0)
        return -1;
    if (ret->type == CEL_OPTIONAL) {
        if (!ret->u.optional) {
            *ret = cel_bool(false);
            return 0;
        }
        *ret = *ret->u.optional;
    }
    if (ret->type != CEL_MAP)
        return fail_select(c, n, ret);
    *ret = cel_bool(find_field(c, n, ret, ret));
    return 0;
}

OUT_OF_LINE static int eval_index_node(struct cel_context *c, const struct node *n,
                                       struct cel_value *ret)
{
    const struct cel_value *target = operand(c, n->args[0], &c->frame[n->slot]), *key;

    if (!target)
        return -1;
    key = operand(c, n->args[1], &c->frame[n->slot + 1]);
    if (!key)
        return -1;
    c->at = n;
    return eval_index(c, target, key, n->optional, ret);
}

/* The operand that decides wins over errors on either side of it (cel-spec: logical operators are
 * commutative). */
OUT_OF_LINE static int eval_logical(struct cel_context *c, const struct node *n,
                                    struct cel_value *ret)
{
    const bool decisive = n->kind == NODE_OR;
    const struct cel_error *first = NULL;

    for (uint32_t i = 0; i < n->count; i++) {
        if (eval_node(c, n->args[i], ret) == 0) {
            if (ret->type == CEL_BOOL) {
                if (ret->u.boolean == decisive)
                    return 0;
                continue;
            }
            fail_at(c, n->args[i], ERR_INVALID, "expected bool, found ", cel_type_name(ret->type));
        }
        if (c->error->fatal)
            return -1;
        if (!first)
            first = c->error;
    }
    if (first) {
        c->error = first;
        return -1;
    }
    *ret = cel_bool(!decisive);
    return 0;
}

OUT_OF_LINE static int eval_not(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    if (eval_node(c, n->args[0], ret) < 0)
        return -1;
    if (ret->type != CEL_BOOL)
        return fail_at(c, n, ERR_INVALID, "no such overload: !", cel_type_name(ret->type));
    ret->u.boolean = !ret->u.boolean;
    return 0;
}

OUT_OF_LINE static int eval_ternary(struct cel_context *c, const struct node *n,
                                    struct cel_value *ret)
{
    if (eval_node(c, n->args[0], ret) < 0)
        return -1;
    if (ret->type != CEL_BOOL)
        return fail_at(c, n->args[0], ERR_INVALID, "expected bool before '?', found ",
                       cel_type_name(ret->type));
    return eval_node(c, n->args[ret->u.boolean ? 1 : 2], ret);
}

/* Numbers, and equality of short texts: what is met most costs the least. */
static inline bool is_plain(const struct node *n, const struct cel_value *a,
                            const struct cel_value *b)
{
    if (a->type == CEL_INT)
        return b->type == CEL_INT;
    return n->op <= OP_NE && a->type == CEL_STRING && b->type == CEL_STRING &&
           a->u.text.len - 1 < 10 && b->u.text.len - 1 < 10;
}

OUT_OF_LINE static int eval_binary_node(struct cel_context *c, const struct node *n,
                                        struct cel_value *ret)
{
    const struct cel_value *a = operand(c, n->args[0], &c->frame[n->slot]), *b;

    if (!a)
        return -1;
    b = operand(c, n->args[1], &c->frame[n->slot + 1]);
    if (!b)
        return -1;
    c->at = n;
    c->cost += is_plain(n, a, b) ? UNITS_CALL : cost_binary(c, (enum binary_op)n->op, a, b);
    return eval_binary(c, (enum binary_op)n->op, a, b, ret);
}

static int eval_args(struct cel_context *c, const struct node *n)
{
    struct cel_value *args = &c->frame[n->slot];

    for (uint32_t i = 0; i < n->count; i++)
        if (eval_node(c, n->args[i], &args[i]) < 0)
            return -1;
    c->at = n;
    return 0;
}

OUT_OF_LINE static int eval_call_std(struct cel_context *c, const struct node *n,
                                     struct cel_value *ret)
{
    const struct cel_std *std = n->u.call.std;
    struct cel_value *args = &c->frame[n->slot];

    if (eval_args(c, n) < 0 || std->fn(c, n->count, args, ret) < 0)
        return -1;
    if (std->cost != COST_CALL)
        c->cost += cost_call(c, (enum std_cost)std->cost, args, ret);
    return 0;
}

static int fail_host(struct cel_context *c, struct err *e)
{
    if (e->code == ERR_NONE)
        err_set(e, ERR_INTERNAL, NO_POS, "the function failed without saying why");
    eval_fail(c, e->code, "%s: %s", c->at->u.host->name, e->msg);
    if (e->hint) {
        struct cel_error *error = arena_alloc(&c->arena, sizeof *error);

        *error = *c->error;
        error->hint = arena_copy(&c->arena, e->hint, strlen(e->hint));
        c->error = error;
    }
    err_clear(e);
    return -1;
}

OUT_OF_LINE static int call_host(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    struct err e = {0};

    *ret = cel_null();
    if (n->u.host->fn(c->cookie, c, n->count, &c->frame[n->slot], ret, &e) < 0)
        return fail_host(c, &e);
    assert(e.code == ERR_NONE);
    assert(ret->type < CEL_ERROR);
    if (c->arena.bytes > c->memory_max)
        return eval_fail_memory(c);
    return eval_charge(c, 10);
}

OUT_OF_LINE static int eval_call_host(struct cel_context *c, const struct node *n,
                                      struct cel_value *ret)
{
    return eval_args(c, n) < 0 ? -1 : call_host(c, n, ret);
}

/* An entry written with ?: true when it is there, and then *v is its value. */
static int unwrap_entry(struct cel_context *c, const struct node *n, struct cel_value *v,
                        bool *ret_present)
{
    *ret_present = true;
    if (!n->entry_optional)
        return 0;
    if (v->type != CEL_OPTIONAL)
        return fail_at(c, n, ERR_INVALID, "an entry with ? needs an optional value, found ",
                       cel_type_name(v->type));
    *ret_present = v->u.optional != NULL;
    if (v->u.optional)
        *v = *v->u.optional;
    return 0;
}

OUT_OF_LINE static int eval_list(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    struct cel_value *list = &c->frame[n->slot], *items;
    size_t count = 0;

    if (eval_new_list(c, n->count, list) < 0)
        return -1;
    items = list->u.list->items;
    for (uint32_t i = 0; i < n->count; i++) {
        bool present;

        if (eval_node(c, n->args[i], &items[count]) < 0 ||
            unwrap_entry(c, n->args[i], &items[count], &present) < 0)
            return -1;
        count += present;
    }
    list->u.list->count = count;
    *ret = *list;
    return 0;
}

/* Slots: the map, a key, a value. */
OUT_OF_LINE static int eval_map(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    struct cel_value *map = &c->frame[n->slot], *key = map + 1, *value = map + 2;

    if (eval_new_map(c, n->count / 2, map) < 0)
        return -1;
    for (uint32_t i = 0; i < n->count; i += 2) {
        bool present = true;

        if (eval_node(c, n->args[i], key) < 0 || eval_node(c, n->args[i + 1], value) < 0)
            return -1;
        if (unwrap_entry(c, n->args[i], value, &present) < 0)
            return -1;
        c->at = n->args[i];
        if (present && eval_map_add(c, map, key, value) < 0)
            return -1;
    }
    *ret = *map;
    return 0;
}

OUT_OF_LINE static int eval_let(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    struct cel_value *v = &c->frame[n->slot];
    uint64_t before = c->cost;

    if (eval_node(c, n->args[0], v) < 0)
        return -1;
    if (n->op == LET_BIND)
        return eval_node(c, n->args[1], ret);
    if (v->type != CEL_OPTIONAL)
        return fail_at(c, n, ERR_INVALID, "expected an optional, found ", cel_type_name(v->type));
    if (!v->u.optional) {
        c->cost += 2 * UNITS_CALL; /* hasValue(), none() */
        *ret = value_none();
        return 0;
    }
    *v = *v->u.optional;
    /* The macro asks its target twice: hasValue(), value(); then of(). */
    c->cost += c->cost - before + 2 * UNITS_CALL + (n->op == LET_OPT_MAP ? UNITS_CALL : 0);
    if (eval_node(c, n->args[1], ret) < 0)
        return -1;
    if (n->op == LET_OPT_MAP)
        return eval_some(c, ret, ret);
    if (ret->type != CEL_OPTIONAL)
        return fail_at(c, n, ERR_INVALID, "optFlatMap needs an optional result, found ",
                       cel_type_name(ret->type));
    return 0;
}

/* a.or(b) and a.orValue(b): b is evaluated only when a is none. */
OUT_OF_LINE static int eval_optional_or(struct cel_context *c, const struct node *n,
                                        struct cel_value *ret)
{
    if (eval_node(c, n->args[0], ret) < 0)
        return -1;
    if (ret->type != CEL_OPTIONAL)
        return fail_at(c, n, ERR_INVALID, "expected an optional before '.or', found ",
                       cel_type_name(ret->type));
    if (ret->u.optional) {
        if (n->op)
            *ret = *ret->u.optional;
        return 0;
    }
    if (eval_node(c, n->args[1], ret) < 0)
        return -1;
    if (!n->op && ret->type != CEL_OPTIONAL)
        return fail_at(c, n, ERR_INVALID, "or() needs an optional (or use orValue), found ",
                       cel_type_name(ret->type));
    return 0;
}

int eval_node(struct cel_context *c, const struct node *n, struct cel_value *ret)
{
    if (++c->steps > c->steps_max)
        return eval_fail_steps(c);
    c->cost += n->unit; /* held against its limit by loops, and in the end */
    switch ((enum node_kind)n->kind) {
    case NODE_CONST:
        *ret = n->u.value;
        return 0;
    case NODE_LOCAL:
        *ret = c->frame[n->slot];
        return 0;
    case NODE_VARIABLE:
        return eval_variable(c, n, ret);
    case NODE_SELECT:
        return eval_select(c, n, ret);
    case NODE_HAS:
        return eval_has(c, n, ret);
    case NODE_INDEX:
        return eval_index_node(c, n, ret);
    case NODE_CALL_STD:
        return eval_call_std(c, n, ret);
    case NODE_CALL_HOST:
        return eval_call_host(c, n, ret);
    case NODE_AND:
    case NODE_OR:
        return eval_logical(c, n, ret);
    case NODE_NOT:
        return eval_not(c, n, ret);
    case NODE_NEGATE:
        if (eval_node(c, n->args[0], ret) < 0)
            return -1;
        c->at = n;
        return eval_negate(c, ret);
    case NODE_TERNARY:
        return eval_ternary(c, n, ret);
    case NODE_BINARY:
        return eval_binary_node(c, n, ret);
    case NODE_LIST:
        return eval_list(c, n, ret);
    case NODE_MAP:
        return eval_map(c, n, ret);
    case NODE_LOOP:
        return eval_loop(c, n, ret);
    case NODE_LET:
        return eval_let(c, n, ret);
    case NODE_OPTIONAL_OR:
        return eval_optional_or(c, n, ret);
    case NODE_UNKNOWN:
        c->at = n;
        return eval_fail(c, ERR_NOT_FOUND, "unknown name '%.*s'",
                         n->name_len > 60 ? 60 : (int)n->name_len, n->name);
    case NODE_NAME:
    case NODE_CALL:
        break;
    }
    assert(!"check_program left an unresolved node");
    return -1;
}
