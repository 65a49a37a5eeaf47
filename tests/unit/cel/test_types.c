/* Static types: what is deduced, and the mistakes as cel-go tells them. */
#include "tests/unit/cel/cel_case.h"

static const struct cel_static_field meta_fields[] = {
    {"name", &cel_static[CEL_STATIC_STRING]},
    {"generation", &cel_static[CEL_STATIC_INT]},
};
static const struct cel_static_type meta = {.kind = CEL_STATIC_OBJECT,
                                            .name = "Meta",
                                            .fields = meta_fields,
                                            .field_count = ARRAY_LEN(meta_fields)};
static const struct cel_static_type texts = CEL_LIST_OF(&cel_static[CEL_STATIC_STRING]);
static const struct cel_static_type labels =
    CEL_MAP_OF(&cel_static[CEL_STATIC_STRING], &cel_static[CEL_STATIC_STRING]);
static const struct cel_static_field request_fields[] = {
    {"meta", &meta},
    {"groups", &texts},
    {"labels", &labels},
    {"options", &cel_static[CEL_STATIC_DYN]},
};
static const struct cel_static_type request = {.kind = CEL_STATIC_OBJECT,
                                               .name = "Request",
                                               .fields = request_fields,
                                               .field_count = ARRAY_LEN(request_fields)};

static int ask(void *cookie, struct cel_context *c, size_t nargs, const struct cel_value *args,
               struct cel_value *ret, struct err *reterr)
{
    (void)cookie;
    (void)c;
    (void)nargs;
    (void)args;
    (void)reterr;
    *ret = cel_null();
    return 0;
}

static const struct cel_function get = {"get", false, 1, 2, ask};
static const struct cel_function any = {"any", false, 0, 3, ask};
static const struct cel_function *const functions[] = {&get, &any};
static const char *const function_types[] = {"string->Meta;string,list(A)->A", NULL};

static const char *const names[] = {"object", "request", "n", "f", "s", "b", "x.y", NULL};
static const struct cel_static_type *const types[] = {NULL,
                                                      &request,
                                                      &cel_static[CEL_STATIC_INT],
                                                      &cel_static[CEL_STATIC_DOUBLE],
                                                      &cel_static[CEL_STATIC_STRING],
                                                      &cel_static[CEL_STATIC_BOOL],
                                                      &texts};
static const struct cel_static_type *const objects[] = {&meta, &request, NULL};

#define TYPED                                                                                      \
    .variables = names, .variable_types = types, .object_types = objects, .functions = functions,  \
    .function_types = function_types, .function_count = ARRAY_LEN(functions), .typed = true

static const struct cel_env kubernetes = {TYPED, .homogeneous = true};
static const struct cel_env standard = {TYPED, .standard = true};
static const struct cel_env contained = {TYPED, .container = "a.b"};
static const struct cel_env old = {TYPED, .homogeneous = true, .kubernetes_minor = 27};

/* The type; or the mistake as cel-go shows it, without the lines of the expression. */
static char *check(const char *expr, const struct cel_env *env)
{
    char *shown = NULL, *end;
    AUTO(cel_program) struct cel_program *p = cel_compile_shown(expr, env, &shown);

    if (p)
        return cel_type_text(cel_program_type(p));
    end = strstr(shown, "\n | ");
    if (end)
        *end = '\0';
    return shown;
}

