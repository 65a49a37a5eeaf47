/* The language itself: literals, operators, errors and their absorption, macros, optionals, JSON.
 */
#include "tests/unit/cel/cel_case.h"

static const struct cel_env env = {.variables = case_variables};

#define VM                                                                                         \
    "{\"metadata\":{\"name\":\"vm1\",\"namespace\":\"ns\",\"labels\":{\"app\":\"a\",\"x/"          \
    "y\":\"z\"}},"                                                                                 \
    "\"spec\":{\"running\":true,\"cores\":4,\"share\":0.5,\"none\":null,"                          \
    "\"disks\":[{\"name\":\"root\",\"size\":10},{\"name\":\"data\",\"size\":20},{\"name\":\"x\"}]" \
    "},"                                                                                           \
    "\"status\":{\"phase\":\"Ready\"}}"

static const struct cel_case cases[] = {
    /* literals */
    {"42", NULL, "42"},
    {"-42", NULL, "-42"},
    {"0x1F", NULL, "31"},
    {"-0x10", NULL, "-16"},
    {"9223372036854775807", NULL, "9223372036854775807"},
    {"-9223372036854775808", NULL, "-9223372036854775808"},
    {"42u", NULL, "42u"},
    {"0xffffffffffffffffU", NULL, "18446744073709551615u"},
    {"1.5", NULL, "1.5"},
    {".5", NULL, "0.5"},
    {"1e3", NULL, "1000.0"},
    {"-1.5e-7", NULL, "-1.5e-07"},
    {"1.0", NULL, "1.0"},
    {"123456789.0", NULL, "1.23456789e+08"},
    {"0.1 + 0.2", NULL, "0.30000000000000004"},
    {"true", NULL, "true"},
    {"null", NULL, "null"},
    {"'a' + \"b\"", NULL, "'ab'"},
    {"'it\\'s \\\\ \\n \\t \\x41 \\u00e9 \\U0001F600 \\101'", NULL,
     "'it\\'s \\\\ \\n \\t A \xc3\xa9 \xf0\x9f\x98\x80 A'"},
    {"'\\x00'", NULL, "'\\x00'"},
    {"r'a\\nb'", NULL, "'a\\\\nb'"},
    {"R\"\\\"", NULL, "'\\\\'"},
    {"'''a'b\nc'''", NULL, "'a\\'b\\nc'"},
    {"\"\"\"a\"\"b\"\"\"", NULL, "'a\"\"b'"},
    {"r'''\\'''", NULL, "'\\\\'"},
    {"''", NULL, "''"},
    {"b'abc'", NULL, "b'abc'"},
    {"b'\\xff\\377'", NULL, "b'\\xff\\xff'"},
    {"br'\\x'", NULL, "b'\\\\x'"},
    {"rb'\\x'", NULL, "b'\\\\x'"},
    {"'\\xff' == '\\u00ff'", NULL, "true"},
    {"b'\xc3\xa9' == b'\\xc3\\xa9'", NULL, "true"},
    {"bytes('\\377') == b'\\377'", NULL, "false"},
    {"[1, 'a', [true,],]", NULL, "[1, 'a', [true]]"},
    {"{'a': 1, 2: [3], true: null, 4u: 5,}", NULL, "{'a': 1, 2: [3], true: null, 4u: 5}"},
    {"{}", NULL, "{}"},
    {"[]", NULL, "[]"},
    {"1 // comment\n + 2", NULL, "3"},
    {"\t1\r\n+\f2", NULL, "3"},
    {"int", NULL, "int"},
    {"type(1) == int && type(1u) == uint && type([]) == list && type({}) == map", NULL, "true"},
    {"type(null) == null_type && type(type(1)) == type && type(b'') == bytes", NULL, "true"},
    {"type(duration('1s')) == google.protobuf.Duration", NULL, "true"},

    /* arithmetic */
    {"1 + 2 * 3 - 4 / 2 % 3", NULL, "5"},
    {"(1 + 2) * 3", NULL, "9"},
    {"2 - -1", NULL, "3"},
    {"-(-3)", NULL, "3"},
    {"--3", NULL, "3"},
    {"-7 / 2", NULL, "-3"},
    {"-3 % 5", NULL, "-3"},
    {"43 % -5", NULL, "3"},
    {"7u / 2u", NULL, "3u"},
    {"7u % 4u", NULL, "3u"},
    {"1.0 / 0.0", NULL, "double('+Inf')"},
    {"-1.0 / 0.0", NULL, "double('-Inf')"},
    {"0.0 / 0.0", NULL, "double('NaN')"},
    {"1 / 0", NULL, "error: division by zero"},
    {"1 % 0", NULL, "error: modulus by zero"},
    {"1u / 0u", NULL, "error: division by zero"},
    {"9223372036854775807 + 1", NULL, "error: integer overflow"},
    {"-9223372036854775808 - 1", NULL, "error: integer overflow"},
    {"9223372036854775807 * 2", NULL, "error: integer overflow"},
    {"-(-9223372036854775808)", NULL, "error: integer overflow"},
    {"-9223372036854775808 / -1", NULL, "error: integer overflow"},
    {"-9223372036854775808 % -1", NULL, "error: integer overflow"},
    {"0u - 1u", NULL, "error: unsigned integer overflow"},
    {"18446744073709551615u + 1u", NULL, "error: unsigned integer overflow"},
    {"18446744073709551615u * 2u", NULL, "error: unsigned integer overflow"},
    {"1 + 1u", NULL, "error: no such overload: int + uint"},
    {"1 + 1.0", NULL, "error: no such overload: int + double"},
    {"1 + 'a'", NULL, "error: no such overload: int + string"},
    {"1.5 % 2.0", NULL, "error: no such overload: double % double"},
    {"-'a'", NULL, "error: no such overload: -string"},
    {"-1u", NULL, "error: no such overload: -uint"},
    {"!1", NULL, "error: no such overload: !int"},
    {"b'a' + b'b'", NULL, "b'ab'"},
    {"[1] + [2, 3]", NULL, "[1, 2, 3]"},
    {"[] + [1] == [1] + []", NULL, "true"},
    {"'a' - 'b'", NULL, "error: no such overload: string - string"},

    /* comparison */
    {"1 == 1.0 && 1.0 == 1u && 1 == 1u", NULL, "true"},
    {"1 == 2 || 1 == 1.5", NULL, "false"},
    {"1 == '1'", NULL, "false"},
    {"1 != '1'", NULL, "true"},
    {"null == false", NULL, "false"},
    {"null == null", NULL, "true"},
    {"[1, 2u, 3.0] == [1u, 2.0, 3]", NULL, "true"},
    {"[1] == [1, 2]", NULL, "false"},
    {"{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1u}", NULL, "true"},
    {"{1: 'a'} == {1u: 'a'}", NULL, "true"},
    {"{'a': 1} == {'a': 2}", NULL, "false"},
    {"{1u: 'a'}[1.0]", NULL, "'a'"},
    {"0.0/0.0 == 0.0/0.0", NULL, "false"},
    {"0.0/0.0 != 0.0/0.0", NULL, "true"},
    {"0.0/0.0 < 1.0 || 0.0/0.0 >= 1.0", NULL, "false"},
    {"1 < 2u && 2u > 1 && 1 < 1.5 && 1.5 > 1 && -1 < 0u && 0u > -1", NULL, "true"},
    {"-1 == 18446744073709551615u", NULL, "false"},
    {"9223372036854775807 < 9223372036854775808.0", NULL, "false"},
    {"1 < 1e300 && -1e300 < 1u && 18446744073709551615u < 1e30", NULL, "true"},
    {"'a' < 'b' && 'a' < 'ab' && !('b' < 'ab') && 'a' <= 'a' && b'a' < b'b'", NULL, "true"},
    {"false < true && true >= true", NULL, "true"},
    {"null < null", NULL, "error: no such overload: null_type < null_type"},
    {"1 < '2'", NULL, "error: no such overload: int < string"},
    {"[1] < [2]", NULL, "error: no such overload: list < list"},
    {"1 in [3, 2, 1.0]", NULL, "true"},
    {"'a' in ['b']", NULL, "false"},
    {"'a' in {'a': 1}", NULL, "true"},
    {"1.0 in {1: 2}", NULL, "true"},
    {"'x' in {}", NULL, "false"},
    {"1 in 2", NULL, "error: no such overload: int in int"},
    {"[1] in [[1], [2]]", NULL, "true"},

    /* logic */
    {"true || 1/0 == 1", NULL, "true"},
    {"1/0 == 1 || true", NULL, "true"},
    {"false && 1/0 == 1", NULL, "false"},
    {"1/0 == 1 && false", NULL, "false"},
    {"1/0 == 1 && true", NULL, "error: division by zero"},
    {"true && 1/0 == 1", NULL, "error: division by zero"},
    {"1/0 == 1 || 1%0 == 1", NULL, "error: division by zero"},
    {"1%0 == 1 || 1/0 == 1 || false", NULL, "error: modulus by zero"},
    {"'x' || true", NULL, "true"},
    {"'x' || false", NULL, "error: expected bool, found string"},
    {"false && 'x'", NULL, "false"},
    {"1 && 2", NULL, "error: expected bool, found int"},
    {"true ? 1 : 1/0", NULL, "1"},
    {"false ? 1/0 : 2", NULL, "2"},
    {"1/0 == 1 ? 1 : 2", NULL, "error: division by zero"},
    {"1 ? 2 : 3", NULL, "error: expected bool before '?', found int"},
    {"true ? false ? 1 : 2 : 3", NULL,
     "compile 14: expected ':' of the conditional, found '?'; a conditional is "
     "written CONDITION ? A : B; optional selection is .?field"},
    {"true ? (false ? 1 : 2) : 3", NULL, "2"},
    {"false ? 1 : false ? 2 : 3", NULL, "3"},
    {"!true || !!true", NULL, "true"},
    {"true || false && false", NULL, "true"},
    {"self.missing == 1 || self.status.phase == 'Ready'", VM, "true"},
    {"self.missing == 1 || self.status.phase == 'No'", VM, "error: no such key: missing"},
    {"oldSelf.x == 1 || true", VM, "true"},
    {"oldSelf.x == 1", VM, "error: no value for 'oldSelf'"},
    {"oldSelf == null", NULL, "error: no value for 'oldSelf'"},
    {"request.user == 'x'", NULL, "error: no value for 'request.user'"},

    /* JSON */
    {"self.status.phase == 'Ready'", VM, "true"},
    {"self.metadata.namespace", VM, "'ns'"},
    {"self.metadata.labels['x/y']", VM, "'z'"},
    {"self.spec.cores", VM, "4"},
    {"self.spec.share", VM, "0.5"},
    {"self.spec.none", VM, "null"},
    {"self.spec.none.x", VM, "error: no such overload: cannot read field 'x' of null_type"},
    {"self.spec.disks[1].size + 1", VM, "21"},
    {"self.spec.disks[5]", VM, "error: index out of range: 5 (the list has 3)"},
    {"self.spec.disks[-1]", VM, "error: index out of range: -1 (the list has 3)"},
    {"self.spec.disks['a']", VM, "error: no such overload: list[string]"},
    {"self.spec.disks[0.5]", VM, "error: no such overload: list[double]"},
    {"self.spec.disks[1.0].name + self.spec.disks[0u].name", VM, "'dataroot'"},
    {"self.spec[1]", VM, "error: no such key: 1"},
    {"self.spec['no']", VM, "error: no such key: no"},
    {"self.spec[null]", VM, "error: no such overload: map[null_type]"},
    {"self.status.phase.x", VM, "error: no such overload: cannot read field 'x' of string"},
    {"self.status.phase[0]", VM, "error: no such overload: string[int]"},
    {"self", "[1,2.0,null,true,\"a\",{\"b\":[]}]", "[1, 2.0, null, true, 'a', {'b': []}]"},
    {"self == {'a': [1, {'b': 2.0}]}", "{\"a\":[1.0,{\"b\":2}]}", "true"},
    {"self.a == self.b", "{\"a\":{\"x\":1,\"y\":[2]},\"b\":{\"y\":[2],\"x\":1.0}}", "true"},
    {"'status' in self && !('x' in self)", VM, "true"},
    {"'a' in self.missing", VM, "error: no such key: missing"},
    {"has(self.status) && has(self.status.phase) && has(self.spec.none)", VM, "true"},
    {"has(self.x)", VM, "false"},
    {"has(self.x.y)", VM, "error: no such key: x"},
    {"has(self.status.phase.x)", VM, "error: no such overload: cannot read field 'x' of string"},
    {"has({'a': 1}.a)", NULL, "true"},
    {".self.status.phase", VM, "'Ready'"},

    /* macros */
    {"[1, 2, 3].all(x, x > 0)", NULL, "true"},
    {"[].all(x, x > 0)", NULL, "true"},
    {"[1, 2, 3].exists(x, x == 2)", NULL, "true"},
    {"[].exists(x, true)", NULL, "false"},
    {"[1, 2, 3].exists_one(x, x > 2)", NULL, "true"},
    {"[1, 2, 3].existsOne(x, x > 1)", NULL, "false"},
    {"[1, 2, 3].map(x, x * 2)", NULL, "[2, 4, 6]"},
    {"[1, 2, 3].map(x, x > 1, x * 2)", NULL, "[4, 6]"},
    {"[1, 2, 3].filter(x, x > 1)", NULL, "[2, 3]"},
    {"{'a': 1, 'b': 2}.all(k, k < 'c')", NULL, "true"},
    {"{'a': 1, 'b': 2}.map(k, k + '!')", NULL, "['a!', 'b!']"},
    {"{'a': 1, 'b': 2}.filter(k, k == 'b')", NULL, "['b']"},
    {"self.metadata.labels.exists(k, k == 'app' && self.metadata.labels[k] == 'a')", VM, "true"},
    {"self.spec.disks.filter(d, has(d.size)).map(d, d.name)", VM, "['root', 'data']"},
    {"self.spec.disks.exists(d, d.size == 20)", VM, "true"},
    {"self.spec.disks.all(d, d.size > 0)", VM, "error: no such key: size"},
    {"self.spec.disks.all(d, d.size > 10)", VM, "false"},
    {"self.spec.disks.exists(d, d.size == 0)", VM, "error: no such key: size"},
    {"[1, 2, 3].all(e, 6/(2-e) == 6)", NULL, "false"},
    {"[1, 2, 3].all(e, 6/(2-e) != 7)", NULL, "error: division by zero"},
    {"[3, 2, 1, 0].exists_one(n, 12/n > 1)", NULL, "error: division by zero"},
    {"[1, 0].map(n, 1/n)", NULL, "error: division by zero"},
    {"[1, 2].all(x, 'a')", NULL, "error: expected bool, found string"},
    {"[1, 2].filter(x, x)", NULL, "error: expected bool, found int"},
    {"1.all(x, true)", NULL, "error: all() needs a list or a map, found int"},
    {"[[1, 2], [3]].map(x, x.map(y, y + x[0]))", NULL, "[[2, 3], [6]]"},
    {"[1].map(self, self + 1)", VM, "[2]"},
    {"[1].map(x, [10].map(x, x))", NULL, "[[10]]"},
    {"[1, 2].map(i, [10, 20].map(j, i * j))", NULL, "[[10, 20], [20, 40]]"},
    {"[1, 2, 3].exists(i, [3, 4].exists(j, i == j)) ? [5].map(k, k) : []", NULL, "[5]"},
    {"[10, 20].all(i, x, x == (i + 1) * 10)", NULL, "true"},
    {"{'a': 1}.exists(k, v, k == 'a' && v == 1)", NULL, "true"},
    {"[10, 20].transformList(i, x, i + x)", NULL, "[10, 21]"},
    {"[10, 20].transformList(i, x, i > 0, x)", NULL, "[20]"},
    {"{'a': 1, 'b': 2}.transformMap(k, v, v * 2)", NULL, "{'a': 2, 'b': 4}"},
    {"{'a': 1, 'b': 2}.transformMap(k, v, k == 'b', v * 2)", NULL, "{'b': 4}"},
    {"cel.bind(x, self.spec.cores, x * x + x)", VM, "20"},
    {"[1].exists(request, request == 1)", NULL, "true"},

    /* maps */
    {"{'a': 1, 'a': 2}", NULL, "error: duplicate key in a map: 'a'"},
    {"{0: 1, 0u: 2}", NULL, "error: duplicate key in a map: 0u"},
    {"{1.0: 1}", NULL, "error: a map key cannot be of type double"},
    {"{null: 1}", NULL, "error: a map key cannot be of type null_type"},
    {"{'a': {'b': 1}}.a.b", NULL, "1"},
    {"{'a': 1}.b", NULL, "error: no such key: b"},
    {"{'a': self.spec.cores}['a']", VM, "4"},

    /* optionals */
    {"self.?status.?phase", VM, "optional.of('Ready')"},
    {"self.?status.phase", VM, "optional.of('Ready')"},
    {"self.?nothing.phase.x", VM, "optional.none()"},
    {"self.?nothing.?phase.orValue('none')", VM, "'none'"},
    {"self.?metadata.?labels['app'].orValue('')", VM, "'a'"},
    {"self.?metadata.?labels['no'].orValue('')", VM, "''"},
    {"self.metadata.labels[?'no'].hasValue()", VM, "false"},
    {"self.spec.disks[?1].?name.value()", VM, "'data'"},
    {"self.spec.disks[?9]", VM, "optional.none()"},
    {"self.spec.cores.?x", VM, "error: no such overload: cannot read field 'x' of int"},
    {"has(self.?status.phase) && !has(self.?nothing.phase)", VM, "true"},
    {"optional.of(1).value()", NULL, "1"},
    {"optional.none().value()", NULL, "error: optional.none() has no value"},
    {"optional.ofNonZeroValue('')", NULL, "optional.none()"},
    {"optional.ofNonZeroValue([0])", NULL, "optional.of([0])"},
    {"optional.none().or(optional.of(2)).orValue(3)", NULL, "2"},
    {"optional.of(1).or(1/0)", NULL, "optional.of(1)"},
    {"optional.of(1).orValue(1/0)", NULL, "1"},
    {"optional.none().orValue(1/0)", NULL, "error: division by zero"},
    {"optional.none().or(1)", NULL, "error: or() needs an optional (or use orValue), found int"},
    {"'a'.orValue('b')", NULL, "error: expected an optional before '.or', found string"},
    {"optional.of(3).optMap(x, x + 1)", NULL, "optional.of(4)"},
    {"optional.none().optMap(x, x + 1)", NULL, "optional.none()"},
    {"optional.of({'a': 1}).optFlatMap(x, x.?a)", NULL, "optional.of(1)"},
    {"optional.of(1).optFlatMap(x, x)", NULL,
     "error: optFlatMap needs an optional result, found int"},
    {"1.optMap(x, x)", NULL, "error: expected an optional, found int"},
    {"[1, ?optional.of(2), ?optional.none()]", NULL, "[1, 2]"},
    {"{?'a': self.?spec.cores, ?'b': self.?x}", VM, "{'a': 4}"},
    {"[?1]", NULL, "error: an entry with ? needs an optional value, found int"},
    {"optional.of(1) == optional.of(1.0) && optional.none() == optional.none()", NULL, "true"},
    {"optional.of(1) == optional.none() || optional.of(1) == 1", NULL, "false"},
    {"optional.of(optional.none())", NULL, "optional.of(optional.none())"},
    {"type(optional.none()) == optional_type", NULL, "true"},
};

