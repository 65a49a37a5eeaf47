#include "base/yaml.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "tests/unit/suite.h"

static struct yaml_doc *parse_ok(const char *text)
{
    __attribute__((cleanup(cleanup_diags))) struct diags d = {0};
    struct yaml_doc *doc = yaml_parse(text, strlen(text), "t.yaml", &d);

    ck_assert_msg(doc != NULL, "%s: %s", text, d.count ? d.items[0].err.msg : "");
    return doc;
}

/* ---- what a document says ---- */

static const struct reading {
    const char *yaml, *json;
} readings[] = {
    {"a: 1", "{\"a\":1}"},
    {"{}", "{}"},
    {"[]", "[]"},
    {"x", "\"x\""},
    {"- 1\n- -7\n- +3\n- 0\n- 2.5\n- -0.5\n- 1.5e+3\n", "[1,-7,3,0,2.5,-0.5,1500]"},
    {"[true, false, null, ]", "[true,false,null]"},
    {"a:\nb: ''\n", "{\"a\":null,\"b\":\"\"}"},
    {"[\"yes\", 'no', \"0644\", \"~\", \"12:30:45\"]",
     "[\"yes\",\"no\",\"0644\",\"~\",\"12:30:45\"]"},
    {"[2026-01-01T00:00:00Z, 2026-01-01, 1h30m, 10Gi, 500m, 1.2.3, v1]",
     "[\"2026-01-01T00:00:00Z\",\"2026-01-01\",\"1h30m\",\"10Gi\",\"500m\",\"1.2.3\",\"v1\"]"},
    {"[8080:80, a:b, '1:2', -, --, ., .., -x, 1e, e1, 0xZ, 12:99]",
     "[\"8080:80\",\"a:b\",\"1:2\",\"-\",\"--\",\".\",\"..\",\"-x\",\"1e\",\"e1\",\"0xZ\",\"12:"
     "99\"]"},
    {"[!!str 1, !!str yes, !!int 5, !!float 5, !!null null, ! 7]",
     "[\"1\",\"yes\",5,5,null,\"7\"]"},
    {"a: |\n  one\n  two\nb: >-\n  x\n  y\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"x y\"}"},
    {"a: &x [1, {k: v}]\nb: *x\nc: &y z\nd: *y\n",
     "{\"a\":[1,{\"k\":\"v\"}],\"b\":[1,{\"k\":\"v\"}],\"c\":\"z\",\"d\":\"z\"}"},
    {"\"true\": 1\n'5': 2\n", "{\"true\":1,\"5\":2}"},
    {"a: {\"<<\": 1}", "{\"a\":{\"\\u003c\\u003c\":1}}"},
    {"\xef\xbb\xbf"
     "a: 1\r\nb: 2\r\n",
     "{\"a\":1,\"b\":2}"},
    {"# comment\n---\na: 1 # more\n...\n", "{\"a\":1}"},
    {"? a\n: b\n", "{\"a\":\"b\"}"},
    {"k: \"\\u2028 \\x41 \\N\"", "{\"k\":\"\\u2028 A \xc2\x85\"}"},
};

START_TEST(reads)
{
    AUTO(yaml) struct yaml_doc *doc = parse_ok(readings[_i].yaml);
    AUTO(json) json_t *v = yaml_to_json(doc, yaml_node(doc, 0));
    AUTO(str) char *text = json_text(v);

    ck_assert_str_eq(text, readings[_i].json);
}
END_TEST

/* ---- mistakes: all of them, each with its place ---- */

