/* Whether the next backup of a VM may be incremental, as far as the storage location tells
 * (datamover.md 3.4). */
#ifndef VMCONFORM_COMPONENTS_BSL_LOOKUP_H
#define VMCONFORM_COMPONENTS_BSL_LOOKUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "components/bsl/documents.h"

/* Zero-initialise. */
struct bsl_lookup {
    bool found;    /* there is a chain from a full checkpoint whose objects exist */
    bool whole;    /* and it ends with the index's last entry */
    char *latest;  /* its last checkpoint; NULL when nothing was found */
    size_t length; /* its checkpoints, the full one too */
};
void bsl_lookup_finish(struct bsl_lookup *l);
static inline void cleanup_bsl_lookup(struct bsl_lookup *l)
{
    bsl_lookup_finish(l);
}

/* -1: the store did not answer for the index, nothing is known. A missing or unreadable index and a
 * broken chain are answers. place->backup is not used. */
int bsl_lookup(struct host *h, const struct documents_place *place, struct bsl_lookup *ret,
               struct err *reterr);

/* The name of the checkpoint in the tracker that was archived with the index's last entry. 0 with
 * *ret NULL: there is none. New. */
int bsl_archived_checkpoint(struct host *h, const struct documents_place *place, char **ret,
                            struct err *reterr);

#endif
