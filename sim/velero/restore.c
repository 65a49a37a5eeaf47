/* The Restore: validated, its items made in Velero's order, then its operations are waited for. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/velero/velero_priv.h"

/* Velero's defaults; what is not named follows, by name. */
static const char *const order[] = {"customresourcedefinitions.apiextensions.k8s.io",
                                    "namespaces",
                                    "storageclasses.storage.k8s.io",
                                    "volumesnapshotclasses.snapshot.storage.k8s.io",
                                    "volumesnapshotcontents.snapshot.storage.k8s.io",
                                    "volumesnapshots.snapshot.storage.k8s.io",
                                    "datauploads.velero.io",
                                    "persistentvolumes",
                                    "persistentvolumeclaims",
                                    "serviceaccounts",
                                    "secrets",
                                    "configmaps",
                                    "limitranges",
                                    "pods",
                                    "replicasets.apps"};

static size_t rank_of(const char *resource)
{
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (strcmp(order[i], resource) == 0)
            return i;
    return ARRAY_LEN(order);
}

/* No two are equal: an item is in a backup once. */
static int compare(const void *va, const void *vb)
{
    const json_t *a = *(const json_t *const *)va, *b = *(const json_t *const *)vb;
    const char *resource_a = json_str_or_empty(a, "resource");
    const char *resource_b = json_str_or_empty(b, "resource");
    size_t rank_a = rank_of(resource_a), rank_b = rank_of(resource_b);
    const json_t *item_a = json_object_get(a, "object"), *item_b = json_object_get(b, "object");
    int c;

    if (rank_a != rank_b)
        return rank_a < rank_b ? -1 : 1;
    c = strcmp(resource_a, resource_b);
    c = c ? c : strcmp(meta_namespace(item_a), meta_namespace(item_b));
    return c ? c : strcmp(meta_name(item_a), meta_name(item_b));
}

static void restore_all(struct velero_run *r)
{
    size_t count = json_array_size(r->items), i;
    json_t **sorted = mem_reallocarray(NULL, count + 1, sizeof(json_t *)), *item;

    json_array_foreach(r->items, i, item) sorted[i] = item;
    qsort(sorted, count, sizeof(json_t *), compare);
    for (i = 0; i < count && !velero_down(r->v); i++)
        velero_restore_item(r, sorted[i]);
    free(sorted);
}

/* ---- beginning ---- */

static int refuse(struct velero *v, const json_t *restore, struct err *why, struct err *reterr)
{
    json_t *patch = velero_phase("FailedValidation");

    json_put_take(patch, "status.validationErrors", json_pack("[s]", why->msg));
    err_clear(why);
    return velero_patch(v, &VELERO_RESTORE, meta_name(restore), patch, reterr) < 0 ? -1 : 0;
}

static int fail(struct velero *v, const json_t *restore, const char *reason, struct err *reterr)
{
    json_t *patch = velero_phase("Failed");

    json_put_str(patch, "status.failureReason", reason);
    json_put_take(patch, "status.completionTimestamp", velero_time(v));
    return velero_patch(v, &VELERO_RESTORE, meta_name(restore), patch, reterr) < 0 ? -1 : 0;
}

static int find_backup(struct velero *v, const json_t *restore, json_t **ret, struct err *reterr)
{
    const char *name = json_str_or_empty(restore, "spec.backupName");
    AUTO(json) json_t *backup = ctl_peek(&v->ctl, &VELERO_BACKUP, VELERO_NAMESPACE, name);

    if (!backup)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "Error retrieving backup: backup '%s' not found", name);
    if (!velero_phase_is(backup, "Completed") && !velero_phase_is(backup, "PartiallyFailed"))
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "backup '%s' has phase '%s', expected Completed or PartiallyFailed", name,
                       json_str_or_empty(backup, "status.phase"));
    *ret = TAKE(backup);
    return 0;
}