static const struct row {
    const struct cel_env *env;
    const char *expr, *want;
} rows[] = {
    /* literals, names, fields */
    {&kubernetes, "1", "int"},
    {&kubernetes, "null", "null"},
    {&kubernetes, "object.spec.anything", "dyn"},
    {&kubernetes, "request", "Request"},
    {&kubernetes, "request.meta.name", "string"},
    {&kubernetes, "request.labels.app", "string"},
    {&kubernetes, "request.labels['app']", "string"},
    {&kubernetes, "request.options.x.y", "dyn"},
    {&kubernetes, "request.?meta", "optional_type(Meta)"},
    {&kubernetes, "request.?labels[?'a']", "optional_type(string)"},
    {&kubernetes, "request.?meta.name", "optional_type(string)"},
    {&kubernetes, "has(request.meta.name)", "bool"},
    {&kubernetes, "x.y", "list(string)"},
    {&kubernetes, "request.nope", "ERROR: <input>:1:8: undefined field 'nope'"},
    {&kubernetes, "request.meta.uid == ''", "ERROR: <input>:1:13: undefined field 'uid'"},
    {&kubernetes, "has(request.nope)", "ERROR: <input>:1:4: undefined field 'nope'"},
    {&kubernetes, "request.?nope", "ERROR: <input>:1:8: undefined field 'nope'"},
    {&kubernetes, "n.x", "ERROR: <input>:1:2: type 'int' does not support field selection"},
    {&kubernetes, "nope.x", "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')"},
    {&contained, "nope", "ERROR: <input>:1:1: undeclared reference to 'nope' (in container 'a.b')"},

    /* operators */
    {&kubernetes, "n + 1", "int"},
    {&kubernetes, "n + object.x", "int"},
    {&kubernetes, "object.x + object.y", "dyn"},
    {&kubernetes, "'a' + 1",
     "ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, int)'"},
    {&kubernetes, "n + s",
     "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'"},
    {&kubernetes, "n == s",
     "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'"},
    {&kubernetes, "n == 1.0",
     "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, double)'"},
    {&kubernetes, "n == object.x && dyn(1) == 'a'", "bool"},
    {&kubernetes, "n < 1.5 && 1u >= n", "bool"},
    {&old, "n < 1.5",
     "ERROR: <input>:1:3: found no matching overload for '_<_' applied to '(int, double)'"},
    {&old, "n < 2", "bool"},
    {&old, "[1, dyn('a')]", "list(dyn)"},
    {&old, "[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'"},
    {&old, "timestamp('yesterday')", "timestamp"},
    {&old, "s.matches('(')", "bool"},
    {&kubernetes, "timestamp('yesterday')", "ERROR: <input>:1:11: invalid timestamp argument"},
    {&kubernetes, "duration('soon')", "ERROR: <input>:1:10: invalid duration argument"},
    {&kubernetes, "s.matches('(')", "ERROR: <input>:1:11: invalid matches argument"},
    {&kubernetes, "s.find('(')", "string"},
    {&kubernetes, "quantity('much')", "kubernetes.Quantity"},
    {&standard, "quantity('much')", "ERROR: <input>:1:10: 'much' is not a quantity"},
    {&old, "object.?x", "ERROR: <input>:1:7: unsupported syntax '.?'"},
    {&old, "object[?0]", "ERROR: <input>:1:7: unsupported syntax '[?'"},
    {&old, "isIP(s)", "ERROR: <input>:1:5: undeclared reference to 'isIP' (in container '')"},
    {&old, "[1].all(i, v, true)",
     "ERROR: <input>:1:9: undeclared reference to 'i' (in container '')"},
    {&kubernetes, "cel.bind(x, 1, x)", "int"},
    {&kubernetes, "n < s",
     "ERROR: <input>:1:3: found no matching overload for '_<_' applied to '(int, string)'"},
    {&kubernetes, "-s",
     "ERROR: <input>:1:1: found no matching overload for '-_' applied to '(string)'"},
    {&kubernetes, "!n",
     "ERROR: <input>:1:1: found no matching overload for '!_' applied to '(int)'"},
    {&kubernetes, "n in [1, 2]", "bool"},
    {&kubernetes, "n in ['a']",
     "ERROR: <input>:1:3: found no matching overload for '@in' applied to '(int, list(string))'"},
    {&kubernetes, "s in request.labels", "bool"},
    {&kubernetes, "true && n", "ERROR: <input>:1:9: expected type 'bool' but found 'int'"},
    {&kubernetes, "b || object.x", "bool"},
    {&kubernetes, "b ? 1 : 2", "int"},
    {&kubernetes, "b ? 1 : object.x", "dyn"},
    {&kubernetes, "b ? 1 : 'a'",
     "ERROR: <input>:1:3: found no matching overload for '_?_:_' applied to '(bool, int, string)'"},
    {&kubernetes, "[1][s]",
     "ERROR: <input>:1:4: found no matching overload for '_[_]' applied to '(list(int), string)'"},
    {&kubernetes, "timestamp('2024-01-01T00:00:00Z') - duration('1h')", "timestamp"},
    {&kubernetes, "timestamp('2024-01-01T00:00:00Z') - timestamp('2024-01-01T00:00:00Z')",
     "duration"},

    /* lists and maps */
    {&kubernetes, "[1, 2]", "list(int)"},
    {&kubernetes, "[]", "list(dyn)"},
    {&kubernetes, "[[], ['a']]", "list(list(string))"},
    {&kubernetes, "{'a': 1}", "map(string, int)"},
    {&kubernetes, "{}", "map(dyn, dyn)"},
    {&kubernetes, "[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'"},
    {&kubernetes, "[1, dyn('a')]", "ERROR: <input>:1:8: expected type 'int' but found 'dyn'"},
    {&kubernetes, "{'a': 1, 'b': 'c'}",
     "ERROR: <input>:1:15: expected type 'int' but found 'string'"},
    {&kubernetes, "'%d%s'.format([1, 'a'])", "string"},
    {&kubernetes, "'%s'.format([{'a': 1, 'b': 'c'}]) + string([1, 'a'].size())",
     "ERROR: <input>:1:48: expected type 'int' but found 'string'"},
    {&standard, "[1, 'a']", "list(dyn)"},
    {&standard, "{'a': 1, 2: 'c'}", "map(dyn, dyn)"},
    {&kubernetes, "[?request.?meta]", "list(Meta)"},
    {&kubernetes, "[?n]", "ERROR: <input>:1:3: expected type 'optional_type(int)' but found 'int'"},
    {&kubernetes, "{?'a': optional.of(1)}", "map(string, int)"},

    /* functions */
    {&kubernetes, "size(request.groups)", "int"},
    {&kubernetes, "size(1)",
     "ERROR: <input>:1:5: found no matching overload for 'size' applied to '(int)'"},
    {&kubernetes, "n.size()",
     "ERROR: <input>:1:7: found no matching overload for 'size' applied to 'int.()'"},
    {&kubernetes, "s.startsWith(1)",
     "ERROR: <input>:1:13: found no matching overload for 'startsWith' applied to 'string.(int)'"},
    {&kubernetes, "startsWith(s, s)",
     "ERROR: <input>:1:11: found no matching overload for 'startsWith' applied to '(string, "
     "string)'"},
    {&kubernetes, "s.startsWith(s, s)",
     "ERROR: <input>:1:13: found no matching overload for 'startsWith' applied to 'string.(string, "
     "string)'"},
    {&kubernetes, "nope(1)",
     "ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')"},
    {&kubernetes, "s.nope()",
     "ERROR: <input>:1:7: undeclared reference to 'nope' (in container '')"},
    {&kubernetes, "math.abs(1)",
     "ERROR: <input>:1:1: undeclared reference to 'math' (in container '')"},
    {&kubernetes, "object.x.startsWith('a')", "bool"},
    {&kubernetes, "'a,b'.split(',')", "list(string)"},
    {&kubernetes, "[1, 2].max()", "int"},
    {&kubernetes, "[[1]].max()",
     "ERROR: <input>:1:10: found no matching overload for 'max' applied to 'list(list(int)).()'"},
    {&kubernetes, "[[1], [2]].flatten()", "list(int)"},
    {&kubernetes, "quantity('1Gi').add(quantity('1'))", "kubernetes.Quantity"},
    {&kubernetes, "quantity('1Gi').add('1')",
     "ERROR: <input>:1:20: found no matching overload for 'add' applied to "
     "'kubernetes.Quantity.(string)'"},
    {&kubernetes, "cidr('10.0.0.0/8').ip().family()", "int"},
    {&kubernetes, "'10.0.0.1'.ip()",
     "ERROR: <input>:1:14: found no matching overload for 'ip' applied to 'string.()'"},
    {&kubernetes, "url('https://x/y?a=b').getQuery()", "map(string, list(string))"},
    {&kubernetes, "format.named('uuid')", "optional_type(kubernetes.NamedFormat)"},
    {&kubernetes, "string(n) + string(f)", "string"},
    {&kubernetes, "int([1])",
     "ERROR: <input>:1:4: found no matching overload for 'int' applied to '(list(int))'"},
    {&kubernetes, "'abc'.reverse()",
     "ERROR: <input>:1:14: found no matching overload for 'reverse' applied to 'string.()'"},
    {&standard, "'abc'.reverse()", "string"},
    {&standard, "[math.least(1, 2), math.greatest(1, 2)]", "list(int)"},
    {&standard, "math.least(1, 2u)", "dyn"},
    {&kubernetes, "get('a')", "Meta"},
    {&kubernetes, "get('a', [1])", "int"},
    {&kubernetes, "get(1)",
     "ERROR: <input>:1:4: found no matching overload for 'get' applied to '(int)'"},
    {&kubernetes, "any(1, 'a')", "dyn"},

    /* types as values, dyn */
    {&kubernetes, "type(1)", "type(int)"},
    {&kubernetes, "int", "type(int)"},
    {&kubernetes, "type(type(1))", "type(type(int))"},
    {&kubernetes, "type(object) == int", "bool"},
    {&kubernetes, "dyn(1)", "dyn"},
    {&kubernetes, "dyn([1])[0].x", "dyn"},
    {&kubernetes, "google.protobuf.Timestamp", "type(timestamp)"},

    /* macros */
    {&kubernetes, "[1, 2].map(x, string(x))", "list(string)"},
    {&kubernetes, "[1, 2].map(x, x > 1, [x])", "list(list(int))"},
    {&kubernetes, "[1, 2].filter(x, x > 1)", "list(int)"},
    {&kubernetes, "request.labels.filter(k, k != '')", "list(string)"},
    {&kubernetes, "request.labels.all(k, v, k != v)", "bool"},
    {&kubernetes, "[1].transformList(i, v, i + v)", "list(int)"},
    {&kubernetes, "{'a': 1}.transformMap(k, v, string(v))", "map(string, string)"},
    {&kubernetes, "[].map(x, x)", "list(dyn)"},
    {&kubernetes, "([].map(x, x))[0].foo", "dyn"},
    {&kubernetes, "object.items.map(x, x.name)", "list(dyn)"},
    {&kubernetes, "[1].all(x, x)", "ERROR: <input>:1:12: expected type 'bool' but found 'int'"},
    {&kubernetes, "[1].exists(x, 'a')",
     "ERROR: <input>:1:15: expected type 'bool' but found 'string'"},
    {&kubernetes, "[1].exists_one(x, x)",
     "ERROR: <input>:1:15: found no matching overload for '_?_:_' applied to '(int, int, int)'"},
    {&kubernetes, "[1].filter(x, x)",
     "ERROR: <input>:1:11: found no matching overload for '_?_:_' applied to '(int, list(int), "
     "list(int))'"},
    {&kubernetes, "n.all(x, true)",
     "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be "
     "list, map, or dynamic)"},
    {&kubernetes, "[1].all(x, x == 'a')",
     "ERROR: <input>:1:14: found no matching overload for '_==_' applied to '(int, string)'"},

    /* optional values */
    {&kubernetes, "optional.none()", "optional_type(dyn)"},
    {&kubernetes, "optional.of(1).orValue(2)", "int"},
    {&kubernetes, "optional.of(1).or(optional.none())", "optional_type(int)"},
    {&kubernetes, "optional.of(1).orValue('a')",
     "ERROR: <input>:1:23: found no matching overload for 'orValue' applied to "
     "'optional_type(int).(string)'"},
    {&kubernetes, "optional.of(1).optMap(x, [x])", "optional_type(list(int))"},
    {&kubernetes, "optional.of(1).optFlatMap(x, optional.of('a'))", "optional_type(string)"},
    {&kubernetes, "n.optMap(x, x)",
     "ERROR: <input>:1:9: found no matching overload for 'hasValue' applied to 'int.()'"},
    {&kubernetes, "b ? optional.of(dyn(1)) : optional.of(1)", "optional_type(dyn)"},
    {&kubernetes, "object.?a.?b.orValue('x')", "dyn"},
    {&kubernetes, "object.?a.orValue([])", "dyn"},
};

