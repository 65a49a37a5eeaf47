#include "fuzz/qcow2_mutate.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/prng.h"
#include "fuzz/qcow2_input.h"

/* One of the other input's layers. */
static struct fuzz_layer other_layer(const uint8_t *other, size_t other_size, struct prng *p)
{
    struct fuzz_input input;
    fuzz_input_parse(&input, other, other ? other_size : 0);
    return input.layers[prng_below(p, input.count)];
}

static void swap_layers(struct fuzz_input *input, struct prng *p)
{
    size_t a = prng_below(p, input->count);
    size_t b = prng_below(p, input->count);
    struct fuzz_layer kept = input->layers[a];
    input->layers[a] = input->layers[b];
    input->layers[b] = kept;
}

static void insert_layer(struct fuzz_input *input, struct fuzz_layer layer, struct prng *p)
{
    if (input->count == FUZZ_LAYERS_MAX)
        return;
    size_t at = prng_below(p, input->count + 1);
    memmove(&input->layers[at + 1], &input->layers[at],
            (input->count - at) * sizeof(struct fuzz_layer));
    input->layers[at] = layer;
    input->count++;
}

static void remove_layer(struct fuzz_input *input, struct prng *p)
{
    if (input->count == 1)
        return;
    size_t at = prng_below(p, input->count--);
    memmove(&input->layers[at], &input->layers[at + 1],
            (input->count - at) * sizeof(struct fuzz_layer));
}

/* Which layers there are, and what is declared about them. */
static void change_list(struct fuzz_input *input, const uint8_t *other, size_t other_size,
                        struct prng *p)
{
    struct fuzz_layer *l = &input->layers[prng_below(p, input->count)];
    switch (prng_below(p, 8)) {
    case 0:
        swap_layers(input, p);
        return;
    case 1:
        insert_layer(input, input->layers[prng_below(p, input->count)], p);
        return;
    case 2:
        insert_layer(input, other_layer(other, other_size, p), p);
        return;
    case 3:
        remove_layer(input, p);
        return;
    case 4:
        l->id = (uint8_t)prng_below(p, 6);
        return;
    case 5:
        l->parent = (uint8_t)prng_below(p, 6);
        return;
    case 6:
        l->type = (uint8_t)prng_below(p, 3);
        return;
    default:
        l->checks = (uint8_t)prng_below(p, 16);
    }
}

static size_t store(const struct fuzz_input *input, uint8_t *data, size_t max, size_t unchanged)
{
    /* Layers may point into data. */
    size_t len = fuzz_input_write(input, NULL);
    if (len > max)
        return unchanged;
    AUTO(mem) void *whole = mem_alloc(len);
    fuzz_input_write(input, whole);
    memcpy(data, whole, len);
    return len;
}

size_t qcow2_mutate(uint8_t *data, size_t size, size_t max, const uint8_t *other, size_t other_size,
                    uint64_t seed)
{
    struct prng p;
    struct fuzz_input input;
    prng_init(&p, seed, "qcow2-mutate-list");
    fuzz_input_parse(&input, data, size);
    bool bare = input.layers[0].bytes == data; /* one image without a container */
    uint64_t dice = prng_below(&p, 8);
    if (dice == 0 && !bare)
        input.flags = (uint8_t)prng_below(&p, 16);
    if (dice <= 1 && (!bare || prng_below(&p, 8) == 0))
        change_list(&input, other, other_size, &p);
    struct fuzz_layer *l = &input.layers[prng_below(&p, input.count)];
    struct fuzz_layer from = other_layer(other, other_size, &p);
    uint64_t image_seed = prng_next(&p);
    if (bare && input.count == 1)
        return qcow2_mutate_image(data, size, max, from.bytes, from.len, image_seed);
    size_t room = max < size ? 0 : max - size;
    room = room < 4096 ? room : 4096;
    AUTO(mem) void *image = mem_alloc(l->len + room + 1);
    if (l->len) /* an empty one may have no bytes at all */
        memcpy(image, l->bytes, l->len);
    l->len = qcow2_mutate_image(image, l->len, l->len + room, from.bytes, from.len, image_seed);
    l->bytes = image;
    return store(&input, data, max, size);
}
