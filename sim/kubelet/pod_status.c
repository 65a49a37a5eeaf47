/* What a kubelet writes into a pod's status. Only the first container has a program; the others
 * share its fate. */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/kubelet/kubelet_priv.h"

static json_t *container_status(const json_t *container, json_t *state, bool running)
{
    json_t *status = json_object();
    json_put_str(status, "name", json_str_or_empty(container, "name"));
    json_put_str(status, "image", json_str_or_empty(container, "image"));
    json_put_str(status, "imageID", "");
    json_put_take(status, "ready", json_boolean(running));
    json_put_take(status, "started", json_boolean(running));
    json_put_take(status, "restartCount", json_integer(0));
    json_put_take(status, "lastState", json_object());
    json_put_take(status, "state", state);
    return status;
}

/* state is copied for each container. */
static void set_containers(json_t *pod, const json_t *state, bool running)
{
    json_t *list = json_array();
    size_t i;
    json_t *container;
    json_array_foreach(json_path(pod, "spec.containers"), i, container)
    {
        json_array_append_new(list, container_status(container, json_copy_of(state), running));
    }
    json_put_take(pod, "status.containerStatuses", list);
}

static void set_ready(json_t *pod, bool ready, const char *reason, int64_t now_ns)
{
    const char *status = ready ? "True" : "False";
    meta_set_condition(pod, "Initialized", "True", "", "", now_ns);
    meta_set_condition(pod, "Ready", status, reason, "", now_ns);
    meta_set_condition(pod, "ContainersReady", status, reason, "", now_ns);
    meta_set_condition(pod, "PodScheduled", "True", "", "", now_ns);
}

void pod_status_creating(json_t *pod, int64_t now_ns)
{
    char now[TIME_TEXT];
    AUTO(json) json_t *state = json_object();
    time_format(now_ns, now);
    json_put_str(pod, "status.phase", "Pending");
    json_put_str(pod, "status.startTime", now);
    json_put_str(pod, "status.hostIP", NODE_ADDRESS);
    json_put_take(pod, "status.hostIPs", json_pack("[{s:s}]", "ip", NODE_ADDRESS));
    json_put_str(state, "waiting.reason", "ContainerCreating");
    set_containers(pod, state, false);
    set_ready(pod, false, "ContainersNotReady", now_ns);
}

void pod_status_running(json_t *pod, int64_t now_ns)
{
    char now[TIME_TEXT];
    AUTO(json) json_t *state = json_object();
    time_format(now_ns, now);
    json_put_str(pod, "status.phase", "Running");
    json_put_str(state, "running.startedAt", now);
    set_containers(pod, state, true);
    set_ready(pod, true, "", now_ns);
}

static const char *started_at(const json_t *pod)
{
    const json_t *first = json_array_get(json_path(pod, "status.containerStatuses"), 0);
    return json_str(first, "state.running.startedAt");
}

void pod_status_ended(json_t *pod, const struct pod_exit *how, int64_t now_ns)
{
    char now[TIME_TEXT];
    AUTO(json) json_t *state = json_object();
    time_format(now_ns, now);
    const char *began = started_at(pod);
    json_put_take(state, "terminated.exitCode", json_integer(how->code));
    json_put_str(state, "terminated.reason", how->code ? "Error" : "Completed");
    if (how->message)
        json_put_str(state, "terminated.message", how->message);
    json_put_str(state, "terminated.startedAt", began ? began : now);
    json_put_str(state, "terminated.finishedAt", now);
    json_put_str(pod, "status.phase", how->code ? "Failed" : "Succeeded");
    set_containers(pod, state, false);
    set_ready(pod, false, how->code ? "PodFailed" : "PodCompleted", now_ns);
}
