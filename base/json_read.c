/* JSON text to jansson's tree; only the tree is jansson's, whose reader differs from Go's
 * encoding/json (doubles, duplicate keys, 611 KiB of stack at its default depth). A recursive
 * descent with small frames and a hard depth limit. */
#include "base/json.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

/* Longer numbers carry no more information; the limit keeps strtod's work small. */
#define NUMBER_TEXT_MAX 1024

struct reader {
    const char *text, *at, *end;
    const char *name;
    struct err *reterr;
    struct strbuf scratch; /* the string or number being read */
    unsigned depth;
    /* Of json_read_last: */
    json_t **duplicates;
    const struct step *step; /* where the reader stands */
};

/* Some bytes of the text, or of a buffer; no NUL ends them. */
struct slice {
    const char *data;
    size_t len;
};

/* One step from the root to the value being read; on the stack of who reads it. */
struct step {
    const struct step *up;
    struct slice key; /* data NULL: an element of an array */
    size_t index;
};

static json_t *read_value(struct reader *r);

static struct src_pos reader_pos(const struct reader *r, const char *at)
{
    struct src_pos pos = {.file = NULL, .line = 1, .col = 1};

    if (r->name)
        pos.file = err_intern_file(r->name);
    for (const char *p = r->text; p < at; p++) {
        pos.col++;
        if (*p == '\n') {
            pos.line++;
            pos.col = 1;
        }
    }
    return pos;
}

static json_t *fail(struct reader *r, enum err_code code, const char *at, const char *message)
{
    err_set(r->reterr, code, reader_pos(r, at), "%s", message);
    return NULL;
}

