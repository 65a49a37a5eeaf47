/* One simulated Kubernetes API server: store, watch, and the request pipeline, in process.
 *
 * apiserver_handle() never blocks and never yields: transports (sim/client.h in process, HTTP
 * later) put scheduling points, faults and latency around it. Objects in the store are frozen and
 * shared by reference count. Order of work in a write follows kube-apiserver.md section 4.1: route,
 * decode, mutate (generateName, defaults), prune, validate, admit, store, notify. */
#ifndef VMCONFORM_SIM_APISERVER_APISERVER_H
#define VMCONFORM_SIM_APISERVER_APISERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kube/api.h"
#include "sched/sched.h"

struct apiserver;

/* What servers and nodes claim to be. */
#define KUBERNETES_VERSION "v1.32.0"

/* name: the cluster's ("main", "hub", "workload"). Namespaces default, kube-system, kube-public
 * exist. */
struct apiserver *apiserver_create(struct sched *s, const char *name);
void apiserver_destroy(struct apiserver *a);
DEFINE_CLEANUP(struct apiserver, apiserver, apiserver_destroy);
const char *apiserver_name(const struct apiserver *a);

/* Registers the CustomResourceDefinition (an object as YAML would give it); it also appears in the
 * store as an object. Compiled schemas are shared: adding the same (equal) CRD to many servers
 * compiles it once per process. */
int apiserver_add_crd(struct apiserver *a, const json_t *crd, struct err *reterr);

/* Registers all definitions that are built into the program (sim/crds/). */
void apiserver_add_builtin_crds(struct apiserver *a);

/* Puts an object of a built-in kind where it belongs, as those who made the cluster left it: with
 * status, and nothing is defaulted or asked. Its members are frozen and shared, but metadata, which
 * gets uid, creationTimestamp (both kept from an object that was there) and resourceVersion. The
 * uids are a stream of their own, so that others stay what they are. */
void apiserver_plant(struct apiserver *a, const char *group, const char *plural,
                     const json_t *object, const char *user);

/* One exchange; watch is refused here (use apiserver_watch). *ret must be empty, is always filled.
 */
void apiserver_handle(struct apiserver *a, const struct api_request *req, struct api_response *ret);

/* ---- watch ---- */

struct apiwatch;
/* Opens a watch (req->verb is API_WATCH). NULL: *ret_error holds the Status (e.g. 410 Expired). */
struct apiwatch *apiserver_watch(struct apiserver *a, const struct api_request *req,
                                 struct api_response *ret_error);
/* The next event that this watch may see, or false when there is none now. The object is borrowed
 * until the next call. */
bool apiwatch_next(struct apiwatch *w, struct api_event *ret);
/* The revision after which the next event stands, and the virtual time at which that event was
 * committed; false when none is pending. */
bool apiwatch_peek(const struct apiwatch *w, int64_t *ret_committed_ns);
/* fn(cookie) is called (outside any actor, must not block) when an event arrives. */
void apiwatch_on_event(struct apiwatch *w, void (*fn)(void *cookie), void *cookie);
/* True when the server ended it (timeout, compaction). */
bool apiwatch_ended(const struct apiwatch *w);
void apiwatch_close(struct apiwatch *w);
DEFINE_CLEANUP(struct apiwatch, apiwatch, apiwatch_close);

/* ---- what the world hangs on it ---- */

/* One committed change, told to observers in order of commit, before any watcher wakes. All
 * borrowed. */
struct store_change {
    enum api_event_type type;          /* ADDED, MODIFIED, DELETED */
    const struct api_request *request; /* what caused it */
    const char *group, *version, *plural, *kind, *ns, *name;
    json_t *old, *object; /* old NULL for ADDED; object is the last state for DELETED */
    int64_t revision;
    const char *user; /* who */
};
/* Observers may look in (peek), signal and post; they must not write. */
typedef void store_observer_fn(void *cookie, const struct store_change *change);
void apiserver_observe(struct apiserver *a, store_observer_fn *fn, void *cookie);

/* An admission plug-in in the server's process (KubeVirt's webhooks stand here). Called for create,
 * update, patch and delete of the resource, and its subresources; object is NULL for delete, old
 * NULL for create. It may edit object (its own copy). Returns 0 to admit, or -1 with *ret filled
 * (status_denied()). */
struct admission_review {
    const struct api_request *request; /* verb, subresource, user */
    const char *kind;                  /* of the resource, in the request's version */
    bool namespaced;
    bool dry_run; /* the request's, or its DeleteOptions' */
    json_t *object;
    const json_t *old;
};
typedef int admission_fn(void *cookie, const struct admission_review *review,
                         struct api_response *ret);
void apiserver_admit(struct apiserver *a, const char *group, const char *plural, admission_fn *fn,
                     void *cookie);

/* Validating admission: one plug-in that is asked about every write of a stored resource, once the
 * object is what would be stored (section 7.4). It must not edit object, nor write. NULL: none. */
void apiserver_set_validator(struct apiserver *a, admission_fn *fn, void *cookie);
/* The i-th resource, in order of its versions, whose objects are those of `r` (its own included);
 * false when there are no more. */
bool apiserver_equivalent(const struct apiserver *a, const struct api_resource *r, size_t i,
                          struct api_resource *ret);
/* An object of `from`'s version as that equivalent resource shows it. New. */
json_t *apiserver_convert(const struct apiserver *a, const struct api_resource *from,
                          const struct api_resource *to, const json_t *object);

