/* VirtualMachineRestore (kubevirt-csi.md section 3): wait for the target, make claims from the
 * snapshot, give the machine the snapshot's spec. Every error is told in the conditions and
 * retried; only the readiness policies fail for good. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/kv_priv.h"

#define GRACE_NS (300 * NS_PER_S)
#define CLAIMS_NS (5 * NS_PER_S)
#define CREATING "Creating new PVCs"

static json_t *kv_restore_target(const struct kv *kv, const json_t *restore)
{
    return ctl_peek(&kv->restore, &KIND_VM, meta_namespace(restore),
                    json_str_or_empty(restore, "spec.target.name"));
}

char *kv_restore_id(const json_t *restore)
{
    return mem_printf("%s-%s", meta_name(restore), meta_uid(restore));
}

/* ---- status ---- */

static json_t *status_of(json_t *restore)
{
    json_t *status = json_object_get(restore, "status");
    if (!json_is_object(status)) {
        status = json_pack("{s:b}", "complete", 0);
        json_object_set_new(restore, "status", status);
    }
    return status;
}

static void set_texts(struct kv *kv, json_t *restore, const char *progressing, const char *why,
                      const char *ready, const char *ready_why)
{
    int64_t now = ctl_now(&kv->restore);
    json_t *status = status_of(restore);
    ctl_set_condition(status, "Progressing", progressing, why, NULL, now);
    ctl_set_condition(status, "Ready", ready, ready_why, NULL, now);
}

static int write_status(struct kv *kv, const json_t *old, const json_t *restore, struct err *reterr)
{
    if (json_same(json_object_get(old, "status"), json_object_get(restore, "status")))
        return 0;
    return ctl_update(&kv->restore, &KIND_RESTORE, "status", restore, reterr);
}

/* Every error, a conflict too, shows in event and conditions; there is no Failure, and the work
 * goes on. */
static int show_error(struct kv *kv, const json_t *old, int rc, struct err *reterr)
{
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    const char *text = reterr->msg ? reterr->msg : "unknown error";
    if (sched_crashed(kv->sched))
        return rc;
    ctl_event(&kv->restore, old, "Warning", "VirtualMachineRestoreError",
              "VirtualMachineRestore encountered error %s", text);
    AUTO(json)
    json_t *now = ctl_peek(&kv->restore, &KIND_RESTORE, meta_namespace(old), meta_name(old));
    if (!now)
        return rc;
    AUTO(json) json_t *restore = json_copy_of(now);
    set_texts(kv, restore, "False", text, "False", text);
    write_status(kv, now, restore, &e);
    return rc;
}

static int fail_for_good(struct kv *kv, const json_t *old, const char *text, struct err *reterr)
{
    AUTO(json) json_t *restore = json_copy_of(old);
    set_texts(kv, restore, "False", "Operation failed", "False", "Operation failed");
    ctl_set_condition(status_of(restore), "Failure", "True", text, NULL, ctl_now(&kv->restore));
    int rc = write_status(kv, old, restore, reterr);
    if (!rc)
        ctl_event(&kv->restore, old, "Warning", "Operation failed",
                  "VirtualMachineRestore failed %s", text);
    return rc;
}

/* ---- the machine's side of the lock ---- */

static int clear_in_progress(struct kv *kv, const json_t *restore, struct err *reterr)
{
    AUTO(json) json_t *vm = kv_restore_target(kv, restore);
    if (!vm || strcmp(json_str_or_empty(vm, "status.restoreInProgress"), meta_name(restore)))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(vm);
    json_drop(copy, "status.restoreInProgress");
    json_drop(copy, "status.memoryDumpRequest");
    return ctl_update(&kv->restore, &KIND_VM, "status", copy, reterr);
}

/* 0 and *ret_held: the machine carries our name. */
static int set_in_progress(struct kv *kv, const json_t *restore, const json_t *vm,
                           struct err *reterr)
{
    const char *holder = json_str(vm, "status.restoreInProgress");
    if (holder && *holder) {
        if (!strcmp(holder, meta_name(restore)))
            return 0;
        return err_set(reterr, ERR_INVALID, NO_POS, "vm restore %s in progress", holder);
    }
    AUTO(json) json_t *copy = json_copy_of(vm);
    json_put_str(copy, "status.restoreInProgress", meta_name(restore));
    return ctl_update(&kv->restore, &KIND_VM, "status", copy, reterr);
}

