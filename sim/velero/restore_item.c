/* One item of a restore: what is not restored, its namespace, actions, and what it meets. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/velero/velero_priv.h"

#define SELECTED_NODE "volume.kubernetes.io/selected-node"
#define BIND_COMPLETED "pv.kubernetes.io/bind-completed"
#define BOUND_BY_CONTROLLER "pv.kubernetes.io/bound-by-controller"

/* ---- what stays behind ---- */

/* Velero's own list, its action for the uploads of a backup, and what a download would be. */
static const char *const never[] = {"nodes",
                                    "events",
                                    "backups.velero.io",
                                    "restores.velero.io",
                                    "deletebackuprequests.velero.io",
                                    "datauploads.velero.io",
                                    "datadownloads.velero.io",
                                    "csinodes.storage.k8s.io",
                                    "volumeattachments.storage.k8s.io"};

static bool has_owner(const json_t *item, const char *kind)
{
    size_t i;
    json_t *owner;

    json_array_foreach(json_path(item, "metadata.ownerReferences"), i, owner)
    {
        if (strcmp(json_str_or_empty(owner, "kind"), kind) == 0)
            return true;
    }
    return false;
}

bool velero_never_restored(const struct velero_type *t, const json_t *item)
{
    const char *role = meta_label(item, "kubevirt.io");
    const char *phase = json_str_or_empty(item, "status.phase");

    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (strcmp(never[i], t->name) == 0)
            return true;
    /* KubeVirt's own plugin: a machine makes its instance, and that its pod. */
    if (strcmp(t->name, "virtualmachineinstances.kubevirt.io") == 0)
        return has_owner(item, "VirtualMachine");
    return strcmp(t->name, "pods") == 0 &&
           ((role && strcmp(role, "virt-launcher") == 0) || strcmp(phase, "Succeeded") == 0 ||
            strcmp(phase, "Failed") == 0);
}

static bool is_wanted(const struct velero_run *r, const struct velero_type *t, const json_t *item)
{
    const json_t *in = json_path(r->owner, "spec.includedNamespaces");
    const json_t *kinds = json_path(r->owner, "spec.includedResources");
    const json_t *not_kinds = json_path(r->owner, "spec.excludedResources");

    if ((json_array_size(kinds) && !velero_lists(kinds, t->name)) ||
        velero_lists(not_kinds, t->name) || velero_lists(not_kinds, t->resource.plural))
        return false;
    return !t->namespaced || !json_array_size(in) || velero_lists(in, meta_namespace(item));
}

/* ---- namespaces ---- */

static const char *mapped(const struct velero_run *r, const char *ns)
{
    const char *to =
        json_string_value(json_object_get(json_path(r->owner, "spec.namespaceMapping"), ns));

    return to && *to ? to : ns;
}

/* As it was in the backup, under its new name. */
static json_t *make_space(const struct velero_run *r, const char *from, const char *to)
{
    json_t *space = ctl_object(&VELERO_SPACE, NULL, to);
    size_t i;
    json_t *stored;

    json_array_foreach(r->items, i, stored)
    {
        const json_t *item = json_object_get(stored, "object");

        if (strcmp(json_str_or_empty(stored, "resource"), "namespaces") != 0 ||
            strcmp(meta_name(item), from) != 0)
            continue;
        if (json_path(item, "metadata.labels") && strcmp(from, to) == 0)
            json_put_take(space, "metadata.labels",
                          json_copy_of(json_path(item, "metadata.labels")));
        if (json_path(item, "metadata.annotations"))
            json_put_take(space, "metadata.annotations",
                          json_copy_of(json_path(item, "metadata.annotations")));
    }
    return space;
}

static int ensure_space(struct velero_run *r, const char *from, struct err *reterr)
{
    const char *to = mapped(r, from);
    AUTO(json) json_t *have = ctl_peek(&r->v->ctl, &VELERO_SPACE, NULL, to);
    AUTO(json) json_t *space = have ? NULL : make_space(r, from, to);

    return have || ctl_ensure(&r->v->ctl, &VELERO_SPACE, space, NULL, reterr) == 0 ? 0 : -1;
}

/* ---- what an item is without its cluster: its owners had other uids; finalizers stay ---- */

static json_t *stripped(const json_t *item)
{
    static const char *const kept[] = {"name", "namespace", "labels", "annotations", "finalizers"};
    json_t *copy = json_copy_of(item), *meta = json_object();

    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        json_t *member = json_object_get(json_object_get(copy, "metadata"), kept[i]);

        if (member)
            json_object_set(meta, kept[i], member);
    }
    json_object_set_new(copy, "metadata", meta);
    json_object_del(copy, "status");
    return copy;
}

static void unbind_claim(json_t *claim)
{
    json_drop(claim, "spec.volumeName");
    meta_set_annotation(claim, BIND_COMPLETED, NULL);
    meta_set_annotation(claim, BOUND_BY_CONTROLLER, NULL);
}

/* A volume that ends with its claim ended with it: what it held comes otherwise, and a new one is
 * provisioned. */
static bool volume_is_lost(struct velero_run *r, const json_t *pv)
{
    if (strcmp(json_str_or_empty(pv, "spec.persistentVolumeReclaimPolicy"), "Delete") != 0)
        return false;
    strmap_put(r->lost_volumes, meta_name(pv), r);
    return true;
}

