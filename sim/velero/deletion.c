/* The DeleteBackupRequest: delete actions for each item, the backup's documents, its restores, and
 * the Backup itself. What an action answers is logged and forgotten, as in the real server: its
 * leftovers are nobody's any more. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/velero/velero_priv.h"

static int processed(struct velero *v, const char *name, const char *error, struct err *reterr)
{
    json_t *patch = velero_phase("Processed");

    json_put_take(patch, "status.errors", error ? json_pack("[s]", error) : json_array());
    return velero_patch(v, &VELERO_DELETION, name, patch, reterr) < 0 ? -1 : 0;
}

/* ---- actions ---- */

static void delete_item(struct velero_run *r, const json_t *kept)
{
    const struct velero_type *t = velero_types_find(&r->types, json_str_or_empty(kept, "resource"));
    struct velero_input in = {.item = json_object_get(kept, "object"), .owner = r->owner};

    for (size_t i = 0; t && i < r->action_count && !velero_down(r->v); i++) {
        struct velero_output out = {0};
        struct err dropped = {0};

        if (velero_resources_have(r->actions[i]->resources, t))
            velero_run_action(r, r->actions[i], &in, &out, &dropped);
        velero_output_finish(&out);
        err_clear(&dropped);
    }
}

static int run_actions(struct velero *v, const struct velero_bucket *b, const json_t *backup,
                       struct err *reterr)
{
    struct velero_run r;
    AUTO(json) json_t *doc = NULL;
    struct err err = {0};
    size_t i;
    json_t *kept;
    int rc = 0;

    velero_run_start(&r, v, backup, VELERO_DELETE_ACTION);
    if (r.action_count > 0)
        doc = velero_get_doc(v, b, "backups", meta_name(backup), ".json", &err);
    if (err_pending(&err) && err.code != ERR_NOT_FOUND) /* a backup that failed has no items */
        rc = err_move(reterr, &err);
    err_clear(&err);
    json_array_foreach(json_object_get(doc, "items"), i, kept) delete_item(&r, kept);
    velero_run_finish(&r);
    return velero_down(v) ? -1 : rc;
}

/* ---- what belongs to it ---- */

static int delete_restores(struct velero *v, const struct velero_bucket *b, const char *backup,
                           struct err *reterr)
{
    AUTO(json) json_t *all = ctl_peek_all(&v->ctl, &VELERO_RESTORE, VELERO_NAMESPACE);
    size_t i;
    json_t *restore;

    json_array_foreach(all, i, restore)
    {
        if (strcmp(json_str_or_empty(restore, "spec.backupName"), backup) != 0)
            continue;
        if (velero_delete_docs(v, b, "restores", meta_name(restore), reterr) < 0 ||
            ctl_delete(&v->ctl, &VELERO_RESTORE, VELERO_NAMESPACE, meta_name(restore), NULL,
                       reterr) < 0)
            return -1;
    }
    return 0;
}

static int delete_requests(struct velero *v, const char *backup, struct err *reterr)
{
    AUTO(json) json_t *all = ctl_peek_all(&v->ctl, &VELERO_DELETION, VELERO_NAMESPACE);
    size_t i;
    json_t *request;

    json_array_foreach(all, i, request)
    {
        if (strcmp(json_str_or_empty(request, "spec.backupName"), backup) == 0 &&
            ctl_delete(&v->ctl, &VELERO_DELETION, VELERO_NAMESPACE, meta_name(request), NULL,
                       reterr) < 0)
            return -1;
    }
    return 0;
}

static int delete_all(struct velero *v, const struct velero_bucket *b, const json_t *backup,
                      struct err *reterr)
{
    const char *name = meta_name(backup);

    if (run_actions(v, b, backup, reterr) < 0 ||
        velero_delete_docs(v, b, "backups", name, reterr) < 0 ||
        delete_restores(v, b, name, reterr) < 0 ||
        ctl_delete(&v->ctl, &VELERO_BACKUP, VELERO_NAMESPACE, name, NULL, reterr) < 0)
        return -1;
    return delete_requests(v, name, reterr);
}

/* ---- the request ---- */

static bool is_running(const json_t *backup)
{
    return velero_phase_is(backup, "InProgress") || velero_waits(backup) ||
           strncmp(json_str_or_empty(backup, "status.phase"), "Finalizing", 10) == 0;
}

static int begin(struct velero *v, const json_t *request, const json_t *backup,
                 const struct velero_bucket *b, struct err *reterr)
{
    json_t *patch = velero_phase("InProgress");
    struct err why = {0};
    int rc;

    if (velero_patch(v, &VELERO_DELETION, meta_name(request), patch, reterr) < 0 ||
        velero_patch(v, &VELERO_BACKUP, meta_name(backup), velero_phase("Deleting"), reterr) < 0)
        return -1;
    if (delete_all(v, b, backup, &why) == 0)
        return 0;
    rc = velero_down(v) ? -1 : processed(v, meta_name(request), why.msg, reterr);
    err_clear(&why);
    return rc;
}

int velero_reconcile_deletion(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                              struct err *reterr)
{
    struct velero *v = cookie;
    AUTO(json) json_t *request = ctl_peek(&v->ctl, &VELERO_DELETION, ns, name);
    AUTO(velero_bucket) struct velero_bucket b = {0};
    AUTO(json) json_t *backup = NULL;
    struct err why = {0};
    int rc;

    (void)ret_after_ns;
    if (!request || meta_deleting(request) || velero_phase_is(request, "Processed"))
        return 0;
    backup = ctl_peek(&v->ctl, &VELERO_BACKUP, VELERO_NAMESPACE,
                      json_str_or_empty(request, "spec.backupName"));
    if (!backup)
        return processed(v, name, "backup not found", reterr);
    if (is_running(backup))
        return processed(v, name, "backup is still in progress", reterr);
    if (velero_bucket_of(v, json_str_or_empty(backup, "spec.storageLocation"), &b, &why) == 0)
        return begin(v, request, backup, &b, reterr);
    rc = processed(v, name, why.msg, reterr);
    err_clear(&why);
    return rc;
}
