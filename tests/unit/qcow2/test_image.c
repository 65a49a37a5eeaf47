/* One mutation of a good image per row, and the code that must answer it: the header, its
 * extensions, the tables. */
#include "qcow2/image.h"

#include <string.h>

#include "base/mem.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/support.h"
#include "tests/unit/suite.h"

/* The good image: 4 KiB clusters, three guest clusters "A.0". Its layout by cluster: header 0,
 * refcount table 1, block 2, L1 3, L2 4, data 5. */
#define CS 4096u
#define L1_AT (3 * CS)
#define L2_AT (4 * CS)
#define DATA_AT (5 * CS)
#define GOOD_SIZE (6 * CS)

enum width { B1 = 1, B4 = 4, B8 = 8, CUT = 0 };

static const struct image_row {
    const char *name;
    size_t at; /* CUT: the new length */
    enum width width;
    uint64_t value;
    enum qcow2_defect want;
} rows[] = {
    {"good", 0, B4, QCOW2_MAGIC_NUMBER, QCOW2_OK},
    {"empty file", 0, CUT, 0, QCOW2_HDR_SHORT},
    {"three bytes", 3, CUT, 0, QCOW2_HDR_SHORT},
    {"four bytes", 4, CUT, 0, QCOW2_HDR_SHORT},
    {"71 bytes", 71, CUT, 0, QCOW2_HDR_SHORT},
    {"72 bytes", 72, CUT, 0, QCOW2_HDR_SHORT},
    {"103 bytes", 103, CUT, 0, QCOW2_HDR_SHORT},
    {"104 bytes", 104, CUT, 0, QCOW2_HDR_SHORT},
    {"111 bytes", 111, CUT, 0, QCOW2_HDR_SHORT},
    {"112 bytes", 112, CUT, 0, QCOW2_EXT},
    {"120 bytes", 120, CUT, 0, QCOW2_L1_EOF},
    {"header cluster only", CS, CUT, 0, QCOW2_L1_EOF},
    {"cut before the L1", L1_AT, CUT, 0, QCOW2_L1_EOF},
    {"cut in the L1's entry", L1_AT + 4, CUT, 0, QCOW2_L1_EOF},
    {"cut before the L2", L2_AT, CUT, 0, QCOW2_L1_ENTRY},
    {"cut in the L2", L2_AT + 100, CUT, 0, QCOW2_L1_ENTRY},
    {"cut before the data", DATA_AT, CUT, 0, QCOW2_L2_ENTRY},
    {"last 512 bytes missing", GOOD_SIZE - 512, CUT, 0, QCOW2_L2_ENTRY},
    {"last byte missing", GOOD_SIZE - 1, CUT, 0, QCOW2_L2_ENTRY},

    {"magic", 0, B4, 0x514649fc, QCOW2_MAGIC},
    {"version 1", HDR_VERSION, B4, 1, QCOW2_VERSION},
    {"version 4", HDR_VERSION, B4, 4, QCOW2_VERSION},
    {"cluster bits 8", HDR_CLUSTER_BITS, B4, 8, QCOW2_HDR_FIELD},
    {"cluster bits 22", HDR_CLUSTER_BITS, B4, 22, QCOW2_HDR_FIELD},
    {"cluster bits 255", HDR_CLUSTER_BITS, B4, 255, QCOW2_HDR_FIELD},
    {"size 0", HDR_SIZE, B8, 0, QCOW2_SIZE},
    {"size odd", HDR_SIZE, B8, 3 * CS - 100, QCOW2_SIZE},
    {"size 2 EiB", HDR_SIZE, B8, UINT64_C(1) << 61, QCOW2_SIZE},
    {"size all ones", HDR_SIZE, B8, UINT64_MAX - 511, QCOW2_SIZE},
    {"size beyond the L1", HDR_SIZE, B8, 3u << 20, QCOW2_HDR_FIELD},
    {"size below the entries", HDR_SIZE, B8, 2 * CS, QCOW2_TAIL},
    {"AES", HDR_CRYPT, B4, 1, QCOW2_POLICY_ENCRYPTED},
    {"LUKS", HDR_CRYPT, B4, 2, QCOW2_POLICY_ENCRYPTED},
    {"encryption method 3", HDR_CRYPT, B4, 3, QCOW2_HDR_FIELD},
    {"L1 of no entries", HDR_L1_SIZE, B4, 0, QCOW2_HDR_FIELD},
    {"L1 too large", HDR_L1_SIZE, B4, 4194305, QCOW2_HDR_FIELD},
    {"L1 claims 32 MiB", HDR_L1_SIZE, B4, 4194304, QCOW2_L1_EOF},
    {"L1 entries past the disk", HDR_L1_SIZE, B4, CS / 8 + 1, QCOW2_TAIL},
    {"L1 more entries, all zero", HDR_L1_SIZE, B4, CS / 8, QCOW2_OK},
    {"L1 unaligned", HDR_L1_OFFSET, B8, L1_AT + 8, QCOW2_HDR_FIELD},
    {"L1 at the header", HDR_L1_OFFSET, B8, 0, QCOW2_L1_EOF},
    {"L1 past the end", HDR_L1_OFFSET, B8, UINT64_C(1) << 40, QCOW2_L1_EOF},
    {"L1 wraps", HDR_L1_OFFSET, B8, UINT64_MAX - CS + 1, QCOW2_L1_EOF},
    {"L1 on the refcount table", HDR_L1_OFFSET, B8, CS, QCOW2_OVERLAP},
    {"RT unaligned", HDR_RT_OFFSET, B8, CS + 512, QCOW2_RT},
    {"RT past the end", HDR_RT_OFFSET, B8, UINT64_C(1) << 40, QCOW2_RT},
    {"RT none", HDR_RT_CLUSTERS, B4, 0, QCOW2_RT},
    {"RT above 8 MiB", HDR_RT_CLUSTERS, B4, 2049, QCOW2_RT},
    {"RT all ones", HDR_RT_CLUSTERS, B4, UINT32_MAX, QCOW2_RT},
    {"RT entry reserved bits", CS, B8, 2 * CS + 1, QCOW2_RT},
    {"RT entry past the end", CS, B8, 100 * CS, QCOW2_RT},
    {"RT entry at the data", CS, B8, DATA_AT, QCOW2_OVERLAP},
    {"snapshots", HDR_SNAPSHOTS, B4, 1, QCOW2_POLICY_SNAPSHOTS},
    {"snapshot table unaligned, no snapshots", HDR_SNAPSHOTS_OFFSET, B8, 8, QCOW2_SNAP},
    {"raw data file, no data file", HDR_AUTOCLEAR, B8, QCOW2_AUTOCLEAR_RAW, QCOW2_HDR_FIELD},
    {"end marker with a length", 116, B4, CS, QCOW2_EXT},
    {"dirty bit", HDR_INCOMPATIBLE, B8, 1, QCOW2_OK},
    {"corrupt bit", HDR_INCOMPATIBLE, B8, 2, QCOW2_POLICY_CORRUPT},
    {"data file", HDR_INCOMPATIBLE, B8, 4, QCOW2_POLICY_DATA_FILE},
    {"compression bit, type 0", HDR_INCOMPATIBLE, B8, 8, QCOW2_COMPRESSION},
    {"type 1 without the bit", HDR_COMPRESSION, B1, 1, QCOW2_COMPRESSION},
    {"unknown type", HDR_COMPRESSION, B1, 2, QCOW2_COMPRESSION},
    {"extended L2, clusters too small", HDR_INCOMPATIBLE, B8, 16, QCOW2_HDR_FIELD},
    {"unknown bit 5", HDR_INCOMPATIBLE, B8, 32, QCOW2_FEATURE},
    {"unknown bit 63", HDR_INCOMPATIBLE, B8, UINT64_C(1) << 63, QCOW2_FEATURE},
    {"unknown compatible bits", HDR_COMPATIBLE, B8, UINT64_MAX, QCOW2_OK},
    {"refcount order 7", HDR_REFCOUNT_ORDER, B4, 7, QCOW2_HDR_FIELD},
    {"header length 103", HDR_LENGTH, B4, 103, QCOW2_HDR_LEN},
    {"header length 105", HDR_LENGTH, B4, 105, QCOW2_HDR_LEN},
    {"header length 0", HDR_LENGTH, B4, 0, QCOW2_HDR_LEN},
    {"header length above the cluster", HDR_LENGTH, B4, CS + 8, QCOW2_HDR_LEN},
    {"padding", 107, B1, 1, QCOW2_HDR_LEN},
    {"backing name inside the header", HDR_BACKING_OFFSET, B8, 100, QCOW2_BACKING_NAME},
    {"backing name of no bytes", HDR_BACKING_OFFSET, B8, 2048, QCOW2_BACKING_NAME},
    {"backing name past the cluster", HDR_BACKING_OFFSET, B8, CS + 8, QCOW2_BACKING_NAME},
    {"backing name far away", HDR_BACKING_OFFSET, B8, UINT64_MAX, QCOW2_BACKING_NAME},
    {"extension too long", 116, B4, 1u << 30, QCOW2_EXT}, /* the end marker's length, with a type */

    {"L1 entry reserved low bits", L1_AT, B8, QCOW2_COPIED | L2_AT | 1, QCOW2_L1_ENTRY},
    {"L1 entry reserved high bits", L1_AT, B8, L2_AT | UINT64_C(1) << 60, QCOW2_L1_ENTRY},
    {"L1 entry unaligned", L1_AT, B8, QCOW2_COPIED | (L2_AT + 512), QCOW2_L1_ENTRY},
    {"L1 entry to the header", L1_AT, B8, QCOW2_COPIED, QCOW2_L1_ENTRY},
    {"L1 entry to the L1", L1_AT, B8, QCOW2_COPIED | L1_AT, QCOW2_OVERLAP},
    {"L1 entry past the end", L1_AT, B8, QCOW2_COPIED | UINT64_C(1) << 50, QCOW2_L1_ENTRY},
    {"L1 entry without COPIED", L1_AT, B8, L2_AT, QCOW2_OK},
    {"L1 entry zero", L1_AT, B8, 0, QCOW2_OK},
    {"L2 entry reserved", L2_AT, B8, QCOW2_COPIED | DATA_AT | 4, QCOW2_L2_ENTRY},
    {"L2 entry unaligned", L2_AT, B8, QCOW2_COPIED | (DATA_AT + 1024), QCOW2_L2_ENTRY},
    {"L2 entry past the end", L2_AT, B8, QCOW2_COPIED | GOOD_SIZE, QCOW2_L2_ENTRY},
    {"L2 entry at 2^55", L2_AT, B8, QCOW2_COPIED | UINT64_C(1) << 55, QCOW2_L2_ENTRY},
    {"L2 entry to the L1", L2_AT, B8, QCOW2_COPIED | L1_AT, QCOW2_OVERLAP},
    {"L2 entry to its own L2", L2_AT, B8, QCOW2_COPIED | L2_AT, QCOW2_OVERLAP},
    {"L2 entry to a refcount block", L2_AT, B8, QCOW2_COPIED | (2 * CS), QCOW2_OVERLAP},
    {"L2 entries twice the same", L2_AT + 8, B8, QCOW2_COPIED | DATA_AT, QCOW2_OVERLAP},
    {"L2 entry claims cluster 0", L2_AT, B8, QCOW2_COPIED, QCOW2_L2_ENTRY},
    {"L2 entry zero, preallocated", L2_AT, B8, QCOW2_COPIED | DATA_AT | 1, QCOW2_OK},
    {"L2 entry past the disk", L2_AT + 24, B8, QCOW2_ZERO, QCOW2_TAIL},
    {"compressed with COPIED", L2_AT, B8, UINT64_C(3) << 62 | DATA_AT, QCOW2_COMP},
    {"compressed past the end", L2_AT, B8, QCOW2_COMPRESSED | GOOD_SIZE, QCOW2_COMP},
    {"compressed in the header", L2_AT, B8, QCOW2_COMPRESSED | 100, QCOW2_COMP},
    {"compressed on the L1", L2_AT, B8, QCOW2_COMPRESSED | L1_AT, QCOW2_OVERLAP},
    {"compressed, place is legal", L2_AT, B8, QCOW2_COMPRESSED | (DATA_AT + 77), QCOW2_OK},
};

