/* Compressed clusters: the input is what stands behind the tables of a sound image, and a few bits
 * that choose the image and the descriptors that lead there. A cluster that can be read equals what
 * zlib or zstd give when they are asked in one call; a second descriptor with the same bits gives
 * the same bytes.
 *
 *     byte 0: bits 0-1 cluster bits (9, 10, 12, 16), bit 2 zstd, bit 3 version 2, bit 4 short tail
 *     bytes 1-2: where in the payload the descriptor begins; byte 3: its sectors
 *     the rest: the payload */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "fuzz/qcow2_fuzz.h"
#include "qcow2/format.h"

#define HEAD 4u
#define PAYLOAD_MAX (128u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Header, L1, refcount table, L2, payload: one cluster each, then the payload. */
enum { AT_L1 = 1, AT_RT, AT_L2, AT_PAYLOAD };

struct frame {
    unsigned bits;
    bool zstd, v2;
    uint64_t cs, offset, sectors;
    uint8_t *bytes;
    size_t len;
};

static void make_header(const struct frame *fr)
{
    uint8_t *h = fr->bytes;
    be32_put(h, HDR_MAGIC, QCOW2_MAGIC_NUMBER);
    be32_put(h, HDR_VERSION, fr->v2 ? 2 : 3);
    be32_put(h, HDR_CLUSTER_BITS, fr->bits);
    be64_put(h, HDR_SIZE, 4 * fr->cs);
    be32_put(h, HDR_L1_SIZE, 1);
    be64_put(h, HDR_L1_OFFSET, AT_L1 * fr->cs);
    be64_put(h, HDR_RT_OFFSET, AT_RT * fr->cs);
    be32_put(h, HDR_RT_CLUSTERS, 1);
    if (fr->v2)
        return;
    be32_put(h, HDR_REFCOUNT_ORDER, 4);
    be32_put(h, HDR_LENGTH, QCOW2_V3_HEADER);
    be64_put(h, HDR_INCOMPATIBLE, fr->zstd ? QCOW2_INCOMPAT_COMPRESSION : 0);
    h[HDR_COMPRESSION] = fr->zstd;
}

static uint64_t descriptor(const struct frame *fr, uint64_t sectors)
{
    unsigned x = 62 - (fr->bits - 8);
    sectors &= (UINT64_C(1) << (fr->bits - 8)) - 1;
    return QCOW2_COMPRESSED | sectors << x | (AT_PAYLOAD * fr->cs + fr->offset);
}

static void make_frame(struct frame *fr, const uint8_t *data, size_t size)
{
    static const unsigned bits[] = {9, 10, 12, 16};
    fr->bits = bits[data[0] & 3];
    fr->zstd = data[0] >> 2 & 1;
    fr->v2 = (data[0] >> 3 & 1) && !fr->zstd;
    fr->cs = UINT64_C(1) << fr->bits;
    fr->offset = (uint64_t)data[1] << 8 | data[2];
    fr->sectors = data[3];
    fr->len = AT_PAYLOAD * fr->cs + (size - HEAD);
    fr->bytes = mem_zalloc(fr->len);
    make_header(fr);
    be64_put(fr->bytes, AT_L1 * fr->cs, QCOW2_COPIED | AT_L2 * fr->cs);
    uint8_t *l2 = fr->bytes + AT_L2 * fr->cs;
    be64_put(l2, 0, descriptor(fr, fr->sectors));
    be64_put(l2, 8, descriptor(fr, fr->sectors + 1));
    be64_put(l2, 24, descriptor(fr, fr->sectors));
    memcpy(fr->bytes + AT_PAYLOAD * fr->cs, data + HEAD, size - HEAD);
}

/* The same bytes by another way; false: they do not make a cluster. */
static bool decode(const struct frame *fr, const uint8_t *in, size_t in_len, uint8_t *out)
{
    if (fr->zstd) {
        size_t n = ZSTD_findFrameCompressedSize(in, in_len);
        return !ZSTD_isError(n) && ZSTD_decompress(out, fr->cs, in, n) == fr->cs;
    }
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in, .avail_in = (uInt)in_len};
    z.next_out = out;
    z.avail_out = (uInt)fr->cs;
    if (inflateInit2(&z, -12) != Z_OK)
        abort();
    /* In two calls, so that a window that moves is met too. */
    z.avail_in = (uInt)(in_len / 2);
    int r = inflate(&z, Z_SYNC_FLUSH);
    z.avail_in += (uInt)(in_len - in_len / 2);
    if (r == Z_OK || r == Z_BUF_ERROR)
        inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    return z.avail_out == 0;
}

static void check_cluster(const struct frame *fr, const uint8_t *got)
{
    uint64_t at = AT_PAYLOAD * fr->cs + fr->offset;
    uint64_t len = ((fr->sectors & ((UINT64_C(1) << (fr->bits - 8)) - 1)) + 1) * 512 - at % 512;
    if (len > fr->len - at)
        len = fr->len - at;
    AUTO(mem) void *want = mem_alloc(fr->cs);
    /* Several frames in a row are legal for zstd; the other way knows one. */
    if (decode(fr, fr->bytes + at, len, want))
        fuzz_expect(memcmp(want, got, fr->cs) == 0, "both ways give the same bytes", at, len);
    else
        fuzz_expect(fr->zstd, "deflate that was read can be read", at, len);
}

static int read_cluster(struct qcow2_chain *chain, uint64_t at, uint8_t *buf, size_t len)
{
    struct qcow2_fault f = {0};
    return fuzz_answer(qcow2_chain_read(chain, at, buf, len, &f), &f);
}

static void check_reads(const struct frame *fr, struct qcow2_chain *chain)
{
    AUTO(mem) void *first = mem_alloc(fr->cs);
    AUTO(mem) void *again = mem_alloc(fr->cs);
    int r = read_cluster(chain, 0, first, fr->cs);
    read_cluster(chain, fr->cs, again, fr->cs); /* another cluster in between */
    int r2 = read_cluster(chain, 3 * fr->cs, again, fr->cs);
    fuzz_expect(r == r2, "the same descriptor is read or not", (uint64_t)r, (uint64_t)r2);
    if (r < 0)
        return;
    fuzz_expect(memcmp(first, again, fr->cs) == 0, "the same descriptor gives the same", 0, 0);
    check_cluster(fr, first);
    fuzz_expect(read_cluster(chain, 100, again, 300) == 0, "a part can be read", 0, 0);
    fuzz_expect(memcmp(first + 100, again, 300) == 0, "a part equals the whole", 0, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= HEAD || size > PAYLOAD_MAX)
        return 0;
    struct frame fr;
    make_frame(&fr, data, size);
    struct fuzz_input input = {.flags = data[0] >> 4 & 1 ? FUZZ_LAX_POLICY : 0, .count = 1};
    input.layers[0] = (struct fuzz_layer){.bytes = fr.bytes, .len = fr.len};
    struct fuzz_chain c;
    fuzz_chain_open(&c, &input);
    if (c.chain) {
        fuzz_check_extents(c.chain);
        check_reads(&fr, c.chain);
    }
    fuzz_chain_finish(&c);
    free(fr.bytes);
    return 0;
}
