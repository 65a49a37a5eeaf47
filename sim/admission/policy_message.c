/* The words of a denial (delete-protection.md 1.11). */
#include <string.h>

#include "base/mem.h"
#include "sim/admission/policy_priv.h"

#define MESSAGE_MAX 5120u
#define SPACE " \t\r\n\f\v"

bool policy_text_is_blank(const char *s)
{
    return s[strspn(s, SPACE)] == '\0';
}

static char *trimmed(const char *s, size_t len)
{
    while (len > 0 && memchr(SPACE, s[0], sizeof(SPACE) - 1)) {
        s++;
        len--;
    }
    while (len > 0 && memchr(SPACE, s[len - 1], sizeof(SPACE) - 1))
        len--;
    return mem_strndup(s, len);
}

char *policy_message_of(const struct cel_value *v)
{
    if (v->type != CEL_STRING)
        return NULL;
    AUTO(str) char *text = trimmed(v->u.text.data, v->u.text.len);
    if (!*text || strchr(text, '\n') || strlen(text) > MESSAGE_MAX)
        return NULL;
    return TAKE(text);
}

char *policy_message(const struct policy_validation *v, const char *from_expression)
{
    if (from_expression)
        return mem_strdup(from_expression);
    AUTO(str)
    char *text = trimmed(v->message ? v->message : "", v->message ? strlen(v->message) : 0);
    if (*text)
        return TAKE(text);
    AUTO(str) char *rule = trimmed(v->rule.text, strlen(v->rule.text));
    return mem_printf("failed expression: %s", rule);
}
