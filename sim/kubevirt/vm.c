/* The VM controller: one machine object, by its run strategy, becomes one instance object or none
 * (kubevirt-csi.md 1.1 to 1.6). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

const char *kv_run_strategy(const json_t *vm)
{
    const char *strategy = json_str(vm, "spec.runStrategy");
    if (strategy)
        return strategy;
    return json_bool(vm, "spec.running", false) ? "Always" : "Halted";
}

const json_t *kv_vm_volumes(const json_t *vm)
{
    return json_at(vm, "spec", "template", "spec", "volumes", NULL);
}

const char *kv_volume_claim(const json_t *volume)
{
    const char *claim = json_str(volume, "persistentVolumeClaim.claimName");
    if (!claim)
        claim = json_str(volume, "dataVolume.name"); /* the claim has the DataVolume's name */
    return claim ? claim : json_str(volume, "memoryDump.claimName");
}

bool kv_vm_uses_claim(const json_t *vm, const char *claim)
{
    size_t i;
    json_t *volume;
    json_array_foreach(kv_vm_volumes(vm), i, volume)
    {
        const char *used = kv_volume_claim(volume);
        if (used && !strcmp(used, claim))
            return true;
    }
    return false;
}

bool kv_vmi_final(const json_t *vmi)
{
    const char *phase = json_str_or_empty(vmi, "status.phase");
    return !strcmp(phase, "Succeeded") || !strcmp(phase, "Failed");
}

static char *kv_revision_name(const json_t *vm, int64_t generation)
{
    return mem_printf("revision-start-vm-%s-%lld", meta_uid(vm), (long long)generation);
}

/* ---- first writes to a new machine ---- */

static int observe_version(struct kv *kv, const json_t *vm, struct err *reterr)
{
    static const char latest[] = "kubevirt.io/latest-observed-api-version";
    static const char storage[] = "kubevirt.io/storage-observed-api-version";
    if (meta_annotation(vm, latest) && meta_annotation(vm, storage))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(vm);
    meta_set_annotation(copy, latest, "v1");
    meta_set_annotation(copy, storage, "v1");
    return ctl_update(&kv->vm, &KIND_VM, NULL, copy, reterr);
}

/* ---- start ---- */

static json_t *owner_list(const json_t *owner)
{
    json_t *list = json_array();
    json_array_append_new(list, meta_owner_ref(owner, true, true));
    return list;
}

/* Keeps the spec that the instance starts from. A cluster that does not serve controller revisions
 * goes without. */
static int write_revision(struct kv *kv, const json_t *vm, const char *name, struct err *reterr)
{
    AUTO(json) json_t *all = ctl_peek_all(&kv->vm, &KIND_REVISION, meta_namespace(vm));
    AUTO(str) char *prefix = mem_printf("revision-start-vm-%s-", meta_uid(vm));
    size_t i;
    json_t *old;
    json_array_foreach(all, i, old)
    {
        if (strncmp(meta_name(old), prefix, strlen(prefix)) || !strcmp(meta_name(old), name))
            continue;
        int rc =
            ctl_delete(&kv->vm, &KIND_REVISION, meta_namespace(vm), meta_name(old), NULL, reterr);
        if (rc)
            return rc;
    }
    AUTO(json) json_t *revision = ctl_object(&KIND_REVISION, meta_namespace(vm), name);
    json_put_take(revision, "metadata.ownerReferences", owner_list(vm));
    json_put_take(revision, "data.spec", kv_vm_spec_to_keep(kv, vm));
    json_put_take(revision, "revision", json_integer(meta_generation(vm)));
    int rc = ctl_ensure(&kv->vm, &KIND_REVISION, revision, NULL, reterr);
    if (rc == -404) {
        err_clear(reterr);
        return 0;
    }
    return rc;
}

/* start with {"paused": true}. */
static bool paused_start_requested(const json_t *vm)
{
    size_t i;
    json_t *request;
    json_array_foreach(json_at(vm, "status", "stateChangeRequests", NULL), i, request)
    {
        if (!strcmp(json_str_or_empty(request, "action"), "Start") &&
            !strcmp(json_str_or_empty(request, "data.paused"), "true"))
            return true;
    }
    return false;
}

