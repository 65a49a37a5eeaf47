/* VirtualMachine.status as the VM controller computes it (kubevirt-csi.md 1.2 to 1.4, 1.6). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"

#define FAIL_STEP_NS (10 * NS_PER_S)
#define FAIL_DELAY_MAX_NS (300 * NS_PER_S)

static bool kv_claim_bound(const struct kv *kv, const char *ns, const char *claim)
{
    AUTO(json) json_t *pvc = ctl_peek(&kv->vm, &KIND_PVC, ns, claim);
    return pvc && !strcmp(json_str_or_empty(pvc, "status.phase"), "Bound");
}

static bool any_claim_unbound(const struct kv *kv, const json_t *vm)
{
    size_t i;
    json_t *volume;
    json_array_foreach(kv_vm_volumes(vm), i, volume)
    {
        const char *claim = kv_volume_claim(volume);
        if (claim && !kv_claim_bound(kv, meta_namespace(vm), claim))
            return true;
    }
    return false;
}

static bool is_phase(const json_t *vmi, const char *phase)
{
    return vmi && !strcmp(json_str_or_empty(vmi, "status.phase"), phase);
}

static bool set_to_run(const json_t *vm, const json_t *vmi)
{
    const char *strategy = kv_run_strategy(vm);
    if (!strcmp(strategy, "Always"))
        return true;
    if (!strcmp(strategy, "RerunOnFailure") || !strcmp(strategy, "Once"))
        return vmi || strcmp(json_str_or_empty(vm, "status.runStrategy"), strategy);
    return vmi && !strcmp(strategy, "Manual");
}

static bool starting(const json_t *vmi)
{
    return is_phase(vmi, "") || is_phase(vmi, "Pending") || is_phase(vmi, "Scheduling") ||
           is_phase(vmi, "Scheduled");
}

static bool claim_missing(const json_t *vmi)
{
    const json_t *synced = meta_condition(vmi, "Synchronized");
    return synced && !strcmp(json_str_or_empty(synced, "status"), "False") &&
           !strcmp(json_str_or_empty(synced, "reason"), "FailedPvcNotFound");
}

static bool unschedulable(const json_t *vmi)
{
    const json_t *scheduled = meta_condition(vmi, "PodScheduled");
    return scheduled && !strcmp(json_str_or_empty(scheduled, "status"), "False") &&
           !strcmp(json_str_or_empty(scheduled, "reason"), "Unschedulable");
}

/* The first matching row of table 1.3. */
static const char *printable(const struct kv *kv, const json_t *vm, const json_t *vmi)
{
    bool final = vmi && kv_vmi_final(vmi);
    const char *strategy = kv_run_strategy(vm);
    if (meta_deleting(vm))
        return "Terminating";
    if (vmi && !final && meta_deleting(vmi))
        return "Stopping";
    if (is_phase(vmi, "Running") && kv_vmi_migrating(vmi))
        return "Migrating";
    if (is_phase(vmi, "Running"))
        return !strcmp(meta_condition_status(vmi, "Paused"), "True") ? "Paused" : "Running";
    if (vmi && claim_missing(vmi))
        return "ErrorPvcNotFound";
    if (vmi && unschedulable(vmi))
        return "ErrorUnschedulable";
    if (!final && set_to_run(vm, vmi) && any_claim_unbound(kv, vm))
        return "WaitingForVolumeBinding";
    if (vmi && starting(vmi))
        return "Starting";
    bool failing = json_int(vm, "status.startFailure.consecutiveFailCount", 0) > 0;
    if (failing && (!vmi || final) && strcmp(strategy, "Manual") && strcmp(strategy, "Halted"))
        return "CrashLoopBackOff";
    if (!vmi || final)
        return "Stopped";
    return "Unknown";
}

/* ---- conditions ---- */