static void mutate(struct bytes *b, const struct image_row *row)
{
    switch (row->width) {
    case CUT:
        b->len = row->at;
        return;
    case B1:
        b->data[row->at] = (unsigned char)row->value;
        return;
    case B4:
        be32_put(b->data, row->at, (uint32_t)row->value);
        return;
    case B8:
        be64_put(b->data, row->at, row->value);
        return;
    }
}

START_TEST(one_mutation)
{
    const struct image_row *row = &rows[_i];
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    ck_assert_uint_eq(b.len, GOOD_SIZE);
    mutate(&b, row);
    if (strcmp(row->name, "extension too long") == 0)
        be32_put(b.data, 112, 0x12345678);
    if (strstr(row->name, "L1 entries past the disk"))
        be32_put(b.data, HDR_L1_SIZE, CS / 8 + 1); /* reaches into the L2 table */
    /* A copy of the exact length: a read past the end must not go unseen. */
    struct bytes exact = {b.len ? mem_dup(b.data, b.len) : NULL, b.len};
    enum qcow2_defect got = judge(&exact);
    free(exact.data);
    ck_assert_msg(got == row->want, "%s: expected %s, found %s", row->name,
                  qcow2_defect_code(row->want), qcow2_defect_code(got));
}
END_TEST

/* Every length of the first kilobyte, and every bit of the header: an answer, never a crash. */
START_TEST(any_cut_any_bit)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    for (size_t len = 0; len < 1024; len++) {
        struct bytes cut = {mem_dup(b.data, len + 1), len};
        cut.data = mem_realloc(cut.data, len ? len : 1);
        ck_assert_int_ne(judge(&cut), QCOW2_OK);
        free(cut.data);
    }
    for (size_t bit = 0; bit < 140 * 8; bit++) {
        b.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        judge(&b);
        b.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    ck_assert_int_eq(judge(&b), QCOW2_OK);
}
END_TEST

