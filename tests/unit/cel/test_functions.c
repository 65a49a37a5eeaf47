/* Standard functions: strings, expressions, lists, conversions, times, quantities. */
#include "tests/unit/cel/cel_case.h"

static const struct cel_env env = {.variables = case_variables};

static const struct cel_case cases[] = {
    /* strings */
    {"size('\\u00e9t\\u00e9') == 3 && size(b'\\u0041') == 1", NULL,
     "compile 38: unknown escape in a bytes literal: expected one of \\\\ \\n \\t \\xHH \\ooo ..."},
    {"[size('\xc3\xa9t\xc3\xa9'), size(b'\xc3\xa9'), [1,2].size(), {'a':1}.size(), ''.size()]",
     NULL, "[3, 2, 2, 1, 0]"},
    {"size(1)", NULL, "error: no such overload: size(int)"},
    {"1.size()", NULL, "error: no such overload: int.size()"},
    {"'hello'.contains('ell') && !'hello'.contains('x') && 'a'.contains('')", NULL, "true"},
    {"'hello'.startsWith('he') && !'he'.startsWith('hello') && 'a'.startsWith('')", NULL, "true"},
    {"'hello'.endsWith('lo') && !'lo'.endsWith('hello') && 'a'.endsWith('')", NULL, "true"},
    {"1.startsWith('a')", NULL, "error: no such overload: int.startsWith(string)"},
    {"'a'.contains(1)", NULL, "error: no such overload: string.contains(int)"},
    {"'aBcZ\xc3\x89'.lowerAscii() + 'aBcz\xc3\xa9'.upperAscii()", NULL,
     "'abcz\xc3\x89"
     "ABCZ\xc3\xa9'"},
    {"'  \\t\\u00a0a b\\u3000\\n'.trim()", NULL, "'a b'"},
    {"'   '.trim()", NULL, "''"},
    {"'\xc3\xa9t\xc3\xa9'.charAt(2) + 'abc'.charAt(3)", NULL, "'\xc3\xa9'"},
    {"'abc'.charAt(4)", NULL, "error: index out of range: 4"},
    {"'abc'.charAt(-1)", NULL, "error: index out of range: -1"},
    {"'\xc3\xa9t\xc3\xa9s'.substring(1) + '|' + '\xc3\xa9t\xc3\xa9s'.substring(1, 3) + '|' + "
     "'abc'.substring(3)",
     NULL, "'t\xc3\xa9s|t\xc3\xa9|'"},
    {"'abc'.substring(2, 1)", NULL, "error: bad substring range: start 2 is after end 1"},
    {"'abc'.substring(0, 4)", NULL, "error: index out of range: 4"},
    {"['tacocat'.indexOf('ac'), 'tacocat'.indexOf(''), 'tacocat'.indexOf('a', 3), "
     "'tacocat'.indexOf('x'), "
     "'\xc3\xa9t\xc3\xa9'.indexOf('\xc3\xa9', 1), 'a'.indexOf('a', 9)]",
     NULL, "[1, 0, 5, -1, 2, -1]"},
    {"['tacocat'.lastIndexOf('at'), 'tacocat'.lastIndexOf(''), 'tacocat'.lastIndexOf('a', 3), "
     "'x'.lastIndexOf('xx'), "
     "'\xc3\xa9t\xc3\xa9'.lastIndexOf('\xc3\xa9'), 'abab'.lastIndexOf('ab', 99)]",
     NULL, "[5, 7, 1, -1, 2, 2]"},
    {"'a'.indexOf('a', -1)", NULL, "error: index out of range: -1"},
    {"'hello hello'.replace('he', 'we') + 'hello hello'.replace('he', 'we', 1) + "
     "'aaa'.replace('a', '', 0)",
     NULL, "'wello wellowello helloaaa'"},
    {"'\xc3\xa9"
     "b'.replace('', '-')",
     NULL, "'-\xc3\xa9-b-'"},
    {"'aaa'.replace('a', '')", NULL, "''"},
    {"'a,b,c'.split(',')", NULL, "['a', 'b', 'c']"},
    {"'a,b,c'.split(',', 2)", NULL, "['a', 'b,c']"},
    {"['a,b'.split(',', 0), 'a,b'.split(',', 1), 'a,b'.split(',', -1), ''.split(',')]", NULL,
     "[[], ['a,b'], ['a', 'b'], ['']]"},
    {"['\xc3\xa9"
     "bc'.split(''), ''.split(''), 'abc'.split('', 2)]",
     NULL, "[['\xc3\xa9', 'b', 'c'], [], ['a', 'bc']]"},
    {"['a', 'b'].join() + ['a', 'b'].join('-') + [].join('x')", NULL, "'aba-b'"},
    {"['a', 1].join()", NULL, "error: join() needs a list of strings, found int"},
    {"'ab\xc3\xa9'.reverse()", NULL,
     "'\xc3\xa9"
     "ba'"},
    {"strings.quote('a\\n\"b')", NULL, "'\"a\\\\n\\\\\"b\"'"},
    {"'%s is %d of %d%%'.format(['x', 1, 2u])", NULL, "'x is 1 of 2%'"},
    {"'%.2f %e %x %X %o %b %b'.format([1.005, 1.5, 255, 'hi', 8, 5, true])", NULL,
     "'1.00 1.500000e+00 ff 6869 10 101 1'"},
    {"'%s %s %s'.format([[1, 'a', null], {'k': 1.5}, duration('90s')])", NULL,
     "'[1, a, null] {k: 1.5} 90s'"},
    {"'%s'.format([])", NULL, "error: format(): the text needs more than 0 values"},
    {"'%d'.format(['a'])", NULL, "error: format(): %d cannot show a value of type string"},
    {"'%q'.format(['a'])", NULL,
     "error: format(): bad clause at byte 0: expected %s, %d, %f, %e, %x, %X, %o, %b or %%"},

    /* regular expressions */
    {"'xtruex'.matches('true')", NULL, "true"},
    {"matches('abc', '^a.c$')", NULL, "true"},
    {"'true\\n'.matches('^(true|True)$')", NULL, "false"},
    {"'\xc3\xa9'.matches('^.$')", NULL, "true"},
    {"self.s.matches(self.p)", "{\"s\":\"abc\",\"p\":\"b+\"}", "true"},
    {"self.s.matches(self.p)", "{\"s\":\"abc\",\"p\":\"(\"}",
     "error: bad regular expression: missing ): ("},
    {"['a', 'b', '('].exists(p, 'ab'.matches(p))", NULL, "true"},
    {"'a'.matches('(')", NULL, "compile 13: bad regular expression: missing ): ("},
    {"'aa'.matches('(a)\\\\1')", NULL,
     "compile 14: bad regular expression: invalid escape sequence: \\1"},
    {"'abc 123'.find('[0-9]+') + 'abc'.find('[0-9]+')", NULL, "'123'"},
    {"'123 abc 456'.findAll('[0-9]+')", NULL, "['123', '456']"},
    {"'1 2 3'.findAll('[0-9]', 2)", NULL, "['1', '2']"},
    {"'1 2'.findAll('[0-9]', 0)", NULL, "[]"},
    {"'baab'.findAll('a*')", NULL, "['', 'aa', '']"},
    {"1.matches('a')", NULL, "error: no such overload: int.matches(string)"},

    /* lists */
    {"[1, 2, 2].isSorted() && [].isSorted() && ['a', 'b'].isSorted() && ![2, 1].isSorted()", NULL,
     "true"},
    {"[1, 'a'].isSorted()", NULL, "error: isSorted() cannot order int and string"},
    {"[[1, 2].sum(), [1.5, 2.5].sum(), [1u].sum(), [].sum(), [duration('1s'), "
     "duration('2s')].sum()]",
     NULL, "[3, 4.0, 1u, 0, duration('3s')]"},
    {"[9223372036854775807, 1].sum()", NULL, "error: integer overflow"},
    {"['a'].sum()", NULL, "error: sum() needs numbers or durations, found string"},
    {"[[2, 1, 3].min(), [2, 1, 3].max(), ['b', 'a'].min()]", NULL, "[1, 3, 'a']"},
    {"[].min()", NULL, "error: min() of an empty list"},
    {"[[1, 2, 2].indexOf(2), [1, 2, 2].lastIndexOf(2), [1].indexOf('x')]", NULL, "[1, 2, -1]"},
    {"[[1, 2, 1.0].distinct(), [1, 2, 3].slice(1, 3), [1, [2, [3]]].flatten(), [1, 2].reverse(), "
     "lists.range(3)]",
     NULL, "[[1, 2], [2, 3], [1, 2, [3]], [2, 1], [0, 1, 2]]"},
    {"[[3, 1, 2, 1.5].sort(), ['b', 'a', 'c'].sort(), [].sort()]", NULL,
     "[[1, 1.5, 2, 3], ['a', 'b', 'c'], []]"},
    {"[1, 2].slice(1, 3)", NULL, "error: bad slice [1, 3) of a list of 2"},
    {"sets.contains([1, 2, 3], [2, 1]) && !sets.contains([1], [2]) && sets.equivalent([1, 1, 2], "
     "[2, 1]) && "
     "sets.intersects([1, 2], [2, 3]) && !sets.intersects([], [1])",
     NULL, "true"},

    /* conversions */
    {"[int('-12'), int('+7'), int(3.9), int(-3.9), int(5u), int(7)]", NULL,
     "[-12, 7, 3, -3, 5, 7]"},
    {"int('12a')", NULL, "error: '12a' is not a decimal integer"},
    {"int('')", NULL, "error: '' is not a decimal integer"},
    {"int(' 1')", NULL, "error: ' 1' is not a decimal integer"},
    {"int('9223372036854775808')", NULL, "error: '9223372036854775808' is out of range for int"},
    {"int(9223372036854775807.0)", NULL, "error: 9.223372036854776e+18 is out of range for int"},
    {"int(-9223372036854775808.0)", NULL, "error: -9.223372036854776e+18 is out of range for int"},
    {"int(0.0/0.0)", NULL, "error: double('NaN') is out of range for int"},
    {"int(18446744073709551615u)", NULL, "error: 18446744073709551615u is out of range for int"},
    {"int(true)", NULL, "error: no such overload: int(bool)"},
    {"int(timestamp('1970-01-01T00:01:00.5Z')) + int(timestamp('1969-12-31T23:59:59.5Z'))", NULL,
     "59"},
    {"[uint(3), uint(3.9), uint('7'), uint(4u)]", NULL, "[3u, 3u, 7u, 4u]"},
    {"uint(-1)", NULL, "error: -1 is out of range for uint"},
    {"uint('-1')", NULL, "error: '-1' is not a decimal unsigned integer"},
    {"uint(-0.5)", NULL, "error: -0.5 is out of range for uint"},
    {"[double(3), double(3u), double('1.5e3'), double('-.5'), double('NaN'), double('inf')]", NULL,
     "[3.0, 3.0, 1500.0, -0.5, double('NaN'), double('+Inf')]"},
    {"double('1x')", NULL, "error: '1x' is not a number"},
    {"double(' 1')", NULL, "error: ' 1' is not a number"},
    {"double('1e999')", NULL, "error: '1e999' is not a number"},
    {"double('0x10')", NULL, "error: '0x10' is not a number"},
    {"[string(1), string(1u), string(1.5), string(1e6), string(100000.0), string(true), "
     "string(b'ab'), string('s')]",
     NULL, "['1', '1', '1.5', '1e+06', '100000', 'true', 'ab', 's']"},
    {"[string(123.456), string(-0.0), string(0.0001), string(0.00001), string(1e-7), "
     "string(1.0/3.0)]",
     NULL, "['123.456', '-0', '0.0001', '1e-05', '1e-07', '0.3333333333333333']"},
    {"[string(timestamp('2009-02-13T23:31:30Z')), string(duration('1h1.5s')), "
     "string(duration('-1ms'))]",
     NULL, "['2009-02-13T23:31:30Z', '3601.5s', '-0.001s']"},
    {"string(b'\\xff')", NULL, "error: the bytes are not valid UTF-8"},
    {"string([1])", NULL, "error: no such overload: string(list)"},
    {"bytes('\xc3\xa9')", NULL, "b'\\xc3\\xa9'"},
    {"['1','t','T','true','TRUE','True'].all(x, bool(x)) && "
     "!['0','f','F','false','FALSE','False'].exists(x, bool(x))",
     NULL, "true"},
    {"bool('TrUe')", NULL, "error: 'TrUe' is not a bool"},
    {"dyn([1])", NULL, "[1]"},
    {"[type('a'), type(1.0), type(true)]", NULL, "[string, double, bool]"},

    /* times */
    {"timestamp('2009-02-13T23:31:30Z') == timestamp(1234567890)", NULL, "true"},
    {"timestamp('2009-02-14T01:31:30+02:00')", NULL, "timestamp('2009-02-13T23:31:30Z')"},
    {"timestamp('2009-02-13T23:31:30.123456789Z')", NULL,
     "timestamp('2009-02-13T23:31:30.123456789Z')"},
    {"timestamp('yesterday')", NULL,
     "compile 11: 'yesterday' is not an RFC 3339 time of the years 1 to 9999"},
    {"timestamp(self)", "\"x\"", "error: 'x' is not an RFC 3339 time of the years 1 to 9999"},
    {"timestamp(9223372036854775807)", NULL,
     "compile 11: 9223372036854775807 is out of range for a timestamp (years 1 to 9999)"},
    {"timestamp('2020-01-01T00:00:00Z') + duration('90m')", NULL,
     "timestamp('2020-01-01T01:30:00Z')"},
    {"duration('90m') + timestamp('2020-01-01T00:00:00Z')", NULL,
     "timestamp('2020-01-01T01:30:00Z')"},
    {"timestamp('2020-01-01T00:00:00Z') - duration('1s')", NULL,
     "timestamp('2019-12-31T23:59:59Z')"},
    {"timestamp('2020-01-02T00:00:00Z') - timestamp('2020-01-01T00:00:00Z')", NULL,
     "duration('86400s')"},
    {"duration('1h') - duration('1m') + duration('1s')", NULL, "duration('3541s')"},
    {"-duration('1h')", NULL, "duration('-3600s')"},
    {"timestamp(0) + timestamp(0)", NULL,
     "error: no such overload: google.protobuf.Timestamp + google.protobuf.Timestamp"},
    {"duration('1s') * 2", NULL, "error: no such overload: google.protobuf.Duration * int"},
    {"timestamp('9999-01-01T00:00:00Z') + duration('20000h')", NULL, "error: timestamp overflow"},
    {"duration('2500000h') + duration('2500000h')", NULL, "error: duration overflow"},
    {"duration('1s') < duration('1m') && timestamp(1) > timestamp(0)", NULL, "true"},
    {"duration('1x')", NULL, "compile 10: '1x' is not a duration like '1h30m' or '1.5s'"},
    {"duration(self) > duration('5s')", "\"1h\"", "true"},
    {"cel.bind(t, timestamp('2009-02-13T23:31:30.123Z'), [t.getFullYear(), t.getMonth(), "
     "t.getDate(), t.getDayOfMonth(), "
     "t.getDayOfWeek(), t.getDayOfYear(), t.getHours(), t.getMinutes(), t.getSeconds(), "
     "t.getMilliseconds()])",
     NULL, "[2009, 1, 13, 12, 5, 43, 23, 31, 30, 123]"},
    {"cel.bind(t, timestamp('2009-02-13T23:31:30Z'), [t.getHours('UTC'), t.getHours('+02:30'), "
     "t.getMinutes('+02:30'), "
     "t.getDate('+02:30'), t.getHours('-08:00'), t.getHours('02:00')])",
     NULL, "[23, 2, 1, 14, 15, 1]"},
    {"timestamp(0).getHours('Europe/Berlin')", NULL,
     "error: unknown time zone 'Europe/Berlin': expected UTC or +HH:MM"},
    {"[duration('90m1.5s').getHours(), duration('90m1.5s').getMinutes(), "
     "duration('90m1.5s').getSeconds(), "
     "duration('90m1.5s').getMilliseconds()]",
     NULL, "[1, 90, 5401, 500]"},
    {"1.getHours()", NULL, "error: no such overload: int.getHours()"},
    {"duration('1s').getFullYear()", NULL,
     "error: no such overload: google.protobuf.Duration.getFullYear()"},

    /* quantities */
    {"quantity('1Gi') == quantity('1024Mi') && quantity('1500m') > quantity('1')", NULL, "true"},
    {"[quantity('1Gi').compareTo(quantity('1G')), quantity('1').compareTo(quantity('1000m')), "
     "quantity('1').compareTo(quantity('2'))]",
     NULL, "[1, 0, -1]"},
    {"quantity('1Gi').isGreaterThan(quantity('1G')) && !quantity('1Gi').isLessThan(quantity('1G'))",
     NULL, "true"},
    {"quantity('1Gi').add(quantity('1Gi')).sub(1073741824)", NULL, "quantity('1Gi')"},
    {"[quantity('2k').asInteger(), quantity('-1').sign()]", NULL, "[2000, -1]"},
    {"quantity('1.5').asInteger()", NULL, "error: the quantity is not an integer that fits int"},
    {"quantity('1.5').asApproximateFloat()", NULL, "1.5"},
    {"isQuantity('10Gi') && !isQuantity('x') && quantity('1k').isInteger() && "
     "!quantity('1m').isInteger()",
     NULL, "true"},
    {"quantity('abc')", NULL, "compile 10: 'abc' is not a quantity"},
    {"quantity(self.size).isLessThan(quantity('1Ti'))", "{\"size\":\"10Gi\"}", "true"},
    {"quantity(self.size)", "{\"size\":\"zz\"}", "error: 'zz' is not a quantity"},

    /* addresses and networks */
    {"['1.2.3.4', '01.2.3.4', '1.2.3', '::', '::ffff:1.2.3.4', 'fe80::1%eth0', ' 1.2.3.4', "
     "''].map(x, isIP(x))",
     NULL, "[true, false, false, true, false, false, false, false]"},
    {"[string(ip('2001:0DB8::1')), string(ip('1.2.3.4'))]", NULL, "['2001:db8::1', '1.2.3.4']"},
    {"[ip('1.2.3.4').family(), ip('::1').family()]", NULL, "[4, 6]"},
    {"[ip.isCanonical('::1'), ip.isCanonical('::0:1')]", NULL, "[true, false]"},
    {"['0.0.0.0', '127.1.2.3', '224.0.0.9', '169.254.0.1', '8.8.8.8', '255.255.255.255', "
     "'239.0.0.1', 'ff12::1', 'febf::1', '::'].map(x, [ip(x).isUnspecified(), "
     "ip(x).isLoopback(), ip(x).isLinkLocalMulticast(), ip(x).isLinkLocalUnicast(), "
     "ip(x).isGlobalUnicast()].map(y, y ? 1 : 0))",
     NULL,
     "[[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, "
     "0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 0]]"},
    {"['10.0.0.0/8', '10.0.0.0/08', '10.0.0.0/33', '10.0.0.0', '/8', '::/0', '10.0.0.0/+8', "
     "'::/129', '::ffff:1.2.3.4/104'].map(x, isCIDR(x))",
     NULL, "[true, false, false, false, false, true, false, false, false]"},
    {"[string(cidr('10.1.2.3/12')), string(cidr('10.1.2.3/12').masked()), "
     "string(cidr('2001:db8:1::1/33').masked())]",
     NULL, "['10.1.2.3/12', '10.0.0.0/12', '2001:db8::/33']"},
    {"[cidr('10.0.0.0/8').containsIP('10.9.9.9'), cidr('10.0.0.0/8').containsIP(ip('11.0.0.0')), "
     "cidr('::/0').containsIP('10.0.0.1')]",
     NULL, "[true, false, false]"},
    {"[cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16'), "
     "cidr('10.0.0.0/16').containsCIDR(cidr('10.0.0.0/8'))]",
     NULL, "[true, false]"},
    {"[cidr('10.0.0.1/8').ip() == ip('10.0.0.1'), cidr('10.0.0.1/8').prefixLength() == 8]", NULL,
     "[true, true]"},
    {"cidr('10.0.0.0/8').ip()", NULL, "ip('10.0.0.0')"},
    {"ip(self.a)", "{\"a\":\"x\"}",
     "error: IP Address \"x\" parse error during conversion from string"},
    {"1.family()", NULL, "error: no such overload: int.family()"},

    /* URLs */
    {"['http://a', '/a/b', 'a/b', '', 'mailto:x@y', 'http://a b', 'http://[::1', 'http://a:b', "
     "'http://a:80:90/', 'HTTP://A/%zz', '1http://x', '://x', '?x', 'http://a%20b/'].map(x, "
     "isURL(x))",
     NULL,
     "[true, true, false, false, true, false, false, false, true, false, false, false, false, "
     "false]"},
    {"[url('HTTPS://u:p@[::1]:80/a%20b c?x=1&y=2&x=3#z')].map(u, [u.getScheme(), u.getHost(), "
     "u.getHostname(), u.getPort(), u.getEscapedPath()])",
     NULL, "[['https', '[::1]:80', '::1', '80', '/a%20b%20c']]"},
    {"url('http://a/?x=1&y=2&x=%203+4&z&bad=%zz&;=1').getQuery()", NULL,
     "{'x': ['1', ' 3 4'], 'y': ['2'], 'z': ['']}"},
    {"[url('http:///x').getEscapedPath(), url('//h/p').getHost(), url('mailto:x').getHost()]", NULL,
     "['/x', 'h', '']"},
    {"url(self.a)", "{\"a\":\"a b\"}",
     "error: URL parse error during conversion from string: parse \"a b\": invalid URI for "
     "request"},

    /* named formats */
    {"['a', 'A', 'a-', 'a.b', ''].map(x, format.dns1123Label().validate(x).hasValue())", NULL,
     "[false, true, true, true, true]"},
    {"['a', 'a-', '-a'].map(x, format.dns1123LabelPrefix().validate(x).hasValue())", NULL,
     "[false, false, true]"},
    {"['a.b', 'a_b'].map(x, format.dns1123Subdomain().validate(x).hasValue())", NULL,
     "[false, true]"},
    {"['YQ==', 'YQ', '', '-_8='].map(x, format.byte().validate(x).hasValue())", NULL,
     "[false, true, true, true]"},
    {"['2024-02-28', '2024-02-30', '2024-1-1'].map(x, format.date().validate(x).hasValue())", NULL,
     "[false, true, true]"},
    {"format.uuid().validate('zz')", NULL, "optional.of(['does not match the UUID format'])"},
    {"[format.named('uri').hasValue(), format.named('zz').hasValue()]", NULL, "[true, false]"},
    {"format.named('datetime').value().validate('2024-01-01T00:00:00Z')", NULL, "optional.none()"},
    {"format.qualifiedName()", NULL, "format.named('qualifiedName')"},
};

START_TEST(functions)
{
    case_check(&cases[_i], &env, NULL);
}
END_TEST

int main(void)
{
    return case_main(SUITE_CASE("functions", EACH(functions, cases)));
}
