/* Compares two readers of a disk block by block, and says which layer each differing range comes
 * from.
 *
 * A view is anything that reads like a disk: a chain, a raw file or device, or a rule that knows
 * what should be there (an oracle). Not read is what both sides know to be zeros, and what both
 * take from the same place of the same file. */
#ifndef VMCONFORM_QCOW2_COMPARE_H
#define VMCONFORM_QCOW2_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/disk.h"
#include "qcow2/chain.h"
#include "qcow2/io.h"

struct qcow2_view;

/* `len` bytes of a view that are alike. */
struct qcow2_piece {
    uint64_t len;
    bool zero;      /* known to read as zeros */
    uint32_t layer; /* QCOW2_NO_LAYER: none or unknown */
    /* Where the bytes stand, as they are: two pieces with the same place hold the same. device and
     * inode both 0: unknown. */
    uint64_t device, inode, host;
};

struct qcow2_view_ops {
    /* offset < size. */
    struct qcow2_piece (*piece)(struct qcow2_view *view, uint64_t offset);
    /* [offset, offset + len) lies on the disk. */
    int (*read)(struct qcow2_view *view, uint64_t offset, void *buf, size_t len,
                struct qcow2_fault *retfault);
    /* The same disk for one thread more; what the view looks at is used by both at a time. New.
     * NULL (the slot or the result): one thread at a time. */
    struct qcow2_view *(*clone)(struct qcow2_view *view);
    /* Frees a clone. */
    void (*release)(struct qcow2_view *clone);
};

/* An implementation embeds this as its first member. */
struct qcow2_view {
    const struct qcow2_view_ops *ops;
    uint64_t size;
};

/* The three common ones, in memory of the caller's; what they look at is borrowed. */
struct qcow2_chain_view {
    struct qcow2_view view;
    struct qcow2_chain *chain;
    struct qcow2_reader *reader; /* the chain's own */
};
struct qcow2_io_view {
    struct qcow2_view view;
    struct qcow2_io *io;
    /* What the I/O table said last. */
    uint64_t run_start, run_end;
    bool run_zero;
};
struct qcow2_moment_view {
    struct qcow2_view view;
    const struct disk_moment *moment;
};
struct qcow2_view *qcow2_view_chain(struct qcow2_chain_view *v, struct qcow2_chain *chain);
struct qcow2_view *qcow2_view_io(struct qcow2_io_view *v, struct qcow2_io *io);
struct qcow2_view *qcow2_view_moment(struct qcow2_moment_view *v, const struct disk_moment *moment);

struct qcow2_difference {
    uint64_t start, len;
    uint32_t layer_a, layer_b;
    bool zero_a, zero_b; /* known to be zeros there */
};

struct qcow2_comparison {
    uint64_t size_a, size_b;
    uint64_t bytes_read;            /* of one side; the rest was known */
    uint64_t bytes_differing;       /* whole blocks */
    struct qcow2_difference *items; /* sorted; neighbours of one kind are one item */
    size_t count, cap;
    bool more; /* there were more than ranges_max */
};

struct qcow2_compare_options {
    uint32_t block_bytes; /* 0: 4096 */
    size_t ranges_max;    /* 0: 1000; counting goes on beyond */
    bool tails;           /* what only the longer side has is compared with zeros */
    /* More than 1: so many threads read and compare. The result is the same. Where a view has no
     * clone: the calling thread alone. Never where a simulated world lives. */
    unsigned threads;
    /* As in qcow2/flatten.h. */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
};

/* Compares what both have, or with options.tails everything. Fails only when a side cannot be read:
 * with the fault of the first place that cannot. options NULL: defaults. */
int qcow2_compare(struct qcow2_view *a, struct qcow2_view *b,
                  const struct qcow2_compare_options *options, struct qcow2_comparison *ret,
                  struct qcow2_fault *retfault);
/* Same size, same bytes. */
bool qcow2_comparison_same(const struct qcow2_comparison *c);
void qcow2_comparison_finish(struct qcow2_comparison *c);
static inline void cleanup_qcow2_comparison(struct qcow2_comparison *c)
{
    qcow2_comparison_finish(c);
}

#endif
