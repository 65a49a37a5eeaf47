/* The check: one mutation of a sound image per row, at all widths and sizes, with snapshots and
 * bitmaps; files made to take for ever; and, where qemu-img is there, its verdict beside ours. */
#include "qcow2/check.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/parts.h"
#include "tests/unit/suite.h"

/* As `qemu-img check` exits. */
enum verdict { SOUND = 0, INCOMPLETE = 1, CORRUPT = 2, LEAKS = 3, NO_IMAGE = 4 };

static enum verdict verdict_of(const struct qcow2_check_report *r)
{
    if (!r->complete)
        return INCOMPLETE;
    return r->corruptions ? CORRUPT : r->leaks ? LEAKS : SOUND;
}

static enum verdict check_bytes(const struct bytes *b, const struct qcow2_check_options *options,
                                struct qcow2_check_report *r)
{
    __attribute__((cleanup(cleanup_qcow2_fault))) struct qcow2_fault f = {0};
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(b->data, b->len, "image");
    *r = (struct qcow2_check_report){0};
    return qcow2_check(io, options, r, &f) < 0 ? NO_IMAGE : verdict_of(r);
}

static const struct qcow2_finding *find(const struct qcow2_check_report *r,
                                        enum qcow2_severity severity, enum qcow2_defect defect)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].severity == severity && r->items[i].defect == defect)
            return &r->items[i];
    return NULL;
}

static const char *first_text(const struct qcow2_check_report *r)
{
    return r->count ? r->items[0].text : "nothing";
}

static void expect_sound(const struct bytes *b, const char *name)
{
    struct qcow2_check_report r;
    enum verdict got = check_bytes(b, NULL, &r);
    ck_assert_msg(got == SOUND && r.warnings == 0, "%s: %d, %s", name, got, first_text(&r));
    ck_assert(qcow2_check_sound(&r));
    qcow2_check_finish(&r);
}

/* What qemu-img says; 127 when it is not there. */
static int qemu_verdict(const struct bytes *b)
{
    char *folder = scratch_create();
    AUTO(str) char *path = mem_printf("%s/x.qcow2", folder);
    write_file(path, b->data, b->len);
    int r = run_tool((const char *const[]){"qemu-img", "check", "-q", "-f", "qcow2", path, NULL});
    scratch_remove(folder);
    return r;
}

static void expect_theirs(const struct bytes *b, enum verdict want, const char *name)
{
    int theirs = qemu_verdict(b);
    ck_assert_msg(theirs == 127 || theirs == (int)want, "%s: qemu-img check exits %d", name,
                  theirs);
}

/* ---- one mutation ---- */

/* 4 KiB clusters "A.0": header 0, refcount table 1, block 2, L1 3, L2 4, data 5. */
#define CS 4096u
#define RT_AT CS
#define RB_AT (2 * CS)
#define L1_AT (3 * CS)
#define L2_AT (4 * CS)
#define DATA_AT (5 * CS)
#define GOOD_SIZE (6 * CS)

enum width { CUT = 0, B1 = 1, B2 = 2, B4 = 4, B8 = 8 };

#define BAD QCOW2_SEVERITY_CORRUPTION
#define LEAK QCOW2_SEVERITY_LEAK
#define WARN QCOW2_SEVERITY_WARNING

