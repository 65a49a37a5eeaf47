/* The garbage collector's sight of the cluster, which real ones have through a watch of each
 * kind. */
#include "sched/fault.h"

const struct fault_point fault_point_collector = {
    .name = "collector",
    .attrs = {"kind", "ns", "name", "event", "cluster"},
    .actions = {
        {"lag", .type = FAULT_DURATION, .says = "the collector hears of the change after that"},
        {"hold", .type = FAULT_TRUE,
         .says = "it does not hear of it while a rule says so; what comes later of that kind waits "
                 "behind it"},
        {"drop", .type = FAULT_TRUE, .says = "it never hears of it: a gap between two watches"}}};