static const struct mistake {
    const char *yaml;
    const char *places; /* "line:col line:col ..." */
    const char *part;   /* of the first message */
    const char *hint;   /* part of the first hint; NULL: none asked for */
} mistakes[] = {
    {"a: 1\nb: {c: 2}\na: 3\n", "3:1", "duplicate key 'a'", "line 1, column 1"},
    {"a: 1\na: 2\na: 3\n", "2:1 3:1", "duplicate key 'a'", NULL},
    {"a:\n\tb: 1\n", "2:1", "tab", "spaces"},
    {"a:\tb\n", "1:4", "tab", "spaces"},
    {"a: 1\n---\nb: 2\n", "2:1", "second document", NULL},
    {"a: 1\n--- b\n", "2:1", "second document", NULL},
    {"", "0:0", "no document", NULL},
    {"# only a comment\n", "0:0", "no document", NULL},
    {"a: yes", "1:4", "'yes' is a boolean", "\"yes\""},
    {"[On, OFF, y, N, No, YES]", "1:2 1:6 1:11 1:14 1:17 1:21", "boolean", NULL},
    {"[True, FALSE]", "1:2 1:8", "boolean", NULL},
    {"[~, Null, NULL]", "1:2 1:5 1:11", "null", NULL},
    {"mode: 0644", "1:7", "octal", "\"0644\""},
    {"[089, -012, 0o17, 0x1F, 0b11]", "1:2 1:7 1:13 1:19 1:25", "octal", NULL},
    {"[1_000, 1_0.5]", "1:2 1:9", "YAML 1.1", NULL},
    {"[12:30:45, 22:22, 1:30.5]", "1:2 1:12 1:19", "base 60", NULL},
    {"[1e3, 1.0e3, .inf, -.INF, .nan]", "1:2 1:7 1:14 1:20 1:27", "YAML 1.2", NULL},
    {"9223372036854775808", "1:1", "64 bits", NULL},
    {"a: 1.0e+999", "1:4", "out of the range", NULL},
    {"on: 1\nno: 2\n", "1:1 2:1", "'on'", "\"on\""},
    {"5: a\ntrue: b\n: c\n", "1:1 2:1 3:1", "no string", "\"5\""},
    {"<<: {a: 1}\nb: ~\n", "1:1 2:4", "merge", NULL},
    {"a: !custom x\nb: !!binary eA==\nc: !!int x\n", "1:4 2:4 3:4", "tag", NULL},
    {"a: *nope\nb: yes\n", "1:4 2:4", "no anchor", NULL},
    {"a: &x [1, *x]\n", "1:11", "part of", NULL},
    {"a: &x [&x 1, *x]\n", NULL, NULL, NULL}, /* the inner anchor is meant: no mistake */
    {"? [a]\n: b\n", "1:3", "key must be a string", NULL},
    {"a: b: c\n", "1:5", "mapping values", "quote"},
    {"a: [1, 2\n", "2:1", "flow sequence", NULL},
    {"a: \"x\n", "2:1", "quoted scalar", NULL},
    {"a: \xff\n", "1:4", "invalid UTF-8", NULL},
    {"\xc3\xa9: yes\n", "1:5", "boolean", NULL}, /* columns count bytes */
    {"a: \"\x01\"\nb: \"\x7f\"\n", "1:5 2:5", "control character", NULL},
    {"a: b\rc: d\n", "1:5", "carriage return", NULL},
    {"a: \"\xe2\x80\xa8\"\n", "1:5", "line break", NULL},
    {"a: \"\\0\"\n", "1:4", "NUL", NULL},
};

START_TEST(refuses)
{
    const struct mistake *m = &mistakes[_i];
    __attribute__((cleanup(cleanup_diags))) struct diags d = {0};
    AUTO(str) char *exact = mem_dup(m->yaml, strlen(m->yaml));
    AUTO(yaml) struct yaml_doc *doc = yaml_parse(exact, strlen(m->yaml), "t.yaml", &d);
    AUTO(strbuf) struct strbuf places = {0};

    if (!m->places) {
        ck_assert_ptr_nonnull(doc);
        return;
    }
    ck_assert_ptr_null(doc);
    for (size_t i = 0; i < d.count; i++)
        strbuf_addf(&places, "%s%u:%u", i ? " " : "", d.items[i].err.pos.line,
                    d.items[i].err.pos.col);
    ck_assert_msg(strcmp(strbuf_str(&places), m->places) == 0, "%s: %s: %s", m->yaml,
                  strbuf_str(&places), d.count ? d.items[0].err.msg : "");
    ck_assert_msg(strstr(d.items[0].err.msg, m->part) != NULL, "%s: %s", m->yaml,
                  d.items[0].err.msg);
    if (m->hint)
        ck_assert_msg(d.items[0].err.hint && strstr(d.items[0].err.hint, m->hint), "%s: %s",
                      m->yaml, d.items[0].err.hint ? d.items[0].err.hint : "(no hint)");
}
END_TEST

