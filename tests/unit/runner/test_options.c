#include "runner/options.h"

#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/suite.h"

static struct values {
    const char *text;
    uint64_t count;
    int64_t duration;
    bool flag;
} got;

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
    {{"--", "--flag"}, NULL, {0}, 1},
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
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL},
    };
    const struct row *r = &rows[_i];
    AUTO(err) struct err err = {0};
    char *argv[8];
    int argc = 0, operands = -1;

    got = (struct values){0};
    for (; r->args[argc]; argc++)
        argv[argc] = (char *)r->args[argc];
    if (r->error) {
        ck_assert_int_eq(options_parse(specs, argc, argv, &operands, &err), -1);
        ck_assert_msg(strstr(err.msg, r->error), "%s", err.msg);
        return;
    }
    ck_assert_msg(options_parse(specs, argc, argv, &operands, &err) == 0, "%s", err.msg);
    ck_assert_int_eq(operands, r->operands);
    ck_assert_pstr_eq(got.text, r->want.text);
    ck_assert(got.count == r->want.count);
    ck_assert(got.duration == r->want.duration);
    ck_assert(got.flag == r->want.flag);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("options");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, parses, 0, ARRAY_LEN(rows));
    suite_add_tcase(s, tc);
    return suite_run(s);
}
