/* The parsed table, shared by the files of this folder. */
#ifndef VMCONFORM_KUBE_TYPES_TYPES_PRIV_H
#define VMCONFORM_KUBE_TYPES_TYPES_PRIV_H

#include "kube/types/types.h"

/* The text of all *.types files, NUL-terminated; made at build time. */
extern const char types_embedded[];
extern const size_t types_embedded_len;

/* What a type has by JSON name, inlined types' fields included: open addressing, a power of two. */
struct types_member {
    uint32_t type; /* index */
    const struct kube_field *field;
};

struct types_table {
    struct kube_type *types;
    size_t type_count;
    struct kube_field *fields; /* of all types, one after the other */
    size_t field_count;
    const struct kube_field **by_number; /* the same, each type's sorted by wire number */
    const struct kube_type **by_name;
    const struct kube_type **by_kind; /* by kind, group, version */
    size_t kind_count;
    struct types_member *members;
    size_t member_mask;
};

/* Parses the embedded text. What is wrong with it is a bug of this program: it ends. */
void types_parse(struct types_table *ret);
void types_index(struct types_table *table);
/* The table, parsed on first use. */
const struct types_table *types_table(void);
/* A type's fields in the order of the wire. */
static inline const struct kube_field *const *types_by_number(const struct kube_type *t)
{
    const struct types_table *table = types_table();

    return table->by_number + (t->fields - table->fields);
}
uint32_t types_member_hash(uint32_t type, const char *name);

#endif
