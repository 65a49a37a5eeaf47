/* virt-api's subresources: what the files of this part share.
 *
 * The API group subresources.kubevirt.io has no objects of its own: a request for one of its
 * resources is a command to a machine or an instance of kubevirt.io (kubevirt-csi.md 1.7). Texts
 * and codes are those of the table there; what it leaves open follows virt-api of KubeVirt 1.6 and
 * 1.7 from memory and is marked "unverified" where it stands. */
#ifndef VMCONFORM_SIM_KUBEVIRT_SUBRESOURCES_H
#define VMCONFORM_SIM_KUBEVIRT_SUBRESOURCES_H

#include "kube/status.h"
#include "sim/kubevirt/kv_priv.h"

#define KV_NOT_RUNNING "VM is not running"

/* One command under way. */
struct subcall {
    struct kv *kv;
    struct apiserver *server;
    const struct api_request *req;
    struct api_response *ret;
    json_t *vm, *vmi;      /* references of our own; NULL when absent */
    const json_t *options; /* the body, NULL when there is none */
    bool dry_run;
};

/* Each returns 0, or -1 with *s->ret filled. */
typedef int subcall_fn(struct subcall *s);

/* The answer of a command: 202 with an empty body, which a JSON null stands for here. */
int kv_sub_accepted(struct subcall *s);
int kv_sub_conflict_vm(struct subcall *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int kv_sub_conflict_vmi(struct subcall *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* 501: KubeVirt can do it, the simulation cannot. */
int kv_sub_not_simulated(struct subcall *s, const char *what);
bool kv_sub_in_phase(const json_t *vmi, const char *phase);
/* A patch in virt-api's own name. Refusals reach the caller as virt-api words them: 500 with the
 * text inside. */
int kv_sub_patch(struct subcall *s, const struct kind *k, const char *subresource,
                 enum api_patch_type type, const json_t *patch);

/* subresources_vm.c */
subcall_fn kv_sub_start, kv_sub_stop, kv_sub_restart, kv_sub_expand;
/* subresources_vmi.c */
subcall_fn kv_sub_pause, kv_sub_unpause, kv_sub_freeze, kv_sub_unfreeze, kv_sub_softreboot,
    kv_sub_reset, kv_sub_guestosinfo, kv_sub_userlist, kv_sub_filesystemlist;
/* subresources_volume.c */
subcall_fn kv_sub_vm_addvolume, kv_sub_vm_removevolume;
/* subresources_graph.c */
subcall_fn kv_sub_vm_graph, kv_sub_vmi_graph;
/* Whether there is such a thing: asked before the machine is looked for. */
subcall_fn kv_sub_graph_served;

#endif
