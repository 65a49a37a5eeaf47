#include "tests/cel/textproto.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"

struct reader {
    const char *text, *at, *end;
    const char *name;
    struct err *reterr;
    unsigned depth;
    unsigned line; /* of r->at, outside tokens */
};

static struct message *read_fields(struct reader *r, char close);

static int fail(struct reader *r, const char *expected)
{
    struct src_pos pos = {err_intern_file(r->name), r->line, 1};

    for (const char *p = r->at; p > r->text && p[-1] != '\n'; p--)
        pos.col++;
    return err_set(r->reterr, ERR_SYNTAX, pos, "expected %s", expected);
}

/* ---- tokens ---- */

static void skip_space(struct reader *r)
{
    while (r->at < r->end && *r->at && strchr(" \t\r\n#", *r->at)) {
        if (*r->at == '#')
            while (r->at < r->end && *r->at != '\n')
                r->at++;
        else if (*r->at++ == '\n')
            r->line++;
    }
}

static bool next_is(struct reader *r, char c)
{
    skip_space(r);
    return r->at < r->end && *r->at == c;
}

static bool take(struct reader *r, char c)
{
    if (!next_is(r, c))
        return false;
    r->at++;
    return true;
}

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.+-", c));
}

static char *read_word(struct reader *r)
{
    const char *start;

    skip_space(r);
    start = r->at;
    while (r->at < r->end && in_word(*r->at))
        r->at++;
    return r->at > start ? mem_strndup(start, (size_t)(r->at - start)) : NULL;
}

/* ---- strings ---- */

static int digit_of(char c, unsigned base)
{
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;

    return digit < (int)base ? digit : -1;
}

static uint32_t read_digits(struct reader *r, unsigned base, unsigned max)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < max && r->at < r->end && digit_of(*r->at, base) >= 0; i++)
        value = value * base + (uint32_t)digit_of(*r->at++, base);
    return value;
}

/* Behind the backslash. */
static int read_escape(struct reader *r, struct strbuf *out)
{
    static const char from[] = "abfnrtv\\'\"?", to[] = "\a\b\f\n\r\t\v\\'\"?";
    const char *hit;
    char c;

    if (r->at >= r->end)
        return fail(r, "an escape");
    c = *r->at++;
    if (c == 'x' || c == 'X') {
        strbuf_addch(out, (char)read_digits(r, 16, 2));
    } else if (c == 'u' || c == 'U') {
        uint32_t code = read_digits(r, 16, c == 'u' ? 4 : 8);

        if (code > 0x10ffff)
            return fail(r, "a character");
        utf8_add(out, code);
    } else if (c >= '0' && c <= '7') {
        r->at--;
        strbuf_addch(out, (char)read_digits(r, 8, 3));
    } else {
        hit = c ? strchr(from, c) : NULL;
        if (!hit)
            return fail(r, "an escape");
        strbuf_addch(out, to[hit - from]);
    }
    return 0;
}

static int read_literal(struct reader *r, struct strbuf *out)
{
    char quote = *r->at++;

    while (r->at < r->end && *r->at != quote && *r->at != '\n') {
        if (*r->at != '\\') {
            strbuf_addch(out, *r->at++);
            continue;
        }
        r->at++;
        if (read_escape(r, out) < 0)
            return -1;
    }
    if (r->at >= r->end || *r->at != quote)
        return fail(r, "the end of a string");
    r->at++;
    return 0;
}

/* Literals that follow each other are one. */
static int read_text(struct reader *r, struct field *f)
{
    AUTO(strbuf) struct strbuf text = {0};

    while (next_is(r, '"') || next_is(r, '\''))
        if (read_literal(r, &text) < 0)
            return -1;
    f->kind = FIELD_TEXT;
    f->len = text.len;
    f->text = strbuf_take(&text);
    return 0;
}

/* ---- fields ---- */

