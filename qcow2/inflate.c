/* Compressed clusters: raw deflate or zstd frames, exactly one cluster each. */
#include <assert.h>
#include <inttypes.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "qcow2/image_priv.h"
#include "qcow2/map.h"

/* qemu's window, for writing and for reading: what it cannot read we must not call readable. */
#define DEFLATE_WINDOW_BITS (-12)
/* A frame header must not be able to ask for more memory than a cluster deserves. */
#define ZSTD_WINDOW_LOG_MAX 21

void qcow2_compressed_place(const struct qcow2_image *image, uint64_t descriptor,
                            uint64_t *ret_offset, uint64_t *ret_len)
{
    unsigned x = 62 - (image->info.cluster_bits - 8);
    uint64_t offset = descriptor & ((UINT64_C(1) << x) - 1);
    uint64_t sectors = (descriptor & ~QCOW2_COMPRESSED & ~QCOW2_COPIED) >> x;
    uint64_t len = (sectors + 1) * 512 - offset % 512;
    /* The last descriptor of a file may end up to 511 bytes behind it. */
    if (offset < image->io->size && len > image->io->size - offset)
        len = image->io->size - offset;
    *ret_offset = offset;
    *ret_len = len;
}

/* Contexts are dear compared with a small cluster, so they are kept. */
struct qcow2_inflater {
    z_stream deflate;
    bool deflate_live;
    ZSTD_DCtx *zstd;
    unsigned char *in;
    size_t in_cap;
};

struct qcow2_inflater *qcow2_inflater_create(void)
{
    return mem_zalloc(sizeof(struct qcow2_inflater));
}

void qcow2_inflater_destroy(struct qcow2_inflater *inflater)
{
    if (!inflater)
        return;
    if (inflater->deflate_live)
        inflateEnd(&inflater->deflate);
    ZSTD_freeDCtx(inflater->zstd);
    free(inflater->in);
    free(inflater);
}

static bool inflate_deflate(struct qcow2_inflater *x, size_t in_len, void *out, size_t out_len)
{
    z_stream *z = &x->deflate;
    if (x->deflate_live)
        inflateReset(z);
    else if (inflateInit2(z, DEFLATE_WINDOW_BITS) != Z_OK)
        return false;
    x->deflate_live = true;
    z->next_in = x->in;
    z->avail_in = (uInt)in_len;
    z->next_out = out;
    z->avail_out = (uInt)out_len;
    int r = inflate(z, Z_FINISH);
    /* Whole sectors are read, so bytes may follow the stream; a full cluster is what counts. */
    return (r == Z_STREAM_END || r == Z_BUF_ERROR) && z->avail_out == 0;
}

static bool inflate_zstd(struct qcow2_inflater *x, size_t in_len, void *out, size_t out_len)
{
    if (!x->zstd)
        x->zstd = ZSTD_createDCtx();
    assert(x->zstd);
    ZSTD_inBuffer input = {x->in, in_len, 0};
    ZSTD_outBuffer output = {out, out_len, 0};
    ZSTD_DCtx_reset(x->zstd, ZSTD_reset_session_only);
    size_t r = ZSTD_DCtx_setParameter(x->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    while (!ZSTD_isError(r) && output.pos < output.size) {
        size_t in_before = input.pos, out_before = output.pos;
        r = ZSTD_decompressStream(x->zstd, &output, &input);
        if (input.pos == in_before && output.pos == out_before)
            break; /* the input ends in the middle of a frame */
    }
    return r == 0 && output.pos == output.size; /* 0: the last frame is complete */
}

int qcow2_inflater_read(struct qcow2_inflater *inflater, struct qcow2_image *image,
                        uint64_t descriptor, void *out, struct qcow2_fault *retfault)
{
    uint64_t offset, len;
    qcow2_compressed_place(image, descriptor, &offset, &len);
    if (inflater->in_cap < len) {
        inflater->in = mem_realloc(inflater->in, len);
        inflater->in_cap = len;
    }
    if (qcow2_io_read(image->io, offset, inflater->in, len, retfault) < 0)
        return -1;
    size_t cs = image_cluster_size(image);
    bool zstd = image->info.compression_type == 1;
    bool ok = zstd ? inflate_zstd(inflater, len, out, cs) : inflate_deflate(inflater, len, out, cs);
    if (ok)
        return 0;
    return qcow2_fault_set(retfault, QCOW2_COMP, image->io->name, offset,
                           "compressed data (%s, %" PRIu64
                           " bytes) does not give one whole cluster",
                           zstd ? "zstd" : "deflate", len);
}

int qcow2_compressed_read(struct qcow2_image *image, uint64_t descriptor, void *out,
                          struct qcow2_fault *retfault)
{
    AUTO(qcow2_inflater) struct qcow2_inflater *inflater = qcow2_inflater_create();
    return qcow2_inflater_read(inflater, image, descriptor, out, retfault);
}
