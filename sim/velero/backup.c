/* The Backup: validated, collected, stored, then its operations are waited for. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/velero/velero_priv.h"

#define DEFAULT_TIMEOUT "4h0m0s"

/* ---- collecting ---- */

/* An item that was listed, and its type. */
struct found {
    const struct velero_type *type;
    json_t *item;
};
struct finds {
    struct found *items;
    size_t count, cap;
};

static void list_type(struct velero_run *r, const struct velero_type *t, const char *ns,
                      struct finds *f)
{
    AUTO(json) json_t *items = NULL;
    struct err err = {0};
    size_t i;
    json_t *item;

    if (velero_list(r->v, t, ns, &items, &err) < 0) {
        velero_run_error(r, "error listing %s: %s", t->name, err.msg);
        err_clear(&err);
        return;
    }
    json_array_foreach(items, i, item)
    {
        f->items = mem_grow(f->items, &f->cap, f->count + 1, sizeof *f->items);
        f->items[f->count++] = (struct found){t, json_incref(item)};
    }
}

static void list_namespaced(struct velero_run *r, const struct velero_type *t, struct finds *f)
{
    const json_t *in = json_path(r->owner, "spec.includedNamespaces");
    size_t i;
    json_t *ns;

    if (!json_array_size(in) || velero_lists(in, "")) {
        list_type(r, t, NULL, f);
        return;
    }
    json_array_foreach(in, i, ns) list_type(r, t, json_string_value(ns), f);
}

static bool takes_cluster_scoped(const struct velero_run *r)
{
    const json_t *said = json_path(r->owner, "spec.includeClusterResources");
    const json_t *in = json_path(r->owner, "spec.includedNamespaces");

    if (json_is_boolean(said))
        return json_is_true(said);
    return !json_array_size(in) || velero_lists(in, "");
}

/* The namespaces of the backup belong to it, whatever it takes of other cluster-scoped kinds. */
static void list_spaces(struct velero_run *r, const struct velero_type *t, struct finds *f)
{
    const json_t *in = json_path(r->owner, "spec.includedNamespaces");
    size_t from = f->count, kept = from;

    list_type(r, t, NULL, f);
    for (size_t i = from; i < f->count; i++) {
        if (!json_array_size(in) || velero_lists(in, meta_name(f->items[i].item)))
            f->items[kept++] = f->items[i];
        else
            json_decref(f->items[i].item);
    }
    f->count = kept;
}

static void collect(struct velero_run *r)
{
    struct finds f = {0};

    for (size_t i = 0; i < r->types.count && !velero_down(r->v); i++) {
        const struct velero_type *t = &r->types.items[i];

        if (strcmp(t->name, "namespaces") == 0)
            list_spaces(r, t, &f);
        else if (t->namespaced)
            list_namespaced(r, t, &f);
        else if (takes_cluster_scoped(r))
            list_type(r, t, NULL, &f);
    }
    for (size_t i = 0; i < f.count; i++) {
        velero_backup_item(r, f.items[i].type, f.items[i].item, false);
        json_decref(f.items[i].item);
    }
    free(f.items);
}

/* ---- beginning ---- */

static struct volume_policies *read_policies(struct velero *v, const json_t *backup, bool *ret_bad,
                                             struct err *reterr)
{
    const char *kind = json_str_or_empty(backup, "spec.resourcePolicy.kind");
    const char *name = json_str_or_empty(backup, "spec.resourcePolicy.name");
    AUTO(json) json_t *map = NULL;
    struct volume_policies *p;

    *ret_bad = false;
    if (!*name)
        return NULL;
    *ret_bad = true;
    map = ctl_peek(&v->ctl, &VELERO_CONFIGMAP, VELERO_NAMESPACE, name);
    if ((strcmp(kind, "ConfigMap") != 0 && strcmp(kind, "configmap") != 0) || !map) {
        err_set(reterr, ERR_INVALID, NO_POS, "failed to get resource policies %s '%s' configmap",
                kind, name);
        return NULL;
    }
    p = volume_policies_read(map, reterr);
    *ret_bad = !p;
    return p;
}

static int refuse(struct velero *v, const json_t *backup, struct err *why, struct err *reterr)
{
    json_t *patch = velero_phase("FailedValidation");
    int rc;

    json_put_take(patch, "status.validationErrors", json_pack("[s]", why->msg));
    err_clear(why);
    rc = velero_patch(v, &VELERO_BACKUP, meta_name(backup), patch, reterr);
    return rc < 0 ? -1 : 0;
}

static int set_in_progress(struct velero *v, const json_t *backup, const char *location,
                           json_t **ret, struct err *reterr)
{
    const char *timeout = json_str(backup, "spec.itemOperationTimeout");
    json_t *patch = velero_phase("InProgress");
    AUTO(str) char *label = velero_label(location);
    AUTO(json) json_t *labels = json_pack("{s:s}", "velero.io/storage-location", label);

    json_put_take(patch, "status.startTimestamp", velero_time(v));
    json_put_str(patch, "spec.storageLocation", location);
    json_put_take(patch, "metadata.labels", TAKE(labels));
    if (!timeout || !*timeout)
        json_put_str(patch, "spec.itemOperationTimeout", DEFAULT_TIMEOUT);
    if (velero_patch(v, &VELERO_BACKUP, meta_name(backup), patch, reterr) < 0)
        return -1;
    *ret = ctl_peek(&v->ctl, &VELERO_BACKUP, VELERO_NAMESPACE, meta_name(backup));
    return *ret ? 0 : err_set(reterr, ERR_NOT_FOUND, NO_POS, "the backup has gone");
}

