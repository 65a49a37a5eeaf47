/* One item of a backup: filters, actions, what they name besides, and where it is kept. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/velero/velero_priv.h"

#define MUST_INCLUDE "backup.velero.io/must-include-additional-items"
#define EXCLUDED "velero.io/exclude-from-backup"

static char *key_of(const struct velero_type *t, const char *ns, const char *name)
{
    return mem_printf("%s/%s/%s", t->name, t->namespaced ? ns : "", name);
}

static bool is_wanted(const struct velero_run *r, const struct velero_type *t, const json_t *item)
{
    const json_t *in = json_path(r->owner, "spec.includedNamespaces");
    const json_t *out = json_path(r->owner, "spec.excludedNamespaces");
    const json_t *kinds = json_path(r->owner, "spec.includedResources");
    const json_t *not_kinds = json_path(r->owner, "spec.excludedResources");
    const char *ns = meta_namespace(item), *excluded = meta_label(item, EXCLUDED);

    if (excluded && strcmp(excluded, "true") == 0)
        return false;
    if (json_array_size(kinds) && !velero_lists(kinds, t->name) &&
        !velero_lists(kinds, t->resource.plural))
        return false;
    if (velero_lists(not_kinds, t->name) || velero_lists(not_kinds, t->resource.plural))
        return false;
    return !t->namespaced ||
           ((!json_array_size(in) || velero_lists(in, ns)) && !velero_lists(out, ns));
}

/* ---- what else belongs to it ---- */

static void back_up_named(struct velero_run *r, const char *resource, const char *ns,
                          const char *name, bool must)
{
    const struct velero_type *t = velero_types_find(&r->types, resource);
    AUTO(json) json_t *item = NULL;
    AUTO(str) char *key = t ? key_of(t, ns, name) : NULL;
    struct err err = {0};

    if (!t) {
        velero_run_error(r, "additional item %s %s/%s: no such resource", resource, ns, name);
        return;
    }
    if (strmap_get(r->done, key))
        return;
    if (velero_get(r->v, t, ns, name, &item, &err) == 0)
        velero_backup_item(r, t, item, must);
    else if (err.code == ERR_NOT_FOUND)
        velero_run_warn(r, "Additional item was not found in Kubernetes API, can't back it up: %s",
                        key);
    else
        velero_run_error(r, "error getting additional item %s: %s", key, err.msg);
    err_clear(&err);
}

/* Velero's own actions: a pod brings its claims, a claim its volume. */
static void back_up_related(struct velero_run *r, const struct velero_type *t, const json_t *item)
{
    const char *ns = meta_namespace(item);
    const char *volume = json_str_or_empty(item, "spec.volumeName");
    size_t i;
    json_t *v;

    if (strcmp(t->name, "persistentvolumeclaims") == 0 && *volume)
        back_up_named(r, "persistentvolumes", "", volume, false);
    if (strcmp(t->name, "pods") != 0)
        return;
    json_array_foreach(json_path(item, "spec.volumes"), i, v)
    {
        const char *claim = json_str_or_empty(v, "persistentVolumeClaim.claimName");

        if (*claim)
            back_up_named(r, "persistentvolumeclaims", ns, claim, false);
    }
}

/* KubeVirt's own plugin: the status is not restored, so the revisions that it names are named in
 * the spec of what is backed up; and they are backed up too. */
static void keep_revision(struct velero_run *r, json_t *machine, const char *matcher,
                          const char *ref)
{
    json_t *spec = json_at_mut(machine, "spec", matcher, NULL);
    const json_t *status = json_at(machine, "status", ref, NULL);
    const char *name = json_str_or_empty(status, "controllerRevisionRef.name");

    if (!json_is_object(spec))
        return;
    if (*name)
        json_put_str(spec, "revisionName", name);
    if (!status)
        name = json_str_or_empty(spec, "revisionName");
    if (*name)
        back_up_named(r, "controllerrevisions.apps", meta_namespace(machine), name, true);
}

/* ---- what becomes of a claim's data ---- */

static const char *method_of(const struct velero_run *r, const json_t *claim,
                             enum volume_action action)
{
    AUTO(json) json_t *pods = NULL;

