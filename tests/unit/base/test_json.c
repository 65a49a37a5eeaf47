#include "base/json.h"

#include <float.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "tests/unit/suite.h"

static json_t *read_ok(const char *text)
{
    struct err e = {0};
    json_t *v = json_read(text, strlen(text), "t", &e);

    ck_assert_msg(v != NULL, "%s: %s", text, e.msg ? e.msg : "");
    return v;
}

/* ---- text that is read and written ---- */

static const struct trip {
    const char *in, *out; /* out NULL: the same */
} trips[] = {
    {"null", NULL},
    {" true ", "true"},
    {"false", NULL},
    {"0", NULL},
    {"-0", "0"},
    {"9223372036854775807", NULL},
    {"-9223372036854775808", NULL},
    {"9223372036854775808", "9223372036854776000"}, /* a double: the shortest digits, then zeros */
    {"1.0", "1"},
    {"-0.0", "-0"},
    {"0.1", NULL},
    {"1e2", "100"},
    {"1.5E+3", "1500"},
    {"123456789.125", NULL},
    {"1e20", "100000000000000000000"},
    {"1e21", "1e+21"},
    {"1.25e22", "1.25e+22"},
    {"0.000001", NULL},
    {"0.0000001", "1e-7"},
    {"1.5e-10", NULL},
    {"1e-300", NULL},
    {"5e-324", NULL},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    {"2.2250738585072014e-308", NULL},
    {"0.30000000000000004", NULL},
    {"100.5", NULL},
    {"-12.75", NULL},
    {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"a\\\"\\\\/\\b\\f\\n\\r\\t\""},
    {"\"<a>&\"", "\"\\u003ca\\u003e\\u0026\""},
    {"\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
    {"\"\\ud800x\"", "\"\xef\xbf\xbdx\""}, /* a lone surrogate, as Go reads it */
    {"\"\\ud800\\u0041\"", "\"\xef\xbf\xbd"
                           "A\""},
    {"\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\"", "\"\\u2028\\u2029\xe2\x80\xaa\""},
    {"\"\\u001f\x7f\"", "\"\\u001f\x7f\""},
    {"[]", NULL},
    {"{ }", "{}"},
    {"[1,[2,{\"a\":null}],\"x\"]", NULL},
    {"{\"b\":1,\"a\":{\"d\":[],\"c\":{}}}", NULL},
};

START_TEST(reads_and_writes)
{
    const struct trip *t = &trips[_i];
    AUTO(json) json_t *v = read_ok(t->in);
    AUTO(str) char *text = json_text(v);

    ck_assert_str_eq(text, t->out ? t->out : t->in);
}
END_TEST

START_TEST(styles)
{
    AUTO(json) json_t *v = read_ok("{\"b\":[1,{}],\"a\":{\"z\":1,\"y\":[]}}");
    AUTO(strbuf) struct strbuf out = {0};

    json_write(&out, v, JSON_INDENTED);
    ck_assert_str_eq(out.data, "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": {\n    \"z\": 1,\n"
                               "    \"y\": []\n  }\n}");
    strbuf_reset(&out);
    json_write_sorted(&out, v, JSON_TIGHT);
    ck_assert_str_eq(out.data, "{\"a\":{\"y\":[],\"z\":1},\"b\":[1,{}]}");
}
END_TEST

START_TEST(integers_and_reals_are_told_apart)
{
    AUTO(json) json_t *v = read_ok("[1,1.0,1e0,9223372036854775808,-9223372036854775809]");

    ck_assert(json_is_integer(json_array_get(v, 0)));
    for (size_t i = 1; i < 5; i++)
        ck_assert(json_is_real(json_array_get(v, i)));
}
END_TEST

/* ---- text that is refused ---- */

static const struct refusal {
    const char *in;
    size_t len; /* 0: strlen */
    enum err_code code;
    unsigned line, col;
    const char *part; /* of the message */
} refusals[] = {
    {"", 0, ERR_SYNTAX, 1, 1, "unexpected end of JSON input"},
    {"{\"a\":", 0, ERR_SYNTAX, 1, 6, "unexpected end of JSON input"},
    {"[1,]", 0, ERR_SYNTAX, 1, 4, "invalid character ']' looking for beginning of value"},
    {"[1 2]", 0, ERR_SYNTAX, 1, 4, "after array element"},
    {"{\"a\":1,}", 0, ERR_SYNTAX, 1, 8, "looking for beginning of object key string"},
    {"{a:1}", 0, ERR_SYNTAX, 1, 2, "looking for beginning of object key string"},
    {"{\"a\" 1}", 0, ERR_SYNTAX, 1, 6, "after object key"},
    {"{\"a\":1 \"b\":2}", 0, ERR_SYNTAX, 1, 8, "after object key:value pair"},
    {"1 2", 0, ERR_SYNTAX, 1, 3, "after top-level value"},
    {"{\"a\":1,\n \"a\":2}", 0, ERR_INVALID, 2, 2, "duplicate key \"a\""},
    {"nul", 0, ERR_SYNTAX, 1, 4, "unexpected end"},
    {"nulx", 0, ERR_SYNTAX, 1, 4, "in literal null (expecting 'l')"},
    {"01", 0, ERR_SYNTAX, 1, 2, "after top-level value"},
    {"1.", 0, ERR_SYNTAX, 1, 3, "unexpected end"},
    {"1.x", 0, ERR_SYNTAX, 1, 3, "after decimal point"},
    {"1ex", 0, ERR_SYNTAX, 1, 3, "in exponent"},
    {"-x", 0, ERR_SYNTAX, 1, 2, "in numeric literal"},
    {"+1", 0, ERR_SYNTAX, 1, 1, "looking for beginning of value"},
    {"NaN", 0, ERR_SYNTAX, 1, 1, "looking for beginning of value"},
    {"1e400", 0, ERR_INVALID, 1, 1, "out of the range"},
    {"\"a\nb\"", 0, ERR_SYNTAX, 1, 3, "in string literal"},
    {"\"\\x\"", 0, ERR_SYNTAX, 1, 3, "in string escape code"},
    {"\"\\u12\"", 0, ERR_SYNTAX, 1, 2, "four hex digits"},
    {"\"\\u0000\"", 0, ERR_UNSUPPORTED, 1, 2, "\\u0000"},
    {"\"a\0b\"", 5, ERR_SYNTAX, 1, 3, "in string literal"},
    {"\"a", 0, ERR_SYNTAX, 1, 3, "unexpected end"},
    {"\"\xff\"", 0, ERR_SYNTAX, 1, 2, "invalid UTF-8"},
    {"\"\xc0\x80\"", 0, ERR_SYNTAX, 1, 2, "invalid UTF-8"},
    {"\"\xed\xa0\x80\"", 0, ERR_SYNTAX, 1, 2, "invalid UTF-8"},
    {"\"\xf4\x90\x80\x80\"", 0, ERR_SYNTAX, 1, 2, "invalid UTF-8"},
    {"\"\xe2\x80", 0, ERR_SYNTAX, 1, 2, "invalid UTF-8"},
};

START_TEST(refuses)
{
    const struct refusal *r = &refusals[_i];
    /* Exactly as long as the text: the sanitizer sees any look behind the end. */
    size_t len = r->len ? r->len : strlen(r->in);
    AUTO(str) char *exact = mem_dup(r->in, len);
    struct err e = {0};

    ck_assert_ptr_null(json_read(exact, len, "t", &e));
    ck_assert_msg(strstr(e.msg, r->part) != NULL, "%s: %s", r->in, e.msg);
    ck_assert_msg(e.code == r->code && e.pos.line == r->line && e.pos.col == r->col,
                  "%s: code %d at %u:%u: %s", r->in, (int)e.code, e.pos.line, e.pos.col, e.msg);
    err_clear(&e);
}
END_TEST

/* Strings are read eight bytes at a time: what is special may stand at each of them. */
static const struct special {
    const char *in, *out; /* out NULL: refused at its first byte, but for what `col` adds */
    unsigned col;
} specials[] = {
    {"\\n", "\n", 0},        {"\xc3\xa9", "\xc3\xa9", 0}, {"\x7f", "\x7f", 0},
    {" !#[]~", " !#[]~", 0}, {"\\\"", "\"", 0},           {"\x1f", NULL, 0},
    {"\n", NULL, 0},         {"\xff", NULL, 0},           {"\xe2\x82", NULL, 0},
    {"\\x", NULL, 1},
};

START_TEST(specials_at_each_place)
{
    const struct special *t = &specials[_i];

    for (size_t at = 0; at < 20; at++) {
        AUTO(str)
        char *in = mem_printf("{\"%.*s%szz\":\"%.*s%szzzzzzzzz\"}", (int)at, "zzzzzzzzzzzzzzzzzzzz",
                              t->out ? t->in : "", (int)at, "zzzzzzzzzzzzzzzzzzzz", t->in);
        size_t len = strlen(in);
        AUTO(str) char *exact = mem_dup(in, len);
        AUTO(err) struct err e = {0};
        AUTO(json) json_t *v = json_read(exact, len, "t", &e);

        if (t->out) {
            AUTO(str) char *key = mem_printf("%.*s%szz", (int)at, "zzzzzzzzzzzzzzzzzzzz", t->out);
            AUTO(str)
            char *text = mem_printf("%.*s%szzzzzzzzz", (int)at, "zzzzzzzzzzzzzzzzzzzz", t->out);

            ck_assert_msg(v != NULL, "%s: %s", in, e.msg);
            ck_assert_str_eq(json_string_value(json_object_get(v, key)), text);
        } else {
            ck_assert_ptr_null(v);
            ck_assert_uint_eq(e.pos.col, (unsigned)(2 * at + 8 + t->col));
        }
    }
}
END_TEST

/* A key that is not as it stands must outlive what its value needs. */
START_TEST(keys_outlive_their_values)
{
    AUTO(json)
    json_t *v = read_ok("{\"\\u0061\":{\"\\u0062b\":\"\\u0063\",\"\":12345678.5},\"d\":[\"\\t\"]}");
    AUTO(str) char *text = json_text(v);

    ck_assert_str_eq(text, "{\"a\":{\"bb\":\"c\",\"\":12345678.5},\"d\":[\"\\t\"]}");
}
END_TEST

START_TEST(texts_are_utf8)
{
    AUTO(json) json_t *ascii = json_of_text("plain text"), *other = json_of_text("caf\xc3\xa9");

    ck_assert_str_eq(json_string_value(ascii), "plain text");
    ck_assert_str_eq(json_string_value(other), "caf\xc3\xa9");
    ck_assert_ptr_null(json_of_text("caf\xc3"));
}
END_TEST

/* The last value counts; each place is told once. */
START_TEST(last_of_two)
{
    static const struct {
        const char *in, *value, *paths; /* paths NULL: none */
    } rows[] = {
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}", NULL},
        {"[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]", NULL},
        {"{\"a\":1,\"a\":2,\"a\":3}", "{\"a\":3}", "[\"a\"]"},
        {"{\"a\":{\"x\":1},\"a\":{}}", "{\"a\":{}}", "[\"a\"]"},
        {"{\"a\":[0,{\"b\":{\"c\":1,\"c\":2}}]}", "{\"a\":[0,{\"b\":{\"c\":2}}]}",
         "[\"a[1].b.c\"]"},
        {"[[{\"\":1,\"\":2}]]", "[[{\"\":2}]]", "[\"[0][0].\"]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(json) json_t *paths = NULL;
        AUTO(json)
        json_t *v = json_read_last(rows[i].in, strlen(rows[i].in), "t", &paths, NULL);
        AUTO(str) char *value = json_text(v);
        AUTO(str) char *told = paths ? json_text(paths) : NULL;

        ck_assert_str_eq(value, rows[i].value);
        ck_assert_pstr_eq(told, rows[i].paths);
    }
    json_t *paths;
    struct err e = {0};
    ck_assert_ptr_null(json_read_last("{\"a\":1,\"a\":2", 12, "t", &paths, &e));
    ck_assert_ptr_null(paths);
    err_clear(&e);
}
END_TEST

/* A long key costs its length once, however often something in it is repeated. */
START_TEST(duplicates_are_cheap)
{
    const size_t key_len = 300000;
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(strbuf) struct strbuf want = {0};
    AUTO(json) json_t *paths = NULL;

    strbuf_addstr(&text, "{\"");
    while (text.len < key_len)
        strbuf_addstr(&text, "x\xe2\x82\xac"); /* four bytes; a path is cut at a character */
    strbuf_addstr(&text, "\":{");
    for (int i = 0; i < 50; i++)
        strbuf_addf(&text, "\"k%d\":1,\"k%d\":2,", i, i);
    for (int i = 0; i < 20000; i++)
        strbuf_addstr(&text, "\"a\":1,");
    strbuf_addstr(&text, "\"z\":1}}");
    AUTO(json) json_t *v = json_read_last(strbuf_str(&text), text.len, "t", &paths, NULL);
    ck_assert_ptr_nonnull(v);
    for (int i = 0; i < JSON_DUPLICATE_PATH_MAX / 4; i++)
        strbuf_addstr(&want, "x\xe2\x82\xac");
    strbuf_addstr(&want, "...");
    ck_assert_uint_eq(json_array_size(paths), 1);
    ck_assert_str_eq(json_string_value(json_array_get(paths, 0)), strbuf_str(&want));
}
END_TEST

START_TEST(duplicate_paths_are_cut_at_characters)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(json) json_t *paths = NULL;

    strbuf_addstr(&text, "{\"y");
    for (int i = 0; i < 100; i++)
        strbuf_addstr(&text, "\xe2\x82\xac");
    strbuf_addstr(&text, "\":{\"a\":1,\"a\":2}}");
    AUTO(json) json_t *v = json_read_last(strbuf_str(&text), text.len, "t", &paths, NULL);
    ck_assert_ptr_nonnull(v);
    const char *path = json_string_value(json_array_get(paths, 0));
    /* 1 + 85 * 3 bytes fill it exactly; what follows is left out. */
    ck_assert_uint_eq(strlen(path), JSON_DUPLICATE_PATH_MAX + 3);
    /* Without the y no character ends at the limit. */
    json_decref(paths);
    strbuf_finish(&text);
    strbuf_addstr(&text, "{\"");
    for (int i = 0; i < 100; i++)
        strbuf_addstr(&text, "\xe2\x82\xac");
    strbuf_addstr(&text, "\":{\"a\":1,\"a\":2}}");
    AUTO(json) json_t *w = json_read_last(strbuf_str(&text), text.len, "t", &paths, NULL);
    ck_assert_ptr_nonnull(w);
    ck_assert_uint_eq(strlen(json_string_value(json_array_get(paths, 0))), 85 * 3 + 3);
}
END_TEST

START_TEST(depth_is_limited)
{
    char text[2 * JSON_DEPTH_MAX + 4];
    struct err e = {0};
    json_t *v;

    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    v = json_read(text, 2 * JSON_DEPTH_MAX, "t", &e);
    ck_assert_ptr_nonnull(v);
    json_decref(v);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    ck_assert_ptr_null(json_read(text, JSON_DEPTH_MAX + 1, "t", &e));
    ck_assert_int_eq(e.code, ERR_LIMIT);
    err_clear(&e);
}
END_TEST

START_TEST(size_is_limited)
{
    AUTO(str) char *big = mem_zalloc(JSON_BYTES_MAX + 1);
    struct err e = {0};

    ck_assert_ptr_null(json_read(big, JSON_BYTES_MAX + 1, NULL, &e));
    ck_assert_int_eq(e.code, ERR_LIMIT);
    err_clear(&e);
    memset(big, '1', 5000);
    ck_assert_ptr_null(json_read(big, 5000, NULL, &e));
    ck_assert_int_eq(e.code, ERR_LIMIT);
    err_clear(&e);
}
END_TEST

START_TEST(a_missing_file_is_told)
{
    struct err e = {0};

    ck_assert_ptr_null(json_read_file("/nonexistent/x.json", 100, &e));
    ck_assert_int_eq(e.code, ERR_NOT_FOUND);
    err_clear(&e);
}
END_TEST

/* ---- trees ---- */

START_TEST(ways_through_a_tree)
{
    AUTO(json) json_t *v = read_ok("{\"a\":{\"b.c\":{\"d\":\"x\"},\"n\":5,\"t\":true},\"l\":[1]}");

    ck_assert_str_eq(json_string_value(json_at(v, "a", "b.c", "d", NULL)), "x");
    ck_assert_ptr_null(json_at(v, "a", "n", "deeper", NULL));
    ck_assert_ptr_null(json_path(v, "a.x.y"));
    ck_assert_ptr_null(json_path(NULL, "a"));
    ck_assert_int_eq(json_int(v, "a.n", 0), 5);
    ck_assert_int_eq(json_int(v, "a.t", -1), -1);
    ck_assert(json_bool(v, "a.t", false));
    ck_assert(json_bool(v, "a.zzz", true));
    ck_assert_str_eq(json_str_or_empty(v, "l"), "");
    ck_assert_ptr_null(json_str(v, "a.n"));
}
END_TEST

START_TEST(nulls_go)
{
    AUTO(json)
    json_t *v =
        json_read("{\"a\":null,\"b\":[null,{\"c\":null,\"d\":{\"e\":null}}]}", 47, "t", NULL);
    AUTO(str) char *text = NULL;

    ck_assert_ptr_nonnull(v);
    json_drop_nulls(v);
    text = json_text(v);
    ck_assert_str_eq(text, "{\"b\":[null,{\"d\":{}}]}");
    json_drop_nulls(NULL);
}
END_TEST

START_TEST(other_keys)
{
    static const char *const known[] = {"a", "b"};
    AUTO(json) json_t *none = json_pack("{s:i, s:i}", "b", 1, "a", 2);
    AUTO(json) json_t *some = json_pack("{s:i, s:i, s:i}", "a", 1, "x", 2, "y", 3);

    ck_assert_ptr_null(json_other_key(none, known, ARRAY_LEN(known)));
    ck_assert_str_eq(json_other_key(some, known, ARRAY_LEN(known)), "x");
    ck_assert_str_eq(json_other_key(none, known, 1), "b");
    ck_assert_ptr_null(json_other_key(NULL, known, 1));
}
END_TEST

START_TEST(an_item_by_its_text)
{
    AUTO(json)
    json_t *v =
        read_ok("[7,{\"m\":{\"n\":5}},{\"m\":{\"n\":\"a\"},\"i\":1},{\"m\":{\"n\":\"a\"}}]");

    ck_assert_ptr_eq(json_find(v, "m.n", "a"), json_array_get(v, 2));
    ck_assert_ptr_eq(json_find(v, "m.x", ""), json_array_get(v, 0)); /* no text is the empty one */
    ck_assert_ptr_null(json_find(v, "m.n", "b"));
    ck_assert_ptr_null(json_find(json_array_get(v, 2), "m.n", "a"));
    ck_assert_ptr_null(json_find(NULL, "m.n", "a"));
}
END_TEST

START_TEST(edits_of_a_tree)
{
    AUTO(json) json_t *v = read_ok("{\"a\":null}");
    AUTO(str) char *text = NULL;

    json_put_str(v, "a.b.c", "x");
    json_put_take(v, "a.n", json_integer(1));
    json_put_str(v, "a.b.c", "y");
    json_drop(v, "a.n");
    json_drop(v, "a.n.m");
    json_drop(v, "zzz");
    text = json_text(v);
    ck_assert_str_eq(text, "{\"a\":{\"b\":{\"c\":\"y\"}}}");
}
END_TEST

static const struct pair {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
    {"1", "1.0", true},
    {"[1.0]", "[1]", true},
    {"1", "1.5", false},
    {"9223372036854775807", "9223372036854775808", false},
    {"9007199254740993", "9007199254740992.0", false},
    {"1", "\"1\"", false},
    {"true", "false", false},
    {"null", "null", true},
    {"[1,2]", "[2,1]", false},
    {"[1]", "[1,1]", false},
    {"{\"a\":1}", "{\"b\":1}", false},
    {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
    {"\"a\"", "\"ab\"", false},
};

START_TEST(sameness)
{
    AUTO(json) json_t *a = read_ok(pairs[_i].a);
    AUTO(json) json_t *b = read_ok(pairs[_i].b);
    AUTO(json) json_t *copy = json_copy_of(a);

    ck_assert_msg(json_same(a, b) == pairs[_i].same, "%s and %s", pairs[_i].a, pairs[_i].b);
    ck_assert_msg(json_same(b, a) == pairs[_i].same, "%s and %s", pairs[_i].b, pairs[_i].a);
    ck_assert(json_same(a, copy));
}
END_TEST

START_TEST(copies_own_what_can_change)
{
    AUTO(json) json_t *v = read_ok("{\"a\":{\"b\":[{\"c\":\"x\"}]},\"d\":{\"e\":1},\"f\":2}");
    AUTO(json) json_t *whole = json_copy_of(v);
    AUTO(json) json_t *parts = json_copy_parts(v, "d", "missing", NULL);
    AUTO(str) char *before = json_text(v);
    AUTO(str) char *text = json_text(parts);

    ck_assert_str_eq(text, before); /* the order too */
    ck_assert_ptr_eq(json_path(parts, "a"), json_path(v, "a"));
    json_put_str(whole, "d.e", "y");
    json_put_str(json_array_get(json_path(whole, "a.b"), 0), "c", "y");
    json_array_append_new(json_at_mut(whole, "a", "b", NULL), json_null());
    json_put_str(parts, "d.e", "y");
    json_drop(parts, "f");
    free(TAKE(text));
    text = json_text(v);
    ck_assert_str_eq(text, before);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN(
        "base.json",
        SUITE_CASE("json", EACH(reads_and_writes, trips), TEST(styles),
                   TEST(copies_own_what_can_change), TEST(integers_and_reals_are_told_apart),
                   EACH(refuses, refusals), EACH(specials_at_each_place, specials),
                   TEST(keys_outlive_their_values), TEST(texts_are_utf8), TEST(last_of_two),
                   TEST(duplicates_are_cheap), TEST(duplicate_paths_are_cut_at_characters),
                   TEST(depth_is_limited), TEST(size_is_limited), TEST(a_missing_file_is_told),
                   TEST(ways_through_a_tree), TEST(an_item_by_its_text), TEST(other_keys),
                   TEST(nulls_go), TEST(edits_of_a_tree), EACH(sameness, pairs)));
}
