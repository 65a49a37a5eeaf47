/* The two manifests of a backup (datamover.md 6.3): which VMs it holds, and of each VM which chain.
 *
 * The key of a VM's manifest joins namespace and name by a dash, so that VM "c" of "a-b" and VM
 * "b-c" of "a" share one: whoever finds it taken uses a second key, which ends with a digest of
 * both. Readers look at both and believe what the document says about itself. */
#ifndef VMCONFORM_COMPONENTS_BSL_MANIFESTS_H
#define VMCONFORM_COMPONENTS_BSL_MANIFESTS_H

#include <jansson.h>

#include "base/err.h"
#include "components/bsl/documents.h"
#include "components/bsl/store.h"

/* The VM's manifest, and where it lies. 0 with *ret NULL: there is none. Both new. */
int manifests_find(const struct bsl_store *s, const struct documents_place *place, char **ret_key,
                   json_t **ret, struct err *reterr);
/* Writes both, the backup's first. chain: ids, the full one first. */
int manifests_write(const struct bsl_store *s, const struct documents_place *place,
                    const char *checkpoint, const json_t *chain, struct err *reterr);
/* Takes the VM out of both, its own manifest last: as long as it is there, nothing is done. */
int manifests_remove(const struct bsl_store *s, const struct documents_place *place,
                     struct err *reterr);

#endif
