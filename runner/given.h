/* What can be given before the first step. An item is one constant: its grammar, its words for the
 * page, its function.
 *
 * Adding one: such a constant in a file of this folder, its line in given.list. What only starts
 * something on a cluster is a part (sim/parts/part.h), and an item by that. */
#ifndef VMCONFORM_RUNNER_GIVEN_H
#define VMCONFORM_RUNNER_GIVEN_H

#include "runner/casework.h"
#include "runner/check.h"
#include "runner/parse_priv.h"
#include "runner/shapes.h"
#include "sim/parts/part.h"

/* One item while it is staged: its value and `with` have been evaluated and have their types. */
struct staging {
    const struct given *given;
    const json_t *args, *with;
    struct cluster *cluster; /* that stands beside it, else the first one */
};

struct given_item {
    const char *name;
    /* For the page, as Markdown: the item, and what it does. NULL: the part's. */
    const char *value, *says;
    enum shape_type type;
    const struct shape *shape; /* of a map; NULL: it is none */
    bool on_cluster;           /* works on the cluster that stands beside it */
    bool (*check)(struct parser *p, const struct yaml_node *value); /* NULL: the shape is enough */
    /* -1: *reterr, or a verdict. */
    int (*stage)(struct casework *cw, const struct staging *s, struct err *reterr);
    const struct sim_part *part; /* that it starts, or NULL */
    /* Holds what it names against what there is, before anything runs (check.h). NULL: it names
     * nothing but the cluster beside it. */
    void (*names)(struct check *c, const struct place *at, const struct given *g);
};

extern const struct given_item given_cluster;
#define GIVEN(name, file) extern const struct given_item given_##name;
#include "runner/given.list"
#undef GIVEN

/* cluster, the parts, the list; NULL-terminated. */
extern const struct given_item *const given_items[];
/* The names of all but cluster, which also stands beside others. */
extern const char *const given_forms[];
/* What shape_check() does for the map of an item. */
bool given_check(const struct yaml_doc *doc, const struct yaml_node *node, struct diags *diags);

#endif
