/* What the parser and the macros share. */
#ifndef VMCONFORM_CEL_PARSER_H
#define VMCONFORM_CEL_PARSER_H

#include "cel/ast.h"
#include "cel/lexer.h"

struct parser {
    struct cel_program *program;
    struct lexer lexer;
    struct token token; /* the current one */
    unsigned depth;     /* of expressions inside expressions */
    unsigned operands;  /* of right operands: a || b && c == d + e * (... is five frames a level */
    struct err *reterr;
};

struct node *parser_node(struct parser *p, enum node_kind kind, uint32_t offset);
/* Computes the height from args; -1 when the tree is too deep. */
int parser_seal(struct parser *p, struct node *n);
void parser_add_arg(struct parser *p, struct node *n, struct node *arg);

/* macros.c: *n is a call; when it is a macro, it is replaced. */
int macro_expand(struct parser *p, struct node **n);

#endif