/* ---- readiness of the target (3.5): a VMI object in any phase is in the way ---- */

static int wait_for_target(struct kv *kv, const json_t *old, const char *event, const char *text,
                           struct err *reterr)
{
    AUTO(json) json_t *restore = json_copy_of(old);
    set_texts(kv, restore, "False", text, "False", text);
    if (!json_same(json_object_get(old, "status"), json_object_get(restore, "status")))
        ctl_event(&kv->restore, old, "Warning", "RestoreTargetNotReady", "%s", event);
    return write_status(kv, old, restore, reterr);
}

/* What PUT virtualmachines/<n>/stop does. */
static int stop_target(struct kv *kv, const json_t *vm, const json_t *vmi, struct err *reterr)
{
    const char *strategy = kv_run_strategy(vm);
    AUTO(json) json_t *copy = json_copy_of(vm);
    if (!strcmp(strategy, "Always") || !strcmp(strategy, "Once")) {
        if (json_path(copy, "spec.running"))
            json_put_take(copy, "spec.running", json_false());
        else
            json_put_str(copy, "spec.runStrategy", "Halted");
        return ctl_update(&kv->restore, &KIND_VM, NULL, copy, reterr);
    }
    if (!strcmp(strategy, "Halted")) {
        err_set(reterr, ERR_INVALID, NO_POS,
                "Operation cannot be fulfilled on virtualmachine.kubevirt.io \"%s\": Halted only "
                "supports manual stop requests with a shorter graceperiod",
                meta_name(vm));
        return -409;
    }
    json_put_take(copy, "status.stateChangeRequests", json_array());
    json_array_append_new(json_at_mut(copy, "status", "stateChangeRequests", NULL),
                          json_pack("{s:s, s:s}", "action", "Stop", "uid", meta_uid(vmi)));
    return ctl_update(&kv->restore, &KIND_VM, "status", copy, reterr);
}

static int on_target_not_ready(struct kv *kv, const json_t *restore, const json_t *vm,
                               const json_t *vmi, struct err *reterr)
{
    static const char please[] =
        "Restore target VMI still exists, please stop the restore target to "
        "proceed with restore";
    static const char stopping[] = "Automatically stopping restore target for restore operation";
    const char *policy = json_str(restore, "spec.targetReadinessPolicy");
    if (!policy)
        policy = "WaitGracePeriod";
    if (!strcmp(policy, "FailImmediate"))
        return fail_for_good(
            kv, restore, "Restore target VMI must be powered off before restore operation", reterr);
    if (!strcmp(policy, "StopTarget")) {
        int rc = wait_for_target(kv, restore, stopping, stopping, reterr);
        return rc || meta_deleting(vmi) ? rc : stop_target(kv, vm, vmi, reterr);
    }
    if (!strcmp(policy, "WaitEventually"))
        return wait_for_target(kv, restore, please,
                               "Waiting for target VM to be powered off. Please stop the restore "
                               "target to proceed with restore",
                               reterr);
    /* No timer: the failure comes with the first news after the grace period. */
    if (ctl_now(&kv->restore) - ctl_created(restore) > GRACE_NS)
        return fail_for_good(kv, restore,
                             "Restore target failed to be ready within 5m0s. Please power off the "
                             "target VM before attempting restore",
                             reterr);
    return wait_for_target(
        kv, restore, please,
        "Waiting for target VM to be powered off. Please stop the restore target "
        "to proceed with restore, or the operation will fail after 5m0s",
        reterr);
}

/* ---- the snapshot ---- */

