/* What the audit log is told of policies (delete-protection.md 1.11). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/admission/admission_priv.h"
#include "sim/admission/review_priv.h"

#define FAILURE_KEY "validation.policy.admission.k8s.io/validation_failure"
#define VALUE_MAX 10240u

void audit_failure(struct audit_notes *n, const char *message, const char *policy,
                   const char *binding, size_t index, const json_t *actions)
{
    if (!n->failures)
        n->failures = json_array();
    if (json_array_size(n->failures) < AUDIT_FAILURES_MAX)
        json_array_append_new(n->failures, json_pack("{s:s, s:s, s:s, s:I, s:o}", "message",
                                                     message, "policy", policy, "binding", binding,
                                                     "expressionIndex", (json_int_t)index,
                                                     "validationActions", json_copy_of(actions)));
}

/* Whether one of the values in "a, b" is it. */
static bool has_value(const char *joined, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = joined; at; at = strstr(at, ", ")) {
        if (at != joined)
            at += 2;
        if (strncmp(at, value, len) == 0 && (!at[len] || strncmp(at + len, ", ", 2) == 0))
            return true;
    }
    return false;
}

/* The end of the last whole character within VALUE_MAX bytes. */
static size_t cut(const char *value)
{
    size_t len = strlen(value);
    if (len <= VALUE_MAX)
        return len;
    for (len = VALUE_MAX; len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

void audit_annotate(struct audit_notes *n, const char *policy, const char *key, const char *value)
{
    AUTO(str) char *whole = mem_printf("%s/%s", policy, key);
    AUTO(str) char *text = mem_strndup(value, cut(value));
    if (!n->annotations)
        n->annotations = json_object();
    const char *have = json_string_value(json_object_get(n->annotations, whole));
    if (have && has_value(have, text))
        return;
    AUTO(str) char *joined = have ? mem_printf("%s, %s", have, text) : mem_strdup(text);
    json_object_set_new(n->annotations, whole, json_string(joined));
}

void audit_publish(struct admission *a, const struct review *r, struct audit_notes *n)
{
    if (n->failures) {
        AUTO(str) char *text = json_text(n->failures);
        if (!n->annotations)
            n->annotations = json_object();
        json_object_set_new(n->annotations, FAILURE_KEY, json_string(text));
    }
    if (n->annotations)
        json_array_append_new(a->audited,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "user", r->identity->name,
                                        "verb", api_verb_name(r->in->request->verb), "resource",
                                        review_resource(r)->plural, "namespace", r->ns, "name",
                                        r->name, "annotations", n->annotations));
    json_decref(n->failures);
    json_decref(n->annotations);
    *n = (struct audit_notes){0};
}