/* "invalid character 'x' looking for beginning of value", as encoding/json says it. */
static json_t *fail_char(struct reader *r, const char *where)
{
    unsigned char c;

    if (r->at >= r->end)
        return fail(r, ERR_SYNTAX, r->at, "unexpected end of JSON input");
    c = (unsigned char)*r->at;
    if (c >= 0x20 && c < 0x7f && c != '\'' && c != '\\')
        err_set(r->reterr, ERR_SYNTAX, reader_pos(r, r->at), "invalid character '%c' %s", c, where);
    else if (c == '\'' || c == '\\')
        err_set(r->reterr, ERR_SYNTAX, reader_pos(r, r->at), "invalid character '\\%c' %s", c,
                where);
    else
        err_set(r->reterr, ERR_SYNTAX, reader_pos(r, r->at), "invalid character '\\x%02x' %s", c,
                where);
    return NULL;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool peek_is(const struct reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

/* ---- strings ---- */

static int hex4(const char *p, const char *end)
{
    int value = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* r->at stands after "\u". A lone surrogate becomes U+FFFD, as Go reads it. */
static int read_unicode(struct reader *r)
{
    const char *start = r->at - 2;
    int cp = hex4(r->at, r->end);

    if (cp < 0) {
        fail(r, ERR_SYNTAX, start, "invalid \\u escape in string: expected four hex digits");
        return -1;
    }
    r->at += 4;
    if (cp == 0) {
        fail(r, ERR_UNSUPPORTED, start, "\\u0000 in a string is not supported");
        return -1;
    }
    if (cp >= 0xd800 && cp < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        int low = hex4(r->at + 2, r->end);

        if (low >= 0xdc00 && low < 0xe000) {
            r->at += 6;
            utf8_add(&r->scratch,
                     0x10000 + (((uint32_t)cp - 0xd800) << 10) + ((uint32_t)low - 0xdc00));
            return 0;
        }
    }
    if (cp >= 0xd800 && cp < 0xe000)
        cp = 0xfffd;
    utf8_add(&r->scratch, (uint32_t)cp);
    return 0;
}

static int read_escape(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *hit;

    r->at++; /* the backslash */
    if (r->at >= r->end) {
        fail_char(r, "");
        return -1;
    }
    if (*r->at == 'u') {
        r->at++;
        return read_unicode(r);
    }
    hit = *r->at ? strchr(from, *r->at) : NULL;
    if (!hit) {
        fail_char(r, "in string escape code");
        return -1;
    }
    strbuf_addch(&r->scratch, to[hit - from]);
    r->at++;
    return 0;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (unsigned char)(c))

/* The highest bit of each byte that is zero; of those above the first one nothing is said. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

/* Behind the bytes at p that stand for themselves in a string: ASCII, no quote, no backslash, no
 * control character. May stop too early, never too late. */
static const char *skip_plain(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t word, special;

        memcpy(&word, p, sizeof word);
        special = ((word | (word - EACH_BYTE(0x20))) & EACH_BYTE(0x80)) |
                  zero_bytes(word ^ EACH_BYTE('"')) | zero_bytes(word ^ EACH_BYTE('\\'));
        if (special)
            return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? p + __builtin_ctzll(special) / 8 : p;
    }
    return p;
}

/* Behind the characters at r->at that stand for themselves. */
static int skip_characters(struct reader *r)
{
    r->at = skip_plain(r->at, r->end);
    while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (unsigned char)*r->at >= 0x20) {
        bool ascii = (unsigned char)*r->at < 0x80;
        size_t n = ascii ? 1 : utf8_length(r->at, (size_t)(r->end - r->at));

        if (n == 0) {
            fail(r, ERR_SYNTAX, r->at, "invalid UTF-8 in string");
            return -1;
        }
        r->at += n;
    }
    return 0;
}

/* Reads a string; r->at stands at the opening quote. *ret lies in the text, or in the scratch
 * buffer until that is used again. */
static int read_string(struct reader *r, struct slice *ret)
{
    bool plain = true;

    r->at++;
    for (;; plain = false) {
        const char *start = r->at;

        if (skip_characters(r) < 0)
            return -1;
        if (plain && peek_is(r, '"')) {
            *ret = (struct slice){start, (size_t)(r->at++ - start)};
            return 0;
        }
        if (plain)
            strbuf_reset(&r->scratch);
        strbuf_add(&r->scratch, start, (size_t)(r->at - start));
        if (peek_is(r, '"')) {
            r->at++;
            *ret = (struct slice){strbuf_str(&r->scratch), r->scratch.len};
            return 0;
        }
        if (!peek_is(r, '\\')) {
            fail_char(r, "in string literal");
            return -1;
        }
        if (read_escape(r) < 0)
            return -1;
    }
}

/* ---- numbers ---- */

static bool skip_digits(struct reader *r)
{
    const char *start = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > start;
}

/* Checks the grammar and leaves r->at behind the number. */
static int scan_number(struct reader *r, bool *ret_integer)
{
    *ret_integer = true;
    if (peek_is(r, '-'))
        r->at++;
    if (peek_is(r, '0')) {
        r->at++;
    } else if (!skip_digits(r)) {
        fail_char(r, "in numeric literal");
        return -1;
    }
    if (peek_is(r, '.')) {
        *ret_integer = false;
        r->at++;
        if (!skip_digits(r)) {
            fail_char(r, "after decimal point in numeric literal");
            return -1;
        }
    }
    if (peek_is(r, 'e') || peek_is(r, 'E')) {
        *ret_integer = false;
        r->at++;
        if (peek_is(r, '+') || peek_is(r, '-'))
            r->at++;
        if (!skip_digits(r)) {
            fail_char(r, "in exponent of numeric literal");
            return -1;
        }
    }
    return 0;
}

static json_t *read_number(struct reader *r)
{
    const char *start = r->at;
    bool integer;
    double real;

    if (scan_number(r, &integer) < 0)
        return NULL;
    if (r->at - start > NUMBER_TEXT_MAX)
        return fail(r, ERR_LIMIT, start, "number has too many digits");
    strbuf_reset(&r->scratch);
    strbuf_add(&r->scratch, start, (size_t)(r->at - start));
    if (integer) {
        long long value;

        errno = 0;
        value = strtoll(strbuf_str(&r->scratch), NULL, 10);
        if (errno == 0)
            return json_integer(value);
    }
    real = strtod(strbuf_str(&r->scratch), NULL);
    if (!isfinite(real)) {
        err_set(r->reterr, ERR_INVALID, reader_pos(r, start),
                "number %.40s is out of the range of a double", strbuf_str(&r->scratch));
        return NULL;
    }
    return json_real(real);
}

/* ---- values ---- */

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < len; i++) {
        if (!peek_is(r, word[i])) {
            AUTO(str) char *where = mem_printf("in literal %s (expecting '%c')", word, word[i]);

            json_decref(value);
            return fail_char(r, where);
        }
        r->at++;
    }
    return value;
}

