/* Deleting an instance deletes its snapshots first (compute-instance-snapshots.md 3.8). A snapshot
 * is the instance's when both its reference and its tenant say so: one without a tenant is
 * nobody's, and a forged one of another tenant is neither deleted nor waited for. The list is read
 * anew on every pass, because snapshots may still be created. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/plural.h"
#include "components/osac-operator/instance.h"
#include "components/osac-operator/kinds.h"
#include "kube/meta.h"

static bool belongs(const json_t *snapshot, const json_t *instance)
{
    const char *theirs = meta_annotation(snapshot, KEY_TENANT);
    const char *ours = meta_annotation(instance, KEY_TENANT);
    return theirs && ours && *ours && strcmp(theirs, ours) == 0 &&
           strcmp(json_str_or_empty(snapshot, "spec.computeInstanceRef"), meta_name(instance)) == 0;
}

static enum pass_step delete_one(struct pass *p, const json_t *snapshot, struct err *reterr)
{
    if (meta_deleting(snapshot))
        return PASS_ON;
    AUTO(err) struct err e = {0};
    struct delete_options options = {.uid = meta_uid(snapshot)};
    enum answer a = client_delete(&p->op->hub, &osac_kind_snapshot, meta_namespace(snapshot),
                                  meta_name(snapshot), &options, &e);
    if (a == ANSWER_OK || a == ANSWER_NOT_FOUND || a == ANSWER_CONFLICT)
        return PASS_ON; /* a conflict means that another one has its name by now: the next pass sees
                           it */
    err_move(reterr, &e);
    return PASS_FAILED;
}

static void show_progress(struct pass *p, size_t left)
{
    char *message =
        mem_printf("%zu %s left to delete", left, plural(left, "snapshot", "snapshots"));
    osac_pass_condition(p, "Ready", "False", "DeletingSnapshots", message);
    free(message);
}

enum pass_step osac_cascade_snapshots(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *snapshots = NULL;
    AUTO(err) struct err e = {0};
    if (p->op->version < OPERATOR_1_1)
        return PASS_ON; /* it knows of none */
    enum answer a = client_list(&p->op->hub, &osac_kind_snapshot, meta_namespace(p->stored), NULL,
                                NULL, &snapshots, &e);
    if (a == ANSWER_NO_KIND)
        return PASS_ON; /* a hub without the kind holds none */
    if (a != ANSWER_OK) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    AUTO(json) json_t *ours = json_array();
    size_t left = 0, i;
    json_t *snapshot;
    json_array_foreach(snapshots, i, snapshot)
    {
        if (!belongs(snapshot, p->stored))
            continue;
        left++;
        json_array_append(ours, snapshot);
    }
    if (!left)
        return PASS_ON;
    show_progress(p, left);
    reconcile_after(p->result, p->op->requeue_ns);
    enum pass_step step = osac_pass_write_status(p, reterr); /* many take their time */
    for (i = 0; step == PASS_ON && i < left; i++)
        step = delete_one(p, json_array_get(ours, i), reterr);
    return step == PASS_ON ? PASS_STOP : step;
}
