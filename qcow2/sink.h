/* Where a written image goes: a file that appears whole or not at all, a device or a file in place,
 * a pipe, memory, or a table of the caller's own.
 *
 * Every sink survives EINTR and short writes. A full medium (also an exhausted quota) is
 * QCOW2_NO_SPACE with the offset; any other failed write is QCOW2_IO. Two signals would kill the
 * process before a write can fail, and belong to whoever owns the process: SIGPIPE (a pipe whose
 * reader has gone) and SIGXFSZ (RLIMIT_FSIZE). Ignore them, and EPIPE and EFBIG arrive here. */
#ifndef VMCONFORM_QCOW2_SINK_H
#define VMCONFORM_QCOW2_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "qcow2/fault.h"
#include "qcow2/io.h"

struct qcow2_sink;

/* Call these through the functions below, which check the range first. */
struct qcow2_sink_ops {
    /* Writes all of it; len > 0. */
    int (*write)(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                 struct qcow2_fault *retfault);
    /* [offset, offset + len) reads as zeros from now on; len > 0. A fresh sink has nothing to do
     * where nothing was written. */
    int (*zero)(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                struct qcow2_fault *retfault);
    /* Reads back what was written so far, before the commit: for whoever verifies. New; NULL on
     * failure, or without a fault when a sink cannot be read (a pipe). The sink outlives it. */
    struct qcow2_io *(*reader)(struct qcow2_sink *sink, struct qcow2_fault *retfault);
    /* The image has `size` bytes and is complete: make it last, then visible. Called once, nothing
     * is written after. */
    int (*commit)(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault);
    /* Without a commit that succeeded: nothing stays behind. */
    void (*destroy)(struct qcow2_sink *sink);
};

/* An implementation embeds this as its first member. */
struct qcow2_sink {
    const struct qcow2_sink_ops *ops;
    char *name;        /* for sentences; owned, freed by qcow2_sink_destroy() */
    bool fresh;        /* what was never written reads as zeros; otherwise it holds old data */
    bool sequential;   /* a pipe: writes and zeros come in order, without gaps, from one thread */
    bool fixed;        /* has `capacity` bytes, no more and no less: a device, a file in place */
    uint64_t capacity; /* UINT64_MAX: as far as the system lets it grow */
    bool parallel;     /* several threads at a time may write and zero, each its own ranges */
    /* What commit will be told, from whoever knows before the first write; 0: not known. A file
     * that has its size at once is written faster than one that grows. */
    uint64_t expected;
    /* Of what is there already under the name, as in qcow2/io.h; both 0: nothing, or unknown. */
    uint64_t device, inode;
};

/* Behind `capacity` there is nothing: QCOW2_NO_SPACE. len 0 does nothing. */
int qcow2_sink_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                     struct qcow2_fault *retfault);
int qcow2_sink_zero(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                    struct qcow2_fault *retfault);
struct qcow2_io *qcow2_sink_reader(struct qcow2_sink *sink, struct qcow2_fault *retfault);
int qcow2_sink_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault);

/* For tables of operations: zeros through `write`; nothing to read back. */
int qcow2_sink_zero_by_writing(struct qcow2_sink *sink, uint64_t offset, uint64_t len,
                               struct qcow2_fault *retfault);
struct qcow2_io *qcow2_sink_no_reader(struct qcow2_sink *sink, struct qcow2_fault *retfault);

enum qcow2_sink_flags {
    QCOW2_SINK_NO_SYNC = 1 << 0, /* fixtures: a crash of the machine may take the file */
    QCOW2_SINK_NAMED = 1 << 1,   /* a name from the start, even where files need none: for tests */
};

/* Writes to a file without a name (mode 0600) in the folder of PATH, which commit syncs and puts
 * under PATH; the folder is synced too. Where the file system has no such files, the name is
 * PATH.<number>.partial, one that nobody has. A regular file under PATH is replaced by that and
 * untouched before; anything else there is refused. On failure (of the commit too) nothing of this
 * is left behind. New; NULL on failure. */
struct qcow2_sink *qcow2_sink_file(const char *path, unsigned flags, struct qcow2_fault *retfault);
/* Writes into a block device, or into a regular file that exists already, as it stands: old data
 * remain where nothing is written. Never through a link; a device that is mounted or otherwise in
 * use is refused. Zeros free the space under them where the system can do that. commit syncs. New;
 * NULL on failure. */
struct qcow2_sink *qcow2_sink_in_place(const char *path, unsigned flags,
                                       struct qcow2_fault *retfault);
/* Writes to a descriptor in order (standard output, a pipe); it stays open, and may be
 * non-blocking. Every zero is written. commit syncs what can be synced. New. */
struct qcow2_sink *qcow2_sink_stream(int fd, const char *name);
/* At most max_bytes, then QCOW2_NO_SPACE. New. */
struct qcow2_sink *qcow2_sink_memory(const char *name, uint64_t max_bytes);
/* The committed bytes of a memory sink: new, freed with free(). The sink is empty afterwards. */
unsigned char *qcow2_sink_memory_take(struct qcow2_sink *sink, size_t *ret_len);
void qcow2_sink_destroy(struct qcow2_sink *sink);
DEFINE_CLEANUP(struct qcow2_sink, qcow2_sink, qcow2_sink_destroy);

#endif
