/* The settings of a datamover pod: environment variables KUBEVIRT_DM_* (datamover.md 5.1). */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_ENV_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_ENV_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "components/bsl/documents.h"

/* Texts are borrowed from env; "" when absent. */
const char *env_text(const json_t *env, const char *name);
const char *env_or(const json_t *env, const char *name, const char *otherwise);
/* E-CONFIG when one of them is not set. */
int env_require(const json_t *env, const char *const *names, size_t count, struct err *reterr);
struct documents_place env_place(const json_t *env);

#endif
