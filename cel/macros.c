/* Macros: calls whose arguments are not evaluated first. Each becomes a node of its own kind, which
 * runs much faster than the general fold of the specification and means the same. */
#include "cel/parser.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

struct macro {
    const char *name;
    bool member;
    uint8_t args_min, args_max; /* without the target */
    uint8_t op;
    int (*expand)(struct parser *p, const struct macro *m, struct node **n);
    bool standard; /* only of the name `cel`, and where cel_env.standard is set */
    /* The minor version of Kubernetes that brought it, and the form with two names. */
    uint8_t since, since_two;
};

/* No version of Kubernetes has it. */
#define NEVER UINT8_MAX

static int take_name(struct parser *p, const struct node *call, const struct node *arg,
                     struct loop_name *ret)
{
    if (arg->kind != NODE_NAME || arg->rooted)
        return source_fail(&p->program->source, p->reterr, ERR_SYNTAX, arg->offset,
                           "'%.*s' needs a plain name for its variable here", (int)call->name_len,
                           call->name);
    *ret = (struct loop_name){arg->name, arg->name_len, arg->offset};
    return 0;
}

static int expand_has(struct parser *p, const struct macro *m, struct node **n)
{
    struct node *field = (*n)->args[0];

    (void)m;
    if (field->kind != NODE_SELECT || field->optional)
        return source_fail(&p->program->source, p->reterr, ERR_SYNTAX, field->offset,
                           "has() needs a field selection: has(a.b)");
    field->kind = NODE_HAS;
    field->mark = (*n)->mark;
    *n = field;
    return 0;
}

static struct node *loop_node(struct parser *p, const struct macro *m, const struct node *call,
                              enum node_kind kind)
{
    struct node *n = parser_node(p, kind, call->offset);

    n->op = m->op;
    n->mark = call->mark;
    n->name = call->name;
    n->name_len = call->name_len;
    n->u.loop = arena_zalloc(&p->program->arena, sizeof *n->u.loop);
    parser_add_arg(p, n, call->args[0]);
    return n;
}

static int take_names(struct parser *p, const struct node *call, unsigned count, struct loop *loop)
{
    loop->name_count = count;
    for (unsigned i = 0; i < count; i++)
        if (take_name(p, call, call->args[1 + i], &loop->names[i]) < 0)
            return -1;
    if (count == 2 && loop->names[0].len == loop->names[1].len &&
        memcmp(loop->names[0].name, loop->names[1].name, loop->names[0].len) == 0)
        return source_fail(&p->program->source, p->reterr, ERR_SYNTAX, loop->names[1].offset,
                           "the two variables need different names");
    return 0;
}

/* range.all(x, predicate), range.all(i, x, predicate) */
static int expand_quantifier(struct parser *p, const struct macro *m, struct node **n)
{
    struct node *call = *n, *loop = loop_node(p, m, call, NODE_LOOP);
    unsigned names = call->count - 2;

    if (take_names(p, call, names, loop->u.loop) < 0)
        return -1;
    loop->u.loop->predicate = call->args[1 + names];
    parser_add_arg(p, loop, loop->u.loop->predicate);
    *n = loop;
    return 0;
}

/* range.map(x, result), range.map(x, predicate, result), and with two names the transform family */
static int expand_transform(struct parser *p, const struct macro *m, struct node **n)
{
    struct node *call = *n, *loop = loop_node(p, m, call, NODE_LOOP);
    unsigned names = strcmp(m->name, "map") == 0 ? 1 : 2;

    if (take_names(p, call, names, loop->u.loop) < 0)
        return -1;
    if (call->count == 3 + names) {
        loop->u.loop->predicate = call->args[1 + names];
        parser_add_arg(p, loop, loop->u.loop->predicate);
    }
    loop->u.loop->result = call->args[call->count - 1];
    parser_add_arg(p, loop, loop->u.loop->result);
    *n = loop;
    return 0;
}

/* target.optMap(x, body) */
static int expand_let(struct parser *p, const struct macro *m, struct node **n)
{
    struct node *call = *n, *let = loop_node(p, m, call, NODE_LET);

    if (take_names(p, call, 1, let->u.loop) < 0)
        return -1;
    parser_add_arg(p, let, call->args[2]);
    *n = let;
    return 0;
}

/* cel.bind(x, value, body): a namespace, not a target. */
static int expand_bind(struct parser *p, const struct macro *m, struct node **n)
{
    struct node *call = *n, *let;
    const struct node *space = call->args[0];

    if (space->kind != NODE_NAME || space->name_len != 3 || memcmp(space->name, "cel", 3) != 0)
        return 0;
    let = parser_node(p, NODE_LET, call->offset);
    let->op = m->op;
    let->mark = call->mark;
    let->u.loop = arena_zalloc(&p->program->arena, sizeof *let->u.loop);
    if (take_names(p, call, 1, let->u.loop) < 0)
        return -1;
    parser_add_arg(p, let, call->args[2]);
    parser_add_arg(p, let, call->args[3]);
    *n = let;
    return 0;
}

/* ---- cel.block() and its kin, of what optimisers write (the standard environment) ---- */

static bool is_of_cel(const struct parser *p, const struct node *call)
{
    const struct node *space = call->args[0];

    return p->program->env->standard && space->kind == NODE_NAME && space->name_len == 3 &&
           memcmp(space->name, "cel", 3) == 0;
}

/* No name that anybody can write begins so. */
#define INDEX_NAME "@index"

static int take_number(struct parser *p, const struct node *call, const struct node *arg,
                       int64_t *ret)
{
    *ret = arg->u.value.u.integer;
    if (arg->kind == NODE_CONST && arg->u.value.type == CEL_INT && *ret >= 0 && *ret <= 1000)
        return 0;
    return source_fail(&p->program->source, p->reterr, ERR_SYNTAX, arg->offset,
                       "cel.%.*s() needs a number from 0 to 1000 here", (int)call->name_len,
                       call->name);
}

