/* The insides of an API server; visible to this folder only. */
#ifndef VMCONFORM_SIM_APISERVER_SERVER_PRIV_H
#define VMCONFORM_SIM_APISERVER_SERVER_PRIV_H

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "kube/fields/typed.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "kube/status.h"
#include "kube/types/types.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/crd.h"
#include "sim/apiserver/schema.h"
#include "sim/apiserver/store.h"

#define ADMIN_USER "kubernetes-admin"
#define SERVER_USER "system:apiserver"
#define CRD_GROUP "apiextensions.k8s.io"
#define CRD_FINALIZER "customresourcecleanup.apiextensions.k8s.io"

struct managed_writer;
struct rtype;

/* ---- resource types (resource.c, builtin.c) ---- */

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

struct admitter {
    char *group, *plural;
    admission_fn *fn;
    void *cookie;
};

/* All virtual resources of a group stand between these two. */
struct virtual_group {
    const char *name;
    size_t first, last;
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
    struct rtype **hash; /* open addressing by group and plural; of a view as well */
    size_t hash_count, hash_cap;
    struct observer *observers;
    size_t observer_count, observer_cap;
    struct admitter *admitters;
    size_t admitter_count, admitter_cap;
    struct crd **retired; /* replaced definitions, kept for the strings given out */
    size_t retired_count, retired_cap;
    const char **kinds;
    size_t kind_count;
    uint64_t catalog_generation; /* counts changes of what is served */
    struct strmap *words;        /* any word of a user to struct word (resource.c) */
    struct virtual_resource *virtuals;
    size_t virtual_count, virtual_cap;
    struct virtual_group *virtual_groups; /* which of them may have a request's resource */
    size_t virtual_group_count, virtual_group_cap;
    authorizer_fn *authorizer;
    void *authorizer_cookie;
    bool track_fields;
    struct prng uids, names, planted;
    struct given given;
    struct cel_context *cel;
    unsigned depth;        /* of nested apiserver_handle calls (from admission) */
    bool telling;          /* observers are being told: no writes now */
    bool crds_to_finish;   /* a definition may be ready to go */
    bool crds_to_settle;   /* a definition may get its names, or be established */
    json_t *retired_names; /* accepted names of old, kept for the strings given out; or NULL */
};

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

/* ---- one request under way (handle.c) ---- */

struct call {
    struct apiserver *a;
    const struct api_request *req;
    struct api_response *ret;
    struct rtype *t;
    const struct rversion *v;
    char key[STORE_KEY_MAX]; /* of the named object; "" for collections */
    /* Of a patch: what it is applied to, borrowed; NULL otherwise. */
    const json_t *patch_base;
    json_t *findings;   /* of the strict decoder, NULL when none; gone with strict_settle */
    struct given given; /* the server's once the object is stored (write_keep_given) */
};

