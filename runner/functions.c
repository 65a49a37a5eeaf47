/* All host functions. Each is a line of functions.list, and nothing else. */
#include "base/cleanup.h"
#include "runner/expr.h"

#define FUNCTION(name, file) extern const struct expr_function function_##name;
#include "runner/functions.list"
#undef FUNCTION

const struct expr_function *const expr_functions[] = {
#define FUNCTION(name, file) &function_##name,
#include "runner/functions.list"
#undef FUNCTION
};
/* What the compiler of expressions takes. */
static const struct cel_function *const functions[] = {
#define FUNCTION(name, file) &function_##name.cel,
#include "runner/functions.list"
#undef FUNCTION
};
const struct cel_function *const *const expr_cel_functions = functions;
const size_t expr_function_count = ARRAY_LEN(functions);