/* Each with the minor version of Kubernetes that brought it; 99: none did. */
static const struct since {
    const char *expr;
    unsigned minor;
} sinces[] = {
    {"[1].isSorted() && s.find('a') == '' && isURL(s)", 1},
    {"[1, 2].sum() == 3 && s.split(',').size() == 1", 1},
    {"isQuantity(s)", 28},
    {"optional.none().hasValue()", 28},
    {"optional.of(1).optMap(x, x).hasValue()", 28},
    {"object.?x.hasValue()", 28},
    {"object[?'x'].hasValue()", 28},
    {"[?object.x].size() == 0", 28},
    {"1 < 1.5", 28},
    {"'%s'.format([1]) == ''", 29},
    {"strings.quote(s) == ''", 29},
    {"sets.contains([1], [1])", 29},
    {"isIP(s)", 30},
    {"cidr('10.0.0.0/8').ip().family() == 4", 30},
    {"format.named('uuid').hasValue()", 31},
    {"[1].all(i, v, true)", 32},
    {"[1].transformList(i, v, v) == []", 32},
    {"{'a': 1}.transformMap(k, v, v) == {}", 32},
    {"[1].distinct() == []", 34},
    {"lists.range(3) == []", 34},
    {"cel.bind(x, 1, x) == 1", 99},
};

