/* The rule of a disk's content: a plain array of stamps is the model of the model. */
#include "base/disk.h"

#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "tests/unit/suite.h"

#define BLOCKS 300u

struct plain {
    uint32_t version[BLOCKS], stamp[BLOCKS];
};

static void plain_set(struct plain *p, uint64_t block, uint64_t count, uint32_t version,
                      uint32_t stamp)
{
    for (uint64_t i = block; i < block + count; i++) {
        p->version[i] = version;
        p->stamp[i] = stamp;
    }
}

/* Plain comparisons: an assertion per block and moment would take most of a minute. */
static bool run_is_plain(const struct disk_run *run, uint64_t block, const struct plain *p)
{
    if (run->block != block || run->count == 0 || run->count > BLOCKS - block)
        return false;
    for (uint64_t k = block; k < block + run->count; k++)
        if (run->content.version != p->version[k] || run->content.stamp != p->stamp[k])
            return false;
    return true;
}

static void same_as_plain(const struct disk_moment *m, const struct plain *p)
{
    for (uint64_t i = 0; i < BLOCKS; i++) {
        struct disk_run run = disk_run_at(m, i);
        if (!run_is_plain(&run, i, p))
            ck_abort_msg("moment %s, block %u", disk_moment_name(m), (unsigned)i);
    }
}

static void same_changes(const struct disk_moment *a, const struct plain *pa,
                         const struct disk_moment *b, const struct plain *pb)
{
    bool changed[BLOCKS] = {false};
    uint64_t at = 0, last_end = 0;
    struct disk_run run;
    while (disk_next_change(a, b, &at, &run)) {
        ck_assert_uint_ge(run.block, last_end);
        last_end = run.block + run.count;
        for (uint64_t i = run.block; i < last_end; i++)
            changed[i] = true;
    }
    for (uint64_t i = 0; i < BLOCKS; i++)
        if (changed[i] != ((a ? pa->stamp[i] : 0) != pb->stamp[i]))
            ck_abort_msg("changes up to moment %s, block %u", disk_moment_name(b), (unsigned)i);
}

/* Random writes, discards and checkpoints; every moment must stay what it was. */
START_TEST(remembers_every_moment)
{
    enum { MOMENTS = 60 };
    struct prng prng;
    prng_init(&prng, (uint64_t)_i, "test disk");
    AUTO(disk) struct disk_model *d = disk_create(7, BLOCKS);
    struct plain *plain = mem_zalloc(sizeof *plain);
    struct plain *kept = mem_zalloc(MOMENTS * sizeof(*kept));
    for (size_t m = 0; m < MOMENTS; m++) {
        uint64_t ops = prng_below(&prng, 6);
        for (uint64_t i = 0; i < ops; i++) {
            uint64_t block = prng_below(&prng, BLOCKS);
            uint64_t count = prng_below(&prng, BLOCKS - block + 1);
            if (prng_below(&prng, 2) && count > 20)
                count = 20;
            bool zero = prng_below(&prng, 4) == 0;
            uint32_t v = zero ? disk_zero(d, block, count) : disk_write(d, block, count);
            plain_set(plain, block, count, zero ? 0 : v, v);
        }
        kept[m] = *plain;
        char name[16];
        snprintf(name, sizeof name, "c%zu", m);
        disk_checkpoint(d, name);
    }
    ck_assert_uint_eq(disk_checkpoint_count(d), MOMENTS);
    for (size_t m = 0; m < MOMENTS; m++) {
        same_as_plain(disk_checkpoint_at(d, m), &kept[m]);
        same_changes(NULL, NULL, disk_checkpoint_at(d, m), &kept[m]);
        if (m > 0)
            same_changes(disk_checkpoint_at(d, m - 1), &kept[m - 1], disk_checkpoint_at(d, m),
                         &kept[m]);
    }
    free(plain);
    free(kept);
}
END_TEST