START_TEST(language)
{
    case_check(&cases[_i], &env, NULL);
}
END_TEST

/* ---- host functions and bindings ---- */

static int host_twice(void *cookie, struct cel_context *c, size_t nargs,
                      const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    (void)c;
    (void)nargs;
    ++*(int *)cookie;
    if (args[0].type != CEL_INT)
        return err_set(reterr, ERR_INVALID, NO_POS, "expected int, found %s",
                       cel_type_name(args[0].type));
    *ret = cel_int(args[0].u.integer * 2);
    return 0;
}

static int host_list(void *cookie, struct cel_context *c, size_t nargs,
                     const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    (void)cookie;
    (void)args;
    (void)reterr;
    *ret = nargs ? cel_string(c, "one", 3)
                 : cel_json_take(c, json_pack("[{s:s},{s:s}]", "n", "a", "n", "b"));
    return 0;
}

static int host_crash(void *cookie, struct cel_context *c, size_t nargs,
                      const struct cel_value *args, struct cel_value *ret, struct err *reterr)
{
    (void)cookie;
    (void)c;
    (void)nargs;
    (void)args;
    (void)ret;
    err_set(reterr, ERR_CRASHED, NO_POS, "the actor has crashed");
    return err_hint(reterr, "start it again");
}

static const struct cel_function global_twice = {"twice", false, 1, 1, host_twice},
                                 member_twice = {"twice", true, 1, 1, host_twice},
                                 list = {"list", false, 0, 1, host_list},
                                 crash = {"crash", false, 0, 0, host_crash},
                                 disk_twice = {"disk.twice", false, 1, 1, host_twice};
