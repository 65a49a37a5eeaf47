/* Bytes of a URL: percent escapes, and what is not UTF-8. */
#include <string.h>

#include "base/utf8.h"
#include "kube/url.h"
#include "sim/rest/rest_priv.h"

char *utf8_clean(const char *text, size_t len)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(text + i, len - i);
        if (n == 0) {
            strbuf_addstr(&out, "\xef\xbf\xbd");
            i++;
            continue;
        }
        size_t run = n;
        while (i + run < len && (unsigned char)text[i + run] < 0x80 && n == 1)
            run++;
        strbuf_add(&out, text + i, run);
        i += run;
    }
    return strbuf_take(&out);
}

static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((text[i] & 0x80) || text[i] == '%' || text[i] == '+' || text[i] == '\0')
            return false;
    return true;
}

char *url_decode(const char *text, size_t len, bool plus)
{
    if (is_plain(text, len))
        return mem_strndup(text, len);
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? url_hex_digit(text[i + 1]) : -1;
            int low = i + 2 < len ? url_hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0')
            return NULL;
        strbuf_addch(&out, c);
    }
    return utf8_clean(strbuf_str(&out), out.len);
}
