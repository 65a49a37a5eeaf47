/* Inside qcow2/ only: what the sinks on descriptors share. */
#ifndef VMCONFORM_QCOW2_SINK_PRIV_H
#define VMCONFORM_QCOW2_SINK_PRIV_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "qcow2/sink.h"

/* The longest that one call writes of zeros. */
#define SINK_ZEROS_BYTES (64u << 10)
extern const unsigned char sink_zeros[SINK_ZEROS_BYTES];

/* "NAME: at byte OFFSET: doing: reason", QCOW2_NO_SPACE when the medium or the quota is full. */
int sink_fault_at(struct qcow2_fault *f, int errnum, const char *name, uint64_t offset,
                  const char *doing);

/* A descriptor that can seek. */
struct sink_fd {
    int fd;
    bool device;
    bool sync;               /* the data are wanted on the disk at the end */
    _Atomic unsigned method; /* how to make zeros: the first way that was not refused yet */
    _Atomic uint64_t written;
};

/* The name and the file of a sink in which several threads may write. */
void sink_name(struct qcow2_sink *s, const struct qcow2_sink_ops *ops, const char *path,
               const struct stat *st);

int sink_fd_write(struct sink_fd *s, const char *name, uint64_t offset, const void *buf, size_t len,
                  struct qcow2_fault *retfault);
/* By freeing the range where the system can. */
int sink_fd_zero(struct sink_fd *s, const char *name, uint64_t offset, uint64_t len,
                 struct qcow2_fault *retfault);
/* When `sync`: what is read comes from the medium, as far as the system allows. */
struct qcow2_io *sink_fd_reader(struct sink_fd *s, const char *name, struct qcow2_fault *retfault);
/* Nothing to do without `sync`. */
int sink_fd_sync(struct sink_fd *s, const char *name, struct qcow2_fault *retfault);

#endif
