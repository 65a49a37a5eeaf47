/* A machine's reference to its types (delete-protection.md 4.2, 4.3): a pass over it makes the
 * revisions that are missing and writes down their names, up to 1.4 in the spec, since 1.5 in the
 * status. Nothing else of the machine is looked at before that has succeeded. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

/* The type as it is now becomes a revision of the machine: 0 and its name, new. */
static int capture(struct kv *kv, const json_t *vm, enum matcher m, char **ret_name,
                   struct err *reterr)
{
    AUTO(json) json_t *type = NULL;
    int rc = kv_type_get(kv, vm, m, &type, reterr);
    if (rc)
        return rc;
    AUTO(str)
    char *conflicts = m == MATCH_PREFERENCE ? NULL
                                            : kv_type_conflicts(json_object_get(type, "spec"),
                                                                json_path(vm, "spec.template.spec"),
                                                                "spec.template.spec");
    if (conflicts) {
        err_set(reterr, ERR_INVALID, NO_POS, "VM field(s) %s conflicts with selected instance type",
                conflicts);
        return -422;
    }
    AUTO(json) json_t *revision = kv_type_revision(vm, type);
    rc = kv_type_revision_ensure(kv, revision, reterr);
    if (!rc)
        *ret_name = mem_strdup(meta_name(revision));
    return rc;
}

static void add_op(json_t *patch, const char *op, const char *path, json_t *value /* taken */)
{
    json_array_append_new(patch,
                          json_pack("{s:s, s:s, s:o}", "op", op, "path", path, "value", value));
}

/* ---- up to 1.4 ---- */

static int store_in_spec(struct kv *kv, const json_t *vm, enum matcher m, json_t *patch,
                         struct err *reterr)
{
    AUTO(str) char *name = NULL;
    if (!kv_matcher(vm, m) || *kv_revision_in_spec(vm, m))
        return 0;
    int rc = capture(kv, vm, m, &name, reterr);
    if (rc)
        return rc;
    AUTO(str) char *path = mem_printf("/spec/%s/revisionName", kv_matchers[m].word);
    add_op(patch, "test", path, json_null());
    add_op(patch, "add", path, json_string(name));
    return 0;
}

/* ---- since 1.5 ---- */

/* Follows the matcher: another type than the one that was written down forgets its revision. */
static void follow_matcher(const json_t *matcher, json_t *ref)
{
    static const char *const keys[] = {"name", "kind", "inferFromVolume"};
    bool other = false;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *wanted = json_str_or_empty(matcher, keys[i]);
        if (!*wanted || !strcmp(wanted, json_str_or_empty(ref, keys[i])))
            continue;
        json_put_str(ref, keys[i], wanted);
        other = true;
    }
    const char *policy = json_str(matcher, "inferFromVolumeFailurePolicy");
    if (policy)
        json_put_str(ref, "inferFromVolumeFailurePolicy", policy);
    if (other)
        json_object_del(ref, "controllerRevisionRef");
    const char *wished = json_str_or_empty(matcher, "revisionName");
    if (*wished)
        json_put_str(ref, "controllerRevisionRef.name", wished);
}

static int store_in_status(struct kv *kv, const json_t *vm, enum matcher m, json_t *patch,
                           struct err *reterr)
{
    const json_t *matcher = kv_matcher(vm, m);
    const json_t *old = json_at(vm, "status", kv_matchers[m].ref, NULL);
    AUTO(json) json_t *ref = json_is_object(old) ? json_copy_of(old) : json_object();
    AUTO(str) char *name = NULL;
    if (!matcher)
        return 0;
    follow_matcher(matcher, ref);
    int rc = *json_str_or_empty(ref, "controllerRevisionRef.name")
                 ? 0
                 : capture(kv, vm, m, &name, reterr);
    if (rc)
        return rc;
    if (name)
        json_put_str(ref, "controllerRevisionRef.name", name);
    if (old && json_same(ref, old))
        return 0;
    if (!json_array_size(patch) && !json_object_get(vm, "status"))
        add_op(patch, "add", "/status", json_object());
    AUTO(str) char *path = mem_printf("/status/%s", kv_matchers[m].ref);
    add_op(patch, "add", path, json_incref(ref));
    return 0;
}