/* The content to restore from, new; NULL with the text of 3.6. */
static json_t *find_content(struct kv *kv, const json_t *restore, const json_t *vm,
                            struct err *reterr)
{
    const char *ns = meta_namespace(restore);
    const char *name = json_str_or_empty(restore, "spec.virtualMachineSnapshotName");
    AUTO(json) json_t *snapshot = ctl_peek(&kv->restore, &KIND_SNAPSHOT, ns, name);
    const char *why = !snapshot ? "does not exist"
                      : !strcmp(json_str_or_empty(snapshot, "status.phase"), "Failed")
                          ? "failed and is invalid to use"
                      : !json_bool(snapshot, "status.readyToUse", false) ? "not ready"
                                                                         : NULL;
    if (why) {
        err_set(reterr, ERR_INVALID, NO_POS, "VMSnapshot %s/%s %s", ns, name, why);
        return NULL;
    }
    const char *content_name = json_str(snapshot, "status.virtualMachineSnapshotContentName");
    if (!content_name) {
        err_set(reterr, ERR_INVALID, NO_POS, "no snapshot content name in %s/%s", ns, name);
        return NULL;
    }
    AUTO(json) json_t *content = ctl_peek(&kv->restore, &KIND_CONTENT, ns, content_name);
    why = !content                                          ? "does not exist"
          : !json_bool(content, "status.readyToUse", false) ? "not ready"
                                                            : NULL;
    if (why) {
        err_set(reterr, ERR_INVALID, NO_POS, "VMSnapshotContent %s/%s %s", ns, content_name, why);
        return NULL;
    }
    if (vm && strcmp(meta_uid(vm), json_str_or_empty(snapshot, "status.sourceUID"))) {
        err_set(
            reterr, ERR_INVALID, NO_POS,
            "restore source and restore target are different but restore target already exists");
        return NULL;
    }
    return TAKE(content);
}

/* ---- steps ---- */

static int complete(struct kv *kv, const json_t *old, struct err *reterr)
{
    int rc = clear_in_progress(kv, old, reterr);
    if (rc)
        return rc;
    AUTO(json)
    json_t *now = ctl_peek(&kv->restore, &KIND_RESTORE, meta_namespace(old), meta_name(old));
    if (!now)
        return 0;
    AUTO(json) json_t *restore = json_copy_of(now);
    char when[TIME_TEXT];
    time_format(ctl_now(&kv->restore), when);
    json_t *status = status_of(restore);
    json_object_set_new(status, "complete", json_true());
    json_put_str(status, "restoreTime", when);
    set_texts(kv, restore, "False", "Operation complete", "True", "Operation complete");
    rc = write_status(kv, now, restore, reterr);
    if (!rc)
        ctl_event(&kv->restore, old, "Normal", "VirtualMachineRestoreComplete",
                  "Successfully completed VirtualMachineRestore %s", meta_name(old));
    return rc;
}

static bool says(const json_t *restore, const char *text)
{
    return !strcmp(json_str_or_empty(meta_condition(restore, "Progressing"), "reason"), text);
}

/* 0 and *ret_done: all claims are there. A text is written only once the claims gave no error, else
 * error and progress would chase each other without a pause. */
static int make_claims(struct kv *kv, const json_t *old, const json_t *content, const json_t *vm,
                       bool *ret_done, int64_t *ret_after_ns, struct err *reterr)
{
    bool waiting = false, planned = false;
    int64_t begun_ns = 0;
    AUTO(json) json_t *restore = json_copy_of(old);
    if (json_path(old, "status.restores")) {
        int rc = kv_restore_claims(kv, old, content, vm, &waiting, &begun_ns, reterr);
        if (rc)
            return rc;
    } else {
        planned = waiting = true;
        kv_restore_plan(restore, content);
    }
    int64_t left = begun_ns + kv->duration_ns[KV_RESTORE] - ctl_now(&kv->restore);
    if (!waiting && left > 0)
        *ret_after_ns = left;
    if (waiting) /* an old claim that makes room says nothing to a restore when it goes */
        *ret_after_ns = CLAIMS_NS;
    *ret_done = !waiting && left <= 0;
    if (*ret_done || (!planned && says(old, CREATING)))
        return 0;
    set_texts(kv, restore, "True", CREATING, "False", "Waiting for new PVCs");
    return write_status(kv, old, restore, reterr);
}

static int update_target(struct kv *kv, const json_t *old, const json_t *content, const json_t *vm,
                         struct err *reterr)
{
    if (says(old, CREATING)) {
        AUTO(json) json_t *restore = json_copy_of(old);
        kv_restore_note_deleted(restore, content, vm);
        set_texts(kv, restore, "True", "Updating target spec", "False",
                  "Waiting for target update");
        return write_status(kv, old, restore, reterr);
    }
    bool changed = false;
    int rc = kv_restore_apply(kv, old, content, vm, &changed, reterr);
    return rc || changed ? rc : complete(kv, old, reterr);
}

/* The machine has its new spec: whatever becomes of the snapshot now, nothing of it is looked at
 * any more. */