static json_t *read_array(struct reader *r)
{
    AUTO(json) json_t *array = json_array();

    r->at++;
    skip_space(r);
    if (peek_is(r, ']')) {
        r->at++;
        return TAKE(array);
    }
    struct step step = {.up = r->step};
    for (;; step.index++) {
        r->step = &step;
        json_t *item = read_value(r);

        r->step = step.up;
        if (!item || json_array_append_new(array, item) < 0)
            return NULL;
        skip_space(r);
        if (peek_is(r, ']')) {
            r->at++;
            return TAKE(array);
        }
        if (!peek_is(r, ','))
            return fail_char(r, "after array element");
        r->at++;
    }
}

static void add_path(struct strbuf *out, const struct step *last)
{
    const struct step *steps[JSON_DEPTH_MAX + 1];
    size_t count = 0;

    for (; last; last = last->up)
        steps[count++] = last;
    while (count-- > 0 && out->len <= JSON_DUPLICATE_PATH_MAX) {
        const struct slice *key = &steps[count]->key;

        if (!key->data) {
            strbuf_addf(out, "[%zu]", steps[count]->index);
            continue;
        }
        if (out->len)
            strbuf_addch(out, '.');
        /* Of a long key, one byte more than fits. */
        strbuf_add(out, key->data,
                   key->len <= JSON_DUPLICATE_PATH_MAX ? key->len : JSON_DUPLICATE_PATH_MAX + 1);
    }
    utf8_shorten(out, JSON_DUPLICATE_PATH_MAX);
}

static int add_duplicate(struct reader *r, const struct step *step)
{
    AUTO(strbuf) struct strbuf path = {0};

    add_path(&path, step);
    for (size_t i = 0; i < json_array_size(*r->duplicates); i++)
        if (strcmp(json_string_value(json_array_get(*r->duplicates, i)), strbuf_str(&path)) == 0)
            return 0;
    return json_array_append_new(*r->duplicates, json_string(strbuf_str(&path)));
}

/* A key that is there already: an error, or noted. */
static int note_duplicate(struct reader *r, const char *start, const struct step *step,
                          json_t **noted)
{
    if (!r->duplicates)
        return err_set(r->reterr, ERR_INVALID, reader_pos(r, start), "duplicate key \"%.*s\"",
                       (int)step->key.len, step->key.data);
    if (!*r->duplicates)
        *r->duplicates = json_array();
    if (json_array_size(*r->duplicates) == JSON_DUPLICATES_MAX)
        return 0;
    /* A path costs more than the few bytes that repeat a key: once for each key of an object. */
    if (json_object_getn(*noted, step->key.data, step->key.len))
        return 0;
    if (!*noted)
        *noted = json_object();
    json_object_setn_new_nocheck(*noted, step->key.data, step->key.len, json_true());
    return add_duplicate(r, step);
}

