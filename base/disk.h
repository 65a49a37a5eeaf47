/* A guest's disk as a rule: which content each block has, now and at every moment that was
 * remembered.
 *
 * Every write takes the next version of the disk, so one write of a million blocks is one entry.
 * The map from blocks to versions is a persistent tree: remembering a moment keeps its root
 * (constant cost), and a later write copies only the path that it changes. Versions never go back,
 * not even after disk_revert(), so a block found in a wrong place tells which write it comes from.
 * Bytes are made by base/content.h; nothing here holds any.
 *
 * Moments are immutable and outlive their disk. One thread at a time uses a disk and its moments.
 */
#ifndef VMCONFORM_BASE_DISK_H
#define VMCONFORM_BASE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/content.h"

#define DISK_BLOCK CONTENT_BLOCK

struct disk_model;
struct disk_moment;

/* What a block holds: content_fill(seed, block, version). Version 0 reads as zeros; then `stamp`
 * tells a block that was zeroed on purpose (the version which that operation took) from one never
 * written (0). */
struct disk_content {
    uint64_t seed;
    uint32_t version;
    uint32_t stamp;
};

/* `count` blocks from `block` on, all with the same content rule. */
struct disk_run {
    uint64_t block, count;
    struct disk_content content;
};

/* A disk of zeros. `seed` tells it from every other disk. */
struct disk_model *disk_create(uint64_t seed, uint64_t blocks);
/* A new disk that begins with the content of a moment (borrowed): a restored or cloned volume. Its
 * own writes use the new seed, so they can be told from those of the original. */
struct disk_model *disk_create_from(const struct disk_moment *moment, uint64_t seed);
void disk_destroy(struct disk_model *d);
DEFINE_CLEANUP(struct disk_model, disk, disk_destroy);

uint64_t disk_seed(const struct disk_model *d);
uint64_t disk_blocks(const struct disk_model *d);

/* New bytes in `count` blocks; returns their version. The range lies on the disk; count 0 changes
 * nothing. */
uint32_t disk_write(struct disk_model *d, uint64_t block, uint64_t count);
/* Discard or write of zeros: the blocks read as zeros from now on. */
uint32_t disk_zero(struct disk_model *d, uint64_t block, uint64_t count);
/* Records bytes that came from elsewhere (a restored file): the blocks hold content_fill(seed, .,
 * version). */
uint32_t disk_adopt(struct disk_model *d, uint64_t block, uint64_t count, uint64_t seed,
                    uint32_t version);
/* Grows with zeros, or cuts off. */
void disk_resize(struct disk_model *d, uint64_t blocks);
/* The content and size of a moment again (borrowed); versions go on counting. */
void disk_revert(struct disk_model *d, const struct disk_moment *moment);

/* Remembers this moment under a name; a moment of that name is forgotten first. Borrowed from the
 * disk until it is forgotten; disk_moment_ref() keeps it. */
struct disk_moment *disk_checkpoint(struct disk_model *d, const char *name);
/* NULL when there is none of that name. Borrowed. */
struct disk_moment *disk_find(const struct disk_model *d, const char *name);
/* False when there was none. */
bool disk_forget(struct disk_model *d, const char *name);
size_t disk_checkpoint_count(const struct disk_model *d);
/* In the order in which they were remembered. Borrowed. */
struct disk_moment *disk_checkpoint_at(const struct disk_model *d, size_t index);
/* This moment without a name. New reference. */
struct disk_moment *disk_now(const struct disk_model *d);

struct disk_moment *disk_moment_ref(struct disk_moment *m);
void disk_moment_unref(struct disk_moment *m);
DEFINE_CLEANUP(struct disk_moment, disk_moment, disk_moment_unref);

/* "" for disk_now(). Borrowed. */
const char *disk_moment_name(const struct disk_moment *m);
uint64_t disk_moment_blocks(const struct disk_moment *m);
/* The version that the last change before this moment took. */
uint32_t disk_moment_version(const struct disk_moment *m);

/* The longest run known to begin exactly at `block`, which lies on the disk. */
struct disk_run disk_run_at(const struct disk_moment *m, uint64_t block);
/* 0: reads as zeros. */
uint32_t disk_version_at(const struct disk_moment *m, uint64_t block);
/* The DISK_BLOCK bytes of a block. */
void disk_fill(const struct disk_moment *m, uint64_t block, void *out);
/* Any bytes; what lies past the end of the disk reads as zeros. */
void disk_read(const struct disk_moment *m, uint64_t offset, void *buf, size_t len);
/* How many bytes from offset on are known to read as zeros (true) or begin with a block that has
 * content (false). */
uint64_t disk_byte_run(const struct disk_moment *m, uint64_t offset, bool *ret_zero);

/* Walks the blocks that an operation touched between two moments of one disk, in order:
 *     uint64_t at = 0; struct disk_run run; while (disk_next_change(from, to, &at, &run)) ...
 * run.content is that of `to`. Blocks past the end of `from` count as never written there; those
 * past the end of `to` are not visited. from NULL: everything that is not "never written". */
bool disk_next_change(const struct disk_moment *from, const struct disk_moment *to, uint64_t *at,
                      struct disk_run *ret);
/* True when every block of both reads the same (a zeroed block equals one never written). */
bool disk_moment_same(const struct disk_moment *a, const struct disk_moment *b);

#endif