static bool is_applied(const json_t *restore, const json_t *vm)
{
    AUTO(str) char *id = kv_restore_id(restore);
    const char *last = vm ? meta_annotation(vm, "restore.kubevirt.io/lastRestoreUID") : NULL;
    return last && !strcmp(last, id);
}

static int advance(struct kv *kv, const json_t *restore, const json_t *vm, int64_t *ret_after_ns,
                   struct err *reterr)
{
    if (vm) {
        AUTO(json)
        json_t *vmi = ctl_peek(&kv->restore, &KIND_VMI, meta_namespace(vm), meta_name(vm));
        if (vmi && !is_applied(restore, vm))
            return on_target_not_ready(kv, restore, vm, vmi, reterr);
        const char *holder = json_str(vm, "status.restoreInProgress");
        bool held = holder && !strcmp(holder, meta_name(restore));
        if (!held && !is_applied(restore, vm))
            return set_in_progress(kv, restore, vm,
                                   reterr); /* the machine's news comes back here */
    }
    if (is_applied(restore, vm)) {
        bool changed = false;
        int rc = kv_restore_apply(kv, restore, NULL, vm, &changed, reterr);
        return rc || changed ? rc : complete(kv, restore, reterr);
    }
    AUTO(json) json_t *content = find_content(kv, restore, vm, reterr);
    if (!content)
        return -1;
    bool done = false;
    int rc = make_claims(kv, restore, content, vm, &done, ret_after_ns, reterr);
    return rc || !done ? rc : update_target(kv, restore, content, vm, reterr);
}

/* ---- first and last things ---- */

static int begin(struct kv *kv, const json_t *old, struct err *reterr)
{
    static const char text[] = "Initializing VirtualMachineRestore";
    AUTO(json) json_t *restore = json_copy_of(old);
    status_of(restore);
    set_texts(kv, restore, "True", text, "False", text);
    return write_status(kv, old, restore, reterr);
}

/* Finalizer and, when the target exists, its ownership: one update. *ret_changed: it was needed. */
static int own(struct kv *kv, const json_t *old, const json_t *vm, bool *ret_changed,
               struct err *reterr)
{
    AUTO(json) json_t *restore = json_copy_of(old);
    *ret_changed = meta_add_finalizer(restore, FINALIZER_RESTORE);
    if (vm && !json_array_size(json_path(old, "metadata.ownerReferences"))) {
        json_t *owners = json_array();
        json_array_append_new(owners, meta_owner_ref(vm, true, true));
        json_put_take(restore, "metadata.ownerReferences", owners);
        *ret_changed = true;
    }
    return *ret_changed ? ctl_update(&kv->restore, &KIND_RESTORE, NULL, restore, reterr) : 0;
}

static int on_deleting(struct kv *kv, const json_t *old, struct err *reterr)
{
    static const char text[] = "VM restore is deleting";
    if (!meta_has_finalizer(old, FINALIZER_RESTORE))
        return 0;
    int rc = clear_in_progress(kv, old, reterr);
    if (rc)
        return rc;
    AUTO(json) json_t *restore = json_copy_of(old);
    set_texts(kv, restore, "False", text, "False", text);
    if ((rc = write_status(kv, old, restore, reterr)))
        return rc;
    AUTO(json)
    json_t *now = ctl_peek(&kv->restore, &KIND_RESTORE, meta_namespace(old), meta_name(old));
    return now ? ctl_remove_finalizer(&kv->restore, &KIND_RESTORE, now, FINALIZER_RESTORE, reterr)
               : 0;
}

int kv_restore_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                         struct err *reterr)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *restore = ctl_peek(&kv->restore, &KIND_RESTORE, ns, name);
    if (!restore)
        return 0;
    if (meta_deleting(restore))
        return on_deleting(kv, restore, reterr);
    if (json_bool(restore, "status.complete", false) ||
        !strcmp(meta_condition_status(restore, "Failure"), "True"))
        return 0;
    if (!json_object_get(restore, "status"))
        return begin(kv, restore, reterr);
    AUTO(json) json_t *vm = kv_restore_target(kv, restore);
    bool changed = false;
    int rc = own(kv, restore, vm, &changed, reterr);
    if (!rc && !changed)
        rc = advance(kv, restore, vm, ret_after_ns, reterr);
    return rc ? show_error(kv, restore, rc, reterr) : 0;
}
