/* The one place where the store changes, and who is told. */
#ifndef VMCONFORM_SIM_APISERVER_COMMIT_PRIV_H
#define VMCONFORM_SIM_APISERVER_COMMIT_PRIV_H

#include <jansson.h>
#include <stdint.h>

#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/rtype_priv.h"

/* Stores object (taken; its resourceVersion is set here) under the key, tells observers, wakes
 * watches. Returns the stored object, borrowed. */
json_t *commit_put(struct apiserver *a, const struct api_request *req, struct rtype *t,
                   const char *key, json_t *object);
/* `last` (taken) is the last state. Returns nothing: the object is gone. */
void commit_remove(struct apiserver *a, const struct api_request *req, struct rtype *t,
                   const char *key, json_t *last);
uint64_t object_fingerprint(const json_t *v);

/* ---- watches (watch.c) ---- */

void watches_wake(struct rtype *t, const struct log_entry *e);
/* Ends every open watch of the type. */
void watches_end(struct rtype *t);

#endif
