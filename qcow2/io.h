/* Where an image's bytes come from: a file, memory, or a table of the caller's own (a simulated
 * volume, an object). */
#ifndef VMCONFORM_QCOW2_IO_H
#define VMCONFORM_QCOW2_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "qcow2/fault.h"

struct qcow2_io;

/* A flatten or a comparison with several threads calls `read` and `run` from all of them. */
struct qcow2_io_ops {
    /* Reads exactly len bytes at offset; [offset, offset + len) lies inside the size. May block. */
    int (*read)(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                struct qcow2_fault *retfault);
    /* How many bytes from offset (< size) are known to be alike, and whether they are known to read
     * as zeros; false and everything up to the end is always a right answer. */
    uint64_t (*run)(struct qcow2_io *io, uint64_t offset, bool *ret_zero);
    void (*destroy)(struct qcow2_io *io);
};

/* An implementation embeds this as its first member. */
struct qcow2_io {
    const struct qcow2_io_ops *ops;
    char *name;    /* for sentences; owned, freed by qcow2_io_destroy() */
    uint64_t size; /* fixed when opened */
    /* Tells one file from another whatever its name; both 0: unknown. */
    uint64_t device, inode;
};

enum qcow2_io_flags {
    QCOW2_IO_DEVICE = 1 << 0, /* a block device is welcome too */
};

/* Opens a file for reading. The last component is not followed when it is a symbolic link; FIFOs
 * and the like are refused without waiting. New; NULL on failure. */
struct qcow2_io *qcow2_io_open(const char *path, unsigned flags, struct qcow2_fault *retfault);
/* Reads from an open descriptor, which the result owns from now on (also on failure). */
struct qcow2_io *qcow2_io_open_fd(int fd_take, const char *name, unsigned flags,
                                  struct qcow2_fault *retfault);
/* Bytes are borrowed and outlive the result. New. */
struct qcow2_io *qcow2_io_memory(const void *bytes, size_t len, const char *name);
void qcow2_io_destroy(struct qcow2_io *io);
DEFINE_CLEANUP(struct qcow2_io, qcow2_io, qcow2_io_destroy);

/* Reading past the size is a fault (Q_IO), not short data. */
int qcow2_io_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                  struct qcow2_fault *retfault);
uint64_t qcow2_io_run(struct qcow2_io *io, uint64_t offset, bool *ret_zero);
/* For run tables that know nothing. */
uint64_t qcow2_io_run_unknown(struct qcow2_io *io, uint64_t offset, bool *ret_zero);

#endif