START_TEST(zero_flag_in_version_2)
{
    struct qcow2_writer_options v2 = {.version = 2};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A..", &v2);
    ck_assert_int_eq(judge(&b), QCOW2_OK);
    be64_put(b.data, L2_AT + 8, QCOW2_ZERO);
    ck_assert_int_eq(judge(&b), QCOW2_ZERO_V2);
}
END_TEST

/* Words of a 16-byte L2 entry; clusters of 16 KiB, layout as above. */
static const struct subcluster_row {
    const char *name;
    uint64_t word, bitmap;
    enum qcow2_defect want;
} subcluster_rows[] = {
    {"all allocated", QCOW2_COPIED | 5 * 16384, 0xffffffff, QCOW2_OK},
    {"some zero", QCOW2_COPIED | 5 * 16384, UINT64_C(0x0000010000000019), QCOW2_OK},
    {"all zero, no cluster", 0, UINT64_C(0xffffffff00000000), QCOW2_OK},
    {"both", QCOW2_COPIED | 5 * 16384, UINT64_C(0x0000000100000001), QCOW2_SUBCL},
    {"allocated nowhere", 0, 1, QCOW2_SUBCL},
    {"zero flag", QCOW2_COPIED | 5 * 16384 | 1, 1, QCOW2_ZERO_V2},
    {"compressed with bitmap", QCOW2_COMPRESSED | 5 * 16384, 1, QCOW2_SUBCL},
};

