/* What a kind is that the server knows without a definition. */
#ifndef VMCONFORM_SIM_APISERVER_KINDS_PRIV_H
#define VMCONFORM_SIM_APISERVER_KINDS_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube/selector.h"
#include "kube/status.h"

struct apiserver;
struct scale_paths;

enum name_rule { NAME_SUBDOMAIN, NAME_LABEL, NAME_LABEL_1035, NAME_PATH };
/* When metadata.generation counts: never, when spec changes, when anything but metadata and (a
 * separate) status changes. */
enum generation_mode {
    GENERATION_NONE,
    GENERATION_SPEC,
    GENERATION_SPEC_AND_ANNOTATIONS,
    GENERATION_ALL
};

/* A kind of one group that is served in another one, too, under the same names (view.c): one store,
 * two APIs. Only the names of fields differ. */
struct field_alias {
    const char *stored, *shown;
};
struct kind_view {
    const char *group, *version;
    const char *fields; /* as a builtin's, by their names in the view */
    const struct field_alias *aliases;
    size_t alias_count;
    /* In the place of the builtin's; what it sees, and what its errors name, is as stored. */
    void (*validate)(const json_t *object, const json_t *old, struct field_errors *errors);
};

/* Given out to services so far. */
struct given {
    uint32_t addresses, node_ports;
    bool addresses_chosen; /* clients chose some themselves */
};
/* A kind that the server knows without a definition. Slots may be NULL: nothing to do. */
struct builtin {
    const char *group, *version, *kind, *plural;
    const char *short_names; /* separated by spaces, or NULL */
    const char *fields;      /* selectable beside metadata.name and metadata.namespace, separated by
                                spaces, or NULL */
    /* Their values, where they are not what stands at the path; NULL: they are. */
    field_value_fn *field_value;
    bool namespaced, has_status;
    bool unconditional;  /* an update without resourceVersion is taken */
    bool create_on_put;  /* an update of an absent object creates it */
    bool delete_returns; /* a completed delete answers the object, not a Status */
    bool no_collection;  /* has no deletecollection */
    enum generation_mode generation;
    enum name_rule names;
    /* Kinds with a rank come in its order, and before all others wherever chance makes an order of
     * kinds: a run that has none of the others goes on as it did before they were known. */
    unsigned rank;
    /* Defaults and what the server alone may set; old NULL on create. object is the pipeline's own
     * copy. */
    void (*prepare)(json_t *object, const json_t *old);
    void (*validate)(const json_t *object, const json_t *old, struct field_errors *errors);
    /* Not for kinds that prepare or allocate: those would see either form. */
    const struct kind_view *view;
    /* What the server gives out of its own (addresses), to an object that is valid; what it is told
     * to give and cannot is an error. *given counts on and is kept once the object is stored. */
    void (*allocate)(const struct apiserver *a, json_t *object, const json_t *old,
                     struct given *given, struct field_errors *errors);
    /* How many seconds a delete leaves the object for its end; asked NULL: the client did not say.
     * NULL: it is not waited for. */
    int64_t (*grace_s)(const json_t *object, const int64_t *asked);
    /* What a delete shows in an object that it must wait for, beside the marks of every kind. */
    void (*mark_deleting)(json_t *object);
    const char *finalizers;  /* the path of finalizers that the kind has beside metadata's, or NULL;
                                its subresource "finalize" alone changes them */
    const char *const *kept; /* names that cannot be deleted, NULL-terminated, or NULL */
};
struct builtin_table {
    const struct builtin *kinds;
    size_t count;
};
/* What follows from the table of a kind: made once, never changed, shared by all servers. */
struct kind_names {
    const struct builtin *builtin;
    char *list_kind, *singular, *short_text, *field_text, *view_text;
    const char **short_names, **fields, **view_fields; /* NULL-terminated */
};
/* All, those with a rank first. */
const struct kind_names *builtin_kinds(size_t *ret_count);
/* Where a built-in kind has its replicas; NULL when it cannot be scaled. */
const struct scale_paths *scale_of_builtin(const struct builtin *b);

#endif
