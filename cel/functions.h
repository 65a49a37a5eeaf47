/* Standard functions. Each family has one constant table at the end of its file: a row there is all
 * that a new function needs. A new family is a file with such a table, and its line in
 * families.list. */
#ifndef VMCONFORM_CEL_FUNCTIONS_H
#define VMCONFORM_CEL_FUNCTIONS_H

#include "cel/context.h"
#include "cel/cost.h"

/* Arguments are values, never errors; a member's target is args[0]. ret is not one of args. Returns
 * 0, or -1 through eval_fail and its kin. */
typedef int std_fn(struct cel_context *c, size_t nargs, struct cel_value *args,
                   struct cel_value *ret);

enum std_form { STD_GLOBAL = 1, STD_MEMBER = 2, STD_BOTH = 3 };
enum std_flags {
    STD_LITERAL = 1, /* constant arguments that it refuses are compile errors */
    STD_REGEX = 2    /* args[1] is a pattern: a literal one is compiled once */
};

struct cel_std {
    const char *name; /* may be qualified: "optional.of" */
    uint8_t form;
    uint8_t args_min, args_max; /* counting the target */
    uint8_t flags;
    std_fn *fn;
    /* Its overloads for the checker, the target first: "list(A)->int;string->int". A capital letter
     * is any type; a star before one: only in the standard environment. */
    const char *types;
    uint8_t since; /* the minor version of Kubernetes that brought it; 0: all have it */
    uint8_t cost;  /* enum std_cost */
};

struct std_family {
    const struct cel_std *rows;
    size_t count;
    bool standard; /* only where cel_env.standard is set */
};

/* The function is part of the environment. */
bool std_is_known(const struct cel_env *env, const struct std_family *family,
                  const struct cel_std *row);

/* All families, in the order of families.list. */
extern const struct std_family *const std_families[];
extern const size_t std_family_count;

/* convert.c, shared with time zones and the like: a NUL-terminated copy of a short text; false when
 * it does not fit or has a NUL inside. */
bool text_to_c(const struct cel_value *v, char *out, size_t size);

/* functions_url.c: whether Go's url.ParseRequestURI takes it. */
bool text_is_url(const struct cel_value *v);

#endif
