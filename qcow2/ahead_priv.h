/* Inside qcow2/ only: reading pieces of a file that often lie one behind the other. */
#ifndef VMCONFORM_QCOW2_AHEAD_PRIV_H
#define VMCONFORM_QCOW2_AHEAD_PRIV_H

#include <stdint.h>

#include "qcow2/io.h"

/* Reads ahead as long as it is asked for one piece behind the other. */
struct qcow2_ahead {
    struct qcow2_io *io;
    unsigned char *buf;
    uint64_t start, len; /* of what is in buf */
    uint64_t ahead, cap;
};

/* No piece is longer than piece_max. */
void qcow2_ahead_init(struct qcow2_ahead *a, struct qcow2_io *io, uint64_t piece_max);
/* len bytes at offset, zeros behind the end of the file. *ret: borrowed until the next call. */
int qcow2_ahead_read(struct qcow2_ahead *a, uint64_t offset, uint64_t len,
                     const unsigned char **ret, struct qcow2_fault *retfault);
void qcow2_ahead_finish(struct qcow2_ahead *a);

#endif
