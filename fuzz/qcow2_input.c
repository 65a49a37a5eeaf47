#include "fuzz/qcow2_input.h"

#include <string.h>

#include "qcow2/format.h"

static void parse_container(struct fuzz_input *input, const uint8_t *data, size_t size)
{
    size_t count = data[3] % FUZZ_LAYERS_MAX + 1;
    size_t heads = FUZZ_HEAD_BYTES + count * FUZZ_LAYER_HEAD_BYTES;
    input->flags = data[2];
    if (size < heads)
        return;
    size_t at = heads;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *head = data + FUZZ_HEAD_BYTES + i * FUZZ_LAYER_HEAD_BYTES;
        size_t len = be32_at(head, 0);
        len = len < size - at ? len : size - at;
        input->layers[i] = (struct fuzz_layer){data + at, len, head[4], head[5], head[6], head[7]};
        at += len;
    }
    input->count = count;
}

void fuzz_input_parse(struct fuzz_input *input, const uint8_t *data, size_t size)
{
    *input = (struct fuzz_input){.count = 0};
    if (size >= FUZZ_HEAD_BYTES && data[0] == 'V' && data[1] == 'L')
        parse_container(input, data, size);
    if (input->count == 0) {
        input->count = 1;
        input->layers[0] = (struct fuzz_layer){.bytes = data, .len = size};
    }
}

size_t fuzz_input_write(const struct fuzz_input *input, uint8_t *out)
{
    size_t at = FUZZ_HEAD_BYTES + input->count * FUZZ_LAYER_HEAD_BYTES;
    if (out)
        memcpy(out, (const uint8_t[]){'V', 'L', input->flags, (uint8_t)(input->count - 1)}, 4);
    for (size_t i = 0; i < input->count; i++) {
        const struct fuzz_layer *l = &input->layers[i];
        if (out) {
            uint8_t *head = out + FUZZ_HEAD_BYTES + i * FUZZ_LAYER_HEAD_BYTES;
            be32_put(head, 0, (uint32_t)l->len);
            memcpy(head + 4, (const uint8_t[]){l->id, l->parent, l->type, l->checks}, 4);
            if (l->len)
                memcpy(out + at, l->bytes, l->len);
        }
        at += l->len;
    }
    return at;
}
