/* Hostile expressions: every one ends soon, in bounded memory and stack, with a clear error or a
 * value. Small stacks are tested for real, because expressions run on fibers. */
#include <pthread.h>

#include "base/prng.h"
#include "base/strbuf.h"
#include "tests/unit/cel/cel_case.h"

static const struct cel_env env = {.variables = case_variables};

static void repeat(struct strbuf *b, const char *s, size_t times)
{
    for (size_t i = 0; i < times; i++)
        strbuf_addstr(b, s);
}

/* before * n, middle, after * n */
static const struct nested_case {
    const char *before, *middle, *after;
    size_t times;
    const char *want; /* a prefix of what case_run gives */
} nested_cases[] = {
    {"(", "1", ")", 90, "1"},
    {"(", "1", ")", 200, "compile 101: the expression is nested deeper than 100"},
    {"(", "1", ")", 30000, "compile 101: the expression is nested deeper than 100"},
    {"[", "", "]", 99, "[["},
    {"[", "", "]", 30000, "compile 101: the expression is nested deeper than 100"},
    {"{1: ", "1", "}", 90, "{1: {1: "},
    {"{", "", "", 30000, "compile 101: the expression is nested deeper than 100"},
    {"-", "1", "", 90, "1"},
    {"-", "self", "", 90, "error: no value for 'self'"},
    {"-", "self", "", 30000, "compile 1: the expression is nested deeper than 100"},
    {"!", "true", "", 90, "true"},
    {"!", "self", "", 30000, "compile 1: the expression is nested deeper than 100"},
    {"1 + ", "1", "", 90, "91"},
    {"1 + ", "1", "", 10000, "compile 399: the expression is nested deeper than 100"},
    {"true || true && 1 == 1 + 1 * (", "0", ")", 16, "true"},
    {"false || true && 1 == 1 + 1 * (", "0", ")", 30,
     "compile 630: the expression is nested deeper than 100"},
    {"1 - (", "1", ")", 90, "1"},
    {"true && ", "true", "", 8000, "true"},
    {"false || ", "true", "", 7000, "true"},
    {"", "self", ".a", 90, "error: no value for 'self'"},
    {"", "self", ".a", 30000, "compile 204: the expression is nested deeper than 100"},
    {"", "self", "[0]", 20000, "compile 302: the expression is nested deeper than 100"},
    {"true ? ", "1", " : 2", 90, "compile"},
    {"false ? 1 : ", "2", "", 90, "2"},
    {"false ? 1 : ", "2", "", 5000, "compile 1201: the expression is nested deeper than 100"},
    {"size(", "'a'", ")", 5000, "compile 501: the expression is nested deeper than 100"},
    {"[1].map(x, ", "x", ")", 45, "[[[["},
    {"[1].map(x, ", "x", ")", 5000, "compile"},
    {"[1,2].exists(x, ", "x == 3", ")", 40,
     "error: operation cancelled: actual cost limit exceeded"},
    {"[1].all(x, ", "x > 0", ")", 90, "true"},
    {"1,", "", "", 100, "compile 2: expected an operator or the end of the text, found ','"},
    {"", "[", "1,", 30000, "compile"},
    {"'a' + ", "''", "", 90, "'aaaa"},
    {"\"", "", "", 60000, "compile"},
    {"r", "", "", 60000, "compile 1: unknown name 'rrrr"},
    {"", "1", "0", 60000, "compile 1: number 1000"},
    {"", "0.", "1", 60000, "0.111"},
    {"a", "self", "", 80000, "compile 1: the expression has 80004 bytes, the limit is 65536"},
};

static void check_nested(const struct nested_case *row)
{
    AUTO(strbuf) struct strbuf text = {0};
    AUTO(str) char *got = NULL;

    repeat(&text, row->before, row->times);
    strbuf_addstr(&text, row->middle);
    repeat(&text, row->after, row->times);
    got = case_run(&(struct cel_case){text.data, NULL, NULL}, &env, NULL);
    ck_assert_msg(strncmp(got, row->want, strlen(row->want)) == 0,
                  "%zu x '%s'\n   got: %.300s\n  want: %s", row->times, row->before, got,
                  row->want);
}

static void *run_nested(void *arg)
{
    check_nested(arg);
    return NULL;
}

/* On half the stack of a fiber, or less: its owner needs some too. Sanitizers multiply the size of
 * frames, and get larger stacks. */