START_TEST(moments_have_names)
{
    AUTO(disk) struct disk_model *d = disk_create(1, 10);
    disk_write(d, 0, 4);
    AUTO(disk_moment) struct disk_moment *kept = disk_moment_ref(disk_checkpoint(d, "a"));
    disk_write(d, 2, 4);
    disk_checkpoint(d, "b");
    ck_assert_ptr_null(disk_find(d, "c"));
    disk_checkpoint(d, "a"); /* again: the old one is forgotten, and moves to the end */
    ck_assert_str_eq(disk_moment_name(disk_checkpoint_at(d, 0)), "b");
    ck_assert_uint_eq(disk_version_at(disk_find(d, "a"), 3), 2);
    ck_assert_uint_eq(disk_version_at(kept, 3), 1);
    ck_assert(disk_forget(d, "b"));
    ck_assert(!disk_forget(d, "b"));
    ck_assert_uint_eq(disk_checkpoint_count(d), 1);
}
END_TEST

START_TEST(revert_clone_resize)
{
    AUTO(disk) struct disk_model *d = disk_create(1, 10);
    disk_write(d, 0, 10);
    struct disk_moment *before = disk_checkpoint(d, "before");
    disk_write(d, 0, 5);
    disk_revert(d, before);
    AUTO(disk_moment) struct disk_moment *now = disk_now(d);
    ck_assert(disk_moment_same(now, before));
    ck_assert_uint_eq(disk_write(d, 0, 1), 3); /* versions never go back */

    AUTO(disk) struct disk_model *clone = disk_create_from(before, 99);
    disk_write(clone, 5, 1);
    disk_resize(clone, 20);
    AUTO(disk_moment) struct disk_moment *c = disk_now(clone);
    ck_assert_uint_eq(disk_run_at(c, 4).content.seed, 1);
    ck_assert_uint_eq(disk_run_at(c, 5).content.seed, 99);
    ck_assert_uint_eq(disk_version_at(c, 15), 0);
    disk_resize(clone, 5);
    disk_resize(clone, 20);
    AUTO(disk_moment) struct disk_moment *cut = disk_now(clone);
    ck_assert_uint_eq(disk_version_at(cut, 5), 0);
    ck_assert_uint_eq(disk_version_at(cut, 4), 1);
}
END_TEST

START_TEST(bytes_follow_the_rule)
{
    AUTO(disk) struct disk_model *d = disk_create(5, 8);
    uint32_t v = disk_write(d, 1, 2);
    disk_adopt(d, 3, 1, 77, 9);
    AUTO(disk_moment) struct disk_moment *m = disk_now(d);
    char all[10 * DISK_BLOCK], want[DISK_BLOCK];
    memset(all, 1, sizeof all);
    disk_read(m, 0, all, sizeof all); /* two blocks past the end */
    ck_assert(content_is_zero(all, DISK_BLOCK));
    ck_assert(content_is(5, 1, v, all + DISK_BLOCK));
    ck_assert(content_is(77, 3, 9, all + 3 * DISK_BLOCK));
    ck_assert(content_is_zero(all + 4 * DISK_BLOCK, 6 * DISK_BLOCK));
    disk_read(m, DISK_BLOCK + 100, want, 300);
    ck_assert_mem_eq(want, all + DISK_BLOCK + 100, 300);
    bool zero;
    ck_assert_uint_eq(disk_byte_run(m, 100, &zero), DISK_BLOCK - 100);
    ck_assert(zero);
}
END_TEST

/* A thousand checkpoints of a disk of 16 TiB must cost next to nothing. */
START_TEST(checkpoints_are_cheap)
{
    uint64_t blocks = UINT64_C(1) << 32;
    AUTO(disk) struct disk_model *d = disk_create(1, blocks);
    disk_write(d, 0, blocks);
    for (unsigned i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%u", i);
        disk_write(d, (uint64_t)i * 700000, 1000);
        disk_checkpoint(d, name);
    }
    uint64_t at = 0;
    struct disk_run run;
    ck_assert(disk_next_change(disk_find(d, "c100"), disk_find(d, "c101"), &at, &run));
    ck_assert_uint_eq(run.block, 101u * 700000u);
    ck_assert_uint_eq(run.count, 1000);
    ck_assert(!disk_next_change(disk_find(d, "c100"), disk_find(d, "c101"), &at, &run));
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.disk",
                      SUITE_LONG_CASE("disk", 60, RANGE(remembers_every_moment, 0, 8),
                                      TEST(moments_have_names), TEST(revert_clone_resize),
                                      TEST(bytes_follow_the_rule), TEST(checkpoints_are_cheap)));
}
