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

/* Zeroed members: the defaults, which give the shape of KubeVirt's backups. */
struct qcow2_writer_options {
    uint64_t virtual_size;                     /* required; a multiple of 512 */
    uint32_t cluster_bits;                     /* 0: 18 (256 KiB) */
    uint32_t version;                          /* 0: 3 */
    uint32_t refcount_bits;                    /* 0: 16; a power of two up to 64 */
    const char *backing_name, *backing_format; /* NULL: none; borrowed during create */
};

#define QCOW2_WRITER_CLUSTER_BITS 18u

struct qcow2_writer;

/* The file appears under `path` when finish succeeds; flags are of enum qcow2_sink_flags. New; NULL
 * on failure. */
struct qcow2_writer *qcow2_writer_create(const char *path,
                                         const struct qcow2_writer_options *options, unsigned flags,
                                         struct qcow2_fault *retfault);
/* The same into a sink, which is borrowed until the writer is destroyed. */
struct qcow2_writer *qcow2_writer_create_sink(struct qcow2_sink *sink,
                                              const struct qcow2_writer_options *options,
                                              struct qcow2_fault *retfault);
/* Data of a whole cluster; `len` below the cluster size is filled up with zeros. A cluster that was
 * put or zeroed before is refused (QCOW2_USAGE), as is one past the end. */
int qcow2_writer_put(struct qcow2_writer *w, uint64_t guest_cluster, const void *data, size_t len,
                     struct qcow2_fault *retfault);
/* A zero-plain cluster: hides the parent's. Version 2 has none: refused. */
int qcow2_writer_zero(struct qcow2_writer *w, uint64_t guest_cluster, struct qcow2_fault *retfault);
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