static bool owned_by_vm(const char *type)
{
    static const char *const own[] = {"Ready", "Failure", "RestartRequired",
                                      "ManualRecoveryRequired"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (!strcmp(own[i], type))
            return true;
    }
    return false;
}

/* Copies what the instance says and drops what it no longer says. */
static void copy_conditions(json_t *status, const json_t *vmi, int64_t now)
{
    const json_t *theirs = json_at(vmi, "status", "conditions", NULL);
    json_t *ours = json_object_get(status, "conditions");
    for (size_t i = json_array_size(ours); i-- > 0;) {
        const char *type = json_str_or_empty(json_array_get(ours, i), "type");
        if (!owned_by_vm(type) && !meta_condition(vmi, type))
            json_array_remove(ours, i);
    }
    size_t i;
    json_t *cond;
    json_array_foreach(theirs, i, cond)
    {
        const char *type = json_str_or_empty(cond, "type");
        if (!owned_by_vm(type))
            ctl_set_condition(status, type, json_str_or_empty(cond, "status"),
                              json_str(cond, "reason"), json_str(cond, "message"), now);
    }
}

static void set_ready(json_t *status, const json_t *vmi, int64_t now)
{
    const json_t *theirs = vmi ? meta_condition(vmi, "Ready") : NULL;
    if (theirs)
        ctl_set_condition(status, "Ready", json_str_or_empty(theirs, "status"),
                          json_str(theirs, "reason"), json_str(theirs, "message"), now);
    else if (vmi)
        ctl_set_condition(status, "Ready", "False", "VMIConditionMissing",
                          "VMI is missing the Ready condition", now);
    else
        ctl_set_condition(status, "Ready", "False", "VMINotExists", "VMI does not exist", now);
}

/* Whether the instance runs what the template says, but for what a start, a stop or a backup wrote
 * into it. */
static bool runs_template(const json_t *template, const json_t *vmi)
{
    static const char *const own[] = {"startStrategy", "terminationGracePeriodSeconds",
                                      "utilityVolumes"};
    const json_t *spec = json_object_get(vmi, "spec");
    if (!template || json_same(template, spec))
        return template != NULL;
    AUTO(json) json_t *a = json_copy((json_t *)template);
    AUTO(json) json_t *b = json_copy((json_t *)spec);
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        json_object_del(a, own[i]);
        json_object_del(b, own[i]);
    }
    return json_same(a, b);
}

/* What an instance of now would run: NULL when that cannot be told. A reference. */
static json_t *template_of(const struct kv *kv, const json_t *vm)
{
    __attribute__((cleanup(cleanup_err))) struct err ignored = {0};
    json_t *template = NULL;
    if (!kv_has_matchers(vm))
        return json_incref((json_t *)json_at(vm, "spec", "template", "spec", NULL));
    kv_vm_template(kv, vm, &template, &ignored);
    return template;
}

/* A change of the template that a running instance does not take over by itself. */
static void set_restart_required(const json_t *template, json_t *status, const json_t *vmi,
                                 int64_t now)
{
    if (!vmi || meta_deleting(vmi)) {
        ctl_drop_condition(status, "RestartRequired");
        return;
    }
    if (kv_vmi_final(vmi) || !template || runs_template(template, vmi))
        return;
    ctl_set_condition(status, "RestartRequired", "True", "RestartRequired",
                      "a non-live-updatable field was changed in the template spec", now);
}

/* ---- requests and failures ---- */

static bool request_done(const json_t *request, const json_t *vmi)
{
    bool live = vmi && !meta_deleting(vmi) && !kv_vmi_final(vmi);
    if (!strcmp(json_str_or_empty(request, "action"), "Start"))
        return live;
    const char *uid = json_str(request, "uid");
    return !vmi || !uid || strcmp(uid, meta_uid(vmi));
}

