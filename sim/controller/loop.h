/* The loop of one simulated platform controller: a queue of keys that committed changes fill and
 * one worker empties.
 *
 * The controllers of storage and of the nodes are level-driven, as the real ones are: a key names
 * an object, the reconcile function looks at the latest state and writes what is missing, under an
 * identity of its own and through the same requests as anybody. Changes come from the world's
 * change hook, so a loop needs one fiber and an idle world has no event left. A failed reconcile is
 * retried as client-go does (5 ms, doubling), a bounded number of times in a row; after that only a
 * change wakes the key. */
#ifndef VMCONFORM_SIM_CONTROLLER_LOOP_H
#define VMCONFORM_SIM_CONTROLLER_LOOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "kube/api.h"
#include "sim/world.h"

#define LOOP_RETRIES_MAX 16u /* in a row, for one key: about five minutes in all */

struct simloop;

/* Brings what `key` names into shape. 0: done; -1: try again later. */
typedef int simloop_fn(void *cookie, struct simloop *l, const char *key);
/* Queues every key there is: when a loop starts, and when it comes back. */
typedef void simloop_list_fn(void *cookie, struct simloop *l);

struct simloop_config {
    const char *process; /* name within the cluster, e.g. "external-provisioner" */
    const char *user;
    const char *component; /* what Events name as their source */
    simloop_fn *reconcile;
    simloop_list_fn *list; /* may be NULL */
    void *cookie;
};

/* Texts of config are borrowed for good. The loop lives until simloop_destroy(), which comes after
 * all actors have unwound. */
struct simloop *simloop_create(struct cluster *c, const struct simloop_config *config);
void simloop_destroy(struct simloop *l);
DEFINE_CLEANUP(struct simloop, simloop, simloop_destroy);

struct apiserver *simloop_server(const struct simloop *l);
int64_t simloop_now(const struct simloop *l);
/* A controller that is down takes no keys; when it comes back it looks at everything again. */
void simloop_set_down(struct simloop *l, bool down);

/* Queues a key, once however often it is asked for. Callable from anywhere. */
void simloop_add(struct simloop *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void simloop_add_at(struct simloop *l, int64_t at_ns, const char *key);
/* "kind/ns/name" or "kind/name" of the object: claim/default/data, volume/pvc-1. */
void simloop_add_object(struct simloop *l, const char *kind, const json_t *obj);
/* true when key is "kind/..."; ns and name then hold its parts (ns "" when there is one part). */
#define LOOP_PART 256
bool simloop_key_is(const char *key, const char *kind, char ns[LOOP_PART], char name[LOOP_PART]);

/* ---- requests under the loop's identity; -1 for every answer but success ---- */

int simloop_send(struct simloop *l, const struct api_request *req, json_t **ret_body);
/* HTTP code of the last answer, 0 when there was none; whether it had this reason. */
int simloop_code(const struct simloop *l);
bool simloop_answered(const struct simloop *l, const char *reason);

/* New reference to the latest state, NULL when absent. Reads see the store itself: no cache stands
 * between. */
json_t *simloop_get(const struct simloop *l, const struct api_resource *r, const char *ns,
                    const char *name);
/* Puts obj (its resourceVersion guards the write). sub: NULL or "status". ret (may be NULL): the
 * object as stored, new. */
int simloop_put(struct simloop *l, const struct api_resource *r, const json_t *obj, const char *sub,
                json_t **ret);
int simloop_post(struct simloop *l, const struct api_resource *r, const json_t *obj, json_t **ret);
/* grace_s < 0: the server's default. An absent object counts as deleted. */
int simloop_delete(struct simloop *l, const struct api_resource *r, const json_t *obj,
                   int64_t grace_s);

/* Records an Event about obj. The same event again raises the count of the first. Failures are
 * ignored. */
void simloop_event(struct simloop *l, const json_t *obj, const char *type, const char *reason,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* {kind, namespace, name, uid, apiVersion, resourceVersion} of obj, as claimRef and involvedObject
 * hold. New. */
json_t *simloop_reference(const json_t *obj);

extern const struct api_resource LOOP_CLAIMS, LOOP_VOLUMES, LOOP_PODS, LOOP_EVENTS, LOOP_CLASSES;
extern const struct api_resource LOOP_SNAPSHOTS, LOOP_CONTENTS, LOOP_SNAPSHOT_CLASSES;

#endif
