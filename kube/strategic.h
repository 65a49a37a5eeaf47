/* Strategic merge patch of built-in kinds (kube-apiserver.md 4.7): merge keys and strategies come
 * from the types table; directives $patch, $deleteFromPrimitiveList, $setElementOrder, $retainKeys.
 */
#ifndef VMCONFORM_KUBE_STRATEGIC_H
#define VMCONFORM_KUBE_STRATEGIC_H

#include <jansson.h>

#include "base/err.h"
#include "kube/types/types.h"

/* Inputs borrowed and never changed; the result is new. How the API server answers its errors:
 * ERR_SYNTAX: no such patch, 400; ERR_INTERNAL: a patch that the library it uses gives up on, 500;
 * ERR_INVALID: it does not apply, 422; ERR_LIMIT: nested too deep, 413. */
json_t *patch_strategic(const struct kube_type *t, const json_t *object, const json_t *patch,
                        struct err *reterr);

#endif
