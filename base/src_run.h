/* Where a text stands in its file when it is not written there as it reads: in several lines, with
 * escapes. It is cut into runs, each of which is in one piece in both. */
#ifndef VMCONFORM_BASE_SRC_RUN_H
#define VMCONFORM_BASE_SRC_RUN_H

#include "base/err.h"

struct src_run {
    size_t offset; /* in the text; the first is 0 or before it, the others follow in order */
    struct src_pos pos;
};

/* The place of a byte of the text; count is at least 1. */
struct src_pos src_runs_pos(const struct src_run *runs, size_t count, size_t offset);
/* Those of the `len` bytes from `offset` on, counted from there: new array. */
struct src_run *src_runs_part(const struct src_run *runs, size_t count, size_t offset, size_t len,
                              size_t *ret_count);

#endif
