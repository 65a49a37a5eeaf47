/* Macros: calls whose arguments are not evaluated first. Each becomes a node of its own kind, which
 * runs much faster than the general fold of the specification and means the same. */
#include "cel/parser.h"

#include <string.h>

#include "base/cleanup.h"

struct macro {
    const char *name;
    bool member;
    uint8_t args_min, args_max; /* without the target */
    uint8_t op;
    int (*expand)(struct parser *p, const struct macro *m, struct node **n);
};

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
    *n = field;
    return 0;
}

static struct node *loop_node(struct parser *p, const struct macro *m, const struct node *call,
                              enum node_kind kind)
{
    struct node *n = parser_node(p, kind, call->offset);

    n->op = m->op;
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
    let->u.loop = arena_zalloc(&p->program->arena, sizeof *let->u.loop);
    if (take_names(p, call, 1, let->u.loop) < 0)
        return -1;
    parser_add_arg(p, let, call->args[2]);
    parser_add_arg(p, let, call->args[3]);
    *n = let;
    return 0;
}

static const struct macro macros[] = {
    {"has", false, 1, 1, 0, expand_has},
    {"all", true, 2, 3, LOOP_ALL, expand_quantifier},
    {"exists", true, 2, 3, LOOP_EXISTS, expand_quantifier},
    {"exists_one", true, 2, 3, LOOP_EXISTS_ONE, expand_quantifier},
    {"existsOne", true, 2, 3, LOOP_EXISTS_ONE, expand_quantifier},
    {"filter", true, 2, 2, LOOP_LIST, expand_quantifier},
    {"map", true, 2, 3, LOOP_LIST, expand_transform},
    {"transformList", true, 3, 4, LOOP_LIST, expand_transform},
    {"transformMap", true, 3, 4, LOOP_MAP, expand_transform},
    {"optMap", true, 2, 2, LET_OPT_MAP, expand_let},
    {"optFlatMap", true, 2, 2, LET_OPT_FLAT_MAP, expand_let},
    {"bind", true, 3, 3, LET_BIND, expand_bind},
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

int macro_expand(struct parser *p, struct node **n)
{
    const struct node *call = *n;
    unsigned given = call->count - (call->member ? 1 : 0);

    for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
        const struct macro *m = &macros[i];

        if (m->member != call->member || strlen(m->name) != call->name_len ||
            memcmp(m->name, call->name, call->name_len) != 0)
            continue;
        if (given < m->args_min || given > m->args_max)
            return fail_count(p, m, call->offset, given);
        return m->expand(p, m, n);
    }
    return 0;
}
