/* Hand-written matchers for the five regular expressions of apimachinery's validation package; the
 * messages are its own, quirks included (two spaces after a comma in the lists of examples). */
#include "kube/names.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

#define LABEL_MAX 63
#define SUBDOMAIN_MAX 253

#define NO_MORE_THAN_63 "must be no more than 63 characters"
#define NO_MORE_THAN_253 "must be no more than 253 characters"
#define LABEL_1123                                                                                 \
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "   \
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "     \
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define SUBDOMAIN_1123                                                                             \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "   \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "  \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_1035                                                                                 \
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "   \
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "           \
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
#define QUALIFIED_SYNTAX                                                                           \
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "    \
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "         \
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define QUALIFIED_WHOLE                                                                            \
    "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start "   \
    "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex "  \
    "used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS "     \
    "subdomain prefix and '/' (e.g. 'example.com/MyName')"
#define LABEL_VALUE                                                                                \
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "    \
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "             \
    "'my_value',  or '12345', regex used for validation is "                                       \
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower_alnum(char c)
{
    return is_lower(c) || is_digit(c);
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? */
static bool matches_label(const char *s, size_t len)
{
    if (len == 0 || !is_lower_alnum(s[0]) || !is_lower_alnum(s[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_lower_alnum(s[i]) && s[i] != '-')
            return false;
    return true;
}

static bool matches_subdomain(const char *s, size_t len)
{
    const char *end = s + len;

    for (;;) {
        const char *dot = memchr(s, '.', (size_t)(end - s));

        if (!matches_label(s, (size_t)((dot ? dot : end) - s)))
            return false;
        if (!dot)
            return true;
        s = dot + 1;
    }
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9] */
static bool matches_qualified(const char *s, size_t len)
{
    if (len == 0 || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
            return false;
    return true;
}

const char *name_check_dns1123_subdomain(const char *s)
{
    size_t len = strlen(s);

    if (len > SUBDOMAIN_MAX)
        return NO_MORE_THAN_253;
    return matches_subdomain(s, len) ? NULL : SUBDOMAIN_1123;
}

const char *name_check_dns1123_label(const char *s)
{
    size_t len = strlen(s);

    if (len > LABEL_MAX)
        return NO_MORE_THAN_63;
    if (matches_label(s, len))
        return NULL;
    return matches_subdomain(s, len) ? "must not contain dots" : LABEL_1123;
}

const char *name_check_dns1035_label(const char *s)
{
    size_t len = strlen(s);

    if (len > LABEL_MAX)
        return NO_MORE_THAN_63;
    return matches_label(s, len) && is_lower(s[0]) ? NULL : LABEL_1035;
}

const char *name_check_path_segment(const char *s)
{
    if (strcmp(s, ".") == 0)
        return "may not be '.'";
    if (strcmp(s, "..") == 0)
        return "may not be '..'";
    if (strchr(s, '/'))
        return "may not contain '/'";
    if (strchr(s, '%'))
        return "may not contain '%'";
    return NULL;
}

const char *name_check_qualified(const char *s)
{
    const char *slash = strchr(s, '/'), *name = slash ? slash + 1 : s;
    size_t prefix_len = slash ? (size_t)(slash - s) : 0, name_len = strlen(name);

    if (strchr(name, '/'))
        return QUALIFIED_WHOLE;
    if (slash) {
        if (prefix_len == 0)
            return "prefix part must be non-empty";
        if (prefix_len > SUBDOMAIN_MAX)
            return "prefix part " NO_MORE_THAN_253;
        if (!matches_subdomain(s, prefix_len))
            return "prefix part " SUBDOMAIN_1123;
    }
    if (name_len == 0)
        return "name part must be non-empty";
    if (name_len > LABEL_MAX)
        return "name part " NO_MORE_THAN_63;
    return matches_qualified(name, name_len) ? NULL : "name part " QUALIFIED_SYNTAX;
}

const char *name_check_label_value(const char *s)
{
    size_t len = strlen(s);

    if (len > LABEL_MAX)
        return NO_MORE_THAN_63;
    return len == 0 || matches_qualified(s, len) ? NULL : LABEL_VALUE;
}

#define GENERATED_BASE_MAX 58
#define GENERATED_RANDOM 5

char *name_generate(struct prng *p, const char *prefix)
{
    char suffix[GENERATED_RANDOM + 1];

    prng_name(p, suffix, GENERATED_RANDOM);
    return mem_printf("%.*s%s", GENERATED_BASE_MAX, prefix, suffix);
}

char *name_shorten(const char *text, size_t max)
{
    enum { HASH_CHARS = 8 };
    char hex[DIGEST_HEX];
    size_t len = strlen(text), keep;

    assert(max > 0);
    if (len <= max)
        return mem_strdup(text);
    digest_of(text, len, hex);
    keep = max > HASH_CHARS + 1 ? max - HASH_CHARS - 1 : 0;
    /* A cut right behind a separator would give "a.-12345678", which is no valid name. */
    while (keep > 0 && !is_alnum(text[keep - 1]))
        keep--;
    if (keep == 0)
        return mem_strndup(hex, max < HASH_CHARS ? max : HASH_CHARS);
    assert(keep + 1 + HASH_CHARS <= max);
    return mem_printf("%.*s-%.*s", (int)keep, text, HASH_CHARS, hex);
}