static const struct check_row {
    const char *name;
    size_t at; /* CUT: the new length */
    enum width width;
    uint64_t value;
    enum verdict want;
    enum qcow2_severity severity;
    enum qcow2_defect defect; /* QCOW2_OK: no finding at all */
    const char *differs;      /* why qemu-img's verdict is another; NULL: it is the same */
    enum verdict theirs;
} rows[] = {
    {"good", 0, B4, QCOW2_MAGIC_NUMBER, SOUND, 0, QCOW2_OK, NULL, 0},
    /* The file as a whole. */
    {"no bytes", 0, CUT, 0, NO_IMAGE, 0, QCOW2_OK, "is an error of the caller here", 1},
    {"71 bytes", 71, CUT, 0, NO_IMAGE, 0, QCOW2_OK, "is an error of the caller here", 1},
    {"magic", 0, B4, 0x514649fc, NO_IMAGE, 0, QCOW2_OK, "is an error of the caller here", 1},
    {"version 4", HDR_VERSION, B4, 4, NO_IMAGE, 0, QCOW2_OK, "is an error of the caller here", 1},
    {"104 bytes", 104, CUT, 0, CORRUPT, BAD, QCOW2_L1_EOF, NULL, 0},
    {"half the header cluster", 2048, CUT, 0, CORRUPT, BAD, QCOW2_L1_EOF, NULL, 0},
    {"cut before the L1", L1_AT, CUT, 0, CORRUPT, BAD, QCOW2_L1_EOF, "the table is lost", SOUND},
    {"cut in the L1", L1_AT + 4, CUT, 0, CORRUPT, BAD, QCOW2_L1_EOF, NULL, 0},
    {"cut before the L2", L2_AT, CUT, 0, CORRUPT, BAD, QCOW2_L1_ENTRY, NULL, 0},
    {"cut in the L2", L2_AT + 100, CUT, 0, CORRUPT, BAD, QCOW2_L1_ENTRY, NULL, 0},
    {"cut before the data", DATA_AT, CUT, 0, CORRUPT, BAD, QCOW2_L2_ENTRY, NULL, 0},
    {"one byte missing", GOOD_SIZE - 1, CUT, 0, SOUND, WARN, QCOW2_L2_ENTRY, NULL, 0},
    {"all but one byte missing", DATA_AT + 1, CUT, 0, SOUND, WARN, QCOW2_L2_ENTRY, NULL, 0},
    /* The header. */
    {"cluster bits 8", HDR_CLUSTER_BITS, B4, 8, INCOMPLETE, BAD, QCOW2_HDR_FIELD, NULL, 0},
    {"size 0", HDR_SIZE, B8, 0, SOUND, WARN, QCOW2_SIZE, NULL, 0},
    {"size odd", HDR_SIZE, B8, 3 * CS - 100, SOUND, WARN, QCOW2_SIZE, NULL, 0},
    {"size of a cluster less", HDR_SIZE, B8, 2 * CS, SOUND, WARN, QCOW2_TAIL, NULL, 0},
    {"size all ones", HDR_SIZE, B8, UINT64_MAX, INCOMPLETE, BAD, QCOW2_SIZE, NULL, 0},
    {"size beyond the L1", HDR_SIZE, B8, 3u << 20, INCOMPLETE, BAD, QCOW2_HDR_FIELD, NULL, 0},
    {"crypt method 3", HDR_CRYPT, B4, 3, INCOMPLETE, BAD, QCOW2_HDR_FIELD, NULL, 0},
    {"AES", HDR_CRYPT, B4, 1, SOUND, 0, QCOW2_OK, "wants a key, which no check needs", 1},
    {"LUKS without a header", HDR_CRYPT, B4, 2, INCOMPLETE, BAD, QCOW2_EXT, NULL, 0},
    {"L1 too large", HDR_L1_SIZE, B4, 4194305, INCOMPLETE, BAD, QCOW2_HDR_FIELD, NULL, 0},
    {"L1 claims 32 MiB", HDR_L1_SIZE, B4, 4194304, CORRUPT, BAD, QCOW2_L1_EOF, NULL, 0},
    {"L1 reaches into the L2", HDR_L1_SIZE, B4, CS / 8 + 1, CORRUPT, BAD, QCOW2_OVERLAP, NULL, 0},
    {"L1 unaligned", HDR_L1_OFFSET, B8, L1_AT + 8, INCOMPLETE, BAD, QCOW2_HDR_FIELD, NULL, 0},
    {"L1 at the header", HDR_L1_OFFSET, B8, 0, CORRUPT, BAD, QCOW2_OVERLAP, NULL, 0},
    {"L1 at 1 TiB", HDR_L1_OFFSET, B8, UINT64_C(1) << 40, CORRUPT, BAD, QCOW2_L1_EOF, NULL, 0},
    {"L1 just behind", HDR_L1_OFFSET, B8, GOOD_SIZE, CORRUPT, BAD, QCOW2_L1_EOF, NULL, 0},
    {"L1 wraps", HDR_L1_OFFSET, B8, UINT64_MAX - CS + 1, INCOMPLETE, BAD, QCOW2_L1_EOF, NULL, 0},
    {"RT unaligned", HDR_RT_OFFSET, B8, CS + 512, INCOMPLETE, BAD, QCOW2_RT, NULL, 0},
    {"RT at 1 TiB", HDR_RT_OFFSET, B8, UINT64_C(1) << 40, CORRUPT, BAD, QCOW2_RT, NULL, 0},
    {"RT at the L1", HDR_RT_OFFSET, B8, L1_AT, INCOMPLETE, BAD, QCOW2_RT, NULL, 0},
    {"no RT", HDR_RT_CLUSTERS, B4, 0, CORRUPT, BAD, QCOW2_RT, NULL, 0},
    {"RT above 8 MiB", HDR_RT_CLUSTERS, B4, 2049, INCOMPLETE, BAD, QCOW2_RT, NULL, 0},
    {"RT of 2 clusters", HDR_RT_CLUSTERS, B4, 2, CORRUPT, BAD, QCOW2_OVERLAP, NULL, 0},
    {"snapshots unaligned", HDR_SNAPSHOTS_OFFSET, B8, 8, INCOMPLETE, BAD, QCOW2_SNAP, NULL, 0},
    {"snapshots too many", HDR_SNAPSHOTS, B4, 65537, INCOMPLETE, BAD, QCOW2_SNAP, NULL, 0},
    {"snapshots in the header", HDR_SNAPSHOTS, B4, 1, CORRUPT, BAD, QCOW2_SNAP, NULL, 0},
    {"dirty", HDR_INCOMPATIBLE, B8, 1, SOUND, WARN, QCOW2_REFCOUNT, NULL, 0},
    {"corrupt bit", HDR_INCOMPATIBLE, B8, 2, SOUND, WARN, QCOW2_POLICY_CORRUPT, NULL, 0},
    {"data file", HDR_INCOMPATIBLE, B8, 4, LEAKS, WARN, QCOW2_POLICY_DATA_FILE,
     "no other file is opened here", 1},
    {"compression bit", HDR_INCOMPATIBLE, B8, 8, INCOMPLETE, BAD, QCOW2_COMPRESSION, NULL, 0},
    {"extended L2", HDR_INCOMPATIBLE, B8, 16, INCOMPLETE, BAD, QCOW2_HDR_FIELD, NULL, 0},
    {"unknown feature", HDR_INCOMPATIBLE, B8, 32, INCOMPLETE, BAD, QCOW2_FEATURE, NULL, 0},
    {"raw without data file", HDR_AUTOCLEAR, B8, 2, INCOMPLETE, BAD, QCOW2_HDR_FIELD, NULL, 0},
    {"bitmaps bit alone", HDR_AUTOCLEAR, B8, 1, SOUND, 0, QCOW2_OK, NULL, 0},
    {"refcount order 7", HDR_REFCOUNT_ORDER, B4, 7, INCOMPLETE, BAD, QCOW2_HDR_FIELD, NULL, 0},
    {"refcount order 3", HDR_REFCOUNT_ORDER, B4, 3, CORRUPT, BAD, QCOW2_REFCOUNT, NULL, 0},
    {"header length 103", HDR_LENGTH, B4, 103, INCOMPLETE, BAD, QCOW2_HDR_LEN, NULL, 0},
    {"header length 105", HDR_LENGTH, B4, 105, SOUND, WARN, QCOW2_HDR_LEN, NULL, 0},
    {"header length above", HDR_LENGTH, B4, CS + 8, INCOMPLETE, BAD, QCOW2_HDR_LEN, NULL, 0},
    {"padding", 107, B1, 1, SOUND, WARN, QCOW2_HDR_LEN, NULL, 0},
    {"backing name of no bytes", HDR_BACKING_OFFSET, B8, 2048, SOUND, WARN, QCOW2_BACKING_NAME,
     NULL, 0},
    {"backing name in the header", HDR_BACKING_OFFSET, B8, 100, SOUND, WARN, QCOW2_BACKING_NAME,
     NULL, 0},
    {"backing name far away", HDR_BACKING_OFFSET, B8, CS + 8, INCOMPLETE, BAD, QCOW2_BACKING_NAME,
     NULL, 0},
    {"end marker with a length", 116, B4, CS, INCOMPLETE, BAD, QCOW2_EXT, NULL, 0},
    /* L1. */
    {"L1 entry 0", L1_AT, B8, 0, LEAKS, LEAK, QCOW2_LEAK, NULL, 0},
    {"L1 entry reserved, low", L1_AT, B8, QCOW2_COPIED | L2_AT | 1, CORRUPT, BAD, QCOW2_L1_ENTRY,
     NULL, 0},
    {"L1 entry reserved, high", L1_AT, B8, QCOW2_COPIED | L2_AT | UINT64_C(1) << 60, CORRUPT, BAD,
     QCOW2_L1_ENTRY, NULL, 0},
    {"L1 entry unaligned", L1_AT, B8, QCOW2_COPIED | (L2_AT + 512), CORRUPT, BAD, QCOW2_L1_ENTRY,
     NULL, 0},
    {"L1 entry to the header", L1_AT, B8, QCOW2_COPIED, CORRUPT, BAD, QCOW2_L1_ENTRY, NULL, 0},
    {"L1 entry to the L1", L1_AT, B8, QCOW2_COPIED | L1_AT, CORRUPT, BAD, QCOW2_OVERLAP, NULL, 0},
    {"L1 entry past the end", L1_AT, B8, QCOW2_COPIED | UINT64_C(1) << 50, CORRUPT, BAD,
     QCOW2_L1_ENTRY, NULL, 0},
    {"L1 entry without COPIED", L1_AT, B8, L2_AT, CORRUPT, BAD, QCOW2_COPIED_FLAG, NULL, 0},
    /* L2. */
    {"L2 entry 0", L2_AT, B8, 0, LEAKS, LEAK, QCOW2_LEAK, NULL, 0},
    {"L2 entry reserved", L2_AT, B8, QCOW2_COPIED | DATA_AT | 4, CORRUPT, BAD, QCOW2_L2_ENTRY, NULL,
     0},
    {"L2 entry unaligned", L2_AT, B8, QCOW2_COPIED | (DATA_AT + 1024), CORRUPT, BAD, QCOW2_L2_ENTRY,
     NULL, 0},
    {"L2 entry past the end", L2_AT, B8, QCOW2_COPIED | GOOD_SIZE, CORRUPT, BAD, QCOW2_L2_ENTRY,
     NULL, 0},
    {"L2 entry at 2^55", L2_AT, B8, QCOW2_COPIED | UINT64_C(1) << 55, CORRUPT, BAD, QCOW2_L2_ENTRY,
     NULL, 0},
    {"L2 entry to the L1", L2_AT, B8, QCOW2_COPIED | L1_AT, CORRUPT, BAD, QCOW2_OVERLAP, NULL, 0},
    {"L2 entry to its own L2", L2_AT, B8, QCOW2_COPIED | L2_AT, CORRUPT, BAD, QCOW2_OVERLAP, NULL,
     0},
    {"L2 entry to a block", L2_AT, B8, QCOW2_COPIED | RB_AT, CORRUPT, BAD, QCOW2_RT, NULL, 0},
    {"the same twice", L2_AT + 8, B8, QCOW2_COPIED | DATA_AT, CORRUPT, BAD, QCOW2_OVERLAP, NULL, 0},
    {"L2 entry claims cluster 0", L2_AT, B8, QCOW2_COPIED, LEAKS, WARN, QCOW2_L2_ENTRY, NULL, 0},
    {"zero, preallocated", L2_AT, B8, QCOW2_COPIED | DATA_AT | 1, SOUND, 0, QCOW2_OK, NULL, 0},
    {"L2 entry without COPIED", L2_AT, B8, DATA_AT, CORRUPT, BAD, QCOW2_COPIED_FLAG, NULL, 0},
    {"past the disk", L2_AT + 24, B8, QCOW2_ZERO, SOUND, WARN, QCOW2_TAIL, NULL, 0},
    {"compressed with COPIED", L2_AT, B8, UINT64_C(3) << 62 | DATA_AT, CORRUPT, BAD, QCOW2_COMP,
     NULL, 0},
    {"compressed past the end", L2_AT, B8, QCOW2_COMPRESSED | UINT64_C(1) << 40, CORRUPT, BAD,
     QCOW2_COMP, NULL, 0},
    {"compressed just behind", L2_AT, B8, QCOW2_COMPRESSED | GOOD_SIZE, CORRUPT, BAD, QCOW2_COMP,
     NULL, 0},
    {"compressed on the L1", L2_AT, B8, QCOW2_COMPRESSED | L1_AT, CORRUPT, BAD, QCOW2_OVERLAP, NULL,
     0},
    {"compressed", L2_AT, B8, QCOW2_COMPRESSED | (DATA_AT + 77), SOUND, 0, QCOW2_OK, NULL, 0},
    /* Refcounts. */
    {"RT entry reserved", RT_AT, B8, RB_AT + 1, CORRUPT, BAD, QCOW2_RT, NULL, 0},
    {"RT entry unaligned", RT_AT, B8, RB_AT + 512, INCOMPLETE, BAD, QCOW2_RT, NULL, 0},
    {"RT entry unaligned, of no cluster", RT_AT + 8, B8, RB_AT + 512, CORRUPT, BAD, QCOW2_RT, NULL,
     0},
    {"RT entry past the end", RT_AT, B8, 100 * CS, CORRUPT, BAD, QCOW2_RT, NULL, 0},
    {"RT entry at 2^62", RT_AT, B8, UINT64_C(1) << 62, CORRUPT, BAD, QCOW2_RT, NULL, 0},
    {"RT entry at 2^63", RT_AT, B8, UINT64_C(1) << 63, INCOMPLETE, BAD, QCOW2_RT, NULL, 0},
    {"RT entry at the data", RT_AT, B8, DATA_AT, CORRUPT, BAD, QCOW2_OVERLAP, NULL, 0},
    {"RT entries twice", RT_AT + 8, B8, RB_AT, CORRUPT, BAD, QCOW2_OVERLAP, NULL, 0},
    {"no block", RT_AT, B8, 0, CORRUPT, BAD, QCOW2_REFCOUNT, NULL, 0},
    {"header's refcount 0", RB_AT, B2, 0, CORRUPT, BAD, QCOW2_REFCOUNT, NULL, 0},
    {"data's refcount 0", RB_AT + 10, B2, 0, CORRUPT, BAD, QCOW2_REFCOUNT, NULL, 0},
    {"data's refcount 2", RB_AT + 10, B2, 2, CORRUPT, BAD, QCOW2_COPIED_FLAG, NULL, 0},
    {"RT's refcount 2", RB_AT + 2, B2, 2, LEAKS, LEAK, QCOW2_LEAK, NULL, 0},
    {"refcount past the end", RB_AT + 12, B2, 1, SOUND, 0, QCOW2_OK, NULL, 0},
};

