#include "base/base64.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* The last two differ. */
static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- writing ---- */

/* Without padding. */
static void add_digits(struct strbuf *out, const char *digits, const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t three = (uint32_t)p[i] << 16;
        char four[4];

        if (have > 1)
            three |= (uint32_t)p[i + 1] << 8;
        if (have > 2)
            three |= p[i + 2];
        for (size_t k = 0; k < sizeof four; k++)
            four[k] = digits[three >> (18 - 6 * k) & 63];
        assert(have > 0);
        strbuf_add(out, four, have + 1);
    }
}

void base64_add(struct strbuf *out, const void *bytes, size_t len)
{
    add_digits(out, plain, bytes, len);
    strbuf_add(out, "==", len % 3 ? 3 - len % 3 : 0);
}

void base64url_add(struct strbuf *out, const void *bytes, size_t len)
{
    add_digits(out, for_urls, bytes, len);
}

/* ---- reading ---- */

static int digit_of(const char *digits, char c)
{
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

static size_t skip_breaks(const char *text, size_t len, size_t at)
{
    while (at < len && (text[at] == '\n' || text[at] == '\r'))
        at++;
    return at;
}

/* The first '=' stands at `at`, after `have` digits of a group: the rest of the padding, and
 * nothing more. False with the place that Go would name. */
static bool check_padding(const char *text, size_t len, size_t at, unsigned have, size_t *ret_bad)
{
    assert(have < 4);
    assert(at < len && text[at] == '=');
    *ret_bad = at;
    if (have < 2)
        return false;
    at = skip_breaks(text, len, at + 1);
    if (have == 2) {
        *ret_bad = at < len ? at - 1 : len;
        if (at == len || text[at] != '=')
            return false;
        at = skip_breaks(text, len, at + 1);
    }
    *ret_bad = at;
    return at == len;
}

int base64_read(struct strbuf *out, const char *text, size_t len, size_t *ret_bad)
{
    uint32_t group = 0;
    unsigned have = 0;

    for (size_t at = skip_breaks(text, len, 0); at < len; at = skip_breaks(text, len, at + 1)) {
        int digit = digit_of(plain, text[at]);

        if (text[at] == '=') {
            if (!check_padding(text, len, at, have, ret_bad))
                return -1;
            group <<= 6 * (4 - have);
            strbuf_add(out, (uint8_t[]){(uint8_t)(group >> 16), (uint8_t)(group >> 8)}, have - 1);
            return 0;
        }
        *ret_bad = at;
        if (digit < 0)
            return -1;
        group = group << 6 | (uint32_t)digit;
        if (++have < 4)
            continue;
        strbuf_add(out, (uint8_t[]){(uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group},
                   3);
        group = have = 0;
    }
    *ret_bad = len - have;
    return have ? -1 : 0;
}

bool base64url_read(struct strbuf *out, const char *text, size_t len)
{
    uint32_t bits = 0;
    unsigned count = 0;
    if (len % 4 == 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        int value = digit_of(for_urls, text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            strbuf_addch(out, (char)(bits >> count & 0xff));
        }
        bits &= (1u << count) - 1;
    }
    return bits == 0;
}
