/* What must hold for a restore to start, read fresh (compute-instance-snapshots.md 3.6 and 6). The
 * order narrows the windows: first the snapshot, then KubeVirt's copy of it, and last whether the
 * machine stands still. What slips through them afterwards, KubeVirt refuses by itself
 * (FailImmediate), and the restore ends as failed. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/instance.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/text.h"
#include "kube/meta.h"

void osac_restore_source_finish(struct restore_source *s)
{
    free(s->vm);
    free(s->ns);
    free(s->vms);
    free(s->uid);
    free(s->uuid);
    memset(s, 0, sizeof *s);
}

const char *osac_restore_message(const char *reason)
{
    static const struct {
        const char *reason, *message;
    } texts[] = {
        {"VMNotStopped", "ComputeInstance must be stopped before restoring"},
        {"SnapshotNotSpecified", "The restore request names no snapshot"},
        {"SnapshotNotFound", "The snapshot does not exist"},
        /* A snapshot of another instance or tenant must not be told from one that does not exist.
         */
        {"SnapshotMismatch", "The snapshot does not exist"},
        {"SnapshotNotReady", "The snapshot was deleted or is no longer ready"},
        {"RestoreVanished", "The restore was removed before it finished"},
        {"RestoreStuck", "The restore made no progress"},
        {"LastRestoredAtNotStored", "The restore has finished, but this cluster's ComputeInstance "
                                    "definition has no field to record it"},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strcmp(texts[i].reason, reason) == 0)
            return texts[i].message;
    return "The restore failed";
}

static enum pass_step refuse(struct restore_refusal *ret, const char *reason)
{
    *ret = (struct restore_refusal){reason, osac_restore_message(reason)};
    return PASS_ON;
}

/* The name is not the identity: a snapshot that was deleted and made again under its old name holds
 * other data. The request carries a name and a time only, so a snapshot younger than the request is
 * not the one that was meant. A time before the instance itself comes from a clock that tells
 * nothing. */
static bool is_another(const struct pass *p, const json_t *snapshot, int64_t requested_s)
{
    const char *meant = meta_annotation(p->stored, KEY_RESTORE_FROM_UUID);
    const char *uuid = meta_label(snapshot, KEY_SNAPSHOT_UUID);
    if (meant && *meant)
        return !uuid || strcmp(meant, uuid) != 0;
    int64_t made_s, instance_s;
    if (!osac_seconds_parse(json_str(snapshot, "metadata.creationTimestamp"), &made_s) ||
        made_s <= requested_s)
        return false;
    return !osac_seconds_parse(json_str(p->stored, "metadata.creationTimestamp"), &instance_s) ||
           instance_s < requested_s;
}

static bool of_this_instance(const struct pass *p, const json_t *snapshot)
{
    return strcmp(json_str_or_empty(snapshot, "spec.computeInstanceRef"), meta_name(p->stored)) ==
               0 &&
           osac_object_same_tenant(snapshot, p->stored);
}

static enum pass_step check_snapshot(struct pass *p, int64_t requested_s,
                                     struct restore_source *ret, struct restore_refusal *refusal,
                                     struct err *reterr)
{
    const char *name = json_str_or_empty(p->stored, "spec.restoreFromSnapshot");
    if (!*name)
        return refuse(refusal, "SnapshotNotSpecified");
    AUTO(json) json_t *snapshot = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->op->hub, &osac_kind_snapshot, meta_namespace(p->stored), name,
                               &snapshot, &e);
    if (a == ANSWER_NOT_FOUND || a == ANSWER_NO_KIND)
        return refuse(refusal, "SnapshotNotFound");
    if (a != ANSWER_OK) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    if (!of_this_instance(p, snapshot) || is_another(p, snapshot, requested_s))
        return refuse(refusal, "SnapshotMismatch");
    const char *vms = json_str_or_empty(snapshot, "status.virtualMachineSnapshotRef.name");
    const char *ns = json_str_or_empty(snapshot, "status.virtualMachineSnapshotRef.namespace");
    if (meta_deleting(snapshot) || !*vms ||
        strcmp(json_str_or_empty(snapshot, "status.phase"), "Ready") != 0)
        return refuse(refusal, "SnapshotNotReady");
    if (strcmp(ns, ret->ns) != 0)
        return refuse(refusal, "SnapshotMismatch");
    ret->vms = mem_strdup(vms);
    ret->uid = mem_strdup(meta_uid(snapshot));
    if (meta_label(snapshot, KEY_SNAPSHOT_UUID))
        ret->uuid = mem_strdup(meta_label(snapshot, KEY_SNAPSHOT_UUID));
    return PASS_ON;
}

