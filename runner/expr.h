/* The host functions of scenario expressions: get list exists disk chain guest objects files now
 * requests programs fired. The cookie of an evaluation is the running case (struct casework);
 * compiling needs none. */
#ifndef VMCONFORM_RUNNER_EXPR_H
#define VMCONFORM_RUNNER_EXPR_H

#include <stddef.h>

#include "cel/cel.h"

const struct cel_function *expr_functions(size_t *ret_count);

#endif
