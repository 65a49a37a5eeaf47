/* How big the claims are that a restore works in (datamover.md 4.3). */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_SIZING_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_SIZING_H

#include <jansson.h>
#include <stdint.h>

#include "components/kubevirt-datamover/chain.h"

enum sizing_mode {
    SIZING_IMPLEMENTATION, /* a claim per disk, raw image and chain with an overhead of 20 % */
    SIZING_DESIGN,         /* the greatest need of any disk of the VM, with an overhead of 10 % */
};

struct sizing_need {
    int64_t files; /* F: bytes of the chain's images */
    int64_t disk;  /* M: bytes of the disk, as far as anybody told; 0: unknown */
};

/* request: what the target claim asks for, 0 when nothing. Negative sizes count as nothing. */
struct sizing_need sizing_need_of(const json_t *index, const json_t *ids, const struct chain *chain,
                                  const char *disk, int64_t request);

/* bytes + percent, rounded down; the largest number instead of an overflow. */
int64_t sizing_with_overhead(int64_t bytes, int64_t percent);
int64_t sizing_scratch(struct sizing_need need, int64_t percent);
int64_t sizing_work(struct sizing_need need, int64_t percent);
int64_t sizing_output(struct sizing_need need, int64_t percent);
/* One claim that would do for each disk of the VM. requests: bytes that target claims ask for, by
 * claim; may be NULL. */
int64_t sizing_design(const json_t *index, const json_t *ids, const char *ns, const char *vm,
                      const json_t *requests, struct sizing_need own, int64_t percent);
/* The claims of the newest checkpoint of the chain, bounded. New array of texts. */
json_t *sizing_claims(const json_t *index, const json_t *ids);
/* What to ask for after `retries` claims of this size ran full: half as much again each time. */
int64_t sizing_after_retries(int64_t bytes, int64_t retries);

#endif
