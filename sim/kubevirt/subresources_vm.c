/* start, stop and restart of a machine: what its run strategy allows, and how it is asked for
 * (kubevirt-csi.md 1.7). */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubevirt/instancetype_priv.h"
#include "sim/kubevirt/subresources.h"

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* An instance that somebody could stop. */
static bool has_live_instance(const struct subcall *s)
{
    return s->vmi && !kv_vmi_final(s->vmi);
}

/* ---- how virt-api asks ---- */

/* Through the spec: the strategy, or the older flag, whichever the machine has. */
static int set_running(struct subcall *s, bool running)
{
    AUTO(json) json_t *patch = json_object();
    if (json_str(s->vm, "spec.runStrategy"))
        json_put_str(patch, "spec.runStrategy", running ? "Always" : "Halted");
    else
        json_put_take(patch, "spec.running", json_boolean(running));
    return kv_sub_patch(s, &KIND_VM, NULL, PATCH_MERGE, patch);
}

static json_t *stop_request(const struct subcall *s)
{
    return json_pack("{s:s, s:s}", "action", "Stop", "uid", meta_uid(s->vmi));
}

static json_t *start_request(bool paused)
{
    json_t *request = json_pack("{s:s}", "action", "Start");
    if (paused)
        json_put_str(request, "data.paused", "true");
    return request;
}

/* Through the status, for the controller to act upon. Only a lone stop may push others aside. */
static int request_change(struct subcall *s, json_t *requests /* taken */)
{
    AUTO(json) json_t *list = requests;
    bool lone_stop = json_array_size(list) == 1 &&
                     is(json_str_or_empty(json_array_get(list, 0), "action"), "Stop");
    if (json_array_size(json_path(s->vm, "status.stateChangeRequests")) && !lone_stop)
        return status_internal(s->ret, "unable to complete request: stop/start already underway");
    AUTO(json) json_t *patch = json_object();
    json_put_take(patch, "status.stateChangeRequests", json_incref(list));
    if (json_path(s->vm, "status.startFailure"))
        json_put_take(patch, "status.startFailure", json_null());
    return kv_sub_patch(s, &KIND_VM, "status", PATCH_MERGE, patch);
}

static json_t *list_of(json_t *first, json_t *second)
{
    json_t *list = json_array();
    json_array_append_new(list, first);
    if (second)
        json_array_append_new(list, second);
    return list;
}

/* ---- start ---- */

static bool already_running(const struct subcall *s)
{
    return has_live_instance(s) && !kv_sub_in_phase(s->vmi, "") &&
           !kv_sub_in_phase(s->vmi, "Unknown");
}

static int start_by_request(struct subcall *s, const char *strategy, bool paused)
{
    bool final = s->vmi && kv_vmi_final(s->vmi);
    bool rerun = is(strategy, "RerunOnFailure");
    if (rerun && final && kv_sub_in_phase(s->vmi, "Failed"))
        return kv_sub_conflict_vm(s, "RerunOnFailure does not support starting VM from failed "
                                     "state");
    if (final)
        return request_change(s, list_of(stop_request(s), start_request(paused)));
    return request_change(s, list_of(start_request(paused), NULL));
}

int kv_sub_start(struct subcall *s)
{
    const char *strategy = kv_run_strategy(s->vm);
    const json_t *given = json_object_get(s->options, "paused");
    bool paused = json_is_true(given);
    int rc;
    if (given && !json_is_boolean(given) && !json_is_null(given))
        return status_bad_request(
            s->ret, "Can not unmarshal Request body to struct, error: paused is not a boolean");
    if (already_running(s))
        return kv_sub_conflict_vm(s, "VM is already running");
    if (is(strategy, "Halted"))
        rc = paused ? request_change(s, list_of(start_request(true), NULL)) : set_running(s, true);
    else if (is(strategy, "Manual") || is(strategy, "RerunOnFailure"))
        rc = start_by_request(s, strategy, paused);
    else
        return kv_sub_conflict_vm(s, "%s does not support manual start requests", strategy);
    return rc < 0 ? rc : kv_sub_accepted(s);
}

