/* Writes a qcow2 image from front to back: the caller says which guest clusters hold what, in any
 * order, each once; the file order of the data is the order of the calls. Clusters never mentioned
 * stay unallocated. Same calls, same bytes. */
#ifndef VMCONFORM_QCOW2_WRITER_H
#define VMCONFORM_QCOW2_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "qcow2/fault.h"
#include "qcow2/sink.h"

enum qcow2_compression {
    QCOW2_COMPRESSION_NONE,
    QCOW2_COMPRESSION_DEFLATE,
    QCOW2_COMPRESSION_ZSTD,
};

/* Zeroed members: the defaults, which give the shape of a push-mode backup. */
struct qcow2_writer_options {
    uint64_t virtual_size;              /* required; a multiple of 512 */
    uint32_t cluster_bits;              /* 0: 18 (256 KiB) */
    uint32_t version;                   /* 0: 3 */
    uint32_t refcount_bits;             /* 0: 16; a power of two up to 64 */
    bool extended_l2;                   /* 32 subclusters to a cluster; version 3, 16 KiB up */
    enum qcow2_compression compression; /* what qcow2_writer_put_compressed() uses */
    const char *backing_name, *backing_format; /* NULL: none; borrowed during create */
};

#define QCOW2_WRITER_CLUSTER_BITS 18u

struct qcow2_writer;

/* The file appears under `path` when finish succeeds; flags are of enum qcow2_sink_flags. New; NULL
 * on failure. */
struct qcow2_writer *qcow2_writer_create(const char *path,
                                         const struct qcow2_writer_options *options, unsigned flags,
                                         struct qcow2_fault *retfault);
/* The same into a sink, which is borrowed until the writer is destroyed. A pipe is refused: tables
 * stand before data. */
struct qcow2_writer *qcow2_writer_create_sink(struct qcow2_sink *sink,
                                              const struct qcow2_writer_options *options,
                                              struct qcow2_fault *retfault);
/* Data of a whole cluster; `len` below the cluster size is filled up with zeros. A cluster that was
 * put or zeroed before is refused (QCOW2_USAGE), as is one past the end. Writes are gathered: that
 * one failed may be told by a later call, by finish at the latest. After a failure every call
 * fails. */
int qcow2_writer_put(struct qcow2_writer *w, uint64_t guest_cluster, const void *data, size_t len,
                     struct qcow2_fault *retfault);
/* The same for `count` clusters in a row, all of them whole. */
int qcow2_writer_put_run(struct qcow2_writer *w, uint64_t guest_cluster, uint64_t count,
                         const void *data, struct qcow2_fault *retfault);
/* One cluster, compressed and packed behind the compressed clusters before it; stored as it is
 * where compression does not make it shorter, as qemu does. Needs options.compression, refused
 * otherwise.
 */
int qcow2_writer_put_compressed(struct qcow2_writer *w, uint64_t guest_cluster, const void *data,
                                size_t len, struct qcow2_fault *retfault);
/* Subcluster i of the cluster (bit i) is data, is zero, or (neither) shows the parent; data is a
 * whole cluster, of which only the subclusters with data are written. Both at once, neither
 * anywhere, and images without extended_l2 are refused. */
int qcow2_writer_put_subclusters(struct qcow2_writer *w, uint64_t guest_cluster, const void *data,
                                 uint32_t data_mask, uint32_t zero_mask,
                                 struct qcow2_fault *retfault);
/* A persistent bitmap, enabled ("auto") as those of qemu-img. bits: one for each granule of 1 <<
 * granularity_bits bytes, lowest bit first, up to the end of the disk; copied. Names are unique.
 * Version 3 only. */
int qcow2_writer_bitmap(struct qcow2_writer *w, const char *name, unsigned granularity_bits,
                        const void *bits, struct qcow2_fault *retfault);
/* A zero-plain cluster: hides the parent's. Version 2 has none: refused. */
int qcow2_writer_zero(struct qcow2_writer *w, uint64_t guest_cluster, struct qcow2_fault *retfault);
int qcow2_writer_zero_run(struct qcow2_writer *w, uint64_t guest_cluster, uint64_t count,
                          struct qcow2_fault *retfault);
/* Nothing below that cluster follows: its L2 tables are written and forgotten. Memory is one
 * cluster for each table that is still open, 16 bytes for each L1 entry, and 256 KiB. */
int qcow2_writer_done_below(struct qcow2_writer *w, uint64_t guest_cluster,
                            struct qcow2_fault *retfault);
/* Writes the tables and commits the sink. Call once; afterwards only destroy. ret_size may be NULL.
 */
int qcow2_writer_finish(struct qcow2_writer *w, uint64_t *ret_size, struct qcow2_fault *retfault);
/* Without a finish that succeeded, nothing is left under the path. */
void qcow2_writer_destroy(struct qcow2_writer *w);
DEFINE_CLEANUP(struct qcow2_writer, qcow2_writer, qcow2_writer_destroy);

uint64_t qcow2_writer_cluster_size(const struct qcow2_writer *w);
/* Guest clusters of the disk. */
uint64_t qcow2_writer_clusters(const struct qcow2_writer *w);

/* The bytes of cluster 0 up to the end of the backing name: for whoever rewrites a header. New,
 * freed with free(); NULL when the names do not fit. */
unsigned char *qcow2_writer_header(const struct qcow2_writer_options *options, size_t *ret_len,
                                   struct qcow2_fault *retfault);

#endif
