/* The insides of an API server; visible to this folder only. */
#ifndef VMCONFORM_SIM_APISERVER_SERVER_PRIV_H
#define VMCONFORM_SIM_APISERVER_SERVER_PRIV_H

#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "kube/status.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/crd.h"
#include "sim/apiserver/schema.h"
#include "sim/apiserver/store.h"

#define ADMIN_USER "kubernetes-admin"
#define SERVER_USER "system:apiserver"
#define CRD_GROUP "apiextensions.k8s.io"
#define CRD_FINALIZER "customresourcecleanup.apiextensions.k8s.io"

struct rtype;

/* ---- resource types (resource.c, builtin.c) ---- */

enum name_rule { NAME_SUBDOMAIN, NAME_LABEL, NAME_LABEL_1035, NAME_PATH };
/* When metadata.generation counts: never, when spec changes, when anything but metadata and (a
 * separate) status changes. */
enum generation_mode { GENERATION_NONE, GENERATION_SPEC, GENERATION_ALL };

/* A kind that the server knows without a definition. Slots may be NULL: nothing to do. */
struct builtin {
    const char *group, *version, *kind, *plural;
    const char *short_names; /* separated by spaces, or NULL */
    const char *fields;      /* selectable beside metadata.name and metadata.namespace, separated by
                                spaces, or NULL */
    bool namespaced, has_status;
    bool unconditional;  /* an update without resourceVersion is taken */
    bool create_on_put;  /* an update of an absent object creates it */
    bool delete_returns; /* a completed delete answers the object, not a Status */
    bool no_collection;  /* has no deletecollection */
    enum generation_mode generation;
    enum name_rule names;
    /* Defaults and what the server alone may set; old NULL on create. object is the pipeline's own
     * copy. */
    void (*prepare)(json_t *object, const json_t *old);
    void (*validate)(const json_t *object, const json_t *old, struct field_errors *errors);
};
extern const struct builtin builtins[];
extern const size_t builtin_count;

struct rversion {
    const char *name;
    bool served, has_status;
    const struct schema *schema; /* NULL: built in, takes any field */
    const char *const *fields;   /* NULL-terminated, or NULL */
};

struct rtype {
    const char *group, *plural, *kind, *list_kind, *singular;
    const char *const *short_names; /* NULL-terminated */
    bool namespaced;
    bool registered;  /* false: its definition is gone */
    bool terminating; /* its definition is being deleted: no creates */
    enum generation_mode generation;
    const struct builtin *builtin; /* or */
    struct crd *crd;
    struct rversion *versions;
    size_t version_count, storage;
    struct store_table table;
    struct event_log log;
    struct apiwatch **watches;
    size_t watch_count, watch_cap;
    /* Owned, for the strings above. */
    char **words;
    char *built_kind_list, *built_singular;
    const char **built_fields;
};

struct admitter {
    char *group, *plural;
    admission_fn *fn;
    void *cookie;
};

struct observer {
    store_observer_fn *fn;
    void *cookie;
};

struct apiserver {
    struct sched *sched;
    char *name;
    int64_t revision;
    int64_t floor; /* revisions below are compacted */
    struct rtype **types;
    size_t type_count, type_cap;
    struct rtype **hash; /* open addressing by group and plural */
    size_t hash_cap;
    struct observer *observers;
    size_t observer_count, observer_cap;
    struct admitter *admitters;
    size_t admitter_count, admitter_cap;
    struct crd **retired; /* replaced definitions, kept for the strings given out */
    size_t retired_count, retired_cap;
    const char **kinds;
    size_t kind_count;
    struct strmap *words; /* any word of a user to struct word (resource.c) */
    struct prng uids, names;
    struct cel_context *cel;
    unsigned depth;      /* of nested apiserver_handle calls (from admission) */
    bool telling;        /* observers are being told: no writes now */
    bool crds_to_finish; /* a definition may be ready to go */
};

struct rtype *rtype_find(const struct apiserver *a, const char *group, const char *plural);
const struct rversion *rtype_version(const struct rtype *t, const char *version);
static inline const struct rversion *rtype_storage(const struct rtype *t)
{
    return &t->versions[t->storage];
}
void rtypes_add_builtin(struct apiserver *a);
void rtypes_finish(struct apiserver *a);
/* Registers or replaces; takes a reference of its own. Objects stored under an older definition are
 * brought to the new schema without a new revision, as a read from storage would show them. Open
 * watches end. */
void rtype_put_crd(struct apiserver *a, struct crd *c);
void rtype_remove(struct apiserver *a, struct rtype *t);
/* A field selector may name this path. */
bool rtype_has_field(const struct rtype *t, const struct rversion *v, const char *field);

