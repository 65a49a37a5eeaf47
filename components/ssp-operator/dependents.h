/* What protected machines depend on: marks on their ControllerRevisions, and on their namespaces
 * (delete-protection.md section 5, D2, D3 and the policy form of D5). */
#ifndef VMCONFORM_COMPONENTS_SSP_OPERATOR_DEPENDENTS_H
#define VMCONFORM_COMPONENTS_SSP_OPERATOR_DEPENDENTS_H

#include "components/ssp-operator/operator.h"

/* The key is a namespace: its revisions and itself get the marks that its machines ask for, and
 * lose those that none asks for any more. */
int ssp_dependents_reconcile(void *cookie, const char *ns, const char *name,
                             struct reconcile_result *ret, struct err *reterr);

#endif
