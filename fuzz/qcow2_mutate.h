/* Changes inputs of the qcow2 targets where it hurts: in fields, entries and tables, not in bytes
 * that nobody looks at. What would stop a shallow reader is mostly mended afterwards, so that
 * mutants get deep. */
#ifndef VMCONFORM_FUZZ_QCOW2_MUTATE_H
#define VMCONFORM_FUZZ_QCOW2_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* Changes the input in place and returns its new length, at most `max`; same arguments, same
 * result. `other` (may be NULL) is a second input to take parts from. */
size_t qcow2_mutate(uint8_t *data, size_t size, size_t max, const uint8_t *other, size_t other_size,
                    uint64_t seed);
/* The same for one image without a container around it. */
size_t qcow2_mutate_image(uint8_t *data, size_t size, size_t max, const uint8_t *other,
                          size_t other_size, uint64_t seed);

#endif
