/* Recursive descent with precedence climbing, so that a level of nesting costs few stack frames.
 * The depth of recursion and the height of the tree are both bounded by CEL_DEPTH_MAX: a chain like
 * a + b + c nests without recursion here, but not in eval.c. */
#include "cel/parser.h"

#include <assert.h>
#include <string.h>

#include "cel/value.h"

static struct node *parse_expression(struct parser *p);

static int fail(struct parser *p, uint32_t offset, const char *what)
{
    return source_fail(&p->program->source, p->reterr, ERR_SYNTAX, offset, "%s", what);
}

static int advance(struct parser *p)
{
    return lexer_next(&p->lexer, &p->token, p->reterr);
}

static int fail_expected(struct parser *p, const char *what)
{
    const struct source *s = &p->program->source;
    const struct token *t = &p->token;
    int len = (int)(t->end - t->start);

    if (t->kind == TOKEN_END)
        return source_fail(s, p->reterr, ERR_SYNTAX, t->start,
                           "expected %s, found the end of the text", what);
    if (t->kind == TOKEN_RESERVED)
        return source_fail(s, p->reterr, ERR_SYNTAX, t->start,
                           "expected %s, found the reserved word '%.*s'", what, len,
                           s->text + t->start);
    return source_fail(s, p->reterr, ERR_SYNTAX, t->start, "expected %s, found '%.*s'%s", what,
                       len > 40 ? 40 : len, s->text + t->start, len > 40 ? "..." : "");
}

static int expect(struct parser *p, enum token_kind kind, const char *what)
{
    if (p->token.kind != kind)
        return fail_expected(p, what);
    return advance(p);
}

struct node *parser_node(struct parser *p, enum node_kind kind, uint32_t offset)
{
    struct node *n = arena_zalloc(&p->program->arena, sizeof *n);

    n->kind = (uint8_t)kind;
    n->offset = offset;
    n->mark = offset;
    n->height = 1;
    return n;
}

void parser_add_arg(struct parser *p, struct node *n, struct node *arg)
{
    /* The array doubles whenever its count reaches a power of two. */
    if ((n->count & (n->count - 1)) == 0) {
        size_t cap = n->count ? 2 * (size_t)n->count : 1;
        struct node **args = arena_alloc(&p->program->arena, cap * sizeof(struct node *));

        if (n->count)
            memcpy(args, n->args, n->count * sizeof(struct node *));
        n->args = args;
    }
    n->args[n->count++] = arg;
}

int parser_seal(struct parser *p, struct node *n)
{
    unsigned height = 0;

    for (uint32_t i = 0; i < n->count; i++)
        if (n->args[i]->height > height)
            height = n->args[i]->height;
    if (height + 1 > CEL_DEPTH_MAX)
        return source_fail(&p->program->source, p->reterr, ERR_LIMIT, n->offset,
                           "the expression is nested deeper than %d", CEL_DEPTH_MAX);
    n->height = (uint16_t)(height + 1);
    return 0;
}

static struct node *node_of(struct parser *p, enum node_kind kind, uint32_t offset, struct node *a,
                            struct node *b)
{
    struct node *n = parser_node(p, kind, offset);

    parser_add_arg(p, n, a);
    if (b)
        parser_add_arg(p, n, b);
    return parser_seal(p, n) < 0 ? NULL : n;
}

static struct node *constant(struct parser *p, struct cel_value value)
{
    struct node *n = parser_node(p, NODE_CONST, p->token.start);

    n->u.value = value;
    return advance(p) < 0 ? NULL : n;
}

static struct node *parse_integer(struct parser *p, bool negative)
{
    const struct token *t = &p->token;
    uint64_t limit = t->kind == TOKEN_UINT ? UINT64_MAX : (uint64_t)INT64_MAX + (negative ? 1 : 0);
    struct cel_value v = {.type = t->kind == TOKEN_UINT ? CEL_UINT : CEL_INT};

    if (t->too_large || t->u.magnitude > limit) {
        source_fail(&p->program->source, p->reterr, ERR_SYNTAX, t->start,
                    "number %.*s is out of range for %s", (int)(t->end - t->start),
                    p->program->source.text + t->start, cel_type_name(v.type));
        return NULL;
    }
    if (t->kind == TOKEN_UINT)
        v.u.uinteger = t->u.magnitude;
    else
        v.u.integer = (int64_t)(negative ? 0 - t->u.magnitude : t->u.magnitude);
    return constant(p, v);
}

/* The ? of optional syntax, which Kubernetes has since 1.28. */
static int take_question(struct parser *p, const char *syntax, uint32_t offset, bool *ret)
{
    *ret = p->token.kind == TOKEN_QUESTION;
    if (!*ret)
        return 0;
    if (!env_has(p->program->env, 28))
        return source_fail(&p->program->source, p->reterr, ERR_UNSUPPORTED, offset,
                           "unsupported syntax '%s'", syntax);
    return advance(p);
}

