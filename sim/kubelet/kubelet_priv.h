/* What the scheduler and the kubelet of a cluster share. */
#ifndef VMCONFORM_SIM_KUBELET_KUBELET_PRIV_H
#define VMCONFORM_SIM_KUBELET_KUBELET_PRIV_H

#include "base/strmap.h"
#include "sim/controller/loop.h"
#include "sim/kubelet/kubelet.h"
#include "sim/storage/storage.h"

#define NODE_USER "system:node:" NODE_NAME

/* Which programs a world knows. */
struct programs {
    bool (*matches)(void *cookie, const json_t *pod);
    pod_program_fn *run;
    void *cookie;
};

struct kubelet {
    struct cluster *cluster;
    struct simloop *scheduler, *node;
    struct strmap *runs; /* pod uid -> struct podrun */
};

/* A pod that the node has begun. */
struct podrun {
    struct kubelet *kubelet;
    char *key; /* of the pod in the node's loop */
    char *ns, *name;
    int64_t start_at_ns;     /* when its containers run */
    int64_t kill_at_ns;      /* when what was asked to end is killed; 0: not asked */
    json_t *pod;             /* as it was when the program began */
    struct process *process; /* NULL: no program */
    struct pod_mount *mounts;
    size_t mount_count;
    char *folder; /* of its own volumes; NULL until made */
    struct pod_exit exit;
    bool ended;
};

/* ---- mounts (pod_mounts.c) ---- */

/* Finds or makes what the first container mounts. */
int podrun_mount(struct podrun *run, const json_t *pod, struct err *reterr);
void podrun_finish_mounts(struct podrun *run);
/* Removes the folders of the pod's own volumes. */
void podrun_remove_folder(struct podrun *run);

/* ---- status (pod_status.c): each edits the caller's own copy of a pod ---- */

void pod_status_creating(json_t *pod, int64_t now_ns);
void pod_status_running(json_t *pod, int64_t now_ns);
void pod_status_ended(json_t *pod, const struct pod_exit *how, int64_t now_ns);

/* ---- the node (node.c) ---- */

void node_register(struct cluster *c);
/* Why no pod can go to it, as the scheduler tells; NULL when one can. New. */
char *node_obstacle(const struct apiserver *server);

/* ---- scheduler.c ---- */

int scheduler_reconcile(void *cookie, struct simloop *l, const char *key);

#endif
