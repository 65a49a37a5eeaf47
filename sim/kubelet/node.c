/* The node as its kubelet registers it. All worlds show the same machine, so what does not hang on
 * one of them is made once and shared.
 *
 * Nobody's heart beats: times stay those of the registration, lest an idle world had something left
 * to do. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/kubelet/kubelet_priv.h"

#define LEASE_NS "kube-node-lease"

/* ---- the object's parts; all new ---- */

static json_t *condition(const char *type, const char *status, const char *reason,
                         const char *message, const char *now)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", type, "status", status,
                     "lastHeartbeatTime", now, "lastTransitionTime", now, "reason", reason,
                     "message", message);
}

static json_t *conditions(const char *now)
{
    return json_pack(
        "[o, o, o, o]",
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory",
                  "kubelet has sufficient memory available", now),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure",
                  "kubelet has no disk pressure", now),
        condition("PIDPressure", "False", "KubeletHasSufficientPID",
                  "kubelet has sufficient PID available", now),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status", now));
}

static json_t *resources(const char *memory, const char *disk, bool machines)
{
    static const char *const devices[] = {"devices.kubevirt.io/kvm", "devices.kubevirt.io/tun",
                                          "devices.kubevirt.io/vhost-net"};
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "cpu", "16", "ephemeral-storage", disk,
                  "hugepages-1Gi", "0", "hugepages-2Mi", "0", "memory", memory, "pods", "110");
    for (size_t i = 0; machines && i < ARRAY_LEN(devices); i++)
        json_object_set_new(out, devices[i], json_string("1k"));
    return out;
}

static json_t *status(const char *now, bool machines)
{
    return json_pack(
        "{s:o, s:o, s:o, s:[{s:s, s:s}, {s:s, s:s}], s:{s:{s:i}}, s:{s:s, s:s, s:s, s:s, s:s, s:s, "
        "s:s, s:s, s:s, s:s}}",
        "capacity", resources("65856560Ki", "1055762868Ki", machines), "allocatable",
        resources("65754160Ki", "972991059149", machines), "conditions", conditions(now),
        "addresses", "type", "InternalIP", "address", NODE_ADDRESS, "type", "Hostname", "address",
        NODE_NAME, "daemonEndpoints", "kubeletEndpoint", "Port", 10250, "nodeInfo", "machineID",
        "6e6f6465303100000000000000000001", "systemUUID", "6e6f6465-3031-4000-8000-000000000001",
        "bootID", "6e6f6465-3031-4000-8000-000000000002", "kernelVersion", "6.12.0-simulated",
        "osImage", "vmconform (simulated)", "containerRuntimeVersion", "simulated://1.0.0",
        "kubeletVersion", KUBERNETES_VERSION, "kubeProxyVersion", KUBERNETES_VERSION,
        "operatingSystem", "linux", "architecture", "amd64");
}

static json_t *metadata(const char *now, bool machines)
{
    json_t *labels = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "beta.kubernetes.io/arch", "amd64",
                               "beta.kubernetes.io/os", "linux", "kubernetes.io/arch", "amd64",
                               "kubernetes.io/hostname", NODE_NAME, "kubernetes.io/os", "linux",
                               "node-role.kubernetes.io/control-plane", "");
    json_t *annotations =
        json_pack("{s:s, s:s}", "node.alpha.kubernetes.io/ttl", "0",
                  "volumes.kubernetes.io/controller-managed-attach-detach", "true");
    if (machines) {
        json_object_set_new(labels, "kubevirt.io/schedulable", json_string("true"));
        json_object_set_new(annotations, "kubevirt.io/heartbeat", json_string(now));
    }
    return json_pack("{s:s, s:o, s:o}", "name", NODE_NAME, "labels", labels, "annotations",
                     annotations);
}

static json_t *make_node(int64_t now_ns, bool machines)
{
    char now[TIME_TEXT];
    time_format(now_ns, now);
    return json_pack("{s:s, s:s, s:o, s:{s:s, s:[s]}, s:o}", "apiVersion", "v1", "kind", "Node",
                     "metadata", metadata(now, machines), "spec", "podCIDR", "10.244.0.0/24",
                     "podCIDRs", "10.244.0.0/24", "status", status(now, machines));
}

/* The latest of each kind, frozen: nearly all worlds begin at the same time. Borrowed. */
static const json_t *node_at(int64_t now_ns, bool machines)
{
    static struct {
        json_t *node;
        int64_t at_ns;
    } known[2];
    if (!known[machines].node || known[machines].at_ns != now_ns) {
        json_decref(known[machines].node);
        known[machines].node = make_node(now_ns, machines);
        known[machines].at_ns = now_ns;
    }
    return known[machines].node;
}

/* ---- in a cluster ---- */

static const json_t *peek_node(const struct cluster *c)
{
    return apiserver_peek(cluster_server(c), "", "nodes", NULL, NODE_NAME);
}

static void plant_lease(struct cluster *c, int64_t now_ns)
{
    char now[TIME_TEXT];
    time_format_micro(now_ns, now);
    AUTO(json)
    json_t *lease =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:[{s:s, s:s, s:s, s:s}]}, s:{s:s, s:i, s:s}}",
                  "apiVersion", "coordination.k8s.io/v1", "kind", "Lease", "metadata", "name",
                  NODE_NAME, "namespace", LEASE_NS, "ownerReferences", "apiVersion", "v1", "kind",
                  "Node", "name", NODE_NAME, "uid", meta_uid(peek_node(c)), "spec",
                  "holderIdentity", NODE_NAME, "leaseDurationSeconds", 40, "renewTime", now);
    apiserver_plant(cluster_server(c), "coordination.k8s.io", "leases", lease, NODE_USER);
}

void node_register(struct cluster *c)
{
    int64_t now = world_now(cluster_world(c));
    apiserver_plant(cluster_server(c), "", "nodes", node_at(now, false), NODE_USER);
    plant_lease(c, now);
}

void kubelet_serve_machines(struct cluster *c, const char *user)
{
    if (peek_node(c))
        apiserver_plant(cluster_server(c), "", "nodes", node_at(world_now(cluster_world(c)), true),
                        user);
}

char *node_obstacle(const struct apiserver *server)
{
    const json_t *node = apiserver_peek(server, "", "nodes", NULL, NODE_NAME);
    if (!node)
        return mem_strdup("no nodes available to schedule pods");
    if (json_bool(node, "spec.unschedulable", false))
        return mem_strdup("0/1 nodes are available: 1 node(s) were unschedulable.");
    return NULL;
}
