/* Which release of the operator runs, and what the older one does with what it does not know
 * (compute-instance-snapshots.md 5.2, 5.4).
 *
 * "1.0" knows neither snapshots nor restores. It decodes an instance into a type that lacks the
 * restore fields, so whatever it writes whole has lost them; it deletes instances without a look at
 * their snapshots, and runs no controller of those. */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_VERSION_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_VERSION_H

#include <jansson.h>
#include <stdbool.h>

enum operator_version { OPERATOR_1_0, OPERATOR_1_1 };

/* false: no such release. */
bool osac_version_parse(const char *text, enum operator_version *ret);
/* What a release sees of an instance or snapshot. Consumes the object, which stays as it is; the
 * result is new, and may be the same object. */
json_t *osac_version_view(enum operator_version v, json_t *object);

#endif