static struct node *name_node(struct parser *p, uint32_t offset, const char *text)
{
    struct node *n = parser_node(p, NODE_NAME, offset);

    n->name_len = strlen(text);
    n->name = arena_copy(&p->program->arena, text, n->name_len);
    return n;
}

/* cel.index(2): the value of a place of the block around it. */
static int expand_index(struct parser *p, const struct macro *m, struct node **n)
{
    char text[40];
    int64_t at;

    (void)m;
    if (take_number(p, *n, (*n)->args[1], &at) < 0)
        return -1;
    snprintf(text, sizeof text, INDEX_NAME "%d", (int)at);
    *n = name_node(p, (*n)->offset, text);
    return 0;
}

/* cel.iterVar(depth, number), cel.accuVar(depth, number): the name of a variable. */
static int expand_variable(struct parser *p, const struct macro *m, struct node **n)
{
    char text[60];
    int64_t depth, number;

    if (take_number(p, *n, (*n)->args[1], &depth) < 0 ||
        take_number(p, *n, (*n)->args[2], &number) < 0)
        return -1;
    snprintf(text, sizeof text, "@%s:%d:%d", m->name, (int)depth, (int)number);
    *n = name_node(p, (*n)->offset, text);
    return 0;
}

/* cel.block([a, b, ...], body): each may name those before it, and the body all of them. */
static int expand_block(struct parser *p, const struct macro *m, struct node **n)
{
    const struct node *call = *n, *list = call->args[1];
    struct node *body = call->args[2];

    (void)m;
    if (list->kind != NODE_LIST)
        return source_fail(&p->program->source, p->reterr, ERR_SYNTAX, list->offset,
                           "cel.block() needs a list here: cel.block([a, b], body)");
    for (uint32_t i = list->count; i-- > 0;) {
        struct node *let = parser_node(p, NODE_LET, call->offset);
        char text[40];
        int len = snprintf(text, sizeof text, INDEX_NAME "%u", i);

        let->op = LET_BIND;
        let->u.loop = arena_zalloc(&p->program->arena, sizeof *let->u.loop);
        let->u.loop->name_count = 1;
        let->u.loop->names[0] = (struct loop_name){
            arena_copy(&p->program->arena, text, (size_t)len), (size_t)len, call->offset};
        parser_add_arg(p, let, list->args[i]);
        parser_add_arg(p, let, body);
        if (parser_seal(p, let) < 0)
            return -1;
        body = let;
    }
    *n = body;
    return 0;
}

static const struct macro macros[] = {
    {"has", false, 1, 1, 0, expand_has, false, 0, 0},
    {"all", true, 2, 3, LOOP_ALL, expand_quantifier, false, 0, 32},
    {"exists", true, 2, 3, LOOP_EXISTS, expand_quantifier, false, 0, 32},
    {"exists_one", true, 2, 3, LOOP_EXISTS_ONE, expand_quantifier, false, 0, 32},
    {"existsOne", true, 2, 3, LOOP_EXISTS_ONE, expand_quantifier, false, 32, 32},
    {"filter", true, 2, 2, LOOP_LIST, expand_quantifier, false, 0, 0},
    {"map", true, 2, 3, LOOP_LIST, expand_transform, false, 0, 0},
    {"transformList", true, 3, 4, LOOP_LIST, expand_transform, false, 32, 32},
    {"transformMap", true, 3, 4, LOOP_MAP, expand_transform, false, 32, 32},
    {"optMap", true, 2, 2, LET_OPT_MAP, expand_let, false, 28, 28},
    {"optFlatMap", true, 2, 2, LET_OPT_FLAT_MAP, expand_let, false, 28, 28},
    {"bind", true, 3, 3, LET_BIND, expand_bind, false, NEVER, NEVER},
    {"block", true, 2, 2, 0, expand_block, true, 0, 0},
    {"index", true, 1, 1, 0, expand_index, true, 0, 0},
    {"iterVar", true, 2, 2, 0, expand_variable, true, 0, 0},
    {"accuVar", true, 2, 2, 0, expand_variable, true, 0, 0},
};

static int fail_count(struct parser *p, const struct macro *m, uint32_t offset, unsigned given)
{
    const struct source *source = &p->program->source;

    if (m->args_min == m->args_max)
        return source_fail(source, p->reterr, ERR_SYNTAX, offset,
                           "'%s' takes %u argument%s, found %u", m->name, m->args_min,
                           m->args_min == 1 ? "" : "s", given);
    return source_fail(source, p->reterr, ERR_SYNTAX, offset,
                       "'%s' takes %u or %u arguments, found %u", m->name, m->args_min, m->args_max,
                       given);
}

/* A name that the environment does not have as a macro is that of a function. */
static bool is_known(const struct parser *p, const struct macro *m, const struct node *call,
                     unsigned given)
{
    bool two = m->expand == expand_quantifier && given == 3;

    if (m->standard && !is_of_cel(p, call))
        return false;
    return env_has(p->program->env, two ? m->since_two : m->since);
}

int macro_expand(struct parser *p, struct node **n)
{
    const struct node *call = *n;
    unsigned given = call->count - (call->member ? 1 : 0);

    for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
        const struct macro *m = &macros[i];

        if (m->member != call->member || strlen(m->name) != call->name_len ||
            memcmp(m->name, call->name, call->name_len) != 0)
            continue;
        if (!is_known(p, m, call, given))
            continue;
        if (given < m->args_min || given > m->args_max)
            return fail_count(p, m, call->offset, given);
        return m->expand(p, m, n);
    }
    return 0;
}