static int add_entry(struct parser *p, struct node *n)
{
    struct node *entry;
    bool optional;

    if (take_question(p, "?", p->token.start, &optional) < 0)
        return -1;
    entry = parse_expression(p);
    if (!entry)
        return -1;
    parser_add_arg(p, n, entry);
    entry->entry_optional = optional;
    return 0;
}

/* The opening bracket is the current token. Entries: expressions, or key: value pairs. */
static struct node *parse_aggregate(struct parser *p, enum node_kind kind, enum token_kind close,
                                    const char *close_text)
{
    struct node *n = parser_node(p, kind, p->token.start);

    if (advance(p) < 0)
        return NULL;
    while (p->token.kind != close) {
        if (add_entry(p, n) < 0)
            return NULL;
        if (kind == NODE_MAP) {
            struct node *value;

            if (expect(p, TOKEN_COLON, "':' after the key") < 0)
                return NULL;
            value = parse_expression(p);
            if (!value)
                return NULL;
            parser_add_arg(p, n, value);
        }
        if (p->token.kind == TOKEN_COMMA) {
            if (advance(p) < 0)
                return NULL;
        } else if (p->token.kind != close) {
            fail_expected(p, close_text);
            return NULL;
        }
    }
    if (parser_seal(p, n) < 0 || advance(p) < 0)
        return NULL;
    return n;
}

/* The opening parenthesis is the current token. */
static struct node *parse_call(struct parser *p, struct node *call)
{
    call->mark = p->token.start;
    if (advance(p) < 0)
        return NULL;
    while (p->token.kind != TOKEN_CLOSE_PAREN) {
        struct node *arg = parse_expression(p);

        if (!arg)
            return NULL;
        parser_add_arg(p, call, arg);
        if (p->token.kind == TOKEN_CLOSE_PAREN)
            break;
        if (p->token.kind != TOKEN_COMMA) {
            fail_expected(p, "',' or ')'");
            return NULL;
        }
        if (advance(p) < 0)
            return NULL;
        if (p->token.kind == TOKEN_CLOSE_PAREN) {
            fail_expected(p, "another argument after ','");
            return NULL;
        }
    }
    if (advance(p) < 0 || macro_expand(p, &call) < 0 || parser_seal(p, call) < 0)
        return NULL;
    return call;
}

static struct node *parse_name(struct parser *p, bool rooted)
{
    struct node *n = parser_node(p, NODE_NAME, p->token.start);

    if (p->token.kind == TOKEN_RESERVED) {
        source_fail(&p->program->source, p->reterr, ERR_SYNTAX, p->token.start,
                    "'%.*s' is a reserved word: expected a name", (int)p->token.u.text.len,
                    p->token.u.text.data);
        return NULL;
    }
    if (p->token.kind != TOKEN_NAME) {
        fail_expected(p, "a name");
        return NULL;
    }
    n->name = p->token.u.text.data;
    n->name_len = p->token.u.text.len;
    n->rooted = rooted;
    if (advance(p) < 0)
        return NULL;
    if (p->token.kind != TOKEN_OPEN_PAREN)
        return n;
    n->kind = NODE_CALL;
    return parse_call(p, n);
}

static struct node *parse_literal(struct parser *p)
{
    const struct token *t = &p->token;
    struct cel_value v;

    switch (t->kind) {
    case TOKEN_INT:
    case TOKEN_UINT:
        return parse_integer(p, false);
    case TOKEN_DOUBLE:
        v = cel_double(t->u.real);
        break;
    case TOKEN_TRUE:
    case TOKEN_FALSE:
        v = cel_bool(t->kind == TOKEN_TRUE);
        break;
    case TOKEN_NULL:
        v = cel_null();
        break;
    case TOKEN_STRING:
    case TOKEN_BYTES:
        v = value_text(t->u.text.data, t->u.text.len);
        v.type = t->kind == TOKEN_STRING ? CEL_STRING : CEL_BYTES;
        break;
    default:
        fail_expected(p, "an expression");
        return NULL;
    }
    return constant(p, v);
}

static struct node *parse_parenthesis(struct parser *p)
{
    struct node *n;

    if (advance(p) < 0)
        return NULL;
    n = parse_expression(p);
    return n && expect(p, TOKEN_CLOSE_PAREN, "')'") == 0 ? n : NULL;
}

