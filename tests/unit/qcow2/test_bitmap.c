/* Persistent bitmaps and internal snapshots as lists: what is there, which bits, and one mutation
 * per rule. */
#include "qcow2/bitmap.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "qcow2/format.h"
#include "qcow2/snapshot.h"
#include "tests/unit/qcow2/parts.h"
#include "tests/unit/suite.h"

/* 512-byte clusters, a disk of 6 MiB: with granules of 512 bytes 12288 bits, which are three
 * clusters of them. */
#define CS 512u
#define SIZE (UINT64_C(6) << 20)

static struct bytes image_of(uint64_t size)
{
    struct qcow2_writer_options o = {.virtual_size = size};
    return make_image(9, "A", &o);
}

/* "offset+len ..." of all dirty ranges. */
static char *ranges(struct qcow2_bitmaps *b, size_t index)
{
    struct strbuf text = {0};
    struct qcow2_fault f = {0};
    for (uint64_t at = 0, len;; at += len) {
        ck_assert_int_eq(qcow2_bitmap_next(b, index, &at, &len, &f), 0);
        if (len == 0)
            break;
        strbuf_addf(&text, "%llu+%llu ", (unsigned long long)at, (unsigned long long)len);
    }
    return strbuf_take(&text);
}

static struct qcow2_bitmaps *read_list(struct qcow2_image *image)
{
    struct qcow2_fault f = {0};
    struct qcow2_bitmaps *b = qcow2_bitmaps_read(image, &f);
    ck_assert_msg(b != NULL, "%s", f.err.msg ? f.err.msg : "");
    return b;
}

START_TEST(bits)
{
    unsigned char three[3 * CS] = {0}, few[8] = {0x81, 0, 0xff, 1};
    memset(three + CS - 1, 0xff, CS + 2); /* last byte of the first, all of the second, one more */
    three[0] = 0x05;
    three[3 * CS - 1] = 0x80;
    const struct parts_bitmap list[] = {
        {"three clusters of bits", 9, QCOW2_BITMAP_AUTO, three, sizeof three},
        {"few", 16, QCOW2_BITMAP_IN_USE, few, sizeof few},
        {"none", 31, 0, few, 0},
    };
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = image_of(SIZE);
    parts_bitmaps(&b, list, ARRAY_LEN(list));
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(&b, "x", NULL);
    ck_assert_ptr_nonnull(image);
    ck_assert_uint_eq(qcow2_image_info(image)->bitmaps, 3);
    ck_assert(qcow2_image_info(image)->bitmaps_trusted);
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *bm = read_list(image);
    ck_assert_uint_eq(qcow2_bitmaps_count(bm), 3);
    const struct qcow2_bitmap_info *info = qcow2_bitmaps_at(bm, 0);
    ck_assert_str_eq(info->name, list[0].name);
    ck_assert_uint_eq(info->name_len, strlen(list[0].name));
    ck_assert_uint_eq(info->granularity, 512);
    ck_assert(info->automatic);
    ck_assert(!info->in_use);
    ck_assert(qcow2_bitmaps_at(bm, 1)->in_use);
    AUTO(str) char *first = ranges(bm, 0);
    /* bits 0, 2, then 511*8 to 1025*8-1, then the last. */
    ck_assert_str_eq(first, "0+512 1024+512 2093056+2105344 6290944+512 ");
    AUTO(str) char *second = ranges(bm, 1);
    ck_assert_str_eq(second, "0+65536 458752+65536 1048576+589824 ");
    AUTO(str) char *third = ranges(bm, 2);
    ck_assert_str_eq(third, "");
}
END_TEST

/* A granule that sticks out of the disk, a disk that starts in the middle of a granule. */
START_TEST(clipped)
{
    const unsigned char ones[8] = {0xff, 0xff};
    const struct parts_bitmap one = {"b", 16, 0, ones, sizeof ones};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = image_of(3 * 65536 + 512);
    parts_bitmaps(&b, &one, 1);
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(&b, "x", NULL);
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *bm = read_list(image);
    uint64_t at = 70000, len;
    ck_assert_int_eq(qcow2_bitmap_next(bm, 0, &at, &len, NULL), 0);
    ck_assert_uint_eq(at, 70000);
    ck_assert_uint_eq(len, 3 * 65536 + 512 - 70000);
    at += len;
    ck_assert_int_eq(qcow2_bitmap_next(bm, 0, &at, &len, NULL), 0);
    ck_assert_uint_eq(len, 0);
}
END_TEST