/* KubeVirt's copy says whose it is. One that says nothing has lost its marks; one that names
 * another snapshot holds that one's data, whatever the reference says. */
static bool of_another_snapshot(const json_t *vms, const struct restore_source *source)
{
    const char *uid = meta_annotation(vms, KEY_SNAPSHOT_UID);
    const char *uuid = meta_label(vms, KEY_SNAPSHOT_UUID);
    if (uuid && source->uuid)
        return strcmp(uuid, source->uuid) != 0;
    return uid && source->uid && strcmp(uid, source->uid) != 0;
}

static enum pass_step check_vms(struct pass *p, const struct restore_source *source,
                                struct restore_refusal *refusal, struct err *reterr)
{
    AUTO(json) json_t *vms = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->op->workload, &osac_kind_vms, source->ns, source->vms, &vms, &e);
    if (a == ANSWER_NOT_FOUND || a == ANSWER_NO_KIND)
        return refuse(refusal, "SnapshotNotReady");
    if (a != ANSWER_OK) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    if (strcmp(json_str_or_empty(vms, "spec.source.name"), source->vm) != 0 ||
        of_another_snapshot(vms, source))
        return refuse(refusal, "SnapshotMismatch");
    if (meta_deleting(vms) || !json_bool(vms, "status.readyToUse", false))
        return refuse(refusal, "SnapshotNotReady");
    return PASS_ON;
}

/* Stopped means that KubeVirt says so and that no VMI exists: a kept phase or an unknown status is
 * no proof. */
static enum pass_step check_vm(struct pass *p, const struct restore_source *source,
                               struct restore_refusal *refusal, struct err *reterr)
{
    AUTO(json) json_t *vm = NULL;
    AUTO(err) struct err e = {0};
    enum answer a = client_get(&p->op->workload, &osac_kind_vm, source->ns, source->vm, &vm, &e);
    if (a == ANSWER_NOT_FOUND)
        return refuse(refusal, "VMNotStopped");
    if (a != ANSWER_OK) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    if (strcmp(osac_status_phase_of_vm(vm), "Stopped") != 0)
        return refuse(refusal, "VMNotStopped");
    return PASS_ON;
}

static enum pass_step check_vmi(struct pass *p, const struct restore_source *source,
                                struct restore_refusal *refusal, struct err *reterr)
{
    AUTO(json) json_t *vmi = NULL;
    AUTO(err) struct err e = {0};
    switch (client_get(&p->op->workload, &osac_kind_vmi, source->ns, source->vm, &vmi, &e)) {
    case ANSWER_OK:
        return refuse(refusal, "VMNotStopped");
    case ANSWER_NOT_FOUND:
    case ANSWER_NO_KIND:
    case ANSWER_FORBIDDEN: /* not ours to see: KubeVirt checks it again before it touches a disk */
        return PASS_ON;
    default:
        err_move(reterr, &e);
        return PASS_FAILED;
    }
}

enum pass_step osac_restore_check(struct pass *p, int64_t requested_s, struct restore_source *ret,
                                  struct restore_refusal *ret_refusal, struct err *reterr)
{
    ret->vm = mem_strdup(
        json_str_or_empty(p->own, "status.virtualMachineReference.kubeVirtVirtualMachineName"));
    ret->ns = mem_strdup(json_str_or_empty(p->own, "status.virtualMachineReference.namespace"));
    enum pass_step step = check_snapshot(p, requested_s, ret, ret_refusal, reterr);
    if (step == PASS_ON && !ret_refusal->reason && !*ret->vm)
        return refuse(ret_refusal, "VMNotStopped");
    if (step == PASS_ON && !ret_refusal->reason)
        step = check_vms(p, ret, ret_refusal, reterr);
    if (step == PASS_ON && !ret_refusal->reason)
        step = check_vm(p, ret, ret_refusal, reterr);
    if (step == PASS_ON && !ret_refusal->reason)
        step = check_vmi(p, ret, ret_refusal, reterr);
    return step;
}
