/* Inside qcow2/ only: how a disk is cut into pieces, and what becomes of one.
 *
 *     claim: the next piece in guest order, a stretch of zeros or a window
 *     read:  the window's bytes from the layers into one buffer
 *     write: its runs of data and of zeros into the sink
 *
 * Windows end at multiples of their size, which no compressed cluster is larger than: each lies in
 * one window, and is unpacked once. */
#ifndef VMCONFORM_QCOW2_FLATTEN_PRIV_H
#define VMCONFORM_QCOW2_FLATTEN_PRIV_H

#include <pthread.h>

#include "qcow2/flatten.h"

#define FLATTEN_THREADS_MAX 16u

struct flatten_piece {
    uint64_t start, len;
    bool zero; /* known to read as zeros; may be longer than a window */
};

/* What is written and what is left out, the same for every window. */
struct flatten_rules {
    size_t window_bytes;
    bool skip_zeros;  /* zeros are there already */
    bool write_zeros; /* as bytes, like data */
    /* A shorter run of zeros between data is written with them: one that the layers tell of, and
     * one that was found in their data. */
    size_t known_min, zeros_min;
};

/* The work that threads share. */
struct flatten {
    struct qcow2_chain *chain;
    struct qcow2_sink *sink;
    const struct qcow2_flatten_options *options;
    struct flatten_rules rules;
    uint64_t size;
    uint64_t reported; /* of progress; the calling thread's */

    pthread_mutex_t lock; /* for all below */
    struct qcow2_reader *scout;
    uint64_t next; /* where the next piece begins */
    uint64_t copied, zeros;
    bool failed;
    struct qcow2_fault fault; /* the first one */
};

/* False when nothing is left, or something failed. */
bool flatten_claim(struct flatten *f, struct flatten_piece *ret);
/* What a piece came to; wakes nobody. */
void flatten_count(struct flatten *f, uint64_t copied, uint64_t zeros);
/* Keeps the first fault and drops the others; empties *fault. */
void flatten_fail(struct flatten *f, struct qcow2_fault *fault);
bool flatten_failed(struct flatten *f);
/* Tells the caller's callback; from the calling thread only. */
void flatten_progress(struct flatten *f, bool at_end);

/* One thread's place for one window at a time. */
struct flatten_window {
    struct qcow2_chain *chain;
    struct qcow2_reader *reader;
    struct flatten_piece piece;
    unsigned char *buf;           /* window_bytes and a page; begins with a page */
    struct qcow2_extent *extents; /* of the piece, in order */
    size_t count, cap;
};

void flatten_window_init(struct flatten_window *w, const struct flatten *f);
void flatten_window_finish(struct flatten_window *w);
static inline void cleanup_flatten_window(struct flatten_window *w)
{
    flatten_window_finish(w);
}
/* Fills the window with a piece. */
int flatten_window_read(struct flatten_window *w, const struct flatten_rules *rules,
                        const struct flatten_piece *piece, struct qcow2_fault *retfault);
/* Writes what was read, and counts it. */
int flatten_window_write(const struct flatten_window *w, struct flatten *f,
                         struct qcow2_fault *retfault);

/* Starts threads, fewer where the system grants no more. Returns how many. */
unsigned flatten_start(pthread_t *ids, unsigned count, void *(*run)(void *), void *arg);
/* flatten_order.c: threads - 1 (at least one) read ahead, the calling one writes in order. Pieces
 * that are left, since no thread could be started, are the caller's. */
void flatten_in_order(struct flatten *f, unsigned threads);

#endif