static int set_in_progress(struct velero *v, const char *name, json_t **ret, struct err *reterr)
{
    json_t *patch = velero_phase("InProgress");

    json_put_take(patch, "status.startTimestamp", velero_time(v));
    if (velero_patch(v, &VELERO_RESTORE, name, patch, reterr) < 0)
        return -1;
    *ret = ctl_peek(&v->ctl, &VELERO_RESTORE, VELERO_NAMESPACE, name);
    return *ret ? 0 : err_set(reterr, ERR_NOT_FOUND, NO_POS, "the restore has gone");
}

static int restore(struct velero_run *r, const struct velero_bucket *b, struct err *reterr)
{
    struct err err = {0};
    AUTO(json)
    json_t *doc = velero_get_doc(r->v, b, "backups", json_str_or_empty(r->owner, "spec.backupName"),
                                 ".json", &err);
    int rc;

    if (doc) {
        json_decref(r->items);
        r->items = json_incref(json_object_get(doc, "items"));
        restore_all(r);
    }
    if (velero_down(r->v)) {
        err_clear(&err);
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    }
    if (!doc || velero_run_store(r, b, &err) < 0) {
        rc = fail(r->v, r->owner, err.msg, reterr);
        err_clear(&err);
        return rc;
    }
    return velero_patch(r->v, &VELERO_RESTORE, meta_name(r->owner), velero_run_status(r), reterr) <
                   0
               ? -1
               : 0;
}

static int begin(struct velero *v, const json_t *wanted, struct err *reterr)
{
    AUTO(velero_bucket) struct velero_bucket b = {0};
    AUTO(json) json_t *backup = NULL;
    AUTO(json) json_t *mine = NULL;
    struct velero_run r;
    struct err why = {0};
    int rc;

    if (find_backup(v, wanted, &backup, &why) < 0 ||
        velero_bucket_of(v, json_str_or_empty(backup, "spec.storageLocation"), &b, &why) < 0)
        return refuse(v, wanted, &why, reterr);
    if (set_in_progress(v, meta_name(wanted), &mine, reterr) < 0)
        return -1;
    velero_run_start(&r, v, mine, VELERO_RESTORE_ACTION);
    rc = restore(&r, &b, reterr);
    velero_run_finish(&r);
    return rc;
}

static int finish(struct velero *v, const json_t *restore, struct err *reterr)
{
    bool failed = velero_phase_is(restore, "FinalizingPartiallyFailed");
    json_t *patch = velero_phase(failed ? "PartiallyFailed" : "Completed");

    json_put_take(patch, "status.completionTimestamp", velero_time(v));
    return velero_patch(v, &VELERO_RESTORE, meta_name(restore), patch, reterr) < 0 ? -1 : 0;
}

/* ---- waiting ---- */

static int poll(struct velero *v, const json_t *restore, int64_t *ret_after_ns, struct err *reterr)
{
    AUTO(json)
    json_t *backup = ctl_peek(&v->ctl, &VELERO_BACKUP, VELERO_NAMESPACE,
                              json_str_or_empty(restore, "spec.backupName"));

    if (!backup)
        return fail(v, restore, "its backup has gone", reterr);
    return velero_poll(v, &VELERO_RESTORE, restore,
                       json_str_or_empty(backup, "spec.storageLocation"), ret_after_ns, reterr);
}

int velero_reconcile_restore(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                             struct err *reterr)
{
    struct velero *v = cookie;
    AUTO(json) json_t *restore = ctl_peek(&v->ctl, &VELERO_RESTORE, ns, name);

    if (!restore || meta_deleting(restore))
        return 0;
    if (velero_phase_is(restore, "") || velero_phase_is(restore, "New"))
        return begin(v, restore, reterr);
    if (velero_waits(restore))
        return poll(v, restore, ret_after_ns, reterr);
    if (strncmp(json_str_or_empty(restore, "status.phase"), "Finalizing", 10) == 0)
        return finish(v, restore, reterr);
    if (velero_phase_is(restore, "InProgress")) /* see velero_reconcile_backup() */
        return fail(v, restore, "the restore ended without being told", reterr);
    return 0;
}
