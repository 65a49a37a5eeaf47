/* One to four images as a chain: every L2 table is walked and the layers are merged. The map leads
 * into the files, and reading in pieces gives what reading at once gives. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/qcow2_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Going along the disk by extent_at meets every byte once, holes included. */
static void walk_disk(struct qcow2_chain *chain)
{
    uint64_t size = qcow2_chain_size(chain), at = 0;
    size_t count, steps = 0;
    qcow2_chain_extents(chain, &count);
    while (at < size) {
        struct qcow2_extent e = qcow2_chain_extent_at(chain, at);
        fuzz_expect(e.start == at && e.len > 0 && e.len <= size - at, "an extent from here on", at,
                    e.len);
        fuzz_expect((e.kind == QCOW2_EXTENT_HOLE) == (e.layer == QCOW2_NO_LAYER),
                    "a hole is in no layer", e.kind, e.layer);
        at += e.len;
        steps++;
    }
    fuzz_expect(steps <= 2 * count + 1, "an extent is met once", steps, count);
}

/* Backwards in odd pieces: no piece depends on the one before. */
static void read_backwards(struct qcow2_chain *chain, const uint8_t *whole)
{
    enum { PIECE = 1713 };
    uint8_t piece[PIECE];
    for (uint64_t end = qcow2_chain_size(chain); end > 0;) {
        size_t len = end < PIECE ? (size_t)end : PIECE;
        struct qcow2_fault f = {0};
        int r = fuzz_answer(qcow2_chain_read(chain, end - len, piece, len, &f), &f);
        fuzz_expect(r == 0, "what was read once can be read again", end, len);
        fuzz_expect(memcmp(piece, whole + end - len, len) == 0, "pieces equal the whole", end, len);
        end -= len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    fuzz_input_parse(&input, data, size);
    AUTO(fuzz_chain) struct fuzz_chain c;
    fuzz_chain_open(&c, &input);
    if (!c.chain)
        return 0;
    fuzz_check_extents(c.chain);
    walk_disk(c.chain);
    AUTO(mem) void *whole = fuzz_read(c.chain);
    if (whole)
        read_backwards(c.chain, whole);
    return 0;
}