/* Asked from a granule in the middle of a byte. */
START_TEST(from_the_middle)
{
    const unsigned char pattern[8] = {0x01, 0x01, 0xff, 0xfe};
    const struct parts_bitmap one = {"b", 16, 0, pattern, sizeof pattern};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = image_of(SIZE);
    parts_bitmaps(&b, &one, 1);
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(&b, "x", NULL);
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *bm = read_list(image);
    static const uint64_t rows[][3] = {
        /* from, found, length; in granules */
        {0, 0, 1},   {1, 8, 1},   {3, 8, 1},   {8, 8, 1},   {9, 16, 8},
        {19, 19, 5}, {24, 25, 7}, {28, 28, 4}, {32, 96, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t at = rows[i][0] * 65536, len;
        ck_assert_int_eq(qcow2_bitmap_next(bm, 0, &at, &len, NULL), 0);
        ck_assert_uint_eq(at, rows[i][1] * 65536);
        ck_assert_uint_eq(len, rows[i][2] * 65536);
    }
}
END_TEST

START_TEST(stale_is_none)
{
    const unsigned char ones[8] = {0xff};
    const struct parts_bitmap one = {"b", 16, 0, ones, sizeof ones};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = image_of(SIZE);
    parts_bitmaps(&b, &one, 1);
    be64_put(b.data, HDR_AUTOCLEAR, 0);
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(&b, "x", NULL);
    ck_assert_uint_eq(qcow2_image_info(image)->bitmaps, 1);
    ck_assert(!qcow2_image_info(image)->bitmaps_trusted);
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *bm = read_list(image);
    ck_assert_uint_eq(qcow2_bitmaps_count(bm), 0);
}
END_TEST

/* One mutation of the directory (`at` counts from its begin), the extension or a table. */
enum place { DIRECTORY, EXTENSION, TABLE };

static const struct bad_row {
    const char *name;
    enum place place;
    unsigned at, width;
    uint64_t value;
    bool good;
} bad_rows[] = {
    {"good", DIRECTORY, 0, 0, 0, true},
    {"no bitmaps", EXTENSION, 0, 4, 0, false},
    {"one bitmap more", EXTENSION, 0, 4, 3, false},
    {"one bitmap less", EXTENSION, 0, 4, 1, false},
    {"too many bitmaps", EXTENSION, 0, 4, 65536, false},
    {"reserved field", EXTENSION, 4, 4, 1, false},
    {"directory of no bytes", EXTENSION, 8, 8, 0, false},
    {"directory 8 bytes shorter", EXTENSION, 8, 8, 56, false},
    {"directory 8 bytes longer", EXTENSION, 8, 8, 72, false},
    {"directory of 2^60 bytes", EXTENSION, 8, 8, UINT64_C(1) << 60, false},
    {"directory unaligned", EXTENSION, 16, 8, 1000, false},
    {"directory past the end", EXTENSION, 16, 8, UINT64_C(1) << 40, false},
    {"directory wraps", EXTENSION, 16, 8, UINT64_MAX - CS + 1, false},
    {"table at 0", DIRECTORY, 0, 8, 0, false},
    {"table unaligned", DIRECTORY, 0, 8, 520, false},
    {"table past the end", DIRECTORY, 0, 8, UINT64_C(1) << 40, false},
    {"table of no entries", DIRECTORY, 8, 4, 0, false},
    {"table too long", DIRECTORY, 8, 4, 2, false},
    {"table of 2^32 entries", DIRECTORY, 8, 4, UINT32_MAX, false},
    {"flag 2", DIRECTORY, 12, 4, 4, false},
    {"flag 31", DIRECTORY, 12, 4, UINT64_C(1) << 31, false},
    {"in use, so a long table is legal", DIRECTORY, 8, 8, UINT64_C(0x200000001), true},
    {"type 0", DIRECTORY, 16, 1, 0, false},
    {"type 2", DIRECTORY, 16, 1, 2, false},
    {"granularity 2^8", DIRECTORY, 17, 1, 8, false},
    {"granularity 2^32", DIRECTORY, 17, 1, 32, false},
    {"granularity 2^255", DIRECTORY, 17, 1, 255, false},
    {"granularity 2^9: the table is too short", DIRECTORY, 17, 1, 9, false},
    {"no name", DIRECTORY, 18, 2, 0, false},
    {"name of 1024 bytes", DIRECTORY, 18, 2, 1024, false},
    {"name leaves the directory", DIRECTORY, 32 + 18, 2, 100, false},
    {"extra data", DIRECTORY, 20, 4, 8, false},
    {"extra data of 4 GiB", DIRECTORY, 20, 4, UINT32_MAX, false},
    {"the same name", DIRECTORY, 32 + 24, 1, 'a', false},
    {"entry: all ones", TABLE, 0, 8, 1, true},
    {"entry: reserved bit 1", TABLE, 0, 8, 2, false},
    {"entry: reserved bit 63", TABLE, 0, 8, UINT64_C(1) << 63, false},
    {"entry: cluster and all ones", TABLE, 0, 8, CS + 1, false},
    {"entry: the header", TABLE, 0, 8, 0, true},
    {"entry: past the end", TABLE, 0, 8, UINT64_C(1) << 40, false},
};

static void put(unsigned char *at, unsigned width, uint64_t value)
{
    for (unsigned i = width; i-- > 0; value >>= 8)
        at[i] = (unsigned char)value;
}

START_TEST(bad_directory)
{
    const struct bad_row *row = &bad_rows[_i];
    const unsigned char some[8] = {1, 2, 3};
    const struct parts_bitmap list[] = {{"a", 16, 0, some, sizeof some},
                                        {"b", 16, 0, some, sizeof some}};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = image_of(SIZE);
    uint64_t directory = parts_bitmaps(&b, list, 2);
    uint64_t places[] = {directory, QCOW2_V3_HEADER + 8, be64_at(b.data, directory)};
    put(b.data + places[row->place] + row->at, row->width, row->value);
    if (strncmp(row->name, "in use", 6) == 0)
        b.data[directory + 15] = 1;
    struct qcow2_fault f = {0};
    AUTO(qcow2_image) struct qcow2_image *image = open_bytes(&b, "x", &f);
    AUTO(qcow2_bitmaps) struct qcow2_bitmaps *bm = image ? qcow2_bitmaps_read(image, &f) : NULL;
    ck_assert_msg((bm != NULL) == row->good, "%s: %s", row->name, f.err.msg ? f.err.msg : "taken");
    if (!row->good)
        ck_assert_msg(f.defect == QCOW2_BITMAP, "%s: %s", row->name, f.err.msg);
    qcow2_fault_clear(&f);
}
END_TEST

/* ---- snapshots ---- */

static const struct qcow2_policy look = {.accept_snapshots = true};

START_TEST(snapshot_list)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    parts_snapshots(&b, 2);
    ck_assert_int_eq(judge(&b), QCOW2_POLICY_SNAPSHOTS);
    AUTO(qcow2_image)
    struct qcow2_image *image = qcow2_image_open(qcow2_io_memory(b.data, b.len, "x"), &look, NULL);
    ck_assert_ptr_nonnull(image);
    AUTO(qcow2_snapshots) struct qcow2_snapshots *s = qcow2_snapshots_read(image, NULL);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(qcow2_snapshots_count(s), 2);
    const struct qcow2_snapshot_info *info = qcow2_snapshots_at(s, 1);
    ck_assert_str_eq(info->id, "2");
    ck_assert_str_eq(info->name, "name");
    ck_assert_uint_eq(info->disk_size, 3 * 4096);
    ck_assert_uint_eq(info->seconds, 1700000001);
    ck_assert_uint_eq(info->l1_entries, 1);
    ck_assert_uint_eq(info->l1_offset % 4096, 0);
}
END_TEST