START_TEST(subclusters)
{
    const struct subcluster_row *row = &subcluster_rows[_i];
    __attribute__((cleanup(cleanup_bytes))) struct bytes b =
        make_subclusters(row->word, row->bitmap);
    enum qcow2_defect got = judge(&b);
    ck_assert_msg(got == row->want, "%s: expected %s, found %s", row->name,
                  qcow2_defect_code(row->want), qcow2_defect_code(got));
}
END_TEST

START_TEST(subclusters_read)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(14, "A", NULL);
    be64_put(b.data, HDR_INCOMPATIBLE, QCOW2_INCOMPAT_EXTENDED_L2);
    be64_put(b.data, 4 * 16384 + 8, UINT64_C(0x0000000200000005));
    struct qcow2_fault f = {0};
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(&b, "x", &f);
    struct qcow2_image *layers[] = {image};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(layers, 1, NULL, &f);
    ck_assert_ptr_nonnull(chain);
    char buf[2048], want[2048] = {0};
    ck_assert_int_eq(qcow2_chain_read(chain, 0, buf, sizeof buf, &f), 0);
    memset(want, 'A', 512);
    memset(want + 1024, 'A', 512);
    ck_assert_mem_eq(buf, want, sizeof buf);
    ck_assert_int_eq(qcow2_chain_extent_at(chain, 512).kind, QCOW2_EXTENT_ZERO);
    ck_assert_int_eq(qcow2_chain_extent_at(chain, 1536).kind, QCOW2_EXTENT_HOLE);
}
END_TEST

