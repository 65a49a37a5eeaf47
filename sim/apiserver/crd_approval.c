/* Groups of Kubernetes itself want to know where an API was approved (section 6.1). */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/apiserver/crd.h"

#define APPROVAL "api-approved.kubernetes.io"
#define APPROVAL_PLACE "see https://github.com/kubernetes/enhancements/pull/1111"

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static bool is_protected(const char *group)
{
    static const char *const domains[] = {"k8s.io", "kubernetes.io"};
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        AUTO(str) char *below = mem_printf(".%s", domains[i]);
        if (strcmp(group, domains[i]) == 0 || ends_with(group, below))
            return true;
    }
    return false;
}

/* "scheme://host...". */
static bool is_url(const char *text)
{
    size_t scheme =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    const char *host = text + scheme + 3;
    return scheme > 0 && isalpha((unsigned char)*text) && strncmp(text + scheme, "://", 3) == 0 &&
           *host && *host != '/' && !strpbrk(host, " \t\r\n");
}

enum crd_approval crd_approval(const json_t *object)
{
    const char *text = meta_annotation(object, APPROVAL);
    if (!is_protected(json_str_or_empty(object, "spec.group")))
        return APPROVAL_NOT_NEEDED;
    if (!text || !*text)
        return APPROVAL_MISSING;
    if (strncmp(text, "unapproved", strlen("unapproved")) == 0)
        return APPROVAL_BYPASSED;
    return is_url(text) ? APPROVAL_GIVEN : APPROVAL_INVALID;
}

char *crd_approval_message(const json_t *object, enum crd_approval approval)
{
    const char *text = meta_annotation(object, APPROVAL);
    switch (approval) {
    case APPROVAL_NOT_NEEDED:
        break;
    case APPROVAL_MISSING:
        return mem_printf("protected groups must have approval annotation \"" APPROVAL
                          "\", " APPROVAL_PLACE);
    case APPROVAL_INVALID:
        return mem_printf("protected groups must have approval annotation \"" APPROVAL
                          "\" with either a URL or a reason starting with "
                          "\"unapproved\", " APPROVAL_PLACE);
    case APPROVAL_BYPASSED:
        return mem_printf("not approved: \"%s\"", text);
    case APPROVAL_GIVEN:
        return mem_printf("approved in %s", text);
    }
    return mem_strdup("");
}

/* What was wrong before may stay so: nobody is locked out of an object of old. */
void crd_validate_approval(const json_t *object, const json_t *old, struct field_errors *errors)
{
    enum crd_approval now = crd_approval(object);
    if ((now != APPROVAL_MISSING && now != APPROVAL_INVALID) || (old && crd_approval(old) == now))
        return;
    AUTO(str) char *why = crd_approval_message(object, now);
    const char *text = meta_annotation(object, APPROVAL);
    AUTO(json) json_t *shown = json_string(text ? text : "");
    field_errors_add(errors, now == APPROVAL_MISSING ? FIELD_REQUIRED : FIELD_INVALID,
                     "metadata.annotations[" APPROVAL "]", now == APPROVAL_MISSING ? NULL : shown,
                     "%s", why);
}