static const struct snapshot_row {
    const char *name;
    unsigned at, width;
    uint64_t value;
    bool good;
} snapshot_rows[] = {
    {"good", 0, 0, 0, true},
    {"L1 unaligned", 0, 8, 4096 + 8, false},
    {"L1 past the end", 0, 8, UINT64_C(1) << 40, false},
    {"L1 wraps", 0, 8, UINT64_MAX - 4095, false},
    {"L1 too large", 8, 4, 4194305, false},
    {"L1 leaves the file", 8, 4, 4194304, false},
    {"id leaves the file", 12, 2, 0xffff, false},
    {"name leaves the file", 14, 2, 0xffff, false},
    {"extra data of 1025 bytes", 36, 4, 1025, false},
    {"extra data of 4 GiB", 36, 4, UINT32_MAX, false},
    {"extra data of 8 bytes", 36, 4, 8, false},
};

START_TEST(bad_snapshot)
{
    const struct snapshot_row *row = &snapshot_rows[_i];
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    parts_snapshots(&b, 1);
    put(b.data + be64_at(b.data, HDR_SNAPSHOTS_OFFSET) + row->at, row->width, row->value);
    struct qcow2_fault f = {0};
    AUTO(qcow2_image)
    struct qcow2_image *image = qcow2_image_open(qcow2_io_memory(b.data, b.len, "x"), &look, &f);
    ck_assert_ptr_nonnull(image);
    AUTO(qcow2_snapshots) struct qcow2_snapshots *s = qcow2_snapshots_read(image, &f);
    ck_assert_msg((s != NULL) == row->good, "%s: %s", row->name, f.err.msg ? f.err.msg : "taken");
    if (!row->good)
        ck_assert_msg(f.defect == QCOW2_SNAP, "%s: %s", row->name, f.err.msg);
    qcow2_fault_clear(&f);
}
END_TEST