/* Names from the image are shown, but harmless. */
START_TEST(hostile_names_are_escaped)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(16, "A", NULL);
    be64_put(b.data, HDR_INCOMPATIBLE, UINT64_C(1) << 5);
    /* Feature table behind the header: the first entry becomes bit 5 with a name that would move
     * the cursor. */
    unsigned char *entry = b.data + QCOW2_V3_HEADER + 8;
    entry[1] = 5;
    memcpy(entry + 2, "\x1b[2Jx\n'y", 9);
    struct qcow2_fault f = {0};
    ck_assert_ptr_null(open_bytes(&b, "x", &f));
    ck_assert_int_eq(f.defect, QCOW2_FEATURE);
    ck_assert_ptr_nonnull(strstr(f.err.msg, "bit 5 '\\x1b[2Jx\\x0a\\x27y'"));
    ck_assert_int_eq(f.err.code, ERR_UNSUPPORTED);
    qcow2_fault_clear(&f);
    char small[12];
    ck_assert_str_eq(qcow2_quote(small, sizeof small, "abcdefghijklmnop", 16), "abcdefgh...");
}
END_TEST

START_TEST(extensions)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A", NULL);
    unsigned char *ext = b.data + QCOW2_V3_HEADER;
    be32_put(ext, 0, 0x11111111); /* unknown: skipped */
    be32_put(ext, 4, 3);
    be32_put(ext, 16, QCOW2_EXT_BACKING_FORMAT);
    be32_put(ext, 20, 5);
    memcpy(ext + 24, "qcow2", 5);
    ck_assert_int_eq(judge(&b), QCOW2_OK);
    be32_put(ext, 0, QCOW2_EXT_BACKING_FORMAT); /* twice */
    ck_assert_int_eq(judge(&b), QCOW2_EXT);
    be32_put(ext, 0, QCOW2_EXT_LUKS);
    ck_assert_int_eq(judge(&b), QCOW2_EXT); /* of 3 bytes */
    be32_put(ext, 4, UINT32_MAX);
    be32_put(ext, 0, 0x11111111);
    ck_assert_int_eq(judge(&b), QCOW2_EXT);
    /* 500 empty extensions, all different. */
    for (uint32_t i = 0; i < 490; i++)
        be64_put(ext, i * 8, (uint64_t)(i + 1) << 32);
    ck_assert_int_eq(judge(&b), QCOW2_EXT);
}
END_TEST

START_TEST(backing_names)
{
    struct qcow2_writer_options o = {.backing_name = "/var/lib/a b", .backing_format = "qcow2"};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(16, "A", &o);
    struct qcow2_fault f = {0};
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(&b, "x", &f);
    ck_assert_ptr_nonnull(image);
    ck_assert_str_eq(qcow2_image_info(image)->backing_name, "/var/lib/a b");
    ck_assert_str_eq(qcow2_image_info(image)->backing_format, "qcow2");
    uint64_t at = be64_at(b.data, HDR_BACKING_OFFSET);
    ck_assert_uint_eq(at, 528); /* where qemu-img puts it */
    ck_assert_int_eq(judge(&b), QCOW2_POLICY_BACKING);
    b.data[at + 3] = '\n';
    ck_assert_int_eq(judge(&b), QCOW2_BACKING_NAME);
    b.data[at + 3] = '\0';
    ck_assert_int_eq(judge(&b), QCOW2_BACKING_NAME);
    b.data[at + 3] = 'r';
    be32_put(b.data, HDR_BACKING_SIZE, 1024);
    ck_assert_int_eq(judge(&b), QCOW2_BACKING_NAME);
    be32_put(b.data, HDR_BACKING_SIZE, 12);
    be64_put(b.data, HDR_BACKING_OFFSET, 65536 - 4);
    ck_assert_int_ne(judge(&b), QCOW2_OK);
}
END_TEST

