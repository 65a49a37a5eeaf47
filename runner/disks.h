/* Disks as steps and expressions name them, against the moments that they shall show.
 *
 * A target is "NAMESPACE/VM", whose disks are compared by identity of content (sim/kubevirt), or
 * "pvc:NAMESPACE/CLAIM", whose real bytes are compared block by block with the rule
 * (fixtures/verify.h). A moment is the name of a mark; of a claim, CHAIN/DISK@CHECKPOINT or
 * NAMESPACE/VM/DISK@MARK. */
#ifndef VMCONFORM_RUNNER_DISKS_H
#define VMCONFORM_RUNNER_DISKS_H

#include "base/err.h"
#include "base/strbuf.h"

struct casework;

/* Whether a moment has the form NAMESPACE/VM/DISK@MARK. */
bool moment_is_marked(const char *moment);

/* 0 and *ret_same; the explanation is appended to why (may be NULL). ERR_INVALID: there is no such
 * moment. */
int compare_disk(struct casework *cw, const char *target, const char *moment, bool *ret_same,
                 struct strbuf *why, struct err *reterr);
/* Where the real bytes of a claim are: file or folder; NULL with an error. New. */
char *claim_path(struct casework *cw, const char *target, bool *ret_block, struct err *reterr);

#endif