static struct node *parse_primary(struct parser *p)
{
    switch (p->token.kind) {
    case TOKEN_OPEN_BRACKET:
        return parse_aggregate(p, NODE_LIST, TOKEN_CLOSE_BRACKET, "',' or ']'");
    case TOKEN_OPEN_BRACE:
        return parse_aggregate(p, NODE_MAP, TOKEN_CLOSE_BRACE, "',' or '}'");
    case TOKEN_OPEN_PAREN:
        return parse_parenthesis(p);
    case TOKEN_DOT:
        return advance(p) < 0 ? NULL : parse_name(p, true);
    case TOKEN_NAME:
    case TOKEN_RESERVED:
        return parse_name(p, false);
    default:
        return parse_literal(p);
    }
}

/* After a dot: the field, or the member function. */
static struct node *parse_member(struct parser *p, struct node *target, uint32_t dot)
{
    struct node *n;
    bool optional, quoted;

    if (take_question(p, ".?", dot, &optional) < 0)
        return NULL;
    if (p->token.kind != TOKEN_NAME && p->token.kind != TOKEN_RESERVED &&
        (p->token.kind != TOKEN_QUOTED || !p->program->env->standard)) {
        fail_expected(p, "a field or function name after '.'");
        return NULL;
    }
    quoted = p->token.kind == TOKEN_QUOTED;
    n = parser_node(p, NODE_SELECT, p->token.start);
    n->name = p->token.u.text.data;
    n->name_len = p->token.u.text.len;
    n->optional = optional;
    n->mark = dot;
    parser_add_arg(p, n, target);
    if (parser_seal(p, n) < 0 || advance(p) < 0)
        return NULL;
    if (p->token.kind != TOKEN_OPEN_PAREN || optional || quoted)
        return n;
    n->kind = NODE_CALL;
    n->member = true;
    return parse_call(p, n);
}

/* After '['. */
static struct node *parse_index(struct parser *p, struct node *target, uint32_t offset)
{
    struct node *key, *n;
    bool optional;

    if (take_question(p, "[?", offset, &optional) < 0)
        return NULL;
    key = parse_expression(p);
    if (!key || expect(p, TOKEN_CLOSE_BRACKET, "']'") < 0)
        return NULL;
    n = node_of(p, NODE_INDEX, offset, target, key);
    if (n)
        n->optional = optional;
    return n;
}

static struct node *refuse_message(struct parser *p, const struct node *name)
{
    const struct node *first = name;

    while (first->kind == NODE_SELECT)
        first = first->args[0];
    if (first->kind != NODE_NAME) {
        fail_expected(p, "an operator");
        return NULL;
    }
    source_fail(&p->program->source, p->reterr, ERR_UNSUPPORTED, first->offset,
                "message literals are not supported: %.*s{...}",
                (int)(name->offset + name->name_len - first->offset),
                p->program->source.text + first->offset);
    err_hint(p->reterr, "write a map: {'field': value}");
    return NULL;
}

static struct node *parse_postfix(struct parser *p, struct node *n)
{
    while (n) {
        uint32_t offset = p->token.start;

        switch (p->token.kind) {
        case TOKEN_DOT:
            n = advance(p) < 0 ? NULL : parse_member(p, n, offset);
            break;
        case TOKEN_OPEN_BRACKET:
            n = advance(p) < 0 ? NULL : parse_index(p, n, offset);
            break;
        case TOKEN_OPEN_BRACE:
            return refuse_message(p, n);
        default:
            return n;
        }
    }
    return NULL;
}

/* A minus before a number belongs to the literal, so that the smallest int can be written. */
static struct node *parse_negative(struct parser *p)
{
    if (p->token.kind == TOKEN_DOUBLE)
        return parse_postfix(p, constant(p, cel_double(-p->token.u.real)));
    return parse_postfix(p, parse_integer(p, true));
}

static struct node *parse_unary(struct parser *p)
{
    enum token_kind kind = p->token.kind;
    uint32_t start = p->token.start, offset = start;
    unsigned count = 0;
    struct node *n;

    while (p->token.kind == kind && (kind == TOKEN_NOT || kind == TOKEN_SUB)) {
        offset = p->token.start;
        count++;
        if (advance(p) < 0)
            return NULL;
    }
    if (kind == TOKEN_SUB && (p->token.kind == TOKEN_INT || p->token.kind == TOKEN_DOUBLE)) {
        n = parse_negative(p);
        count--;
    } else if (kind == TOKEN_NOT && p->token.kind == TOKEN_SUB) {
        if (advance(p) < 0)
            return NULL;
        if (p->token.kind != TOKEN_INT && p->token.kind != TOKEN_DOUBLE) {
            fail(p, offset, "'!' and '-' cannot be combined: '!' takes a bool, '-' gives a number");
            return NULL;
        }
        n = parse_negative(p);
    } else {
        n = parse_postfix(p, parse_primary(p));
    }
    while (n && count-- > 0)
        n = node_of(p, kind == TOKEN_NOT ? NODE_NOT : NODE_NEGATE, start, n, NULL);
    return n;
}

