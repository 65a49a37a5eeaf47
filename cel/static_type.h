/* The types that are known before an expression runs, as cel-go's checker has them.
 *
 * A type is constant data: an object with its fields may be a table in a file. Types that are made
 * while a program runs (cel_type_parse) live in a pool. dyn is what nobody knows anything about:
 * everything goes there, and it goes everywhere. */
#ifndef VMCONFORM_CEL_STATIC_TYPE_H
#define VMCONFORM_CEL_STATIC_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

#define CEL_TYPE_DEPTH_MAX 32 /* of a type that is read from text */
#define CEL_TYPE_ARGS_MAX 4

enum cel_static_kind {
    CEL_STATIC_DYN,
    CEL_STATIC_NULL,
    CEL_STATIC_BOOL,
    CEL_STATIC_INT,
    CEL_STATIC_UINT,
    CEL_STATIC_DOUBLE,
    CEL_STATIC_STRING,
    CEL_STATIC_BYTES,
    CEL_STATIC_TIMESTAMP,
    CEL_STATIC_DURATION,
    CEL_STATIC_LIST,     /* args: element */
    CEL_STATIC_MAP,      /* args: key, value */
    CEL_STATIC_TYPE,     /* args: the type it names, or none */
    CEL_STATIC_OPTIONAL, /* args: value */
    CEL_STATIC_OPAQUE,   /* by name; up to CEL_TYPE_ARGS_MAX args */
    CEL_STATIC_OBJECT,   /* by name; fields */
    CEL_STATIC_PARAM     /* of a signature: list(A) */
};

struct cel_static_type;
struct cel_static_field {
    const char *name;
    const struct cel_static_type *type;
};

struct cel_static_type {
    enum cel_static_kind kind;
    const char *name; /* OPAQUE, OBJECT, PARAM */
    const struct cel_static_type *const *args;
    size_t arg_count;
    const struct cel_static_field *fields; /* OBJECT: all that it has */
    size_t field_count;
};

/* Those without args, by kind: DYN to DURATION. */
extern const struct cel_static_type cel_static[CEL_STATIC_DURATION + 1];
#define CEL_DYN (&cel_static[CEL_STATIC_DYN])

/* In tables of a file, outside of functions: static const struct cel_static_type texts =
 * CEL_LIST_OF(&cel_static[...]). */
#define CEL_LIST_OF(item)                                                                          \
    {                                                                                              \
        .kind = CEL_STATIC_LIST, .args = (const struct cel_static_type *const[]){item},            \
        .arg_count = 1                                                                             \
    }
#define CEL_MAP_OF(key, value)                                                                     \
    {                                                                                              \
        .kind = CEL_STATIC_MAP, .args = (const struct cel_static_type *const[]){key, value},       \
        .arg_count = 2                                                                             \
    }

/* As cel-go writes it: "map(string, list(int))", "optional_type(dyn)", "kubernetes.Quantity". New.
 */
char *cel_type_text(const struct cel_static_type *t);
/* The same type, part by part; objects and opaque types by their names. */
bool cel_type_same(const struct cel_static_type *a, const struct cel_static_type *b);
/* The field's type, or NULL. */
const struct cel_static_type *cel_type_field(const struct cel_static_type *object, const char *name,
                                             size_t len);

struct cel_type_pool; /* owns the types that are read from text */
struct cel_type_pool *cel_type_pool_create(void);
void cel_type_pool_destroy(struct cel_type_pool *pool);
DEFINE_CLEANUP(struct cel_type_pool, cel_type_pool, cel_type_pool_destroy);
/* "list(map(string, int))", as cel_type_text() writes it; a name that is no other type's is that of
 * one of the objects (NULL-terminated, or NULL), else an opaque type. NULL: *reterr says what is
 * wrong and at which character (pos.col). */
const struct cel_static_type *cel_type_parse(struct cel_type_pool *pool, const char *text,
                                             const struct cel_static_type *const *objects,
                                             struct err *reterr);

#endif
