#include "base/utf8.h"

#include <assert.h>
#include <string.h>

size_t utf8_length(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t need = p[0] < 0x80   ? 1
                  : p[0] < 0xc2 ? 0
                  : p[0] < 0xe0 ? 2
                  : p[0] < 0xf0 ? 3
                  : p[0] < 0xf5 ? 4
                                : 0;

    if (need <= 1)
        return need;
    if (need > len)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, beyond the last plane. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
        return 0;
    return need;
}

bool utf8_is_ascii(const char *s, size_t len)
{
    uint64_t seen = 0, word;

    for (; len >= sizeof word; s += sizeof word, len -= sizeof word) {
        memcpy(&word, s, sizeof word);
        seen |= word;
    }
    for (; len > 0; s++, len--)
        seen |= (unsigned char)*s;
    return (seen & UINT64_C(0x8080808080808080)) == 0;
}

size_t utf8_read(const char *s, size_t len, uint32_t *ret)
{
    size_t width = utf8_length(s, len);

    *ret = 0xfffd;
    if (width == 0)
        return 1;
    *ret = width == 1 ? (unsigned char)s[0] : (unsigned char)s[0] & (0x7fu >> width);
    for (size_t i = 1; i < width; i++)
        *ret = *ret << 6 | ((unsigned char)s[i] & 0x3fu);
    return width;
}

size_t utf8_encode(uint32_t code, char out[UTF8_MAX])
{
    assert(code <= 0x10ffff);
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

void utf8_add(struct strbuf *b, uint32_t code)
{
    char bytes[UTF8_MAX];

    strbuf_add(b, bytes, utf8_encode(code, bytes));
}

void utf8_shorten(struct strbuf *b, size_t max)
{
    size_t len = max;

    if (b->len <= max)
        return;
    while (len > 0 && ((unsigned char)b->data[len] & 0xc0) == 0x80)
        len--;
    assert(len <= max);
    b->len = len;
    strbuf_add(b, "...", 3);
}
