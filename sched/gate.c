/* An administrator may have switched off what a cluster can do. */
#include "sched/fault.h"

const struct fault_point fault_point_gate = {
    .name = "gate",
    .attrs = {"kind", "cluster"},
    .actions = {{"closed", .type = FAULT_TRUE,
                 .says = "KubeVirt refuses new snapshots, restores, backups and trackers"}}};
