/* libFuzzer's side of the mutator: mostly fields, now and then its own bytes. */
#include "fuzz/qcow2_mutate.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_out, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#include <string.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    if (size == 0 || seed % 8 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    return qcow2_mutate(data, size, max_size, NULL, 0, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_out, unsigned int seed)
{
    if (a_size == 0 || a_size > max_out)
        return 0;
    memcpy(out, a, a_size);
    return qcow2_mutate(out, a_size, max_out, b, b_size, seed);
}
