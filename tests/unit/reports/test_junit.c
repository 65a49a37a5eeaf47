#include <string.h>

#include "base/json.h"
#include "reports/writers.h"
#include "reports/xml.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/suite.h"

/* xmllint is the judge where it is installed; else only the shape is looked at. */
static bool well_formed(const struct strbuf *xml)
{
    FILE *p = popen("command -v xmllint >/dev/null || { cat >/dev/null; exit 0; }; "
                    "xmllint --noout - 2>&1",
                    "w");

    ck_assert_ptr_nonnull(p);
    fwrite(strbuf_str(xml), 1, xml->len, p);
    return pclose(p) == 0;
}

static const struct text_row {
    const char *text, *want, *want_attribute;
} texts[] = {
    {"plain", "plain", "plain"},
    {"<a href=\"b\">&</a>", "&lt;a href=&quot;b&quot;&gt;&amp;&lt;/a&gt;",
     "&lt;a href=&quot;b&quot;&gt;&amp;&lt;/a&gt;"},
    {"]]>", "]]&gt;", "]]&gt;"},
    {"a\nb\tc", "a\nb\tc", "a&#10;b&#9;c"},
    {"\x01\x1b[31m\r\x7f", "\\x01\\x1b[31m\\x0d\x7f", "\\x01\\x1b[31m\\x0d\x7f"},
    {"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
     "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xff\xc0\x80\xed\xa0\x80\xc3", "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xc3",
     "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xc3"},
    {"\xef\xbf\xbf", "\\u{ffff}", "\\u{ffff}"},
};

START_TEST(escapes)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(strbuf) struct strbuf attribute = {0};
    AUTO(str) char *want = mem_printf(" k=\"%s\"", texts[_i].want_attribute);

    xml_text(&text, texts[_i].text);
    xml_attribute(&attribute, "k", texts[_i].text);
    ck_assert_str_eq(strbuf_str(&text), texts[_i].want);
    ck_assert_str_eq(strbuf_str(&attribute), want);
}
END_TEST

/* Every byte in every user text, and pairs of odd ones. */
START_TEST(any_bytes)
{
    char bytes[600];
    size_t n = 0;
    struct result_case *r = sample_case("a", "s", RESULT_FAILED);
    const struct result_case *cases[] = {r};
    struct result_run run = {.cases = cases, .count = 1, .version = "0"};
    AUTO(strbuf) struct strbuf xml = {0};

    for (unsigned i = 1; i < 256; i++) {
        bytes[n++] = (char)i;
        bytes[n++] = (char)(i ^ 0xc5 ? i ^ 0xc5 : 1);
    }
    bytes[n] = '\0';
    free(r->name);
    free(r->headline);
    free(r->details);
    free(r->replay);
    free(r->checked[0]);
    r->name = mem_strdup(bytes);
    r->headline = mem_strdup(bytes);
    r->details = mem_strdup(bytes);
    r->replay = mem_strdup(bytes);
    r->checked[0] = mem_strdup(bytes);
    report_junit(&xml, &run);
    ck_assert(well_formed(&xml));
    result_case_destroy(r);
}
END_TEST

START_TEST(counts_and_kinds)
{
    struct result_case *all[] = {
        sample_case("a", "one", RESULT_PASSED),  sample_case("b", "two", RESULT_FAILED),
        sample_case("c", "one", RESULT_ERROR),   sample_case("d", "one", RESULT_VACUOUS),
        sample_case("e", "two", RESULT_SKIPPED), sample_case("f", "two", RESULT_FAILED),
    };
    struct result_run run = {
        .cases = (const struct result_case *const *)all, .count = ARRAY_LEN(all), .version = "0"};
    AUTO(strbuf) struct strbuf xml = {0};
    static const char *const wanted[] = {
        "<testsuites name=\"vmconform\" tests=\"6\" failures=\"1\" errors=\"2\" skipped=\"2\"",
        "<testsuite name=\"one\" tests=\"3\" failures=\"0\" errors=\"2\" skipped=\"0\"",
        "<testsuite name=\"two\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"2\"",
        "<testcase name=\"b\" classname=\"two\" file=\"scenarios/two/b.yaml\" line=\"7\"",
        "time=\"0.002000\">",
        "<failure message=\"scenarios/two/b.yaml:7:1: it broke\" type=\"nonconformance\">",
        "type=\"stage\"",
        "type=\"vacuous\"",
        "<skipped message=\"scenarios/two/e.yaml:7:1: it broke\"/>",
        "<skipped message=\"expected failure: scenarios/two/f.yaml:7:1: it broke\"/>",
        "<property name=\"requirement\" value=\"some-promise\"/>",
        "<property name=\"seed\" value=\"18446744073709551615\"/>",
        "<property name=\"checked\" value=\"never: &quot;a&quot; &lt; b &amp; c\"/>",
        "\nreplay: vmconform run --seed 1 scenarios/two/b.yaml</failure>",
    };

    all[5]->expected = true;
    report_junit(&xml, &run);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        ck_assert_msg(strstr(strbuf_str(&xml), wanted[i]), "%s is not in\n%s", wanted[i],
                      strbuf_str(&xml));
    ck_assert(well_formed(&xml));
    /* A suite stands where its first case does. */
    ck_assert(strstr(strbuf_str(&xml), "name=\"one\"") < strstr(strbuf_str(&xml), "name=\"two\""));
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        result_case_destroy(all[i]);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "junit", SUITE_CASE("all", EACH(escapes, texts), TEST(any_bytes), TEST(counts_and_kinds)));
}
