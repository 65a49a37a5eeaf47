/* Layers of every kind against the rule that made the disk, and what they must not do. */
#include "qcow2/layer.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "qcow2/format.h"
#include "tests/unit/qcow2/combos.h"
#include "tests/unit/suite.h"

/* From checkpoint "from" to "to". */
static struct bytes changes_of(const struct disk_model *d, const struct qcow2_layer_options *o)
{
    return make_layer(disk_find(d, "from"), disk_find(d, "to"), o);
}

/* Its bits are the changes since the layer before; a full backup has none. */
static void check_bitmap(const struct bytes *b, const struct disk_model *d, size_t i,
                         const char *what)
{
    uint64_t count, at = 0;
    AUTO(mem) void *owner = image_bitmap(b, COMBO_BITMAP, 16, &count);
    const unsigned char *bits = owner;
    AUTO(mem) void *want_owner = mem_zalloc(count);
    unsigned char *want = want_owner;
    struct disk_run run;
    while (i && disk_next_change(disk_checkpoint_at(d, i - 1), disk_checkpoint_at(d, i), &at, &run))
        for (uint64_t block = run.block; block < run.block + run.count; block++)
            want[block / 16] = 1;
    for (uint64_t k = 0; k < count; k++)
        ck_assert_msg((bits[k / 8] >> k % 8 & 1) == want[k], "%s: c%zu: bit %llu", what, i,
                      (unsigned long long)k);
}

START_TEST(equals_the_rule)
{
    struct combo c = combo_at((size_t)_i);
    AUTO(disk) struct disk_model *d = combo_disk((uint64_t)_i);
    struct bytes layers[COMBO_LAYERS];
    for (size_t i = 0; i < COMBO_LAYERS; i++) {
        layers[i] = combo_layer(&c, d, i);
        ck_assert_msg(combo_differs(layers, i + 1, disk_checkpoint_at(d, i), c.name) == 0,
                      "%s: c%zu", c.name, i);
        if (c.options.bitmap)
            check_bitmap(&layers[i], d, i, c.name);
    }
    for (size_t i = 0; i < COMBO_LAYERS; i++)
        free(layers[i].data);
}
END_TEST

START_TEST(same_options_same_bytes)
{
    struct combo c = combo_at((size_t)_i * 5);
    AUTO(disk) struct disk_model *d = combo_disk(8);
    __attribute__((cleanup(cleanup_bytes))) struct bytes a = combo_layer(&c, d, 1);
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = combo_layer(&c, d, 1);
    ck_assert_msg(a.len == b.len && memcmp(a.data, b.data, a.len) == 0, "%s", c.name);
}
END_TEST

/* ---- subclusters ---- */

static uint64_t entry_word(const struct bytes *b, unsigned word)
{
    uint64_t l2 = be64_at(b->data, be64_at(b->data, HDR_L1_OFFSET)) & QCOW2_OFFSET_MASK;
    return be64_at(b->data, l2 + word * UINT64_C(8));
}

/* One cluster of 16 KiB has 32 subclusters of 512 bytes, 8 to a block; of 2 MiB, 16 blocks to a
 * subcluster. */
static const struct part_row {
    const char *name;
    uint32_t bits;
    uint64_t block, count;
    bool zero;
    uint64_t want;
} parts[] = {
    {"a block of 8 subclusters", 14, 1, 1, false, UINT64_C(0x0000ff00)},
    {"the same, discarded", 14, 1, 1, true, UINT64_C(0x0000ff0000000000)},
    {"everything", 14, 0, 4, false, UINT64_C(0xffffffff)},
    {"everything discarded", 14, 0, 4, true, UINT64_C(0xffffffff00000000)},
    {"half a subcluster of 8 KiB", 18, 3, 1, false, UINT64_C(0x00000002)},
    {"two halves", 18, 3, 2, false, UINT64_C(0x00000006)},
    {"one block of a subcluster of 64 KiB", 21, 511, 1, false, UINT64_C(0x80000000)},
};