    switch (action) {
    case VOLUME_SKIP:
        return NULL;
    case VOLUME_CUSTOM:
        return "Custom";
    case VOLUME_FS_BACKUP:
        return "PodVolumeBackup";
    case VOLUME_SNAPSHOT:
        return "CSISnapshot";
    case VOLUME_NO_MATCH:
        break;
    }
    pods = ctl_peek_all(&r->v->ctl, &VELERO_POD, meta_namespace(claim));
    if (volume_goes_by_files(pods, meta_name(claim),
                             json_bool(r->owner, "spec.defaultVolumesToFsBackup", false)))
        return "PodVolumeBackup";
    return json_bool(r->owner, "spec.snapshotVolumes", true) ? "CSISnapshot" : NULL;
}

static void note_volume(struct velero_run *r, const json_t *claim)
{
    const char *volume = json_str_or_empty(claim, "spec.volumeName");
    AUTO(json) json_t *pv = ctl_peek(&r->v->ctl, &VELERO_VOLUME, NULL, volume);
    enum volume_action action = volume_policies_match(r->policies, claim, pv, NULL);
    const char *method = method_of(r, claim, action);
    json_t *info = json_pack("{s:s, s:s, s:s, s:b}", "pvcName", meta_name(claim), "pvcNamespace",
                             meta_namespace(claim), "pvName", volume, "skipped", !method);

    if (method)
        json_put_str(info, "backupMethod", method);
    else
        json_put_str(info, "skippedReason",
                     action == VOLUME_SKIP ? "skipped by the volume policy"
                                           : "not satisfied with any way of backing it up");
    json_array_append_new(r->volumes, info);
}

/* ---- actions ---- */

static void back_up_additional(struct velero_run *r, const struct velero_output *out, json_t *item)
{
    const char *must = meta_annotation(item, MUST_INCLUDE);
    bool all = must && strcmp(must, "true") == 0;
    size_t i;
    json_t *named;

    if (must) /* what the action tells the server is no part of the item */
        meta_set_annotation(item, MUST_INCLUDE, NULL);
    json_array_foreach(out->additional, i, named)
        back_up_named(r, json_str_or_empty(named, "resource"),
                      json_str_or_empty(named, "namespace"), json_str_or_empty(named, "name"), all);
}

/* *item is replaced by what the action made of it. */
static int run_action(struct velero_run *r, const struct velero_action *a,
                      const struct velero_type *t, json_t **item, struct err *reterr)
{
    struct velero_output out = {0};
    struct velero_input in = {.item = *item, .owner = r->owner};
    int rc = velero_run_action(r, a, &in, &out, reterr);

    if (rc == 0 && out.item) {
        json_decref(*item);
        *item = json_copy_of(out.item);
    }
    if (rc == 0 && out.operation)
        velero_run_operation(r, a, t, *item, out.operation);
    if (rc == 0)
        back_up_additional(r, &out, *item);
    velero_output_finish(&out);
    return rc;
}

void velero_backup_item(struct velero_run *r, const struct velero_type *t, const json_t *item,
                        bool must)
{
    AUTO(str) char *key = key_of(t, meta_namespace(item), meta_name(item));
    AUTO(json) json_t *mine = NULL;
    struct err err = {0};

    if (strmap_get(r->done, key) || (!must && !is_wanted(r, t, item)) || meta_deleting(item) ||
        velero_down(r->v))
        return;
    strmap_put(r->done, key, r);
    mine = json_copy_of(item);
    for (size_t i = 0; i < r->action_count; i++) {
        if (!velero_resources_have(r->actions[i]->resources, t) ||
            run_action(r, r->actions[i], t, &mine, &err) == 0)
            continue;
        velero_run_error(r, "error backing up item %s: %s", key, err.msg);
        err_clear(&err);
        return; /* one that failed is not in the backup */
    }
    if (strcmp(t->name, "virtualmachines.kubevirt.io") == 0) {
        keep_revision(r, mine, "instancetype", "instancetypeRef");
        keep_revision(r, mine, "preference", "preferenceRef");
    }
    back_up_related(r, t, mine);
    if (strcmp(t->name, "persistentvolumeclaims") == 0)
        note_volume(r, mine);
    json_array_append_new(r->items, json_pack("{s:s, s:O}", "resource", t->name, "object", mine));
}
