/* Revisions in snapshots and restores (delete-protection.md 4.4). A snapshot gets copies of its
 * own, of those that the spec names: one that only the status knew is not among them, unless the
 * machine runs and its start has kept the name. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

/* KubeVirt looks in its cache here, and has an error of its own for what is not there. */
static json_t *fetch(const struct ctl *c, const char *ns, const char *name, struct err *reterr)
{
    json_t *revision = ctl_peek(c, &KIND_REVISION, ns, name);
    if (!revision)
        err_set(reterr, ERR_NOT_FOUND, NO_POS, "Unable to fetch ControllerRevision %s/%s", ns,
                name);
    return revision;
}

/* The revision's name in a spec, which is not that of a machine yet. */
static const char *named(const json_t *spec, int m)
{
    return json_str_or_empty(json_object_get(spec, kv_matchers[m].word), "revisionName");
}

static void set_name(json_t *spec, int m, const json_t *revision)
{
    json_put_str(json_object_get(spec, kv_matchers[m].word), "revisionName", meta_name(revision));
}

int kv_revision_capture(struct kv *kv, const json_t *snapshot, json_t *spec, struct err *reterr)
{
    for (int m = 0; m < MATCHER_COUNT; m++) {
        if (!*named(spec, m))
            continue;
        AUTO(json)
        json_t *there = fetch(&kv->snapshot, meta_namespace(snapshot), named(spec, m), reterr);
        if (!there)
            return -404;
        AUTO(json)
        json_t *copy = kv_type_revision_copy(there, json_str_or_empty(snapshot, "spec.source.name"),
                                             snapshot, meta_name(snapshot));
        int rc = ctl_ensure(&kv->snapshot, &KIND_REVISION, copy, NULL, reterr);
        if (rc)
            return rc;
        set_name(spec, m, copy);
    }
    return 0;
}

/* The machine's own revision of that name makes room, unless it says the same. *ret_keep: it does.
 * That it must be there is KubeVirt's: its cache does not tell "not found" from other errors. */
static int replace_own(struct kv *kv, const json_t *kept, const char *name, bool *ret_keep,
                       struct err *reterr)
{
    const char *ns = meta_namespace(kept);
    AUTO(json) json_t *own = fetch(&kv->restore, ns, name, reterr);
    if (!own)
        return -404;
    *ret_keep = kv_type_revision_equal(kept, own);
    return *ret_keep ? 0 : ctl_delete(&kv->restore, &KIND_REVISION, ns, name, NULL, reterr);
}

int kv_revision_restore(struct kv *kv, const json_t *restore, const json_t *content,
                        const json_t *vm, json_t *spec, struct err *reterr)
{
    const char *ns = meta_namespace(restore);
    for (int m = 0; m < MATCHER_COUNT; m++) {
        if (!*named(spec, m))
            continue;
        AUTO(json) json_t *kept = fetch(&kv->restore, ns, named(spec, m), reterr);
        if (!kept)
            return -404;
        AUTO(json)
        json_t *back = kv_type_revision_copy(
            kept, json_str_or_empty(content, "spec.virtualMachineSnapshotName"), vm,
            json_str_or_empty(restore, "spec.target.name"));
        bool keep = false;
        int rc = vm ? replace_own(kv, kept, meta_name(back), &keep, reterr) : 0;
        if (!rc && !keep)
            rc = ctl_ensure(&kv->restore, &KIND_REVISION, back, NULL, reterr);
        if (rc)
            return rc;
        set_name(spec, m, back);
    }
    return 0;
}

int kv_revision_claim(struct kv *kv, const json_t *vm, bool *ret_changed, struct err *reterr)
{
    for (int m = 0; m < MATCHER_COUNT; m++) {
        const char *name = kv_revision_in_spec(vm, (enum matcher)m);
        AUTO(json)
        json_t *revision =
            *name ? ctl_peek(&kv->restore, &KIND_REVISION, meta_namespace(vm), name) : NULL;
        AUTO(json) json_t *owners = json_array();
        json_array_append_new(owners, meta_owner_ref(vm, true, true));
        const json_t *have = json_path(revision, "metadata.ownerReferences");
        if (!revision || (have && json_same(owners, have)))
            continue;
        AUTO(json) json_t *copy = json_copy_of(revision);
        json_put_take(copy, "metadata.ownerReferences", json_incref(owners));
        int rc = ctl_update(&kv->restore, &KIND_REVISION, NULL, copy, reterr);
        if (rc)
            return rc;
        *ret_changed = true;
    }
    return 0;
}
