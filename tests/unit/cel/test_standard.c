/* The standard environment: cel-spec's extensions that Kubernetes lacks; containers; names that are
 * looked for late. */
#include "tests/unit/cel/cel_case.h"

static const struct cel_env standard = {.variables = case_variables, .standard = true};
static const struct cel_env kubernetes = {.variables = case_variables};
static const struct cel_env unchecked = {.variables = case_variables, .unchecked = true};

static const char *const nested[] = {"x", "a.x", "a.b.x", "a.b.c.y", NULL};
static const struct cel_env contained = {.variables = nested, .container = "a.b.c"};

static const struct row {
    const struct cel_env *env;
    struct cel_case c;
} rows[] = {
    /* math */
    {&standard, {"[math.least(3, 1u, 2.5), math.greatest([1, 7, 3])]", NULL, "[1u, 7]"}},
    {&standard,
     {"math.least(dyn('a'), 1)", NULL, "error: no such overload: math.least(string, int)"}},
    {&standard, {"math.greatest([])", NULL, "error: math.greatest() needs at least one number"}},
    {&standard,
     {"[math.ceil(1.2), math.floor(-1.2), math.round(-1.5), math.trunc(-1.9)]", NULL,
      "[2.0, -2.0, -2.0, -1.0]"}},
    {&standard,
     {"[math.isNaN(0.0/0.0), math.isInf(1.0/0.0), math.isFinite(1.0/0.0)]", NULL,
      "[true, true, false]"}},
    {&standard, {"[math.abs(-3), math.sign(-3), math.sqrt(49)]", NULL, "[3, -1, 7.0]"}},
    {&standard, {"[math.abs(-2.5), math.sign(-2.5)]", NULL, "[2.5, -1.0]"}},
    {&standard, {"math.abs(-9223372036854775808)", NULL, "error: integer overflow"}},
    {&standard,
     {"[math.bitAnd(12, 10), math.bitOr(12, 10), math.bitXor(12, 10), math.bitNot(0)]", NULL,
      "[8, 14, 6, -1]"}},
    {&standard, {"math.bitAnd(1, 1u)", NULL, "error: no such overload: math.bitAnd(int, uint)"}},
    {&standard,
     {"[math.bitShiftLeft(1, 63), math.bitShiftLeft(1, 64), math.bitShiftRight(-1, 60)]", NULL,
      "[-9223372036854775808, 0, 15]"}},
    {&standard, {"math.bitShiftLeft(1, -1)", NULL, "error: negative shift of bits: -1"}},
    {&kubernetes,
     {"math.abs(-3)", NULL, "compile 6: unknown member function 'abs'; did you mean 'add'?"}},

    /* encoders */
    {&standard, {"base64.encode(b'hello')", NULL, "'aGVsbG8='"}},
    {&standard,
     {"[base64.decode('aGVsbG8='), base64.decode('aGVsbG8')]", NULL, "[b'hello', b'hello']"}},
    {&standard, {"base64.decode('a*')", NULL, "error: illegal base64 data"}},

    /* blocks */
    {&standard,
     {"cel.block([1, cel.index(0) + 1, cel.index(1) * 2], cel.index(2) + cel.index(0))", NULL,
      "5"}},
    {&standard, {"[1, 2].map(cel.iterVar(0, 0), cel.iterVar(0, 0) * 10)", NULL, "[10, 20]"}},
    {&standard,
     {"cel.block(1, 2)", NULL,
      "compile 11: cel.block() needs a list here: cel.block([a, b], body)"}},
    {&standard,
     {"cel.index(-1)", NULL, "compile 12: cel.index() needs a number from 0 to 1000 here"}},
    {&standard, {"cel.index(0)", NULL, "compile 5: unknown name '@index0'"}},
    {&kubernetes,
     {"cel.index(0)", NULL, "compile 5: unknown member function 'index'; did you mean 'indexOf'?"}},

    /* fields in backticks */
    {&standard, {"[self.`content-type`, has(self.`a/b`)]", "{\"content-type\": 1}", "[1, false]"}},
    {&standard, {"self.`a", "{}", "compile 6: unexpected character '`'"}},
    {&kubernetes,
     {"self.`a`", "{}", "compile 6: expected a field or function name after '.', found '`a`'"}},

    /* where the two differ */
    {&standard, {"'abc'.indexOf('a', 4)", NULL, "error: index out of range: 4"}},
    {&kubernetes, {"'abc'.indexOf('a', 4)", NULL, "-1"}},
    {&standard, {"'abc'.lastIndexOf('a', 4)", NULL, "error: index out of range: 4"}},
    {&standard, {"ip('::ffff:c0a8:1') == ip('192.168.0.1')", NULL, "true"}},
    {&standard, {"isIP('::ffff:192.168.0.1')", NULL, "false"}},
    {&kubernetes, {"isIP('::ffff:c0a8:1')", NULL, "false"}},

    {&standard, {"timestamp('2009-02-13T23:31:30Z').getHours('Australia/Sydney')", NULL, "10"}},
    {&standard,
     {"timestamp('2009-02-13T23:31:30Z').getHours('../../etc/passwd')", NULL,
      "error: unknown time zone '../../etc/passwd': expected UTC or +HH:MM"}},
    {&kubernetes,
     {"timestamp('2009-02-13T23:31:30Z').getHours('Europe/Berlin')", NULL,
      "error: unknown time zone 'Europe/Berlin': expected UTC or +HH:MM"}},

    /* both */
    {&kubernetes,
     {"'%s %s'.format([{'b': 1.0/0.0, 'a': 2}, -1.0/0.0])", NULL,
      "'{a: 2, b: Infinity} -Infinity'"}},
    {&kubernetes,
     {"[type(ip('1.2.3.4')) == net.IP, type(cidr('1.2.3.0/24')) == net.CIDR]", NULL,
      "[true, true]"}},
    {&kubernetes,
     {"timestamp('9999-12-31T23:59:59.999999999Z') > timestamp('0001-01-01T00:00:00Z')", NULL,
      "true"}},
    {&kubernetes,
     {"timestamp('0001-01-01T00:00:01Z') - duration('1500ms')", NULL, "error: timestamp overflow"}},
    {&kubernetes,
     {"timestamp('0001-01-01T00:00:02Z') - duration('1500ms')", NULL,
      "timestamp('0001-01-01T00:00:00.500Z')"}},
    {&kubernetes,
     {"timestamp('1969-12-31T23:59:59.5Z') + duration('1s')", NULL,
      "timestamp('1970-01-01T00:00:00.500Z')"}},
    {&kubernetes,
     {"timestamp('9999-01-01T00:00:00Z') - timestamp('0001-01-01T00:00:00Z')", NULL,
      "error: duration overflow"}},
    {&kubernetes,
     {"[int(timestamp('1969-12-31T23:59:59.5Z')), timestamp('1500-03-01T00:00:00Z').getFullYear()]",
      NULL, "[-1, 1500]"}},
    {&kubernetes,
     {"timestamp(-62135596801)", NULL,
      "compile 12: -62135596801 is out of range for a timestamp (years 1 to 9999)"}},

    /* names that are looked for late */
    {&unchecked, {"x || true", NULL, "true"}},
    {&unchecked, {"f_unknown(17) || true", NULL, "true"}},
    {&unchecked, {"x || false", NULL, "error: unknown name 'x'"}},
    {&unchecked, {"1.as() == 2", NULL, "error: unknown name 'as'"}},
};

