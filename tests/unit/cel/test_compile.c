/* What the compiler refuses, with the column and the hint. */
#include "base/strbuf.h"
#include "tests/unit/cel/cel_case.h"

static const struct cel_env env = {.variables = case_variables};

static const struct cel_case cases[] = {
    {"", NULL, "compile 1: expected an expression, found the end of the text"},
    {"  // nothing", NULL, "compile 13: expected an expression, found the end of the text"},
    {"1 +", NULL, "compile 4: expected an expression, found the end of the text"},
    {"1 + * 2", NULL, "compile 5: expected an expression, found '*'"},
    {"1 2", NULL, "compile 3: expected an operator or the end of the text, found '2'"},
    {"(1", NULL, "compile 3: expected ')', found the end of the text"},
    {"[1 2]", NULL, "compile 4: expected ',' or ']', found '2'"},
    {"[,]", NULL, "compile 2: expected an expression, found ','"},
    {"{1}", NULL, "compile 3: expected ':' after the key, found '}'"},
    {"{1: 2", NULL, "compile 6: expected ',' or '}', found the end of the text"},
    {"size(1,)", NULL, "compile 8: expected another argument after ',', found ')'"},
    {"size(1 2)", NULL, "compile 8: expected ',' or ')', found '2'"},
    {"self.", NULL,
     "compile 6: expected a field or function name after '.', found the end of the text"},
    {"self.1", NULL, "compile 5: expected an operator or the end of the text, found '.1'"},
    {"self.true", NULL, "compile 6: expected a field or function name after '.', found 'true'"},
    {"self[1", NULL, "compile 7: expected ']', found the end of the text"},
    {"self ? 1", NULL,
     "compile 9: expected ':' of the conditional, found the end of the text; a conditional is "
     "written CONDITION ? A : B; optional selection is .?field"},
    {"for", NULL, "compile 1: 'for' is a reserved word: expected a name"},
    {"1 + namespace", NULL, "compile 5: 'namespace' is a reserved word: expected a name"},
    {"self = 1", NULL, "compile 6: unexpected character '='; equality is written =="},
    {"self & 1", NULL, "compile 6: unexpected character '&'; and is written &&"},
    {"self | 1", NULL, "compile 6: unexpected character '|'; or is written ||"},
    {"self # 1", NULL, "compile 6: unexpected character '#'"},
    {"self.`a`", NULL, "compile 6: expected a field or function name after '.', found '`a`'"},
    {"\xe2\x82\xac", NULL, "compile 1: unexpected character '\xe2\x82\xac'"},
    {"1 + \xff", NULL, "compile 5: the expression is not valid UTF-8 here"},
    {"9223372036854775808", NULL, "compile 1: number 9223372036854775808 is out of range for int"},
    {"-9223372036854775809", NULL, "compile 2: number 9223372036854775809 is out of range for int"},
    {"18446744073709551616u", NULL,
     "compile 1: number 18446744073709551616u is out of range for uint"},
    {"1e999", NULL, "compile 1: number is out of range for double"},
    {"12ab", NULL, "compile 1: bad number '12a': expected an operator after the digits"},
    {"0x", NULL, "compile 1: expected hexadecimal digits after 0x"},
    {"5.", NULL,
     "compile 3: expected a field or function name after '.', found the end of the text"},
    {"'abc", NULL, "compile 1: unterminated string: expected a closing '"},
    {"'abc\\'", NULL, "compile 1: unterminated string: expected a closing '"},
    {"\"a\nb\"", NULL,
     "compile 1: unterminated string: expected a closing \" (line 1, column 1 of the expression)"},
    {"'''abc''", NULL, "compile 1: unterminated string: expected a closing '''"},
    {"'\\q'", NULL,
     "compile 2: unknown escape: expected one of \\\\ \\' \\n \\t \\xHH \\uHHHH \\ooo ... (or use "
     "a raw "
     "string r'...')"},
    {"'\\400'", NULL,
     "compile 2: unknown escape: expected one of \\\\ \\' \\n \\t \\xHH \\uHHHH \\ooo ... (or use "
     "a raw "
     "string r'...')"},
    {"'\\x4'", NULL, "compile 4: bad escape: expected 2 hexadecimal digits"},
    {"'\\19'", NULL, "compile 3: bad escape: expected 3 octal digits"},
    {"'\\uD83D'", NULL, "compile 2: bad escape: not a Unicode character"},
    {"'\\U00110000'", NULL, "compile 2: bad escape: not a Unicode character"},
    {"!-self", NULL,
     "compile 1: '!' and '-' cannot be combined: '!' takes a bool, '-' gives a number"},
    {"-!self", NULL, "compile 2: expected an expression, found '!'"},
    {"slef.x", NULL, "compile 1: unknown name 'slef'; did you mean 'self'?"},
    {"self.x == unknownThing", NULL, "compile 11: unknown name 'unknownThing'"},
    {"[1].map(item, itm)", NULL, "compile 15: unknown name 'itm'; did you mean 'item'?"},
    {"[1].map(x, x) == x", NULL, "compile 18: unknown name 'x'"},
    {"sizee(self)", NULL, "compile 1: unknown function 'sizee'; did you mean 'size'?"},
    {"self.x.startWith('a')", NULL,
     "compile 8: unknown member function 'startWith'; did you mean 'startsWith'?"},
    {"nothingLikeIt()", NULL, "compile 1: unknown function 'nothingLikeIt'"},
    {"size()", NULL, "compile 1: 'size' takes 1 argument, found 0"},
    {"'a'.startsWith()", NULL, "compile 5: 'startsWith' takes 1 argument, found 0"},
    {"'a'.replace('b')", NULL, "compile 5: 'replace' takes 2 to 3 arguments, found 1"},
    {"startsWith('a', 'b')", NULL,
     "compile 1: 'startsWith' is a member function; write VALUE.startsWith(...)"},
    {"'1'.int()", NULL, "compile 5: 'int' is not a member function; write int(VALUE, ...)"},
    {"optional.off(1)", NULL, "compile 10: unknown member function 'off'"},
    {"[1].all(x)", NULL, "compile 5: 'all' takes 2 or 3 arguments, found 1"},
    {"[1].filter(x)", NULL, "compile 5: 'filter' takes 2 arguments, found 1"},
    {"[1].all(x.y, true)", NULL, "compile 11: 'all' needs a plain name for its variable here"},
    {"[1].map(1, true)", NULL, "compile 9: 'map' needs a plain name for its variable here"},
    {"[1].all(x, x, true)", NULL, "compile 12: the two variables need different names"},
    {"has(self)", NULL, "compile 5: has() needs a field selection: has(a.b)"},
    {"has(self['a'])", NULL, "compile 9: has() needs a field selection: has(a.b)"},
    {"has(self.?a)", NULL, "compile 11: has() needs a field selection: has(a.b)"},
    {"has()", NULL, "compile 1: 'has' takes 1 argument, found 0"},
    {"google.protobuf.Int32Value{value: 1}", NULL,
     "compile 1: message literals are not supported: google.protobuf.Int32Value{...}; write a map: "
     "{'field': value}"},
    {"Foo{}", NULL,
     "compile 1: message literals are not supported: Foo{...}; write a map: {'field': value}"},
    {"1{}", NULL, "compile 2: expected an operator, found '{'"},
};