static void put(unsigned char *at, unsigned width, uint64_t value)
{
    for (unsigned i = width; i-- > 0; value >>= 8)
        at[i] = (unsigned char)value;
}

START_TEST(one_mutation)
{
    const struct check_row *row = &rows[_i];
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    ck_assert_uint_eq(b.len, GOOD_SIZE);
    if (row->width == CUT)
        b.len = row->at;
    else
        put(b.data + row->at, row->width, row->value);
    /* A copy of the exact length: a read past the end must not go unseen. */
    struct bytes exact = {b.len ? mem_dup(b.data, b.len) : NULL, b.len};
    struct qcow2_check_options all = {.findings_max = 10000};
    struct qcow2_check_report r;
    enum verdict got = check_bytes(&exact, &all, &r);
    free(exact.data);
    ck_assert_msg(got == row->want, "%s: expected %d, found %d: %s", row->name, row->want, got,
                  first_text(&r));
    if (row->defect == QCOW2_OK)
        ck_assert_msg(r.count == 0, "%s: %s", row->name, first_text(&r));
    else
        ck_assert_msg(find(&r, row->severity, row->defect) != NULL, "%s: no %s, but: %s", row->name,
                      qcow2_defect_code(row->defect), first_text(&r));
    qcow2_check_finish(&r);
    expect_theirs(&b, row->differs ? row->theirs : row->want, row->name);
}
END_TEST

