#include "reports/xml.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t utf8_char(const unsigned char *p, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80             ? 1
                 : (p[0] & 0xe0) == 0xc0 ? 2
                 : (p[0] & 0xf0) == 0xe0 ? 3
                 : (p[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    uint32_t c = len == 1 ? p[0] : len ? p[0] & (0x7fu >> len) : 0;

    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (len == 0 || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return len;
}

static bool legal(uint32_t c)
{
    return c == '\t' || c == '\n' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

static void add_char(struct strbuf *out, uint32_t c, const unsigned char *p, size_t len,
                     bool attribute)
{
    switch (c) {
    case '<':
        strbuf_addstr(out, "&lt;");
        return;
    case '>':
        strbuf_addstr(out, "&gt;");
        return;
    case '&':
        strbuf_addstr(out, "&amp;");
        return;
    case '"':
        strbuf_addstr(out, "&quot;");
        return;
    case '\n':
    case '\t':
        if (attribute) {
            strbuf_addf(out, "&#%u;", c);
            return;
        }
        break;
    }
    if (legal(c))
        strbuf_add(out, p, len);
    else if (c < 0x100)
        strbuf_addf(out, "\\x%02x", c);
    else
        strbuf_addf(out, "\\u{%x}", c);
}

static void add_text(struct strbuf *out, const char *text, bool attribute)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p) {
        uint32_t c = 0;
        size_t len = utf8_char(p, &c);

        if (len == 0) {
            strbuf_addf(out, "\\x%02x", *p++);
            continue;
        }
        add_char(out, c, p, len, attribute);
        p += len;
    }
}

void xml_text(struct strbuf *out, const char *text)
{
    add_text(out, text, false);
}

void xml_attribute(struct strbuf *out, const char *name, const char *value)
{
    strbuf_addf(out, " %s=\"", name);
    add_text(out, value, true);
    strbuf_addch(out, '"');
}
