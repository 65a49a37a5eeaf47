/* Lexical rules: cel-spec, language definition, "Syntax". */
#include "cel/lexer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "cel/utf8.h"

static int fail(const struct lexer *l, struct err *reterr, size_t offset, const char *what)
{
    return source_fail(l->source, reterr, ERR_SYNTAX, offset, "%s", what);
}

static char peek(const struct lexer *l, size_t ahead)
{
    size_t at = l->at + ahead;

    return at < l->source->len ? l->source->text[at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int digit_of(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

static void skip_blank(struct lexer *l)
{
    for (;;) {
        char c = peek(l, 0);

        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            l->at++;
        } else if (c == '/' && peek(l, 1) == '/') {
            while (l->at < l->source->len && peek(l, 0) != '\n')
                l->at++;
        } else {
            return;
        }
    }
}

static void take_digits(struct lexer *l)
{
    while (is_digit(peek(l, 0)))
        l->at++;
}

static void take_integer(struct lexer *l, struct token *ret, unsigned base)
{
    uint64_t v = 0;

    while (digit_of(peek(l, 0)) < (int)base) {
        unsigned digit = (unsigned)digit_of(peek(l, 0));

        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
            ret->too_large = true;
        l->at++;
    }
    ret->kind = TOKEN_INT;
    ret->u.magnitude = v;
    if (peek(l, 0) == 'u' || peek(l, 0) == 'U') {
        ret->kind = TOKEN_UINT;
        l->at++;
    }
}

/* True when a fraction or an exponent follows the digits; the position is then after it. */
static bool take_fraction(struct lexer *l)
{
    bool found = false;
    size_t sign;

    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        l->at++;
        take_digits(l);
        found = true;
    }
    if (peek(l, 0) != 'e' && peek(l, 0) != 'E')
        return found;
    sign = peek(l, 1) == '+' || peek(l, 1) == '-' ? 1 : 0;
    if (!is_digit(peek(l, 1 + sign)))
        return found;
    l->at += 1 + (uint32_t)sign;
    take_digits(l);
    return true;
}

static int take_number(struct lexer *l, struct token *ret, struct err *reterr)
{
    bool hex = peek(l, 0) == '0' && (peek(l, 1) == 'x' || peek(l, 1) == 'X');

    if (hex) {
        l->at += 2;
        if (digit_of(peek(l, 0)) > 15)
            return fail(l, reterr, ret->start, "expected hexadecimal digits after 0x");
        take_integer(l, ret, 16);
    } else {
        take_digits(l);
        if (take_fraction(l)) {
            /* The text is NUL-terminated, and what follows the number cannot be part of it. */
            ret->kind = TOKEN_DOUBLE;
            ret->u.real = strtod(l->source->text + ret->start, NULL);
            if (isinf(ret->u.real))
                return fail(l, reterr, ret->start, "number is out of range for double");
        } else {
            l->at = ret->start;
            take_integer(l, ret, 10);
        }
    }
    if (is_name_start(peek(l, 0)) || is_digit(peek(l, 0)))
        return source_fail(l->source, reterr, ERR_SYNTAX, ret->start,
                           "bad number '%.*s': expected an operator after the digits",
                           (int)(l->at + 1 - ret->start), l->source->text + ret->start);
    return 0;
}

static int word_compare(const char *word, const char *s, size_t len)
{
    int order = strncmp(word, s, len);

    return order ? order : word[len] != '\0';
}

static enum token_kind kind_of_name(const char *s, size_t len)
{
    static const struct {
        const char *word;
        enum token_kind kind;
    } words[] = {
        {"true", TOKEN_TRUE},          {"false", TOKEN_FALSE},
        {"null", TOKEN_NULL},          {"in", TOKEN_IN},
        {"as", TOKEN_RESERVED},        {"break", TOKEN_RESERVED},
        {"const", TOKEN_RESERVED},     {"continue", TOKEN_RESERVED},
        {"else", TOKEN_RESERVED},      {"for", TOKEN_RESERVED},
        {"function", TOKEN_RESERVED},  {"if", TOKEN_RESERVED},
        {"import", TOKEN_RESERVED},    {"let", TOKEN_RESERVED},
        {"loop", TOKEN_RESERVED},      {"package", TOKEN_RESERVED},
        {"namespace", TOKEN_RESERVED}, {"return", TOKEN_RESERVED},
        {"var", TOKEN_RESERVED},       {"void", TOKEN_RESERVED},
        {"while", TOKEN_RESERVED},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (word_compare(words[i].word, s, len) == 0)
            return words[i].kind;
    return TOKEN_NAME;
}

static void take_name(struct lexer *l, struct token *ret)
{
    const char *s = l->source->text + l->at;

    while (is_name_start(peek(l, 0)) || is_digit(peek(l, 0)))
        l->at++;
    ret->u.text.data = s;
    ret->u.text.len = l->at - ret->start;
    ret->kind = kind_of_name(s, ret->u.text.len);
}

static bool in_quoted_name(char c)
{
    return is_name_start(c) || is_digit(c) || (c && strchr(".-/ ", c));
}

/* `content-type`: false when it does not end, or holds what a field's name may not. */
static bool take_quoted_name(struct lexer *l, struct token *ret)
{
    uint32_t len = 0;

    while (in_quoted_name(peek(l, 1 + len)))
        len++;
    if (len == 0 || peek(l, 1 + len) != '`')
        return false;
    ret->u.text.data = l->source->text + l->at + 1;
    ret->u.text.len = len;
    ret->kind = TOKEN_QUOTED;
    l->at += len + 2;
    return true;
}

struct quoting {
    char quote;
    bool triple, raw, bytes;
};

static int take_digits_of_escape(struct lexer *l, unsigned base, size_t count, uint32_t *ret,
                                 struct err *reterr)
{
    uint32_t code = 0;

    for (size_t i = 0; i < count; i++) {
        int digit = digit_of(peek(l, i));

        if (digit >= (int)base)
            return source_fail(l->source, reterr, ERR_SYNTAX, l->at,
                               "bad escape: expected %zu %s digits", count,
                               base == 8 ? "octal" : "hexadecimal");
        code = code * base + (uint32_t)digit;
    }
    l->at += (uint32_t)count;
    *ret = code;
    return 0;
}

static bool simple_escape(char c, char *ret)
{
    static const char from[] = "\\?\"'`abfnrtv", to[] = "\\?\"'`\a\b\f\n\r\t\v";
    const char *p = c ? strchr(from, c) : NULL;

    if (p)
        *ret = to[p - from];
    return p != NULL;
}

/* The position is after the backslash. A \x or octal escape is a code point in strings and an octet
 * in bytes. */
static int take_escape(struct lexer *l, bool bytes, char **out, struct err *reterr)
{
    uint32_t start = l->at - 1, code = 0;
    char c = peek(l, 0);
    int rc;

    if (simple_escape(c, *out)) {
        l->at++;
        (*out)++;
        return 0;
    }
    if (c >= '0' && c <= '3') {
        rc = take_digits_of_escape(l, 8, 3, &code, reterr);
    } else if (c == 'x' || c == 'X') {
        l->at++;
        rc = take_digits_of_escape(l, 16, 2, &code, reterr);
    } else if ((c == 'u' || c == 'U') && !bytes) {
        l->at++;
        rc = take_digits_of_escape(l, 16, c == 'u' ? 4 : 8, &code, reterr);
    } else {
        return fail(
            l, reterr, start,
            bytes
                ? "unknown escape in a bytes literal: expected one of \\\\ \\n \\t \\xHH \\ooo ..."
                : "unknown escape: expected one of \\\\ \\' \\n \\t \\xHH \\uHHHH \\ooo ... (or "
                  "use a "
                  "raw string r'...')");
    }
    if (rc < 0)
        return -1;
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return fail(l, reterr, start, "bad escape: not a Unicode character");
    if (bytes)
        *(*out)++ = (char)code;
    else
        *out += utf8_encode(code, *out);
    return 0;
}

#define NO_QUOTE SIZE_MAX

/* Offset of the closing quote, found first so that the decoded text gets memory of about its own
 * size. */
static size_t closing_quote(const struct lexer *l, const struct quoting *q)
{
    const char *text = l->source->text;

    for (size_t at = l->at; at < l->source->len; at++) {
        if (text[at] == '\\' && !q->raw)
            at++;
        else if (!q->triple && (text[at] == '\n' || text[at] == '\r'))
            return NO_QUOTE;
        else if (text[at] == q->quote &&
                 (!q->triple || (text[at + 1] == q->quote && text[at + 2] == q->quote)))
            return at;
    }
    return NO_QUOTE;
}

static int take_quoted(struct lexer *l, const struct quoting *q, struct token *ret,
                       struct err *reterr)
{
    const char *text = l->source->text;
    uint32_t width = q->triple ? 3 : 1;
    size_t end;
    char *out;

    l->at += width;
    end = closing_quote(l, q);
    if (end == NO_QUOTE)
        return source_fail(l->source, reterr, ERR_SYNTAX, ret->start,
                           "unterminated string: expected a closing %.*s", (int)width,
                           text + l->at - width);
    out = arena_alloc(l->arena, end - l->at + 1);
    ret->u.text.data = out;
    while (l->at < end) {
        char c = text[l->at++];

        if (c != '\\' || q->raw)
            *out++ = c;
        else if (take_escape(l, q->bytes, &out, reterr) < 0)
            return -1;
    }
    l->at = (uint32_t)end + width;
    ret->u.text.len = (size_t)(out - ret->u.text.data);
    ret->kind = q->bytes ? TOKEN_BYTES : TOKEN_STRING;
    return 0;
}

/* Recognises the prefix of a literal: up to one of r and b each, in any order and case, then a
 * quote. */
static bool string_starts(const struct lexer *l, struct quoting *ret, uint32_t *ret_prefix)
{
    struct quoting q = {0};
    uint32_t at = 0;

    for (; at < 2; at++) {
        char c = peek(l, at);

        if ((c == 'r' || c == 'R') && !q.raw)
            q.raw = true;
        else if ((c == 'b' || c == 'B') && !q.bytes)
            q.bytes = true;
        else
            break;
    }
    q.quote = peek(l, at);
    if (q.quote != '\'' && q.quote != '"')
        return false;
    q.triple = peek(l, at + 1) == q.quote && peek(l, at + 2) == q.quote;
    *ret = q;
    *ret_prefix = at;
    return true;
}

static enum token_kind take_operator(struct lexer *l)
{
    static const struct {
        char text[3];
        enum token_kind kind;
    } operators[] = {
        {"==", TOKEN_EQ},          {"!=", TOKEN_NE},
        {"<=", TOKEN_LE},          {">=", TOKEN_GE},
        {"&&", TOKEN_AND},         {"||", TOKEN_OR},
        {"<", TOKEN_LT},           {">", TOKEN_GT},
        {"+", TOKEN_ADD},          {"-", TOKEN_SUB},
        {"*", TOKEN_MUL},          {"/", TOKEN_DIV},
        {"%", TOKEN_MOD},          {"!", TOKEN_NOT},
        {"?", TOKEN_QUESTION},     {":", TOKEN_COLON},
        {",", TOKEN_COMMA},        {".", TOKEN_DOT},
        {"(", TOKEN_OPEN_PAREN},   {")", TOKEN_CLOSE_PAREN},
        {"[", TOKEN_OPEN_BRACKET}, {"]", TOKEN_CLOSE_BRACKET},
        {"{", TOKEN_OPEN_BRACE},   {"}", TOKEN_CLOSE_BRACE},
    };

    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        const char *text = operators[i].text;

        if (peek(l, 0) == text[0] && (text[1] == '\0' || peek(l, 1) == text[1])) {
            l->at += text[1] ? 2 : 1;
            return operators[i].kind;
        }
    }
    return TOKEN_END;
}

static int unexpected_character(const struct lexer *l, struct err *reterr)
{
    const char *s = l->source->text + l->at;
    const char *hint = *s == '='   ? "equality is written =="
                       : *s == '&' ? "and is written &&"
                       : *s == '|' ? "or is written ||"
                                   : NULL;
    size_t len = utf8_step(s, l->source->len - l->at);

    source_fail(l->source, reterr, ERR_SYNTAX, l->at, "unexpected character '%.*s'", (int)len, s);
    return hint ? err_hint(reterr, "%s", hint) : -1;
}

int lexer_next(struct lexer *l, struct token *ret, struct err *reterr)
{
    struct quoting q;
    uint32_t prefix;
    int rc = 0;
    char c;

    skip_blank(l);
    *ret = (struct token){.kind = TOKEN_END, .start = l->at};
    c = peek(l, 0);
    if (l->at >= l->source->len) {
        /* the end */
    } else if (string_starts(l, &q, &prefix)) {
        l->at += prefix;
        rc = take_quoted(l, &q, ret, reterr);
    } else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1)))) {
        rc = take_number(l, ret, reterr);
    } else if (is_name_start(c)) {
        take_name(l, ret);
    } else if (c == '`' && take_quoted_name(l, ret)) {
        /* taken */
    } else {
        ret->kind = take_operator(l);
        if (ret->kind == TOKEN_END)
            rc = unexpected_character(l, reterr);
    }
    ret->end = l->at;
    return rc;
}
