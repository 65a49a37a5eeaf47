/* A chain of three layers with known content, cut into columns. */
#include "runner/qcow2/columns.h"

#include "base/disk.h"
#include "qcow2/layer.h"
#include "tests/unit/suite.h"

#define UNIT UINT64_C(65536) /* of a cluster */
#define BLOCKS(units) ((units) * (UNIT / DISK_BLOCK))
#define LAYERS 3

/* In units: data in [0, 50), then in [10, 20), then zeros in [15, 30); of 100. */
static struct qcow2_image *images[LAYERS];
static unsigned char *bytes[LAYERS];

static void make_layer(size_t at, const struct disk_moment *from, const struct disk_moment *to)
{
    struct qcow2_layer_options options = {.cluster_bits = 16, .never = QCOW2_NEVER_UNALLOCATED};
    AUTO(qcow2_sink) struct qcow2_sink *sink = qcow2_sink_memory("layer", 200 * UNIT);
    struct qcow2_fault fault = {0};
    size_t len;

    ck_assert_msg(qcow2_layer_write(sink, from, to, &options, NULL, &fault) == 0, "%s",
                  fault.err.msg);
    bytes[at] = qcow2_sink_memory_take(sink, &len);
    images[at] = qcow2_image_open(qcow2_io_memory(bytes[at], len, "layer"), NULL, &fault);
    ck_assert_msg(images[at] != NULL, "%s", fault.err.msg);
}

static struct qcow2_chain *open_chain(void)
{
    AUTO(disk) struct disk_model *disk = disk_create(7, BLOCKS(100));
    struct disk_moment *moments[LAYERS + 1] = {NULL};
    struct qcow2_fault fault = {0};
    struct qcow2_chain *chain;

    disk_write(disk, 0, BLOCKS(50));
    moments[1] = disk_checkpoint(disk, "F");
    disk_write(disk, BLOCKS(10), BLOCKS(10));
    moments[2] = disk_checkpoint(disk, "I1");
    disk_zero(disk, BLOCKS(15), BLOCKS(15));
    moments[3] = disk_checkpoint(disk, "I2");
    for (size_t i = 0; i < LAYERS; i++)
        make_layer(i, moments[i], moments[i + 1]);
    chain = qcow2_chain_open(images, LAYERS, NULL, &fault);
    ck_assert_msg(chain != NULL, "%s", fault.err.msg);
    return chain;
}

static void close_chain(struct qcow2_chain *chain)
{
    qcow2_chain_destroy(chain);
    for (size_t i = 0; i < LAYERS; i++) {
        qcow2_image_destroy(images[i]);
        free(bytes[i]);
    }
}

#define NONE COLUMNS_NO_ROW

/* What a column of one unit shows, and which rows hold something there, shown or hidden. */
static const struct row {
    const char *name;
    size_t column, rows_max, top;
    uint8_t top_kind;
    const char *rows; /* per row: '-' nothing, 'd' data, 'z' zeros; upper case: shown */
} rows[] = {
    {"base alone", 5, 8, 0, QCOW2_EXTENT_DATA, "D--"},
    {"its last", 49, 8, 0, QCOW2_EXTENT_DATA, "D--"},
    {"behind it", 50, 8, NONE, COLUMNS_NOTHING, "---"},
    {"end", 99, 8, NONE, COLUMNS_NOTHING, "---"},
    {"increment hides the base", 10, 8, 1, QCOW2_EXTENT_DATA, "dD-"},
    {"zeros hide both", 15, 8, 2, QCOW2_EXTENT_ZERO, "ddZ"},
    {"zeros hide the base", 29, 8, 2, QCOW2_EXTENT_ZERO, "d-Z"},
    {"two layers in a row", 10, 2, 0, QCOW2_EXTENT_DATA, "D-"},
    {"two layers in a row, hidden", 15, 2, 1, QCOW2_EXTENT_ZERO, "dZ"},
    {"everything in a row", 15, 1, 0, QCOW2_EXTENT_ZERO, "d"},
};

static char letter(const struct columns_row *row, size_t column)
{
    static const char hidden[] = "dzc", shown[] = "DZC";

    if (row->kind[column] == COLUMNS_NOTHING)
        return '-';
    return (row->visible[column] ? shown : hidden)[row->kind[column]];
}

START_TEST(columns)
{
    const struct row *r = &rows[_i];
    struct qcow2_chain *chain = open_chain();
    struct qcow2_fault fault = {0};
    struct columns c;

    ck_assert_int_eq(columns_read(&c, chain, 100, r->rows_max, &fault), 0);
    ck_assert_msg(c.top[r->column] == r->top, "%s: row %zu is on top", r->name, c.top[r->column]);
    ck_assert_msg(c.top_kind[r->column] == r->top_kind, "%s: kind %u", r->name,
                  c.top_kind[r->column]);
    ck_assert_uint_eq(c.row_count, strlen(r->rows));
    for (size_t i = 0; i < c.row_count; i++)
        ck_assert_msg(letter(&c.rows[i], r->column) == r->rows[i], "%s: row %zu is '%c'", r->name,
                      i, letter(&c.rows[i], r->column));
    columns_finish(&c);
    close_chain(chain);
}
END_TEST

static const struct total {
    size_t row;
    uint64_t held_data, shown_data, held_zero, shown_zero; /* units */
} totals[] = {{0, 50, 30, 0, 0}, {1, 10, 5, 0, 0}, {2, 0, 0, 15, 15}};

START_TEST(bytes_of_rows)
{
    const struct total *t = &totals[_i];
    struct qcow2_chain *chain = open_chain();
    struct qcow2_fault fault = {0};
    struct columns c;

    ck_assert_int_eq(columns_read(&c, chain, 7, 8, &fault), 0);
    ck_assert_uint_eq(c.rows[t->row].held[QCOW2_EXTENT_DATA], t->held_data * UNIT);
    ck_assert_uint_eq(c.rows[t->row].shown[QCOW2_EXTENT_DATA], t->shown_data * UNIT);
    ck_assert_uint_eq(c.rows[t->row].held[QCOW2_EXTENT_ZERO], t->held_zero * UNIT);
    ck_assert_uint_eq(c.rows[t->row].shown[QCOW2_EXTENT_ZERO], t->shown_zero * UNIT);
    columns_finish(&c);
    close_chain(chain);
}
END_TEST

/* Columns cover any disk without a gap, the smallest and the largest. */
static const uint64_t sizes[] = {0, 1, 511, 840, 841, 1 << 20, UINT64_C(3) << 40, UINT64_MAX};

START_TEST(starts)
{
    struct columns c = {.size = sizes[_i], .count = 840};

    ck_assert(columns_start(&c, 0) == 0);
    ck_assert(columns_start(&c, 840) == sizes[_i]);
    for (size_t i = 0; i < 840; i++)
        ck_assert(columns_start(&c, i) <= columns_start(&c, i + 1));
}
END_TEST

int main(void)
{
    return SUITE_MAIN("columns", SUITE_CASE("all", EACH(columns, rows), EACH(bytes_of_rows, totals),
                                            EACH(starts, sizes)));
}