#if defined(__SANITIZE_ADDRESS__)
#define STACK_BYTES (256u << 10)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STACK_BYTES (256u << 10)
#endif
#endif
#ifndef STACK_BYTES
#define STACK_BYTES (96u << 10)
#endif

START_TEST(nested)
{
    pthread_attr_t attr;
    pthread_t thread;

    ck_assert_int_eq(pthread_attr_init(&attr), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attr, STACK_BYTES), 0);
    ck_assert_int_eq(pthread_create(&thread, &attr, run_nested, (void *)&nested_cases[_i]), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
}
END_TEST

#define TEN "[1,2,3,4,5,6,7,8,9,10]"

static const struct cel_case bombs[] = {
    {TEN ".all(a, " TEN ".all(b, " TEN ".all(c, " TEN ".all(d, " TEN ".all(e, " TEN
         ".all(f, true))))))",
     NULL, "error: operation cancelled: actual cost limit exceeded"},
    {TEN ".all(a, " TEN ".all(b, " TEN ".all(c, " TEN ".all(d, " TEN ".all(e, " TEN
         ".all(f, true)))))) || true",
     NULL, "error: operation cancelled: actual cost limit exceeded"},
    {"lists.range(1000000000).size()", NULL, "error: the evaluation needs more than 2000000 steps"},
    {"lists.range(900000).map(x, [x])", NULL,
     "error: the evaluation needs more than 32768 KiB of memory"},
    {"lists.range(9223372036854775807)", NULL,
     "error: the evaluation needs more than 2000000 steps"},
    {"cel.bind(a, lists.range(1000), a.all(x, a.all(y, a.map(z, z).size() == 1000)))", NULL,
     "error: operation cancelled: actual cost limit exceeded"},
    {"cel.bind(a, lists.range(300).map(x, 'abcdefghijklmnopqrstuvwxyz').join(), "
     "a.replace('', a).replace('', a)).size()",
     NULL, "error: a string of more than 4096 KiB"},
    {"lists.range(100).map(x, cel.bind(a, lists.range(40).map(y, "
     "'0123456789abcdefghijklmnopqrstuvwxyz').join(), "
     "a.replace('', a))).size()",
     NULL, "error: the evaluation needs more than 2000000 steps"},
    {"'%100d'.format([1])", NULL,
     "error: format(): bad clause at byte 0: expected %s, %d, %f, %e, %x, %X, %o, %b or %%"},
    {"'%.999999999999f'.format([1])", NULL,
     "error: format(): bad clause at byte 0: expected %s, %d, %f, %e, %x, %X, %o, %b or %%"},
    {"'a'.matches('((a{1000}){1000}){1000}')", NULL,
     "compile 13: bad regular expression: invalid repetition size: {1000}"},
    {"'a'.matches('(a{500}){2}x{900}y{900}z{900}[^a]{900}\\\\pL{900}')", NULL, "compile"},
    {"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$')", NULL, "false"},
    /* Errors that are absorbed in a loop do not pile up. */
    {"lists.range(100000).all(x, x / 0 == 1 || true)", NULL, "true"},
    {"lists.range(100000).exists(x, x / 0 == 1)", NULL, "error: division by zero"},
    {"lists.range(50000).filter(x, string(x) + 'abc' == '77abc')", NULL, "[77]"},
    {"lists.range(20000).transformMap(i, x, x).size()", NULL,
     "error: the evaluation needs more than 2000000 steps"},
};

START_TEST(bomb)
{
    AUTO(str) char *got = case_run(&bombs[_i], &env, NULL);

    ck_assert_msg(strncmp(got, bombs[_i].want, strlen(bombs[_i].want)) == 0,
                  "%s\n   got: %.300s\n  want: %s", bombs[_i].expr, got, bombs[_i].want);
}
END_TEST

START_TEST(cost)
{
    static const struct {
        const char *expr;
        uint64_t max;
        int rc;
    } rows[] = {
        {"true", 1, 0},
        {"[1, 2, 3].all(x, x > 0)", 16, 0},
        {"[1, 2, 3].all(x, x > 0)", 15, -1},
        {"1 == 1 && self == 1", 2, -1},
    };
    AUTO(cel_context) struct cel_context *c = cel_context_create();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cel_binding bindings[3] = {{.json = json_true()}};
        struct err e = {0};
        struct cel_value v;
        AUTO(cel_program) struct cel_program *p = cel_compile(rows[i].expr, &env, NO_POS, &e);
        int rc = cel_eval(p, c, bindings, NULL, rows[i].max, &v, &e);

        ck_assert_msg(rc == rows[i].rc, "%s: %d", rows[i].expr, rc);
        ck_assert_msg(rc == 0 || e.code == ERR_LIMIT, "%s", rows[i].expr);
        ck_assert_msg((cel_context_cost(c) <= rows[i].max) == (rc == 0), "%s", rows[i].expr);
        err_clear(&e);
    }
}
END_TEST

