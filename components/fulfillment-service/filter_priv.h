/* A filter after the check: what a store turns into its own language. Every node has a type, every
 * condition is FILTER_BOOL, fields and constants are known. A condition that cannot be computed
 * (division by zero, an overflow, a label that is not there, the order of a time that is not set)
 * has no value, as SQL's NULL: `&&` and `||` absorb it, and a row for which the whole has none does
 * not match. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_FILTER_PRIV_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_FILTER_PRIV_H

#include "cel/arena.h"
#include "cel/ast.h"
#include "components/fulfillment-service/filter.h"

#define FILTER_PATH_MAX 200 /* bytes of a field's path */

/* The types of nodes: those of fields, and of the literal null. */
#define FILTER_NULL (FILTER_LABELS + 1)

enum filter_kind {
    FILTER_CONST,    /* u, by type; FILTER_NULL has none */
    FILTER_FIELD,    /* field: a scalar */
    FILTER_LABEL,    /* the label of the key u.text of field */
    FILTER_AND,      /* args: conditions, two or more */
    FILTER_OR,       /* the same */
    FILTER_NOT,      /* args[0] */
    FILTER_NEGATE,   /* args[0]: FILTER_INT or FILTER_DOUBLE */
    FILTER_COMPARE,  /* args[0] op args[1]: OP_EQ to OP_GE */
    FILTER_COMPUTE,  /* args[0] op args[1]: OP_ADD to OP_MOD; of two texts: joined */
    FILTER_IN_LIST,  /* args[0] among the constants args[1], args[2]... */
    FILTER_IN_FIELD, /* the text args[0] in field, FILTER_STRINGS or (a key) FILTER_LABELS */
    FILTER_IS_ENUM,  /* field is the value of the number u.integer */
    FILTER_IS_NULL,  /* args[0], a FILTER_TIMESTAMP, is not set */
    FILTER_HAS,      /* field is set */
    FILTER_STARTS,   /* the text args[0] starts with the constant args[1] */
    FILTER_ENDS,
    FILTER_CONTAINS
};

struct filter_node {
    enum filter_kind kind;
    int type; /* enum filter_type or FILTER_NULL */
    enum binary_op op;
    size_t count;
    struct filter_node **args;
    const struct filter_field *field;
    union {
        bool boolean;
        int64_t integer; /* FILTER_INT; FILTER_TIMESTAMP: ns */
        struct {
            const char *data; /* without U+0000; not NUL-terminated */
            size_t len;
        } text;
        double real;
    } u;
};

struct filter {
    struct cel_program *program; /* owns the texts */
    struct arena arena;          /* and this the nodes */
    const struct filter_node *root;
};

struct order {
    struct order_key {
        const struct filter_field *field;
        bool descending;
    } keys[ORDER_KEYS_MAX];
    size_t count;
};

/* filter_check.c: the tree of f->program into f->root. */
int filter_check(struct filter *f, const struct filter_fields *fields, int64_t now_ns,
                 struct err *reterr);

/* filter_fields.c: what is at a path; NULL: nothing. A path above fields is a FILTER_MESSAGE, which
 * is made in the arena (NULL: not looked for). */
const struct filter_field *filter_field_find(const struct filter_fields *fields, const char *path,
                                             struct arena *arena);
/* Gives the error the path that is near as its hint. */
void filter_field_suggest(const struct filter_fields *fields, const char *path, struct err *e);
/* "string", "a list of strings": for messages. */
const char *filter_type_name(int type);
/* Puts the column into the message, once the whole is known to have failed. */
int filter_fail_place(struct err *reterr);

#endif