int kv_revision_store(struct kv *kv, const json_t *vm, struct err *reterr)
{
    bool in_status = kv_since(kv, KV_1_5);
    AUTO(json) json_t *patch = json_array();
    for (int m = 0; m < MATCHER_COUNT; m++) {
        int rc = in_status ? store_in_status(kv, vm, (enum matcher)m, patch, reterr)
                           : store_in_spec(kv, vm, (enum matcher)m, patch, reterr);
        if (rc)
            return rc;
    }
    if (!json_array_size(patch))
        return 0;
    return ctl_patch(&kv->vm, &KIND_VM, meta_namespace(vm), meta_name(vm),
                     in_status ? "status" : NULL, PATCH_JSON, patch, reterr);
}

/* ---- the pass ---- */

/* The status names what the spec no longer does. When KubeVirt began to take it away is
 * unverified; here it does since 1.6. */
static int drop_references(struct kv *kv, const json_t *vm, struct err *reterr)
{
    AUTO(json) json_t *patch = json_array();
    for (int m = 0; m < MATCHER_COUNT; m++) {
        AUTO(str) char *path = mem_printf("/status/%s", kv_matchers[m].ref);
        if (!kv_matcher(vm, (enum matcher)m) && json_at(vm, "status", kv_matchers[m].ref, NULL))
            json_array_append_new(patch, json_pack("{s:s, s:s}", "op", "remove", "path", path));
    }
    if (!json_array_size(patch) || !kv_since(kv, KV_1_6))
        return 0;
    return ctl_patch(&kv->vm, &KIND_VM, meta_namespace(vm), meta_name(vm), "status", PATCH_JSON,
                     patch, reterr);
}

/* Since 1.6: instance type before preference, before anything else. */
static int check_there(struct kv *kv, const json_t *vm, struct kv_failure *ret, struct err *reterr)
{
    static const char *const reasons[MATCHER_COUNT] = {"FailedFindInstancetype",
                                                       "FailedFindPreference"};
    for (int m = 0; m < MATCHER_COUNT; m++) {
        AUTO(json) json_t *spec = NULL;
        int rc = kv_type_find(kv, vm, (enum matcher)m, &spec, reterr);
        if (rc) {
            ret->reason = reasons[m];
            return rc;
        }
    }
    return 0;
}

/* Wraps the error, and tells of it in an event. */
static int tell(struct kv *kv, const json_t *vm, const char *doing, int rc, struct err *reterr)
{
    if (rc == -1 || rc == -409)
        return rc;
    err_wrap(reterr, NO_POS,
             "error encountered while %s instancetype.kubevirt.io "
             "controllerRevisions",
             doing);
    ctl_event(&kv->vm, vm, "Warning", "FailedCreate", "%s", reterr->msg);
    return rc;
}

int kv_instancetype_sync(struct kv *kv, const json_t *vm, struct kv_failure *ret,
                         struct err *reterr)
{
    int rc = drop_references(kv, vm, reterr);
    if (rc || !kv_has_matchers(vm))
        return rc;
    if (kv_since(kv, KV_1_6) && (rc = check_there(kv, vm, ret, reterr)))
        return rc;
    ret->reason = "FailedCreate";
    const char *policy = kv_reference_policy(kv);
    if (strcmp(policy, "reference"))
        return kv_instancetype_expand_policy(kv, vm, !strcmp(policy, "expandAll"), reterr);
    if ((rc = kv_revision_store(kv, vm, reterr)))
        return tell(kv, vm, "storing", rc, reterr);
    AUTO(json) json_t *now = ctl_peek(&kv->vm, &KIND_VM, meta_namespace(vm), meta_name(vm));
    if (now && (rc = kv_revision_upgrade(kv, now, reterr)))
        return tell(kv, vm, "upgrading", rc, reterr);
    return 0;
}