START_TEST(refused)
{
    case_check(&cases[_i], &env, NULL);
}
END_TEST

/* The caller may not care. */
START_TEST(no_error_wanted)
{
    ck_assert_ptr_null(cel_compile(cases[_i].expr, &env, NO_POS, NULL));
}
END_TEST

/* ---- what a program names in so many words ---- */

static void note_call(void *cookie, const struct cel_call *call)
{
    strbuf_addf(cookie, "%s(", call->function);
    for (size_t i = 0; i < call->count; i++)
        strbuf_addf(cookie, "%s%s:%u", i ? " " : "", call->args[i].text ? call->args[i].text : "?",
                    call->args[i].pos.col);
    strbuf_addstr(cookie, ") ");
}

static void note_compared(void *cookie, const char *variable, const char *field,
                          const struct cel_literal *with)
{
    strbuf_addf(cookie, "%s.%s~%s:%u ", variable, field, with->text, with->pos.col);
}

static const struct named_case {
    const char *expr, *want;
} named_cases[] = {
    {"ask('a', 'b') == 1", "ask(a:5 b:10) "},
    {"ask('a' + 'b', self.x)", "ask(ab:9 ?:21) "},
    {"[1].all(i, ask(self.y, 'in') == i) || true", "ask(?:21 in:24) "},
    {"self.by == 'me' && 'you' != self.by", "self.by~me:12 self.by~you:20 "},
    {"self.by in ['me', 'you']", "self.by~me:12 self.by~you:12 "},
    {"self.by in ['me', self.x]", "self.by~me:13 "},
    {"self.a.by == 'me' || self.by > 'me'", ""},
    {"ask(ask('deep', 'er'), 'out')", "ask(?:5 out:24) ask(deep:9 er:17) "},
};

START_TEST(named)
{
    static const struct cel_function ask = {"ask", false, 2, 2, NULL};
    static const struct cel_function *const functions[] = {&ask};
    static const char *const variables[] = {"self", NULL};
    static const struct cel_env with_ask = {
        .variables = variables, .functions = functions, .function_count = 1};
    const struct named_case *c = &named_cases[_i];
    AUTO(strbuf) struct strbuf got = {0};
    const struct cel_visitor v = {note_call, note_compared, &got};
    struct err err = {0};
    AUTO(cel_program)
    struct cel_program *p = cel_compile(c->expr, &with_ask, (struct src_pos){"x", 1, 1}, &err);

    ck_assert_msg(p, "%s: %s", c->expr, err.msg ? err.msg : "");
    cel_program_visit(p, &v);
    ck_assert_str_eq(strbuf_str(&got), c->want);
}
END_TEST

int main(void)
{
    return case_main(SUITE_CASE("compile", EACH(refused, cases), EACH(no_error_wanted, cases),
                                EACH(named, named_cases)));
}
