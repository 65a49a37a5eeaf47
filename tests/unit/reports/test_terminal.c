#include <string.h>

#include "base/json.h"
#include "reports/writers.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/suite.h"

static char *shown(struct result_case *const *cases, size_t count, bool tty, bool interrupted)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct terminal *t = terminal_create(out, tty, tty, count);
    struct result_run run = {.cases = (const struct result_case *const *)cases,
                             .count = count,
                             .version = "0",
                             .seed = 3,
                             .interrupted = interrupted,
                             .wall_ns = 1250000000};

    for (size_t i = 0; i < count; i++)
        terminal_case(t, cases[i]);
    terminal_finish(t, &run);
    fclose(out);
    return text;
}

START_TEST(golden)
{
    struct result_case *cases[] = {
        sample_case("a", "one", RESULT_PASSED),
        sample_case("b", "one", RESULT_FAILED),
        sample_case("c", "two", RESULT_SKIPPED),
        sample_case("d", "two", RESULT_FAILED),
    };
    AUTO(str) char *text = NULL;

    cases[3]->expected = true;
    text = shown(cases, ARRAY_LEN(cases), false, true);
    ck_assert_str_eq(text,
                     "failed b\n"
                     "  scenarios/one/b.yaml:7:1: it broke\n"
                     "    x: want 1, got 2\n"
                     "  who did what\n"
                     "  replay: vmconform run --seed 1 scenarios/one/b.yaml\n\n"
                     "skipped c: scenarios/two/c.yaml:7:1: it broke\n"
                     "one                         1 of 2 passed       4.0 ms\n"
                     "two                         0 of 2 passed       4.0 ms\n"
                     "4 cases: 1 passed, 2 failed, 0 errors, 0 vacuous, 1 skipped; seed 3; 1.25s\n"
                     "1 of the failures was expected\n"
                     "interrupted by a signal; cases that did not run are counted as skipped\n");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        result_case_destroy(cases[i]);
}
END_TEST

START_TEST(user_text_drives_no_terminal)
{
    struct result_case *r = sample_case("a\nb\x1b[2J\xc2\x9b\xff\r", "s", RESULT_FAILED);
    AUTO(str) char *text = NULL;

    free(r->headline);
    r->headline = mem_strdup("one\ntwo\x07");
    text = shown(&r, 1, false, false);
    ck_assert_ptr_nonnull(strstr(text, "failed a\\x0ab\\x1b[2J\\xc2\\x9b\\xff\\x0d\n"));
    ck_assert_ptr_nonnull(strstr(text, "  one\\x0atwo\\x07\n"));
    for (const char *p = text; *p; p++)
        ck_assert_msg((unsigned char)*p >= 0x20 || *p == '\n', "byte %02x", (unsigned char)*p);
    result_case_destroy(r);
}
END_TEST

START_TEST(progress_on_a_terminal_only)
{
    struct result_case *r = sample_case("a", "s", RESULT_PASSED);
    AUTO(str) char *tty = shown(&r, 1, true, false);
    AUTO(str) char *pipe = shown(&r, 1, false, false);

    ck_assert_ptr_nonnull(strstr(tty, "\r\033[K1/1"));
    ck_assert_ptr_null(strchr(pipe, '\033'));
    ck_assert_ptr_null(strstr(pipe, "1/1"));
    result_case_destroy(r);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("terminal",
                      SUITE_CASE("all", TEST(golden), TEST(user_text_drives_no_terminal),
                                 TEST(progress_on_a_terminal_only)));
}
