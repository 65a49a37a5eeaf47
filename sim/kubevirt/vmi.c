/* The instance: claims, boot, the running guest, its end (kubevirt-csi.md 1.8). Stands for the VMI
 * controller, the launcher and virt-handler at once: phases are written by one identity. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubelet/kubelet.h"
#include "sim/kubevirt/kv_priv.h"

static const char *phase_of(const json_t *vmi)
{
    return json_str_or_empty(vmi, "status.phase");
}

static bool in_phase(const json_t *vmi, const char *phase)
{
    return !strcmp(phase_of(vmi), phase);
}

static void set_phase(struct kv *kv, json_t *vmi, const char *phase)
{
    char when[TIME_TEXT];
    time_format(ctl_now(&kv->handler), when);
    json_put_str(vmi, "status.phase", phase);
    json_t *stamps = json_at_mut(vmi, "status", "phaseTransitionTimestamps", NULL);
    if (!stamps) {
        stamps = json_array();
        json_put_take(vmi, "status.phaseTransitionTimestamps", stamps);
    }
    json_array_append_new(
        stamps, json_pack("{s:s, s:s}", "phase", phase, "phaseTransitionTimestamp", when));
}

/* When the instance entered a phase; 0 when it never did. */
static int64_t entered(const json_t *vmi, const char *phase)
{
    size_t i;
    json_t *stamp;
    int64_t at = 0;
    json_array_foreach(json_at(vmi, "status", "phaseTransitionTimestamps", NULL), i, stamp)
    {
        const char *when = json_str(stamp, "phaseTransitionTimestamp");
        if (!strcmp(json_str_or_empty(stamp, "phase"), phase) && when)
            time_parse(when, &at);
    }
    return at;
}

static json_t *status_of(json_t *vmi)
{
    json_t *status = json_object_get(vmi, "status");
    if (!json_is_object(status)) {
        status = json_object();
        json_object_set_new(vmi, "status", status);
    }
    return status;
}

static void set_not_ready(struct kv *kv, json_t *vmi)
{
    ctl_set_condition(status_of(vmi), "Ready", "False", "GuestNotRunning",
                      "Guest VM is not reported as running", ctl_now(&kv->handler));
}

static int write_changed(struct kv *kv, const json_t *old, const json_t *vmi, struct err *reterr)
{
    if (json_same(old, vmi))
        return 0;
    return ctl_update(&kv->handler, &KIND_VMI, NULL, vmi, reterr);
}

/* ---- claims ---- */

/* A claim that waits for its first consumer: the launcher's pod would be scheduled now. */
int kv_select_node(struct kv *kv, const json_t *pvc, struct err *reterr)
{
    static const char selected[] = "volume.kubernetes.io/selected-node";
    const char *class = json_str(pvc, "spec.storageClassName");
    if (!class || meta_annotation(pvc, selected))
        return 0;
    AUTO(json) json_t *sc = ctl_peek(&kv->handler, &KIND_STORAGE_CLASS, NULL, class);
    if (!sc || strcmp(json_str_or_empty(sc, "volumeBindingMode"), "WaitForFirstConsumer"))
        return 0;
    struct ctl scheduler = kv->handler;
    scheduler.user = "system:kube-scheduler";
    AUTO(json)
    json_t *patch = json_pack("{s:{s:{s:s}}}", "metadata", "annotations", selected, NODE_NAME);
    return ctl_patch(&scheduler, &KIND_PVC, meta_namespace(pvc), meta_name(pvc), NULL, PATCH_MERGE,
                     patch, reterr);
}

