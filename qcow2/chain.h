/* A chain of images read as one disk.
 *
 * The caller says which images there are and in which order, base first; no name inside an image is
 * followed. Opening reads every present L2 table once, checks it, and merges the layers into one
 * sorted list of extents: guest range -> (layer, place). After that no table is read again. Cost:
 * one pass over the tables that exist, and extents * log(extents); memory: 32 bytes for each extent
 * held at once, which is bounded by the size of the files (extents_max), two bits for each cluster
 * of one file at a time, and some 64 KiB. */
#ifndef VMCONFORM_QCOW2_CHAIN_H
#define VMCONFORM_QCOW2_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "qcow2/fault.h"
#include "qcow2/image.h"

enum qcow2_extent_kind {
    QCOW2_EXTENT_DATA,       /* host: offset in the layer's file */
    QCOW2_EXTENT_ZERO,       /* zeros that hide the layers below */
    QCOW2_EXTENT_COMPRESSED, /* host: the descriptor; the extent lies inside one cluster of the
                                layer */
    QCOW2_EXTENT_HOLE,       /* allocated nowhere: zeros; never in the list, only from
                                qcow2_chain_extent_at() */
};

#define QCOW2_NO_LAYER UINT32_MAX

struct qcow2_extent {
    uint64_t start, len; /* guest bytes */
    uint64_t host;
    uint32_t layer; /* 0: the base */
    enum qcow2_extent_kind kind;
};

/* Whether increments may, must or must not name a backing file. It is never opened. */
enum qcow2_backing_rule {
    QCOW2_BACKING_ANY, /* both occur: push-mode backups record the source's path or nothing */
    QCOW2_BACKING_RECORDED,
    QCOW2_BACKING_STANDALONE,
};

/* Zeroed: the defaults, strict. */
struct qcow2_chain_options {
    uint32_t layers_max; /* 0: 512 */
    enum qcow2_backing_rule increments;
    /* Pieces held at once, 32 bytes of memory each, up to three times that while two lists become
     * one. 0: 1 Mi and one for every 32 bytes of all files, but not more than 64 Mi. */
    uint64_t extents_max;
    bool accept_base_backing;  /* the base names a backing file; it is not opened all the same */
    bool accept_v2_increments; /* version 2 cannot say "zero" in an increment */
};

struct qcow2_chain;

/* Images base to top, borrowed until the chain is destroyed. options NULL: defaults. New; NULL on
 * failure. */
struct qcow2_chain *qcow2_chain_open(struct qcow2_image *const *layers, size_t count,
                                     const struct qcow2_chain_options *options,
                                     struct qcow2_fault *retfault);
void qcow2_chain_destroy(struct qcow2_chain *chain);
DEFINE_CLEANUP(struct qcow2_chain, qcow2_chain, qcow2_chain_destroy);

/* Virtual size: that of the top. */
uint64_t qcow2_chain_size(const struct qcow2_chain *chain);
/* Sorted, without overlap, clipped to the size; what lies between reads as zeros. Borrowed. */
const struct qcow2_extent *qcow2_chain_extents(const struct qcow2_chain *chain, size_t *ret_count);
/* The extent from `offset` (< size) on, a hole included. */
struct qcow2_extent qcow2_chain_extent_at(const struct qcow2_chain *chain, uint64_t offset);
/* Borrowed. */
struct qcow2_image *qcow2_chain_layer(const struct qcow2_chain *chain, uint32_t layer);
size_t qcow2_chain_layers(const struct qcow2_chain *chain);
/* Reads guest bytes; [offset, offset + len) lies on the disk. Keeps the last decompressed cluster:
 * one thread at a time; further threads have a reader each. */
int qcow2_chain_read(struct qcow2_chain *chain, uint64_t offset, void *buf, size_t len,
                     struct qcow2_fault *retfault);

/* What one thread needs to read a chain: a decompressed cluster, and where it read last. New. */
struct qcow2_reader;
struct qcow2_reader *qcow2_reader_create(struct qcow2_chain *chain);
int qcow2_reader_read(struct qcow2_reader *reader, uint64_t offset, void *buf, size_t len,
                      struct qcow2_fault *retfault);
/* qcow2_chain_extent_at(), in constant time when offsets ascend. */
struct qcow2_extent qcow2_reader_extent_at(struct qcow2_reader *reader, uint64_t offset);
void qcow2_reader_destroy(struct qcow2_reader *reader);
DEFINE_CLEANUP(struct qcow2_reader, qcow2_reader, qcow2_reader_destroy);

#endif
