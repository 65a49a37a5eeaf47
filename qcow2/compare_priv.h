/* Inside qcow2/ only: the parts of a comparison. A disk is compared in stripes; their findings are
 * merged in order, so that it does not show how many threads there were. */
#ifndef VMCONFORM_QCOW2_COMPARE_PRIV_H
#define VMCONFORM_QCOW2_COMPARE_PRIV_H

#include "qcow2/compare.h"

/* What one thread compares with. */
struct comparer {
    struct qcow2_view *a, *b;
    uint64_t total;  /* bytes to compare, from 0 on */
    uint64_t stripe; /* whole blocks, as is the window */
    uint32_t block;
    size_t window, ranges_max;
    char *buf_a, *buf_b; /* a window each */
};

/* A comparer for the same disk and other views, with buffers of its own. */
void comparer_init(struct comparer *c, const struct comparer *plan, struct qcow2_view *a,
                   struct qcow2_view *b);
void comparer_finish(struct comparer *c);

static inline uint64_t comparer_stripes(const struct comparer *c)
{
    return c->total / c->stripe + (c->total % c->stripe != 0);
}

/* The end of a stripe: how far a comparison is when that one is done. */
static inline uint64_t comparer_end(const struct comparer *c, uint64_t stripe)
{
    return stripe + 1 < comparer_stripes(c) ? (stripe + 1) * c->stripe : c->total;
}

/* compare_stripe.c: adds what is found in a stripe to *out. */
int compare_stripe(struct comparer *c, uint64_t stripe, struct qcow2_comparison *out,
                   struct qcow2_fault *retfault);
/* Adds the findings of the stripe behind, and empties them. */
void compare_merge(struct qcow2_comparison *out, struct qcow2_comparison *stripe,
                   size_t ranges_max);

/* compare_threads.c: the same for all stripes, by several threads. False: no thread can be had, and
 * nothing was done. */
bool compare_threads(const struct comparer *plan, const struct qcow2_compare_options *options,
                     struct qcow2_comparison *out, int *ret_result, struct qcow2_fault *retfault);

#endif