/* ---- what the header tells of them ---- */

START_TEST(info_tells)
{
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "A.0", NULL);
    parts_extension(&b, 0x11223344, "hello", 5);
    parts_extension(&b, 0x55667788, "", 0);
    const unsigned char luks[16] = {[6] = 0x10, [13] = 1};
    parts_extension(&b, QCOW2_EXT_LUKS, luks, sizeof luks);
    be32_put(b.data, HDR_CRYPT, QCOW2_CRYPT_LUKS);
    be64_put(b.data, HDR_COMPATIBLE, QCOW2_COMPAT_LAZY_REFCOUNTS);
    be64_put(b.data, HDR_INCOMPATIBLE, QCOW2_INCOMPAT_DATA_FILE);
    be64_put(b.data, HDR_AUTOCLEAR, QCOW2_AUTOCLEAR_RAW);
    struct qcow2_policy all = {.accept_unreadable = true};
    AUTO(qcow2_image)
    struct qcow2_image *image = qcow2_image_open(qcow2_io_memory(b.data, b.len, "x"), &all, NULL);
    ck_assert_ptr_nonnull(image);
    const struct qcow2_info *info = qcow2_image_info(image);
    ck_assert_uint_eq(info->unknown_extensions_count, 2);
    ck_assert_uint_eq(info->unknown_extensions[0].type, 0x11223344);
    ck_assert_uint_eq(info->unknown_extensions[0].length, 5);
    ck_assert_uint_eq(info->unknown_extensions[1].type, 0x55667788);
    ck_assert(info->luks);
    ck_assert_uint_eq(info->luks_offset, 4096);
    ck_assert_uint_eq(info->luks_length, 65536);
    ck_assert(info->lazy_refcounts);
    ck_assert(info->data_file_raw);
    ck_assert_uint_eq(info->header_length, 112);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("qcow2.bitmap",
                      SUITE_CASE("bitmap", TEST(bits), TEST(clipped), TEST(from_the_middle),
                                 TEST(stale_is_none), EACH(bad_directory, bad_rows),
                                 TEST(snapshot_list), EACH(bad_snapshot, snapshot_rows),
                                 TEST(info_tells)));
}
