/* An input of the qcow2 fuzz targets: one image, or a small container, so that a qcow2 file from
 * anywhere is an input as it stands:
 *
 *     "VL" flags count-1  { u32 length, u8 id, u8 parent, u8 type, u8 checks } * count  bytes...
 *
 * Lengths are big-endian and cut to what is there. Layers are base first. */
#ifndef VMCONFORM_FUZZ_QCOW2_INPUT_H
#define VMCONFORM_FUZZ_QCOW2_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUZZ_LAYERS_MAX 4u
#define FUZZ_HEAD_BYTES 4u
#define FUZZ_LAYER_HEAD_BYTES 8u

enum fuzz_flags {
    FUZZ_LAX_POLICY = 1 << 0, /* short tails, snapshots, the corrupt bit */
    FUZZ_LAX_CHAIN = 1 << 1,  /* backing names and version 2 anywhere */
    FUZZ_MUST_RECORD = 1 << 2,
    FUZZ_MUST_STAND_ALONE = 1 << 3,
};

struct fuzz_layer {
    const uint8_t *bytes;
    size_t len;
    uint8_t id, parent; /* what a backup declares: 0 nothing, otherwise a number for a name */
    uint8_t type;       /* of enum qcow2_declared_type, modulo */
    uint8_t checks;     /* bits 0-1: length none, right, wrong; bits 2-3: digest likewise */
};

struct fuzz_input {
    uint8_t flags;
    size_t count;
    struct fuzz_layer layers[FUZZ_LAYERS_MAX];
};

/* Layers point into the input. At least one layer. */
void fuzz_input_parse(struct fuzz_input *input, const uint8_t *data, size_t size);
/* Bytes of the container that holds `input`; out NULL: only the length. */
size_t fuzz_input_write(const struct fuzz_input *input, uint8_t *out);

#endif
