/* A bulb may be dead, or take its time. */
#include "sched/fault.h"

const struct fault_point fault_point_bulb = {
    .name = "bulb",
    .attrs = {"ns", "name", "cluster"},
    .actions = {{"dead", .type = FAULT_TRUE},
                {"slow", .type = FAULT_DURATION, .says = "on top of what it takes anyway"}}};
