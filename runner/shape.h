/* What a YAML map may hold: a table of keys, checked strictly with hints. */
#ifndef VMCONFORM_RUNNER_SHAPE_H
#define VMCONFORM_RUNNER_SHAPE_H

#include <stdbool.h>

#include "base/yaml.h"
#include "runner/template.h"

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

/* What else is known about a key. */
struct shape_note {
    const char *key;        /* NULL ends a table */
    const struct shape *of; /* of the map, or of each map of the list; NULL: whatever it holds */
    const char *says;       /* for those who write one, as Markdown; NULL: the name tells */
};

/* A map: its keys, and (or NULL) those of which exactly one must be there. */
struct shape {
    const char *what; /* in messages: "step", "law" */
    const struct shape_key *keys;
    const char *const *one_of;
    const struct shape_note *notes; /* NULL: none */
    const char *definition;         /* its name in the JSON Schema; NULL: `what` */
};

/* Checks that node is a map with the keys of the shape only. `what` names it in messages ("step",
 * "law"). Returns whether all is well; what is wrong goes to diags. */
bool shape_check(const struct yaml_doc *doc, const struct yaml_node *node,
                 const struct shape *shape, const char *what, struct diags *diags);
/* One member of a map whose other keys may be anything; its key is one of these. */
bool shape_check_member(const struct yaml_doc *doc, const struct yaml_node *n,
                        const struct shape_key *keys, const char *what, struct diags *diags);
/* Exactly one of the keys of the table is present: returns its index, or -1 after a diagnosis. */
int shape_one_of(const struct yaml_doc *doc, const struct yaml_node *node, const char *const *verbs,
                 const char *what, struct diags *diags);
/* The same for a value that the template gave: what was a `${...}` may have become anything. On
 * success every member has its type, so that readers need not look again. The error has the place
 * of the member in the file. */
int shape_check_value(const json_t *value, const struct tmpl *t, const struct shape *shape,
                      struct err *reterr);
/* One value of the type; `name` is for the message. */
int shape_check_type(const json_t *value, enum shape_type type, const char *name,
                     struct src_pos pos, struct err *reterr);
/* Each element of a list (none: absent) is a map of the shape. */
int shape_check_values(const json_t *list, const struct tmpl *t, const struct shape *shape,
                       struct err *reterr);
bool shape_has_hole(const struct yaml_node *node); /* a text with `${` in it */

#endif
