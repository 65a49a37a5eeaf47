/* The platform: storage with the nodes' kubelet, and KubeVirt on top. */
#include "sim/kubelet/kubelet.h"
#include "sim/kubevirt/kubevirt.h"
#include "sim/parts/part.h"
#include "sim/storage/storage.h"

static int start_storage(struct cluster *c, struct err *reterr)
{
    if (!part_runs(c, "storage") && storage_start(c, reterr) < 0)
        return -1;
    return part_runs(c, "kubelet") ? 0 : kubelet_start(c, reterr);
}

static int start_kubevirt(struct cluster *c, struct err *reterr)
{
    if (start_storage(c, reterr) < 0)
        return -1;
    return part_runs(c, "kubevirt") ? 0 : kubevirt_start(c, reterr);
}

#define STORAGE_PROCESSES                                                                          \
    "kube-scheduler", "kubelet", "persistent-volume-binder", "external-provisioner",               \
        "external-resizer", "csi-snapshotter", "snapshot-controller", "pvc-protection-controller", \
        "pv-protection-controller"

static const char *const storage_processes[] = {STORAGE_PROCESSES, NULL};
static const char *const kubevirt_processes[] = {STORAGE_PROCESSES, "virt-controller",
                                                 "virt-handler", NULL};

const struct sim_part part_storage = {"storage", "storage and kubelet alone", start_storage,
                                      storage_processes};
const struct sim_part part_kubevirt = {"kubevirt", "storage, kubelet and KubeVirt on that cluster",
                                       start_kubevirt, kubevirt_processes};
