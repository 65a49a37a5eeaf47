/* Types and functions that cel-spec's tests declare (cel.expr.Type and Decl as text). */
#ifndef VMCONFORM_TESTS_CEL_DECLARED_H
#define VMCONFORM_TESTS_CEL_DECLARED_H

#include "cel/arena.h"
#include "cel/cel.h"
#include "tests/cel/textproto.h"

/* In the arena. NULL: one that only protocol buffers have, or none. */
const struct cel_static_type *declared_type(struct arena *a, const struct message *type);
/* A function that fails when it is called, and its overloads (cel_env.function_types). False: there
 * are none that we can have. */
bool declared_function(struct arena *a, const struct message *decl, struct cel_function *ret,
                       const char **ret_types);

#endif
