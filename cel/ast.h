/* The tree of an expression. The parser builds it, check.c resolves names, gives out slots and
 * folds constants in place, and eval.c walks it. All of it lives in the program's arena. */
#ifndef VMCONFORM_CEL_AST_H
#define VMCONFORM_CEL_AST_H

#include "cel/arena.h"
#include "cel/cel.h"
#include "cel/source.h"

struct cel_std;
struct regex;

enum node_kind {
    NODE_CONST,
    NODE_NAME,      /* parser only: check makes it CONST, VARIABLE or LOCAL */
    NODE_VARIABLE,  /* slot: its place in env->variables */
    NODE_LOCAL,     /* slot: in the frame */
    NODE_SELECT,    /* args[0].name */
    NODE_HAS,       /* has(args[0].name) */
    NODE_INDEX,     /* args[0][args[1]] */
    NODE_CALL,      /* parser only: check makes it CALL_STD, CALL_HOST or OPTIONAL_OR */
    NODE_CALL_STD,  /* args: at slot.. of the frame */
    NODE_CALL_HOST, /* the same */
    NODE_AND,       /* two or more args: a chain is one node, however long */
    NODE_OR,
    NODE_NOT,
    NODE_NEGATE,
    NODE_TERNARY,
    NODE_BINARY,
    NODE_LIST,
    NODE_MAP, /* args: key, value, key, value, ... */
    NODE_LOOP,
    NODE_LET,         /* args: value, body; the value's name in loop */
    NODE_OPTIONAL_OR, /* args[0].or(args[1]), .orValue() */
    NODE_UNKNOWN      /* a name or function that is nobody's, where that is known late */
};

enum binary_op {
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_COUNT
};

enum loop_op {
    LOOP_ALL,
    LOOP_EXISTS,
    LOOP_EXISTS_ONE,
    LOOP_LIST, /* map, filter, transformList */
    LOOP_MAP,  /* transformMap */
    LOOP_COUNT
};

enum let_op { LET_BIND, LET_OPT_MAP, LET_OPT_FLAT_MAP };

struct loop_name {
    const char *name;
    size_t len;
    uint32_t offset;
};

/* args[0] is the range; then, each or NULL: */
struct loop {
    struct loop_name names[2]; /* one name: the element, or the key of a map; two: index or key, and
                                  the element or value */
    unsigned name_count;
    struct node *predicate; /* all, exists, exists_one; the filter of the others */
    struct node *result;    /* LOOP_LIST: NULL gives the element itself */
    bool pure; /* no host function inside: what the predicate made can be freed at once */
};

/* Frame slots of a loop, from node->slot: range, names, the predicate's result. */
enum { LOOP_RANGE, LOOP_NAME, LOOP_NAME2, LOOP_RESULT, LOOP_SLOTS };

struct node {
    uint8_t kind;
    uint8_t op;          /* binary_op, loop_op, let_op; OPTIONAL_OR: 1 for orValue */
    bool optional;       /* .? and [?] */
    bool entry_optional; /* this node is the element, or the key, of an entry written with ? */
    bool member;         /* NODE_CALL: args[0] is the target */
    bool attribute;      /* cost.h; stays when the node is folded */
    bool rooted;         /* NODE_NAME, NODE_CALL: written with a leading dot */
    uint16_t height;
    uint32_t offset; /* in the source: where a message about this node points */
    uint32_t slot;
    uint32_t unit;  /* what it costs each time: cost.h */
    uint32_t count; /* of args */
    struct node **args;
    const char *name;
    size_t name_len;
    union {
        struct cel_value value; /* NODE_CONST */
        const struct cel_function *host;
        struct {
            const struct cel_std *std;
            struct regex *regex; /* compiled from a literal pattern; owned by the program */
        } call;
        struct loop *loop; /* NODE_LOOP, NODE_LET */
    } u;
    /* What no evaluation looks at. */
    const struct cel_static_type *type; /* of its value, where the program is typed */
    uint32_t mark; /* where cel-go points: the operator, the dot, the parenthesis of a call */
};

struct program_regex {
    struct program_regex *next;
    struct regex *re;
};

struct cel_program {
    struct arena arena;
    char *text;
    struct source source;
    const struct cel_env *env;
    size_t variable_count;
    bool *used; /* by variable */
    struct node *root;
    uint32_t frame_slots;
    struct program_regex *regexes;
    const struct cel_static_type *type; /* of the result */
};

/* Whether the environment has what came with that minor version of Kubernetes. */
static inline bool env_has(const struct cel_env *env, unsigned since)
{
    return env->kubernetes_minor == 0 || since <= env->kubernetes_minor;
}

/* parser.c: text to tree. Names of macros, message literals and the like are refused here. */
int parse_program(struct cel_program *p, struct err *reterr);
/* check.c: names, argument counts, literals, constants, slots. */
int check_program(struct cel_program *p, struct err *reterr);

#endif
