#include "runner/options.h"

#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/suite.h"

static struct values {
    const char *text;
    uint64_t count;
    int64_t duration;
    bool flag;
    uint64_t size;
    const char *list[2];
    int split; /* operands before the "--", and one more; 0: there is none */
} got;

static struct option_list list;

static const struct row {
    const char *args[8];
    const char *error; /* NULL: fine */
    struct values want;
    int operands;
} rows[] = {
    {{"a", "b"}, NULL, {0}, 2},
    {{"--text", "x", "a"}, NULL, {.text = "x"}, 1},
    {{"--text=x=y", "a"}, NULL, {.text = "x=y"}, 1},
    {{"-t", "x"}, NULL, {.text = "x"}, 0},
    {{"-tx=y"}, NULL, {.text = "x=y"}, 0},
    {{"a", "--flag", "b"}, NULL, {.flag = true}, 2},
    {{"--", "--flag"}, NULL, {.split = 1}, 1},
    {{"a", "b", "--", "c", "--"}, NULL, {.split = 3}, 4},
    {{"--text", "--", "a"}, NULL, {.text = "--"}, 1},
    {{"--size", "4096"}, NULL, {.size = 4096}, 0},
    {{"--size", "64k"}, NULL, {.size = 65536}, 0},
    {{"--size", "64K"}, NULL, {.size = 65536}, 0},
    {{"--size", "64KiB"}, NULL, {.size = 65536}, 0},
    {{"--size=3MiB"}, NULL, {.size = 3 << 20}, 0},
    {{"--size", "2G"}, NULL, {.size = UINT64_C(2) << 30}, 0},
    {{"--size", "16777215TiB"}, NULL, {.size = UINT64_C(16777215) << 40}, 0},
    {{"--size", "16777216T"}, "--size wants a size such as 4096, 64k or 64MiB", {0}, 0},
    {{"--size", "18446744073709551616"}, "wants a size", {0}, 0},
    {{"--size", "-1"}, "wants a size", {0}, 0},
    {{"--size", " 1"}, "wants a size", {0}, 0},
    {{"--size", ""}, "wants a size", {0}, 0},
    {{"--size", "k"}, "wants a size", {0}, 0},
    {{"--size", "1kB"}, "wants a size", {0}, 0},
    {{"--size", "1MiBx"}, "wants a size", {0}, 0},
    {{"--size", "1m"}, "wants a size", {0}, 0},
    {{"--list", "x", "a", "--list=y"}, NULL, {.list = {"x", "y"}}, 1},
    {{"-"}, NULL, {0}, 1},
    {{"--count", "18446744073709551615"}, NULL, {.count = UINT64_MAX}, 0},
    {{"-c4"}, NULL, {.count = 4}, 0},
    {{"--duration", "1m"}, NULL, {.duration = INT64_C(60000000000)}, 0},
    {{"--count", "-1"}, "--count wants a number, found '-1'", {0}, 0},
    {{"--count", "4x"}, "--count wants a number, found '4x'", {0}, 0},
    {{"--count", "18446744073709551616"}, "wants a number", {0}, 0},
    {{"--count="}, "wants a number", {0}, 0},
    {{"--duration", "0s"}, "wants a duration", {0}, 0},
    {{"--duration", "-5s"}, "wants a duration", {0}, 0},
    {{"--text"}, "--text wants a value", {0}, 0},
    {{"--flag=1"}, "--flag takes no value", {0}, 0},
    {{"--flga"}, "unknown option '--flga'", {0}, 0},
    {{"-x"}, "unknown option '-x'", {0}, 0},
};

START_TEST(parses)
{
    static const struct option_spec specs[] = {
        {"--text", 't', OPTION_TEXT, &got.text, "T", "a text"},
        {"--count", 'c', OPTION_COUNT, &got.count, "N", "a number"},
        {"--duration", 0, OPTION_DURATION, &got.duration, "D", "a duration"},
        {"--flag", 'f', OPTION_FLAG, &got.flag, NULL, "a flag"},
        {"--size", 0, OPTION_SIZE, &got.size, "S", "a size"},
        {"--list", 0, OPTION_LIST, &list, "L", "a list"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    const struct row *r = &rows[_i];
    AUTO(err) struct err err = {0};
    char *argv[8];
    int argc = 0, operands = -1, split = -2;

    got = (struct values){0};
    for (; r->args[argc]; argc++)
        argv[argc] = (char *)r->args[argc];
    if (r->error) {
        ck_assert_int_eq(options_parse(specs, argc, argv, &operands, &err), -1);
        ck_assert_msg(strstr(err.msg, r->error), "%s", err.msg);
        return;
    }
    ck_assert_msg(options_parse_split(specs, argc, argv, &operands, &split, &err) == 0, "%s",
                  err.msg);
    ck_assert_int_eq(operands, r->operands);
    ck_assert_int_eq(split + 1, r->want.split);
    ck_assert_pstr_eq(got.text, r->want.text);
    ck_assert(got.count == r->want.count);
    ck_assert(got.duration == r->want.duration);
    ck_assert(got.flag == r->want.flag);
    ck_assert(got.size == r->want.size);
    ck_assert_uint_eq(list.count, (r->want.list[0] != NULL) + (r->want.list[1] != NULL));
    for (size_t i = 0; i < list.count; i++)
        ck_assert_str_eq(list.items[i], r->want.list[i]);
    option_list_finish(&list);
}
END_TEST

START_TEST(numbers)
{
    static struct option_number number, bytes;
    static const struct option_spec specs[] = {
        {"--number", 0, OPTION_NUMBER, &number, "N", "a number"},
        {"--bytes", 0, OPTION_BYTES, &bytes, "S", "a size"},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    static const struct {
        const char *argument, *error;
    } cases[] = {
        {NULL, NULL},
        {"--number=2", NULL},
        {"--number=9", NULL},
        {"--bytes=1k", NULL},
        {"--number=0", "--number wants at least 2, found 0"},
        {"--bytes=0", "--bytes wants at least 2, found 0"},
        {"--number=10", "--number wants at most 9, found 10"},
        {"--number=18446744073709551615", "at most 9"},
        {"--number=x", "wants a number"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(err) struct err e = {0};
        char *argv[] = {(char *)cases[i].argument};
        int operands;

        number = bytes = (struct option_number){0};
        bool good = options_parse(specs, cases[i].argument ? 1 : 0, argv, &operands, &e) == 0 &&
                    option_number_check("--number", &number, 2, 9, &e) == 0 &&
                    option_number_check("--bytes", &bytes, 2, 4096, &e) == 0;
        ck_assert_msg(good == !cases[i].error, "%s", good ? cases[i].argument : e.msg);
        ck_assert_msg(good || strstr(e.msg, cases[i].error), "%s", good ? "" : e.msg);
    }
}
END_TEST

int main(void)
{
    return SUITE_MAIN("options", SUITE_CASE("all", TEST(numbers), EACH(parses, rows)));
}
