#include "fuzz/qcow2_fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/image_priv.h"
#include "qcow2/map.h"

/* ---- limits ---- */

struct qcow2_policy fuzz_policy(unsigned flags)
{
    bool lax = flags & FUZZ_LAX_POLICY;
    return (struct qcow2_policy){
        .virtual_max = UINT64_C(1) << 40,
        .host_clusters_max = 1 << 20,
        .table_bytes_max = 32 << 20,
        .extents_max = 1 << 16,
        .accept_corrupt_bit = lax,
        .accept_snapshots = lax,
        .accept_short_tail = lax,
    };
}

struct qcow2_chain_options fuzz_chain_options(unsigned flags)
{
    bool lax = flags & FUZZ_LAX_CHAIN;
    struct qcow2_chain_options o = {
        .extents_max = 1 << 17, .accept_base_backing = lax, .accept_v2_increments = lax};
    if (flags & FUZZ_MUST_RECORD)
        o.increments = QCOW2_BACKING_RECORDED;
    else if (flags & FUZZ_MUST_STAND_ALONE)
        o.increments = QCOW2_BACKING_STANDALONE;
    return o;
}

/* ---- answers ---- */

/* The sentence of the last refusal: a finding is often about one. */
static char *last_refusal;

void fuzz_fail(const char *what, uint64_t a, uint64_t b)
{
    fprintf(stderr, "fuzz: %s: %" PRIu64 " (0x%" PRIx64 "), %" PRIu64 " (0x%" PRIx64 ")\n", what, a,
            a, b, b);
    if (last_refusal)
        fprintf(stderr, "fuzz: last refusal: %s\n", last_refusal);
    abort();
}

/* Its loop would be counted as coverage, at some cost. */
#ifdef __clang__
__attribute__((no_sanitize("coverage")))
#endif
bool fuzz_is_plain(const char *text)
{
    while (*text >= 0x20 && *text < 0x7f)
        text++;
    return *text == '\0';
}

int fuzz_answer(int r, struct qcow2_fault *f)
{
    fuzz_expect((r < 0) == (f->defect != QCOW2_OK), "a fault is there just when a call fails",
                (uint64_t)r, f->defect);
    if (r >= 0)
        return r;
    fuzz_expect(f->err.msg && f->err.msg[0], "a fault has a sentence", f->defect, 0);
    fuzz_expect(fuzz_is_plain(f->err.msg), f->err.msg, f->defect, 0);
    free(last_refusal);
    last_refusal = TAKE(f->err.msg);
    qcow2_fault_clear(f);
    return r;
}

struct qcow2_image *fuzz_open(const struct fuzz_layer *layer, unsigned flags,
                              enum qcow2_defect *ret_defect)
{
    struct qcow2_policy policy = fuzz_policy(flags);
    struct qcow2_fault f = {0};
    struct qcow2_image *image =
        qcow2_image_open(qcow2_io_memory(layer->bytes, layer->len, "layer"), &policy, &f);
    if (ret_defect)
        *ret_defect = f.defect;
    fuzz_answer(image ? 0 : -1, &f);
    return image;
}

/* ---- chains ---- */

void fuzz_chain_open(struct fuzz_chain *c, const struct fuzz_input *input)
{
    *c = (struct fuzz_chain){.count = 0};
    for (size_t i = 0; i < input->count; i++) {
        struct qcow2_image *image = fuzz_open(&input->layers[i], input->flags, &c->defect);
        if (!image)
            return;
        c->images[c->count++] = image;
    }
    struct qcow2_chain_options options = fuzz_chain_options(input->flags);
    struct qcow2_fault f = {0};
    c->chain = qcow2_chain_open(c->images, c->count, &options, &f);
    c->defect = f.defect;
    fuzz_answer(c->chain ? 0 : -1, &f);
}

void fuzz_chain_finish(struct fuzz_chain *c)
{
    qcow2_chain_destroy(c->chain);
    for (size_t i = 0; i < c->count; i++)
        qcow2_image_destroy(c->images[i]);
}