static const char *const words[] = {
    "self",
    "x",
    ".",
    ".?",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "?",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "&&",
    "||",
    "==",
    "<",
    "in",
    "1",
    "2u",
    "1.5",
    "'a'",
    "b'x'",
    "r'\\'",
    "true",
    "null",
    "map",
    "filter",
    "exists",
    "all",
    "has",
    "size",
    "matches",
    "split",
    "replace",
    "optional.of",
    "orValue",
    "optMap",
    "timestamp",
    "duration",
    "format",
    "[1,2]",
    "{'a':1}",
    "'''",
    "\\",
    "\"",
    "//",
    "\n",
    " ",
    "\xc3\xa9",
    "\xff",
    "0x",
    "9999999999999999999",
    "e",
    "(x, x)",
    "[1, 2].map(x, ",
    ".a",
    "('')",
    "(1)",
    "[0]",
    "?'a'",
    "-9223372036854775808",
    "quantity",
    "join()",
};

/* Any sequence of words compiles or is refused, evaluates or fails: sanitizers watch. */
START_TEST(random_words)
{
    static const char json[] = "{\"a\":[1,{\"b\":\"c\"}],\"x\":null}";
    struct prng p;
    AUTO(strbuf) struct strbuf text = {0};

    prng_init(&p, (uint64_t)_i, "cel words");
    for (int i = 0; i < 400; i++) {
        uint64_t count = prng_below(&p, 14);
        AUTO(str) char *got = NULL;

        strbuf_reset(&text);
        for (uint64_t j = 0; j <= count; j++)
            strbuf_addstr(&text, words[prng_below(&p, ARRAY_LEN(words))]);
        got = case_run(&(struct cel_case){text.data, json, NULL}, &env, NULL);
        ck_assert_ptr_nonnull(got);
    }
}
END_TEST

/* Valid expressions with a few bytes changed go deeper than random ones. */
START_TEST(mutated)
{
    static const char *const seeds[] = {
        "self.spec.disks.filter(d, has(d.size)).map(d, d.name + '-' + string(d.size))",
        "self.?status.?conditions.orValue([]).exists(c, c.type == 'Ready' && c['status'] in "
        "['True', r'\\x', b'\\x01'])",
        "{'a': [1, 2u, 3.5e3, 0x1f], ?'b': self.?b}.transformMap(k, v, v == null ? {} : {k: v})",
        "timestamp('2020-01-01T00:00:00Z') + duration('1h') > timestamp(self.t) || "
        "'abc'.matches('^a.*$')",
        "'%s %d %.3f'.format([self, -1, 2.5]).replace('a', 'bb', -1).split('', 5).join('\\u00e9')",
        "quantity('1Gi').add(quantity('1.5k')).compareTo(quantity('2')) == -1 ? !true : "
        "size('''x''') % 2 != 0",
    };
    struct prng p;

    prng_init(&p, (uint64_t)_i, "cel mutations");
    for (int i = 0; i < 400; i++) {
        AUTO(str) char *text = mem_strdup(seeds[prng_below(&p, ARRAY_LEN(seeds))]);
        uint64_t changes = 1 + prng_below(&p, 4);
        AUTO(str) char *got = NULL;

        for (uint64_t j = 0; j < changes; j++) {
            size_t at = prng_below(&p, strlen(text));
            size_t from = prng_below(&p, strlen(text));

            text[at] = prng_below(&p, 4) ? text[from] : (char)(1 + prng_below(&p, 255));
        }
        got = case_run(
            &(struct cel_case){text, "{\"spec\":{\"disks\":[{\"name\":\"a\",\"size\":1}]}}", NULL},
            &env, NULL);
        ck_assert_ptr_nonnull(got);
    }
}
END_TEST

int main(void)
{
    return case_main(SUITE_LONG_CASE("limits", 60, EACH(nested, nested_cases), EACH(bomb, bombs),
                                     TEST(cost), RANGE(random_words, 0, 25),
                                     RANGE(mutated, 0, 25)));
}
