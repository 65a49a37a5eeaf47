/* The compiled form of a structural schema; visible to the schema_*.c files only. */
#ifndef VMCONFORM_SIM_APISERVER_SCHEMA_PRIV_H
#define VMCONFORM_SIM_APISERVER_SCHEMA_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "sim/apiserver/schema.h"

struct regex;

enum schema_type {
    TYPE_ANY,
    TYPE_OBJECT,
    TYPE_ARRAY,
    TYPE_STRING,
    TYPE_INTEGER,
    TYPE_NUMBER,
    TYPE_BOOLEAN
};
enum list_type { LIST_ATOMIC, LIST_SET, LIST_MAP };

struct schema_prop {
    char *name;
    struct schema *schema;
};

struct schema_rule {
    struct cel_program *rule, *message_expression; /* the second may be NULL */
    const char *message, *reason,
        *field_path; /* borrowed from the schema's source; NULL when absent */
    bool uses_old, optional_old;
};

struct schema_set { /* allOf, anyOf, oneOf */
    struct schema **items;
    size_t count;
};

struct schema {
    json_t *source; /* the root keeps its text alive: strings below are borrowed from it */
    enum schema_type type;
    bool later, has_status; /* only the source is there (schema_compile_later) */
    bool nullable, preserve_unknown, int_or_string, embedded, atomic_map;
    bool additional_any;          /* additionalProperties: true */
    bool has_rules, has_defaults; /* here or below */
    bool has_list_types;          /* here or below */
    struct schema_prop *props;    /* sorted by name */
    size_t prop_count;
    struct schema *additional; /* additionalProperties: {schema} */
    struct schema *items;
    const json_t *required;  /* array of names, or NULL */
    const json_t *enumerate; /* array, or NULL */
    const json_t *fallback;  /* the default, or NULL */
    const char *format;      /* NULL when absent; hyphens removed is up to the checker */
    const char *pattern_text;
    struct regex *pattern;
    bool has_min, has_max, min_exclusive, max_exclusive;
    double min, max, multiple_of; /* multiple_of 0: none */
    int64_t len_min, len_max;     /* characters, items or properties by type; -1: none */
    int64_t items_min, items_max, props_min, props_max;
    enum list_type list;
    const json_t *list_keys;     /* array of names */
    const char **list_key_names; /* the same, NULL-terminated; NULL unless list is LIST_MAP */
    struct schema_set all_of, any_of, one_of;
    struct schema *none_of; /* `not` */
    struct schema_rule *rules;
    size_t rule_count;
};

const struct schema *schema_prop(const struct schema *s, const char *name);
/* Of a member of this name: what is said of it, else (*ret_map_key, which may be NULL) of all that
 * nothing is said of; NULL: nothing. */
const struct schema *schema_of_member(const struct schema *s, const char *name, bool *ret_map_key);
/* Compiles x-kubernetes-validations of s. */
void schema_rules_compile(struct schema *s, const json_t *rules, const char *field,
                          struct field_errors *errors);
void schema_rules_finish(struct schema *s);
/* The rules of schema_structure.c on a whole schema. */
void schema_check_structure(const struct schema *s, const char *field, bool has_status,
                            struct field_errors *errors);

/* A walk over the compiled tree that looks for mistakes in the schema (schema_structure.c,
 * schema_keywords.c). */
struct schema_walk {
    struct field_errors *errors;
    const json_t *int_or_string; /* anyOf: [{type: integer}, {type: string}] */
};
/* member "": the field itself. */
void schema_walk_add(const struct schema_walk *w, enum field_error_type type, const char *field,
                     const char *member, const json_t *shown, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* "must be X if Y": Required when there is no type, Invalid when it is another one. */
void schema_walk_need_type(const struct schema_walk *w, const struct schema *s, const char *field,
                           const char *type, const char *why);
void schema_walk_keywords(const struct schema_walk *w, const struct schema *s, const char *field);
/* As the schema spells its type; "" when it has none. */
const char *schema_type_text(const struct schema *s);

/* Where a validator stands: linked up to the root, rendered only for an error. */
struct schema_frame {
    struct schema_frame *up;
    const char *key; /* NULL: an array element */
    size_t index;
    bool map_key;              /* key of additionalProperties: printed as [key] */
    const json_t *value, *old; /* old NULL when nothing corresponds */
    enum { FRAME_UNKNOWN, FRAME_SAME, FRAME_CHANGED } verdict; /* whether old equals value */
};
/* The schema of a member of the value in `up`, and the frame of that member; NULL: it has none. */
const struct schema *schema_frame_enter(const struct schema *s, struct schema_frame *up,
                                        const char *key, struct schema_frame *ret);
/* The path as the API server prints it, cut when very long; "<nil>" for the root. */
void schema_frame_path(const struct schema_frame *f, struct strbuf *out);
/* What the paths of members begin with (member NULL: "" for the root), or one of them. */
void schema_frame_path_below(const struct schema_frame *f, const char *member, struct strbuf *out);
/* True when this value or one that holds it is what is stored already: its errors are not reported.
 */
bool schema_frame_unchanged(struct schema_frame *f);
/* The stored element that corresponds to item `index` of a list; NULL when none does. Only lists of
 * type map correlate. */
const json_t *schema_correlate(const struct schema *list, const json_t *item, size_t index,
                               const json_t *old_list);

void schema_validate_values(const struct schema *s, struct schema_frame *f,
                            struct field_errors *errors);
void schema_validate_lists(const struct schema *s, struct schema_frame *f,
                           struct field_errors *errors);
/* One object's evaluation of rules. */
struct schema_rules_run {
    struct cel_context *cel;
    struct field_errors *errors;
    uint64_t budget; /* cost that is left */
};
void schema_validate_rules(const struct schema *s, struct schema_frame *f,
                           struct schema_rules_run *run);

/* True when text is of the format, or the format is not one that is checked. */
bool schema_format_ok(const char *format, const char *text);

#endif
