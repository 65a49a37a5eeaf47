/* The trace, byte for byte. */
#include "sched/trace.h"

#include <string.h>

#include "base/json.h"
#include "tests/unit/sched/world.h"
#include "tests/unit/suite.h"

static const struct {
    const char *name, *value, *want;
} strings[] = {
    {"plain", "abc ~", "abc ~"},
    {"empty", "", ""},
    {"quotes", "a\"b\\c/d", "a\\\"b\\\\c/d"},
    {"controls", "\b\t\n\f\r\x01\x1f\x7f", "\\b\\t\\n\\f\\r\\u0001\\u001f\x7f"},
    {"html", "<a&b>", "\\u003ca\\u0026b\\u003e"},
    {"utf-8", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"line separators", "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\\u2028\\u2029\xe2\x80\xaa"},
    {"stray byte",
     "a\xff"
     "b\x80",
     "a\\ufffdb\\ufffd"},
    {"cut short", "\xe2\x82", "\\ufffd\\ufffd"},
    {"overlong", "\xc0\x80\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"},
    {"surrogate", "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
    {"too large", "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
};

START_TEST(string)
{
    AUTO(trace) struct trace *t = trace_create();
    AUTO(str)
    char *want = mem_printf("{\"t\":0,\"n\":1,\"ev\":\"e\",\"k\":\"%s\"}\n", strings[_i].want);

    trace_begin(t, 0, "e");
    trace_str(t, "k", strings[_i].value);
    trace_end(t);
    ck_assert_msg(strcmp(strbuf_str(trace_text(t)), want) == 0, "%s: got %s", strings[_i].name,
                  strbuf_str(trace_text(t)));
}
END_TEST

/* The same bytes as base/json.h where that accepts the text. */
START_TEST(string_as_json)
{
    AUTO(trace) struct trace *t = trace_create();
    AUTO(json) json_t *value = json_string(strings[_i].value);
    AUTO(strbuf) struct strbuf want = {0};

    if (!value)
        return; /* no UTF-8 */
    strbuf_addstr(&want, "{\"t\":0,\"n\":1,\"ev\":\"e\",\"k\":");
    json_write(&want, value, JSON_TIGHT);
    strbuf_addstr(&want, "}\n");
    trace_begin(t, 0, "e");
    trace_str(t, "k", strings[_i].value);
    trace_end(t);
    ck_assert_str_eq(strbuf_str(trace_text(t)), strbuf_str(&want));
}
END_TEST

START_TEST(records)
{
    AUTO(trace) struct trace *t = trace_create();
    AUTO(json) json_t *value = json_pack("{s:i, s:[b, n], s:{s:f}}", "b", 2, "a", 1, "c", "d", 0.5);

    ck_assert(trace_on(t));
    ck_assert(!trace_on(NULL));
    ck_assert_str_eq(strbuf_str(trace_text(t)), "");
    trace_origin(t, 1000);
    trace_begin(t, 1000, "first");
    trace_end(t);
    trace_begin(t, 999, "second");
    trace_int(t, "min", INT64_MIN);
    trace_int(t, "max", INT64_MAX);
    trace_int(t, "zero", 0);
    trace_str(t, "no", NULL);
    trace_json(t, "none", NULL);
    trace_json(t, "v", value);
    trace_end(t);
    ck_assert_str_eq(strbuf_str(trace_text(t)),
                     "{\"t\":0,\"n\":1,\"ev\":\"first\"}\n"
                     "{\"t\":-1,\"n\":2,\"ev\":\"second\",\"min\":-9223372036854775808,"
                     "\"max\":9223372036854775807,\"zero\":0,"
                     "\"v\":{\"a\":[true,null],\"b\":2,\"c\":{\"d\":0.5}}}\n");
}
END_TEST

/* What the scheduler itself writes. The picks depend on the generator, so that this also fixes its
 * stream. */
START_TEST(of_a_world)
{
    AUTO(trace) struct trace *t = trace_create();
    struct world w;

    world_init(&w, 3, POLICY_RANDOM, t);
    world_spawn_all(&w, (const char *[]){"a/0:.p.", "b/1:5.l."}, 2);
    sched_run(w.s, SCHED_NEVER);
    ck_assert_str_eq(
        strbuf_str(trace_text(t)),
        "{\"t\":0,\"n\":1,\"ev\":\"pick\",\"of\":2,\"took\":0,\"process\":\"p0\",\"actor\":\"a\","
        "\"what\":\"start\"}\n"
        "{\"t\":0,\"n\":2,\"ev\":\"pick\",\"of\":2,\"took\":1,\"process\":\"p0\",\"actor\":\"a\","
        "\"what\":\"test\"}\n"
        "{\"t\":5,\"n\":3,\"ev\":\"crash\",\"process\":\"p1\"}\n");
    world_finish(&w);
    ck_assert_ptr_null(strstr(strbuf_str(trace_text(t)), "p0\"}")); /* the end is no crash */
}
END_TEST

int main(void)
{
    return SUITE_MAIN("trace", SUITE_LONG_CASE("trace", 60, EACH(string, strings),
                                               EACH(string_as_json, strings), TEST(records),
                                               TEST(of_a_world)));
}
