/* What virt-api says to a machine that names types (delete-protection.md 4.5). Up to 1.5 a type or
 * a revision that cannot be found refuses every write of the machine; since 1.6 it is passed over,
 * and a preference that is found is then held against the bare template. Only the machine itself
 * is reviewed here, never its status. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

#define MUTATOR "virtualmachines-mutator.kubevirt.io"
#define VALIDATOR "virtualmachine-validator.kubevirt.io"
#define NOT_FOUND "FieldValueNotFound"
#define INVALID "FieldValueInvalid"

static int deny(struct api_response *ret, const char *hook, const char *reason, const char *field,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
static int deny(struct api_response *ret, const char *hook, const char *reason, const char *field,
                const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *why = mem_vprintf(fmt, ap);
    va_end(ap);
    return kv_hook_deny_field(ret, hook, reason, field, why);
}

/* ---- the mutating webhook ---- */

static int check_matcher(const json_t *matcher, const char *word, struct api_response *ret)
{
    const char *volume = json_str_or_empty(matcher, "inferFromVolume");
    AUTO(str) char *field = mem_printf("spec.%s", word);
    AUTO(str) char *name_field = mem_printf("spec.%s.name", word);
    if (!*json_str_or_empty(matcher, "name") && !*volume)
        return deny(ret, MUTATOR, NOT_FOUND, field,
                    "Either Name or InferFromVolume should be provided within the %s matcher",
                    word);
    if (*volume && *json_str_or_empty(matcher, "name"))
        return deny(ret, MUTATOR, NOT_FOUND, name_field,
                    "Name should not be provided when InferFromVolume is used within the %s "
                    "matcher",
                    word);
    if (*volume)
        return kv_hook_refuse(ret, MUTATOR, "inferring a type from a volume is not simulated");
    return 0;
}

/* Another type with the revision of the one before it. */
static int check_switch(const json_t *now, const json_t *old, const char *word,
                        struct api_response *ret)
{
    const char *revision = json_str_or_empty(now, "revisionName");
    AUTO(str) char *field = mem_printf("spec.%s.revisionName", word);
    if (!now || !old || !*revision ||
        !strcmp(json_str_or_empty(now, "name"), json_str_or_empty(old, "name")) ||
        strcmp(revision, json_str_or_empty(old, "revisionName")))
        return 0;
    return deny(ret, MUTATOR, INVALID, field,
                "the Matcher Name has been updated without updating the RevisionName");
}

int kv_instancetype_default(const struct admission_review *r, struct api_response *ret)
{
    for (int m = 0; m < MATCHER_COUNT; m++) {
        const struct matcher_words *w = &kv_matchers[m];
        const json_t *now = kv_matcher(r->object, (enum matcher)m);
        const json_t *old = r->old ? kv_matcher(r->old, (enum matcher)m) : NULL;
        if (check_switch(now, old, w->word, ret) < 0 ||
            (now && check_matcher(now, w->word, ret) < 0))
            return -1;
    }
    for (int m = 0; m < MATCHER_COUNT; m++) {
        json_t *now = json_at_mut(r->object, "spec", kv_matchers[m].word, NULL);
        if (json_is_object(now) && !*json_str_or_empty(now, "kind"))
            json_put_str(now, "kind", kv_matchers[m].singular);
    }
    return 0;
}

/* ---- the validating webhook ---- */

/* 0, with *ret NULL when there is none, or none that can be found and that is no matter. */
static int find(const struct kv *kv, const json_t *vm, enum matcher m, json_t **ret_spec,
                struct api_response *ret)
{
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    AUTO(str) char *field = mem_printf("spec.%s", kv_matchers[m].word);
    if (!kv_type_find(kv, vm, m, ret_spec, &e) || kv_since(kv, KV_1_6))
        return 0;
    return deny(ret, VALIDATOR, NOT_FOUND, field, "Failure to find %s: %s", kv_matchers[m].word,
                e.msg ? e.msg : "");
}

static int check_conflicts(const json_t *instancetype, const json_t *template_spec,
                           struct api_response *ret)
{
    AUTO(str)
    char *fields =
        instancetype ? kv_type_conflicts(instancetype, template_spec, "spec.template.spec") : NULL;
    AUTO(strbuf) struct strbuf message = {0};
    AUTO(json) json_t *causes = json_array();
    char *rest = fields;
    for (char *field; rest && (field = strsep(&rest, ","));) {
        field += *field == ' ';
        AUTO(str)
        char *why = mem_printf("VM field(s) %s conflicts with selected instance type", field);
        strbuf_addf(&message, "%s%s", message.len ? ", " : "", why);
        json_array_append_new(causes, json_pack("{s:s, s:s, s:s}", "reason", INVALID, "message",
                                                why, "field", field));
    }
    return fields ? kv_hook_deny_causes(ret, VALIDATOR, strbuf_str(&message), causes) : 0;
}

static int check_requirements(const json_t *instancetype, const json_t *preference,
                              const json_t *template_spec, struct api_response *ret)
{
    const char *field = "";
    AUTO(str)
    char *why =
        preference ? kv_preference_unmet(instancetype, preference, template_spec, &field) : NULL;
    return why ? deny(ret, VALIDATOR, NOT_FOUND, field,
                      "failure checking preference requirements: %s", why)
               : 0;
}

int kv_instancetype_admit(const struct kv *kv, const struct admission_review *r,
                          struct api_response *ret)
{
    AUTO(json) json_t *instancetype = NULL;
    AUTO(json) json_t *preference = NULL;
    if (!kv_has_matchers(r->object))
        return 0;
    AUTO(json) json_t *vm = json_copy_parts(r->object, "metadata", NULL);
    json_put_str(vm, "metadata.namespace", kv_hook_namespace(r));
    if (find(kv, vm, MATCH_INSTANCETYPE, &instancetype, ret) < 0 ||
        find(kv, vm, MATCH_PREFERENCE, &preference, ret) < 0)
        return -1;
    const json_t *template_spec = json_at(vm, "spec", "template", "spec", NULL);
    return check_conflicts(instancetype, template_spec, ret) < 0
               ? -1
               : check_requirements(instancetype, preference, template_spec, ret);
}