static const struct cel_function *const host_functions[] = {&global_twice, &member_twice, &list,
                                                            &crash, &disk_twice};

static const struct cel_env host_env = {
    .variables = case_variables,
    .functions = host_functions,
    .function_count = ARRAY_LEN(host_functions),
};

static const struct cel_case host_cases[] = {
    {"twice(21)", NULL, "42"},
    {"21.twice()", NULL, "42"},
    {"disk.twice(4)", NULL, "8"},
    {"twice(1/0)", NULL, "error: division by zero"},
    {"twice('a')", NULL, "error: twice: expected int, found string"},
    {"twice('a') == 1 || true", NULL, "true"},
    {"list().map(x, x.n)", NULL, "['a', 'b']"},
    {"list('x')", NULL, "'one'"},
    {"[1, 2].all(x, twice(x) > 0)", NULL, "true"},
    {"crash() || true", NULL, "error: crash: the actor has crashed"},
    {"true || crash()", NULL, "true"},
    {"[1, 2].exists(x, crash() || x == 2)", NULL, "error: crash: the actor has crashed"},
    {"twise(1)", NULL, "compile 1: unknown function 'twise'; did you mean 'twice'?"},
    {"twice(1, 2)", NULL, "compile 1: 'twice' takes 1 argument, found 2"},
    {"list(1, 2)", NULL, "compile 1: 'list' takes 0 to 1 arguments, found 2"},
    {"1.list()", NULL, "compile 3: 'list' is not a member function; write list(VALUE, ...)"},
};