/* ---- resources without a store ---- */

/* Reviews, and the subresources of an aggregated API: a request for one is answered by a function.
 * It passes authorisation like any other; *ret is filled by fn, which returns 0, or -1 when that is
 * a Status of failure. */
typedef int virtual_fn(void *cookie, const struct api_request *req, struct api_response *ret);
struct virtual_resource {
    struct api_resource resource;
    const char *subresource;               /* NULL: the resource itself */
    const char *kind;                      /* of the body, or of the answer */
    const char *kind_group, *kind_version; /* of the kind; NULL: the resource's */
    const char *singular;
    bool namespaced;
    unsigned
        verbs; /* bits 1u << API_CREATE, ...; the URL's method for connects: PUT is API_UPDATE */
    virtual_fn *fn;
    void *cookie;
};
/* The struct is copied, its strings are borrowed for the server's life. */
void apiserver_add_virtual(struct apiserver *a, const struct virtual_resource *r);
size_t apiserver_virtual_count(const struct apiserver *a);
const struct virtual_resource *apiserver_virtual_at(const struct apiserver *a, size_t i);

/* ---- who may ---- */

/* What is asked, as authorisers see it. path is set for requests outside of resources, and nothing
 * else is then but identity and verb. */
struct api_attributes {
    const struct api_identity *identity;
    const char *verb;                                               /* as RBAC writes it */
    const char *group, *version, *plural, *subresource, *ns, *name; /* NULL: none */
    const char *path;
};
/* *ret_reason: why not, new, or NULL. */
typedef bool authorizer_fn(void *cookie, const struct api_attributes *what, char **ret_reason);
/* With one, every request of the pipeline is asked about before its object is looked at, and again
 * for what it turns out to do (a PUT that creates). Without, everybody may do everything. */
void apiserver_set_authorizer(struct apiserver *a, authorizer_fn *fn, void *cookie);
/* Asks it; true without one. */
bool apiserver_may(const struct apiserver *a, const struct api_attributes *what, char **ret_reason);
/* The 403 of a refusal, for resources and for paths; reason may be NULL. Always -1. */
int apiserver_refuse(const struct api_attributes *what, const char *reason,
                     struct api_response *ret);

/* What the pipeline asks before it looks at anything, for those who must refuse a request earlier
 * (its options are bad): 0, or -1 with the 403. */
int apiserver_authorize(struct apiserver *a, const struct api_request *req,
                        struct api_response *ret);

/* Whether writes record metadata.managedFields (section 2.7). Off for a new server: simulated
 * worlds do without, servers that talk to real clients switch it on. Server-side apply records its
 * own entries either way. The same servers hold bodies of built-in kinds against the kinds' types:
 * what is unknown is dropped, what has the wrong type refused, whatever a request says of
 * validation. */
void apiserver_track_fields(struct apiserver *a, bool on);
bool apiserver_tracks_fields(const struct apiserver *a);

/* What every request of a deprecated version is told in a warning; NULL for others. An open watch
 * has no response to carry it. Borrowed until the definition changes. */
const char *apiserver_deprecation(const struct apiserver *a, const struct api_resource *r);

/* ---- looking in from outside (laws, assertions, simulated controllers' fast reads); no
 * permission, no trace ---- */

/* Latest state, as it is stored, whichever of a kind's groups is named; borrowed until the next
 * write. version may be NULL (storage version). NULL when absent. */
json_t *apiserver_peek(const struct apiserver *a, const char *group, const char *plural,
                       const char *ns, const char *name);
/* New array (sorted by namespace and name) of borrowed-frozen objects; ns NULL: all. Never NULL. */
json_t *apiserver_peek_all(const struct apiserver *a, const char *group, const char *plural,
                           const char *ns);
/* Whether that array has anything in it. */
bool apiserver_has_any(const struct apiserver *a, const char *group, const char *plural,
                       const char *ns);
int64_t apiserver_revision(const struct apiserver *a);
int64_t apiserver_now(const struct apiserver *a);

/* Which resource a kind is: by "group/version" (or "v1") and kind. false when unknown. Strings
 * borrowed for the server's life. */
struct resource_info {
    struct api_resource resource;
    const char *kind;
    bool namespaced;
    bool has_status;
};
bool apiserver_find_kind(const struct apiserver *a, const char *api_version, const char *kind,
                         struct resource_info *ret);
/* The kind behind a resource; "" when it is unknown. Borrowed. */
const char *apiserver_kind_of(const struct apiserver *a, const struct api_resource *r);
/* By kind alone, or "kind.group", or plural or short name; *ret_ambiguous tells that several groups
 * have it. */
bool apiserver_find_any(const struct apiserver *a, const char *word, struct resource_info *ret,
                        bool *ret_ambiguous);
/* All kinds, for hints: NULL-terminated borrowed array. */
const char *const *apiserver_kinds(const struct apiserver *a, size_t *ret_count);

/* Before anything is written: the server counts on from this revision, as one whose earlier history
 * is gone. */
void apiserver_begin_at(struct apiserver *a, int64_t revision);
/* Drops history older than the given revision: later watches from there answer 410 Expired. */
void apiserver_compact(struct apiserver *a, int64_t revision);

/* Debug check: every stored object still has the fingerprint it was stored with; asserts and names
 * the object otherwise. */
void apiserver_check_frozen(const struct apiserver *a);

#endif