START_TEST(policies)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    struct qcow2_policy look = {.accept_corrupt_bit = true, .accept_unreadable = true};
    be64_put(b.data, HDR_INCOMPATIBLE, QCOW2_INCOMPAT_CORRUPT | QCOW2_INCOMPAT_DATA_FILE);
    struct qcow2_fault f = {0};
    AUTO(qcow2_image)
    struct qcow2_image *image = qcow2_image_open(qcow2_io_memory(b.data, b.len, "x"), &look, &f);
    ck_assert_ptr_nonnull(image);
    ck_assert(qcow2_image_info(image)->corrupt);
    ck_assert(qcow2_image_info(image)->data_file);
    struct qcow2_image *layers[] = {image};
    ck_assert_ptr_null(qcow2_chain_open(layers, 1, NULL, &f));
    ck_assert_int_eq(f.defect, QCOW2_POLICY_DATA_FILE);
    qcow2_fault_clear(&f);

    be64_put(b.data, HDR_INCOMPATIBLE, 0);
    struct qcow2_policy small = {.virtual_max = CS};
    ck_assert_ptr_null(qcow2_image_open(qcow2_io_memory(b.data, b.len, "x"), &small, &f));
    ck_assert_int_eq(f.defect, QCOW2_SIZE);
    qcow2_fault_clear(&f);

    struct qcow2_policy few = {.table_bytes_max = CS - 1};
    AUTO(qcow2_image)
    struct qcow2_image *limited = qcow2_image_open(qcow2_io_memory(b.data, b.len, "x"), &few, &f);
    struct qcow2_image *one[] = {limited};
    ck_assert_ptr_null(qcow2_chain_open(one, 1, NULL, &f));
    ck_assert_int_eq(f.defect, QCOW2_LIMIT);
    qcow2_fault_clear(&f);
}
END_TEST

START_TEST(short_tail_when_accepted)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A", NULL);
    b.len -= 1000;
    ck_assert_int_eq(judge(&b), QCOW2_L2_ENTRY);
    struct qcow2_policy lax = {.accept_short_tail = true};
    struct qcow2_fault f = {0};
    AUTO(qcow2_image)
    struct qcow2_image *image = qcow2_image_open(qcow2_io_memory(b.data, b.len, "x"), &lax, &f);
    struct qcow2_image *layers[] = {image};
    AUTO(qcow2_chain) struct qcow2_chain *chain = qcow2_chain_open(layers, 1, NULL, &f);
    ck_assert_ptr_nonnull(chain);
    char buf[CS], want[CS] = {0};
    memset(want, 'A', CS - 1000);
    ck_assert_int_eq(qcow2_chain_read(chain, 0, buf, CS, &f), 0);
    ck_assert_mem_eq(buf, want, CS);
}
END_TEST

START_TEST(what_is_no_file)
{
    char *folder = scratch_create();
    AUTO(str) char *fifo = mem_printf("%s/fifo", folder);
    AUTO(str) char *link = mem_printf("%s/link", folder);
    AUTO(str) char *none = mem_printf("%s/none", folder);
    ck_assert_int_eq(run_tool((const char *const[]){"mkfifo", fifo, NULL}), 0);
    ck_assert_int_eq(symlink("/etc/passwd", link), 0);
    static const enum qcow2_defect want[] = {QCOW2_NOT_REGULAR, QCOW2_NOT_REGULAR, QCOW2_IO,
                                             QCOW2_NOT_REGULAR};
    const char *paths[] = {fifo, link, none, folder};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct qcow2_fault f = {0};
        ck_assert_ptr_null(qcow2_image_open_file(paths[i], NULL, &f));
        ck_assert_msg(f.defect == want[i], "%s: %s", paths[i], f.err.msg);
        qcow2_fault_clear(&f);
    }
    scratch_remove(folder);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("qcow2.image",
                      SUITE_LONG_CASE("image", 60, EACH(one_mutation, rows), TEST(any_cut_any_bit),
                                      TEST(zero_flag_in_version_2),
                                      EACH(subclusters, subcluster_rows), TEST(subclusters_read),
                                      TEST(hostile_names_are_escaped), TEST(extensions),
                                      TEST(backing_names), TEST(policies),
                                      TEST(short_tail_when_accepted), TEST(what_is_no_file)));
}