/* ---- widths, sizes ---- */

START_TEST(widths)
{
    static const uint32_t bits[] = {1, 2, 4, 8, 16, 32, 64};
    struct qcow2_writer_options o = {.refcount_bits = bits[_i]};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(9, "ABCDEFGH", &o);
    AUTO(str) char *name = mem_printf("%u bits", bits[_i]);
    expect_sound(&b, name);
    struct qcow2_check_report r;
    for (uint64_t at = 0; at < b.len; at += 512) {
        ck_assert_uint_eq(parts_refcount(&b, at), 1);
        parts_set_refcount(&b, at, 0);
        ck_assert_msg(check_bytes(&b, NULL, &r) == CORRUPT, "%s, cluster %d", name, (int)at / 512);
        const struct qcow2_finding *f = find(&r, BAD, QCOW2_REFCOUNT);
        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(f->offset, at);
        qcow2_check_finish(&r);
        parts_set_refcount(&b, at, 1);
    }
    expect_sound(&b, name);
    uint64_t leaked = parts_append(&b, 3);
    ck_assert_int_eq(check_bytes(&b, NULL, &r), LEAKS);
    ck_assert_uint_eq(r.leaks, 3);
    ck_assert_uint_eq(r.count, 1); /* one run */
    ck_assert_uint_eq(r.items[0].offset, leaked);
    qcow2_check_finish(&r);
    /* A second reference, of which one bit cannot tell. */
    uint64_t l2 = be64_at(b.data, be64_at(b.data, HDR_L1_OFFSET)) & QCOW2_OFFSET_MASK;
    be64_put(b.data, l2 + 8, be64_at(b.data, l2));
    ck_assert_int_eq(check_bytes(&b, NULL, &r), CORRUPT);
    ck_assert_ptr_nonnull(find(&r, BAD, QCOW2_REFCOUNT));
    qcow2_check_finish(&r);
}
END_TEST

