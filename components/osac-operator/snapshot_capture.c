/* From a ComputeInstanceSnapshot to the VirtualMachineSnapshot that holds its data, and back.
 *
 * The object is named after the snapshot, and labelled with it, so that a crash between creating it
 * and recording it finds it again. A name alone proves nothing: an object of that name may belong
 * to an earlier snapshot of the same name, or to somebody else. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "components/osac-operator/kinds.h"
#include "components/osac-operator/snapshot.h"
#include "components/osac-operator/text.h"
#include "kube/meta.h"

#define REF_NAME "status.virtualMachineSnapshotRef.name"
#define REF_NAMESPACE "status.virtualMachineSnapshotRef.namespace"

/* ---- finding ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b && *a && strcmp(a, b) == 0;
}

/* By our object's uid, or by the fulfillment id, which survives when the hub's object is made
 * again. */
static bool is_ours(const struct pass *p, const json_t *vms)
{
    return same_text(meta_annotation(vms, KEY_SNAPSHOT_UID), meta_uid(p->stored)) ||
           same_text(meta_label(vms, KEY_SNAPSHOT_UUID), meta_label(p->stored, KEY_SNAPSHOT_UUID));
}

static bool is_anybodys(const json_t *vms)
{
    return meta_annotation(vms, KEY_SNAPSHOT_UID) || meta_label(vms, KEY_SNAPSHOT_UUID) ||
           meta_label(vms, KEY_SNAPSHOT);
}

static bool is_referenced(const struct pass *p, const json_t *vms)
{
    return same_text(meta_name(vms), json_str(p->stored, REF_NAME)) &&
           same_text(meta_namespace(vms), json_str(p->stored, REF_NAMESPACE));
}

static enum answer list_labelled(struct pass *p, json_t **ret, struct err *reterr)
{
    char *value = osac_object_label_value(meta_name(p->stored));
    char *selector = mem_printf("%s=%s", KEY_SNAPSHOT, value);
    enum answer a =
        client_list(&p->op->workload, &osac_kind_vms, NULL, selector, NULL, ret, reterr);
    free(selector);
    free(value);
    return a;
}

/* The one that was recorded, when its labels were lost: ours unless it says that it is another's.
 */
static enum answer add_referenced(struct pass *p, json_t *found, struct err *reterr)
{
    const char *name = json_str(p->stored, REF_NAME), *ns = json_str(p->stored, REF_NAMESPACE);
    if (!name || !ns)
        return ANSWER_OK;
    size_t i;
    const json_t *known;
    json_array_foreach(found, i, known) if (is_referenced(p, known)) return ANSWER_OK;
    AUTO(json) json_t *vms = NULL;
    enum answer a = client_get(&p->op->workload, &osac_kind_vms, ns, name, &vms, reterr);
    if (a == ANSWER_OK && (is_ours(p, vms) || !is_anybodys(vms)))
        json_array_append(found, vms);
    return a;
}

enum pass_step osac_snapshot_find_recorded(struct pass *p, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *found = json_array();
    AUTO(err) struct err e = {0};
    enum answer a = add_referenced(p, found, &e);
    if (a != ANSWER_OK && a != ANSWER_NO_KIND && a != ANSWER_NOT_FOUND) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    if (json_array_size(found) == 0)
        return osac_snapshot_find(p, ret, reterr);
    *ret = TAKE(found);
    return PASS_ON;
}

enum pass_step osac_snapshot_find(struct pass *p, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *labelled = NULL;
    AUTO(json) json_t *found = json_array();
    AUTO(err) struct err e = {0};
    enum answer a = list_labelled(p, &labelled, &e);
    size_t i;
    json_t *vms;
    json_array_foreach(labelled, i, vms) if (is_ours(p, vms)) json_array_append(found, vms);
    if (a == ANSWER_OK)
        a = add_referenced(p, found, &e);
    if (a != ANSWER_OK && a != ANSWER_NO_KIND && a != ANSWER_NOT_FOUND) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    *ret = TAKE(found);
    return PASS_ON;
}

/* ---- the parent ---- */

static enum pass_step give_up(struct pass *p, const char *reason, const char *message)
{
    host_log(p->op->host, LOG_WARNING, "snapshot %s failed: %s: %s", meta_name(p->stored), reason,
             message);
    osac_snapshot_set(p, "Failed", reason, message);
    return PASS_STOP;
}

static enum pass_step wait(struct pass *p, const char *reason, const char *message)
{
    osac_snapshot_set(p, "Creating", reason, message);
    reconcile_after(p->result, p->op->requeue_ns);
    return PASS_STOP;
}