static void trim_requests(json_t *status, const json_t *vmi)
{
    json_t *list = json_object_get(status, "stateChangeRequests");
    for (size_t i = json_array_size(list); i-- > 0;) {
        if (request_done(json_array_get(list, i), vmi))
            json_array_remove(list, i);
    }
    if (list && !json_array_size(list))
        json_object_del(status, "stateChangeRequests");
}

static bool ever_running(const json_t *vmi)
{
    size_t i;
    json_t *stamp;
    json_array_foreach(json_at(vmi, "status", "phaseTransitionTimestamps", NULL), i, stamp)
    {
        if (!strcmp(json_str_or_empty(stamp, "phase"), "Running"))
            return true;
    }
    return false;
}

/* Instances that failed before they ever ran make the next start wait: 10 s times n squared, at
 * most 300 s. The jitter that KubeVirt adds is left out: times here are fixed. */
static void count_failures(json_t *status, const json_t *vmi, int64_t now)
{
    if (!vmi)
        return;
    if (ever_running(vmi)) {
        json_object_del(status, "startFailure");
        return;
    }
    const char *last = json_str_or_empty(status, "startFailure.lastFailedVMIUID");
    if (!is_phase(vmi, "Failed") || !strcmp(last, meta_uid(vmi)))
        return;
    int64_t count = json_int(status, "startFailure.consecutiveFailCount", 0) + 1;
    int64_t delay = count < 6 ? FAIL_STEP_NS * count * count : FAIL_DELAY_MAX_NS;
    char when[TIME_TEXT];
    time_format(now + delay, when);
    json_object_set_new(status, "startFailure",
                        json_pack("{s:I, s:s, s:s}", "consecutiveFailCount", (json_int_t)count,
                                  "lastFailedVMIUID", meta_uid(vmi), "retryAfterTimestamp", when));
}

int64_t kv_start_delay(const struct kv *kv, const json_t *vm)
{
    const char *text = json_str(vm, "status.startFailure.retryAfterTimestamp");
    int64_t at;
    if (!text || !time_parse(text, &at))
        return 0;
    int64_t left = at - ctl_now(&kv->vm);
    return left > 0 ? left : 0;
}

static void set_flag(json_t *status, const char *key, bool value)
{
    if (value)
        json_object_set_new(status, key, json_true());
    else
        json_object_del(status, key);
}

static void set_generations(json_t *vm, const json_t *template, json_t *status, const json_t *vmi)
{
    if (!vmi)
        return; /* stale while stopped, as in KubeVirt */
    const char *text = meta_annotation(vmi, "kubevirt.io/vm-generation");
    int64_t observed = text ? strtoll(text, NULL, 10) : 0;
    /* A change beside the template is taken over at once. */
    if (runs_template(template, vmi))
        observed = meta_generation(vm);
    json_object_set_new(status, "desiredGeneration", json_integer(meta_generation(vm)));
    json_object_set_new(status, "observedGeneration", json_integer(observed));
}

void kv_vm_status(struct kv *kv, json_t *vm, const json_t *vmi)
{
    int64_t now = ctl_now(&kv->vm);
    json_t *status = json_object_get(vm, "status");
    if (!json_is_object(status)) {
        status = json_object();
        json_object_set_new(vm, "status", status);
    }
    count_failures(status, vmi, now);
    set_flag(status, "created", vmi);
    set_flag(status, "ready", vmi && !strcmp(meta_condition_status(vmi, "Ready"), "True"));
    if (vmi)
        json_put_str(status, "runStrategy", kv_run_strategy(vm));
    AUTO(json) json_t *template = template_of(kv, vm);
    set_generations(vm, template, status, vmi);
    trim_requests(status, vmi);
    kv_vm_trim_volume_requests(vm, status, vmi);
    set_ready(status, vmi, now);
    copy_conditions(status, vmi, now);
    kv_cbt_vm_status(kv, vm, vmi);
    set_restart_required(template, status, vmi, now);
    json_put_str(status, "printableStatus", printable(kv, vm, vmi));
}
