/* The ComputeInstanceSnapshot controller (compute-instance-snapshots.md 3.2): level-triggered, from
 * the KubeVirt snapshot to phase and condition. A snapshot is captured once: when its data are gone
 * it fails, because a new capture under the old name would be other data. */
#include "components/osac-operator/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/text.h"
#include "kube/meta.h"

void osac_snapshot_set(struct pass *p, const char *phase, const char *reason, const char *message)
{
    json_put_str(p->own, "status.phase", phase);
    meta_set_condition(p->own, "Ready", strcmp(phase, "Ready") == 0 ? "True" : "False", reason,
                       message, host_now(p->op->host));
}

/* ---- from the KubeVirt snapshot to ours ---- */

static bool has_indication(const json_t *vms, const char *name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_path(vms, "status.sourceIndications"), i,
                       item) if (strcmp(json_str_or_empty(item, "indication"), name) ==
                                 0) return true;
    json_array_foreach(json_path(vms, "status.indications"), i,
                       item) if (json_is_string(item) &&
                                 strcmp(json_string_value(item), name) == 0) return true;
    return false;
}

static void map_ready(struct pass *p, const json_t *vms)
{
    const char *taken = json_str(vms, "status.creationTime");
    if (taken)
        json_put_str(p->own, "status.creationTime", taken);
    if (has_indication(vms, "Online"))
        json_put_take(p->own, "status.online", json_true());
    else
        json_drop(p->own, "status.online");
    /* The size stays absent: KubeVirt does not tell it, and the CSI objects are not ours to read.
     */
    if (has_indication(vms, "PartialSnapshot"))
        osac_snapshot_set(p, "Ready", "PartialSnapshot",
                          "Some volumes are not part of the snapshot");
    else
        osac_snapshot_set(p, "Ready", "Ready", "");
}

static const char *condition_text(const json_t *vms, const char *type)
{
    const json_t *c = meta_condition(vms, type);
    const char *message = json_str_or_empty(c, "message");
    return *message ? message : json_str_or_empty(c, "reason");
}

static const char *error_text(const json_t *vms)
{
    const char *error = json_str_or_empty(vms, "status.error.message");
    if (*error)
        return error;
    if (strcmp(meta_condition_status(vms, "Failure"), "True") == 0)
        return condition_text(vms, "Failure");
    return "";
}

static void map_failed(struct pass *p, const json_t *vms)
{
    char *text = osac_text_for_tenant(error_text(vms));
    char *message =
        *text ? mem_printf("The snapshot failed: %s", text) : mem_strdup("The snapshot failed");
    osac_snapshot_set(p, "Failed", "SnapshotFailed", message);
    free(message);
    free(text);
}

/* Readiness wins over an error that was left behind. An error may pass: then the next look says so.
 */
static void map_status(struct pass *p, const json_t *vms)
{
    const char *phase = json_str_or_empty(vms, "status.phase");
    if (meta_deleting(vms)) {
        osac_snapshot_set(p, "Failed", "SnapshotDeleted", "The snapshot's data are being deleted");
    } else if (json_bool(vms, "status.readyToUse", false)) {
        map_ready(p, vms);
    } else if (json_is_object(json_path(vms, "status.error")) || strcmp(phase, "Failed") == 0) {
        map_failed(p, vms);
    } else {
        char *text = osac_text_for_tenant(condition_text(vms, "Progressing"));
        osac_snapshot_set(p, "Creating", "Creating", text);
        free(text);
        reconcile_after(p->result, p->op->poll_ns);
    }
}

static void record_reference(struct pass *p, const json_t *vms)
{
    json_put_str(p->own, "status.virtualMachineSnapshotRef.name", meta_name(vms));
    json_put_str(p->own, "status.virtualMachineSnapshotRef.namespace", meta_namespace(vms));
}

static enum pass_step follow(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *found = NULL;
    enum pass_step step = osac_snapshot_find_recorded(p, &found, reterr);
    if (step != PASS_ON)
        return step;
    if (json_array_size(found) > 0) {
        record_reference(p, json_array_get(found, 0));
        map_status(p, json_array_get(found, 0));
        return PASS_ON;
    }
    if (json_path(p->own, "status.virtualMachineSnapshotRef")) {
        osac_snapshot_set(p, "Failed", "SnapshotLost", "The snapshot's data no longer exist");
        return PASS_ON;
    }
    if (strcmp(json_str_or_empty(p->own, "status.phase"), "Failed") == 0)
        return PASS_ON; /* it never came to a capture, and will not */
    return osac_snapshot_capture(p, reterr);
}

