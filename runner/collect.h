/* Finding scenario files below paths, loading them, and the cases in them. */
#ifndef VMCONFORM_RUNNER_COLLECT_H
#define VMCONFORM_RUNNER_COLLECT_H

#include <jansson.h>
#include <stddef.h>

#include "kube/selector.h"
#include "runner/check.h"
#include "runner/requirements.h"

/* One case to run: a scenario and its values. */
struct planned_case {
    const struct unit *unit; /* borrowed from the collection */
    json_t *values;          /* owned */
    char *name;              /* owned */
};
struct collection {
    struct library *library;
    struct kinds kinds; /* of every cluster */
    struct requirements requirements;
    struct unit **units;
    size_t unit_count, unit_cap;
    struct planned_case *cases;
    size_t case_count, case_cap;
};
struct collect_filter {
    const char *glob;                  /* of case names; NULL: all */
    const struct selector *selector;   /* of labels; NULL: all */
    uint64_t shard_index, shard_count; /* 1-based; count 0: all */
    struct check_options check;
};

/* Every *.yaml below the paths, sorted; duplicates by name are errors. Errors are printed to stderr
 * as they are found, with their source lines. Returns -1 when there was any. */
int collect(struct collection *c, char *const *paths, size_t count,
            const struct collect_filter *filter);
void collection_finish(struct collection *c);

/* Prints diagnoses with the lines of the files that they point into. */
void print_diags(const struct diags *d);

#endif
