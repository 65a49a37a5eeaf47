/* A bulb may be dead, or take its time. */
#include "sched/fault.h"

const struct fault_point fault_point_bulb = {
    "bulb",
    {"ns", "name", "cluster"},
    {{"dead", .type = FAULT_TRUE},
     {"slow", .type = FAULT_DURATION, .says = "on top of what it takes anyway"}}};
