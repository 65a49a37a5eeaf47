#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/flatten_priv.h"

/* Zeros are looked for in blocks of this size: that of pages and of file systems. */
#define BLOCK 4096u

void flatten_window_init(struct flatten_window *w, const struct flatten *f)
{
    *w = (struct flatten_window){.chain = f->chain,
                                 .reader = qcow2_reader_create(f->chain),
                                 .buf = mem_alloc_pages(f->rules.window_bytes + MEM_PAGE)};
}

void flatten_window_finish(struct flatten_window *w)
{
    qcow2_reader_destroy(w->reader);
    free(w->extents);
    free(w->buf);
}

/* Where a byte of the piece is: as far into a page as on the disk, since copies between buffers
 * that lie alike in their pages take half the time of others. */
static unsigned char *place(const struct flatten_window *w, uint64_t offset)
{
    assert(offset >= w->piece.start && offset <= w->piece.start + w->piece.len);
    return w->buf + (offset - w->piece.start / MEM_PAGE * MEM_PAGE);
}

/* ---- reading ---- */

static bool is_zero_kind(const struct qcow2_extent *e)
{
    return e->kind == QCOW2_EXTENT_ZERO || e->kind == QCOW2_EXTENT_HOLE;
}

/* Long enough to be zeros in the target too: its bytes are never made. */
static bool is_left_out(const struct qcow2_extent *e, const struct flatten_rules *rules)
{
    return is_zero_kind(e) && !rules->write_zeros && e->len >= rules->known_min;
}

static void find_extents(struct flatten_window *w)
{
    uint64_t end = w->piece.start + w->piece.len;
    w->count = 0;
    for (uint64_t at = w->piece.start; at < end;) {
        struct qcow2_extent e = qcow2_reader_extent_at(w->reader, at);
        if (e.len > end - at)
            e.len = end - at;
        assert(e.start == at && e.len > 0); /* without a gap */
        w->extents = mem_grow(w->extents, &w->cap, w->count + 1, sizeof(*w->extents));
        w->extents[w->count++] = e;
        at += e.len;
    }
}

static int read_one(struct flatten_window *w, const struct qcow2_extent *e, struct qcow2_fault *f)
{
    unsigned char *to = place(w, e->start);
    if (is_zero_kind(e)) {
        memset(to, 0, e->len);
        return 0;
    }
    return qcow2_reader_read(w->reader, e->start, to, e->len, f);
}

/* A compressed cluster of which newer layers cover parts comes in several extents, with those of
 * other layers between them. All are read together, while the reader still has it unpacked, and
 * marked as data. */
static int read_cluster(struct flatten_window *w, size_t first, struct qcow2_fault *f)
{
    struct qcow2_extent e = w->extents[first];
    uint32_t bits = qcow2_image_info(qcow2_chain_layer(w->chain, e.layer))->cluster_bits;
    uint64_t end = ((e.start >> bits) + 1) << bits;
    for (size_t i = first; i < w->count && w->extents[i].start < end; i++) {
        struct qcow2_extent *x = &w->extents[i];
        if (x->kind != e.kind || x->layer != e.layer || x->host != e.host)
            continue;
        if (read_one(w, x, f) < 0)
            return -1;
        x->kind = QCOW2_EXTENT_DATA;
    }
    return 0;
}

int flatten_window_read(struct flatten_window *w, const struct flatten_rules *rules,
                        const struct flatten_piece *piece, struct qcow2_fault *retfault)
{
    w->piece = *piece;
    w->count = 0;
    if (piece->zero)
        return 0;
    assert(piece->len <= rules->window_bytes);
    find_extents(w);
    for (size_t i = 0; i < w->count; i++) {
        const struct qcow2_extent *e = &w->extents[i];
        if (e->kind != QCOW2_EXTENT_COMPRESSED && !is_left_out(e, rules) &&
            read_one(w, e, retfault) < 0)
            return -1;
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->extents[i].kind == QCOW2_EXTENT_COMPRESSED && read_cluster(w, i, retfault) < 0)
            return -1;
    return 0;
}

