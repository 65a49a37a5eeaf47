/* Admission policies: a real server sees them a while after they were stored. */
#include "sched/fault.h"

const struct fault_point fault_point_policies = {
    .name = "policies",
    .attrs = {"name", "cluster"},
    .actions = {{"lag", .type = FAULT_DURATION,
                 .says = "a policy or binding that is written meanwhile counts only after that"}}};
