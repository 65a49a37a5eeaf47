/* What a simulated controller is made of: an identity on a cluster, requests with short error
 * paths, informers that feed a work queue, and the queue's worker with client-go's timing
 * (kubevirt-csi.md section 0.4).
 *
 * Writes go through sim_request(), so faults, traces and scheduling points apply to them. Reads of
 * a synced cache are ctl_peek(): the latest state; what may lag is the news that wakes a worker,
 * since informers watch through sim_watch(). */
#ifndef VMCONFORM_SIM_CONTROLLER_CTL_H
#define VMCONFORM_SIM_CONTROLLER_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kube/api.h"
#include "sim/world.h"

struct kind {
    const char *group, *version, *plural, *kind;
};

/* Who acts, and where. */
struct ctl {
    struct cluster *cluster;
    const char *user;      /* static text */
    const char *component; /* source.component of its events; static text */
    struct recorder *recorder;
};

/* ---- requests ----
 * Each returns 0; -1 when there was no answer (the actor has crashed, the link is down); or minus
 * the HTTP code. On failure *reterr holds the server's message. ret (may be NULL) gets the answered
 * object, new. */
int ctl_create(const struct ctl *c, const struct kind *k, const json_t *obj, json_t **ret,
               struct err *reterr);
/* The same where an object of that name is as good: 409 counts as success when it is really there.
 * *ret_new (may be NULL): it was not. */
int ctl_ensure(const struct ctl *c, const struct kind *k, const json_t *obj, bool *ret_new,
               struct err *reterr);
int ctl_update(const struct ctl *c, const struct kind *k, const char *subresource,
               const json_t *obj, struct err *reterr);
int ctl_patch(const struct ctl *c, const struct kind *k, const char *ns, const char *name,
              const char *subresource, enum api_patch_type type, const json_t *patch,
              struct err *reterr);
/* uid NULL: no precondition. An absent object is no error. */
int ctl_delete(const struct ctl *c, const struct kind *k, const char *ns, const char *name,
               const char *uid, struct err *reterr);
/* The finalizer patch of KubeVirt: test the old list, replace it. 0 without a request when nothing
 * changes. */
int ctl_add_finalizer(const struct ctl *c, const struct kind *k, const json_t *obj,
                      const char *finalizer, struct err *reterr);
int ctl_remove_finalizer(const struct ctl *c, const struct kind *k, const json_t *obj,
                         const char *finalizer, struct err *reterr);

/* The latest state: a new reference to a frozen object, NULL when absent. */
json_t *ctl_peek(const struct ctl *c, const struct kind *k, const char *ns, const char *name);
/* New array, sorted by namespace and name. */
json_t *ctl_peek_all(const struct ctl *c, const struct kind *k, const char *ns);
int64_t ctl_now(const struct ctl *c);
/* creationTimestamp in ns; 0 when it does not parse. */
int64_t ctl_created(const json_t *obj);
/* New object skeleton: apiVersion, kind, metadata{name, namespace}. */
json_t *ctl_object(const struct kind *k, const char *ns, const char *name);
/* Sets a KubeVirt condition: the text stands in `reason`, message may be NULL. The transition time
 * moves with status or reason. `holder` is the object that has "conditions" (a status). */
bool ctl_set_condition(json_t *holder, const char *type, const char *status, const char *reason,
                       const char *message, int64_t now_ns);
bool ctl_drop_condition(json_t *holder, const char *type);

/* ---- events ----
 * Written by an actor of its own, as client-go's broadcaster does; a lost event fails nothing. */
struct recorder *recorder_start(struct cluster *c, struct process *p, const char *user);
void recorder_destroy(struct recorder *r);
void ctl_event(const struct ctl *c, const json_t *about, const char *type, const char *reason,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* ---- work queue ---- */

/* Works on "namespace/name" (or "name"). A positive *ret_after_ns asks to be called again then,
 * also with an error; other errors are retried with back-off: 5 ms doubling to 1000 s, a bounded
 * number of times in a row. */
typedef int reconcile_fn(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                         struct err *reterr);
struct worker;
struct worker *worker_start(struct sched *s, struct process *p, const char *name, reconcile_fn *fn,
                            void *cookie);
void worker_destroy(struct worker *w);
void worker_add(struct worker *w, const char *ns, const char *name);
void worker_add_object(struct worker *w, const json_t *obj);

/* ---- informer ---- */

/* Called for each change; the object is the last known state for EVENT_DELETED. Must not block. */
typedef void feed_fn(void *cookie, enum api_event_type type, json_t *object);
struct feeder;
/* Lists, watches, and begins again when the stream ends. A kind that is not served is waited for
 * without polling. */
struct feeder *feeder_start(const struct ctl *c, struct process *p, const struct kind *k,
                            feed_fn *fn, void *cookie);
void feeder_destroy(struct feeder *f);

#endif
