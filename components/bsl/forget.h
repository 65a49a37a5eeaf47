/* The end of a VM's part of a backup: what a Velero delete action does for a VM (datamover.md 6.4).
 */
#ifndef VMCONFORM_COMPONENTS_BSL_FORGET_H
#define VMCONFORM_COMPONENTS_BSL_FORGET_H

#include "base/err.h"
#include "components/bsl/documents.h"
#include "components/host.h"

/* Removes the backup place->backup (its name, of any length, or its label value) of the VM
 * place->ns, place->vm from the location place->bucket, place->prefix; collects the checkpoints
 * that no backup needs any more, with all their objects.
 *
 * Kept (I1..I7): an entry of the index is there while a backup refers to it or to a descendant; the
 * index never lists an object that is gone, since entries go first; nothing is read or written but
 * this location, and of it but this VM's prefix and the backup's manifests. A second run does
 * nothing, and one after a crash or an error anywhere does what is left. Deleting all backups in
 * any order leaves nothing.
 *
 * 0: done, also when the backup holds no such VM. -1: ERR_IO: the store did not answer; a later run
 * may succeed. ERR_CRASHED. ERR_CORRUPT or ERR_LIMIT: a document cannot be read; nothing was
 * deleted. ERR_CONFLICT: others change the index all the time. ERR_INVALID: a name that can be no
 * part of a key. */
int bsl_forget(struct host *h, const struct documents_place *place, struct err *reterr);

#endif
