/* Inside qcow2/check*.c only.
 *
 * Order of work: header; snapshot table (where L1 tables are); all L1 tables, which tells how often
 * each L2 table is referenced; each L2 table once, its references multiplied; the other structures;
 * the refcounts. So nothing is walked twice, however often it is referenced. */
#ifndef VMCONFORM_QCOW2_CHECK_PRIV_H
#define VMCONFORM_QCOW2_CHECK_PRIV_H

#include "qcow2/ahead_priv.h"
#include "qcow2/check.h"
#include "qcow2/image_priv.h"
#include "qcow2/packed_priv.h"

/* What uses a host cluster. */
enum check_kind {
    CHECK_META, /* everything that nobody may share: header, L1, refcounts, snapshots, bitmaps */
    CHECK_L2,
    CHECK_DATA,
    CHECK_COMPRESSED,
};

enum check_flag {
    CHECK_IS_META = 1 << 0,
    CHECK_IS_L2 = 1 << 1,
    CHECK_IS_DATA = 1 << 2,
    CHECK_IS_COMPRESSED = 1 << 3,
    CHECK_IS_ACTIVE_L2 = 1 << 4, /* reached through the active L1 */
    CHECK_IS_ACTIVE_DATA = 1 << 5,
    CHECK_SHARED_TABLE = 1 << 6, /* metadata and something else */
    CHECK_SHARED_DATA = 1 << 7,  /* twice in the same disk */
    CHECK_WALKED = 1 << 8,
    CHECK_SATURATED = 1 << 9, /* more references than a refcount can say */
    /* Active entries lead here with the COPIED flag, without it; whether the refcount is 1; whether
     * the two are at odds; whether this L2 table was told of. */
    CHECK_COPIED = 1 << 10,
    CHECK_UNCOPIED = 1 << 11,
    CHECK_ONE = 1 << 12,
    CHECK_COPIED_WRONG = 1 << 13,
    CHECK_TOLD = 1 << 14,
    CHECK_LEADS = 1 << 15, /* an L2 table with entries that lead to host clusters */
};

struct check {
    struct qcow2_io *io;
    struct qcow2_image image; /* io is borrowed; texts are owned */
    struct qcow2_check_options options;
    struct qcow2_check_report report;
    uint64_t cs, flen;
    unsigned cluster_bits; /* cs is 1 << cluster_bits */
    uint64_t clusters; /* of the file; one more when something is referenced just behind its end */
    uint64_t used;     /* clusters up to the last that is referenced */
    uint64_t ref_max;  /* the highest refcount of the width, at most UINT32_MAX */
    uint32_t *refs;
    uint16_t *flags;
    struct qcow2_ahead tables, blocks;
    uint64_t data_from, data_until; /* no hole of the file between */
    uint64_t copied_wrong;          /* clusters that COPIED flags are wrong about */
    uint64_t decompressed;          /* bytes so far */
    void *decompress_buf;
    struct qcow2_fault unread; /* compressed data that the system refused */
    uint64_t packed_max;       /* a reader takes no more */
    struct packed packed;      /* compressed data of the active disk */
};

/* ---- check.c: findings ---- */

static inline uint64_t *check_counter(struct check *c, enum qcow2_severity severity)
{
    switch (severity) {
    case QCOW2_SEVERITY_CORRUPTION:
        return &c->report.corruptions;
    case QCOW2_SEVERITY_LEAK:
        return &c->report.leaks;
    case QCOW2_SEVERITY_WARNING:
        return &c->report.warnings;
    }
    return NULL;
}

/* Whether a finding would be kept. One that would not is counted, and that is all there is to do:
 * a file may hold millions of defects. */
static inline bool check_keeps(struct check *c, enum qcow2_severity severity)
{
    if (c->report.count < c->options.findings_max)
        return true;
    ++*check_counter(c, severity);
    return false;
}

void check_found(struct check *c, enum qcow2_severity severity, enum qcow2_defect defect,
                 uint64_t offset, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* `times` of the same, told once. */
void check_found_many(struct check *c, enum qcow2_severity severity, enum qcow2_defect defect,
                      uint64_t offset, uint64_t times, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* What qemu gives up at: a corruption, and the check is incomplete. Empties *f. */
void check_found_fault(struct check *c, struct qcow2_fault *f);
#define check_tell(c, severity, ...)                                                               \
    do {                                                                                           \
        if (check_keeps(c, severity))                                                              \
            check_found(c, severity, __VA_ARGS__);                                                 \
    } while (0)
#define check_corrupt(c, ...) check_tell(c, QCOW2_SEVERITY_CORRUPTION, __VA_ARGS__)
#define check_warn(c, ...) check_tell(c, QCOW2_SEVERITY_WARNING, __VA_ARGS__)

/* ---- check_refs.c: reading, counting ---- */

/* Calls fn for each word that is not zero of the table of big-endian words; what lies behind the
 * end of the file is zero. */
typedef int (*check_word_fn)(struct check *c, void *arg, uint64_t index, uint64_t at, uint64_t word,
                             struct qcow2_fault *f);
int check_words(struct check *c, uint64_t offset, uint64_t count, check_word_fn fn, void *arg,
                struct qcow2_fault *f);

/* How something is referenced. */
struct check_use {
    enum check_kind kind;
    bool active;     /* through the active L1 table */
    uint64_t weight; /* so many times */
    uint64_t at;     /* the place of the reference, for the finding */
    enum qcow2_defect defect;
    const char *what;
};

/* Counts one cluster below c->clusters, or the one behind. */
void check_count(struct check *c, uint64_t cluster, const struct check_use *use);
/* Counts [offset, offset + bytes). Like qemu: what ends a cluster or more behind the end of the
 * file is one corruption and not counted; false then. */
bool check_count_range(struct check *c, uint64_t offset, uint64_t bytes,
                       const struct check_use *use);

/* Ranges that may overlap, as pieces that do not. */
struct check_range {
    uint64_t start, end;
};
typedef int (*check_sweep_fn)(struct check *c, void *arg, struct check_range piece, uint64_t weight,
                              struct qcow2_fault *f);
int check_sweep(struct check *c, const struct check_range *ranges, size_t count, check_sweep_fn fn,
                void *arg, struct qcow2_fault *f);

/* ---- check_tables.c: L1 and L2 ---- */

int check_active_l1(struct check *c, struct qcow2_fault *f);
/* A piece of inactive L1 tables that `weight` snapshots use. */
int check_inactive_l1(struct check *c, void *arg, struct check_range piece, uint64_t weight,
                      struct qcow2_fault *f);
int check_l2_tables(struct check *c, struct qcow2_fault *f);
/* After the refcounts are known: tells of every wrong COPIED flag. */
int check_copied_flags(struct check *c, struct qcow2_fault *f);

/* ---- check_extras.c ---- */

/* The snapshots' L1 tables, and the snapshot table itself. */
int check_snapshots(struct check *c, struct qcow2_fault *f);
int check_bitmaps(struct check *c, struct qcow2_fault *f);

/* ---- check_refcounts.c ---- */

/* Refcount table and blocks as structures of the file. */
int check_refcount_tables(struct check *c, struct qcow2_fault *f);
/* Counted references against the refcounts. */
int check_compare(struct check *c, struct qcow2_fault *f);

#endif
