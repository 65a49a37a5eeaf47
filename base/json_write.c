/* jansson's tree to JSON text, as Go's encoding/json writes it, and the way jansson is set up. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Bytes that may have to be written otherwise. */
static bool is_special(unsigned char c)
{
    static const bool others[256] = {
        ['"'] = true, ['\\'] = true, ['<'] = true, ['>'] = true, ['&'] = true, [0xe2] = true};

    return c < 0x20 || others[c];
}

static void write_escaped(struct strbuf *out, const char *s, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    size_t done = 0;

    strbuf_addch(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if (!is_special(c))
            continue;
        char text[7] = "\\u00xx";
        size_t width = 1;

        if (c == 0xe2 && i + 2 < len && (unsigned char)s[i + 1] == 0x80 &&
            ((unsigned char)s[i + 2] & 0xfe) == 0xa8) {
            /* U+2028 and U+2029: JavaScript takes them for line ends, so Go escapes them. */
            memcpy(text, s[i + 2] & 1 ? "\\u2029" : "\\u2028", 6);
            width = 3;
        } else if (c == '"' || c == '\\') {
            text[1] = (char)c;
            text[2] = '\0';
        } else if (c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f') {
            text[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c == '\b' ? 'b' : 'f';
            text[2] = '\0';
        } else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
            text[4] = hex[c >> 4];
            text[5] = hex[c & 15];
        } else {
            continue;
        }
        strbuf_add(out, s + done, i - done);
        strbuf_addstr(out, text);
        i += width - 1;
        done = i + 1;
    }
    strbuf_add(out, s + done, len - done);
    strbuf_addch(out, '"');
}

/* The fewest digits that read back as the same double, as "d.ddde±xx". */
static void shortest_digits(double value, char out[40])
{
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(out, 40, "%.*e", precision, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

/* encoding/json: plain digits unless the exponent is below -6 or above 20. */
static void write_real(struct strbuf *out, double value)
{
    char text[40], digits[24];
    size_t count = 0;
    int exponent;
    const char *p;

    if (value == 0) {
        strbuf_addstr(out, signbit(value) ? "-0" : "0");
        return;
    }
    shortest_digits(value, text);
    p = text;
    if (*p == '-') {
        strbuf_addch(out, '-');
        p++;
    }
    for (; *p != 'e'; p++)
        if (*p != '.')
            digits[count++] = *p;
    exponent = (int)strtol(p + 1, NULL, 10);
    assert(count > 0);
    assert(count <= 17); /* what a double needs at most */
    if (exponent < -6 || exponent >= 21) {
        strbuf_add(out, digits, 1);
        if (count > 1)
            strbuf_addch(out, '.');
        strbuf_add(out, digits + 1, count - 1);
        strbuf_addf(out, exponent < 0 ? "e%d" : "e+%d", exponent);
        return;
    }
    if (exponent < 0)
        strbuf_addstr(out, "0.");
    for (int i = exponent; i < -1; i++)
        strbuf_addch(out, '0');
    for (size_t i = 0; i < count || (int)i <= exponent; i++) {
        if (exponent >= 0 && (int)i == exponent + 1)
            strbuf_addch(out, '.');
        strbuf_addch(out, i < count ? digits[i] : '0');
    }
}

struct writer {
    struct strbuf *out;
    enum json_style style;
    bool sorted;
};

static void write_value(struct writer *w, const json_t *v, unsigned depth);

void json_write_break(struct strbuf *out, enum json_style style, unsigned depth)
{
    if (style != JSON_INDENTED)
        return;
    strbuf_addch(out, '\n');
    while (depth--)
        strbuf_addstr(out, "  ");
}

static void write_member(struct writer *w, const char *key, const json_t *value, unsigned depth)
{
    json_write_break(w->out, w->style, depth);
    write_escaped(w->out, key, strlen(key));
    strbuf_addstr(w->out, w->style == JSON_INDENTED ? ": " : ":");
    write_value(w, value, depth);
}

static void write_members_sorted(struct writer *w, const json_t *v, unsigned depth)
{
    const char **keys = json_sorted_keys(v);

    for (size_t i = 0; i < json_object_size(v); i++) {
        if (i)
            strbuf_addch(w->out, ',');
        write_member(w, keys[i], json_object_get(v, keys[i]), depth);
    }
    free(keys);
}

static void write_object(struct writer *w, const json_t *v, unsigned depth)
{
    const char *key;
    json_t *member;
    bool first = true;

    strbuf_addch(w->out, '{');
    if (w->sorted && json_object_size(v) > 1) {
        write_members_sorted(w, v, depth + 1);
    } else {
        json_object_foreach((json_t *)v, key, member)
        {
            if (!first)
                strbuf_addch(w->out, ',');
            first = false;
            write_member(w, key, member, depth + 1);
        }
    }
    if (json_object_size(v))
        json_write_break(w->out, w->style, depth);
    strbuf_addch(w->out, '}');
}

static void write_array(struct writer *w, const json_t *v, unsigned depth)
{
    strbuf_addch(w->out, '[');
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i)
            strbuf_addch(w->out, ',');
        json_write_break(w->out, w->style, depth + 1);
        write_value(w, json_array_get(v, i), depth + 1);
    }
    if (json_array_size(v))
        json_write_break(w->out, w->style, depth);
    strbuf_addch(w->out, ']');
}

static void write_value(struct writer *w, const json_t *v, unsigned depth)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        write_object(w, v, depth);
        return;
    case JSON_ARRAY:
        write_array(w, v, depth);
        return;
    case JSON_STRING:
        write_escaped(w->out, json_string_value(v), json_string_length(v));
        return;
    case JSON_INTEGER:
        strbuf_addf(w->out, "%lld", (long long)json_integer_value(v));
        return;
    case JSON_REAL:
        write_real(w->out, json_real_value(v));
        return;
    case JSON_TRUE:
        strbuf_addstr(w->out, "true");
        return;
    case JSON_FALSE:
        strbuf_addstr(w->out, "false");
        return;
    case JSON_NULL:
        strbuf_addstr(w->out, "null");
        return;
    }
}

void json_write(struct strbuf *out, const json_t *v, enum json_style style)
{
    assert(v);
    write_value(&(struct writer){.out = out, .style = style}, v, 0);
}

void json_write_sorted(struct strbuf *out, const json_t *v, enum json_style style)
{
    assert(v);
    write_value(&(struct writer){.out = out, .style = style, .sorted = true}, v, 0);
}

char *json_text(const json_t *v)
{
    struct strbuf out = {0};

    json_write(&out, v, JSON_TIGHT);
    return strbuf_take(&out);
}
