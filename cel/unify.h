/* Type variables: what stands for a parameter of a signature until something says what it is. The
 * rules are those of cel-go's checker: dyn goes both ways, the more general of two types stays, and
 * null goes where an object, a time or an opaque type is wanted. */
#ifndef VMCONFORM_CEL_UNIFY_H
#define VMCONFORM_CEL_UNIFY_H

#include <stdint.h>

#include "cel/arena.h"
#include "cel/static_type.h"

struct type_trail; /* what a variable was before */

/* Zero-initialise, with the arena that the types are made in. */
struct unify {
    struct arena *arena;
    struct type_trail *trail;
    uint64_t steps;    /* left; each look at a part of a type takes one */
    size_t bytes_left; /* for types that are made */
    unsigned depth;
    bool exhausted; /* either was not enough: every answer since is "no" */
};

/* Takes memory and a step from the budget; both are given per node by the caller. */
const struct cel_static_type *unify_make(struct unify *u, enum cel_static_kind kind,
                                         const char *name,
                                         const struct cel_static_type *const *args, size_t count);
const struct cel_static_type *unify_fresh(struct unify *u); /* a new variable */
/* Whether each a goes where its b is wanted; variables remember what they became. On false they
 * are as before. */
bool unify_assignable(struct unify *u, const struct cel_static_type *const *a,
                      const struct cel_static_type *const *b, size_t count);
/* The type with what is known of its variables; those that nothing is known of stay, or are dyn. */
const struct cel_static_type *unify_resolve(struct unify *u, const struct cel_static_type *t,
                                            bool free_to_dyn);
/* The more general of two that go together. */
const struct cel_static_type *unify_general(struct unify *u, const struct cel_static_type *a,
                                            const struct cel_static_type *b);

#endif
