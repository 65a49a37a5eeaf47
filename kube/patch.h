/* Merge patch (RFC 7396) and JSON patch (RFC 6902, with the API server's leniency: `replace` of an
 * absent member creates it). Inputs are borrowed and never changed; results are new. Bounded: at
 * most PATCH_OPS_MAX operations, JSON_DEPTH_MAX deep. */
#ifndef VMCONFORM_KUBE_PATCH_H
#define VMCONFORM_KUBE_PATCH_H

#include <jansson.h>

#include "base/err.h"

#define PATCH_OPS_MAX 10000

json_t *patch_merge(const json_t *object, const json_t *patch, struct err *reterr);
/* ERR_SYNTAX: the patch is not one (400 of the API server); ERR_INVALID: it does not apply (422).
 */
json_t *patch_json(const json_t *object, const json_t *patch, struct err *reterr);

#endif