/* ---- one request under way (handle.c) ---- */

struct call {
    struct apiserver *a;
    const struct api_request *req;
    struct api_response *ret;
    struct rtype *t;
    const struct rversion *v;
    char key[STORE_KEY_MAX]; /* of the named object; "" for collections */
};

static inline const struct api_resource *call_resource(const struct call *c)
{
    return &c->req->resource;
}
static inline const char *call_user(const struct call *c)
{
    return c->req->user ? c->req->user : ADMIN_USER;
}
static inline bool call_is_status(const struct call *c)
{
    return c->req->subresource != NULL;
}
/* "apps/v1", "v1": a subdomain of at most 253 characters and a label of at most 63. */
#define API_VERSION_TEXT 320
void api_version_of(const char *group, const char *version, char *out, size_t size);

/* All return 0, or -1 with *c->ret filled. */
int call_list(struct call *c);
int call_create(struct call *c);
int call_update(struct call *c);
int call_patch(struct call *c);
int call_delete(struct call *c);
int call_delete_collection(struct call *c);
/* Field and label selectors of the request; NULL when absent (*ret_label) or trivial. */
int call_selectors(struct call *c, struct selector **ret_label, struct field_selector **ret_field);

/* The stored object as the request's version shows it; new reference. */
json_t *version_view(const struct rtype *t, const struct rversion *v, json_t *stored);
/* Makes an object of version v one of the storage version, in place. */
void version_store(const struct rtype *t, const struct rversion *v, json_t *object);

/* ---- write stages (write.c) ---- */

/* Runs the admission plug-ins. object NULL for delete. */
int write_admit(struct call *c, json_t *object, const json_t *old);
/* Whether any plug-in looks at this type. */
bool write_has_admission(const struct call *c);
/* Defaults and pruning of schema or kind; in place. */
void write_normalise(const struct rtype *t, const struct rversion *v, json_t *object,
                     const json_t *old);
/* Metadata, schema, rules, kind. */
int write_validate(struct call *c, const json_t *object, const json_t *old);
/* A response whose message has no reason: what untyped errors of the server look like. */
int untyped_error(struct api_response *ret, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void respond(struct call *c, int code, json_t *body /* taken */);

/* ---- bodies (decode.c) ---- */

/* A copy of the body, with apiVersion, kind, name and namespace settled against the URL, and
 * metadata of known fields and types only. */
int decode_object(struct call *c, const json_t *body, bool need_name, json_t **ret);
/* The same in place, for an object that is the caller's own already. */
int decode_taken(struct call *c, json_t **object, bool need_name);

/* ---- metadata (validate_meta.c) ---- */

void meta_validate(const struct rtype *t, const json_t *object, const json_t *old,
                   struct field_errors *errors);
/* Removes exact duplicates of owner references, in place. */
void meta_dedup_owners(json_t *object);

/* ---- commits (commit.c) ---- */

/* Stores object (taken; its resourceVersion is set here) under the key, tells observers, wakes
 * watches. Returns the stored object, borrowed. */
json_t *commit_put(struct apiserver *a, const struct api_request *req, struct rtype *t,
                   const char *key, json_t *object);
/* `last` (taken) is the last state. Returns nothing: the object is gone. */
void commit_remove(struct apiserver *a, const struct api_request *req, struct rtype *t,
                   const char *key, json_t *last);
uint64_t object_fingerprint(const json_t *v);

/* ---- delete (delete.c) ---- */

/* Whether nothing holds a deleting object any more. */
bool delete_is_free(const json_t *object);
/* Deletes one object as the server itself (definition cleanup). */
void delete_internal(struct apiserver *a, struct rtype *t, const char *ns, const char *name);

/* ---- definitions as objects (crd_object.c) ---- */

void crd_object_prepare(json_t *object, const json_t *old);
void crd_object_validate(const json_t *object, const json_t *old, struct field_errors *errors);
/* After a commit of a CustomResourceDefinition: registers it, walks its conditions. */
void crd_object_committed(struct apiserver *a, enum api_event_type type, const json_t *object);
/* Finishes definitions whose instances are gone. */
void crd_objects_finish(struct apiserver *a);
/* status of a definition that is established. New reference to a frozen value. */
json_t *crd_object_status(struct crd *c, int64_t now_ns);

/* ---- watches (watch.c) ---- */

void watches_wake(struct rtype *t, const struct log_entry *e);
/* Ends every open watch of the type. */
void watches_end(struct rtype *t);

#endif
