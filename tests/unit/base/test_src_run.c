/* Texts that stand in their file in several pieces: where a byte of the text is. */
#include "base/src_run.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

/* "abcd" in line 3, "efghi" in line 4, the rest in line 6. */
static const struct src_run runs[] = {{0, {"f", 3, 5}}, {4, {"f", 4, 3}}, {9, {"f", 6, 7}}};

static const struct {
    size_t offset;
    uint32_t line, col;
} places[] = {{0, 3, 5}, {3, 3, 8}, {4, 4, 3}, {8, 4, 7}, {9, 6, 7}, {20, 6, 18}};

START_TEST(place_of_a_byte)
{
    struct src_pos pos = src_runs_pos(runs, ARRAY_LEN(runs), places[_i].offset);

    ck_assert_str_eq(pos.file, "f");
    ck_assert_uint_eq(pos.line, places[_i].line);
    ck_assert_uint_eq(pos.col, places[_i].col);
}
END_TEST

/* One run that stands before the text's first byte: a text that begins inside a longer one. */
START_TEST(one_run)
{
    const struct src_run one = {2, {"f", 1, 1}};

    ck_assert_uint_eq(src_runs_pos(&one, 1, 0).col, 1); /* no place before it is known */
    ck_assert_uint_eq(src_runs_pos(&one, 1, 2).col, 1);
    ck_assert_uint_eq(src_runs_pos(&one, 1, 5).col, 4);
}
END_TEST

static const struct {
    size_t offset, len, count;
} parts[] = {
    {0, 0, 1}, {0, 3, 1}, {0, 4, 2},  {2, 5, 2},  {4, 5, 2},
    {4, 4, 1}, {3, 7, 3}, {12, 4, 1}, {0, 30, 3},
};

/* A part knows of its bytes, and of its end, what the whole knows. */
START_TEST(parts_agree_with_the_whole)
{
    size_t offset = parts[_i].offset, count = 0;
    AUTO(mem)
    void *memory = src_runs_part(runs, ARRAY_LEN(runs), offset, parts[_i].len, &count);
    const struct src_run *part = memory;

    ck_assert_uint_eq(count, parts[_i].count);
    ck_assert_uint_eq(part[0].offset, 0);
    for (size_t i = 0; i <= parts[_i].len; i++) {
        struct src_pos whole = src_runs_pos(runs, ARRAY_LEN(runs), offset + i);
        struct src_pos here = src_runs_pos(part, count, i);

        ck_assert_uint_eq(here.line, whole.line);
        ck_assert_uint_eq(here.col, whole.col);
    }
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.src_run",
                      SUITE_CASE("src_run", EACH(place_of_a_byte, places), TEST(one_run),
                                 EACH(parts_agree_with_the_whole, parts)));
}
