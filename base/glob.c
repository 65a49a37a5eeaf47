#include "base/glob.h"

#include <stddef.h>

/* The next character of p. */
static const char *after(const char *p)
{
    p++;
    while (((unsigned char)*p & 0xc0) == 0x80)
        p++;
    return p;
}

bool glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;

    /* On a mismatch only the last star need take more: whatever an earlier one took, the rest was
     * matched already. */
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == '?') {
            pattern++;
            text = after(text);
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = retry = after(retry);
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