/* ---- the two branches ---- */

/* The finalizer is stored before the workload cluster hears of us: whatever happens then, deletion
 * cleans up. */
static enum pass_step adopt_snapshot(struct pass *p, struct err *reterr)
{
    if (meta_has_finalizer(p->stored, SNAPSHOT_FINALIZER))
        return PASS_ON;
    AUTO(json) json_t *edited = json_copy_of(p->stored);
    meta_add_finalizer(edited, SNAPSHOT_FINALIZER);
    return osac_pass_write_metadata(p, edited, reterr);
}

static enum pass_step live_pass(struct pass *p, struct err *reterr)
{
    enum pass_step step = adopt_snapshot(p, reterr);
    if (step != PASS_ON)
        return step;
    AUTO(err) struct err e = {0};
    if (!*json_str_or_empty(p->own, "status.phase"))
        osac_snapshot_set(p, "Creating", "Creating", "");
    step = follow(p, &e);
    if (e.code != ERR_CRASHED) { /* what went wrong is worth showing before the back-off */
        enum pass_step wrote = osac_pass_write_status(p, step == PASS_FAILED ? NULL : reterr);
        if (step != PASS_FAILED)
            step = wrote;
    }
    if (step == PASS_FAILED && err_pending(&e))
        err_move(reterr, &e);
    return step;
}

static enum pass_step delete_captures(struct pass *p, const json_t *found, struct err *reterr)
{
    size_t i;
    const json_t *vms;
    json_array_foreach(found, i, vms)
    {
        if (meta_deleting(vms))
            continue;
        AUTO(err) struct err e = {0};
        struct delete_options options = {.uid = meta_uid(vms)};
        enum answer a = client_delete(&p->op->workload, &osac_kind_vms, meta_namespace(vms),
                                      meta_name(vms), &options, &e);
        if (a == ANSWER_OK || a == ANSWER_NOT_FOUND || a == ANSWER_CONFLICT)
            continue;
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    return PASS_ON;
}

static enum pass_step release_snapshot(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *edited = json_copy_of(p->stored);
    meta_remove_finalizer(edited, SNAPSHOT_FINALIZER);
    return osac_pass_write_metadata(p, edited, reterr);
}

/* Only a definite answer that nothing is there releases the finalizer; a timeout is no such answer.
 * *ret_gone: it was given. */
static enum pass_step remove_captures(struct pass *p, bool *ret_gone, struct err *reterr)
{
    AUTO(json) json_t *found = NULL;
    enum pass_step step = osac_snapshot_find(p, &found, reterr);
    *ret_gone = step == PASS_ON && json_array_size(found) == 0;
    if (step != PASS_ON || *ret_gone)
        return step;
    reconcile_after(p->result, p->op->requeue_ns);
    return delete_captures(p, found, reterr);
}

/* That the deletion is stuck shows in the condition; the words say nothing of the platform. */
static enum pass_step delete_pass(struct pass *p, struct err *reterr)
{
    if (!meta_has_finalizer(p->stored, SNAPSHOT_FINALIZER))
        return PASS_ON;
    enum pass_step step = PASS_ON;
    if (strcmp(json_str_or_empty(p->own, "status.phase"), "Deleting") != 0) {
        osac_snapshot_set(p, "Deleting", "Deleting", "");
        step = osac_pass_write_status(p, reterr);
    }
    if (step != PASS_ON)
        return step;
    bool gone = false;
    AUTO(err) struct err e = {0};
    step = remove_captures(p, &gone, &e);
    if (gone)
        return release_snapshot(p, reterr);
    if (e.code != ERR_CRASHED) {
        bool stuck = step == PASS_FAILED;
        osac_snapshot_set(p, "Deleting", stuck ? "DeletionBlocked" : "Deleting",
                          stuck ? "The snapshot's data could not be deleted yet" : "");
        enum pass_step wrote = osac_pass_write_status(p, stuck ? NULL : reterr);
        if (!stuck)
            return wrote;
    }
    err_move(reterr, &e);
    return step;
}

int osac_snapshot_reconcile(void *cookie, const char *ns, const char *name,
                            struct reconcile_result *ret, struct err *reterr)
{
    struct pass p = {.op = cookie, .kind = &osac_kind_snapshot, .result = ret};
    return osac_pass_run(&p, ns, name, live_pass, delete_pass, reterr);
}
