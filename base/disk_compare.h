/* Two moments of disks compared by identity, and the difference told in words: which blocks, which
 * write they hold, which moment that write was last seen at. No byte is made for it, so a terabyte
 * costs what its writes cost. */
#ifndef VMCONFORM_BASE_DISK_COMPARE_H
#define VMCONFORM_BASE_DISK_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/disk.h"

/* `count` blocks from `block` on that read differently; past the end of a disk there are zeros. */
struct disk_difference {
    uint64_t block, count;
    struct disk_content want, got;
};

/* Walks the differences in order:
 *     uint64_t at = 0; struct disk_difference d; while (disk_next_difference(want, got, &at, &d))
 * ... Neighbours with other contents are differences of their own. */
bool disk_next_difference(const struct disk_moment *want, const struct disk_moment *got,
                          uint64_t *at, struct disk_difference *ret);

/* NULL when both read the same and are of one size; else a new text about the first differences,
 * one line, e.g. "blocks 16 to 31 hold write 3, last seen at 'b1', instead of write 7" `known` are
 * the disks (borrowed) whose checkpoints may be named: usually the one that `want` is a moment of.
 */
char *disk_explain(const struct disk_moment *want, const struct disk_moment *got,
                   const struct disk_model *const *known, size_t known_count);

#endif
