/* Which revision counts for a machine (delete-protection.md 4.3). Up to 1.4 its name stands in the
 * spec, where virt-controller writes it. Since 1.5 it stands in the status, and a name in the spec
 * is somebody's wish, which comes first. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

const char *kv_revision_in_spec(const json_t *vm, enum matcher m)
{
    return json_str_or_empty(kv_matcher(vm, m), "revisionName");
}

const char *kv_revision_in_status(const json_t *vm, enum matcher m)
{
    const json_t *ref = json_at(vm, "status", kv_matchers[m].ref, NULL);
    return json_str_or_empty(ref, "controllerRevisionRef.name");
}

const char *kv_revision_recorded(const struct kv *kv, const json_t *vm, enum matcher m)
{
    return kv_since(kv, KV_1_5) ? kv_revision_in_status(vm, m) : kv_revision_in_spec(vm, m);
}

/* Of the type that the matcher names now: another one's is what is left of a switch. */
static bool is_of_matcher(const json_t *revision, const json_t *vm, enum matcher m)
{
    const char *name = meta_label(revision, REVISION_LABEL("name"));
    return name && !strcmp(name, json_str_or_empty(kv_matcher(vm, m), "name"));
}

/* 0 and NULL: no revision counts, the type itself does. */
static int find_revision(const struct kv *kv, const json_t *vm, enum matcher m, json_t **ret,
                         struct err *reterr)
{
    const char *name = kv_revision_in_spec(vm, m);
    bool wished = *name;
    *ret = NULL;
    if (!wished && kv_since(kv, KV_1_5))
        name = kv_revision_in_status(vm, m);
    if (!*name)
        return 0;
    AUTO(json) json_t *revision = ctl_peek(&kv->vm, &KIND_REVISION, meta_namespace(vm), name);
    if (!revision) {
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "%s.%s \"%s\" not found", KIND_REVISION.plural,
                KIND_REVISION.group, name);
        return -404;
    }
    if (wished || !kv_since(kv, KV_1_5_2) || is_of_matcher(revision, vm, m))
        *ret = TAKE(revision);
    return 0;
}

int kv_type_find(const struct kv *kv, const json_t *vm, enum matcher m, json_t **ret_spec,
                 struct err *reterr)
{
    AUTO(json) json_t *revision = NULL;
    AUTO(json) json_t *type = NULL;
    *ret_spec = NULL;
    if (!kv_matcher(vm, m))
        return 0;
    int rc = find_revision(kv, vm, m, &revision, reterr);
    if (!rc && !revision)
        rc = kv_type_get(kv, vm, m, &type, reterr);
    if (rc)
        return rc;
    const json_t *spec = revision ? kv_type_revision_spec(revision) : json_object_get(type, "spec");
    if (!spec && revision) {
        err_set(reterr, ERR_INVALID, NO_POS, "unexpected data in ControllerRevision %s",
                meta_name(revision));
        return -422;
    }
    *ret_spec = spec ? json_copy_of(spec) : json_object();
    return 0;
}

int kv_vm_template(const struct kv *kv, const json_t *vm, json_t **ret, struct err *reterr)
{
    const json_t *template = json_at(vm, "spec", "template", "spec", NULL);
    AUTO(json) json_t *spec = template ? json_copy_of(template) : json_object();
    AUTO(json) json_t *instancetype = NULL;
    AUTO(json) json_t *preference = NULL;
    int rc = kv_type_find(kv, vm, MATCH_INSTANCETYPE, &instancetype, reterr);
    if (!rc)
        rc = kv_type_find(kv, vm, MATCH_PREFERENCE, &preference, reterr);
    if (rc)
        return rc;
    kv_type_apply(instancetype, preference, spec);
    *ret = TAKE(spec);
    return 0;
}

json_t *kv_vm_spec_to_keep(const struct kv *kv, const json_t *vm)
{
    json_t *spec = json_copy_of(json_object_get(vm, "spec"));
    for (int m = 0; m < MATCHER_COUNT; m++) {
        const char *name = kv_revision_in_status(vm, (enum matcher)m);
        if (kv_since(kv, KV_1_5) && kv_matcher(vm, (enum matcher)m) && *name &&
            !*kv_revision_in_spec(vm, (enum matcher)m))
            json_put_str(json_object_get(spec, kv_matchers[m].word), "revisionName", name);
    }
    return spec;
}
