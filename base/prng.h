/* The only source of randomness: xoshiro256** seeded from (seed, label).
 *
 * Each consumer has a stream of its own, named by a label, so that a new consumer does not shift the others.
 * Draw one value per statement: C leaves the order of arguments open, and compilers differ. */
#ifndef VMCONFORM_BASE_PRNG_H
#define VMCONFORM_BASE_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct prng {
    uint64_t s[4];
};

void prng_init(struct prng *p, uint64_t seed, const char *label);
uint64_t prng_next(struct prng *p);
/* Uniform in [0, bound); bound > 0. */
uint64_t prng_below(struct prng *p, uint64_t bound);
void prng_fill(struct prng *p, void *bytes, size_t len);
/* Kubernetes' alphabet for generated names: bcdfghjklmnpqrstvwxz2456789 (no vowels, no look-alikes). out gets len+1 bytes. */
void prng_name(struct prng *p, char *out, size_t len);
/* A version-4 UUID in lower case: 37 bytes with the NUL. */
void prng_uuid(struct prng *p, char out[37]);
/* A well-mixed 64-bit hash of a label and a seed (FNV-1a, then splitmix finish). */
uint64_t prng_hash(uint64_t seed, const char *label);

#endif
