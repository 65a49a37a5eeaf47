/* Types as text: reading them, also with parameters, and writing them. */
#ifndef VMCONFORM_CEL_TYPE_TEXT_H
#define VMCONFORM_CEL_TYPE_TEXT_H

#include "cel/arena.h"
#include "cel/static_type.h"

/* A place in a text of types. A parameter is one capital letter; params has what stands for it in
 * the signature that is being read, NULL: no letter is special. */
struct type_text {
    const char *at;
    struct arena *arena;
    const struct cel_static_type *const *objects;
    const struct cel_static_type *params[26];
    /* Makes a parameter's type when its letter is met first. */
    const struct cel_static_type *(*fresh)(void *cookie);
    void *cookie;
};

/* The type at text->at, which moves behind it. NULL: what is there is none. */
const struct cel_static_type *type_read(struct type_text *text);

/* New in the arena. */
const struct cel_static_type *type_make(struct arena *a, enum cel_static_kind kind,
                                        const char *name, const struct cel_static_type *const *args,
                                        size_t count);

#endif