static struct field *add(struct message *m, const char *name, unsigned line)
{
    m->fields = mem_grow(m->fields, &m->cap, m->count + 1, sizeof *m->fields);
    m->fields[m->count] = (struct field){.name = mem_strdup(name), .line = line};
    return &m->fields[m->count++];
}

static int read_message(struct reader *r, struct field *f)
{
    char close = *r->at++ == '{' ? '}' : '>';

    f->kind = FIELD_MESSAGE;
    if (r->depth == TEXTPROTO_DEPTH_MAX)
        return fail(r, "less nesting");
    r->depth++;
    f->message = read_fields(r, close);
    r->depth--;
    return f->message ? 0 : -1;
}

static int read_value(struct reader *r, struct message *m, const char *name, unsigned line)
{
    struct field *f = add(m, name, line);

    if (next_is(r, '{') || next_is(r, '<'))
        return read_message(r, f);
    if (next_is(r, '"') || next_is(r, '\''))
        return read_text(r, f);
    f->kind = FIELD_WORD;
    f->text = read_word(r);
    f->len = f->text ? strlen(f->text) : 0;
    return f->text ? 0 : fail(r, "a value");
}

static int read_list(struct reader *r, struct message *m, const char *name, unsigned line)
{
    if (take(r, ']'))
        return 0;
    do {
        if (read_value(r, m, name, line) < 0)
            return -1;
    } while (take(r, ','));
    return take(r, ']') ? 0 : fail(r, "',' or ']'");
}

/* `name`, or `[name.of/an.extension]`. */
static char *read_name(struct reader *r)
{
    const char *start;
    char *name;

    if (!take(r, '['))
        return read_word(r);
    start = r->at;
    while (r->at < r->end && *r->at != ']')
        r->at++;
    name = mem_strndup(start, (size_t)(r->at - start));
    if (take(r, ']'))
        return name;
    free(name);
    return NULL;
}

static int read_field(struct reader *r, struct message *m)
{
    AUTO(str) char *name = read_name(r);
    unsigned line = r->line;
    bool colon;

    if (!name)
        return fail(r, "the name of a field");
    colon = take(r, ':');
    if (colon && take(r, '['))
        return read_list(r, m, name, line);
    if (!colon && !next_is(r, '{') && !next_is(r, '<'))
        return fail(r, "':' or '{'");
    return read_value(r, m, name, line);
}

/* close: what ends them; 0: the end of the text. */
static struct message *read_fields(struct reader *r, char close)
{
    struct message *m = mem_zalloc(sizeof *m);

    for (;;) {
        skip_space(r);
        if (close ? take(r, close) : r->at >= r->end)
            return m;
        if (read_field(r, m) < 0)
            break;
        if (!take(r, ','))
            take(r, ';');
    }
    textproto_destroy(m);
    return NULL;
}

struct message *textproto_read(const char *text, size_t len, const char *name, struct err *reterr)
{
    struct reader r = {text, text, text + len, name, reterr, 0, 1};

    return read_fields(&r, 0);
}

void textproto_destroy(struct message *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++) {
        free(m->fields[i].name);
        free(m->fields[i].text);
        textproto_destroy(m->fields[i].message);
    }
    free(m->fields);
    free(m);
}

/* ---- looking ---- */

const struct field *textproto_find(const struct message *m, const char *name)
{
    for (size_t i = 0; m && i < m->count; i++)
        if (strcmp(m->fields[i].name, name) == 0)
            return &m->fields[i];
    return NULL;
}

const char *textproto_text(const struct message *m, const char *name)
{
    const struct field *f = textproto_find(m, name);

    return f && f->text ? f->text : "";
}

const struct message *textproto_message(const struct message *m, const char *name)
{
    const struct field *f = textproto_find(m, name);

    return f ? f->message : NULL;
}

bool textproto_is_true(const struct message *m, const char *name)
{
    return strcmp(textproto_text(m, name), "true") == 0;
}
