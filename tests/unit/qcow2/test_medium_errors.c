/* The system refuses one piece of an image: whatever is being done fails with Q_IO, and nobody
 * calls it corruption. And offsets beyond what memory holds. */
#include <string.h>

#include "base/mem.h"
#include "qcow2/ahead_priv.h"
#include "qcow2/check.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/parts.h"
#include "tests/unit/suite.h"

/* Bytes of memory, zeros behind them up to any size, and a place that cannot be read. */
struct torn_io {
    struct qcow2_io io;
    const struct bytes *bytes;
    uint64_t bad, good_reads; /* the byte that fails; QCOW2_NO_OFFSET: all but so many reads */
    uint64_t reads;
};

static int torn_read(struct qcow2_io *io, uint64_t offset, void *buf, size_t len,
                     struct qcow2_fault *retfault)
{
    struct torn_io *t = (struct torn_io *)io;
    bool torn = t->bad == QCOW2_NO_OFFSET ? t->reads >= t->good_reads
                                          : t->bad >= offset && t->bad - offset < len;
    t->reads++;
    if (torn) {
        /* As a table of a caller's own tells it: without the name. */
        struct err e = {0};
        err_set(&e, ERR_IO, NO_POS, "EIO");
        return qcow2_fault_take(retfault, &e);
    }
    size_t have = offset < t->bytes->len ? t->bytes->len - offset : 0;
    have = have < len ? have : len;
    memcpy(buf, t->bytes->data + (have ? offset : 0), have);
    memset((char *)buf + have, 0, len - have);
    return 0;
}

static void torn_destroy(struct qcow2_io *io)
{
    free(io);
}

static const struct qcow2_io_ops torn_ops = {torn_read, qcow2_io_run_unknown, torn_destroy};

static struct torn_io *torn(const struct bytes *b, uint64_t size)
{
    struct torn_io *t = mem_zalloc(sizeof *t);
    t->io.ops = &torn_ops;
    t->io.name = mem_zalloc(4001);
    memset(t->io.name, 'n', 4000);
    t->io.size = size;
    t->bytes = b;
    t->bad = QCOW2_NO_OFFSET;
    t->good_reads = UINT64_MAX;
    return t;
}

static const unsigned char some[] = {0xff, 0x01};

static struct bytes image_with_everything(void)
{
    const struct parts_bitmap one = {"a", 9, 0, some, sizeof some};
    struct bytes b = make_image(12, "AB.0", NULL);
    parts_snapshots(&b, 2);
    parts_bitmaps(&b, &one, 1);
    return b;
}

/* However many reads go well: the check fails with Q_IO, or did not need the next one. */
START_TEST(check_tells_io)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = image_with_everything();
    struct qcow2_check_options deep = {.decompress = true};
    uint64_t needed = 0;
    for (uint64_t good = 0; good < 1000; good++) {
        struct torn_io *t = torn(&b, b.len);
        t->good_reads = good;
        AUTO(qcow2_io) struct qcow2_io *io = &t->io;
        struct qcow2_fault f = {0};
        struct qcow2_check_report r = {0};
        int result = qcow2_check(io, &deep, &r, &f);
        if (t->reads <= good) {
            ck_assert_int_eq(result, 0);
            ck_assert(qcow2_check_sound(&r));
            qcow2_check_finish(&r);
            break;
        }
        needed = good + 1;
        ck_assert_msg(result == -1, "read %llu of the check", (unsigned long long)good);
        ck_assert_int_eq(f.defect, QCOW2_IO);
        qcow2_fault_clear(&f);
    }
    ck_assert_uint_gt(needed, 5);
    ck_assert_uint_lt(needed, 999);
}
END_TEST

START_TEST(check_tells_io_of_compressed_data)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "AB", NULL);
    be64_put(b.data, 4 * 4096, QCOW2_COMPRESSED | 5 * 4096);
    struct torn_io *t = torn(&b, b.len);
    t->bad = 5 * 4096;
    AUTO(qcow2_io) struct qcow2_io *io = &t->io;
    struct qcow2_check_options deep = {.decompress = true};
    struct qcow2_check_report r = {0};
    struct qcow2_fault f = {0};
    ck_assert_int_eq(qcow2_check(io, &deep, &r, &f), -1);
    ck_assert_int_eq(f.defect, QCOW2_IO);
    qcow2_fault_clear(&f);
}
END_TEST

/* Clusters of 2 MiB in a file of 32 TiB: the sector count of a descriptor begins within the last
 * digit that its offset is sorted by. */
START_TEST(packed_far_away)
{
    enum { CS = 2 << 20, PLACE_BITS = 49 };
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(21, "AB", NULL);
    uint64_t first = 5 * CS, more = 8001;
    uint64_t second = first + more * 512 + 100; /* in the last sector of the first */
    be64_put(b.data, 4 * CS, QCOW2_COMPRESSED | second);
    be64_put(b.data, 4 * CS + 8, QCOW2_COMPRESSED | more << PLACE_BITS | first);
    struct qcow2_fault f = {0};
    AUTO(qcow2_image)
    struct qcow2_image *image = qcow2_image_open(&torn(&b, UINT64_C(1) << 45)->io, NULL, &f);
    ck_assert_ptr_nonnull(image);
    struct qcow2_image *layers[] = {image};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(layers, 1, NULL, &f);
    ck_assert_msg(chain != NULL, "%s", f.err.msg);
}
END_TEST

/* Pieces one behind the other, up to one that cannot be read: it fails alone, when it is asked for,
 * and those before and behind it do not. */
START_TEST(ahead_needs_no_more_than_asked)
{
    enum { PIECE = 512, PIECES = 40, BAD = 9 };
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "AB", NULL);
    struct torn_io *t = torn(&b, PIECES * PIECE);
    t->bad = BAD * PIECE + 7;
    AUTO(qcow2_io) struct qcow2_io *io = &t->io;
    struct qcow2_ahead ahead;
    qcow2_ahead_init(&ahead, io, PIECE);
    for (uint64_t i = 0; i < PIECES; i++) {
        const unsigned char *piece;
        struct qcow2_fault f = {0};
        int r = qcow2_ahead_read(&ahead, i * PIECE, PIECE, &piece, &f);
        ck_assert_int_eq(r, i == BAD ? -1 : 0);
        ck_assert_int_eq(f.defect, i == BAD ? QCOW2_IO : QCOW2_OK);
        ck_assert(r < 0 || memcmp(piece, b.data + i * PIECE, PIECE) == 0);
        qcow2_fault_clear(&f);
    }
    ck_assert_uint_lt(t->reads, 20); /* one for each piece would be 40 */
    qcow2_ahead_finish(&ahead);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("qcow2.medium_errors",
                      SUITE_CASE("medium errors", TEST(check_tells_io),
                                 TEST(check_tells_io_of_compressed_data), TEST(packed_far_away),
                                 TEST(ahead_needs_no_more_than_asked)));
}
