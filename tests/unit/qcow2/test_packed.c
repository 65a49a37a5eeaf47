/* What compressed clusters may share: bytes of one sector, and no data. */
#include <check.h>

#include "qcow2/check.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/support.h"
#include "tests/unit/suite.h"

/* Clusters of 4 KiB: L2 table in cluster 4, room for compressed data in clusters 5 to 8. */
#define L2_AT (4 * 4096)
#define PLACE_BITS 58
#define AT(offset, more_sectors)                                                                   \
    (QCOW2_COMPRESSED | UINT64_C(more_sectors) << PLACE_BITS | UINT64_C(offset))

static const struct packed_row {
    const char *name;
    uint64_t first, second;
    enum qcow2_defect want;
} rows[] = {
    {"apart", AT(20480, 0), AT(24576, 0), QCOW2_OK},
    {"one sector, one behind the other", AT(20480, 0), AT(20500, 0), QCOW2_OK},
    {"begins where the other's last sector is", AT(20480, 2), AT(21600, 0), QCOW2_OK},
    {"begins behind the first byte of the other's last sector", AT(20480, 2), AT(21505, 1),
     QCOW2_OK},
    {"begins with that byte", AT(20480, 2), AT(21504, 1), QCOW2_OVERLAP},
    {"inside the other", AT(20480, 2), AT(20992, 0), QCOW2_OVERLAP},
    {"the same data", AT(20480, 0), AT(20480, 0), QCOW2_OVERLAP},
    {"the same data, other lengths", AT(20480, 0), AT(20480, 1), QCOW2_OVERLAP},
    {"the later cluster first", AT(28000, 0), AT(20480, 1), QCOW2_OK},
    {"the later cluster first, inside the other", AT(20992, 0), AT(20480, 2), QCOW2_OVERLAP},
    {"far apart, the later first", AT(36000, 0), AT(20481, 7), QCOW2_OK},
};

/* qemu has no opinion, so it is no corruption. */
static bool check_warns(const struct bytes *b)
{
    AUTO(qcow2_io) struct qcow2_io *io = qcow2_io_memory(b->data, b->len, "image");
    AUTO(qcow2_check) struct qcow2_check_report r = {0};
    ck_assert_int_eq(qcow2_check(io, NULL, &r, NULL), 0);
    for (size_t i = 0; i < r.count; i++)
        if (r.items[i].defect == QCOW2_OVERLAP)
            return r.items[i].severity == QCOW2_SEVERITY_WARNING;
    return false;
}

START_TEST(two_clusters)
{
    const struct packed_row *row = &rows[_i];
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, "ABCD", NULL);
    be64_put(b.data, L2_AT, row->first);
    be64_put(b.data, L2_AT + 8, row->second);
    be64_put(b.data, L2_AT + 16, 0);
    be64_put(b.data, L2_AT + 24, 0);
    enum qcow2_defect got = judge(&b);
    ck_assert_msg(got == row->want, "%s: expected %s, found %s", row->name,
                  qcow2_defect_code(row->want), qcow2_defect_code(got));
    ck_assert_msg(check_warns(&b) == (row->want == QCOW2_OVERLAP), "%s: the check", row->name);
}
END_TEST

/* Many in no order: sorted by several digits of their offsets. */
START_TEST(many_clusters)
{
    enum { CLUSTERS = 512, FIRST = 5 * 4096 };
    char layout[CLUSTERS + 1];
    for (unsigned i = 0; i < CLUSTERS; i++)
        layout[i] = 'A';
    layout[CLUSTERS] = '\0';
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = make_image(12, layout, NULL);
    for (uint64_t i = 0; i < CLUSTERS; i++)
        be64_put(b.data, L2_AT + i * 8, AT(0, 7) | (FIRST + i * 157 % CLUSTERS * 3600));
    ck_assert_int_eq(judge(&b), QCOW2_OK);
    /* One moves into the data of the one before it. */
    uint64_t moved = be64_at(b.data, L2_AT + 100 * 8);
    be64_put(b.data, L2_AT + 100 * 8, moved - 3600 + 512);
    ck_assert_int_eq(judge(&b), QCOW2_OVERLAP);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("qcow2/packed",
                      SUITE_CASE("packed", EACH(two_clusters, rows), TEST(many_clusters)));
}
