/* JSON to block-style YAML, as kubectl prints it: lists stand at the indent of their key. */
#include "base/yaml_priv.h"

#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"

/* libyaml takes a key for simple only within 1024 characters of one line. */
#define SIMPLE_KEY_MAX 500

static void write_indent(struct strbuf *out, unsigned indent)
{
    while (indent--)
        strbuf_addch(out, ' ');
}

static size_t span_digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* YAML 1.1 makes dates and times of what begins like this. */
static bool begins_like_a_date(const char *s)
{
    size_t month;

    if (span_digits(s) != 4 || s[4] != '-')
        return false;
    month = span_digits(s + 5);
    return (month == 1 || month == 2) && s[5 + month] == '-' && span_digits(s + 6 + month) > 0;
}

/* Narrower than YAML's rules on purpose: what is quoted needlessly is read back all the same. */
static bool is_plain(const char *s, size_t len)
{
    static const char first[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.$(";
    struct yaml_node node = {0};

    if (len == 0 || !strchr(first, s[0]) || s[0] == '\0' || s[len - 1] == ' ' ||
        strcmp(s, "...") == 0 || begins_like_a_date(s))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c < 0x20 || c >= 0x7f || strchr("\"\\{}[],&*!|>%@`", c))
            return false;
        if (c == ':' && (i + 1 == len || s[i + 1] == ' '))
            return false;
        if (c == '#' && s[i - 1] == ' ')
            return false;
    }
    return !yaml_resolve_plain(s, len, &node) && node.type == YAML_STRING;
}

/* Characters that YAML refuses or takes for line ends, in UTF-8: DEL, C1 controls, U+2028/9,
 * U+FEFF, U+FFFE/F. Returns the number of bytes, 0 when the character may stand. */
static size_t must_escape(const unsigned char *s, size_t left, unsigned *ret_cp)
{
    if (s[0] == 0x7f) {
        *ret_cp = 0x7f;
        return 1;
    }
    if (left >= 2 && s[0] == 0xc2 && s[1] < 0xa0) {
        *ret_cp = s[1];
        return 2;
    }
    if (left < 3 || (s[0] != 0xe2 && s[0] != 0xef))
        return 0;
    *ret_cp = ((s[0] & 0x0fu) << 12) | ((s[1] & 0x3fu) << 6) | (s[2] & 0x3fu);
    return *ret_cp == 0x2028 || *ret_cp == 0x2029 || *ret_cp == 0xfeff || *ret_cp >= 0xfffe ? 3 : 0;
}

static void write_quoted(struct strbuf *out, const char *s, size_t len)
{
    static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";

    strbuf_addch(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *hit = c ? strchr(from, c) : NULL;
        unsigned cp = 0;
        size_t width = must_escape((const unsigned char *)s + i, len - i, &cp);

        if (hit)
            strbuf_addf(out, "\\%c", to[hit - from]);
        else if (c < 0x20)
            strbuf_addf(out, "\\u%04x", c);
        else if (width)
            strbuf_addf(out, "\\u%04x", cp);
        else
            strbuf_addch(out, s[i]);
        i += width ? width - 1 : 0;
    }
    strbuf_addch(out, '"');
}

static void write_string(struct strbuf *out, const char *s, size_t len)
{
    if (is_plain(s, len))
        strbuf_add(out, s, len);
    else
        write_quoted(out, s, len);
}

/* A real keeps its point ("1.0", "1.0e+21"): without one it would be an integer, or ambiguous. */
static void write_real(struct strbuf *out, const json_t *v)
{
    AUTO(strbuf) struct strbuf text = {0};
    size_t mantissa;

    json_write(&text, v, JSON_TIGHT);
    mantissa = strcspn(strbuf_str(&text), "e");
    strbuf_add(out, text.data, mantissa);
    if (!memchr(text.data, '.', mantissa))
        strbuf_addstr(out, ".0");
    strbuf_addstr(out, text.data + mantissa);
}

static void write_scalar(struct strbuf *out, const json_t *v)
{
    if (json_is_string(v))
        write_string(out, json_string_value(v), json_string_length(v));
    else if (json_is_real(v))
        write_real(out, v);
    else
        json_write(out, v, JSON_TIGHT); /* null, booleans, integers, {} and [] */
}

static bool is_block(const json_t *v)
{
    return json_object_size(v) > 0 || json_array_size(v) > 0;
}

/* The first line of v starts where the cursor stands; the others at the indent. Ends with a line
 * break. */
static void write_node(struct strbuf *out, const json_t *v, unsigned indent);

static void write_key(struct strbuf *out, const char *key)
{
    size_t len = strlen(key);

    if (len <= SIMPLE_KEY_MAX) {
        write_string(out, key, len);
    } else {
        strbuf_addstr(out, "? ");
        write_quoted(out, key, len);
    }
}

static void write_map(struct strbuf *out, const json_t *v, unsigned indent)
{
    const char *key;
    json_t *value;
    bool first = true;

    json_object_foreach((json_t *)v, key, value)
    {
        unsigned inner = json_is_array(value) ? indent : indent + 2;

        if (!first)
            write_indent(out, indent);
        first = false;
        write_key(out, key);
        if (strlen(key) > SIMPLE_KEY_MAX) {
            strbuf_addch(out, '\n');
            write_indent(out, indent);
        }
        strbuf_addch(out, ':');
        if (is_block(value)) {
            strbuf_addch(out, '\n');
            write_indent(out, inner);
            write_node(out, value, inner);
        } else {
            strbuf_addch(out, ' ');
            write_node(out, value, inner);
        }
    }
}

static void write_seq(struct strbuf *out, const json_t *v, unsigned indent)
{
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i)
            write_indent(out, indent);
        strbuf_addstr(out, "- ");
        write_node(out, json_array_get(v, i), indent + 2);
    }
}

static void write_node(struct strbuf *out, const json_t *v, unsigned indent)
{
    if (!is_block(v)) {
        write_scalar(out, v);
        strbuf_addch(out, '\n');
    } else if (json_is_object(v)) {
        write_map(out, v, indent);
    } else {
        write_seq(out, v, indent);
    }
}

void yaml_write(struct strbuf *out, const json_t *v, unsigned indent)
{
    write_indent(out, indent);
    write_node(out, v, indent);
}
