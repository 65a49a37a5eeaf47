#include "base/disk_compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/suite.h"

/* A disk with two marks, b1 after write 1 and 2, b2 after write 3. */
static struct disk_model *make_disk(void)
{
    struct disk_model *d = disk_create(11, 100);
    disk_write(d, 0, 10);
    disk_write(d, 20, 5);
    disk_checkpoint(d, "b1");
    disk_write(d, 4, 2);
    disk_checkpoint(d, "b2");
    return d;
}

enum edit { NOTHING, STALE, OWN_WRITE, ZEROED, LONGER, MANY };

static const struct row {
    const char *name, *from;
    enum edit edit;
    const char *want; /* NULL: the same */
} rows[] = {
    {"restored as it was", "b2", NOTHING, NULL},
    {"stale blocks are named", "b1", STALE,
     "blocks 4 to 5 hold write 1, last seen at 'b1', instead of write 3"},
    {"a clone's own write is never the source's", "b2", OWN_WRITE,
     "block 50 holds write 4 of another disk instead of zeros"},
    {"zeros", "b2", ZEROED, "blocks 20 to 24 hold zeros (discarded) instead of write 2"},
    {"size", "b2", LONGER, "the disk has 120 blocks instead of 100"},
    {"many", "b2", MANY,
     "block 30 holds write 4 of another disk instead of zeros; "
     "block 32 holds write 5 of another disk instead of zeros; "
     "block 34 holds write 6 of another disk instead of zeros; "
     "block 36 holds write 7 of another disk instead of zeros; and 2 more blocks differ"},
};

static void edit_clone(struct disk_model *clone, enum edit edit)
{
    if (edit == OWN_WRITE)
        disk_write(clone, 50, 1);
    else if (edit == ZEROED)
        disk_zero(clone, 20, 5);
    else if (edit == LONGER)
        disk_resize(clone, 120);
    for (uint64_t i = 0; edit == MANY && i < 6; i++)
        disk_write(clone, 30 + 2 * i, 1);
}

START_TEST(explain)
{
    const struct row *row = &rows[_i];
    AUTO(disk) struct disk_model *d = make_disk();
    AUTO(disk) struct disk_model *clone = disk_create_from(disk_find(d, row->from), 12);
    edit_clone(clone, row->edit);
    AUTO(disk_moment) struct disk_moment *now = disk_now(clone);
    const struct disk_model *known[] = {d};
    AUTO(str) char *got = disk_explain(disk_find(d, "b2"), now, known, 1);
    if (!row->want || !got)
        ck_assert_msg(!row->want && !got, "%s: %s", row->name, got ? got : "the same");
    else
        ck_assert_msg(!strcmp(got, row->want), "%s: %s", row->name, got);
}
END_TEST

/* The source goes on after the clone was made: each keeps its own bytes. */
START_TEST(lineages_part)
{
    AUTO(disk) struct disk_model *d = make_disk();
    AUTO(disk) struct disk_model *clone = disk_create_from(disk_find(d, "b2"), 12);
    disk_write(d, 0, 1);
    disk_write(clone, 0, 1);
    AUTO(disk_moment) struct disk_moment *a = disk_now(d);
    AUTO(disk_moment) struct disk_moment *b = disk_now(clone);
    struct disk_difference diff;
    uint64_t at = 0;
    ck_assert(disk_next_difference(a, b, &at, &diff));
    ck_assert_uint_eq(diff.block, 0);
    ck_assert_uint_eq(diff.count, 1);
    ck_assert(!disk_next_difference(a, b, &at, &diff));
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.disk_compare",
                      SUITE_CASE("compare", EACH(explain, rows), TEST(lineages_part)));
}
