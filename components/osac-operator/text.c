#include "components/osac-operator/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "components/osac-operator/kinds.h"
#include "kube/meta.h"
#include "kube/names.h"
#include "kube/time.h"

#define TENANT_TEXT_MAX 512
#define LABEL_VALUE_MAX 63

static bool is_inner_dot(const char *word, size_t len, size_t i)
{
    return (word[i] == '.' || word[i] == ':') && i > 0 && i + 1 < len &&
           isalnum((unsigned char)word[i - 1]) && isalnum((unsigned char)word[i + 1]);
}

/* Hosts and addresses have a dot or colon inside; paths and "namespace/name" a slash; uids and
 * generated names many dashes. */
static bool tells_platform(const char *word, size_t len)
{
    size_t dashes = 0;
    for (size_t i = 0; i < len; i++) {
        if (word[i] == '/' || word[i] == '@' || is_inner_dot(word, len, i))
            return true;
        dashes += word[i] == '-';
    }
    return dashes >= 3;
}

/* What stands before it names the webhook. */
static const char *after_webhook(const char *message)
{
    static const char denied[] = "denied the request: ";
    const char *at = strstr(message, denied);
    return at ? at + sizeof denied - 1 : message;
}

char *osac_text_for_tenant(const char *message)
{
    AUTO(strbuf) struct strbuf out = {0};
    const char *at = after_webhook(message ? message : "");
    while (*at && out.len < TENANT_TEXT_MAX - 64) {
        size_t len = strcspn(at, " \t\r\n");
        if (len && out.len)
            strbuf_addch(&out, ' ');
        if (len && (tells_platform(at, len) || len > 60))
            strbuf_addstr(&out, "[...]");
        else
            strbuf_add(&out, at, len);
        at += len;
        at += strspn(at, " \t\r\n");
    }
    return strbuf_take(&out);
}

char *osac_text_hashed_name(const char *prefix, const char *a, const char *b)
{
    char hex[DIGEST_HEX];
    AUTO(digest) struct digest *d = digest_create();
    digest_add(d, a, strlen(a) + 1); /* the NUL keeps "a","bc" apart from "ab","c" */
    digest_add(d, b, strlen(b));
    digest_hex(d, hex);
    return mem_printf("%s%.20s", prefix, hex);
}

static bool management_is(const json_t *obj, const char *state)
{
    const char *value = meta_annotation(obj, KEY_MANAGEMENT);
    return value && strcasecmp(value, state) == 0;
}

bool osac_object_is_unmanaged(const json_t *obj)
{
    return management_is(obj, "unmanaged");
}

bool osac_object_is_manual(const json_t *obj)
{
    return management_is(obj, "manual");
}

bool osac_object_same_tenant(const json_t *a, const json_t *b)
{
    const char *of_a = meta_annotation(a, KEY_TENANT);
    const char *of_b = meta_annotation(b, KEY_TENANT);
    return of_a && of_b && *of_a && strcmp(of_a, of_b) == 0;
}

char *osac_object_label_value(const char *name)
{
    return name_shorten(name, LABEL_VALUE_MAX);
}

bool osac_seconds_parse(const char *text, int64_t *ret_s)
{
    int64_t ns;
    if (!text || !time_parse(text, &ns))
        return false;
    *ret_s = ns / NS_PER_S - (ns % NS_PER_S < 0);
    return true;
}