/* ---- writing ---- */

/* What is not written yet: data, and the zeros behind them. Either may be empty. */
struct pending {
    uint64_t data, zeros, end; /* [data, zeros) and [zeros, end) */
    bool left_out;             /* of the zeros, some are not in the buffer */
    uint64_t copied, zeroed;   /* written */
    uint64_t known;            /* of the data: zeros that no layer was asked for */
};

static int write_zeros(struct flatten *f, uint64_t start, uint64_t len, struct qcow2_fault *fault)
{
    if (f->rules.skip_zeros)
        return 0;
    if (f->rules.write_zeros)
        return qcow2_sink_zero_by_writing(f->sink, start, len, fault);
    return qcow2_sink_zero(f->sink, start, len, fault);
}

static int flush(const struct flatten_window *w, struct flatten *f, struct pending *p,
                 struct qcow2_fault *fault)
{
    assert(p->data <= p->zeros && p->zeros <= p->end);
    uint64_t data = p->zeros - p->data, zeros = p->end - p->zeros;
    const unsigned char *from = place(w, p->data);
    if (data > 0 && qcow2_sink_write(f->sink, p->data, from, data, fault) < 0)
        return -1;
    if (zeros > 0 && write_zeros(f, p->zeros, zeros, fault) < 0)
        return -1;
    p->copied += data;
    p->zeroed += zeros;
    p->data = p->zeros = p->end;
    p->left_out = false;
    return 0;
}

static bool stay_zeros(const struct pending *p, const struct flatten_rules *rules)
{
    return p->left_out || p->end - p->zeros >= rules->zeros_min;
}

/* Data behind zeros: few zeros become data, for more a new write begins. */
static int add_data(const struct flatten_window *w, struct flatten *f, struct pending *p,
                    uint64_t len, struct qcow2_fault *fault)
{
    if (stay_zeros(p, &f->rules) && flush(w, f, p, fault) < 0)
        return -1;
    p->end += len;
    p->zeros = p->end;
    return 0;
}

static bool is_zero(const unsigned char *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Up to the next multiple of BLOCK of the disk. */
static uint64_t block_len(uint64_t at, uint64_t end)
{
    uint64_t len = BLOCK - at % BLOCK;
    return len < end - at ? len : end - at;
}

static int add_bytes(const struct flatten_window *w, struct flatten *f, struct pending *p,
                     const struct qcow2_extent *e, struct qcow2_fault *fault)
{
    uint64_t end = e->start + e->len;
    if (f->rules.write_zeros) {
        p->known += is_zero_kind(e) ? e->len : 0;
        return add_data(w, f, p, e->len, fault);
    }
    for (uint64_t at = e->start, n; at < end; at += n) {
        n = block_len(at, end);
        if (is_zero(place(w, at), n))
            p->end += n;
        else if (add_data(w, f, p, n, fault) < 0)
            return -1;
    }
    return 0;
}

int flatten_window_write(const struct flatten_window *w, struct flatten *f,
                         struct qcow2_fault *retfault)
{
    struct pending p = {.data = w->piece.start, .zeros = w->piece.start, .end = w->piece.start};
    if (w->piece.zero)
        p.end += w->piece.len;
    for (size_t i = 0; i < w->count; i++) {
        if (is_left_out(&w->extents[i], &f->rules)) {
            p.end += w->extents[i].len;
            p.left_out = true;
        } else if (add_bytes(w, f, &p, &w->extents[i], retfault) < 0)
            return -1;
    }
    if (!w->piece.zero && !f->rules.skip_zeros && !stay_zeros(&p, &f->rules))
        p.zeros = p.end; /* few: they go with the data */
    if (flush(w, f, &p, retfault) < 0)
        return -1;
    assert(p.copied + p.zeroed == w->piece.len);
    assert(p.known <= p.copied);
    flatten_count(f, p.copied - p.known, p.zeroed + p.known);
    return 0;
}