START_TEST(standard_environment)
{
    case_check(&rows[_i].c, rows[_i].env, NULL);
}
END_TEST

/* The longest name that is known wins; a leading dot means the outermost. */
static const struct resolution {
    const char *expr, *want;
} resolutions[] = {
    {"x", "'a.b.x'"},
    {".x", "'x'"},
    {"b.x", "'a.b.x'"},
    {"a.x", "'a.x'"},
    {"y", "'a.b.c.y'"},
    {"[1].map(x, x)", "[1]"},
    {"[1].map(x, .x)", "['x']"},
};

START_TEST(names_in_a_container)
{
    const struct resolution *r = &resolutions[_i];
    AUTO(cel_context) struct cel_context *context = cel_context_create();
    struct cel_value values[4], v;
    struct cel_binding bindings[4];
    AUTO(err) struct err e = {0};
    AUTO(cel_program)
    struct cel_program *p = cel_compile(r->expr, &contained, (struct src_pos){"test", 1, 1}, &e);
    AUTO(str) char *got = NULL;

    ck_assert_msg(p != NULL, "%s: %s", r->expr, e.msg);
    for (size_t i = 0; i < ARRAY_LEN(bindings); i++) {
        values[i] =
            (struct cel_value){.type = CEL_STRING, .u.text = {nested[i], strlen(nested[i])}};
        bindings[i] = (struct cel_binding){.value = &values[i]};
    }
    ck_assert_int_eq(cel_eval(p, context, bindings, NULL, 0, &v, &e), 0);
    got = cel_show(&v, 100);
    ck_assert_str_eq(got, r->want);
}
END_TEST

START_TEST(any_bytes)
{
    static const char text[] = "size('a\0b')";
    AUTO(cel_context) struct cel_context *context = cel_context_create();
    AUTO(err) struct err e = {0};
    AUTO(cel_program)
    struct cel_program *p =
        cel_compile_bytes(text, sizeof text - 1, &standard, (struct src_pos){"test", 1, 1}, &e);
    struct cel_binding bindings[3] = {0};
    struct cel_value v;

    ck_assert_msg(p != NULL, "%s", e.msg);
    ck_assert_int_eq(cel_eval(p, context, bindings, NULL, 0, &v, &e), 0);
    ck_assert_int_eq(v.u.integer, 3);
}
END_TEST

int main(void)
{
    return case_main(SUITE_CASE("standard", EACH(standard_environment, rows),
                                EACH(names_in_a_container, resolutions), TEST(any_bytes)));
}