START_TEST(sizes)
{
    uint32_t cluster_bits = (uint32_t)_i;
    for (uint32_t version = 2; version <= 3; version++) {
        struct qcow2_writer_options o = {.version = version};
        __attribute__((cleanup(cleanup_bytes))) struct bytes b =
            make_image(cluster_bits, version == 2 ? "A.B" : "A0B", &o);
        struct qcow2_check_report r;
        AUTO(str) char *name = mem_printf("2^%u, version %u", cluster_bits, version);
        expect_sound(&b, name);
        ck_assert_int_eq(check_bytes(&b, NULL, &r), SOUND);
        ck_assert_uint_eq(r.total_clusters, 3);
        ck_assert_uint_eq(r.allocated_clusters, 2);
        ck_assert_uint_eq(r.fragmented_clusters, 0);
        ck_assert_uint_eq(r.compressed_clusters, 0);
        ck_assert_uint_eq(r.image_end, b.len);
        qcow2_check_finish(&r);
    }
}
END_TEST

START_TEST(zero_in_version_2)
{
    struct qcow2_writer_options o = {.version = 2};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A..", &o);
    be64_put(b.data, L2_AT + 8, QCOW2_ZERO);
    struct qcow2_check_report r;
    ck_assert_int_eq(check_bytes(&b, NULL, &r), CORRUPT);
    ck_assert_int_eq(r.items[0].defect, QCOW2_ZERO_V2);
    qcow2_check_finish(&r);
}
END_TEST

static const struct subcluster_row {
    const char *name;
    uint64_t word, bitmap;
    enum verdict want;
    enum qcow2_severity severity;
    enum qcow2_defect defect;
} subcluster_rows[] = {
    {"all allocated", QCOW2_COPIED | 5 * 16384, 0xffffffff, SOUND, 0, QCOW2_OK},
    {"some zero", QCOW2_COPIED | 5 * 16384, UINT64_C(0x0000010000000019), SOUND, 0, QCOW2_OK},
    {"all zero", 0, UINT64_C(0xffffffff00000000), LEAKS, LEAK, QCOW2_LEAK},
    {"both", QCOW2_COPIED | 5 * 16384, UINT64_C(0x0000000100000001), CORRUPT, BAD, QCOW2_SUBCL},
    {"allocated nowhere", 0, 1, CORRUPT, BAD, QCOW2_SUBCL},
    {"zero flag", QCOW2_COPIED | 5 * 16384 | 1, 1, SOUND, WARN, QCOW2_ZERO_V2},
    {"compressed", QCOW2_COMPRESSED | 5 * 16384, 1, CORRUPT, BAD, QCOW2_SUBCL},
};

START_TEST(subclusters)
{
    const struct subcluster_row *row = &subcluster_rows[_i];
    __attribute__((cleanup(cleanup_bytes))) struct bytes b =
        make_subclusters(row->word, row->bitmap);
    struct qcow2_check_report r;
    enum verdict got = check_bytes(&b, NULL, &r);
    ck_assert_msg(got == row->want, "%s: %d, %s", row->name, got, first_text(&r));
    ck_assert_msg(row->defect == QCOW2_OK ? r.count == 0
                                          : find(&r, row->severity, row->defect) != NULL,
                  "%s: %s", row->name, first_text(&r));
    qcow2_check_finish(&r);
    expect_theirs(&b, row->want, row->name);
}
END_TEST

