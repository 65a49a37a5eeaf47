/* Compressed clusters, byte for byte as `qemu-img convert -c` writes them. */
#include <inttypes.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "qcow2/writer_priv.h"

/* qemu's parameters. */
#define DEFLATE_WINDOW_BITS (-12)
#define DEFLATE_MEMORY 9

struct writer_compressor {
    bool zstd;
    z_stream deflate;
    ZSTD_CCtx *context;
    size_t cap;
    unsigned char out[];
};

void writer_compressor_destroy(struct writer_compressor *c)
{
    if (!c)
        return;
    if (c->zstd)
        ZSTD_freeCCtx(c->context);
    else
        deflateEnd(&c->deflate);
    free(c);
}

static struct writer_compressor *compressor_create(const struct qcow2_writer *w)
{
    struct writer_compressor *c = mem_zalloc(sizeof *c + w->cs);
    c->cap = w->cs - 1; /* what does not get shorter is stored as it is */
    c->zstd = w->options.compression == QCOW2_COMPRESSION_ZSTD;
    bool ready =
        c->zstd ? (c->context = ZSTD_createCCtx()) != NULL
                : deflateInit2(&c->deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED, DEFLATE_WINDOW_BITS,
                               DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
    if (ready)
        return c;
    free(c);
    return NULL;
}

/* 0: does not get shorter. */
static size_t squeeze(struct writer_compressor *c, const void *data, size_t len)
{
    if (c->zstd) {
        size_t n = ZSTD_compress2(c->context, c->out, c->cap, data, len);
        return ZSTD_isError(n) ? 0 : n;
    }
    z_stream *z = &c->deflate;
    deflateReset(z);
    z->next_in = (Bytef *)(uintptr_t)data;
    z->avail_in = (uInt)len;
    z->next_out = c->out;
    z->avail_out = (uInt)c->cap;
    return deflate(z, Z_FINISH) == Z_STREAM_END ? c->cap - z->avail_out : 0;
}

int writer_compress(struct qcow2_writer *w, const void *data, const void **ret_bytes,
                    size_t *ret_len, struct qcow2_fault *f)
{
    if (!w->compressor)
        w->compressor = compressor_create(w);
    if (!w->compressor)
        return qcow2_fault_set(f, QCOW2_LIMIT, w->sink->name, QCOW2_NO_OFFSET,
                               "the compression library has no memory");
    *ret_len = squeeze(w->compressor, data, w->cs);
    *ret_bytes = *ret_len ? w->compressor->out : NULL;
    return 0;
}

/* Takes the host clusters for `len` bytes and counts the references to them. */
static uint64_t place(struct qcow2_writer *w, size_t len)
{
    struct writer_pack *p = &w->pack;
    uint64_t max = w->refcount_order == 6 ? UINT64_MAX
                                          : (UINT64_C(1) << (UINT64_C(1) << w->refcount_order)) - 1;
    uint64_t room = p->end - p->at;
    bool next_to_it = p->end == w->end * w->cs;
    if (room == 0 || p->count == max || (len > room && !next_to_it)) {
        p->at = writer_take(w, 1);
        p->end = p->at + w->cs;
        p->count = 1;
    } else {
        p->count++;
        writer_refer_again(w, p->at / w->cs);
    }
    uint64_t at = p->at;
    p->at += len;
    if (p->at > p->end) {
        p->end = writer_take(w, 1) + w->cs;
        p->count = 1;
    }
    return at;
}

int writer_pack(struct qcow2_writer *w, const void *bytes, size_t len, uint64_t *ret_word,
                struct qcow2_fault *f)
{
    unsigned offset_bits = 62 - (w->options.cluster_bits - 8);
    uint64_t at = place(w, len);
    uint64_t further = (at + len - 1) / 512 - at / 512;
    if (at >> (offset_bits < 56 ? offset_bits : 56))
        return qcow2_fault_set(f, QCOW2_LIMIT, w->sink->name, at,
                               "compressed data cannot lie so far back in a file");
    *ret_word = htobe64(QCOW2_COMPRESSED | at | further << offset_bits);
    return writer_write(w, at, bytes, len, f);
}