static void check_data(const struct qcow2_image *image, const struct qcow2_extent *e)
{
    uint64_t flen = image->io->size;
    fuzz_expect(e->host >= image_cluster_size(image), "data lies behind the header", e->host,
                e->start);
    fuzz_expect(e->host % 512 == 0, "data is aligned", e->host, e->start);
    /* Of a short last cluster an upper layer may leave only what is behind the end. */
    uint64_t begin = e->host & ~(image_cluster_size(image) - 1);
    fuzz_expect(begin < flen, "data begins inside the file", e->host, flen);
    if (!image->policy.accept_short_tail)
        fuzz_expect(e->host < flen && e->len <= flen - e->host, "data ends inside the file",
                    e->host + e->len, flen);
}

static void check_compressed(const struct qcow2_image *image, const struct qcow2_extent *e)
{
    uint64_t offset, len, cs = image_cluster_size(image), flen = image->io->size;
    qcow2_compressed_place(image, e->host, &offset, &len);
    fuzz_expect(offset >= cs, "compressed data lies behind the header", offset, e->start);
    fuzz_expect(offset < flen && len <= flen - offset, "compressed data lies inside the file",
                offset, len);
    fuzz_expect(len <= 2 * cs, "compressed data is at most two clusters", len, cs);
    fuzz_expect(e->start / cs == (e->start + e->len - 1) / cs, "a compressed extent is one cluster",
                e->start, e->len);
}

void fuzz_check_extents(struct qcow2_chain *chain)
{
    size_t count;
    const struct qcow2_extent *e = qcow2_chain_extents(chain, &count);
    uint64_t at = 0, size = qcow2_chain_size(chain);
    for (size_t i = 0; i < count; i++, e++) {
        fuzz_expect(e->start >= at, "extents are sorted and do not overlap", e->start, at);
        fuzz_expect(e->len > 0 && e->start < size && e->len <= size - e->start,
                    "extents lie on the disk", e->start, e->len);
        fuzz_expect(e->layer < qcow2_chain_layers(chain), "a layer is one of the chain's", e->layer,
                    qcow2_chain_layers(chain));
        const struct qcow2_image *image = qcow2_chain_layer(chain, e->layer);
        if (e->kind == QCOW2_EXTENT_DATA)
            check_data(image, e);
        else if (e->kind == QCOW2_EXTENT_COMPRESSED)
            check_compressed(image, e);
        else
            fuzz_expect(e->kind == QCOW2_EXTENT_ZERO, "no holes in the list", e->kind, e->start);
        at = e->start + e->len;
    }
}

/* ---- bytes ---- */

static void read_beginnings(struct qcow2_chain *chain)
{
    enum { PIECE = 4096, PIECES = 64 };
    static uint8_t buf[PIECE];
    size_t count;
    const struct qcow2_extent *e = qcow2_chain_extents(chain, &count);
    for (size_t i = 0; i < count && i < PIECES; i++) {
        struct qcow2_fault f = {0};
        fuzz_answer(
            qcow2_chain_read(chain, e[i].start, buf, e[i].len < PIECE ? e[i].len : PIECE, &f), &f);
    }
    struct qcow2_fault f = {0};
    fuzz_answer(qcow2_chain_read(chain, qcow2_chain_size(chain) - 512, buf, 512, &f), &f);
}

uint8_t *fuzz_read(struct qcow2_chain *chain)
{
    uint64_t size = qcow2_chain_size(chain);
    if (size > FUZZ_READ_MAX) {
        read_beginnings(chain);
        return NULL;
    }
    AUTO(mem) void *bytes = mem_alloc(size);
    struct qcow2_fault f = {0};
    if (fuzz_answer(qcow2_chain_read(chain, 0, bytes, size, &f), &f) < 0)
        return NULL;
    return TAKE(bytes);
}
