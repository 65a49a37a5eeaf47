/* A reconcile loop: watched objects map to keys, keys wait in a queue, workers reconcile them one
 * at a time.
 *
 * reconcile() gets a namespace ("" for cluster-scoped kinds) and a name, looks at the world, and
 * does the next step. It returns 0 and may ask for another look later (requeue_after_ns > 0); -1
 * sends the key through the back-off, and the error to the log. After ERR_CRASHED nothing more
 * happens. It must be able to run at any time, again, and after a crash at any point of an earlier
 * run. */
#ifndef VMCONFORM_COMPONENTS_RUNTIME_CONTROLLER_H
#define VMCONFORM_COMPONENTS_RUNTIME_CONTROLLER_H

#include <jansson.h>
#include <stdint.h>

#include "components/runtime/informer.h"
#include "components/runtime/runtime.h"

struct reconcile_result {
    int64_t requeue_after_ns; /* 0: wait for an event */
};
/* Asks for a look in at most ns: the earliest of several wishes wins. */
void reconcile_after(struct reconcile_result *r, int64_t ns);

typedef int reconcile_fn(void *cookie, const char *ns, const char *name,
                         struct reconcile_result *ret, struct err *reterr);

struct controller_config {
    const char *name; /* static */
    reconcile_fn *reconcile;
    void *cookie;     /* lives as long as the runtime: runtime_own() */
    unsigned workers; /* 0: one */
};
/* Owned by rt. Create before runtime_run(). */
struct controller *controller_create(struct runtime *rt, const struct controller_config *config);
void controller_destroy(struct controller *c);
void controller_enqueue(struct controller *c, const char *ns, const char *name);

/* Which changes matter; NULL: all. old is NULL for EVENT_ADDED. Must not block. */
typedef bool predicate_fn(void *cookie, enum api_event_type type, const json_t *old,
                          const json_t *obj);
/* Turns an object into keys with controller_enqueue(). Called for the new state, and for the old
 * one when it differs. Must not block. */
typedef void map_fn(void *cookie, struct controller *c, const json_t *obj);

void controller_watch(struct controller *c, struct informer *i, map_fn *map,
                      predicate_fn *predicate, void *cookie);
/* The object itself. */
void controller_watch_self(struct controller *c, struct informer *i, predicate_fn *predicate,
                           void *cookie);
/* The controlling owner of this group and kind (static strings), in the object's namespace. */
void controller_watch_owner(struct controller *c, struct informer *i, const char *group,
                            const char *kind);
/* The object named by a label's value, in namespace ns (borrowed for the runtime's life; NULL: the
 * object's own). */
void controller_watch_label(struct controller *c, struct informer *i, const char *label,
                            const char *ns);

/* For runtime.c: starts the workers. */
void controller_start(struct controller *c);

#endif