START_TEST(stores_only_what_was_touched)
{
    const struct part_row *row = &parts[_i];
    AUTO(disk) struct disk_model *d = disk_create(3, 512);
    disk_checkpoint(d, "from");
    if (row->zero)
        disk_zero(d, row->block, row->count);
    else
        disk_write(d, row->block, row->count);
    disk_checkpoint(d, "to");
    struct qcow2_layer_options o = {.cluster_bits = row->bits, .extended_l2 = true};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = changes_of(d, &o);
    ck_assert_msg(entry_word(&b, 1) == row->want, "%s: 0x%016llx", row->name,
                  (unsigned long long)entry_word(&b, 1));
    ck_assert_int_eq((entry_word(&b, 0) & QCOW2_OFFSET_MASK) != 0, !row->zero);
}
END_TEST

/* A block that has data beside one that was discarded: both states in one cluster. */
START_TEST(data_and_zeros_in_one_cluster)
{
    AUTO(disk) struct disk_model *d = disk_create(3, 16);
    disk_write(d, 0, 16);
    disk_checkpoint(d, "from");
    disk_write(d, 2, 1);
    disk_zero(d, 4, 3);
    disk_checkpoint(d, "to");
    struct qcow2_layer_options o = {.cluster_bits = 16, .extended_l2 = true};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = changes_of(d, &o);
    ck_assert_uint_eq(entry_word(&b, 1), UINT64_C(0x00003f0000000030));
}
END_TEST

/* ---- version 2 ---- */

START_TEST(version_2_writes_zeros)
{
    AUTO(disk) struct disk_model *d = disk_create(3, 64);
    disk_write(d, 0, 64);
    disk_checkpoint(d, "from");
    disk_zero(d, 16, 16);
    disk_checkpoint(d, "to");
    struct qcow2_layer_options o = {.cluster_bits = 16, .version = 2};
    __attribute__((cleanup(cleanup_bytes))) struct bytes b = changes_of(d, &o);
    ck_assert_uint_eq(entry_word(&b, 0), 0);
    ck_assert_uint_ne(entry_word(&b, 1) & QCOW2_OFFSET_MASK, 0);
    ck_assert_uint_eq(entry_word(&b, 2), 0);
}
END_TEST

/* ---- size ---- */

/* A sink that keeps nothing but a count. */
struct counting_sink {
    struct qcow2_sink sink;
    uint64_t calls, largest;
};

static int count_write(struct qcow2_sink *sink, uint64_t offset, const void *buf, size_t len,
                       struct qcow2_fault *retfault)
{
    (void)offset;
    (void)buf;
    (void)retfault;
    struct counting_sink *s = (struct counting_sink *)sink;
    s->calls++;
    s->largest = len > s->largest ? len : s->largest;
    return 0;
}

static int count_commit(struct qcow2_sink *sink, uint64_t size, struct qcow2_fault *retfault)
{
    (void)sink;
    (void)size;
    (void)retfault;
    return 0;
}

static const struct qcow2_sink_ops counting_ops = {.write = count_write, .commit = count_commit};

/* System calls: neighbours go out together. */
START_TEST(few_writes)
{
    static const struct {
        uint32_t bits;
        uint64_t blocks, most;
    } rows[] = {{9, 4, 1}, {12, 16, 1}, {16, 2048, 14}, {18, 2048, 14}, {21, 2048, 14}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(disk) struct disk_model *d = disk_create(3, rows[i].blocks);
        disk_write(d, 0, rows[i].blocks);
        disk_checkpoint(d, "to");
        char name[] = "counting";
        struct counting_sink s = {.sink = {.ops = &counting_ops, .name = name, .fresh = true}};
        struct qcow2_layer_options o = {.cluster_bits = rows[i].bits};
        ck_assert_int_eq(qcow2_layer_write(&s.sink, NULL, disk_find(d, "to"), &o, NULL, NULL), 0);
        ck_assert_msg(s.calls <= rows[i].most, "%u cluster bits: %llu writes", rows[i].bits,
                      (unsigned long long)s.calls);
    }
}
END_TEST

int main(void)
{
    return SUITE_MAIN("qcow2.layer",
                      SUITE_LONG_CASE("layer", 60, RANGE(equals_the_rule, 0, combo_count()),
                                      RANGE(same_options_same_bytes, 0, combo_count() / 5),
                                      EACH(stores_only_what_was_touched, parts),
                                      TEST(data_and_zeros_in_one_cluster),
                                      TEST(version_2_writes_zeros), TEST(few_writes)));
}
