/* Whether the datamover takes a VM in a backup (datamover.md 2.1). */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_PLUGIN_ELIGIBLE_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_PLUGIN_ELIGIBLE_H

#include "base/cleanup.h"
#include "components/kubevirt-datamover-plugin/plugin.h"

/* Zero-initialise. */
struct eligibility {
    bool eligible;
    char *claim; /* the first one whose policy is ours; NULL: there is none */
    char *why;   /* it is not eligible; NULL: it is */
};
void eligibility_finish(struct eligibility *e);
static inline void cleanup_eligibility(struct eligibility *e)
{
    eligibility_finish(e);
}

/* -1: something could not be read, or the policies are wrong: then nobody knows. */
int eligible(struct plugin *p, const json_t *backup, const json_t *vm, struct eligibility *ret,
             struct err *reterr);

#endif
