#include "qcow2/compare.h"

#include <string.h>

#include "base/mem.h"

#define WINDOW_BYTES (1u << 20)
#define BLOCK_DEFAULT 4096u
#define RANGES_DEFAULT 1000u

struct compare {
    struct qcow2_view *a, *b;
    uint32_t block;
    size_t ranges_max;
    char *buf_a, *buf_b;
    struct qcow2_comparison *out;
};

static bool same_kind(const struct qcow2_difference *x, const struct qcow2_difference *y)
{
    return x->layer_a == y->layer_a && x->layer_b == y->layer_b && x->zero_a == y->zero_a &&
           x->zero_b == y->zero_b;
}

static void add_difference(struct compare *c, uint64_t start, uint64_t len)
{
    struct qcow2_piece a = c->a->ops->piece(c->a, start), b = c->b->ops->piece(c->b, start);
    struct qcow2_difference d = {start, len, a.layer, b.layer, a.zero, b.zero};
    struct qcow2_comparison *out = c->out;
    out->bytes_differing += len;
    if (out->count > 0) {
        struct qcow2_difference *last = &out->items[out->count - 1];
        if (last->start + last->len == start && same_kind(last, &d)) {
            last->len += len;
            return;
        }
    }
    if (out->count == c->ranges_max) {
        out->more = true;
        return;
    }
    out->items = mem_grow(out->items, &out->cap, out->count + 1, sizeof(*out->items));
    out->items[out->count++] = d;
}

static int compare_window(struct compare *c, uint64_t start, size_t len,
                          struct qcow2_fault *retfault)
{
    if (c->a->ops->read(c->a, start, c->buf_a, len, retfault) < 0 ||
        c->b->ops->read(c->b, start, c->buf_b, len, retfault) < 0)
        return -1;
    c->out->bytes_read += len;
    if (memcmp(c->buf_a, c->buf_b, len) == 0)
        return 0;
    for (size_t at = 0; at < len; at += c->block) {
        size_t n = len - at < c->block ? len - at : c->block;
        if (memcmp(c->buf_a + at, c->buf_b + at, n) != 0)
            add_difference(c, start + at, n);
    }
    return 0;
}

/* Whole blocks from offset on that both sides know to be zeros. */
static uint64_t known_zeros(struct compare *c, uint64_t offset)
{
    struct qcow2_piece a = c->a->ops->piece(c->a, offset);
    if (!a.zero)
        return 0;
    struct qcow2_piece b = c->b->ops->piece(c->b, offset);
    if (!b.zero)
        return 0;
    uint64_t len = a.len < b.len ? a.len : b.len;
    return len / c->block * c->block;
}

static int compare_all(struct compare *c, uint64_t size, struct qcow2_fault *retfault)
{
    for (uint64_t at = 0; at < size;) {
        uint64_t skip = known_zeros(c, at);
        if (skip) {
            at += skip;
            continue;
        }
        uint64_t window = WINDOW_BYTES / c->block * c->block;
        uint64_t len = size - at < window ? size - at : window;
        if (compare_window(c, at, len, retfault) < 0)
            return -1;
        at += len;
    }
    return 0;
}

int qcow2_compare(struct qcow2_view *a, struct qcow2_view *b,
                  const struct qcow2_compare_options *options, struct qcow2_comparison *ret,
                  struct qcow2_fault *retfault)
{
    struct qcow2_comparison out = {.size_a = a->size, .size_b = b->size};
    struct compare c = {.a = a, .b = b, .out = &out};
    c.block = options && options->block_bytes ? options->block_bytes : BLOCK_DEFAULT;
    c.ranges_max = options && options->ranges_max ? options->ranges_max : RANGES_DEFAULT;
    size_t room = c.block > WINDOW_BYTES ? c.block : WINDOW_BYTES;
    c.buf_a = mem_alloc(room);
    c.buf_b = mem_alloc(room);
    int r = compare_all(&c, a->size < b->size ? a->size : b->size, retfault);
    free(c.buf_a);
    free(c.buf_b);
    if (r < 0)
        qcow2_comparison_finish(&out);
    else
        *ret = out;
    return r;
}

bool qcow2_comparison_same(const struct qcow2_comparison *c)
{
    return c->size_a == c->size_b && c->bytes_differing == 0;
}

void qcow2_comparison_finish(struct qcow2_comparison *c)
{
    free(c->items);
    *c = (struct qcow2_comparison){0};
}
