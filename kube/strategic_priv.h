/* Strategic merge in parts: objects (strategic.c), lists (strategic_list.c) and their order
 * (strategic_order.c); visible to these files only. Everything merged here is the merge's own copy
 * and changes in place. */
#ifndef VMCONFORM_KUBE_STRATEGIC_PRIV_H
#define VMCONFORM_KUBE_STRATEGIC_PRIV_H

#include "kube/strategic.h"

#define DIRECTIVE "$patch"
#define DELETE_LIST "$deleteFromPrimitiveList"
#define ELEMENT_ORDER "$setElementOrder"
#define RETAIN_KEYS "$retainKeys"

/* What is known of the value being merged: its type, or the word that Go has for what it is. */
struct smp_place {
    const struct kube_type *type; /* NULL: not an object of known fields */
    const char *go_kind;          /* "map", "string": when type is NULL */
    const char *go_name;          /* of an object without known fields: "RawExtension"; or NULL */
};

/* How the list at a field merges. */
struct smp_list {
    struct smp_place element;
    const char *key; /* NULL: none */
    bool merge;
};

/* The field's place; -1: it has none. */
int smp_field(const struct smp_place *at, const char *name, const struct kube_field **ret_field,
              struct smp_place *ret, struct err *reterr);
int smp_list_field(const struct smp_place *at, const char *name, struct smp_list *ret,
                   struct err *reterr);

/* New, or NULL. original NULL: nothing is there. */
json_t *smp_merge_object(const struct smp_place *at, json_t *original, json_t *patch,
                         struct err *reterr);
json_t *smp_merge_list(const struct smp_list *how, json_t *original, json_t *patch, bool delete_all,
                       struct err *reterr);
/* The list at a field under the order that the patch asks for. original and patch may be NULL. */
json_t *smp_order_list(const struct smp_list *how, json_t *original, json_t *patch,
                       const json_t *order, struct err *reterr);
/* Drops what carries a directive, at any depth. NULL: v itself goes. New. */
json_t *smp_without_directives(json_t *v);
int smp_unknown_directive(const json_t *directive, const json_t *map, struct err *reterr);
int smp_expected(const char *what, const json_t *have, struct err *reterr);

/* ---- what tells elements apart (strategic_order.c) ---- */

struct strmap;
/* The value's type is part of it: 1 is not 1.0 here, nor "1". New; NULL: objects and lists are no
 * keys. */
char *smp_value_text(const json_t *v);
int smp_no_key(const json_t *element, const char *key, struct err *reterr);
/* Of the member key; key NULL: of the element itself. New; NULL is an error. */
char *smp_element_text(const json_t *element, const char *key, struct err *reterr);
/* From an element's text to its first place in the list, plus one. NULL is an error; elements
 * without a key are left out when lenient. */
struct strmap *smp_places_of(const json_t *list, const char *key, bool lenient, struct err *reterr);
/* 0: it has none. */
size_t smp_place_in(const struct strmap *places, const json_t *element, const char *key);
/* The merged list in the order asked for; what `asked` does not name stands where the stored list
 * has it. New, or NULL. */
json_t *smp_order_merged(const char *key, const json_t *merged, const json_t *asked,
                         const json_t *server, struct err *reterr);

#endif