/* ---- storing ---- */

static int store(struct velero_run *r, const struct velero_bucket *b, struct err *reterr)
{
    const char *name = meta_name(r->owner);
    AUTO(json) json_t *contents = json_pack("{s:O}", "items", r->items);
    AUTO(json) json_t *volumes = json_pack("{s:O}", "volumes", r->volumes);

    if (velero_put_doc(r->v, b, "backups", name, ".json", contents, reterr) < 0 ||
        velero_put_doc(r->v, b, "backups", name, "-volumeinfo.json", volumes, reterr) < 0 ||
        velero_run_store(r, b, reterr) < 0)
        return -1;
    return velero_put_doc(r->v, b, "backups", name, "/velero-backup.json", r->owner, reterr);
}

static int fail(struct velero *v, const json_t *backup, const char *reason, struct err *reterr)
{
    json_t *patch = velero_phase("Failed");

    json_put_str(patch, "status.failureReason", reason);
    json_put_take(patch, "status.completionTimestamp", velero_time(v));
    return velero_patch(v, &VELERO_BACKUP, meta_name(backup), patch, reterr) < 0 ? -1 : 0;
}

static int back_up(struct velero_run *r, const struct velero_bucket *b, struct err *reterr)
{
    struct err err = {0};
    json_t *patch;
    int rc;

    collect(r);
    if (velero_down(r->v))
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    if (store(r, b, &err) < 0) {
        rc = fail(r->v, r->owner, err.msg, reterr);
        err_clear(&err);
        return rc;
    }
    patch = velero_run_status(r);
    json_put_take(patch, "status.progress",
                  json_pack("{s:I, s:I}", "totalItems", (json_int_t)strmap_count(r->done),
                            "itemsBackedUp", (json_int_t)json_array_size(r->items)));
    return velero_patch(r->v, &VELERO_BACKUP, meta_name(r->owner), patch, reterr) < 0 ? -1 : 0;
}

static int begin(struct velero *v, const json_t *backup, struct err *reterr)
{
    AUTO(str) char *location = velero_location_name(v, backup);
    AUTO(velero_bucket) struct velero_bucket b = {0};
    AUTO(volume_policies) struct volume_policies *policies = NULL;
    AUTO(json) json_t *mine = NULL;
    struct velero_run r;
    struct err why = {0};
    bool bad;
    int rc;

    policies = read_policies(v, backup, &bad, &why);
    if (bad || velero_bucket_of(v, location, &b, &why) < 0)
        return refuse(v, backup, &why, reterr);
    if (set_in_progress(v, backup, location, &mine, reterr) < 0)
        return -1;
    velero_run_start(&r, v, mine, VELERO_BACKUP_ACTION);
    r.policies = TAKE(policies);
    rc = back_up(&r, &b, reterr);
    velero_run_finish(&r);
    return rc;
}

/* ---- ending ---- */

static int finish(struct velero *v, const json_t *backup, struct err *reterr)
{
    bool failed = velero_phase_is(backup, "FinalizingPartiallyFailed");
    AUTO(velero_bucket) struct velero_bucket b = {0};
    AUTO(json) json_t *mine = json_copy_parts(backup, "status", NULL);
    json_t *patch = velero_phase(failed ? "PartiallyFailed" : "Completed");

    json_put_take(patch, "status.completionTimestamp", velero_time(v));
    json_object_update(json_object_get(mine, "status"), json_object_get(patch, "status"));
    if (velero_bucket_of(v, json_str_or_empty(backup, "spec.storageLocation"), &b, reterr) < 0 ||
        velero_put_doc(v, &b, "backups", meta_name(backup), "/velero-backup.json", mine, reterr) <
            0) {
        json_decref(patch);
        return -1;
    }
    return velero_patch(v, &VELERO_BACKUP, meta_name(backup), patch, reterr) < 0 ? -1 : 0;
}

int velero_reconcile_backup(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                            struct err *reterr)
{
    struct velero *v = cookie;
    AUTO(json) json_t *backup = ctl_peek(&v->ctl, &VELERO_BACKUP, ns, name);

    if (!backup || meta_deleting(backup))
        return 0;
    if (velero_phase_is(backup, "") || velero_phase_is(backup, "New"))
        return begin(v, backup, reterr);
    if (velero_waits(backup))
        return velero_poll(v, &VELERO_BACKUP, backup,
                           json_str_or_empty(backup, "spec.storageLocation"), ret_after_ns, reterr);
    if (strncmp(json_str_or_empty(backup, "status.phase"), "Finalizing", 10) == 0)
        return finish(v, backup, reterr);
    /* There is one worker, and it is here: the end of that run could not be told. */
    if (velero_phase_is(backup, "InProgress"))
        return fail(v, backup, "the backup ended without being told", reterr);
    return 0;
}
