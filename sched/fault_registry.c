/* All fault points. Each is a line of fault_points.list, and nothing else. */
#include "sched/fault.h"

#define FAULT_POINT(name, file) extern const struct fault_point fault_point_##name;
#include "sched/fault_points.list"
#undef FAULT_POINT

const struct fault_point *const fault_points[] = {
#define FAULT_POINT(name, file) &fault_point_##name,
#include "sched/fault_points.list"
#undef FAULT_POINT
};
const size_t fault_point_count = ARRAY_LEN(fault_points);
