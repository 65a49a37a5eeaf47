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
    const struct api_request *request; /* verb, subresource, user, dry_run */
    json_t *object;
    const json_t *old;
};
typedef int admission_fn(void *cookie, const struct admission_review *review,
                         struct api_response *ret);
void apiserver_admit(struct apiserver *a, const char *group, const char *plural, admission_fn *fn,
                     void *cookie);

/* ---- looking in from outside (laws, assertions, simulated controllers' fast reads); no
 * permission, no trace ---- */

/* Latest state; borrowed until the next write. version may be NULL (storage version). NULL when
 * absent. */
json_t *apiserver_peek(const struct apiserver *a, const char *group, const char *plural,
                       const char *ns, const char *name);
/* New array (sorted by namespace and name) of borrowed-frozen objects; ns NULL: all. Never NULL. */
json_t *apiserver_peek_all(const struct apiserver *a, const char *group, const char *plural,
                           const char *ns);
int64_t apiserver_revision(const struct apiserver *a);

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

/* Drops history older than the given revision: later watches from there answer 410 Expired. */
void apiserver_compact(struct apiserver *a, int64_t revision);

/* Debug check: every stored object still has the fingerprint it was stored with; asserts and names
 * the object otherwise. */
void apiserver_check_frozen(const struct apiserver *a);

#endif
