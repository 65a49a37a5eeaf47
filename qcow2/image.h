/* One qcow2 image, read and distrusted.
 *
 * Opening checks everything that stands in the header, its extensions and the L1 table; mapping
 * (qcow2/chain.h) checks the L2 tables. No name inside an image is ever opened. Memory is bounded
 * by what the file really holds, never by what it claims. What an image may be used for beyond
 * reading is the caller's business; by default an image is judged as a layer of a backup. */
#ifndef VMCONFORM_QCOW2_IMAGE_H
#define VMCONFORM_QCOW2_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "qcow2/fault.h"
#include "qcow2/io.h"

struct qcow2_image;

/* Zeroed: the defaults, strict. */
struct qcow2_policy {
    uint64_t virtual_max;       /* bytes of the disk; 0: 1 PiB */
    uint64_t host_clusters_max; /* clusters of the file, two bits of memory each while mapping; 0:
                                   2^30 */
    uint64_t table_bytes_max;   /* L2 tables read while mapping; 0: 2 GiB */
    uint64_t extents_max;       /* pieces of the map, 32 bytes of memory each; 0: 1 Mi and one for
                                   every 32 bytes of the file, but not more than 64 Mi */
    bool accept_corrupt_bit;    /* these three: for looking at an image, not for restoring it */
    bool accept_snapshots;
    bool accept_unreadable; /* data file or encryption: opens for its header alone, cannot be mapped
                             */
    bool accept_short_tail; /* the last data cluster may end early, the rest reads as zeros */
};

struct qcow2_extension {
    uint32_t type, length;
};

#define QCOW2_UNKNOWN_EXTENSIONS_MAX 256u

struct qcow2_info {
    uint64_t virtual_size, file_size;
    uint32_t version, cluster_bits, refcount_order, snapshots;
    uint32_t l1_entries; /* declared */
    uint64_t l1_offset, rt_offset, snapshots_offset;
    uint32_t rt_clusters, header_length; /* version 2: 72 */
    uint64_t incompatible, compatible, autoclear;
    uint32_t crypt_method;
    uint8_t compression_type; /* 0 deflate, 1 zstd */
    bool dirty, corrupt, data_file, extended_l2, lazy_refcounts, data_file_raw;
    bool has_backing;
    /* As they stand in the image: hostile text; qcow2_quote() before showing. NULL when absent;
     * borrowed. */
    const char *backing_name, *backing_format, *data_file_name;
    /* From the bitmaps extension. Not trusted: the image itself says that a program which knows
     * nothing of bitmaps wrote to it, so the numbers below may lead anywhere. */
    uint32_t bitmaps;
    bool bitmaps_trusted;
    uint64_t bitmaps_offset, bitmaps_bytes; /* of the directory */
    bool luks;                              /* the pointer to a LUKS header is there */
    uint64_t luks_offset, luks_length;
    /* Header extensions that nobody here knows; the first QCOW2_UNKNOWN_EXTENSIONS_MAX. Borrowed.
     */
    const struct qcow2_extension *unknown_extensions;
    size_t unknown_extensions_count;
};

/* Owns io from now on (also on failure). policy is copied; NULL: defaults. New; NULL on failure. */
struct qcow2_image *qcow2_image_open(struct qcow2_io *io_take, const struct qcow2_policy *policy,
                                     struct qcow2_fault *retfault);
/* qcow2_io_open() and qcow2_image_open(). */
struct qcow2_image *qcow2_image_open_file(const char *path, const struct qcow2_policy *policy,
                                          struct qcow2_fault *retfault);
/* A raw disk, to be a chain of one: holes of its file are holes, all else is data, and no byte is
 * interpreted. Its info tells sizes; the version is 0. Owns io. New. */
struct qcow2_image *qcow2_image_open_raw(struct qcow2_io *io_take);
void qcow2_image_destroy(struct qcow2_image *image);
DEFINE_CLEANUP(struct qcow2_image, qcow2_image, qcow2_image_destroy);

/* Borrowed. */
const struct qcow2_info *qcow2_image_info(const struct qcow2_image *image);

#endif
