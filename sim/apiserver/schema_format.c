/* String formats of schemas (section 6.4). Hyphens in a format's name are ignored; unknown formats
 * pass. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "kube/names.h"
#include "kube/time.h"
#include "sim/apiserver/schema_priv.h"

static bool is_date_time(const char *s)
{
    int64_t ns;
    return time_parse(s, &ns);
}

static bool is_date(const char *s)
{
    char text[40];
    if (strlen(s) != 10)
        return false;
    memcpy(text, s, 10);
    memcpy(text + 10, "T00:00:00Z", 11);
    return is_date_time(text);
}

static bool is_duration(const char *s)
{
    int64_t ns;
    return duration_parse(s, &ns);
}

static bool is_ipv4(const char *s)
{
    struct in_addr a;
    return inet_pton(AF_INET, s, &a) == 1;
}

static bool is_ipv6(const char *s)
{
    struct in6_addr a;
    return inet_pton(AF_INET6, s, &a) == 1;
}

static bool is_cidr(const char *s)
{
    char head[64];
    const char *slash = strchr(s, '/');
    if (!slash || (size_t)(slash - s) >= sizeof(head))
        return false;
    memcpy(head, s, (size_t)(slash - s));
    head[slash - s] = '\0';
    size_t digits = strspn(slash + 1, "0123456789");
    if (digits == 0 || digits > 3 || slash[1 + digits])
        return false;
    long bits = strtol(slash + 1, NULL, 10);
    return (is_ipv4(head) && bits <= 32) || (is_ipv6(head) && bits <= 128);
}

static bool is_uuid(const char *s)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (strlen(s) != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; shape[i]; i++)
        if (shape[i] == '-' ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
            return false;
    return true;
}

static bool is_mac(const char *s)
{
    size_t len = strlen(s);
    if (len != 17)
        return false;
    for (size_t i = 0; i < len; i++)
        if (i % 3 == 2 ? s[i] != ':' && s[i] != '-' : !isxdigit((unsigned char)s[i]))
            return false;
    return true;
}

static bool is_uri(const char *s)
{
    if (!isalpha((unsigned char)*s))
        return *s == '/';
    const char *p = s;
    while (isalnum((unsigned char)*p) || *p == '+' || *p == '-' || *p == '.')
        p++;
    if (*p != ':')
        return false;
    for (; *p; p++)
        if ((unsigned char)*p <= ' ')
            return false;
    return true;
}

static bool is_email(const char *s)
{
    const char *at = strrchr(s, '@');
    if (!at || at == s || !at[1])
        return false;
    for (; *s; s++)
        if ((unsigned char)*s <= ' ')
            return false;
    return true;
}

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_name_char(char c)
{
    return is_letter(c) || isdigit((unsigned char)c);
}

/* "host", "a-host": one dash at most, behind the first character. */
static bool is_lone_host(const char *s)
{
    size_t n = 0;
    if (!is_name_char(*s++))
        return false;
    if (*s == '-')
        s++;
    while (is_name_char(s[n]))
        n++;
    return !s[n] && n <= 62;
}

/* Labels that end with dots, then letters alone. */
static bool is_dotted_host(const char *s)
{
    for (const char *dot = strchr(s, '.'); dot; dot = strchr(s, '.')) {
        if (dot == s || dot - s > 63 || !is_name_char(*s) || !is_name_char(dot[-1]))
            return false;
        for (; s < dot; s++)
            if (!is_name_char(*s) && *s != '-')
                return false;
        s = dot + 1;
    }
    size_t n = 0;
    while (is_letter(s[n]))
        n++;
    return !s[n] && n >= 2 && n <= 63;
}

static bool is_hostname(const char *s)
{
    return strlen(s) <= 255 && (strchr(s, '.') ? is_dotted_host(s) : is_lone_host(s));
}

static bool is_base64(const char *s)
{
    size_t len = strlen(s);
    if (len % 4)
        return false;
    size_t body = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    return body + strspn(s + body, "=") == len && len - body <= 2;
}

static bool is_hex_color(const char *s)
{
    if (*s == '#')
        s++;
    size_t len = strlen(s);
    if (len != 3 && len != 6)
        return false;
    return strspn(s, "0123456789abcdefABCDEF") == len;
}

static bool is_bson_id(const char *s)
{
    return strlen(s) == 24 && strspn(s, "0123456789abcdefABCDEF") == 24;
}

static bool is_short_name(const char *s)
{
    return name_check_dns1123_label(s) == NULL;
}

static bool is_long_name(const char *s)
{
    return name_check_dns1123_subdomain(s) == NULL;
}

static const struct {
    const char *name; /* without hyphens */
    bool (*ok)(const char *);
} formats[] = {
    {"datetime", is_date_time},
    {"date", is_date},
    {"duration", is_duration},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"cidr", is_cidr},
    {"uuid", is_uuid},
    {"uuid3", is_uuid},
    {"uuid4", is_uuid},
    {"uuid5", is_uuid},
    {"mac", is_mac},
    {"uri", is_uri},
    {"email", is_email},
    {"hostname", is_hostname},
    {"byte", is_base64},
    {"hexcolor", is_hex_color},
    {"bsonobjectid", is_bson_id},
    {"k8sshortname", is_short_name},
    {"k8slongname", is_long_name},
};

bool schema_format_ok(const char *format, const char *text)
{
    char name[32];
    size_t len = 0;
    for (const char *p = format; *p; p++) {
        if (*p == '-')
            continue;
        if (len + 1 == sizeof(name))
            return true;
        name[len++] = *p;
    }
    name[len] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (strcmp(formats[i].name, name) == 0)
            return formats[i].ok(text);
    return true;
}
