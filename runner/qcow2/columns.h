/* A chain made small enough to be drawn: the disk cut into columns of equal width, the layers into
 * rows; what a column holds is decided by the bytes in it. Memory and time do not depend on the
 * size of the disk beyond the extents that are there. */
#ifndef VMCONFORM_RUNNER_QCOW2_COLUMNS_H
#define VMCONFORM_RUNNER_QCOW2_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qcow2/chain.h"

#define COLUMNS_KINDS 3u /* data, zero, compressed: enum qcow2_extent_kind without the hole */
#define COLUMNS_NOTHING UINT8_MAX
#define COLUMNS_NO_ROW SIZE_MAX

/* What a layer, or several neighbours when there are too many, holds. */
struct columns_row {
    uint32_t first, count;         /* layers */
    uint64_t held[COLUMNS_KINDS];  /* bytes of the disk, by kind */
    uint64_t shown[COLUMNS_KINDS]; /* of these, what the disk reads: no newer layer hides it */
    uint64_t file_bytes;
    uint8_t *kind; /* of each column: that of most of its bytes; COLUMNS_NOTHING */
    bool *visible; /* at least half of what stands there is shown */
};

struct columns {
    uint64_t size; /* of the disk */
    size_t count;  /* columns */
    struct columns_row *rows;
    size_t row_count;
    size_t *top;       /* of each column: the row that gives most of its bytes; COLUMNS_NO_ROW */
    uint8_t *top_kind; /* and of which kind most of those are */
};

/* `count` columns, at most rows_max rows. Reads the tables of each layer once more. */
int columns_read(struct columns *ret, const struct qcow2_chain *chain, size_t count,
                 size_t rows_max, struct qcow2_fault *retfault);
/* Where a column begins (index up to count: the end). */
uint64_t columns_start(const struct columns *c, size_t column);
void columns_finish(struct columns *c);
static inline void cleanup_columns(struct columns *c)
{
    columns_finish(c);
}

#endif
