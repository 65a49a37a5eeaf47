/* The matchers of a machine and the types that they name (delete-protection.md 4.2). */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

#define KIND_OF(PLURAL, KIND)                                                                      \
    {                                                                                              \
        INSTANCETYPE_GROUP, INSTANCETYPE_VERSION, PLURAL, KIND                                     \
    }

const struct matcher_words kv_matchers[MATCHER_COUNT] = {
    {"instancetype", "instancetypeRef", "Instancetype", "instancetype-name",
     "virtualmachineclusterinstancetype",
     KIND_OF("virtualmachineinstancetypes", "VirtualMachineInstancetype"),
     KIND_OF("virtualmachineclusterinstancetypes", "VirtualMachineClusterInstancetype")},
    {"preference", "preferenceRef", "Preference", "preference-name",
     "virtualmachineclusterpreference",
     KIND_OF("virtualmachinepreferences", "VirtualMachinePreference"),
     KIND_OF("virtualmachineclusterpreferences", "VirtualMachineClusterPreference")},
};

const json_t *kv_matcher(const json_t *vm, enum matcher m)
{
    const json_t *matcher = json_at(vm, "spec", kv_matchers[m].word, NULL);
    return json_is_object(matcher) ? matcher : NULL;
}

bool kv_has_matchers(const json_t *vm)
{
    return kv_matcher(vm, MATCH_INSTANCETYPE) || kv_matcher(vm, MATCH_PREFERENCE);
}

/* "VirtualMachineInstancetype", "virtualmachineinstancetype" and the plural are one. */
static bool names_kind(const char *word, const struct kind *k)
{
    return !strcasecmp(word, k->kind) || !strcasecmp(word, k->plural);
}

const struct kind *kv_matcher_kind(enum matcher m, const char *kind)
{
    const struct matcher_words *w = &kv_matchers[m];
    if (!kind || !*kind || names_kind(kind, &w->shared))
        return &w->shared;
    return names_kind(kind, &w->own) ? &w->own : NULL;
}

int kv_type_get(const struct kv *kv, const json_t *vm, enum matcher m, json_t **ret,
                struct err *reterr)
{
    const json_t *matcher = kv_matcher(vm, m);
    const char *name = json_str_or_empty(matcher, "name");
    const char *word = json_str_or_empty(matcher, "kind");
    const struct kind *k = kv_matcher_kind(m, word);
    if (!k) {
        err_set(reterr, ERR_INVALID, NO_POS, "got unexpected kind in %sMatcher: %s",
                kv_matchers[m].title, word);
        return -422;
    }
    const char *ns = k == &kv_matchers[m].own ? meta_namespace(vm) : NULL;
    *ret = ctl_peek(&kv->vm, k, ns, name);
    if (*ret)
        return 0;
    err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s.%s \"%s\" not found", k->plural, k->group, name);
    return -404;
}

void kv_instancetype_annotate(const json_t *vm, json_t *vmi)
{
    for (int m = 0; m < MATCHER_COUNT; m++) {
        const json_t *matcher = kv_matcher(vm, (enum matcher)m);
        const struct matcher_words *w = &kv_matchers[m];
        if (!matcher)
            continue;
        const struct kind *k = kv_matcher_kind((enum matcher)m, json_str(matcher, "kind"));
        AUTO(str)
        char *key = mem_printf("kubevirt.io/%s%s", k == &w->own ? "" : "cluster-", w->annotation);
        meta_set_annotation(vmi, key, json_str_or_empty(matcher, "name"));
    }
}
