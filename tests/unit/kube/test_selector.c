#include "kube/selector.h"

#include <string.h>

#include "base/json.h"
#include "tests/unit/suite.h"

static json_t *read_json(const char *text)
{
    json_t *v = json_read(text, strlen(text), "t", NULL);

    ck_assert_msg(v != NULL, "%s", text);
    return v;
}

static const struct label_case {
    const char *selector, *labels;
    bool match;
} labels[] = {
    {"", "{}", true},
    {"", "{\"a\":\"1\"}", true},
    {"  ", "{}", true},
    {"a", "{\"a\":\"\"}", true},
    {"a", "{}", false},
    {"!a", "{}", true},
    {"! a", "{\"a\":\"x\"}", false},
    {"a=b", "{\"a\":\"b\"}", true},
    {"a==b", "{\"a\":\"b\"}", true},
    {"a = b", "{\"a\":\"c\"}", false},
    {"a!=b", "{\"a\":\"c\"}", true},
    {"a!=b", "{}", true},
    {"a!=b", "{\"a\":\"b\"}", false},
    {"a=", "{\"a\":\"\"}", true},
    {"a=,b", "{\"a\":\"\",\"b\":\"1\"}", true},
    {"a in (b,c)", "{\"a\":\"c\"}", true},
    {"a in (b,c)", "{}", false},
    {"a notin (b,c)", "{}", true},
    {"a notin (b,c)", "{\"a\":\"b\"}", false},
    {"a in (b,,c)", "{\"a\":\"\"}", true},
    {"a in ()", "{\"a\":\"\"}", true},
    {"a in (,b)", "{\"a\":\"\"}", true},
    {"a in (b,)", "{\"a\":\"\"}", true},
    {"a\tin\n( b , c )", "{\"a\":\"b\"}", true},
    {"in in (in)", "{\"in\":\"in\"}", true},
    {"notin=in", "{\"notin\":\"in\"}", true},
    {"a>5", "{\"a\":\"6\"}", true},
    {"a>5", "{\"a\":\"5\"}", false},
    {"a>5", "{\"a\":\"x\"}", false},
    {"a>5", "{}", false},
    {"a<5", "{\"a\":\"-7\"}", true},
    {"a=b,c!=d,e in (x,y),!f,g", "{\"a\":\"b\",\"e\":\"y\",\"g\":\"\"}", true},
    {"a=b,c!=d,e in (x,y),!f,g", "{\"a\":\"b\",\"e\":\"y\",\"g\":\"\",\"f\":\"\"}", false},
    {"example.com/a=b", "{\"example.com/a\":\"b\"}", true},
};

START_TEST(label_selectors_match)
{
    const struct label_case *c = &labels[_i];
    AUTO(json) json_t *have = read_json(c->labels);
    AUTO(selector) struct selector *s = selector_parse(c->selector, NULL);

    ck_assert_msg(s != NULL, "%s", c->selector);
    ck_assert_msg(selector_matches(s, have) == c->match, "%s on %s", c->selector, c->labels);
    if (json_object_size(have) == 0)
        ck_assert(selector_matches(s, NULL) == c->match);
}
END_TEST

static const struct refusal {
    const char *text, *message;
} label_refusals[] = {
    {"a in", "unable to parse requirement: found '' expected: '('"},
    {"a in b", "unable to parse requirement: found 'b' expected: '('"},
    {"a in (b", "unable to parse requirement: found '', expected: ',' or ')'"},
    {"a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"},
    {"a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"},
    {"a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
    {"a,", "found '', expected: identifier after ','"},
    {",a", "found ',', expected: !, identifier, or 'end of string'"},
    {"=a", "found '=', expected: !, identifier, or 'end of string'"},
    {"!", "unable to parse requirement: found '', expected: identifier"},
    {"!a=b", "found '=', expected: ',' or 'end of string'"},
    {"a=b c", "found 'c', expected: ',' or 'end of string'"},
    {"a==(", "unable to parse requirement: found '(', expected: identifier"},
    {"a>x",
     "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the "
     "value must be an integer"},
    {"-a", "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of "
           "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
           "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
           "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"},
    {"a=-b",
     "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be "
     "an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
     "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
     "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"},
};

START_TEST(label_selectors_refuse)
{
    struct err e = {0};

    ck_assert_ptr_null(selector_parse(label_refusals[_i].text, &e));
    ck_assert_str_eq(e.msg, label_refusals[_i].message);
    err_clear(&e);
}
END_TEST

START_TEST(label_selector_objects)
{
    AUTO(json)
    json_t *spec = read_json(
        "{\"matchLabels\":{\"a\":\"1\"},\"matchExpressions\":["
        "{\"key\":\"b\",\"operator\":\"In\",\"values\":[\"y\",\"x\",\"x\"]},"
        "{\"key\":\"c\",\"operator\":\"NotIn\",\"values\":[\"z\"]},"
        "{\"key\":\"d\",\"operator\":\"Exists\"},{\"key\":\"e\",\"operator\":\"DoesNotExist\"}]}");
    AUTO(json) json_t *good = read_json("{\"a\":\"1\",\"b\":\"x\",\"d\":\"\"}");
    AUTO(json) json_t *bad = read_json("{\"a\":\"1\",\"b\":\"x\",\"d\":\"\",\"c\":\"z\"}");
    AUTO(json) json_t *empty = json_object();
    AUTO(selector) struct selector *s = selector_from_label_selector(spec, NULL);
    AUTO(selector) struct selector *all = selector_from_label_selector(empty, NULL);
    AUTO(selector) struct selector *none = selector_from_label_selector(NULL, NULL);

    ck_assert(selector_matches(s, good));
    ck_assert(!selector_matches(s, bad));
    ck_assert(!selector_is_everything(s));
    ck_assert(selector_is_everything(all) && selector_matches(all, bad));
    ck_assert(!selector_is_everything(none) && !selector_matches(none, empty));
}
END_TEST

static const struct refusal object_refusals[] = {
    {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Foo\"}]}",
     "\"Foo\" is not a valid label selector operator"},
    {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}", "values set can't be empty"},
    {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"b\"]}]}",
     "must be empty"},
    {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[1]}]}",
     "expected a string"},
    {"{\"matchExpressions\":[5]}", "\"\" is not a valid"},
    {"{\"matchLabels\":{\"a\":1}}", "expected a string"},
    {"{\"matchLabels\":{\"\":\"x\"}}", "name part must be non-empty"},
};

