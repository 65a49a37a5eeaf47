/* What a List may ask: a filter in a part of CEL, and an order. Both are checked against what the
 * message of a table has, so that a store only sees what it can answer.
 *
 * The part: `this` and `now`; == != < <= > >=; + - * / %; && || !; `in` a literal list, an array
 * field or the labels; labels["key"] and labels.key; startsWith, endsWith, contains with a literal
 * argument; has(); == null and != null of times and messages; timestamp("..."); literals. Fields
 * that are not set are what proto says: "", 0, false, an enum's 0; a time is null, which equals
 * itself alone. An enum is compared (==, !=, in) with an integer literal that names one of its
 * values. Conditions are bool and nothing else is: "this.id" alone is an error.
 *
 * What cannot be computed has no value: a division by zero, an overflow, a double that is no
 * number, a label that is not there, the order of a time that is not set. As errors in CEL, && and
 * || absorb it, and a row for which the whole filter has no value does not match: "!(F)" need not
 * match what "F" does not.
 *
 * Errors carry the column in pos (line 1) and in the message: ERR_SYNTAX, ERR_INVALID for names,
 * types and what the part does not have, ERR_LIMIT. Messages are UTF-8, whatever the text was. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_FILTER_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

#define FILTER_TEXT_MAX (16u << 10) /* bytes */
#define FILTER_NODES_MAX 1000
#define FILTER_DEPTH_MAX 64
#define FILTER_LIST_MAX 1000 /* items of a literal list */
#define ORDER_KEYS_MAX 8

enum filter_type {
    FILTER_BOOL,
    FILTER_INT, /* int32, int64: a JSON number, or text */
    FILTER_DOUBLE,
    FILTER_STRING,
    FILTER_ENUM, /* stored as a name */
    FILTER_TIMESTAMP,
    FILTER_MESSAGE, /* for has() and null alone; its own fields have rows of their own */
    FILTER_STRINGS, /* repeated string: for `in` */
    FILTER_LABELS   /* map<string, string>: for `in` and [] */
};

/* Values of an enum; ends with name NULL. */
struct filter_enum {
    int32_t number;
    const char *name;
};

/* Where a row has it. */
enum filter_place {
    FILTER_IN_DATA, /* at the path, in the column data */
    FILTER_IN_ID,
    FILTER_IN_NAME,
    FILTER_IN_TENANT,
    FILTER_IN_CREATOR,
    FILTER_IN_PROJECT,
    FILTER_IN_CREATION,
    FILTER_IN_DELETION,
    FILTER_IN_LABELS
};

/* A field that a filter may name. The table of a message lists those of its data alone; id and
 * metadata (name, creation_timestamp, deletion_timestamp, creator, tenant, project, labels) are
 * known here. Paths are names joined by dots: "spec.compute_instance". Borrowed: must outlive the
 * filters made with it. */
struct filter_field {
    const char *path;
    enum filter_type type;
    bool optional; /* a scalar with presence: has() asks for the member, not for another value than
                      zero */
    const struct filter_enum *values; /* FILTER_ENUM */
    enum filter_place place;          /* leave it 0 */
};
struct filter_fields {
    const struct filter_field *fields;
    size_t count;
};

struct filter;
struct order;

/* `text` may hold any bytes. Blank text is no filter: *ret NULL. now_ns is what `now` will be. */
int filter_compile(const char *text, size_t len, const struct filter_fields *fields, int64_t now_ns,
                   struct filter **ret, struct err *reterr);
void filter_destroy(struct filter *f);
DEFINE_CLEANUP(struct filter, filter, filter_destroy);

/* "field [asc|desc], ...": scalar fields, with or without "this.", none twice; what is not set
 * comes first, enums are in the order of their names. Blank: *ret NULL. */
int order_compile(const char *text, size_t len, const struct filter_fields *fields,
                  struct order **ret, struct err *reterr);
void order_destroy(struct order *o);
DEFINE_CLEANUP(struct order, order, order_destroy);

#endif