/* Clusters that two guest clusters share as their refcount says: qemu copies before it writes. */
START_TEST(shared_data)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    be64_put(b.data, L2_AT, DATA_AT);
    be64_put(b.data, L2_AT + 8, DATA_AT);
    parts_set_refcount(&b, DATA_AT, 2);
    struct qcow2_check_report r;
    ck_assert_int_eq(check_bytes(&b, NULL, &r), SOUND);
    ck_assert_ptr_nonnull(find(&r, WARN, QCOW2_OVERLAP));
    qcow2_check_finish(&r);
    expect_theirs(&b, SOUND, __func__);
    /* The same with a table: the next write destroys it, whatever the refcount. */
    be64_put(b.data, L2_AT, L1_AT);
    be64_put(b.data, L2_AT + 8, 0);
    parts_set_refcount(&b, L1_AT, 2);
    parts_set_refcount(&b, DATA_AT, 0);
    ck_assert_int_eq(check_bytes(&b, NULL, &r), CORRUPT);
    ck_assert_uint_eq(r.corruptions, 1);
    ck_assert_int_eq(r.items[0].defect, QCOW2_OVERLAP);
    qcow2_check_finish(&r);
}
END_TEST

/* ---- snapshots and bitmaps ---- */

enum place { TABLE, SNAPSHOT_L1, DIRECTORY, BITMAP_TABLE };

static const struct extra_row {
    const char *name;
    enum place place;
    unsigned at, width;
    uint64_t value;
    enum verdict want;
    enum qcow2_defect defect; /* a corruption; QCOW2_OK: whatever */
} extra_rows[] = {
    {"good", TABLE, 0, 0, 0, SOUND, QCOW2_OK},
    {"L1 unaligned", TABLE, 0, 8, CS + 8, CORRUPT, QCOW2_SNAP},
    {"L1 outside", TABLE, 0, 8, UINT64_C(1) << 40, CORRUPT, QCOW2_SNAP},
    {"L1 beyond everything", TABLE, 0, 8, UINT64_MAX - CS + 1, INCOMPLETE, QCOW2_SNAP},
    {"L1 is the active one", TABLE, 0, 8, L1_AT, CORRUPT, QCOW2_OVERLAP},
    {"L1 of no entries", TABLE, 8, 4, 0, LEAKS, QCOW2_OK},
    {"L1 too large", TABLE, 8, 4, 4194305, CORRUPT, QCOW2_SNAP},
    {"extra data of 8 bytes", TABLE, 36, 4, 8, CORRUPT, QCOW2_SNAP},
    {"extra data of 1025 bytes", TABLE, 36, 4, 1025, INCOMPLETE, QCOW2_SNAP},
    {"a snapshot's L1 entry is zero", SNAPSHOT_L1, 0, 8, 0, LEAKS, QCOW2_OK},
    {"a snapshot's L1 entry has COPIED", SNAPSHOT_L1, 0, 8, QCOW2_COPIED | L2_AT, SOUND, QCOW2_OK},
    {"a snapshot's L1 entry is reserved", SNAPSHOT_L1, 0, 8, L2_AT + 1, CORRUPT, QCOW2_L1_ENTRY},
    {"a snapshot's L2 is its data", SNAPSHOT_L1, 0, 8, DATA_AT, CORRUPT, QCOW2_OVERLAP},
    {"bitmap's table unaligned", DIRECTORY, 0, 8, 8, INCOMPLETE, QCOW2_BITMAP},
    {"bitmap's table outside", DIRECTORY, 0, 8, UINT64_C(1) << 40, CORRUPT, QCOW2_BITMAP},
    {"bitmap of type 2", DIRECTORY, 16, 1, 2, INCOMPLETE, QCOW2_BITMAP},
    {"bitmap's bits: none", BITMAP_TABLE, 0, 8, 0, LEAKS, QCOW2_OK},
    {"bitmap's bits reserved", BITMAP_TABLE, 0, 8, 2, INCOMPLETE, QCOW2_BITMAP},
    {"bitmap's bits outside", BITMAP_TABLE, 0, 8, UINT64_C(1) << 40, CORRUPT, QCOW2_BITMAP},
    {"bitmap's bits are data", BITMAP_TABLE, 0, 8, DATA_AT, CORRUPT, QCOW2_OVERLAP},
};

START_TEST(extras)
{
    const struct extra_row *row = &extra_rows[_i];
    const unsigned char some[8] = {1, 2, 3};
    const struct parts_bitmap one = {"a", 9, 0, some, sizeof some};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    parts_snapshots(&b, 1);
    uint64_t table = be64_at(b.data, HDR_SNAPSHOTS_OFFSET);
    uint64_t directory = parts_bitmaps(&b, &one, 1);
    uint64_t places[] = {table, be64_at(b.data, table), directory, be64_at(b.data, directory)};
    put(b.data + places[row->place] + row->at, row->width, row->value);
    struct qcow2_check_report r;
    enum verdict got = check_bytes(&b, NULL, &r);
    ck_assert_msg(got == row->want, "%s: %d, %s", row->name, got, first_text(&r));
    ck_assert_msg(row->defect == QCOW2_OK || find(&r, BAD, row->defect), "%s: %s", row->name,
                  first_text(&r));
    qcow2_check_finish(&r);
    expect_theirs(&b, row->want, row->name);
}
END_TEST

