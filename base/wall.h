/* The wall clock: the one place that reads it. For progress, watchdogs and benchmarks; nothing that
 * a scenario can see may depend on it. */
#ifndef VMCONFORM_BASE_WALL_H
#define VMCONFORM_BASE_WALL_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds on a clock that never goes back. */
int64_t wall_monotonic_ns(void);
/* Nanoseconds since 1970. For what outside programs compare with their own clocks: certificates,
 * the start of a world that is served. */
int64_t wall_date_ns(void);
/* Nanoseconds of processor that a process has used, all its threads together; -1 when there is no
 * such process. */
int64_t wall_processor_ns(pid_t pid);

#endif