/* 0 and *ret_ready: all claims are bound; *ret_missing (new): the first that does not exist. */
static int check_claims(struct kv *kv, const json_t *vmi, bool *ret_ready, char **ret_missing,
                        struct err *reterr)
{
    size_t i;
    json_t *volume;
    *ret_ready = true;
    json_array_foreach(json_at(vmi, "spec", "volumes", NULL), i, volume)
    {
        const char *claim = kv_volume_claim(volume);
        if (!claim)
            continue;
        AUTO(json) json_t *pvc = ctl_peek(&kv->handler, &KIND_PVC, meta_namespace(vmi), claim);
        if (pvc && !strcmp(json_str_or_empty(pvc, "status.phase"), "Bound"))
            continue;
        *ret_ready = false;
        if (!pvc && !*ret_missing)
            *ret_missing = mem_strdup(claim);
        int rc = pvc ? kv_select_node(kv, pvc, reterr) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

static int on_pending(struct kv *kv, const json_t *old, json_t *vmi, struct err *reterr)
{
    bool ready;
    AUTO(str) char *missing = NULL;
    int rc = check_claims(kv, vmi, &ready, &missing, reterr);
    if (rc)
        return rc;
    int64_t now = ctl_now(&kv->handler);
    set_not_ready(kv, vmi);
    if (missing) {
        AUTO(str)
        char *text = mem_printf("PVC %s/%s does not exist, waiting for it to appear",
                                meta_namespace(vmi), missing);
        if (ctl_set_condition(status_of(vmi), "Synchronized", "False", "FailedPvcNotFound", text,
                              now))
            ctl_event(&kv->vm, old, "Normal", "FailedPvcNotFound", "%s", text);
    } else {
        ctl_drop_condition(status_of(vmi), "Synchronized");
    }
    bool overlays = true;
    if (ready && (rc = kv_backend_ensure(kv, vmi, &overlays, reterr)))
        return rc;
    if (ready && overlays)
        set_phase(kv, vmi, "Scheduling");
    return write_changed(kv, old, vmi, reterr);
}

/* The launcher's pod finds no node: the instance stays where it is until the node changes. */
static int stay_unscheduled(struct kv *kv, const json_t *old, json_t *vmi, const char *why,
                            struct err *reterr)
{
    ctl_set_condition(status_of(vmi), "PodScheduled", "False", "Unschedulable", why,
                      ctl_now(&kv->handler));
    return write_changed(kv, old, vmi, reterr);
}

/* ---- the end ---- */

static int end(struct kv *kv, struct guest *g, const json_t *old, json_t *vmi, const char *phase,
               struct err *reterr)
{
    json_t *status = status_of(vmi);
    ctl_drop_condition(status, "AgentConnected");
    ctl_drop_condition(status, "Paused");
    json_object_del(status, "fsFreezeStatus");
    json_object_del(status, "volumeStatus");
    set_not_ready(kv, vmi);
    set_phase(kv, vmi, phase);
    int rc = write_changed(kv, old, vmi, reterr);
    if (rc)
        return rc;
    kv_guest_end(g);
    bool good = !strcmp(phase, "Succeeded");
    ctl_event(&kv->handler, vmi, good ? "Normal" : "Warning", "Stopped",
              good ? "The VirtualMachineInstance was shut down."
                   : "The VirtualMachineInstance crashed.");
    return 0;
}

/* ---- boot: a quarter of the time until a node is found, the rest until the guest runs ---- */

static int on_booting(struct kv *kv, struct guest *g, const json_t *old, json_t *vmi,
                      int64_t *ret_after_ns, struct err *reterr)
{
    int64_t now = ctl_now(&kv->handler), since = entered(vmi, "Scheduling");
    int64_t total = kv->duration_ns[KV_START];
    bool scheduling = in_phase(vmi, "Scheduling");
    AUTO(str) char *obstacle = scheduling ? kubelet_obstacle(kv->cluster) : NULL;
    if (obstacle)
        return stay_unscheduled(kv, old, vmi, obstacle, reterr);
    int64_t left = since + (scheduling ? total / 4 : total) - now;
    if (left > 0) {
        *ret_after_ns = left;
        return 0;
    }
    if (scheduling) {
        set_phase(kv, vmi, "Scheduled");
        ctl_drop_condition(status_of(vmi), "PodScheduled");
        meta_set_label(vmi, "kubevirt.io/nodeName", NODE_NAME);
        json_put_str(vmi, "status.nodeName", NODE_NAME);
        return write_changed(kv, old, vmi, reterr);
    }
    if (kv_backend_too_small(kv, vmi))
        return end(kv, g, old, vmi, "Failed", reterr);
    set_phase(kv, vmi, "Running");
    ctl_set_condition(status_of(vmi), "Ready", "True", NULL, NULL, now);
    if (!strcmp(json_str_or_empty(vmi, "spec.startStrategy"), "Paused"))
        g->paused = true; /* its next pass says so */
    int rc = write_changed(kv, old, vmi, reterr);
    if (!rc)
        ctl_event(&kv->handler, vmi, "Normal", "Started", "VirtualMachineInstance started.");
    return rc;
}

/* ---- the running guest ---- */

static int on_running(struct kv *kv, struct guest *g, const json_t *old, json_t *vmi,
                      int64_t *ret_after_ns, struct err *reterr)
{
    int64_t now = ctl_now(&kv->handler);
    json_t *status = status_of(vmi);
    if (g->agent_down)
        ctl_drop_condition(status, "AgentConnected");
    else
        ctl_set_condition(status, "AgentConnected", "True", NULL, NULL, now);
    if (g->io_error)
        ctl_set_condition(status, "Paused", "True", "PausedIOError",
                          "VMI was paused, low-level IO error detected", now);
    else if (g->paused)
        ctl_set_condition(status, "Paused", "True", "PausedByUser", "VMI was paused by user", now);
    else
        ctl_drop_condition(status, "Paused");
    if (g->frozen)
        json_put_str(status, "fsFreezeStatus", "frozen");
    else
        json_object_del(status, "fsFreezeStatus");
    int rc = kv_cbt_running(kv, g, vmi, reterr);
    if (rc || (rc = kv_utility_volumes(kv, g, vmi, ret_after_ns, reterr)))
        return rc;
    kv_job_report(g, vmi);
    return write_changed(kv, old, vmi, reterr);
}

/* A guest that takes longer than its grace period is killed. */
static int64_t stop_duration(const struct kv *kv, const json_t *vmi)
{
    const json_t *grace = json_path(vmi, "spec.terminationGracePeriodSeconds");
    int64_t usual = kv->duration_ns[KV_STOP], s = json_integer_value(grace);
    if (!json_is_integer(grace) || s < 0 || s >= usual / NS_PER_S)
        return usual;
    return s * NS_PER_S;
}

static int on_deleting(struct kv *kv, struct guest *g, const json_t *old, json_t *vmi,
                       int64_t *ret_after_ns, struct err *reterr)
{
    int64_t asked = 0;
    const char *when = json_str(vmi, "metadata.deletionTimestamp");
    if (when)
        time_parse(when, &asked);
    int64_t left = asked + stop_duration(kv, vmi) - ctl_now(&kv->handler);
    if (in_phase(vmi, "Running") && left > 0) {
        *ret_after_ns = left;
        return on_running(kv, g, old, vmi, ret_after_ns, reterr);
    }
    return end(kv, g, old, vmi, "Succeeded", reterr);
}

int kv_vmi_reconcile(void *cookie, const char *ns, const char *name, int64_t *ret_after_ns,
                     struct err *reterr)
{
    struct kv *kv = cookie;
    AUTO(json) json_t *old = ctl_peek(&kv->handler, &KIND_VMI, ns, name);
    if (!old)
        return 0;
    struct guest *g = kv_guest(kv, ns, name);
    kv_guest_boot(g, meta_uid(old));
    AUTO(json) json_t *vmi = json_copy_parts(old, "metadata", "status", NULL);
    if (kv_vmi_final(vmi)) /* no launcher is left */
        return ctl_remove_finalizer(&kv->handler, &KIND_VMI, vmi, FINALIZER_VMI, reterr);
    if (g->ending)
        return end(kv, g, old, vmi, g->ending, reterr);
    if (meta_deleting(vmi))
        return on_deleting(kv, g, old, vmi, ret_after_ns, reterr);
    if (in_phase(vmi, "Running"))
        return on_running(kv, g, old, vmi, ret_after_ns, reterr);
    if (in_phase(vmi, "Scheduling") || in_phase(vmi, "Scheduled"))
        return on_booting(kv, g, old, vmi, ret_after_ns, reterr);
    return on_pending(kv, old, vmi, reterr);
}
