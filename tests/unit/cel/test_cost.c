/* What evaluations cost. Rows that cel-go's own tests have are here with its figures, less what an
 * optimising program saves: 10 for a list and 30 for a map of constants, also the empty list that
 * map() and filter() begin with. */
#include "tests/unit/cel/cel_case.h"

static int check_access(void *cookie, struct cel_context *c, size_t nargs,
                        const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    (void)cookie;
    (void)nargs;
    (void)args;
    if (cel_charge(c, 350000, reterr) < 0)
        return -1;
    *ret = cel_bool(true);
    return 0;
}

static const struct cel_function access_function = {"access", false, 0, 0, check_access};
static const struct cel_function *const functions[] = {&access_function};
static const struct cel_env env = {
    .variables = case_variables, .functions = functions, .function_count = 1};

#define FIVE "[1,2,3,4,5]"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define FIVE_HUNDRED FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct row {
    const char *expr, *self;
    uint64_t cost;
} rows[] = {
    /* names, fields, keys */
    {"'Hello World!'", NULL, 0},
    {"self", "[1, 2]", 1},
    {"self['key']", "{\"key\": \"v\"}", 2},
    {"self[0]", "[\"v\"]", 2},
    {"self.key", "{\"key\": \"v\"}", 2},
    {"self['ke' + 'y']", "{\"key\": \"v\"}", 3},
    {"self[3-3]", "[1]", 3},
    {"self.a[self.b]", "{\"a\": {\"k\": 1}, \"b\": \"k\"}", 4},
    {"has(self.a)", "{\"a\": 1}", 1},
    {"has(self.a.b)", "{\"a\": {}}", 2},
    {"self.?a.?b.orValue(1)", "{}", 3},
    {"'a,b'.split(',')[0]", NULL, 3},

    /* literals */
    {"[1, 2, 3]", NULL, 0},
    {"[self, 2]", "1", 11},
    {"{'a': 1, 'b': 2}", NULL, 0},
    {"{'a': self}", "1", 31},
    {"[1 + 1]", NULL, 11},

    /* operators */
    {"1 < 2 && 1 <= 2 && 2 > 1 && 2 >= 1", NULL, 4},
    {"1 == 2", NULL, 1},
    {"1 + 1 - 1 * 1 / 1 % 1", NULL, 5},
    {"!true == false", NULL, 2},
    {"-self", "1", 2},
    {"2 in [1, 2, 3]", NULL, 3},
    {"'k' in self", "{\"k\": 1}", 2},
    {"true || false", NULL, 0},
    {"self || false || false", "false", 1},
    {"true ? 1 : 2", NULL, 0},
    {"false ? false : 1 > 3", NULL, 1},
    {"true ? false : 1 > 3", NULL, 0},
    {"(1 > 2 ? 5 : 3) > 1", NULL, 2},
    {"(1 > 2 || 2 > 1) == true", NULL, 3},
    {"'12345678901234567890' == '123456789012345678901234567890'", NULL, 2},
    {"self == ''", "\"a\"", 1},
    {"self == '\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9'",
     "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", 2},
    {"'abcdefg'.contains(self.a + self.b)", "{\"a\": \"val1\", \"b\": \"val2222222\"}", 8},
    {"self + self == [1, 1]", "[1]", 4},

    /* functions */
    {"size('123')", NULL, 1},
    {"self.size()", "\"500\"", 2},
    {"self.matches('[0-9]')", "\"" FIVE_HUNDRED "\"", 103},
    {"self.matches('\\\\d+a\\\\d+b')", "\"" FIVE_HUNDRED "\"", 103},
    {"'123'.matches('[0-9]')", NULL, 2},
    {"bytes(self)", "\"" FIVE_HUNDRED "\"", 51},
    {"string(1)", NULL, 0},
    {"string(self)", "1", 2},
    {"self.contains(self)", "\"" FIVE_HUNDRED "\"", 2502},
    {"self.startsWith('x')", "\"idc\"", 2},
    {"self.lowerAscii()", "\"" FIVE_HUNDRED "\"", 51},
    {"self.split('x')", "\"" FIVE_HUNDRED "\"", 101},
    {"self.replace('x', 'y')", "\"" FIVE_HUNDRED "\"", 101},
    {"self.join(',')", "[\"" TEN "\", \"" TEN "\"]", 6},
    {"self.find('[0-9]')", "\"" FIVE_HUNDRED "\"", 103},
    {"self.sum()", "[1, 2, 3]", 4},
    {"self.max()", "[\"" TEN TEN "\", \"" TEN "\"]", 4},
    {"sets.contains(self, self)", "[1, 2, 3]", 12},
    {"sets.equivalent(self, self)", "[1, 2, 3]", 21},
    {"self.sort()", "[3, 1, 2]", 30},
    {"lists.range(5)", NULL, 16},
    {"quantity('1Gi').isLessThan(quantity('2Gi'))", NULL, 3},
    {"ip('10.0.0.1').family()", NULL, 2},
    {"cidr('10.0.0.0/8').containsIP(ip('10.0.0.1'))", NULL, 3},
    {"cidr('10.0.0.0/8').containsIP('10.0.0.1')", NULL, 3},
    {"cidr('10.0.0.0/8').containsCIDR('10.0.0.0/16')", NULL, 6},
    {"access()", NULL, 350001},

    /* loops */
    {"self.all(x, true)", "[]", 2},
    {"[1, 2, 3].all(x, true)", NULL, 10},
    {"self.all(k, self[k].n > 3)", "{\"v\": {\"n\": 1}}", 9},
    {"(self.x > 2 ? self.a : self.b).all(y, true)", "{\"x\": 1, \"a\": [1], \"b\": [1]}", 8},
    {"[{'k1': 1}, {'k2': 2}].all(x, true)", NULL, 7},
    {FIVE ".filter(x, x % 2 == 0)", NULL, 42},
    {FIVE ".map(x, x)", NULL, 66},
    {FIVE ".map(x, 1)", NULL, 11},
    {FIVE ".map(x, x).filter(x, x % 2 == 0)", NULL, 108},
    {FIVE ".map(x, x).exists(x, x == 5) == true", NULL, 98},
    {FIVE ".exists(x, x == 1)", NULL, 10},
    {FIVE ".map(x, x).map(x, x)", NULL, 132},
    {FIVE ".map(x, [x, x]).filter(z, z.size() == 2)", NULL, 202},
    {FIVE ".map(x, [x, x]).all(y, y.all(y, y == 1))", NULL, 151},
    {FIVE ".map(x, x).map(x, x) + [1]", NULL, 133},
    {"[1,2,3].all(i, i in [1,2,3].map(j, j + j))", NULL, 56},
    {FIVE ".exists_one(x, x == 3)", NULL, 14},
    {"{'a': 1}.transformMap(k, v, v)", NULL, 5},
    {"optional.of(1).optMap(x, x + 1)", NULL, 7},
    {"optional.none().optMap(x, x + 1)", NULL, 3},
};

