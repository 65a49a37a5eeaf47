/* The DataDownload that a restore makes, and when one that exists is that one (datamover.md 1.6,
 * 2.3). */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_PLUGIN_DOWNLOAD_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_PLUGIN_DOWNLOAD_H

#include "components/kubevirt-datamover-plugin/plugin.h"

/* All borrowed. */
struct download {
    const json_t *restore;
    const char *ns; /* of the VM and the claim in the backup */
    const char *vm, *claim;
    const char *target_ns; /* where they come */
    const char *operation; /* its name is "dd-" and this */
};

/* Where a namespace of the backup goes. Borrowed from either. */
const char *download_mapped(const json_t *restore, const char *ns);
/* Makes it, or finds it made: one that differs in anything that matters is an error. */
int download_make(struct plugin *p, const struct download *d, struct err *reterr);

#endif
