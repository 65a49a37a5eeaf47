/* Rules of ObjectMeta (validate_meta.c). */
#ifndef VMCONFORM_SIM_APISERVER_META_PRIV_H
#define VMCONFORM_SIM_APISERVER_META_PRIV_H

#include <jansson.h>

#include "kube/status.h"

struct rtype;
struct strmap;

void meta_validate(const struct rtype *t, const json_t *object, const json_t *old,
                   struct field_errors *errors);
/* Names of the object's finalizers; the values mean nothing. NULL object: none. New. */
struct strmap *meta_finalizer_set(const json_t *object);
/* Of an object that is a value within another, whose path is `at`. meta may be anything. */
void meta_validate_embedded(const json_t *meta, const char *at, struct field_errors *errors);

#endif