START_TEST(versions)
{
    const struct since *r = &sinces[_i];

    for (unsigned minor = 26; minor <= 36; minor++) {
        const struct cel_env env = {TYPED, .homogeneous = true, .kubernetes_minor = minor};
        const struct cel_env untyped = {.variables = names, .kubernetes_minor = minor};
        AUTO(cel_program) struct cel_program *p = cel_compile(r->expr, &untyped, NO_POS, NULL);
        AUTO(str) char *got = check(r->expr, &env);

        ck_assert_msg((strcmp(got, "bool") == 0) == (minor >= r->minor), "%s in 1.%u: %s", r->expr,
                      minor, got);
        if (r->expr[0] != '1') /* numbers are compared when it runs */
            ck_assert_msg((p != NULL) == (minor >= r->minor), "%s in 1.%u", r->expr, minor);
    }
}
END_TEST

START_TEST(deduces)
{
    const struct row *r = &rows[_i];
    AUTO(str) char *got = check(r->expr, r->env);

    ck_assert_msg(strcmp(got, r->want) == 0, "%s\n   got: %s\n  want: %s", r->expr, got, r->want);
}
END_TEST

/* The line, and a mark below: dots for characters, wide ones for wide characters. */
START_TEST(shows_the_place)
{
    static const struct {
        const char *expr, *want;
    } shown[] = {
        {"n +\t's'",
         "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n"
         " | n + 's'\n"
         " | ..^"},
        {"'\xc3\xa9' +\n 'b' +\n  nope",
         "ERROR: <input>:3:3: undeclared reference to 'nope' (in container '')\n"
         " |   nope\n"
         " | ..^"},
        {"'\xc3\xa9\xc3\xa9' + 1",
         "ERROR: <input>:1:6: found no matching overload for '_+_' applied to '(string, int)'\n"
         " | '\xc3\xa9\xc3\xa9' + 1\n"
         " | .\xef\xbc\x8e\xef\xbc\x8e..^"},
    };

    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        AUTO(str) char *got = NULL;

        ck_assert_ptr_null(cel_compile_shown(shown[i].expr, &kubernetes, &got));
        ck_assert_str_eq(got, shown[i].want);
    }
}
END_TEST

