/* The registry: resource types as they are served, each with its versions, its objects and its log.
 */
#ifndef VMCONFORM_SIM_APISERVER_RTYPE_PRIV_H
#define VMCONFORM_SIM_APISERVER_RTYPE_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "kube/selector.h"
#include "sim/apiserver/crd.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/store.h"

struct apiserver;
struct apiwatch;
struct kube_type;

struct rversion {
    const char *group; /* the type's, or that of its view */
    const char *name;
    bool served, has_status;
    const struct schema *schema;     /* NULL: built in, takes any field */
    const char *const *fields;       /* NULL-terminated, or NULL */
    const struct scale_paths *scale; /* NULL: has no such subresource */
    const char *warning;             /* for whoever asks for a deprecated version, or NULL */
    const struct kind_view *view;    /* NULL: fields have the names they are stored under */
    const struct kube_type *kube; /* of builtin: its fields, looked up on demand; may stay NULL */
    bool kube_looked_up;
};

struct rtype {
    const char *group, *plural, *kind, *list_kind, *singular;
    const char *const *short_names; /* NULL-terminated */
    const char *const *categories;  /* NULL-terminated, or NULL */
    bool namespaced;
    bool registered;  /* false: its definition is gone */
    bool terminating; /* its definition is being deleted: no creates */
    enum generation_mode generation;
    const struct builtin *builtin; /* or */
    struct crd *crd;
    json_t *names; /* accepted ones that are not the definition's, NULL otherwise */
    const char **names_short, **names_categories; /* of these */
    struct rversion *versions;
    size_t version_count, storage;
    struct store_table table;
    struct event_log log;
    struct apiwatch **watches;
    size_t watch_count, watch_cap;
};

/* All that were ever registered, in that order. */
size_t rtype_count(const struct apiserver *a);
struct rtype *rtype_at(const struct apiserver *a, size_t i);
struct rtype *rtype_find(const struct apiserver *a, const char *group, const char *plural);
/* The group is the type's, or that of its view. */
const struct rversion *rtype_version(const struct rtype *t, const char *group, const char *version);
static inline const struct rversion *rtype_storage(const struct rtype *t)
{
    return &t->versions[t->storage];
}
void rtypes_add_builtin(struct apiserver *a);
void rtypes_finish(struct apiserver *a);
/* Registers or replaces; takes a reference of its own. names: those accepted, which may lag behind
 * what the definition wants; NULL: what it wants. Objects stored under an older definition are
 * brought to the new schema without a new revision, as a read from storage would show them. Open
 * watches end. */
void rtype_put_crd(struct apiserver *a, struct crd *c, const json_t *names);
void rtype_remove(struct apiserver *a, struct rtype *t);
/* A field selector may name this path. */
bool rtype_has_field(const struct rtype *t, const struct rversion *v, const char *field);

/* "apps/v1", "v1": a subdomain of at most 253 characters and a label of at most 63. */
#define API_VERSION_TEXT 320
void api_version_of(const char *group, const char *version, char *out, size_t size);

/* ---- versions (view.c) ---- */

/* The stored object as the request's version shows it; new reference. */
json_t *version_view(const struct rtype *t, const struct rversion *v, json_t *stored);
/* Makes an object of version v one of the storage version, in place. */
void version_store(const struct rtype *t, const struct rversion *v, json_t *object);
/* Whether the selector, which names fields of version v, takes the stored object. */
bool version_selects(const struct rtype *t, const struct rversion *v,
                     const struct field_selector *s, const json_t *stored);

#endif