START_TEST(host)
{
    int calls = 0;

    case_check(&host_cases[_i], &host_env, &calls);
}
END_TEST

START_TEST(lazy)
{
    static const struct cel_case row = {"false && twice(1) == 2 || (true ? 1 : twice(3)) == 1",
                                        NULL, "true"};
    int calls = 0;

    case_check(&row, &host_env, &calls);
    ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(program_facts)
{
    struct err e = {0};
    AUTO(cel_program)
    struct cel_program *p = cel_compile("self.a == [1].map(oldSelf, oldSelf)[0]", &env,
                                        (struct src_pos){"f.yaml", 7, 12}, &e);

    ck_assert_ptr_nonnull(p);
    ck_assert(cel_program_uses(p, "self"));
    ck_assert(!cel_program_uses(p, "oldSelf"));
    ck_assert(!cel_program_uses(p, "nothing"));
    ck_assert_str_eq(cel_program_text(p), "self.a == [1].map(oldSelf, oldSelf)[0]");
    ck_assert_uint_eq(cel_program_pos(p).line, 7);
}
END_TEST

START_TEST(positions)
{
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    struct err e = {0};
    struct cel_value v;
    AUTO(cel_program)
    struct cel_program *p = cel_compile("1 + 2 / 0", NULL, (struct src_pos){"f.yaml", 7, 12}, &e);

    ck_assert_int_eq(cel_eval(p, c, NULL, NULL, 0, &v, &e), -1);
    ck_assert_uint_eq(e.pos.line, 7);
    ck_assert_uint_eq(e.pos.col, 18);
    ck_assert_str_eq(e.pos.file, "f.yaml");
    err_clear(&e);
}
END_TEST

/* A text of several lines keeps the position, and the message says where in it. */
START_TEST(position_of_lines)
{
    struct err e = {0};

    ck_assert_ptr_null(cel_compile("1 +\n  slef", &env, (struct src_pos){"f.yaml", 7, 12}, &e));
    ck_assert_uint_eq(e.pos.line, 7);
    ck_assert_uint_eq(e.pos.col, 12);
    ck_assert_str_eq(e.msg, "unknown name 'slef' (line 2, column 3 of the expression)");
    ck_assert_str_eq(e.hint, "did you mean 'self'?");
    err_clear(&e);
}
END_TEST

/* Results and errors of one evaluation do not disturb the next. */
START_TEST(reuse)
{
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    AUTO(cel_program) struct cel_program *p = NULL;
    struct err e = {0};

    p = cel_compile("self.n > 0 && 'a' + self.t == 'ab'", &env, NO_POS, &e);
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < 100; i++) {
        AUTO(json)
        json_t *self = json_pack("{s:i,s:s}", i % 2 ? "n" : "m", i, "t", i % 3 ? "b" : "c");
        struct cel_binding bindings[3] = {{.json = self}};
        bool ret = false;
        int rc = cel_eval_bool(p, c, bindings, NULL, 0, &ret, &e);

        if (i % 2) {
            ck_assert_int_eq(rc, 0);
            ck_assert_int_eq(ret, i % 3 != 0);
        } else {
            ck_assert_int_eq(rc, i % 3 ? -1 : 0);
        }
        err_clear(&e);
    }
}
END_TEST

