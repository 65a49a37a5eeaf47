/* A cache of one kind, kept by list and watch, and the handlers that hear of each change.
 *
 * The cache is what this task has been told so far: it may lag behind the server by any amount.
 * What decides over data is read fresh, with client_get(). Objects are frozen and borrowed until
 * the task blocks: json_incref() to keep one. */
#ifndef VMCONFORM_COMPONENTS_RUNTIME_INFORMER_H
#define VMCONFORM_COMPONENTS_RUNTIME_INFORMER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "components/runtime/client.h"
#include "components/runtime/runtime.h"

struct informer_config {
    struct client client;
    const struct kind *kind;
    const char *ns; /* NULL: all namespaces. Borrowed for the runtime's life, as all strings here */
    const char *label_selector; /* NULL: all objects */
    bool
        optional; /* the kind may not exist (yet): start without it, and pick it up when it comes */
    int64_t resync_ns; /* hand all objects to the handlers again this often; 0: every 10 hours */
};

/* Owned by rt. Create before runtime_run(). */
struct informer *informer_create(struct runtime *rt, const struct informer_config *config);
void informer_destroy(struct informer *i);

/* size_t pos = 0; json_t *obj; while (informer_each(i, &pos, &obj)) ... Must not block in between.
 */
bool informer_each(const struct informer *i, size_t *pos, json_t **ret_obj);
size_t informer_count(const struct informer *i);

/* type is EVENT_ADDED (old is NULL), EVENT_MODIFIED (also for a resync: old is obj) or
 * EVENT_DELETED (obj is the last known state). Must not block. */
typedef void informer_handler_fn(void *cookie, enum api_event_type type, const json_t *old,
                                 const json_t *obj);
void informer_on_event(struct informer *i, informer_handler_fn *fn, void *cookie);

/* For runtime.c: starts the task. */
void informer_start(struct informer *i);
/* A first answer has come: a list, or (optional ones) that there is no such kind. */
bool informer_answered(const struct informer *i);

#endif