/* noted: the keys of the object that have been noted as duplicates, NULL: none yet. */
static int read_member(struct reader *r, json_t *object, json_t **noted)
{
    AUTO(str) char *copy = NULL; /* of a key that its value would overwrite */
    struct step step = {.up = r->step};
    size_t count = json_object_size(object);
    const char *start;
    json_t *value;

    skip_space(r);
    start = r->at;
    if (!peek_is(r, '"')) {
        fail_char(r, "looking for beginning of object key string");
        return -1;
    }
    if (read_string(r, &step.key) < 0)
        return -1;
    if (step.key.data == r->scratch.data)
        step.key.data = copy = mem_strndup(step.key.data, step.key.len);
    if (r->duplicates && json_object_getn(object, step.key.data, step.key.len) &&
        note_duplicate(r, start, &step, noted) < 0)
        return -1;
    skip_space(r);
    if (!peek_is(r, ':')) {
        fail_char(r, "after object key");
        return -1;
    }
    r->at++;
    r->step = &step;
    value = read_value(r);
    r->step = step.up;
    if (!value || json_object_setn_new_nocheck(object, step.key.data, step.key.len, value) < 0)
        return -1;
    /* One look-up less than asking before; who notes duplicates notes the outer one first. */
    return r->duplicates || json_object_size(object) > count
               ? 0
               : note_duplicate(r, start, &step, noted);
}

static json_t *read_object(struct reader *r)
{
    AUTO(json) json_t *object = json_object();
    AUTO(json) json_t *noted = NULL;

    r->at++;
    skip_space(r);
    if (peek_is(r, '}')) {
        r->at++;
        return TAKE(object);
    }
    for (;;) {
        if (read_member(r, object, &noted) < 0)
            return NULL;
        skip_space(r);
        if (peek_is(r, '}')) {
            r->at++;
            return TAKE(object);
        }
        if (!peek_is(r, ','))
            return fail_char(r, "after object key:value pair");
        r->at++;
    }
}

static json_t *read_container(struct reader *r)
{
    json_t *value;

    if (r->depth == JSON_DEPTH_MAX)
        return fail(r, ERR_LIMIT, r->at, "JSON is nested deeper than 64 levels");
    r->depth++;
    value = *r->at == '{' ? read_object(r) : read_array(r);
    r->depth--;
    return value;
}

static json_t *read_value(struct reader *r)
{
    struct slice text;

    skip_space(r);
    if (r->at >= r->end)
        return fail_char(r, "");
    switch (*r->at) {
    case '{':
    case '[':
        return read_container(r);
    case '"':
        return read_string(r, &text) < 0 ? NULL : json_stringn_nocheck(text.data, text.len);
    case 't':
        return read_word(r, "true", json_true());
    case 'f':
        return read_word(r, "false", json_false());
    case 'n':
        return read_word(r, "null", json_null());
    default:
        if (*r->at == '-' || (*r->at >= '0' && *r->at <= '9'))
            return read_number(r);
        return fail_char(r, "looking for beginning of value");
    }
}

static json_t *read_text(const char *text, size_t len, const char *name, json_t **duplicates,
                         struct err *reterr)
{
    struct reader r = {.text = text,
                       .at = text,
                       .end = text + len,
                       .name = name,
                       .reterr = reterr,
                       .duplicates = duplicates};
    json_t *value;

    static_assert(JSON_DEPTH_MAX == 64, "the message says so");
    if (len > JSON_BYTES_MAX) {
        err_set(reterr, ERR_LIMIT, NO_POS, "JSON text has %zu bytes; at most %u are read", len,
                JSON_BYTES_MAX);
        return NULL;
    }
    value = read_value(&r);
    if (value) {
        skip_space(&r);
        if (r.at < r.end) {
            json_decref(value);
            value = fail_char(&r, "after top-level value");
        }
    }
    strbuf_finish(&r.scratch);
    return value;
}

json_t *json_read(const char *text, size_t len, const char *name, struct err *reterr)
{
    return read_text(text, len, name, NULL, reterr);
}

json_t *json_read_last(const char *text, size_t len, const char *name, json_t **ret_duplicates,
                       struct err *reterr)
{
    json_t *value;

    *ret_duplicates = NULL;
    value = read_text(text, len, name, ret_duplicates, reterr);
    if (!value) {
        json_decref(*ret_duplicates);
        *ret_duplicates = NULL;
    }
    return value;
}

json_t *json_read_file(const char *path, size_t max_bytes, struct err *reterr)
{
    AUTO(strbuf) struct strbuf text = {0};

    if (file_read(path, max_bytes, &text, reterr) < 0)
        return NULL;
    return json_read(strbuf_str(&text), text.len, path, reterr);
}