static json_t *instance_of(const struct kv *kv, const json_t *vm, const char *revision,
                           const json_t *spec)
{
    json_t *vmi = ctl_object(&KIND_VMI, meta_namespace(vm), meta_name(vm));
    const json_t *template = json_at(vm, "spec", "template", NULL);
    const json_t *labels = json_at(template, "metadata", "labels", NULL);
    const json_t *annotations = json_at(template, "metadata", "annotations", NULL);
    if (labels)
        json_put_take(vmi, "metadata.labels", json_copy_of(labels));
    if (annotations)
        json_put_take(vmi, "metadata.annotations", json_copy_of(annotations));
    AUTO(str) char *generation = mem_printf("%lld", (long long)meta_generation(vm));
    meta_set_annotation(vmi, "kubevirt.io/vm-generation", generation);
    meta_set_label(vmi, "vm.kubevirt.io/name", meta_name(vm));
    json_put_take(vmi, "metadata.ownerReferences", owner_list(vm));
    meta_add_finalizer(vmi, FINALIZER_VM);
    kv_instancetype_annotate(vm, vmi);
    json_object_set_new(vmi, "spec", json_copy_of(spec));
    if (paused_start_requested(vm))
        json_put_str(vmi, "spec.startStrategy", "Paused");
    json_put_str(vmi, "status.virtualMachineRevisionName", revision);
    kv_cbt_instance(kv, vm, vmi);
    return vmi;
}

static int start(struct kv *kv, const json_t *vm, struct err *reterr)
{
    AUTO(str) char *revision = kv_revision_name(vm, meta_generation(vm));
    int rc = write_revision(kv, vm, revision, reterr);
    if (rc)
        return rc;
    AUTO(json) json_t *spec = NULL;
    if ((rc = kv_vm_template(kv, vm, &spec, reterr)))
        return rc;
    AUTO(json) json_t *vmi = instance_of(kv, vm, revision, spec);
    rc = ctl_create(&kv->vm, &KIND_VMI, vmi, NULL, reterr);
    if (rc) {
        ctl_event(&kv->vm, vm, "Warning", "FailedCreate",
                  "Error creating virtual machine instance: %s", reterr->msg ? reterr->msg : "");
        return rc;
    }
    ctl_event(&kv->vm, vm, "Normal", "SuccessfulCreate",
              "Started the virtual machine by creating the new virtual machine instance %s",
              meta_name(vm));
    return 0;
}

static int stop(struct kv *kv, const json_t *vm, const json_t *vmi, struct err *reterr)
{
    int rc =
        ctl_delete(&kv->vm, &KIND_VMI, meta_namespace(vmi), meta_name(vmi), meta_uid(vmi), reterr);
    if (rc) {
        ctl_event(&kv->vm, vm, "Warning", "FailedDelete",
                  "Error deleting virtual machine instance %s: %s", meta_name(vmi),
                  reterr->msg ? reterr->msg : "");
        return rc;
    }
    /* KubeVirt names the uid here, not the name. */
    ctl_event(&kv->vm, vm, "Normal", "SuccessfulDelete",
              "Stopped the virtual machine by deleting the virtual machine instance %s",
              meta_uid(vmi));
    return 0;
}

/* ---- what the run strategy wants ---- */

enum want { WANT_NOTHING, WANT_START, WANT_STOP, WANT_RESTART_REQUEST, WANT_ALWAYS };

static bool start_requested(const json_t *vm)
{
    size_t i;
    json_t *request;
    json_array_foreach(json_at(vm, "status", "stateChangeRequests", NULL), i, request)
    {
        if (!strcmp(json_str_or_empty(request, "action"), "Start"))
            return true;
    }
    return false;
}

static bool stop_requested(const json_t *vm, const json_t *vmi)
{
    size_t i;
    json_t *request;
    json_array_foreach(json_at(vm, "status", "stateChangeRequests", NULL), i, request)
    {
        if (!strcmp(json_str_or_empty(request, "action"), "Stop") &&
            !strcmp(json_str_or_empty(request, "uid"), meta_uid(vmi)))
            return true;
    }
    return false;
}

static bool acted_upon(const json_t *vm, const char *strategy)
{
    return !strcmp(json_str_or_empty(vm, "status.runStrategy"), strategy);
}

