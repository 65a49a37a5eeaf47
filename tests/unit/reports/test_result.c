#include "reports/result.h"

#include <string.h>

#include "base/json.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/suite.h"

static void check_texts(char *const *a, char *const *b)
{
    size_t i = 0;

    for (; a[i] && b[i]; i++)
        ck_assert_str_eq(a[i], b[i]);
    ck_assert(!a[i] && !b[i]);
}

START_TEST(round_trip)
{
    AUTO(result_case)
    struct result_case *r = sample_case("a[x=1]", "osac/restore", (enum result_status)_i);
    r->observed = _i % 2;
    AUTO(json) json_t *json = result_case_to_json(r);
    AUTO(str) char *text = json_text(json);
    AUTO(json) json_t *again = json_read(text, strlen(text), "t", NULL);
    struct err err = {0};
    AUTO(result_case) struct result_case *q = result_case_from_json(again, &err);

    ck_assert_ptr_nonnull(q);
    ck_assert_str_eq(q->name, r->name);
    ck_assert_str_eq(q->suite, r->suite);
    ck_assert_str_eq(q->file, r->file);
    ck_assert_uint_eq(q->line, r->line);
    ck_assert(q->seed == r->seed);
    ck_assert_int_eq(q->status, r->status);
    ck_assert_pstr_eq(q->headline, r->headline);
    ck_assert_pstr_eq(q->details, r->details);
    ck_assert_pstr_eq(q->error_type, r->error_type);
    check_texts(q->requirements, r->requirements);
    check_texts(q->checked, r->checked);
    ck_assert_int_eq(q->virtual_ns, r->virtual_ns);
    ck_assert(q->observed == r->observed);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    AUTO(result_case) struct result_case *r = sample_case("a", "s", RESULT_FAILED);
    AUTO(json) json_t *json = NULL;

    free(r->details);
    r->details = mem_strdup("cut \xc3 end");
    json = result_case_to_json(r);
    ck_assert_str_eq(json_str(json, "details"), "cut \\xc3 end");
}
END_TEST

static const char *const broken[] = {"{}",
                                     "[]",
                                     "1",
                                     "{\"name\":\"a\"}",
                                     "{\"name\":\"a\",\"status\":\"fine\"}",
                                     "{\"status\":\"passed\"}"};

START_TEST(refused)
{
    AUTO(json) json_t *v = json_read(broken[_i], strlen(broken[_i]), "t", NULL);
    AUTO(err) struct err err = {0};

    ck_assert_ptr_nonnull(v);
    ck_assert_ptr_null(result_case_from_json(v, &err));
    ck_assert(err_pending(&err));
}
END_TEST

START_TEST(bare_result)
{
    AUTO(json) json_t *v = json_pack("{s:s, s:s}", "name", "a", "status", "passed");
    AUTO(result_case) struct result_case *r = result_case_from_json(v, NULL);

    /* Writers compare suites and print files: never NULL. */
    ck_assert_str_eq(r->suite, "");
    ck_assert_str_eq(r->file, "");
}
END_TEST

static const struct exit_row {
    const char *statuses; /* p f e v s, x: an expected failure */
    bool interrupted, fail_on_skip;
    int want;
} exits[] = {
    {"pp", false, false, 0}, {"", false, false, 2},   {"pf", false, false, 1},
    {"fe", false, false, 1}, {"ev", false, false, 2}, {"pv", false, false, 3},
    {"ps", false, false, 0}, {"ps", false, true, 2},  {"pss", true, false, 2},
    {"fps", true, false, 1}, {"px", false, false, 0}, {"fx", false, false, 1},
    {"xv", false, false, 3},
};

static enum result_status status_of_letter(char c)
{
    static const char letters[] = "pfevs";

    return c == 'x' ? RESULT_FAILED : (enum result_status)(strchr(letters, c) - letters);
}

START_TEST(exit_codes)
{
    const struct exit_row *row = &exits[_i];
    size_t n = strlen(row->statuses);
    const struct result_case *cases[8];
    struct result_run run = {.cases = cases,
                             .count = n,
                             .interrupted = row->interrupted,
                             .fail_on_skip = row->fail_on_skip};

    for (size_t i = 0; i < n; i++) {
        struct result_case *r = sample_case("a", "s", status_of_letter(row->statuses[i]));

        r->expected = row->statuses[i] == 'x';
        cases[i] = r;
    }
    ck_assert_msg(result_exit_code(&run) == row->want, "%s: %d", row->statuses,
                  result_exit_code(&run));
    for (size_t i = 0; i < n; i++)
        result_case_destroy((struct result_case *)cases[i]);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("result", SUITE_CASE("all", RANGE(round_trip, 0, RESULT_STATUS_COUNT),
                                           TEST(bytes_that_are_no_text), EACH(refused, broken),
                                           TEST(bare_result), EACH(exit_codes, exits)));
}
