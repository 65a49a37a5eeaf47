/* The kubelet of the simulated nodes: it runs pods. A pod waits for its claims to be bound, becomes
 * Running, its program runs in a process of its own ("pod/NS/NAME"), and the pod ends Succeeded or
 * Failed with the container's exit status and terminated message. Deleting a pod asks its program
 * to end, kills it when the pod's grace period is over, then removes the object: a finished pod
 * object still holds its claims (pvc-protection).
 *
 * A program runs once, whatever restartPolicy says; one whose process is crashed ends with exit
 * code 137. */
#ifndef VMCONFORM_SIM_KUBELET_KUBELET_H
#define VMCONFORM_SIM_KUBELET_KUBELET_H

#include <jansson.h>

#include "sim/world.h"

/* The one node of each cluster that has a kubelet. */
#define NODE_NAME "node01"
#define NODE_ADDRESS "192.168.66.101"

/* One mounted claim or block device of a running pod. */
struct pod_mount {
    const char *path;      /* in the pod: "/scratch", "/dev/restore-output" */
    const char *host_path; /* the real directory or file */
    const char *claim;     /* NULL: a volume of the pod's own (emptyDir and the like, a folder) */
    bool block, read_only;
};
struct pod_run {
    struct cluster *cluster;
    struct process *process;
    const json_t *pod; /* the object when it started; borrowed */
    const struct pod_mount *mounts;
    size_t mount_count;
};
struct pod_exit {
    int code;
    char *message; /* new, may be NULL: /dev/termination-log */
};
/* Runs the first container's program to its end, on a fiber of run->process. Registered by whoever
 * knows programs. */
typedef void pod_program_fn(void *cookie, const struct pod_run *run, struct pod_exit *ret);

/* Starts scheduler and kubelet of a cluster (storage_start() comes first), and registers the node:
 * a Node and its Lease in kube-node-lease, whose times nobody renews. Pods go nowhere while there
 * is no Node, or an unschedulable one. fn runs every pod that a
 * program matches; pods without one just stay Running. */
int kubelet_start(struct cluster *c, struct err *reterr);
/* KubeVirt is there: the node takes machines, and has the devices they need. Nothing happens where
 * there is no node. */
void kubelet_serve_machines(struct cluster *c, const char *user);
/* Why nothing can be put on the node, as the scheduler tells; NULL when it can, and where no
 * kubelet runs. New. */
char *kubelet_obstacle(const struct cluster *c);
/* Decides by the pod object whether a program exists for it. */
void kubelet_set_program(struct world *w, bool (*matches)(void *cookie, const json_t *pod),
                         pod_program_fn *fn, void *cookie);

#endif
