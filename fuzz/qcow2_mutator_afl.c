/* AFL++'s side of the mutator: a library for AFL_CUSTOM_MUTATOR_LIBRARY. */
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/prng.h"
#include "fuzz/qcow2_mutate.h"

void *afl_custom_init(void *afl, unsigned int seed);
size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf,
                       uint8_t *add_buf, size_t add_buf_size, size_t max_size);
void afl_custom_deinit(void *data);

struct state {
    struct prng prng;
    uint8_t *buf;
    size_t cap;
};

void *afl_custom_init(void *afl, unsigned int seed)
{
    (void)afl;
    struct state *s = mem_zalloc(sizeof *s);
    prng_init(&s->prng, seed, "afl");
    return s;
}

size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf,
                       uint8_t *add_buf, size_t add_buf_size, size_t max_size)
{
    struct state *s = data;
    s->buf = mem_grow(s->buf, &s->cap, max_size > buf_size ? max_size : buf_size, 1);
    memcpy(s->buf, buf, buf_size);
    uint64_t seed = prng_next(&s->prng);
    *out_buf = s->buf;
    return qcow2_mutate(s->buf, buf_size, max_size, add_buf, add_buf_size, seed);
}

void afl_custom_deinit(void *data)
{
    struct state *s = data;
    free(s->buf);
    free(s);
}