enum { LEVEL_OR = 1, LEVEL_AND, LEVEL_RELATION, LEVEL_SUM, LEVEL_PRODUCT };

static const struct {
    uint8_t level, kind, op;
} operators[] = {
    [TOKEN_OR] = {LEVEL_OR, NODE_OR, 0},
    [TOKEN_AND] = {LEVEL_AND, NODE_AND, 0},
    [TOKEN_EQ] = {LEVEL_RELATION, NODE_BINARY, OP_EQ},
    [TOKEN_NE] = {LEVEL_RELATION, NODE_BINARY, OP_NE},
    [TOKEN_LT] = {LEVEL_RELATION, NODE_BINARY, OP_LT},
    [TOKEN_LE] = {LEVEL_RELATION, NODE_BINARY, OP_LE},
    [TOKEN_GT] = {LEVEL_RELATION, NODE_BINARY, OP_GT},
    [TOKEN_GE] = {LEVEL_RELATION, NODE_BINARY, OP_GE},
    [TOKEN_IN] = {LEVEL_RELATION, NODE_BINARY, OP_IN},
    [TOKEN_ADD] = {LEVEL_SUM, NODE_BINARY, OP_ADD},
    [TOKEN_SUB] = {LEVEL_SUM, NODE_BINARY, OP_SUB},
    [TOKEN_MUL] = {LEVEL_PRODUCT, NODE_BINARY, OP_MUL},
    [TOKEN_DIV] = {LEVEL_PRODUCT, NODE_BINARY, OP_DIV},
    [TOKEN_MOD] = {LEVEL_PRODUCT, NODE_BINARY, OP_MOD},
    [TOKEN_CLOSE_BRACE] = {0, 0, 0}, /* the largest token: every kind has a row */
};

static struct node *combine(struct parser *p, enum token_kind kind, uint32_t offset,
                            struct node *left, struct node *right)
{
    struct node *n;

    if (left->kind == operators[kind].kind && left->kind != NODE_BINARY) {
        parser_add_arg(p, left, right);
        return parser_seal(p, left) < 0 ? NULL : left;
    }
    n = node_of(p, operators[kind].kind, offset, left, right);
    if (n)
        n->op = operators[kind].op;
    return n;
}

/* Counts a level of recursion; the caller takes it back. */
static int enter(struct parser *p, unsigned *depth)
{
    if (++*depth <= CEL_DEPTH_MAX)
        return 0;
    return source_fail(&p->program->source, p->reterr, ERR_LIMIT, p->token.start,
                       "the expression is nested deeper than %d", CEL_DEPTH_MAX);
}

static struct node *parse_binary(struct parser *p, unsigned level)
{
    struct node *left = parse_unary(p);

    while (left && operators[p->token.kind].level >= level) {
        enum token_kind kind = p->token.kind;
        uint32_t offset = p->token.start;
        struct node *right;

        if (advance(p) < 0 || enter(p, &p->operands) < 0)
            return NULL;
        right = parse_binary(p, operators[kind].level + 1u);
        p->operands--;
        left = right ? combine(p, kind, offset, left, right) : NULL;
    }
    return left;
}

/* After the '?'. */
static struct node *parse_ternary(struct parser *p, struct node *condition, uint32_t offset)
{
    struct node *n = parser_node(p, NODE_TERNARY, offset), *yes, *no;

    yes = parse_binary(p, LEVEL_OR);
    if (!yes)
        return NULL;
    if (p->token.kind != TOKEN_COLON) {
        fail_expected(p, "':' of the conditional");
        err_hint(p->reterr,
                 "a conditional is written CONDITION ? A : B; optional selection is .?field");
        return NULL;
    }
    no = advance(p) < 0 ? NULL : parse_expression(p);
    if (!no)
        return NULL;
    parser_add_arg(p, n, condition);
    parser_add_arg(p, n, yes);
    parser_add_arg(p, n, no);
    return parser_seal(p, n) < 0 ? NULL : n;
}

static struct node *parse_expression(struct parser *p)
{
    struct node *n;

    if (enter(p, &p->depth) < 0)
        return NULL;
    n = parse_binary(p, LEVEL_OR);
    if (n && p->token.kind == TOKEN_QUESTION) {
        uint32_t offset = p->token.start;

        n = advance(p) < 0 ? NULL : parse_ternary(p, n, offset);
    }
    p->depth--;
    return n;
}

int parse_program(struct cel_program *program, struct err *reterr)
{
    struct parser p = {
        .program = program,
        .lexer = {.source = &program->source, .arena = &program->arena},
        .reterr = reterr,
    };

    if (advance(&p) < 0)
        return -1;
    program->root = parse_expression(&p);
    if (!program->root)
        return -1;
    if (p.token.kind != TOKEN_END)
        return fail_expected(&p, "an operator or the end of the text");
    return 0;
}
