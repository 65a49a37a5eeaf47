#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

static const struct read_case {
    const char *name, *text;
    size_t max;
    enum err_code want;
} read_cases[] = {
    {"empty", "", 0, ERR_NONE},
    {"as much as may be", "12345", 5, ERR_NONE},
    {"one too many", "12345", 4, ERR_LIMIT},
    {"no file", NULL, 5, ERR_NOT_FOUND},
};

START_TEST(whole_files)
{
    const struct read_case *c = &read_cases[_i];
    char path[] = "/tmp/vmconform-file-XXXXXX";
    int fd = mkstemp(path);
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(err) struct err e = {0};

    ck_assert_int_ge(fd, 0);
    if (c->text)
        ck_assert_int_eq(write(fd, c->text, strlen(c->text)), (ssize_t)strlen(c->text));
    close(fd);
    if (!c->text)
        unlink(path);
    strbuf_addstr(&text, "kept ");
    ck_assert_msg(file_read(path, c->max, &text, &e) == (c->want ? -1 : 0), "%s", c->name);
    unlink(path);
    ck_assert_msg(e.code == c->want, "%s: %s", c->name, e.msg ? e.msg : "no error");
    if (!c->want) {
        ck_assert_msg(strncmp(strbuf_str(&text), "kept ", 5) == 0, "%s", c->name);
        ck_assert_msg(strcmp(strbuf_str(&text) + 5, c->text) == 0, "%s", c->name);
    }
}
END_TEST

/* What has no size to be asked for beforehand is bounded while it is read. */
START_TEST(endless)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(err) struct err e = {0};

    ck_assert_int_eq(file_read("/dev/zero", 100000, &text, &e), -1);
    ck_assert_int_eq(e.code, ERR_LIMIT);
    ck_assert_str_eq(e.pos.file, "/dev/zero");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base.file");
    TCase *tc = tcase_create("file");

    tcase_add_loop_test(tc, whole_files, 0, sizeof read_cases / sizeof read_cases[0]);
    tcase_add_test(tc, endless);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