START_TEST(bool_wanted)
{
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    struct err e = {0};
    bool ret;
    AUTO(cel_program)
    struct cel_program *p = cel_compile("1 + 1", &env, (struct src_pos){"t", 1, 1}, &e);

    ck_assert_int_eq(cel_eval_bool(p, c, NULL, NULL, 0, &ret, &e), -1);
    ck_assert_str_eq(e.msg, "expected bool, found int");
    err_clear(&e);
    ck_assert_int_eq(cel_eval_bool(p, c, NULL, NULL, 0, &ret, NULL), -1);
}
END_TEST

START_TEST(bound_value)
{
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    struct err e = {0};
    struct cel_value now = cel_timestamp(INT64_C(1000000000) * 1000000000), v;
    struct cel_binding bindings[3] = {{.value = &now}};
    AUTO(cel_program)
    struct cel_program *p = cel_compile("self + duration('1s')", &env, NO_POS, &e);
    AUTO(str) char *shown = NULL;

    ck_assert_int_eq(cel_eval(p, c, bindings, NULL, 0, &v, &e), 0);
    shown = cel_show(&v, 100);
    ck_assert_str_eq(shown, "timestamp('2001-09-09T01:46:41Z')");
}
END_TEST

static const struct json_case {
    const char *expr, *want;
} json_cases[] = {
    {"{'a': [1, 2.5, null, true, 'x'], 1: 2, true: 3, 4u: 5}",
     "{\"a\":[1,2.5,null,true,\"x\"],\"1\":2,\"true\":3,\"4\":5}"},
    {"[timestamp('2001-09-09T01:46:40.5Z'), duration('90s'), b'abcd', b'abcde', b'abc']",
     "[\"2001-09-09T01:46:40.500Z\",\"90s\",\"YWJjZA==\",\"YWJjZGU=\",\"YWJj\"]"},
    {"[int, optional.of(1), optional.none(), 18446744073709551615u, 0.0/0.0, quantity('1Gi')]",
     "[\"int\",\"optional.of(1)\",\"optional.none()\",18446744073709552000,\"NaN\",\"1Gi\"]"},
};