static enum want decide_running(const json_t *vm, const json_t *vmi, const char *strategy)
{
    bool asked = stop_requested(vm, vmi), final = kv_vmi_final(vmi);
    if (!strcmp(strategy, "Halted"))
        return WANT_STOP;
    if (!strcmp(strategy, "Always"))
        return final || asked ? WANT_STOP : WANT_NOTHING;
    if (!strcmp(strategy, "RerunOnFailure")) {
        bool failed = !strcmp(json_str_or_empty(vmi, "status.phase"), "Failed");
        if (failed && !start_requested(vm))
            return WANT_RESTART_REQUEST;
        return final || asked ? WANT_STOP : WANT_NOTHING;
    }
    if (!strcmp(strategy, "Manual"))
        return asked ? WANT_STOP : WANT_NOTHING;
    return WANT_NOTHING; /* Once, WaitAsReceiver */
}

static enum want decide_absent(const json_t *vm, const char *strategy)
{
    if (!strcmp(strategy, "Halted"))
        return start_requested(vm) ? WANT_ALWAYS : WANT_NOTHING;
    if (!strcmp(strategy, "Always"))
        return WANT_START;
    if (!strcmp(strategy, "RerunOnFailure"))
        return start_requested(vm) || !acted_upon(vm, strategy) ? WANT_START : WANT_NOTHING;
    if (!strcmp(strategy, "Manual"))
        return start_requested(vm) ? WANT_START : WANT_NOTHING;
    if (!strcmp(strategy, "Once"))
        return acted_upon(vm, strategy) ? WANT_NOTHING : WANT_START;
    return WANT_NOTHING;
}

static int request_start(struct kv *kv, const json_t *vm, struct err *reterr)
{
    AUTO(json) json_t *copy = json_copy_parts(vm, "status", NULL);
    json_t *list = json_at_mut(copy, "status", "stateChangeRequests", NULL);
    if (!list) {
        list = json_array();
        json_put_take(copy, "status.stateChangeRequests", list);
    }
    json_array_append_new(list, json_pack("{s:s}", "action", "Start"));
    return ctl_update(&kv->vm, &KIND_VM, "status", copy, reterr);
}

/* Deleted with the policy Orphan: the instance goes on, the collector takes its owner away. */
static bool leaves_orphan(const json_t *vm)
{
    return meta_deleting(vm) && meta_has_finalizer(vm, "orphan");
}

static int act(struct kv *kv, const json_t *vm, const json_t *vmi, int64_t *ret_after_ns,
               struct err *reterr)
{
    const char *strategy = kv_run_strategy(vm);
    if (vmi && meta_deleting(vmi))
        return 0;
    if (meta_deleting(vm))
        return vmi && !leaves_orphan(vm) ? stop(kv, vm, vmi, reterr) : 0;
    int rc = kv_vm_ensure_claims(kv, vm, reterr);
    if (!rc)
        rc = kv_vm_plug_volumes(kv, vm, vmi, reterr);
    if (rc)
        return rc;
    switch (vmi ? decide_running(vm, vmi, strategy) : decide_absent(vm, strategy)) {
    case WANT_NOTHING:
        return 0;
    case WANT_STOP:
        return stop(kv, vm, vmi, reterr);
    case WANT_RESTART_REQUEST:
        return request_start(kv, vm, reterr);
    case WANT_START:
        *ret_after_ns = kv_start_delay(kv, vm);
        return *ret_after_ns > 0 ? 0 : start(kv, vm, reterr);
    case WANT_ALWAYS: {
        AUTO(json) json_t *copy = json_copy_of(vm);
        if (json_str(vm, "spec.runStrategy"))
            json_put_str(copy, "spec.runStrategy", "Always");
        else
            json_put_take(copy, "spec.running", json_true());
        return ctl_update(&kv->vm, &KIND_VM, NULL, copy, reterr);
    }
    }
    return 0;
}

/* An instance of the machine's name that nobody controls, as an orphan is: it is the machine's. */
static int adopt(struct kv *kv, const json_t *vm, const json_t *vmi, struct err *reterr)
{
    if (!vmi || meta_deleting(vm) || meta_deleting(vmi) || meta_controller_of(vmi))
        return 0;
    AUTO(json) json_t *copy = json_copy_parts(vmi, "metadata", NULL);
    json_t *owners = json_at_mut(copy, "metadata", "ownerReferences", NULL);
    if (owners)
        json_array_append_new(owners, meta_owner_ref(vm, true, true));
    else
        json_put_take(copy, "metadata.ownerReferences", owner_list(vm));
    return ctl_update(&kv->vm, &KIND_VMI, NULL, copy, reterr);
}

