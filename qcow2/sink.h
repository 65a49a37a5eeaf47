/* Where a written image goes: a file that appears whole or not at all, memory, or a table of the
 * caller's own. */
#ifndef VMCONFORM_QCOW2_SINK_H
#define VMCONFORM_QCOW2_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "qcow2/fault.h"

struct qcow2_sink;

struct qcow2_sink_ops {
    /* Writes all of it; what was never written reads as zeros. */
    int (*write)(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                 struct qcow2_fault *retfault);
    /* The image has `size` bytes and is complete: make it last, then visible. Called once, nothing
     * is written after. */
    int (*commit)(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault);
    /* Without a commit that succeeded: nothing stays behind. */
    void (*destroy)(struct qcow2_sink *sink);
};

/* An implementation embeds this as its first member. */
struct qcow2_sink {
    const struct qcow2_sink_ops *ops;
    char *name; /* for sentences; owned, freed by qcow2_sink_destroy() */
};

enum qcow2_sink_flags {
    QCOW2_SINK_NO_SYNC = 1 << 0, /* fixtures: a crash of the machine may take the file */
};

/* Writes to PATH.partial (mode 0600, never through a link), which commit syncs and renames to PATH.
 * New; NULL on failure. */
struct qcow2_sink *qcow2_sink_file(const char *path, unsigned flags, struct qcow2_fault *retfault);
/* At most max_bytes, then QCOW2_NO_SPACE. New. */
struct qcow2_sink *qcow2_sink_memory(const char *name, uint64_t max_bytes);
/* The committed bytes of a memory sink: new, freed with free(). The sink is empty afterwards. */
unsigned char *qcow2_sink_memory_take(struct qcow2_sink *sink, size_t *ret_len);
void qcow2_sink_destroy(struct qcow2_sink *sink);
DEFINE_CLEANUP(struct qcow2_sink, qcow2_sink, qcow2_sink_destroy);

#endif