START_TEST(to_json)
{
    const struct json_case *row = &json_cases[_i];
    AUTO(cel_context) struct cel_context *c = cel_context_create();
    struct err e = {0};
    struct cel_value v;
    AUTO(cel_program) struct cel_program *p = cel_compile(row->expr, NULL, NO_POS, &e);
    AUTO(json) json_t *json = NULL;
    AUTO(str) char *text = NULL;

    ck_assert_int_eq(cel_eval(p, c, NULL, NULL, 0, &v, &e), 0);
    json = cel_to_json(&v);
    text = json_text(json);
    ck_assert_msg(strcmp(text, row->want) == 0, "%s\n   got: %s\n  want: %s", row->expr, text,
                  row->want);
}
END_TEST

START_TEST(show_is_cut)
{
    AUTO(json) json_t *array = json_array();
    struct cel_value v;
    AUTO(str) char *shown = NULL;

    for (int i = 0; i < 1000; i++)
        json_array_append_new(array, json_string("\xc3\xa9\xc3\xa9"));
    v = cel_json(array);
    shown = cel_show(&v, 21);
    ck_assert_str_eq(shown, "['\xc3\xa9\xc3\xa9', '\xc3\xa9\xc3\xa9', '\xc3\xa9...");
}
END_TEST

int main(void)
{
    return case_main(SUITE_CASE("eval", EACH(language, cases), EACH(host, host_cases),
                                EACH(to_json, json_cases), TEST(lazy), TEST(program_facts),
                                TEST(positions), TEST(position_of_lines), TEST(reuse),
                                TEST(bool_wanted), TEST(bound_value), TEST(show_is_cut)));
}