static void prepare(struct velero_run *r, const struct velero_type *t, json_t *item)
{
    const char *volume = json_str_or_empty(item, "spec.volumeName");

    if (strcmp(t->name, "persistentvolumes") == 0) {
        const char *ns = json_str_or_empty(item, "spec.claimRef.namespace");

        if (*ns)
            json_put_str(item, "spec.claimRef.namespace", mapped(r, ns));
        json_drop(item, "spec.claimRef.uid");
        json_drop(item, "spec.claimRef.resourceVersion");
    }
    if (strcmp(t->name, "persistentvolumeclaims") != 0)
        return;
    meta_set_annotation(item, SELECTED_NODE, NULL);
    if (*volume && strmap_get(r->lost_volumes, volume))
        unbind_claim(item);
}

/* ---- actions ---- */

/* 1: an action says that the item is not restored. */
static int run_actions(struct velero_run *r, const struct velero_type *t, const json_t *stored,
                       json_t **item, struct err *reterr)
{
    for (size_t i = 0; i < r->action_count; i++) {
        const struct velero_action *a = r->actions[i];
        struct velero_input in = {*item, stored, r->owner};
        struct velero_output out = {0};
        bool skip;

        if (!velero_resources_have(a->resources, t))
            continue;
        if (velero_run_action(r, a, &in, &out, reterr) < 0) {
            velero_output_finish(&out);
            return -1;
        }
        if (out.operation)
            velero_run_operation(r, a, t, stored, out.operation);
        if (out.item) {
            json_decref(*item);
            *item = json_copy_of(out.item);
        }
        skip = out.skip;
        velero_output_finish(&out);
        if (skip)
            return 1;
    }
    return 0;
}

/* ---- making it ---- */

static void label(const struct velero_run *r, json_t *item)
{
    AUTO(str) char *backup = velero_label(json_str_or_empty(r->owner, "spec.backupName"));
    AUTO(str) char *restore = velero_label(meta_name(r->owner));

    meta_set_label(item, "velero.io/backup-name", backup);
    meta_set_label(item, "velero.io/restore-name", restore);
}

static struct kind kind_of(const struct velero_type *t)
{
    return (struct kind){t->resource.group, t->resource.version, t->resource.plural, t->kind};
}

/* What is there already stays as it is, unless the restore says otherwise. */
static void meet(struct velero_run *r, const struct velero_type *t, const json_t *stored,
                 const json_t *item)
{
    const struct kind k = kind_of(t);
    const char *policy = json_str_or_empty(r->owner, "spec.existingResourcePolicy");
    AUTO(json) json_t *have = ctl_peek(&r->v->ctl, &k, meta_namespace(item), meta_name(item));
    AUTO(json) json_t *mine = stripped(have ? have : item);
    AUTO(json) json_t *theirs = stripped(stored);
    AUTO(str) char *name = velero_item_name(t, item);
    struct err err = {0};

    json_drop(mine, "metadata.labels");
    json_drop(theirs, "metadata.labels");
    json_drop(mine, "metadata.namespace");
    json_drop(theirs, "metadata.namespace");
    if (json_same(mine, theirs))
        return;
    if (strcmp(policy, "update") != 0)
        velero_run_warn(r,
                        "could not restore, %s already exists. Warning: the in-cluster version is "
                        "different than the backed-up version",
                        name);
    else if (ctl_patch(&r->v->ctl, &k, meta_namespace(item), meta_name(item), NULL, PATCH_MERGE,
                       item, &err) < 0)
        velero_run_warn(r, "could not update %s: %s", name, err.msg);
    err_clear(&err);
}

static void make(struct velero_run *r, const struct velero_type *t, const json_t *stored,
                 json_t *item)
{
    const struct kind k = kind_of(t);
    AUTO(str) char *name = velero_item_name(t, item);
    struct err err = {0};
    int rc;

    if (t->namespaced)
        json_put_str(item, "metadata.namespace", mapped(r, meta_namespace(stored)));
    label(r, item);
    rc = ctl_create(&r->v->ctl, &k, item, NULL, &err);
    if (rc == -409)
        meet(r, t, stored, item);
    else if (rc < 0)
        velero_run_error(r, "error restoring %s: %s", name, err.msg);
    err_clear(&err);
}

static void restore_one(struct velero_run *r, const struct velero_type *t, const json_t *stored)
{
    AUTO(str) char *name = velero_item_name(t, stored);
    AUTO(json) json_t *item = stripped(stored);
    struct err err = {0};
    int rc = t->namespaced ? ensure_space(r, meta_namespace(stored), &err) : 0;

    if (rc == 0)
        rc = run_actions(r, t, stored, &item, &err);
    if (rc < 0)
        velero_run_error(r, "error preparing %s: %s", name, err.msg);
    err_clear(&err);
    if (rc != 0 || velero_down(r->v))
        return;
    prepare(r, t, item);
    make(r, t, stored, item);
}

void velero_restore_item(struct velero_run *r, const json_t *kept)
{
    const char *resource = json_str_or_empty(kept, "resource");
    const struct velero_type *t = velero_types_find(&r->types, resource);
    const json_t *stored = json_object_get(kept, "object");
    struct err err = {0};

    if (!t) {
        velero_run_warn(r, "%s is not served by this cluster", resource);
        return;
    }
    if (velero_never_restored(t, stored) || !is_wanted(r, t, stored))
        return;
    if (strcmp(resource, "namespaces") == 0) {
        if (ensure_space(r, meta_name(stored), &err) < 0)
            velero_run_error(r, "error restoring namespace %s: %s", meta_name(stored), err.msg);
        err_clear(&err);
        return;
    }
    if (strcmp(resource, "persistentvolumes") == 0 && volume_is_lost(r, stored))
        return;
    restore_one(r, t, stored);
}
