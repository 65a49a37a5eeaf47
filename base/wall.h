/* The wall clock: the one place that reads it. For progress, watchdogs and benchmarks; nothing that
 * a scenario can see may depend on it. */
#ifndef VMCONFORM_BASE_WALL_H
#define VMCONFORM_BASE_WALL_H

#include <stdint.h>

/* Nanoseconds on a clock that never goes back. */
int64_t wall_monotonic_ns(void);

#endif
