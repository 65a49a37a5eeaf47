/* What is wrong with an image: a code for callers and tests, the place in the file, a sentence for
 * people. */
#ifndef VMCONFORM_QCOW2_FAULT_H
#define VMCONFORM_QCOW2_FAULT_H

#include <stdarg.h>
#include <stdint.h>

#include "base/err.h"

enum qcow2_defect {
    QCOW2_OK,
    /* The file as a whole. */
    QCOW2_IO,           /* the system refused; the sentence says what */
    QCOW2_NO_SPACE,     /* ENOSPC while writing */
    QCOW2_NOT_REGULAR,  /* a symbolic link, FIFO, socket, device or folder in place of a file */
    QCOW2_MAGIC,        /* not qcow2 */
    QCOW2_VERSION,      /* neither 2 nor 3 */
    QCOW2_HDR_SHORT,    /* the file ends inside the header */
    QCOW2_HDR_LEN,      /* header_length or its padding */
    QCOW2_HDR_FIELD,    /* another header field is out of its range */
    QCOW2_SIZE,         /* virtual size: zero, not whole sectors, or too big */
    QCOW2_FEATURE,      /* an unknown incompatible feature */
    QCOW2_COMPRESSION,  /* compression type unknown, or at odds with its feature bit */
    QCOW2_EXT,          /* header extensions */
    QCOW2_BACKING_NAME, /* backing file name outside its place, or with bytes no path should have */
    QCOW2_L1_EOF,       /* L1 table outside the file */
    QCOW2_RT,           /* refcount table or block */
    QCOW2_SNAP,         /* snapshot table */
    QCOW2_BITMAP,       /* bitmap directory */
    /* Refused as a backup layer, though the format allows it. */
    QCOW2_POLICY_CORRUPT,   /* the corrupt bit is set */
    QCOW2_POLICY_DATA_FILE, /* data lives in another file */
    QCOW2_POLICY_ENCRYPTED, /* AES or LUKS */
    QCOW2_POLICY_SNAPSHOTS, /* internal snapshots */
    QCOW2_POLICY_V2,        /* a version 2 increment: it cannot say "zero" */
    QCOW2_POLICY_BACKING,   /* the base names a backing file */
    /* Mapping tables. */
    QCOW2_L1_ENTRY,
    QCOW2_L2_ENTRY,
    QCOW2_ZERO_V2, /* zero flag where the format has none */
    QCOW2_COMP,    /* a compressed cluster */
    QCOW2_SUBCL,   /* subcluster bitmap */
    QCOW2_TAIL,    /* an entry past the end of the disk */
    QCOW2_OVERLAP, /* two structures share a cluster */
    /* Found by qcow2/check.h alone: a reader does not need refcounts. */
    QCOW2_REFCOUNT,    /* fewer references counted than there are */
    QCOW2_LEAK,        /* more references counted than there are: space is lost, no data */
    QCOW2_COPIED_FLAG, /* a COPIED flag at odds with the refcount */
    /* Chains: the files. */
    QCOW2_CHAIN_EMPTY,
    QCOW2_CHAIN_DEPTH,
    QCOW2_CHAIN_LOOP,    /* the same file twice */
    QCOW2_CHAIN_SHRUNK,  /* a layer is smaller than its parent */
    QCOW2_CHAIN_MISSING, /* the file of a layer is not there */
    QCOW2_CHAIN_BACKING, /* an increment has a recorded backing name, or none, against the rule */
    /* Chains: what is declared about them (qcow2/resolve.h). */
    QCOW2_CHAIN_HEAD,      /* the first layer is declared an increment, or has a parent */
    QCOW2_CHAIN_TYPE,      /* a later layer is declared full, or has no parent */
    QCOW2_CHAIN_DUPLICATE, /* an id appears twice */
    QCOW2_CHAIN_CYCLE,     /* the declared parents lead in a circle */
    QCOW2_CHAIN_ORDER,     /* a parent comes after its child */
    QCOW2_CHAIN_GAP,       /* a parent is not among the layers: the chain has a hole */
    QCOW2_CHAIN_PARENT,    /* a parent is among the layers, but is not the one before */
    QCOW2_LENGTH,          /* the file has another length than was declared */
    QCOW2_DIGEST,          /* the file has another digest than was declared */
    /* Targets. */
    QCOW2_TARGET_SMALL, /* the target cannot hold the disk */
    QCOW2_TARGET_TAIL,  /* the target is longer than the disk, and the caller forbids that */
    /* Callers. */
    QCOW2_LIMIT, /* more tables, extents or memory than the caller allows */
    QCOW2_USAGE, /* a call that the writer refuses: range, order, twice the same cluster */
    QCOW2_DEFECT_COUNT
};

#define QCOW2_NO_OFFSET UINT64_MAX

/* A zeroed fault is "no fault". */
struct qcow2_fault {
    enum qcow2_defect defect;
    uint64_t offset; /* in the file; QCOW2_NO_OFFSET when no byte is to blame */
    struct err err;  /* "NAME: at byte OFFSET: sentence" */
};

/* Sets *f (NULL: nobody listens) and returns -1. Asserts that none is pending. */
int qcow2_fault_set(struct qcow2_fault *f, enum qcow2_defect defect, const char *name,
                    uint64_t offset, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same for a failed system call. */
int qcow2_fault_errno(struct qcow2_fault *f, int errnum, const char *name, const char *doing);
/* Takes over the error of a call below (an I/O table's), code and all; *e is left empty. */
int qcow2_fault_take(struct qcow2_fault *f, struct err *e);
/* Hands the sentence over to *reterr (may be NULL) and leaves *f empty. Returns -1. */
int qcow2_fault_move(struct err *reterr, struct qcow2_fault *f);
/* Moves *from to *to (NULL: nobody listens); *from is left empty. */
void qcow2_fault_hand_over(struct qcow2_fault *to, struct qcow2_fault *from);
void qcow2_fault_clear(struct qcow2_fault *f);
static inline void cleanup_qcow2_fault(struct qcow2_fault *f)
{
    qcow2_fault_clear(f);
}

/* "Q_HDR_SHORT": stable, for reports and tests. */
const char *qcow2_defect_code(enum qcow2_defect defect);

/* Writes at most cap-1 bytes and a NUL: text from an image with every byte that is not plain ASCII
 * as \xNN, shortened with "..." when it is long. Returns out. */
char *qcow2_quote(char *out, size_t cap, const void *text, size_t len);

#endif
