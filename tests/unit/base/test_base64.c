#include "base/base64.h"

#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/suite.h"

/* RFC 4648, section 10, and the two digits that differ. */
static const struct {
    const char *bytes, *plain, *for_urls;
} known[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbe", "+/++", "-_--"},
};

START_TEST(writes)
{
    AUTO(strbuf) struct strbuf plain = {0};
    AUTO(strbuf) struct strbuf for_urls = {0};
    AUTO(strbuf) struct strbuf back = {0};
    AUTO(strbuf) struct strbuf back_of_url = {0};
    size_t bad;

    base64_add(&plain, known[_i].bytes, strlen(known[_i].bytes));
    ck_assert_str_eq(strbuf_str(&plain), known[_i].plain);
    ck_assert_int_eq(base64_read(&back, plain.data, plain.len, &bad), 0);
    ck_assert_str_eq(strbuf_str(&back), known[_i].bytes);
    base64url_add(&for_urls, known[_i].bytes, strlen(known[_i].bytes));
    ck_assert_str_eq(strbuf_str(&for_urls), known[_i].for_urls);
    ck_assert(base64url_read(&back_of_url, for_urls.data, for_urls.len));
    ck_assert_str_eq(strbuf_str(&back_of_url), known[_i].bytes);
}
END_TEST

/* ---- as Go reads it ---- */

static const struct {
    const char *text, *plain; /* plain NULL: wrong */
    size_t bad;
} rows[] = {
    {"", "", 0},           {"YQ==", "a", 0},         {"YWI=", "ab", 0},
    {"YWJj", "abc", 0},    {"YW\nJj\r\n", "abc", 0}, {"YQ=\n=", "a", 0},
    {"YQ==\n", "a", 0},    {"*", NULL, 0},           {"YWJj*", NULL, 4},
    {"YQ", NULL, 0},       {"YQ=", NULL, 3},         {"YQ=a", NULL, 2},
    {"YQ==YQ==", NULL, 4}, {"=", NULL, 0},           {"Y===", NULL, 1},
    {"YWI=YQ", NULL, 4},   {"YWJjZ", NULL, 4},       {"YWI=\nx", NULL, 5},
    {"Y\nQ", NULL, 1},     {"YQ=\n", NULL, 4},       {"YWI\n", NULL, 1},
    {"YQ=\nx", NULL, 3},   {"YWJjZ\nG", NULL, 5},
};

START_TEST(reads)
{
    AUTO(strbuf) struct strbuf out = {0};
    const char *text = rows[_i].text;
    size_t bad;
    int rc = base64_read(&out, text, strlen(text), &bad);

    ck_assert_int_eq(rc, rows[_i].plain ? 0 : -1);
    if (rows[_i].plain)
        ck_assert_str_eq(strbuf_str(&out), rows[_i].plain);
    else
        ck_assert_uint_eq(bad, rows[_i].bad);
}
END_TEST

/* ---- as tokens have it: one way to write each ---- */

START_TEST(refuses)
{
    static const char *const texts[] = {"Zg==", "Z",      "Zm9vY", "Zm 9",
                                        "+/++", "Zm9v\n", "Zh",    "Zm9"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        AUTO(strbuf) struct strbuf out = {0};

        ck_assert_msg(!base64url_read(&out, texts[i], strlen(texts[i])), "%s", texts[i]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base.base64");
    TCase *tc = tcase_create("base64");

    tcase_add_loop_test(tc, writes, 0, (int)(sizeof(known) / sizeof(known[0])));
    tcase_add_loop_test(tc, reads, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tc, refuses);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