/* ---- limits ---- */

/* Parses and wants one error of a limit, in little time even with sanitizers. */
static void check_limit(const char *text, size_t len, const char *part)
{
    __attribute__((cleanup(cleanup_diags))) struct diags d = {0};
    int64_t start = wall_monotonic_ns();

    ck_assert_ptr_null(yaml_parse(text, len, "t.yaml", &d));
    ck_assert(wall_monotonic_ns() - start < INT64_C(5000000000));
    ck_assert_uint_eq(d.count, 1);
    ck_assert_int_eq(d.items[0].err.code, ERR_LIMIT);
    ck_assert_msg(strstr(d.items[0].err.msg, part) != NULL, "%s", d.items[0].err.msg);
}

START_TEST(size_limit)
{
    AUTO(str) char *big = mem_alloc(2 << 20);

    memset(big, 'x', 2 << 20);
    check_limit(big, 2 << 20, "2097152 bytes; the limit is 1048576");
}
END_TEST

START_TEST(depth_limit)
{
    AUTO(str) char *deep = mem_alloc(500000);
    AUTO(yaml) struct yaml_doc *doc = NULL;
    char text[2 * YAML_DEPTH_MAX + 1] = "";

    memset(deep, '[', 500000);
    check_limit(deep, 500000, "nested deeper than the limit of 48");
    memset(text, '[', YAML_DEPTH_MAX);
    memset(text + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
    doc = parse_ok(text);
}
END_TEST

static void add_times(struct strbuf *text, const char *part, int times)
{
    for (int i = 0; i < times; i++)
        strbuf_addstr(text, part);
}

START_TEST(node_limit)
{
    AUTO(strbuf) struct strbuf flat = {0};

    strbuf_addch(&flat, '[');
    add_times(&flat, "a,", 300000);
    strbuf_addch(&flat, ']');
    check_limit(flat.data, flat.len, "limit of 200000");
}
END_TEST

START_TEST(alias_bombs)
{
    AUTO(strbuf) struct strbuf wide = {0}, deep = {0}, fat = {0};

    strbuf_addstr(&wide, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
        strbuf_addf(&wide, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            strbuf_addf(&wide, "*a%d,", i - 1);
        strbuf_addstr(&wide, "]\n");
    }
    check_limit(wide.data, wide.len, "limit of 200000");
    strbuf_addstr(&deep, "a0: &a0 [x]\n");
    for (int i = 1; i < 100; i++)
        strbuf_addf(&deep, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    check_limit(deep.data, deep.len, "aliases expanded, than the limit of 48");
    strbuf_addstr(&fat, "a: &a \"");
    add_times(&fat, "x", 500000);
    strbuf_addstr(&fat, "\"\nb: [");
    add_times(&fat, "*a,", 50000);
    strbuf_addstr(&fat, "]\n");
    check_limit(fat.data, fat.len, "bytes of text");
}
END_TEST

START_TEST(one_long_line_is_no_trap)
{
    __attribute__((cleanup(cleanup_diags))) struct diags d = {0};
    AUTO(strbuf) struct strbuf flow = {0};
    AUTO(yaml) struct yaml_doc *doc = NULL;
    int64_t start = wall_monotonic_ns();

    strbuf_addch(&flow, '{');
    for (int i = 0; i < 60000; i++)
        strbuf_addf(&flow, "\xc3\xa9%d: 1, ", i);
    strbuf_addch(&flow, '}');
    doc = yaml_parse(flow.data, flow.len, "t.yaml", &d);
    ck_assert_ptr_nonnull(doc);
    ck_assert_uint_eq(yaml_node(doc, 0)->count, 60000);
    ck_assert(wall_monotonic_ns() - start < INT64_C(20000000000));
}
END_TEST

START_TEST(mistakes_are_capped)
{
    __attribute__((cleanup(cleanup_diags))) struct diags d = {0};
    AUTO(strbuf) struct strbuf text = {0};

    add_times(&text, "- yes\n", 100);
    ck_assert_ptr_null(yaml_parse(text.data, text.len, "t.yaml", &d));
    ck_assert_uint_eq(d.count, DIAGS_MAX);
    ck_assert_uint_eq(d.errors, 100);
}
END_TEST

/* ---- the tree ---- */

START_TEST(places_of_values_and_keys)
{
    AUTO(yaml)
    struct yaml_doc *doc = parse_ok(
        "spec:\n  steps:\n    - apply: {a: 1}\n    - assert: |\n        x\n  'q': \"z\"\n");
    const struct yaml_node *n = yaml_find(doc, "spec.steps[1].assert");

    ck_assert_uint_eq(n->pos.line, 4);
    ck_assert_uint_eq(n->pos.col, 15);
    ck_assert_uint_eq(n->key_pos.col, 7);
    ck_assert_str_eq(n->key, "assert");
    ck_assert_str_eq(n->text, "x\n");
    ck_assert(n->block && n->quoted);
    n = yaml_find(doc, "spec.q");
    ck_assert(n->quoted && !n->block);
    ck_assert_uint_eq(n->pos.line, 6);
    ck_assert_uint_eq(n->pos.col, 8);
    ck_assert_str_eq(n->pos.file, "t.yaml");
    n = yaml_find(doc, "spec.steps[7].x"); /* the deepest one on the way */
    ck_assert_int_eq(n->type, YAML_SEQ);
    ck_assert_uint_eq(n->count, 2);
    ck_assert_ptr_eq(yaml_find(doc, "spec['steps'][0]"), yaml_find(doc, "spec.steps[0]"));
    ck_assert_ptr_eq(yaml_find(doc, "nothing"), yaml_node(doc, 0));
    ck_assert_ptr_null(yaml_get(doc, yaml_node(doc, 0), "nothing"));
    ck_assert_ptr_null(yaml_node(doc, YAML_NONE));
}
END_TEST

START_TEST(an_alias_stands_where_it_is_used)
{
    AUTO(yaml) struct yaml_doc *doc = parse_ok("a: &x\n  k: v\nb: *x\nc: 1\n");
    const struct yaml_node *b = yaml_find(doc, "b");

    ck_assert_uint_eq(b->pos.line, 3);
    ck_assert_str_eq(b->key, "b");
    ck_assert_uint_eq(yaml_find(doc, "b.k")->pos.line, 2);
    ck_assert_str_eq(yaml_next(doc, b)->key, "c");
}
END_TEST

START_TEST(files)
{
    __attribute__((cleanup(cleanup_diags))) struct diags d = {0};
    char path[] = "/tmp/vmconform-yaml-XXXXXX", *text = NULL;
    size_t len = 0;
    int fd = mkstemp(path);
    struct yaml_doc *doc;

    ck_assert_int_eq(write(fd, "a: 1\n", 5), 5);
    doc = yaml_parse_file(path, &d, &text, &len);
    ck_assert_ptr_nonnull(doc);
    ck_assert_str_eq(text, "a: 1\n");
    yaml_destroy(doc);
    free(text);
    ck_assert_int_eq(ftruncate(fd, 2 << 20), 0);
    close(fd);
    ck_assert_ptr_null(yaml_parse_file(path, &d, NULL, NULL));
    ck_assert_int_eq(d.items[0].err.code, ERR_LIMIT);
    ck_assert_str_eq(d.items[0].err.msg, "the file has 2097152 bytes; the limit is 1048576");
    unlink(path);
    ck_assert_ptr_null(yaml_parse_file(path, &d, &text, &len));
    ck_assert_ptr_null(text);
    ck_assert_int_eq(d.items[1].err.code, ERR_NOT_FOUND);
}
END_TEST

/* ---- writing ---- */

START_TEST(writes_block_style)
{
    AUTO(json) json_t *v = NULL;
    AUTO(strbuf) struct strbuf out = {0};
    static const char in[] = "{\"a\":{\"b\":[1,{\"c\":\"yes\",\"d\":[]},[2,[3]]],\"e\":{}},"
                             "\"on\":\"x: y\",\"f\":1.0,\"g\":1e30,\"h\":null}";

    v = json_read(in, strlen(in), "t", NULL);
    yaml_write(&out, v, 0);
    ck_assert_str_eq(out.data, "a:\n"
                               "  b:\n"
                               "  - 1\n"
                               "  - c: \"yes\"\n"
                               "    d: []\n"
                               "  - - 2\n"
                               "    - - 3\n"
                               "  e: {}\n"
                               "\"on\": \"x: y\"\n"
                               "f: 1.0\n"
                               "g: 1.0e+30\n"
                               "h: null\n");
}
END_TEST

/* YAML 1.1 makes times of these, when they stand without quotes. */
static const struct {
    const char *text;
    bool quoted;
} dates[] = {
    {"2026-01-01", true},
    {"2026-1-1", true},
    {"2026-11-30T18:26:40Z", true},
    {"2026-11-30T18:26:40.123456Z", true},
    {"2026-11-30t18:26:40+02:00", true},
    {"2026-11-30 18:26:40 -5", true},
    {"2026-11", false},
    {"2026-11-", false},
    {"2026-111-30", false},
    {"202-11-30", false},
    {"20261-11-30", false},
    {"a2026-11-30", false},
    {"v2026-01-01", false},
};

START_TEST(dates_are_quoted)
{
    AUTO(json) json_t *v = json_pack("{s:s, s:i}", "k", dates[_i].text, dates[_i].text, 1);
    AUTO(strbuf) struct strbuf out = {0};
    const char *quote = dates[_i].quoted ? "\"" : "";
    char want[200];

    snprintf(want, sizeof want, "k: %s%s%s\n%s%s%s: 1\n", quote, dates[_i].text, quote, quote,
             dates[_i].text, quote);
    yaml_write(&out, v, 0);
    ck_assert_str_eq(out.data, want);
}
END_TEST

static const char *const strings[] = {
    "",
    " ",
    "a",
    "a b",
    " a",
    "a ",
    "yes",
    "NO",
    "null",
    "true",
    "~",
    "1",
    "-1",
    "1.5",
    "0644",
    "0x1F",
    "1e3",
    "1_000",
    "12:30:45",
    ".inf",
    "2026-01-01T00:00:00Z",
    "2026-01-01",
    "a: b",
    "a:",
    "a #b",
    "#a",
    "a#b",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "[a]",
    "{a}",
    "*a",
    "&a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "'a'",
    "\"a\"",
    "a\nb",
    "a\n",
    "\na",
    "a\tb",
    "\t",
    "a\\b",
    "---",
    "...",
    "--- a",
    "<<",
    "=",
    "\xc3\xa9",
    "\xe2\x80\xa8",
    "\xc2\x85",
    "\xef\xbb\xbf",
    "\xf0\x9f\x98\x80",
    "\x01\x1f\x7f",
    "a, b",
    "10Gi",
    "a/b.c_d-e",
    "$(x)",
    "\xef\xbf\xbf",
};

START_TEST(what_is_written_is_read_back)
{
    AUTO(json) json_t *v = json_object();
    AUTO(json) json_t *again = NULL;
    AUTO(strbuf) struct strbuf out = {0};
    AUTO(yaml) struct yaml_doc *doc = NULL;
    char long_key[2000];

    json_object_set_new(v, "value", json_string(strings[_i]));
    json_object_set_new(v, strings[_i], json_integer(1));
    json_object_set_new(v, "list", json_pack("[s, {s: s}]", strings[_i], "k", strings[_i]));
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = '\0';
    json_object_set_new(v, long_key, json_pack("[i]", 1));
    yaml_write(&out, v, 4);
    doc = parse_ok(out.data);
    again = yaml_to_json(doc, yaml_node(doc, 0));
    ck_assert_msg(json_same(v, again), "%s", out.data);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("base.yaml",
                      SUITE_LONG_CASE("yaml", 60, EACH(reads, readings), EACH(refuses, mistakes),
                                      TEST(size_limit), TEST(depth_limit), TEST(node_limit),
                                      TEST(alias_bombs), TEST(one_long_line_is_no_trap),
                                      TEST(mistakes_are_capped), TEST(places_of_values_and_keys),
                                      TEST(an_alias_stands_where_it_is_used), TEST(files),
                                      TEST(writes_block_style), EACH(dates_are_quoted, dates),
                                      EACH(what_is_written_is_read_back, strings)));
}
