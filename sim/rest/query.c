/* The query string, and how Go reads the values in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/rest/rest_priv.h"

static void query_add(struct query *q, const char *text, size_t len)
{
    /* Pairs that do not decode, or hold a semicolon, are passed over, as net/url does. */
    if (len == 0 || memchr(text, ';', len) || q->count == QUERY_MAX)
        return;
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;
    AUTO(str) char *name = url_decode(text, name_len, /* plus= */ true);
    AUTO(str)
    char *value =
        equals ? url_decode(equals + 1, len - name_len - 1, /* plus= */ true) : mem_strdup("");
    if (!name || !value)
        return;
    q->items = mem_grow(q->items, &q->cap, q->count + 1, sizeof(*q->items));
    q->items[q->count++] = (struct query_item){TAKE(name), TAKE(value)};
}

void query_parse(struct query *q, const char *text)
{
    *q = (struct query){0};
    while (text && *text) {
        size_t len = strcspn(text, "&");
        query_add(q, text, len);
        text += len;
        if (*text == '&')
            text++;
    }
}

void query_finish(struct query *q)
{
    for (size_t i = 0; i < q->count; i++) {
        free(q->items[i].name);
        free(q->items[i].value);
    }
    free(q->items);
}

const char *query_get(const struct query *q, const char *name)
{
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->items[i].name, name) == 0)
            return q->items[i].value;
    return NULL;
}

bool query_bool(const struct query *q, const char *name, bool *ret_given)
{
    const char *value = query_get(q, name);
    if (ret_given)
        *ret_given = value != NULL;
    return value && strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0;
}

/* strconv.Quote of what a client may send in a number's place: control characters and quotes. */
static char *quoted(const char *text)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            strbuf_addf(&out, "\\%c", c);
        else if (c == '\n' || c == '\t' || c == '\r')
            strbuf_addf(&out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < 0x20 || c == 0x7f)
            strbuf_addf(&out, "\\x%02x", c);
        else
            strbuf_addch(&out, (char)c);
    }
    return strbuf_take(&out);
}

char *go_parse_int(const char *text, int64_t *ret)
{
    const char *digits = text + (*text == '+' || *text == '-');
    bool syntax = *digits && strspn(digits, "0123456789") == strlen(digits);
    errno = 0;
    long long value = syntax ? strtoll(text, NULL, 10) : 0;
    if (syntax && !errno) {
        *ret = value;
        return NULL;
    }
    AUTO(str) char *shown = quoted(text);
    return mem_printf("strconv.ParseInt: parsing \"%s\": %s", shown,
                      syntax ? "value out of range" : "invalid syntax");
}

int query_int(const struct query *q, const char *name, int64_t *ret, bool *ret_given,
              char **ret_error)
{
    const char *value = query_get(q, name);
    if (ret_given)
        *ret_given = value != NULL;
    if (!value)
        return 0;
    *ret_error = go_parse_int(value, ret);
    return *ret_error ? -1 : 0;
}

bool go_parse_bool(const char *text, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (strcmp(text, yes[i]) != 0 && strcmp(text, no[i]) != 0)
            continue;
        *ret = strcmp(text, yes[i]) == 0;
        return true;
    }
    return false;
}

/* "1h2m3.5s", "-5ms", "0". */
bool go_is_duration(const char *text)
{
    static const char *const units[] = {"ns", "us", "\xc2\xb5s", "\xce\xbcs", "ms", "s", "m", "h"};
    if (*text == '+' || *text == '-')
        text++;
    if (strcmp(text, "0") == 0)
        return true;
    if (!*text)
        return false;
    while (*text) {
        size_t whole = strspn(text, "0123456789");
        size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
        size_t unit = 0, len = 0;
        if (whole + part == 0)
            return false;
        text += whole + (text[whole] == '.' ? part + 1 : 0);
        for (; unit < ARRAY_LEN(units); unit++) {
            len = strlen(units[unit]);
            size_t word = strcspn(text, ".0123456789");
            if (word == len && strncmp(text, units[unit], len) == 0)
                break;
        }
        if (unit == ARRAY_LEN(units))
            return false;
        text += len;
    }
    return true;
}