/* ---- one pass ---- */

static int write_status(struct kv *kv, const char *ns, const char *name, const char *reason,
                        const char *failure, struct err *reterr)
{
    AUTO(json) json_t *vm = ctl_peek(&kv->vm, &KIND_VM, ns, name);
    if (!vm)
        return 0;
    AUTO(json) json_t *vmi = ctl_peek(&kv->vm, &KIND_VMI, ns, name);
    AUTO(json) json_t *copy = json_copy_parts(vm, "status", NULL);
    kv_vm_status(kv, copy, vmi);
    json_t *status = json_object_get(copy, "status");
    if (failure)
        ctl_set_condition(status, "Failure", "True",
                          reason ? reason
                          : vmi  ? "FailedDelete"
                                 : "FailedCreate",
                          failure, ctl_now(&kv->vm));
    else
        ctl_drop_condition(status, "Failure");
    if (json_same(status, json_object_get(vm, "status")))
        return 0;
    return ctl_update(&kv->vm, &KIND_VM, "status", copy, reterr);
}

/* The outcome is recorded: the instance may go, and the machine after it. */
static int release(struct kv *kv, const char *ns, const char *name, struct err *reterr)
{
    AUTO(json) json_t *vm = ctl_peek(&kv->vm, &KIND_VM, ns, name);
    AUTO(json) json_t *vmi = ctl_peek(&kv->vm, &KIND_VMI, ns, name);
    if (vm && meta_deleting(vm) && (!vmi || leaves_orphan(vm))) {
        int rc = ctl_remove_finalizer(&kv->vm, &KIND_VM, vm, FINALIZER_VM, reterr);
        if (rc)
            return rc;
    }
    if (vmi && meta_deleting(vmi) && kv_vmi_final(vmi))
        return ctl_remove_finalizer(&kv->vm, &KIND_VMI, vmi, FINALIZER_VM, reterr);
    return 0;
}

/* The instance type and the preference come first; what that writes belongs to the machine that is
 * looked at afterwards. */
static int resolve_types(struct kv *kv, json_t **vm, struct kv_failure *ret, struct err *reterr)
{
    if (meta_deleting(*vm))
        return 0;
    bool named = kv_has_matchers(*vm);
    int rc = kv_instancetype_sync(kv, *vm, ret, reterr);
    if (rc || !named)
        return rc;
    ret->reason = NULL;
    json_t *now = ctl_peek(&kv->vm, &KIND_VM, meta_namespace(*vm), meta_name(*vm));
    if (now) {
        json_decref(*vm);
        *vm = now;
    }
    return 0;
}

int kv_vm_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                    struct err *reterr)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *vm = ctl_peek(&kv->vm, &KIND_VM, ns, name);
    if (!vm)
        return release(kv, ns, name, reterr);
    if (!meta_deleting(vm)) {
        int rc = observe_version(kv, vm, reterr);
        if (rc)
            return rc;
        json_decref(vm);
        vm = ctl_peek(&kv->vm, &KIND_VM, ns, name);
        if (!vm || (rc = ctl_add_finalizer(&kv->vm, &KIND_VM, vm, FINALIZER_VM, reterr)))
            return vm ? rc : 0;
        json_decref(vm);
        vm = ctl_peek(&kv->vm, &KIND_VM, ns, name);
        if (!vm)
            return 0;
    }
    AUTO(json) json_t *vmi = ctl_peek(&kv->vm, &KIND_VMI, ns, name);
    int adopted = adopt(kv, vm, vmi, reterr);
    if (adopted)
        return adopted;
    __attribute__((cleanup(cleanup_err))) struct err failure = {0};
    struct kv_failure kind = {0};
    int acted = resolve_types(kv, &vm, &kind, &failure);
    if (!acted)
        acted = act(kv, vm, vmi, ret_after_ns, &failure);
    if (sched_crashed(kv->sched))
        return -1;
    /* A conflict is the daily round, no failure to show. */
    const char *shown = acted < -1 && acted != -409 ? failure.msg : NULL;
    int rc = write_status(kv, ns, name, kind.reason, shown, reterr);
    if (rc)
        return rc;
    if (acted)
        return err_move(reterr, &failure);
    return release(kv, ns, name, reterr);
}
