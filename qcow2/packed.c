#include "qcow2/packed_priv.h"

#include "base/mem.h"
#include "qcow2/map.h"

#define SECTOR 512u
#define DIGIT_BITS 11u
#define DIGITS (1u << DIGIT_BITS)

/* The offset alone: the descriptor's other bits begin within the last digit of a large one. */
struct digit {
    uint64_t mask;
    unsigned shift;
};

static size_t digit_of(uint64_t descriptor, struct digit d)
{
    return (descriptor & d.mask) >> d.shift & (DIGITS - 1);
}

/* False: all have the same digit, nothing was moved. */
static bool sort_by_digit(const uint64_t *from, uint64_t *to, size_t count, struct digit digit)
{
    size_t starts[DIGITS] = {0}, sum = 0;
    for (size_t i = 0; i < count; i++)
        starts[digit_of(from[i], digit)]++;
    if (count == 0 || starts[digit_of(from[0], digit)] == count)
        return false;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t here = starts[d];
        starts[d] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[digit_of(from[i], digit)]++] = from[i];
    return true;
}

/* Offsets are below the file's length: as many rounds as that has digits. Millions of descriptors
 * in any order are a hostile file's only way to be slow here, and each round is linear. */
static void sort(struct packed *p, const struct qcow2_image *image)
{
    struct digit digit = {.mask = (UINT64_C(1) << (62 - (image->info.cluster_bits - 8))) - 1};
    uint64_t *spare = mem_alloc(p->count * sizeof(*spare));
    p->items = mem_realloc(p->items, p->count * sizeof(*p->items));
    for (; digit.shift < 64 && image->io->size >> digit.shift; digit.shift += DIGIT_BITS) {
        if (!sort_by_digit(p->items, spare, p->count, digit))
            continue;
        uint64_t *swapped = p->items;
        p->items = spare;
        spare = swapped;
    }
    free(spare);
    p->cap = p->count;
    p->unsorted = false;
}

bool packed_overlap(struct packed *p, const struct qcow2_image *image, uint64_t *ret_offset,
                    uint64_t *ret_len)
{
    if (p->unsorted)
        sort(p, image);
    uint64_t offset, len, last = UINT64_MAX, end = 0;
    for (size_t i = 0; i < p->count; i++) {
        qcow2_compressed_place(image, p->items[i], &offset, &len);
        if (offset == last || offset + SECTOR <= end) {
            *ret_offset = offset;
            *ret_len = len;
            return true;
        }
        last = offset;
        end = offset + len > end ? offset + len : end;
    }
    return false;
}

void packed_finish(struct packed *p)
{
    free(p->items);
    *p = (struct packed){0};
}
