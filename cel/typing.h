/* The static type of each node, as cel-go's checker deduces it. check.c asks for it node by node,
 * operands first, before constants are computed. Messages and the places they point at are
 * cel-go's, because clients of Kubernetes see them. */
#ifndef VMCONFORM_CEL_TYPING_H
#define VMCONFORM_CEL_TYPING_H

#include "cel/ast.h"
#include "cel/unify.h"

struct typing {
    struct cel_program *p;
    struct unify unify;
    unsigned mixed_allowed; /* inside the arguments of format() */
    struct err *reterr;
};

void typing_init(struct typing *t, struct cel_program *p, struct err *reterr);
/* Sets n->type; its operands have theirs, and a LOCAL has its own. */
int typing_node(struct typing *t, struct node *n);
/* The types of the names of a LOOP or a LET, whose range has one. */
int typing_scope(struct typing *t, const struct node *n, const struct cel_static_type *ret[2]);
/* A call that no function of its name takes; its operands have their types. Fails. */
int typing_no_overload(struct typing *t, const struct node *call);
/* The type of the whole program. */
int typing_finish(struct typing *t);

#endif
