/* Definitions as objects: their rules, and what follows from a commit of one. */
#ifndef VMCONFORM_SIM_APISERVER_CRD_OBJECT_PRIV_H
#define VMCONFORM_SIM_APISERVER_CRD_OBJECT_PRIV_H

#include <jansson.h>

#include "kube/api.h"
#include "kube/status.h"

struct apiserver;
struct crd;

#define CRD_FINALIZER "customresourcecleanup.apiextensions.k8s.io"

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

#endif
