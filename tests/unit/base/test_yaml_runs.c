/* Scalars of YAML in every style: where the bytes of what they read as stand in the file. */
#include "base/yaml_runs_priv.h"

#include <string.h>

#include "base/mem.h"
#include "tests/unit/suite.h"

#define PLACES 5

struct place {
    size_t offset;
    uint32_t line, col;
};
static const struct row {
    const char *file;      /* one key `k`, whose value is the scalar */
    const char *text;      /* as libyaml reads it */
    struct yaml_span span; /* but for start and end: behind "k: ", to the end of the file */
    struct place places[PLACES];
    size_t place_count;
} rows[] = {
    {"k: abc", "abc", {.plain = true}, {{0, 1, 4}, {2, 1, 6}, {3, 1, 7}}, 3},
    {"k: \xc3\xa9"
     "a",
     "\xc3\xa9"
     "a",
     {.plain = true},
     {{0, 1, 4}, {2, 1, 6}},
     2},
    /* a quote that is doubled */
    {"k: 'a''b'", "a'b", {0}, {{0, 1, 5}, {1, 1, 6}, {2, 1, 8}}, 3},
    {"k: ''", "", {0}, {{0, 1, 5}}, 1},
    /* escapes of each length */
    {"k: \"a\\tb\\u00e9c\"",
     "a\tb\xc3\xa9"
     "c",
     {0},
     {{1, 1, 6}, {2, 1, 8}, {3, 1, 9}, {5, 1, 15}},
     4},
    {"k: \"\\x41b\\U0001f600c\"",
     "Ab\xf0\x9f\x98\x80"
     "c",
     {0},
     {{0, 1, 5}, {1, 1, 9}, {2, 1, 10}, {6, 1, 20}},
     4},
    /* lines that are folded, and one that a backslash joins */
    {"k: ab\n  cd", "ab cd", {.plain = true}, {{1, 1, 5}, {2, 1, 6}, {3, 2, 3}, {4, 2, 4}}, 4},
    {"k: ab\n\n\n  cd", "ab\n\ncd", {.plain = true}, {{1, 1, 5}, {4, 4, 3}, {5, 4, 4}}, 3},
    {"k: 'ab\n   cd'", "ab cd", {0}, {{0, 1, 5}, {3, 2, 4}}, 2},
    {"k: \"a\\\n   b\"", "ab", {0}, {{0, 1, 5}, {1, 2, 4}}, 2},
    {"k: \"a\\\n   \\ b\"", "a b", {0}, {{0, 1, 5}, {2, 2, 6}}, 2},
    {"k: \"a\n  \\ bc\"", "a  bc", {0}, {{0, 1, 5}, {3, 2, 5}, {4, 2, 6}}, 3},
    {"k: \"a\\\n  \\x20\\u0009bc\"", "a \tbc", {0}, {{3, 2, 13}, {4, 2, 14}}, 2},
    {"k: \"a\\\n  \\x2eb\"", "a.b", {0}, {{1, 2, 3}, {2, 2, 7}}, 2},
    /* blocks: the head is no text */
    {"k: |\n  a\n   b\n", "a\n b\n", {.block = true}, {{0, 2, 3}, {1, 2, 4}, {3, 3, 4}}, 3},
    {"k: |2-\n   a\n  b", " a\nb", {.block = true}, {{1, 2, 4}, {3, 3, 3}}, 2},
    {"k: >-\n  a\n  b\n", "a b", {.block = true}, {{0, 2, 3}, {2, 3, 3}}, 2},
    /* what stands before the value */
    {"k: &x !!str 'v'", "v", {.properties = true}, {{0, 1, 14}}, 1},
    {"k: !!str v", "v", {.plain = true, .properties = true}, {{0, 1, 10}}, 1},
    {"k: 'a\"b'", "a\"b", {0}, {{1, 1, 6}, {2, 1, 7}}, 2},
};

static struct src_run *runs_of(const char *file, const struct yaml_span *given, const char *text,
                               size_t *ret_count)
{
    struct yaml_source s = {.text = file, .len = strlen(file), .file = "f"};
    struct diags diags = {0};
    struct yaml_span span = *given;
    struct src_run *runs;

    ck_assert(yaml_source_check(&s, &diags));
    span.start = 3;
    span.end = s.len;
    runs = yaml_runs(&s, &span, text, strlen(text), ret_count);
    yaml_source_finish(&s);
    diags_finish(&diags);
    return runs;
}

START_TEST(place_in_the_file)
{
    const struct row *r = &rows[_i];
    size_t count = 0;
    AUTO(mem) void *memory = runs_of(r->file, &r->span, r->text, &count);
    const struct src_run *runs = memory;

    ck_assert_msg(runs != NULL, "'%s' does not fit", r->file);
    for (size_t i = 0; i < r->place_count; i++) {
        const struct place *want = &r->places[i];
        struct src_pos pos = src_runs_pos(runs, count, want->offset);

        ck_assert_str_eq(pos.file, "f");
        ck_assert_msg(pos.line == want->line && pos.col == want->col,
                      "'%s': byte %zu is at %u:%u, want %u:%u", r->file, want->offset, pos.line,
                      pos.col, want->line, want->col);
    }
}
END_TEST

static const struct {
    const char *file, *text;
} strangers[] = {
    {"k: abc", "abd"}, {"k: abc", "abcd"}, {"k: ab", "a\xc3\xa9"}, {"k: \xc3\xa9", "\xc3\xa8"}};

/* What is not the file's is not given a place in it. */
START_TEST(another_text)
{
    const struct yaml_span plain = {.plain = true};
    size_t count = 7;

    ck_assert_ptr_null(runs_of(strangers[_i].file, &plain, strangers[_i].text, &count));
    ck_assert_uint_eq(count, 7);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.yaml_runs", SUITE_CASE("yaml_runs", EACH(place_in_the_file, rows),
                                                   EACH(another_text, strangers)));
}
