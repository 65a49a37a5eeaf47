#include <string.h>

#include "base/content.h"
#include "base/mem.h"
#include "qcow2/compare_priv.h"

/* Known bytes in the middle of unknown ones are read with them when they are fewer: two short reads
 * cost more than one. */
#define WORTH_SKIPPING 32768u

void comparer_init(struct comparer *c, const struct comparer *plan, struct qcow2_view *a,
                   struct qcow2_view *b)
{
    *c = *plan;
    c->a = a;
    c->b = b;
    c->buf_a = mem_alloc_pages(c->window);
    c->buf_b = mem_alloc_pages(c->window);
}

void comparer_finish(struct comparer *c)
{
    free(c->buf_a);
    free(c->buf_b);
}

/* ---- findings ---- */

static bool same_kind(const struct qcow2_difference *x, const struct qcow2_difference *y)
{
    return x->layer_a == y->layer_a && x->layer_b == y->layer_b && x->zero_a == y->zero_a &&
           x->zero_b == y->zero_b;
}

static void add_item(struct qcow2_comparison *out, const struct qcow2_difference *d, size_t max)
{
    if (out->count > 0) {
        struct qcow2_difference *last = &out->items[out->count - 1];
        if (last->start + last->len == d->start && same_kind(last, d)) {
            last->len += d->len;
            return;
        }
    }
    if (out->count >= max) {
        out->more = true;
        return;
    }
    out->items = mem_grow(out->items, &out->cap, out->count + 1, sizeof(*out->items));
    out->items[out->count++] = *d;
}

void compare_merge(struct qcow2_comparison *out, struct qcow2_comparison *stripe, size_t ranges_max)
{
    out->bytes_read += stripe->bytes_read;
    out->bytes_differing += stripe->bytes_differing;
    for (size_t i = 0; i < stripe->count; i++)
        add_item(out, &stripe->items[i], ranges_max);
    out->more |= stripe->more;
    stripe->bytes_read = stripe->bytes_differing = 0;
    stripe->count = 0;
    stripe->more = false;
}

/* ---- what is known without reading ---- */

enum relation {
    ALIKE,  /* zeros on both sides, or the same bytes of the same file */
    ZERO_A, /* only the other side has to be read */
    ZERO_B,
    UNKNOWN,
};

struct stretch {
    uint64_t len;
    enum relation relation;
};

/* A view reads as zeros behind its end. */
static struct qcow2_piece piece_at(const struct comparer *c, struct qcow2_view *view, uint64_t at)
{
    if (at >= view->size)
        return (struct qcow2_piece){.len = c->total - at, .zero = true, .layer = QCOW2_NO_LAYER};
    return view->ops->piece(view, at);
}

static bool same_place(const struct qcow2_piece *a, const struct qcow2_piece *b)
{
    return (a->device || a->inode) && a->device == b->device && a->inode == b->inode &&
           a->host == b->host;
}

static struct stretch stretch_at(const struct comparer *c, uint64_t at)
{
    struct qcow2_piece a = piece_at(c, c->a, at), b = piece_at(c, c->b, at);
    struct stretch s = {a.len < b.len ? a.len : b.len, UNKNOWN};
    if (a.zero)
        s.relation = b.zero ? ALIKE : ZERO_A;
    else if (b.zero)
        s.relation = ZERO_B;
    else if (same_place(&a, &b))
        s.relation = ALIKE;
    return s;
}

static uint64_t blocks_up(const struct comparer *c, uint64_t at)
{
    return (at + c->block - 1) / c->block * c->block;
}

/* From a block's start up to another's, or to end. At most a window when it has to be read. */
static struct stretch next_stretch(const struct comparer *c, uint64_t at, uint64_t end)
{
    struct stretch s = stretch_at(c, at);
    if (s.len >= end - at)
        s.len = end - at;
    else if (s.relation != UNKNOWN)
        s.len = s.len / c->block * c->block;
    if (s.relation == ALIKE && s.len > 0)
        return s;
    uint64_t stop = end - at < c->window ? end : at + c->window;
    uint64_t pos = at + s.len;
    if (s.relation == UNKNOWN || s.len == 0) {
        s.relation = UNKNOWN;
        while (pos < stop) {
            struct stretch more = stretch_at(c, pos);
            if (more.relation != UNKNOWN && more.len >= WORTH_SKIPPING)
                break;
            pos += more.len;
        }
        pos = blocks_up(c, pos > at ? pos : at + 1);
    }
    s.len = (pos < stop ? pos : stop) - at;
    return s;
}

/* ---- what has to be read ---- */

static void add_block(struct comparer *c, uint64_t start, uint64_t len,
                      struct qcow2_comparison *out)
{
    struct qcow2_piece a = piece_at(c, c->a, start), b = piece_at(c, c->b, start);
    struct qcow2_difference d = {start, len, a.layer, b.layer, a.zero, b.zero};
    out->bytes_differing += len;
    add_item(out, &d, c->ranges_max);
}

static int read_side(struct qcow2_view *view, uint64_t at, char *buf, size_t len,
                     struct qcow2_fault *f)
{
    size_t have = at >= view->size ? 0 : view->size - at < len ? (size_t)(view->size - at) : len;
    memset(buf + have, 0, len - have);
    return have > 0 ? view->ops->read(view, at, buf, have, f) : 0;
}

static int compare_bytes(struct comparer *c, uint64_t start, size_t len,
                         struct qcow2_comparison *out, struct qcow2_fault *f)
{
    if (read_side(c->a, start, c->buf_a, len, f) < 0 ||
        read_side(c->b, start, c->buf_b, len, f) < 0)
        return -1;
    if (memcmp(c->buf_a, c->buf_b, len) == 0)
        return 0;
    for (size_t at = 0; at < len; at += c->block) {
        size_t n = len - at < c->block ? len - at : c->block;
        if (memcmp(c->buf_a + at, c->buf_b + at, n) != 0)
            add_block(c, start + at, n, out);
    }
    return 0;
}

static int compare_zeros(struct comparer *c, struct qcow2_view *view, uint64_t start, size_t len,
                         struct qcow2_comparison *out, struct qcow2_fault *f)
{
    if (read_side(view, start, c->buf_a, len, f) < 0)
        return -1;
    if (content_is_zero(c->buf_a, len))
        return 0;
    for (size_t at = 0; at < len; at += c->block) {
        size_t n = len - at < c->block ? len - at : c->block;
        if (!content_is_zero(c->buf_a + at, n))
            add_block(c, start + at, n, out);
    }
    return 0;
}

static int compare_stretch(struct comparer *c, uint64_t at, const struct stretch *s,
                           struct qcow2_comparison *out, struct qcow2_fault *f)
{
    if (s->relation == ALIKE)
        return 0;
    out->bytes_read += s->len;
    if (s->relation == UNKNOWN)
        return compare_bytes(c, at, s->len, out, f);
    return compare_zeros(c, s->relation == ZERO_A ? c->b : c->a, at, s->len, out, f);
}

int compare_stripe(struct comparer *c, uint64_t stripe, struct qcow2_comparison *out,
                   struct qcow2_fault *retfault)
{
    uint64_t end = comparer_end(c, stripe);
    for (uint64_t at = stripe * c->stripe; at < end;) {
        struct stretch s = next_stretch(c, at, end);
        if (compare_stretch(c, at, &s, out, retfault) < 0)
            return -1;
        at += s.len;
    }
    return 0;
}