START_TEST(label_selector_objects_refuse)
{
    AUTO(json) json_t *spec = read_json(object_refusals[_i].text);
    struct err e = {0};

    ck_assert_ptr_null(selector_from_label_selector(spec, &e));
    ck_assert_msg(strstr(e.msg, object_refusals[_i].message) != NULL, "%s", e.msg);
    err_clear(&e);
}
END_TEST

static const char object_text[] =
    "{\"metadata\":{\"name\":\"x\",\"namespace\":\"n\"},\"spec\":{\"on\":true,\"count\":42,"
    "\"odd\":\"a,b=c\\\\\",\"nil\":null}}";

static const struct field_case {
    const char *selector;
    bool match;
} fields[] = {
    {"", true},
    {"metadata.name=x", true},
    {"metadata.name==x,metadata.namespace!=m", true},
    {"metadata.name!=x", false},
    {"spec.on=true,spec.count=42", true},
    {"spec.count!=42", false},
    {"spec.missing=", true},
    {"spec.nil=", true},
    {"spec.missing!=a", true},
    {"spec.missing=a", false},
    {",,metadata.name=x,", true},
    {"spec.odd=a\\,b\\=c\\\\", true},
};

START_TEST(field_selectors_match)
{
    AUTO(json) json_t *object = read_json(object_text);
    AUTO(field_selector) struct field_selector *s = field_selector_parse(fields[_i].selector, NULL);

    ck_assert_msg(s != NULL, "%s", fields[_i].selector);
    ck_assert_msg(field_selector_matches(s, object) == fields[_i].match, "%s", fields[_i].selector);
}
END_TEST

static const struct refusal field_refusals[] = {
    {"a", "invalid selector: 'a'; can't understand 'a'"},
    {"a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"},
    {"a=b=c", "invalid field selector: unescaped character in value: 61"},
    {"a=\\x", "invalid field selector: invalid escape sequence: \\x"},
    {"a=\\", "invalid field selector: invalid escape sequence: \\"},
};

START_TEST(field_selectors_refuse)
{
    struct err e = {0};

    ck_assert_ptr_null(field_selector_parse(field_refusals[_i].text, &e));
    ck_assert_str_eq(e.msg, field_refusals[_i].message);
    err_clear(&e);
}
END_TEST

static bool is_metadata(void *cookie, const char *field)
{
    (*(int *)cookie)++;
    return strncmp(field, "metadata.", 9) == 0;
}

START_TEST(fields_are_checked)
{
    AUTO(field_selector)
    struct field_selector *s = field_selector_parse("metadata.name=x,spec.foo=1,spec.bar=2", NULL);
    const char *bad = NULL;
    int calls = 0;

    ck_assert(!field_selector_fields_ok(s, is_metadata, &calls, &bad));
    ck_assert_str_eq(bad, "spec.foo");
    ck_assert_int_eq(calls, 2);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "kube.selector",
        SUITE_CASE("selector", EACH(label_selectors_match, labels),
                   EACH(label_selectors_refuse, label_refusals), TEST(label_selector_objects),
                   EACH(label_selector_objects_refuse, object_refusals),
                   EACH(field_selectors_match, fields),
                   EACH(field_selectors_refuse, field_refusals), TEST(fields_are_checked)));
}