START_TEST(costs)
{
    const struct row *r = &rows[_i];
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    AUTO(err) struct err e = {0};
    AUTO(json)
    json_t *self = r->self ? json_read(r->self, strlen(r->self), "self", &e) : json_null();
    struct cel_binding bindings[3] = {{.json = self}};
    struct cel_value v;
    AUTO(cel_program) struct cel_program *p = cel_compile(r->expr, &env, NO_POS, &e);

    ck_assert_msg(p != NULL, "%s: %s", r->expr, e.msg);
    ck_assert_msg(cel_eval(p, c, bindings, NULL, 0, &v, &e) == 0, "%s: %s", r->expr, e.msg);
    ck_assert_msg(cel_context_cost(c) == r->cost, "%s: cost %d, not %d", r->expr,
                  (int)cel_context_cost(c), (int)r->cost);
    if (r->cost < 2)
        return;
    ck_assert_int_eq(cel_eval(p, c, bindings, NULL, r->cost, &v, &e), 0);
    ck_assert_int_eq(cel_eval(p, c, bindings, NULL, r->cost - 1, &v, &e), -1);
    ck_assert_int_eq(e.code, ERR_LIMIT);
    ck_assert_msg(strcmp(e.msg, "operation cancelled: actual cost limit exceeded") == 0 ||
                      strcmp(e.msg, "access: out of budget") == 0,
                  "%s", e.msg);
}
END_TEST

/* Whoever is over the limit hears nothing of what would have come. */
START_TEST(limit_before_error)
{
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    AUTO(cel_program)
    struct cel_program *p = cel_compile("self + self / 0", &env, NO_POS, NULL);
    AUTO(json) json_t *one = json_integer(1);
    struct cel_binding bindings[3] = {{.json = one}};
    struct cel_value v;

    for (uint64_t limit = 1; limit <= 4; limit++) {
        AUTO(err) struct err e = {0};

        ck_assert_int_eq(cel_eval(p, c, bindings, NULL, limit, &v, &e), -1);
        ck_assert_int_eq(e.code, limit < 3 ? ERR_LIMIT : ERR_INVALID);
    }
}
END_TEST

/* What costs next to nothing is bounded all the same: parts that lists share, long texts. */
START_TEST(work)
{
    static const char *const exprs[] = {
        "lists.range(1000).all(x, lists.range(1000).all(y, true))",
        "cel.bind(a, lists.range(100).map(x, '" FIFTY
        "').join(), cel.bind(b, a + a + a + a + a + a, "
        "lists.range(100000).all(x, (b + b).contains(''))))",
    };
    AUTO(strbuf) struct strbuf doubled = {0};

    for (size_t i = 0; i < ARRAY_LEN(exprs); i++) {
        AUTO(str) char *got = case_run(&(struct cel_case){exprs[i], NULL, NULL}, &env, NULL);

        ck_assert_msg(strncmp(got, "error: ", 7) == 0, "%s", got);
    }
    strbuf_addstr(&doubled, "cel.bind(x0, [1], ");
    for (int i = 0; i < 60; i++)
        strbuf_addf(&doubled, "cel.bind(x%d, [x%d, x%d], ", i + 1, i, i);
    strbuf_addstr(&doubled, "[x60].min().size()");
    for (int i = 0; i < 61; i++)
        strbuf_addstr(&doubled, ")");
    AUTO(str)
    char *got = case_run(&(struct cel_case){strbuf_str(&doubled), NULL, NULL}, &env, NULL);

    ck_assert_msg(strncmp(got, "error: ", 7) == 0, "%s", got);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("cost");

    tcase_add_loop_test(tc, costs, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tc, limit_before_error);
    tcase_add_test(tc, work);
    return case_main(tc);
}
