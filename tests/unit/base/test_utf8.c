#include "base/utf8.h"

#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/suite.h"

static const struct character {
    const char *name, *bytes;
    size_t len, length;
    uint32_t code;
} characters[] = {
    {"ASCII", "a", 1, 1, 'a'},
    {"NUL", "\0", 1, 1, 0},
    {"the last of one byte", "\x7f", 1, 1, 0x7f},
    {"the first of two bytes", "\xc2\x80", 2, 2, 0x80},
    {"the last of two bytes", "\xdf\xbf", 2, 2, 0x7ff},
    {"the first of three bytes", "\xe0\xa0\x80", 3, 3, 0x800},
    {"the last of three bytes", "\xef\xbf\xbf", 3, 3, 0xffff},
    {"the first of four bytes", "\xf0\x90\x80\x80", 4, 4, 0x10000},
    {"two bytes", "\xc3\xa4", 2, 2, 0xe4},
    {"three bytes", "\xe2\x82\xac", 3, 3, 0x20ac},
    {"four bytes", "\xf0\x9f\x98\x80x", 5, 4, 0x1f600},
    {"the last one", "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
    {"beyond the last one", "\xf4\x90\x80\x80", 4, 0, 0xfffd},
    {"no such first byte", "\xf8\x80\x80\x80", 4, 0, 0xfffd},
    {"a continuation alone", "\x80", 1, 0, 0xfffd},
    {"overlong in two", "\xc0\x80", 2, 0, 0xfffd},
    {"overlong in three", "\xe0\x9f\xbf", 3, 0, 0xfffd},
    {"overlong in four", "\xf0\x8f\xbf\xbf", 4, 0, 0xfffd},
    {"surrogate", "\xed\xa0\x80", 3, 0, 0xfffd},
    {"cut off", "\xe2\x82\xac", 2, 0, 0xfffd},
    {"broken off", "\xe2\x82x", 3, 0, 0xfffd},
};

START_TEST(reads)
{
    const struct character *c = &characters[_i];
    uint32_t code;

    ck_assert_msg(utf8_length(c->bytes, c->len) == c->length, "%s", c->name);
    ck_assert_msg(utf8_read(c->bytes, c->len, &code) == (c->length ? c->length : 1), "%s", c->name);
    ck_assert_msg(code == c->code, "%s: %x", c->name, code);
    if (c->length) {
        AUTO(strbuf) struct strbuf back = {0};

        utf8_add(&back, code);
        ck_assert_msg(back.len == c->length && memcmp(back.data, c->bytes, back.len) == 0, "%s",
                      c->name);
    }
}
END_TEST

START_TEST(shortens)
{
    static const struct {
        const char *text;
        size_t max;
        const char *want;
    } rows[] = {
        {"abc", 3, "abc"},
        {"abcd", 3, "abc..."},
        {"", 0, ""},
        {"a", 0, "..."},
        {"ab\xe2\x82\xac", 5, "ab\xe2\x82\xac"},
        {"ab\xe2\x82\xac", 4, "ab..."},
        {"ab\xe2\x82\xac", 3, "ab..."},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct strbuf b = {0};

        strbuf_addstr(&b, rows[i].text);
        utf8_shorten(&b, rows[i].max);
        ck_assert_str_eq(strbuf_str(&b), rows[i].want);
        strbuf_finish(&b);
    }
}
END_TEST

START_TEST(one_byte_that_is_not_ascii)
{
    char text[24];

    for (size_t len = 0; len < sizeof text; len++) {
        memset(text, 0x7f, sizeof text);
        ck_assert(utf8_is_ascii(text, len));
        for (size_t at = 0; at < sizeof text; at++) {
            text[at] = (char)0x80;
            ck_assert_msg(utf8_is_ascii(text, len) == (at >= len), "%zu of %zu", at, len);
            text[at] = 0;
        }
    }
}
END_TEST

int main(void)
{
    return SUITE_MAIN("base.utf8", SUITE_CASE("utf8", EACH(reads, characters), TEST(shortens),
                                              TEST(one_byte_that_is_not_ascii)));
}
