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

const struct sim_part part_storage = {"storage", "storage and kubelet alone", start_storage};
const struct sim_part part_kubevirt = {"kubevirt", "storage, kubelet and KubeVirt on that cluster",
                                       start_kubevirt};
