/* The scheduler: one node fits everything, so only claims decide (kubevirt-csi.md section 5.2). A
 * pod waits for each claim to be bound; a claim that waits for its first consumer is told the node
 * here. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/kubelet/kubelet_priv.h"

#define ANN_SELECTED_NODE "volume.kubernetes.io/selected-node"

static bool is_bound(const json_t *claim)
{
    return meta_annotation(claim, "pv.kubernetes.io/bind-completed") &&
           !strcmp(json_str_or_empty(claim, "status.phase"), "Bound");
}

static bool waits_for_consumer(const struct simloop *l, const json_t *claim)
{
    const char *name = json_str_or_empty(claim, "spec.storageClassName");
    AUTO(json) json_t *class = *name ? simloop_get(l, &LOOP_CLASSES, NULL, name) : NULL;
    return !strcmp(json_str_or_empty(class, "volumeBindingMode"), "WaitForFirstConsumer");
}

/* Another pod on a node has the ReadWriteOncePod claim. */
static bool taken_by_other(const struct simloop *l, const json_t *claim, const json_t *pod)
{
    const char *mode = json_string_value(json_array_get(json_path(claim, "spec.accessModes"), 0));
    if (!mode || strcmp(mode, "ReadWriteOncePod"))
        return false;
    AUTO(json)
    json_t *pods = apiserver_peek_all(simloop_server(l), "", LOOP_PODS.plural, meta_namespace(pod));
    size_t i;
    json_t *other;
    json_array_foreach(pods, i, other)
    {
        const char *phase = json_str_or_empty(other, "status.phase");
        if (strcmp(meta_uid(other), meta_uid(pod)) && *json_str_or_empty(other, "spec.nodeName") &&
            strcmp(phase, "Succeeded") && strcmp(phase, "Failed") &&
            pod_uses_claim(other, meta_name(claim)))
            return true;
    }
    return false;
}

/* Why the claim keeps the pod from every node; NULL when it does not. New text. */
static char *claim_obstacle(const struct simloop *l, const json_t *pod, const char *name,
                            const json_t *claim)
{
    if (!claim)
        return mem_printf("persistentvolumeclaim \"%s\" not found", name);
    if (meta_deleting(claim))
        return mem_printf("persistentvolumeclaim \"%s\" is being deleted", name);
    if (!strcmp(json_str_or_empty(claim, "status.phase"), "Lost"))
        return mem_printf(
            "persistentvolumeclaim \"%s\" bound to non-existent persistentvolume \"%s\"", name,
            json_str_or_empty(claim, "spec.volumeName"));
    if (taken_by_other(l, claim, pod))
        return mem_strdup(
            "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
            "already in-use by another pod");
    if (!is_bound(claim) && !waits_for_consumer(l, claim))
        return mem_strdup("pod has unbound immediate PersistentVolumeClaims");
    return NULL;
}

static int refuse(struct simloop *l, const json_t *pod, const char *message)
{
    AUTO(json) json_t *copy = json_copy_of(pod);
    if (!meta_set_condition(copy, "PodScheduled", "False", "Unschedulable", message,
                            simloop_now(l)))
        return 0;
    if (simloop_put(l, &LOOP_PODS, copy, "status", NULL) < 0)
        return -1;
    simloop_event(l, pod, "Warning", "FailedScheduling", "%s", message);
    return 0;
}

static int refuse_claim(struct simloop *l, const json_t *pod, const char *why)
{
    AUTO(str) char *message = mem_printf("0/1 nodes are available: %s.", why);
    return refuse(l, pod, message);
}

static int select_node(struct simloop *l, const json_t *claim)
{
    if (meta_annotation(claim, ANN_SELECTED_NODE))
        return 0;
    AUTO(json) json_t *copy = json_copy_of(claim);
    meta_set_annotation(copy, ANN_SELECTED_NODE, NODE_NAME);
    return simloop_put(l, &LOOP_CLAIMS, copy, NULL, NULL);
}

/* 1: all claims are bound; 0: the pod waits, and a change of a claim brings it back; -1: try again.
 */
static int check_claims(struct simloop *l, const json_t *pod)
{
    bool ready = true;
    const char *name;
    for (size_t at = 0; (name = pod_next_claim(pod, &at));) {
        AUTO(json) json_t *claim = simloop_get(l, &LOOP_CLAIMS, meta_namespace(pod), name);
        AUTO(str) char *why = claim_obstacle(l, pod, name, claim);
        if (why)
            return refuse_claim(l, pod, why);
        if (is_bound(claim))
            continue;
        ready = false;
        if (select_node(l, claim) < 0)
            return -1;
    }
    return ready;
}

static int bind_pod(struct simloop *l, const json_t *pod)
{
    AUTO(json) json_t *binding = json_object();
    json_put_str(binding, "apiVersion", "v1");
    json_put_str(binding, "kind", "Binding");
    json_put_str(binding, "metadata.name", meta_name(pod));
    json_put_str(binding, "metadata.namespace", meta_namespace(pod));
    json_put_str(binding, "target.apiVersion", "v1");
    json_put_str(binding, "target.kind", "Node");
    json_put_str(binding, "target.name", NODE_NAME);
    struct api_request req = {.verb = API_CREATE,
                              .resource = LOOP_PODS,
                              .ns = meta_namespace(pod),
                              .name = meta_name(pod),
                              .subresource = "binding",
                              .body = binding};
    if (simloop_send(l, &req, NULL) < 0)
        return -1;
    simloop_event(l, pod, "Normal", "Scheduled", "Successfully assigned %s/%s to %s",
                  meta_namespace(pod), meta_name(pod), NODE_NAME);
    return 0;
}

int scheduler_reconcile(void *cookie, struct simloop *l, const char *key)
{
    char ns[LOOP_PART], name[LOOP_PART];
    (void)cookie;
    if (!simloop_key_is(key, "pod", ns, name))
        return 0;
    AUTO(json) json_t *pod = simloop_get(l, &LOOP_PODS, ns, name);
    if (!pod || meta_deleting(pod) || *json_str_or_empty(pod, "spec.nodeName") ||
        json_array_size(json_path(pod, "spec.schedulingGates")) ||
        strcmp(json_str_or_empty(pod, "spec.schedulerName"), "default-scheduler"))
        return 0;
    AUTO(str) char *obstacle = node_obstacle(simloop_server(l));
    int rc = obstacle ? refuse(l, pod, obstacle) : check_claims(l, pod);
    if (rc > 0)
        rc = bind_pod(l, pod);
    return rc < 0 && simloop_code(l) == 404 ? 0 : rc;
}
