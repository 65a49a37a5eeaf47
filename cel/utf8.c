/* See utf8.h. */
#include "cel/utf8.h"

#include <assert.h>

#include "base/utf8.h"

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

uint32_t utf8_decode(const char *s, size_t len, size_t *ret_bytes)
{
    uint32_t code;

    assert(len > 0);
    *ret_bytes = utf8_read(s, len, &code);
    return code;
}

size_t utf8_valid_prefix(const char *s, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t bytes;

        if ((unsigned char)s[at] < 0x80) {
            at++;
            continue;
        }
        utf8_decode(s + at, len - at, &bytes);
        if (bytes == 1)
            return at;
        at += bytes;
    }
    return len;
}

size_t utf8_count(const char *s, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += !is_continuation(s[i]);
    return count;
}

size_t utf8_step(const char *s, size_t len)
{
    size_t i = 1;

    assert(len > 0);
    while (i < len && is_continuation(s[i]))
        i++;
    return i;
}

size_t utf8_offset(const char *s, size_t len, size_t index)
{
    size_t at = 0;

    while (index-- > 0 && at < len)
        at += utf8_step(s + at, len - at);
    return at;
}

bool utf8_is_space(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == 0x20 || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}
