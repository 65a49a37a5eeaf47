/* What a YAML map may hold: a table of keys, checked strictly with hints. */
#ifndef VMCONFORM_RUNNER_SHAPE_H
#define VMCONFORM_RUNNER_SHAPE_H

#include <stdbool.h>

#include "base/yaml.h"

enum shape_type {
    SHAPE_ANY,
    SHAPE_TEXT,     /* a string; `${...}` is fine */
    SHAPE_NAME,     /* a DNS label of at most 63 characters */
    SHAPE_BOOL,     /* true, false, or a `${...}` */
    SHAPE_INT,      /* an integer, or a `${...}` */
    SHAPE_DURATION, /* Go's, or a `${...}` */
    SHAPE_QUANTITY, /* bytes, as an integer or a quantity, or a `${...}` */
    SHAPE_EXPR,     /* CEL */
    SHAPE_MAP,
    SHAPE_LIST,
    SHAPE_MAP_VALUE,  /* a map, or a `${...}` that gives one */
    SHAPE_LIST_VALUE, /* a list, or a `${...}` */
    SHAPE_TEXTS,      /* a list of texts */
    SHAPE_SCALAR,     /* text or number */
};
struct shape_key {
    const char *key; /* NULL ends a table */
    enum shape_type type;
    bool required;
};

/* Checks that node is a map with these keys only. `what` names it in messages ("step", "law").
 * Returns whether all is well; what is wrong goes to diags. */
bool shape_check(const struct yaml_doc *doc, const struct yaml_node *node,
                 const struct shape_key *keys, const char *what, struct diags *diags);
/* Exactly one of the keys of the table is present: returns its index, or -1 after a diagnosis. */
int shape_one_of(const struct yaml_doc *doc, const struct yaml_node *node, const char *const *verbs,
                 const char *what, struct diags *diags);
bool shape_has_hole(const struct yaml_node *node); /* a text with `${` in it */

#endif
