/* The policies that the operator installs, whole: what an API server would default is written out,
 * so that what it stores is what was sent. */
#ifndef VMCONFORM_COMPONENTS_SSP_OPERATOR_MANIFESTS_H
#define VMCONFORM_COMPONENTS_SSP_OPERATOR_MANIFESTS_H

#include <jansson.h>

#include "components/ssp-operator/operator.h"

enum ssp_operand {
    SSP_VM_PROTECTION,       /* today's */
    SSP_REVISION_ALLOW_LIST, /* PR #1556 */
    SSP_REVISION_LABELS,
    SSP_NAMESPACE_LABELS,
    SSP_OPERAND_COUNT
};
/* Names of the policy and of its binding. */
struct ssp_operand_names {
    const char *policy, *binding;
};
extern const struct ssp_operand_names ssp_operand_names[SSP_OPERAND_COUNT];

/* Whether the settings ask for it. */
bool ssp_operand_wanted(const struct ssp_operator *op, enum ssp_operand which);
/* The objects as they should be. New. */
json_t *ssp_policy_manifest(const struct ssp_operator *op, enum ssp_operand which);
json_t *ssp_binding_manifest(enum ssp_operand which);

#endif
