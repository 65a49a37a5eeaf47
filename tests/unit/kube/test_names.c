#include "kube/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/suite.h"

#define TEN "aaaaaaaaaa"
#define SIXTY TEN TEN TEN TEN TEN TEN

typedef const char *check_function(const char *s);

static const struct name_case {
    const char *label;
    check_function *check;
    const char *text;
    const char *message; /* a part of it; NULL: fine */
} cases[] = {
    {"subdomain", name_check_dns1123_subdomain, "a.b-c.1", NULL},
    {"subdomain", name_check_dns1123_subdomain, "",
     "a lowercase RFC 1123 subdomain must consist of"},
    {"subdomain", name_check_dns1123_subdomain, "A_B",
     "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
     "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
     "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
    {"subdomain", name_check_dns1123_subdomain, "a..b", "subdomain"},
    {"subdomain", name_check_dns1123_subdomain, "a.", "subdomain"},
    {"subdomain", name_check_dns1123_subdomain, ".a", "subdomain"},
    {"subdomain", name_check_dns1123_subdomain, "a-.b", "subdomain"},
    {"subdomain", name_check_dns1123_subdomain, "a\n", "subdomain"},
    {"subdomain", name_check_dns1123_subdomain, SIXTY SIXTY SIXTY SIXTY TEN "aaa", NULL},
    {"subdomain", name_check_dns1123_subdomain, SIXTY SIXTY SIXTY SIXTY TEN "aaaa",
     "must be no more than 253 characters"},
    {"label", name_check_dns1123_label, "1a-b", NULL},
    {"label", name_check_dns1123_label, "a.b", "must not contain dots"},
    {"label", name_check_dns1123_label, "a_b",
     "(e.g. 'my-name',  or '123-abc', regex used for validation is "
     "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
    {"label", name_check_dns1123_label, SIXTY "aaa", NULL},
    {"label", name_check_dns1123_label, SIXTY "aaaa", "must be no more than 63 characters"},
    {"1035", name_check_dns1035_label, "a1", NULL},
    {"1035", name_check_dns1035_label, "1a",
     "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
     "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123'"},
    {"path", name_check_path_segment, "system:a_B", NULL},
    {"path", name_check_path_segment, ".", "may not be '.'"},
    {"path", name_check_path_segment, "..", "may not be '..'"},
    {"path", name_check_path_segment, "a/b", "may not contain '/'"},
    {"path", name_check_path_segment, "a%", "may not contain '%'"},
    {"qualified", name_check_qualified, "a", NULL},
    {"qualified", name_check_qualified, "Example.com/My_Name.x",
     "prefix part a lowercase RFC 1123"},
    {"qualified", name_check_qualified, "example.com/My_Name.x", NULL},
    {"qualified", name_check_qualified, "a/b/c", "with an optional DNS subdomain prefix and '/'"},
    {"qualified", name_check_qualified, "/b", "prefix part must be non-empty"},
    {"qualified", name_check_qualified, "a/", "name part must be non-empty"},
    {"qualified", name_check_qualified, "-a", "name part must consist of alphanumeric characters"},
    {"qualified", name_check_qualified, "a b", "name part must consist of"},
    {"qualified", name_check_qualified, "x/" SIXTY "aaaa", "name part must be no more than 63"},
    {"value", name_check_label_value, "", NULL},
    {"value", name_check_label_value, "a_B.c-1", NULL},
    {"value", name_check_label_value, "a b",
     "a valid label must be an empty string or consist of alphanumeric characters"},
    {"value", name_check_label_value, "-", "a valid label"},
    {"value", name_check_label_value, SIXTY "aaaa", "must be no more than 63 characters"},
};

START_TEST(checks)
{
    const struct name_case *c = &cases[_i];
    const char *got = c->check(c->text);

    if (!c->message)
        ck_assert_msg(got == NULL, "%s %s: %s", c->label, c->text, got);
    else
        ck_assert_msg(got && strstr(got, c->message), "%s %s: %s", c->label, c->text,
                      got ? got : "(fine)");
}
END_TEST

START_TEST(generated_names)
{
    AUTO(str) char *one = NULL;
    AUTO(str) char *long_one = NULL;
    struct prng p;

    prng_init(&p, 7, "names");
    one = name_generate(&p, "vm-");
    ck_assert_str_eq(one, "vm-sft99");
    long_one = name_generate(&p, SIXTY "bbb");
    ck_assert_uint_eq(strlen(long_one), 63);
    ck_assert(strncmp(long_one, SIXTY, 58) == 0);
}
END_TEST

START_TEST(shortened_names)
{
    AUTO(str) char *same = name_shorten(SIXTY "aaa", 63);
    AUTO(str) char *cut = name_shorten(SIXTY "aaaa", 63);
    AUTO(str) char *other = name_shorten(SIXTY "aaab", 63);
    AUTO(str) char *at_separator = name_shorten("abcdefghij.-" SIXTY, 21);
    AUTO(str) char *tiny = name_shorten(SIXTY, 5);

    ck_assert_str_eq(same, SIXTY "aaa");
    ck_assert_uint_eq(strlen(cut), 63);
    ck_assert_str_ne(cut, other);
    ck_assert_ptr_null(name_check_dns1123_label(cut));
    ck_assert_uint_eq(strlen(at_separator), 19);
    ck_assert(strncmp(at_separator, "abcdefghij-", 11) == 0);
    ck_assert_uint_eq(strlen(tiny), 5);
}
END_TEST

int main(void)
{
    return SUITE_MAIN("kube.names", SUITE_CASE("names", EACH(checks, cases), TEST(generated_names),
                                               TEST(shortened_names)));
}