/* Types that grow with each binding: a clear error, in no time. */
START_TEST(bounded)
{
    AUTO(strbuf) struct strbuf doubled = {0}, wide = {0};
    AUTO(str) char *got = NULL;
    AUTO(str) char *fine = NULL;

    strbuf_addstr(&doubled, "cel.bind(x0, {1: 2}, ");
    for (int i = 0; i < 60; i++)
        strbuf_addf(&doubled, "cel.bind(x%d, {x%d: x%d}, ", i + 1, i, i);
    strbuf_addstr(&doubled, "[x60, x60]");
    for (int i = 0; i < 61; i++)
        strbuf_addstr(&doubled, ")");
    got = check(strbuf_str(&doubled), &standard);
    ck_assert_msg(strstr(got, "the types of the expression are too large") != NULL, "%s", got);

    for (int i = 0; i < 5000; i++)
        strbuf_addf(&wide, "%sn < %d", i ? " && " : "", i);
    fine = check(strbuf_str(&wide), &kubernetes);
    ck_assert_str_eq(fine, "bool");
}
END_TEST

START_TEST(texts_of_types)
{
    static const struct {
        const char *text, *want;
    } parsed[] = {
        {"int", "int"},
        {"list( map(string,  dyn) )", "list(map(string, dyn))"},
        {"optional_type(kubernetes.Quantity)", "optional_type(kubernetes.Quantity)"},
        {"type", "type"},
        {"tuple(int, A)", "tuple(int, A)"},
        {"Meta", "Meta"},
        {"list", "'list' is no type (character 5)"},
        {"map(int)", "'map(int)' is no type (character 9)"},
        {"list(int", "'list(int' is no type (character 9)"},
        {"", "'' is no type (character 1)"},
        {"int int", "'int int' is no type (character 5)"},
    };
    AUTO(cel_type_pool) struct cel_type_pool *pool = cel_type_pool_create();

    for (size_t i = 0; i < ARRAY_LEN(parsed); i++) {
        AUTO(err) struct err e = {0};
        const struct cel_static_type *t = cel_type_parse(pool, parsed[i].text, objects, &e);
        AUTO(str) char *got = t ? cel_type_text(t) : mem_strdup(e.msg);

        ck_assert_str_eq(got, parsed[i].want);
    }
    ck_assert_ptr_eq(cel_type_parse(pool, "Meta", objects, NULL), &meta);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("types");

    tcase_add_loop_test(tc, deduces, 0, (int)ARRAY_LEN(rows));
    tcase_add_loop_test(tc, versions, 0, (int)ARRAY_LEN(sinces));
    tcase_add_test(tc, shows_the_place);
    tcase_add_test(tc, bounded);
    tcase_add_test(tc, texts_of_types);
    return case_main(tc);
}
