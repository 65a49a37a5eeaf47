/* What KubeVirt's objectgraph subresource says that a machine depends on (delete-protection.md
 * 4.6). */
#ifndef VMCONFORM_COMPONENTS_SSP_OPERATOR_GRAPH_H
#define VMCONFORM_COMPONENTS_SSP_OPERATOR_GRAPH_H

#include <jansson.h>

#include "components/ssp-operator/operator.h"

/* Adds the names of the machine's ControllerRevisions as keys of `wanted`. A gate that is closed,
 * or a KubeVirt that has no such thing, adds none: what the machine itself says stays. 0, or -1
 * when nothing can be said now. */
int ssp_graph_revisions(struct ssp_operator *op, const json_t *vm, json_t *wanted,
                        struct err *reterr);

#endif