START_TEST(many_snapshots)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "ABC0.D", NULL);
    parts_snapshots(&b, 9);
    expect_sound(&b, "9 snapshots");
    expect_theirs(&b, SOUND, __func__);
}
END_TEST

START_TEST(luks_area)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    uint64_t area = parts_append(&b, 4);
    unsigned char ext[16] = {0};
    be64_put(ext, 0, area);
    be64_put(ext, 8, 3 * CS + 1);
    parts_extension(&b, QCOW2_EXT_LUKS, ext, sizeof ext);
    struct qcow2_check_report r;
    ck_assert_int_eq(check_bytes(&b, NULL, &r), INCOMPLETE); /* LUKS is not what the header says */
    qcow2_check_finish(&r);
    be32_put(b.data, HDR_CRYPT, QCOW2_CRYPT_LUKS);
    expect_sound(&b, "LUKS");
}
END_TEST

/* ---- options ---- */

START_TEST(few_findings)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(9, "ABCDEFGH", NULL);
    for (uint64_t at = 0; at < b.len; at += 1024)
        parts_set_refcount(&b, at, 0);
    struct qcow2_check_options few = {.findings_max = 3};
    struct qcow2_check_report r;
    ck_assert_int_eq(check_bytes(&b, &few, &r), CORRUPT);
    ck_assert_uint_eq(r.count, 3);
    ck_assert_uint_gt(r.corruptions, 6);
    qcow2_check_finish(&r);
    struct qcow2_check_options small = {.host_clusters_max = 4};
    ck_assert_int_eq(check_bytes(&b, &small, &r), INCOMPLETE);
    ck_assert_int_eq(r.items[0].defect, QCOW2_LIMIT);
    qcow2_check_finish(&r);
}
END_TEST

START_TEST(decompresses_when_asked)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    be64_put(b.data, L2_AT, QCOW2_COMPRESSED | DATA_AT);
    struct qcow2_check_options deep = {.decompress = true};
    struct qcow2_check_report r;
    expect_sound(&b, "not looked into");
    ck_assert_int_eq(check_bytes(&b, &deep, &r), CORRUPT);
    ck_assert_int_eq(r.items[0].defect, QCOW2_COMP);
    qcow2_check_finish(&r);
    /* A stored block of 4096 bytes in raw deflate: one is whole, the sectors hold 4096 + 512. */
    const unsigned char stored[5] = {1, 0, 0x10, 0xff, 0xef};
    memcpy(b.data + DATA_AT, stored, sizeof stored);
    be64_put(b.data, L2_AT, QCOW2_COMPRESSED | UINT64_C(8) << 58 | DATA_AT);
    parts_append(&b, 1);
    ck_assert_int_eq(check_bytes(&b, &deep, &r), SOUND);
    ck_assert_uint_eq(r.compressed_clusters, 1);
    qcow2_check_finish(&r);
}
END_TEST

/* ---- what must not take for ever ---- */

static void must_overlap(const struct bytes *b)
{
    struct qcow2_check_report r;
    ck_assert_int_eq(check_bytes(b, NULL, &r), CORRUPT);
    ck_assert_ptr_nonnull(find(&r, BAD, QCOW2_OVERLAP));
    qcow2_check_finish(&r);
}

/* 512-byte clusters; a disk of 128 GiB, so an L1 of 32 MiB, whose every entry leads to the same L2
 * table, whose every entry leads to the same cluster; and 65536 snapshots that share that L1, each
 * with a different length. 2^22 * 2^6 * 2^16 references in all. */
START_TEST(everything_shared)
{
    enum { ENTRIES = 4194304, SNAPSHOTS = 65536, SNAPSHOT = 56, SMALL = 512 };
    struct qcow2_writer_options o = {.virtual_size = UINT64_C(1) << 37, .refcount_bits = 64};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(9, "A", &o);
    uint64_t l1 = be64_at(b.data, HDR_L1_OFFSET), l2 = 0;
    for (uint64_t i = 0; !l2; i++)
        l2 = be64_at(b.data, l1 + i * 8) & QCOW2_OFFSET_MASK;
    for (uint64_t i = 0; i < ENTRIES; i++)
        be64_put(b.data, l1 + i * 8, l2);
    for (uint64_t i = 1; i < SMALL / 8; i++)
        memcpy(b.data + l2 + i * 8, b.data + l2, 8);
    uint64_t table = (b.len + SMALL - 1) / SMALL * SMALL;
    b.data = mem_realloc(b.data, table + (uint64_t)SNAPSHOTS * SNAPSHOT);
    memset(b.data + b.len, 0, table + (uint64_t)SNAPSHOTS * SNAPSHOT - b.len);
    b.len = table + (uint64_t)SNAPSHOTS * SNAPSHOT;
    for (uint32_t i = 0; i < SNAPSHOTS; i++) {
        be64_put(b.data, table + i * (uint64_t)SNAPSHOT, l1);
        be32_put(b.data, table + i * (uint64_t)SNAPSHOT + 8, ENTRIES - i * 3);
        be32_put(b.data, table + i * (uint64_t)SNAPSHOT + 36, 16);
    }
    be32_put(b.data, HDR_SNAPSHOTS, SNAPSHOTS);
    be64_put(b.data, HDR_SNAPSHOTS_OFFSET, table);
    must_overlap(&b);
}
END_TEST

