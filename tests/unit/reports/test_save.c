#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "reports/writers.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/suite.h"

static char dir[64];

static void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/vmconform-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
    AUTO(str) char *command = mem_printf("rm -rf %s", dir);

    ck_assert_int_eq(system(command), 0);
}

START_TEST(whole_or_not_at_all)
{
    AUTO(str) char *path = mem_printf("%s/new/folder/r.xml", dir);
    AUTO(str) char *partial = mem_printf("%s.partial", path);
    AUTO(strbuf) struct strbuf text = {0};
    char buf[16] = "";
    struct err err = {0};
    FILE *f;

    strbuf_addstr(&text, "first");
    ck_assert_int_eq(report_save(path, &text, &err), 0);
    strbuf_reset(&text);
    strbuf_addstr(&text, "2nd");
    ck_assert_int_eq(report_save(path, &text, &err), 0);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(fgets(buf, sizeof buf, f));
    fclose(f);
    ck_assert_str_eq(buf, "2nd");
    ck_assert_int_ne(access(partial, F_OK), 0);
}
END_TEST

static const char *const nowhere[] = {"/dev/full", "/proc/nowhere/r.xml", "/tmp"};

START_TEST(refused)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(err) struct err err = {0};

    strbuf_addstr(&text, "x");
    ck_assert_int_eq(report_save(nowhere[_i], &text, &err), -1);
    ck_assert_msg(strncmp(err.msg, nowhere[_i], strlen(nowhere[_i])) == 0, "%s", err.msg);
}
END_TEST

START_TEST(json_report)
{
    struct result_case *r = sample_case("a", "s", RESULT_ERROR);
    struct result_run run = {
        .cases = (const struct result_case *const *)&r, .count = 1, .version = "1.2"};
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(json) json_t *v = NULL;

    report_json(&text, &run);
    v = json_read(strbuf_str(&text), text.len, "t", NULL);
    ck_assert_ptr_nonnull(v);
    ck_assert_str_eq(json_str(v, "version"), "1.2");
    ck_assert_int_eq(json_int(v, "exit", 0), 2);
    ck_assert_int_eq(json_int(v, "totals.error", 0), 1);
    ck_assert_str_eq(json_str(json_array_get(json_object_get(v, "cases"), 0), "name"), "a");
    result_case_destroy(r);
}
END_TEST

int main(void)
{
    json_init();
    TCase *tc =
        SUITE_CASE("all", TEST(whole_or_not_at_all), EACH(refused, nowhere), TEST(json_report));
    tcase_add_checked_fixture(tc, set_up, tear_down);
    return SUITE_MAIN("save", tc);
}
