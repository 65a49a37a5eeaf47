#include "base/glob.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

static const struct {
    const char *pattern, *text;
    bool want;
} cases[] = {
    {"", "", true},
    {"", "a", false},
    {"abc", "abc", true},
    {"abc", "abcd", false},
    {"abcd", "abc", false},
    {"*", "", true},
    {"*", "anything", true},
    {"**", "x", true},
    {"a*", "abc", true},
    {"a*", "ba", false},
    {"*c", "abc", true},
    {"*c", "abcd", false},
    {"a*c", "ac", true},
    {"a*c", "abcbc", true},
    {"a*b*c", "aXbYbZc", true},
    {"a*b*c", "aXbYbZ", false},
    {"?", "", false},
    {"?", "a", true},
    {"?", "ab", false},
    {"a?c", "abc", true},
    {"*?", "", false},
    {"*?", "a", true},
    {"?*?", "a", false},
    {"?*?", "ab", true},
    {"?", "\xc3\xa9", true},
    {"a?b",
     "a\xe2\x82\xac"
     "b",
     true},
    {"??", "\xc3\xa9", false},
    {"*\xa9", "\xc3\xa9", false}, /* half a character is none */
    {"[a]", "a", false},
    {"[a]", "[a]", true},
    {"\\*", "\\x", true},
    {"VM*", "vm", false},
};

START_TEST(table)
{
    ck_assert_msg(glob_match(cases[_i].pattern, cases[_i].text) == cases[_i].want,
                  "'%s' against '%s'", cases[_i].pattern, cases[_i].text);
}
END_TEST

/* Many stars that almost fit: exponential in a naive matcher. */
START_TEST(hostile)
{
    enum { LEN = 20000, STARS = 100 };
    AUTO(str) char *text = mem_alloc(LEN + 1);
    AUTO(str) char *pattern = mem_alloc(2 * STARS + 2);

    memset(text, 'a', LEN);
    text[LEN] = '\0';
    for (size_t i = 0; i < STARS; i++)
        memcpy(pattern + 2 * i, "a*", 2);
    memcpy(pattern + 2 * STARS, "b", 2);
    ck_assert(!glob_match(pattern, text));
    pattern[2 * STARS] = 'a';
    ck_assert(glob_match(pattern, text));
}
END_TEST

int main(void)
{
    return SUITE_MAIN("glob", SUITE_CASE("glob", EACH(table, cases), TEST(hostile)));
}
