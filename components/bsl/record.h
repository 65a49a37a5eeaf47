/* What an upload leaves in the documents of the storage location (datamover.md 5.2, steps 5 to 9).
 */
#ifndef VMCONFORM_COMPONENTS_BSL_RECORD_H
#define VMCONFORM_COMPONENTS_BSL_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "components/bsl/documents.h"
#include "components/host.h"

/* All borrowed. */
struct bsl_checkpoint {
    /* The index's entry, without parent and referencedBy: at least id, type and files. */
    const json_t *entry;
    /* The checkpoint that an increment was made against, as KubeVirt told; "": nobody knows. */
    const char *parent;
    /* Records increments that have no parent, as the existing code does. */
    bool orphans;
};

/* Puts the checkpoint into the index (in the place of an entry of the same id, else last), refers
 * to it and to all that it is based on, and writes both manifests; place->backup "": no manifests.
 * An index that cannot be read is kept aside as "index.json.corrupt-DIGEST". The objects must be
 * there already. A second run changes nothing but time stamps.
 *
 * ERR_CORRUPT: the parent is missing, incomplete or another one ("E-PARENT"): a full backup is
 * needed. ERR_IO, ERR_CRASHED and the rest as of bsl_forget(). */
int bsl_record(struct host *h, const struct documents_place *place, const struct bsl_checkpoint *c,
               struct err *reterr);

#endif
