/* Texts that grow. */
#include "base/strbuf.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

static const size_t lengths[] = {0, 1, 54, 55, 56, 57, 255, 256, 257, 5000};

/* Whatever the length, all ways of adding give the same bytes. */
START_TEST(adding)
{
    size_t len = lengths[_i];
    AUTO(strbuf) struct strbuf bytes = {0};
    AUTO(strbuf) struct strbuf chars = {0};
    AUTO(strbuf) struct strbuf format = {0};
    AUTO(str) char *text = mem_alloc(len + 1);

    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 26);
    text[len] = '\0';
    for (int round = 0; round < 3; round++) {
        strbuf_add(&bytes, text, len);
        for (size_t i = 0; i < len; i++)
            strbuf_addch(&chars, text[i]);
        strbuf_addf(&format, "%s", text);
    }
    ck_assert_uint_eq(bytes.len, 3 * len);
    ck_assert_uint_eq(strlen(strbuf_str(&bytes)), 3 * len);
    ck_assert_str_eq(strbuf_str(&bytes), strbuf_str(&chars));
    ck_assert_str_eq(strbuf_str(&bytes), strbuf_str(&format));
}
END_TEST

/* A text may be added to itself. */
START_TEST(of_its_own)
{
    AUTO(strbuf) struct strbuf b = {0};

    strbuf_addf(&b, "%s", "0123456789");
    for (int i = 0; i < 6; i++)
        strbuf_addf(&b, "%s", strbuf_str(&b));
    ck_assert_uint_eq(b.len, 640);
    for (size_t i = 0; i < b.len; i++)
        ck_assert_int_eq(b.data[i], (char)('0' + i % 10));
}
END_TEST

START_TEST(taking)
{
    AUTO(strbuf) struct strbuf b = {0};
    AUTO(str) char *empty = strbuf_take(&b);

    strbuf_addch(&b, 'x');
    AUTO(str) char *full = strbuf_take(&b);
    ck_assert_str_eq(empty, "");
    ck_assert_str_eq(full, "x");
    ck_assert_str_eq(strbuf_str(&b), "");
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.strbuf",
                      SUITE_CASE("strbuf", EACH(adding, lengths), TEST(of_its_own), TEST(taking)));
}
