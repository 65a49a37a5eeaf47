/* What an evaluation costs, in the units in which cel-go counts and Kubernetes limits it: a name or
 * a field 1, a list literal 10, a map literal 30, a text a tenth of a unit per character that is
 * looked at. Steps (context.h) are another matter: they bound the work that we do.
 *
 * Most nodes cost the same each time: check.c gives them their `unit`, which eval_node() charges.
 * What depends on values is here. Kubernetes optimises programs, so literals of nothing but
 * constants cost nothing. */
#ifndef VMCONFORM_CEL_COST_H
#define VMCONFORM_CEL_COST_H

#include "cel/context.h"

#define UNITS_NAME 1
#define UNITS_CALL 1
#define UNITS_LIST 10
#define UNITS_MAP 30

/* How a standard function's cost depends on its arguments. */
enum std_cost {
    COST_CALL,          /* 1 */
    COST_TEXT,          /* the first argument is read */
    COST_TEXT_TWICE,    /* ... and a result of its size is made */
    COST_FROM_BYTES,    /* read, when it is bytes (string()) */
    COST_FROM_STRING,   /* read, when it is a string (bytes()) */
    COST_RESULT,        /* the result is made of parts */
    COST_TREE,          /* all that is in the first argument is looked at */
    COST_SEARCH,        /* the second is looked for in the first */
    COST_PATTERN,       /* the first is matched with the second */
    COST_PRODUCT,       /* each element of the one with each of the other */
    COST_PRODUCT_TWICE, /* ... and back */
    COST_LIST,          /* a list is made: the result */
    COST_LIST_FLAT,     /* a list is made of the first argument */
    COST_LIST_ORDER,    /* ... and each element compared with each */
    COST_CONTAINS_IP,
    COST_CONTAINS_CIDR
};

/* Sets n->unit and n->attribute; the operands have theirs, and may be found to cost less here.
 * Before the node is folded. */
void cost_node(struct node *n);
/* A constant that was computed from a node with this cost. */
void cost_folded(struct node *n, uint64_t cost);

/* Both count the work that the counting is as steps. */
uint64_t cost_binary(struct cel_context *c, enum binary_op op, const struct cel_value *a,
                     const struct cel_value *b);
uint64_t cost_call(struct cel_context *c, enum std_cost how, const struct cel_value *args,
                   const struct cel_value *ret);

#endif
