/* The functions of scenario expressions that ask the world: get, list, disk and the like. The
 * cookie of an evaluation is the running case (struct casework); compiling needs none.
 *
 * Adding one: a constant of the type below in a file of this folder, its line in functions.list. */
#ifndef VMCONFORM_RUNNER_EXPR_H
#define VMCONFORM_RUNNER_EXPR_H

#include <stddef.h>

#include "cel/cel.h"

/* What an argument names, so that a slip is told before anything runs (check.h). */
enum expr_names {
    EXPR_NAMES_NOTHING,
    EXPR_NAMES_KIND,      /* as references have it */
    EXPR_NAMES_REQUESTED, /* a kind as requests tell it; "": any */
    EXPR_NAMES_VERB,      /* of a request; "": any */
    EXPR_NAMES_FAULT,
    EXPR_NAMES_CHAIN,
    EXPR_NAMES_MOMENT /* of the disk that the argument before it is */
};
#define EXPR_NAMES_MAX 4

struct expr_function {
    struct cel_function cel;
    /* For the page, as Markdown: how it is called, what its value is. */
    const char *call, *says;
    enum expr_names names[EXPR_NAMES_MAX]; /* by argument */
};
extern const struct expr_function *const expr_functions[];         /* in the order of the list */
extern const struct cel_function *const *const expr_cel_functions; /* the same, bare */
extern const size_t expr_function_count;

/* A text argument as a C string; new. NULL with *reterr when it is something else: "WHAT must be a
 * string, found ...". */
char *expr_text(const struct cel_value *v, const char *what, struct err *reterr);

#endif