/* As many bitmaps as there may be, all with the same table. */
START_TEST(every_bitmap_the_same)
{
    enum { COUNT = 65535, ENTRY = 32 };
    struct qcow2_writer_options o = {.virtual_size = 65536 * 4096ull};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(9, "A", &o);
    uint64_t table = (b.len + 511) / 512 * 512, table_bytes = 65536 / 8;
    uint64_t directory = table + table_bytes;
    b.data = mem_realloc(b.data, directory + (uint64_t)COUNT * ENTRY);
    memset(b.data + b.len, 0, directory + (uint64_t)COUNT * ENTRY - b.len);
    b.len = directory + (uint64_t)COUNT * ENTRY;
    for (uint64_t i = 0; i < table_bytes / 8; i++)
        be64_put(b.data, table + i * 8, table);
    for (uint64_t i = 0; i < COUNT; i++) {
        unsigned char *e = b.data + directory + i * ENTRY;
        be64_put(e, 0, table);
        be32_put(e, 8, (uint32_t)(table_bytes / 8));
        e[15] = QCOW2_BITMAP_IN_USE;
        e[16] = 1;
        e[17] = 9;
        e[19] = 8;
        be64_put(e, 24, i);
    }
    unsigned char ext[24] = {0};
    be32_put(ext, 0, COUNT);
    be64_put(ext, 8, (uint64_t)COUNT * ENTRY);
    be64_put(ext, 16, directory);
    parts_extension(&b, QCOW2_EXT_BITMAPS, ext, sizeof ext);
    be64_put(b.data, HDR_AUTOCLEAR, QCOW2_AUTOCLEAR_BITMAPS);
    must_overlap(&b);
}
END_TEST

/* A bomb: every entry is the same compressed cluster. */
START_TEST(decompressing_ends)
{
    enum { BITS = 21 };
    struct qcow2_writer_options o = {.compression = QCOW2_COMPRESSION_ZSTD};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(BITS, "A", &o);
    uint64_t l2 = be64_at(b.data, be64_at(b.data, HDR_L1_OFFSET)) & QCOW2_OFFSET_MASK;
    uint64_t data = be64_at(b.data, l2) & QCOW2_OFFSET_MASK;
    be64_put(b.data, HDR_SIZE, UINT64_C(1) << 39);
    be64_put(b.data, HDR_INCOMPATIBLE, 0);
    b.data[HDR_COMPRESSION] = 0;
    for (uint64_t i = 0; i < (1u << BITS) / 8; i++)
        be64_put(b.data, l2 + i * 8, QCOW2_COMPRESSED | data);
    memset(b.data + data, 0xff, 512);
    struct qcow2_check_options deep = {.decompress = true};
    struct qcow2_check_report r;
    ck_assert_int_eq(check_bytes(&b, &deep, &r), INCOMPLETE);
    ck_assert_uint_gt(r.corruptions, 1000);
    qcow2_check_finish(&r);
}
END_TEST

/* Whatever the bytes: an answer. */
START_TEST(any_bytes)
{
    const unsigned char some[8] = {1, 2, 3};
    const struct parts_bitmap one = {"a", 9, 0, some, sizeof some};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(9, "AB0.C", NULL);
    parts_snapshots(&b, 2);
    parts_bitmaps(&b, &one, 1);
    AUTO(mem) void *good = mem_dup(b.data, b.len);
    struct prng prng;
    prng_init(&prng, 1, "any bytes");
    struct qcow2_check_options deep = {.decompress = true, .findings_max = 4};
    for (unsigned i = 0; i < 3000; i++) {
        struct bytes cut = b;
        for (uint64_t k = prng_below(&prng, 4); k < 4; k++) {
            uint64_t at = prng_below(&prng, b.len);
            b.data[at] = (unsigned char)prng_next(&prng);
        }
        if (i % 4 == 0)
            cut.len = prng_below(&prng, b.len);
        struct bytes exact = {cut.len ? mem_dup(cut.data, cut.len) : NULL, cut.len};
        struct qcow2_check_report r;
        check_bytes(&exact, &deep, &r);
        qcow2_check_finish(&r);
        free(exact.data);
        if (i % 16 == 0)
            memcpy(b.data, good, b.len);
    }
}
END_TEST

int main(void)
{
    return SUITE_MAIN(
        "qcow2.check",
        SUITE_LONG_CASE("check", 60, EACH(one_mutation, rows), RANGE(widths, 0, 7),
                        RANGE(sizes, 9, 22), TEST(zero_in_version_2),
                        EACH(subclusters, subcluster_rows), TEST(shared_data),
                        EACH(extras, extra_rows), TEST(many_snapshots), TEST(luks_area),
                        TEST(few_findings), TEST(decompresses_when_asked), TEST(everything_shared),
                        TEST(every_bitmap_the_same), TEST(decompressing_ends), TEST(any_bytes)));
}