static inline const struct api_resource *call_resource(const struct call *c)
{
    return &c->req->resource;
}
static inline const char *call_user(const struct call *c)
{
    return c->req->user ? c->req->user : ADMIN_USER;
}
static inline bool call_is_scale(const struct call *c)
{
    return c->req->subresource && strcmp(c->req->subresource, "scale") == 0;
}
static inline bool call_is_status(const struct call *c)
{
    return c->req->subresource != NULL && !call_is_scale(c);
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
int call_bind(struct call *c);
int call_evict(struct call *c);
/* The body of a POST to a subresource is an object; `kind` is what it must be. */
int call_needs_object(struct call *c, const char *kind);
/* Answers 201 with the Status that these subresources have in common. */
int call_created(struct call *c);
int call_delete_collection(struct call *c);
/* Field and label selectors of the request; NULL when absent (*ret_label) or trivial. */
int call_selectors(struct call *c, struct selector **ret_label, struct field_selector **ret_field);

/* ---- versions (view.c) ---- */

/* The stored object as the request's version shows it; new reference. */
json_t *version_view(const struct rtype *t, const struct rversion *v, json_t *stored);
/* Makes an object of version v one of the storage version, in place. */
void version_store(const struct rtype *t, const struct rversion *v, json_t *object);
/* Whether the selector, which names fields of version v, takes the stored object. */
bool version_selects(const struct rtype *t, const struct rversion *v,
                     const struct field_selector *s, const json_t *stored);
/* metadata.managedFields keep the names of fields that each entry's own API has. While owners are
 * worked out all have those of the request's: the object with them (new reference), and back. */
json_t *entries_shown(const struct call *c, const json_t *object);
void entries_kept(const struct call *c, json_t *object);

/* ---- resources without a store (virtual.c) ---- */

/* Answers when the request is for one of them: true, and *ret_rc tells how. */
bool virtual_handle(struct apiserver *a, const struct api_request *req, struct api_response *ret,
                    int *ret_rc);

/* The kind that stands behind one of them; "" when there is none. Borrowed. */
const char *virtual_kind(const struct apiserver *a, const struct api_resource *r);

/* ---- who may (authorize.c) ---- */

/* 0, or -1 with the 403. `verb` is what the request does: its own verb, or another one on the way.
 */
int call_authorize(struct apiserver *a, const struct api_request *req, enum api_verb verb,
                   struct api_response *ret);

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
/* What the kind's server gives out, to a valid object. */
int write_allocate(struct call *c, json_t *object, const json_t *old);
/* The object is about to be stored: what it got is gone. */
void write_keep_given(struct call *c);
/* A response whose message has no reason: what untyped errors of the server look like. */
int untyped_error(struct api_response *ret, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void respond(struct call *c, int code, json_t *body /* taken */);

/* ---- owners of fields (managed_fields.c) ---- */

/* fieldManager and force of a write: 0, or -1 with the 422. */
int write_check_options(struct call *c);
/* Settles metadata.managedFields of what will be stored; old NULL on create. Does nothing to
 * speak of where nothing is recorded. */
void write_record_fields(struct call *c, json_t *object, const json_t *old);
/* The type of the request's version. */
struct typed call_typed(const struct call *c);
/* Who writes, for kube/fields/managed.h. To be freed. */
struct managed_writer *call_writer(const struct call *c);

/* ---- updates (update.c) ---- */

/* *object (taken) is what the client wants to see; stored is what is there, kept by the caller.
 * *ret_raced: a plug-in wrote to the object meanwhile. */
int update_object(struct call *c, json_t **object, json_t *stored, bool *ret_raced);
/* One try of a server-side apply (apply.c). */
int call_apply_once(struct call *c, bool *ret_raced);
/* The request's patch on base; *ret is new. */
int call_apply_patch(struct call *c, const json_t *base, json_t **ret);
#define WRITE_RETRIES_MAX 5

/* ---- the scale subresource (scale.c) ---- */

int call_scale(struct call *c);
/* Whether the numbers of a defined kind can be shown at all. */
void scale_validate(const struct call *c, const json_t *object, struct field_errors *errors);
/* Where a built-in kind has its replicas; NULL when it cannot be scaled. */
const struct scale_paths *scale_of_builtin(const struct builtin *b);

/* ---- bodies (decode.c) ---- */

/* A copy of the body, with apiVersion, kind, name and namespace settled against the URL, and
 * metadata of known fields and types only. */
int decode_object(struct call *c, const json_t *body, bool need_name, json_t **ret);
/* The same in place, for an object that is the caller's own already. */
int decode_taken(struct call *c, json_t **object, bool need_name);

/* ---- what strict decoding finds (strict.c) ---- */

/* Whether anybody wants to know of unknown fields. */
static inline bool call_validates(const struct call *c)
{
    return c->req->field_validation != VALIDATION_IGNORE;
}
/* What is known of the fields of a kind that is built in, or NULL. */
const struct kube_type *call_type(const struct call *c);
void strict_find(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drops unknown fields, noting them when asked for; -1 when values have the wrong type. */
void strict_meta(struct call *c, json_t *meta);
int strict_fields(struct call *c, json_t *object);
/* Refuses or warns, as the request asks. */
int strict_settle(struct call *c);
/* 400, or for a patch 422 with the cause `patch`. */
int decode_failed(struct call *c, const char *why);

/* ---- metadata (validate_meta.c) ---- */

void meta_validate(const struct rtype *t, const json_t *object, const json_t *old,
                   struct field_errors *errors);
/* Names of the object's finalizers; the values mean nothing. NULL object: none. New. */
struct strmap *meta_finalizer_set(const json_t *object);
/* Of an object that is a value within another, whose path is `at`. meta may be anything. */
void meta_validate_embedded(const json_t *meta, const char *at, struct field_errors *errors);

/* ---- warnings (warn.c) ---- */

/* Removes exact duplicates of owner references, in place, and tells. */
void dedup_owners(struct call *c, json_t *object);
/* Tells of finalizers that are new and have no domain. old NULL on create. */
void warn_finalizers(struct call *c, const json_t *object, const json_t *old);

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

/* Whether nothing holds a deleting object of the type any more. */
bool delete_is_free(const struct rtype *t, const json_t *object);
/* Deletes one object as the server itself (definition cleanup). */
void delete_internal(struct apiserver *a, struct rtype *t, const char *ns, const char *name);

/* ---- definitions as objects (crd_object.c) ---- */

void crd_object_prepare(json_t *object, const json_t *old);
void crd_object_validate(const json_t *object, const json_t *old, struct field_errors *errors);
/* After a commit of a CustomResourceDefinition: serves it, or stops to; notes what is left to do.
 */
void crd_object_committed(struct apiserver *a, enum api_event_type type, const json_t *object);
/* What the server's own controllers do after a request: names, conditions, the end of definitions
 * whose instances are gone. */
void crd_objects_run(struct apiserver *a);
/* The first DELETE of a definition: finalizer and condition, in place. */
void crd_object_mark(struct apiserver *a, json_t *object);
/* Whether a definition has all the names that it wants; and its next state when it gets others,
 * NULL when nothing changes, new otherwise (crd_names.c). */
bool crd_names_settled(const json_t *object);
json_t *crd_names_next(const struct apiserver *a, const json_t *object);
/* status of a definition that is established. New reference to a frozen value. */
json_t *crd_object_status(struct crd *c, int64_t now_ns);

/* ---- watches (watch.c) ---- */

void watches_wake(struct rtype *t, const struct log_entry *e);
/* Ends every open watch of the type. */
void watches_end(struct rtype *t);

#endif
