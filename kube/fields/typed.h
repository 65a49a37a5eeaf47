/* What server-side apply must know of a type: one view over the schemas of definitions
 * (sim/apiserver/schema.h) and over the table of built-in kinds (kube/types/types.h). */
#ifndef VMCONFORM_KUBE_FIELDS_TYPED_H
#define VMCONFORM_KUBE_FIELDS_TYPED_H

#include <jansson.h>
#include <stdbool.h>

#include "kube/types/types.h"

enum typed_shape {
    TYPED_ANY, /* nothing is known: objects are granular, lists atomic, members TYPED_ANY too */
    TYPED_SCALAR,
    TYPED_OBJECT, /* members of their own types: a struct, or a map */
    TYPED_LIST
};
/* What a scalar may be, for what a patch says. */
enum typed_scalar { TYPED_UNTYPED, TYPED_STRING, TYPED_NUMBER, TYPED_BOOLEAN };

struct typed_ops;
/* A place in a type; passed by value. node NULL with ops NULL is TYPED_ANY. */
struct typed {
    const struct typed_ops *ops;
    const void *node;
    int aux; /* the implementation's own */
};

struct typed_info {
    enum typed_shape shape;
    enum typed_scalar scalar;
    bool atomic; /* owned and replaced as a whole */
    bool open;   /* object: members that are not declared are allowed, and are items */
    enum kube_list_type list_type;
    const char *const *list_keys; /* of KUBE_LIST_MAP, NULL-terminated */
};
struct typed_ops {
    struct typed_info (*info)(const void *node, int aux);
    /* false: no such member is declared (a map declares none) */
    bool (*member)(const void *node, int aux, const char *name, struct typed *ret);
    /* What a list holds, or an open object beside its declared members. */
    struct typed (*item)(const void *node, int aux);
    /* Of an object that a list holds: the default of its member `name`, or NULL. Borrowed. */
    const json_t *(*default_of)(const void *node, int aux, const char *name);
    /* What a new object holds before anybody said anything: structs that are never absent, lists
     * that stand as null (new). A slot of NULL: an empty object. */
    json_t *(*zero)(const void *node, int aux);
};

/* The root of a built-in kind. */
struct typed typed_of_kube(const struct kube_type *t);
/* metadata of any kind. */
struct typed typed_object_meta(void);
/* An object of which its metadata alone is known. */
struct typed typed_resource_any(void);
static inline struct typed typed_any(void)
{
    return (struct typed){0};
}
/* A string. */
struct typed typed_string(void);
struct typed_info typed_info_of(struct typed t);
bool typed_member(struct typed t, const char *name, struct typed *ret);
/* typed_any() for what holds nothing. */
struct typed typed_item(struct typed t);
const json_t *typed_default_of(struct typed t, const char *name);
json_t *typed_zero(struct typed t);

#endif
