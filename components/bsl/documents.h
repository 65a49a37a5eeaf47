/* The two documents that say what a backup of a VM consists of: the manifest (which checkpoints)
 * and the VM's index (their files). */
#ifndef VMCONFORM_COMPONENTS_BSL_DOCUMENTS_H
#define VMCONFORM_COMPONENTS_BSL_DOCUMENTS_H

#include <jansson.h>

#include "base/err.h"
#include "components/host.h"

struct documents {
    json_t *ids; /* checkpoint ids, full first; at least one */
    json_t *index;
};
void documents_finish(struct documents *d);
static inline void cleanup_documents(struct documents *d)
{
    documents_finish(d);
}

/* Which backup, in which store. All borrowed. */
struct documents_place {
    const char *bucket, *prefix; /* of the backup storage location */
    const char *backup, *ns, *vm;
};

/* Whether the names may be part of a key (E-NAME). */
int documents_check_names(const struct documents_place *place, struct err *reterr);
/* ERR_IO (and ERR_CRASHED): the store did not answer, a later try may succeed. Any other code: the
 * documents are missing or wrong. */
int documents_read(struct host *h, const struct documents_place *place, struct documents *ret,
                   struct err *reterr);

#endif
