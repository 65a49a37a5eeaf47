/* What is wrong inside one image, all of it: `qemu-img check` in a library that is safe to point at
 * anything.
 *
 * References are counted anew from the header, L1, L2, data, compressed data, refcount table and
 * blocks, internal snapshots and bitmaps, and held against the refcounts of the file. Where a
 * reader (qcow2/chain.h) stops at the first defect, this goes on and lists them. */
#ifndef VMCONFORM_QCOW2_CHECK_H
#define VMCONFORM_QCOW2_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qcow2/image.h"

enum qcow2_severity {
    QCOW2_SEVERITY_CORRUPTION, /* data may be read wrong, or lost by the next write */
    QCOW2_SEVERITY_LEAK,       /* space is lost, no data */
    QCOW2_SEVERITY_WARNING,    /* qemu-img check says nothing, but a reader of this library refuses
                                  it, or data may be missing: says which */
};

struct qcow2_finding {
    enum qcow2_severity severity;
    enum qcow2_defect defect;
    uint64_t offset; /* in the file: where the wrong thing stands; QCOW2_NO_OFFSET */
    char *text;      /* owned; without the file's name */
};

struct qcow2_check_report {
    uint64_t corruptions, leaks, warnings; /* all, also those not kept */
    /* False: a defect kept the check from looking at everything, or a limit did. Leaks are not told
     * then, since what is not seen may use the space. */
    bool complete;
    uint64_t total_clusters; /* guest clusters of the disk */
    uint64_t allocated_clusters, compressed_clusters, fragmented_clusters;
    uint64_t image_end; /* behind the last cluster in use, in bytes, rounded up to a cluster */
    struct qcow2_finding *items; /* in the order in which they were found; at most findings_max */
    size_t count, cap;
};

/* Zeroed: the defaults. */
struct qcow2_check_options {
    /* 0: 1000. Counting goes on beyond, of COPIED flags by cluster, no longer by entry. */
    size_t findings_max;
    /* Clusters of the file; 0: 2^28. Memory is at most
     *     6 bytes * clusters of the file
     *     + 8 to 16 bytes * compressed clusters of the disk
     *     + 8 * the snapshot table and the bitmap directory as far as the file holds them
     *     + 6 * the cluster size + 1 MiB (decompressing: + 4 MiB)
     *     + findings_max findings.
     * Time is two passes over the L1 tables and one over the L2 tables that the file holds, however
     * often they are referenced (one more over each when a COPIED flag is wrong), and one over its
     * refcounts. */
    uint64_t host_clusters_max;
    /* Decompress what the active tables lead to as well; until 1032 times the length of the file
     * (which deflate cannot reach) came out, with zstd 65536 times. */
    bool decompress;
};

/* io is borrowed. Opens for itself, accepting whatever qemu opens: other files that the image names
 * (backing, data) and keys are not needed. What qemu refuses to open is one corruption, and the
 * check is not complete. Fails only when the file cannot be read or is no qcow2 image at all
 * (QCOW2_MAGIC, QCOW2_VERSION, QCOW2_HDR_SHORT); everything else is a finding. options NULL:
 * defaults. */
int qcow2_check(struct qcow2_io *io, const struct qcow2_check_options *options,
                struct qcow2_check_report *ret, struct qcow2_fault *retfault);
/* Complete, no corruption, no leak; warnings do not count. */
bool qcow2_check_sound(const struct qcow2_check_report *r);
void qcow2_check_finish(struct qcow2_check_report *r);
static inline void cleanup_qcow2_check(struct qcow2_check_report *r)
{
    qcow2_check_finish(r);
}

#endif
