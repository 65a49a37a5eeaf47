/* What the kinds of patches share; visible to this folder only. */
#ifndef VMCONFORM_KUBE_PATCH_PRIV_H
#define VMCONFORM_KUBE_PATCH_PRIV_H

#include <jansson.h>

/* Levels of nesting, counted no further than just beyond `left`. */
unsigned patch_depth(const json_t *v, unsigned left);

#endif