/* ---- stop ---- */

/* Seconds in the options under that name: 0, and *ret_given tells whether there were any. */
static int read_seconds(struct subcall *s, const char *member, bool *ret_given, int64_t *ret)
{
    const json_t *v = json_object_get(s->options, member);
    *ret_given = json_is_integer(v);
    *ret = json_integer_value(v);
    if (!v || json_is_null(v) || *ret_given)
        return 0;
    return status_bad_request(
        s->ret, "Can not unmarshal Request body to struct, error: %s is not an integer", member);
}

/* The launcher then kills the guest sooner. */
static int set_grace(struct subcall *s, int64_t seconds)
{
    AUTO(json) json_t *patch = json_object();
    json_put_take(patch, "spec.terminationGracePeriodSeconds", json_integer(seconds));
    return kv_sub_patch(s, &KIND_VMI, NULL, PATCH_MERGE, patch);
}

static int stop_halted(struct subcall *s, bool given, int64_t grace)
{
    const json_t *old = json_path(s->vmi, "spec.terminationGracePeriodSeconds");
    if (!has_live_instance(s))
        return kv_sub_conflict_vm(s, KV_NOT_RUNNING);
    if (!given || (json_is_integer(old) && grace >= json_integer_value(old)))
        return kv_sub_conflict_vm(
            s, "Halted only supports manual stop requests with a shorter graceperiod");
    return set_running(s, false);
}

int kv_sub_stop(struct subcall *s)
{
    const char *strategy = kv_run_strategy(s->vm);
    bool given;
    int64_t grace;
    int rc;
    if (read_seconds(s, "gracePeriod", &given, &grace) < 0)
        return -1;
    if (given && has_live_instance(s) && set_grace(s, grace) < 0)
        return -1;
    if (is(strategy, "Halted"))
        rc = stop_halted(s, given, grace);
    else if (is(strategy, "Manual") || is(strategy, "RerunOnFailure"))
        rc = has_live_instance(s) ? request_change(s, list_of(stop_request(s), NULL))
                                  : kv_sub_conflict_vm(s, KV_NOT_RUNNING);
    else
        rc = set_running(s, false);
    return rc < 0 ? rc : kv_sub_accepted(s);
}

/* ---- restart ---- */

int kv_sub_restart(struct subcall *s)
{
    const char *strategy = kv_run_strategy(s->vm);
    bool given;
    int64_t grace;
    if (read_seconds(s, "gracePeriodSeconds", &given, &grace) < 0)
        return -1;
    if (given && grace > 0)
        return status_bad_request(s->ret,
                                  "For force restart, only gracePeriod=0 is supported for now");
    if (given && grace < 0)
        return status_bad_request(s->ret, "gracePeriod has to be greater or equal to 0");
    if (is(strategy, "Halted") || is(strategy, "Once")) /* KubeVirt's own spelling */
        return kv_sub_conflict_vm(s, "RunStategy %s does not support manual restart requests",
                                  strategy);
    if (!s->vmi)
        return kv_sub_conflict_vm(s, "VM is not running: Halted");
    if (given && has_live_instance(s) && set_grace(s, 1) < 0)
        return -1;
    if (request_change(s, list_of(stop_request(s), start_request(false))) < 0)
        return -1;
    return kv_sub_accepted(s);
}

/* ---- expand-spec ---- */

/* A machine without an instance type and a preference is its own expansion. */
int kv_sub_expand(struct subcall *s)
{
    __attribute__((cleanup(cleanup_err))) struct err e = {0};
    json_t *expanded = NULL;
    if (!kv_has_matchers(s->vm))
        expanded = json_incref(s->vm);
    else if (kv_instancetype_expand(s->kv, s->vm, &expanded, &e))
        return status_internal(s->ret, "%s", e.msg ? e.msg : "");
    s->ret->code = 200;
    s->ret->body = expanded;
    return 0;
}