static enum pass_step read_parent(struct pass *p, json_t **ret, struct err *reterr)
{
    AUTO(json) json_t *parent = NULL;
    AUTO(err) struct err e = {0};
    enum answer a =
        client_get(&p->op->hub, &osac_kind_instance, meta_namespace(p->stored),
                   json_str_or_empty(p->stored, "spec.computeInstanceRef"), &parent, &e);
    if (a == ANSWER_NOT_FOUND)
        return give_up(p, "ComputeInstanceNotFound", "The compute instance does not exist");
    if (a != ANSWER_OK) {
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    if (!osac_object_same_tenant(parent,
                                 p->stored)) /* the same words as for one that does not exist */
        return give_up(p, "ComputeInstanceNotFound", "The compute instance does not exist");
    if (meta_deleting(parent))
        return give_up(p, "ComputeInstanceDeleting", "The compute instance is being deleted");
    if (!*json_str_or_empty(parent, "status.virtualMachineReference.kubeVirtVirtualMachineName"))
        return wait(p, "ComputeInstanceNotProvisioned",
                    "The compute instance is not yet provisioned");
    *ret = TAKE(parent);
    return PASS_ON;
}

/* Two machines with one instance's label, or another one than the instance refers to: no telling
 * which data would be captured. A machine that is gone is KubeVirt's to report. */
static enum pass_step check_machine(struct pass *p, const json_t *parent, struct err *reterr)
{
    AUTO(json) json_t *vm = NULL;
    if (osac_pass_machine(p, parent, &vm, reterr) != PASS_ON)
        return PASS_FAILED;
    if (vm && strcmp(meta_name(vm),
                     json_str_or_empty(
                         parent, "status.virtualMachineReference.kubeVirtVirtualMachineName")) != 0)
        return wait(p, "ComputeInstanceChanging", "The compute instance's machine is changing");
    return PASS_ON;
}

static void warn_of_many(struct pass *p)
{
    if (p->op->snapshots_warn_at <= 0 || !p->op->snapshots)
        return;
    const char *parent = json_str_or_empty(p->stored, "spec.computeInstanceRef");
    int64_t count = 0;
    size_t pos = 0;
    json_t *other;
    while (informer_each(p->op->snapshots, &pos, &other))
        count += strcmp(json_str_or_empty(other, "spec.computeInstanceRef"), parent) == 0;
    if (count > p->op->snapshots_warn_at)
        host_log(p->op->host, LOG_WARNING, "compute instance %s has %lld snapshots", parent,
                 (long long)count);
}

/* ---- creating ---- */

static json_t *new_vms(const struct pass *p, const json_t *parent, const char *name)
{
    json_t *vms =
        kind_object(&osac_kind_vms,
                    json_str_or_empty(parent, "status.virtualMachineReference.namespace"), name);
    char *value = osac_object_label_value(meta_name(p->stored));
    meta_set_label(vms, KEY_SNAPSHOT, value);
    free(value);
    const char *uuid = meta_label(p->stored, KEY_SNAPSHOT_UUID);
    if (uuid)
        meta_set_label(vms, KEY_SNAPSHOT_UUID, uuid);
    meta_set_annotation(vms, KEY_SNAPSHOT_UID, meta_uid(p->stored));
    json_put_str(vms, "spec.source.apiGroup", "kubevirt.io");
    json_put_str(vms, "spec.source.kind", "VirtualMachine");
    json_put_str(
        vms, "spec.source.name",
        json_str_or_empty(parent, "status.virtualMachineReference.kubeVirtVirtualMachineName"));
    return vms;
}

static enum pass_step created(struct pass *p, const json_t *vms)
{
    json_put_str(p->own, REF_NAME, meta_name(vms));
    json_put_str(p->own, REF_NAMESPACE, meta_namespace(vms));
    osac_snapshot_set(p, "Creating", "Creating", "");
    reconcile_after(p->result, p->op->poll_ns);
    return PASS_STOP;
}

static enum pass_step refused(struct pass *p, const char *details)
{
    char *text = osac_text_for_tenant(details);
    char *message = mem_printf("The snapshot was refused: %s", text);
    give_up(p, "SnapshotRefused", message);
    free(message);
    free(text);
    return PASS_STOP;
}

/* Missing rights and quotas come and go: not final, but visible. */
static enum pass_step not_allowed(struct pass *p, struct err *e, struct err *reterr)
{
    osac_snapshot_set(p, "Creating", "SnapshotForbidden",
                      "The platform does not allow the snapshot yet");
    err_move(reterr, e);
    return PASS_FAILED;
}

/* PASS_ON: the name is another's, try the next one. */
static enum pass_step create_named(struct pass *p, const json_t *parent, const char *name,
                                   struct err *reterr)
{
    AUTO(json) json_t *vms = new_vms(p, parent, name);
    AUTO(json) json_t *there = NULL;
    AUTO(err) struct err e = {0};
    switch (client_create(&p->op->workload, &osac_kind_vms, vms, NULL, &e)) {
    case ANSWER_OK:
        return created(p, vms);
    case ANSWER_NO_KIND:
        host_log(p->op->host, LOG_ERROR, "the workload cluster has no VirtualMachineSnapshots");
        return give_up(p, "SnapshotsNotSupported", "This platform offers no snapshots");
    case ANSWER_INVALID:
        return refused(p, e.msg);
    case ANSWER_FORBIDDEN:
        return not_allowed(p, &e, reterr);
    case ANSWER_EXISTS:
        break;
    default: /* it may have happened: the next pass looks first */
        err_move(reterr, &e);
        return PASS_FAILED;
    }
    err_clear(&e);
    enum answer a =
        client_get(&p->op->workload, &osac_kind_vms, meta_namespace(vms), name, &there, &e);
    if (a == ANSWER_OK)
        return is_ours(p, there) ? created(p, there) : PASS_ON;
    err_move(reterr, &e);
    return PASS_FAILED;
}

static enum pass_step create_vms(struct pass *p, const json_t *parent, struct err *reterr)
{
    enum pass_step step = create_named(p, parent, meta_name(p->stored), reterr);
    if (step != PASS_ON)
        return step;
    char *name = osac_text_hashed_name("snapshot-", meta_name(p->stored), meta_uid(p->stored));
    step = create_named(p, parent, name, reterr);
    free(name);
    if (step == PASS_ON)
        step = give_up(p, "SnapshotNameTaken", "The snapshot could not be named");
    return step;
}

enum pass_step osac_snapshot_capture(struct pass *p, struct err *reterr)
{
    AUTO(json) json_t *parent = NULL;
    enum pass_step step = read_parent(p, &parent, reterr);
    if (step == PASS_ON)
        step = check_machine(p, parent, reterr);
    if (step != PASS_ON)
        return step;
    warn_of_many(p);
    return create_vms(p, parent, reterr);
}
