/* Disk content by rule: (seed, block, version) gives the bytes, so that terabytes cost kilobytes and every past moment
 * of a disk can be made again.
 *
 * A block has CONTENT_BLOCK bytes. Version 0 is a block never written: all zeros. Any other version fills the block
 * with a header that says what it is (magic, seed, block, version, check) followed by bytes from a counter-based
 * generator, so that a reader of a wrong restore can tell which moment a stray block comes from. */
#ifndef VMCONFORM_BASE_CONTENT_H
#define VMCONFORM_BASE_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENT_BLOCK 4096u

/* Reserved version: the guest discarded or zeroed the block on purpose; it reads as zeros like version 0. */
#define CONTENT_VERSION_NEVER 0u

void content_fill(uint64_t seed, uint64_t block, uint32_t version, void *out /* CONTENT_BLOCK bytes */);
/* True when buf is exactly what the rule gives. */
bool content_is(uint64_t seed, uint64_t block, uint32_t version, const void *buf);
/* Reads the header of a block: true and the three values when it carries one that checks; false otherwise (zeros, damage). */
bool content_identify(const void *buf, uint64_t *ret_seed, uint64_t *ret_block, uint32_t *ret_version);
bool content_is_zero(const void *buf, size_t len);

#endif
