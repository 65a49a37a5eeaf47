/* Writes what a chain reads as into one raw disk.
 *
 * Success means: every byte of the disk is in the sink, zeros included where the sink held old
 * data, and the sink's commit (flush, rename) has succeeded. On failure a file sink leaves nothing
 * under its name; a device is partly written.
 *
 * Memory, beside the chain's map: for each thread (one more for a sink that takes no parallel
 * writes) a window of 256 KiB or the largest compressed cluster, 40 bytes for each extent in it,
 * and what a reader needs for compressed clusters. */
#ifndef VMCONFORM_QCOW2_FLATTEN_H
#define VMCONFORM_QCOW2_FLATTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "qcow2/chain.h"
#include "qcow2/sink.h"

/* What becomes of a fixed sink's bytes behind the end of the disk. */
enum qcow2_tail {
    QCOW2_TAIL_ZERO,  /* zeros */
    QCOW2_TAIL_LEAVE, /* untouched; told in stats.tail_bytes */
    QCOW2_TAIL_REFUSE /* QCOW2_TARGET_TAIL before anything is written */
};

struct qcow2_flatten_stats {
    uint64_t bytes_total;  /* the size of the disk */
    uint64_t bytes_copied; /* read from a layer and written */
    uint64_t bytes_zero;   /* zeros, written or left as a hole */
    uint64_t tail_bytes;   /* of the sink, behind the end of the disk */
};

/* Zeroed: the defaults. */
struct qcow2_flatten_options {
    /* More than 1: so many threads read and write. Never where a simulated world lives. */
    unsigned threads; /* at most 16 count */
    enum qcow2_tail tail;
    bool allocate; /* write zeros as bytes: no holes in the target */
    /* Read the target back before the commit, from the medium if it is synced, and compare it with
     * the chain: QCOW2_IO with the first place that differs. A sink that cannot be read is refused
     * before anything is written to it where it is sequential, else after: QCOW2_USAGE. */
    bool verify;
    /* Called from the calling thread, at most every few MiB; NULL: nobody looks. */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
};

/* The sink is borrowed and committed. A sink whose target is one of the layers is refused
 * (QCOW2_USAGE), a fixed one that is too small too (QCOW2_TARGET_SMALL), both before anything is
 * written. options and ret_stats may be NULL. */
int qcow2_flatten(struct qcow2_chain *chain, struct qcow2_sink *sink,
                  const struct qcow2_flatten_options *options,
                  struct qcow2_flatten_stats *ret_stats, struct qcow2_fault *retfault);

#endif
