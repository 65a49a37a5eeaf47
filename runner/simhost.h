/* The simulated host: components/host.h on top of a world, for one process of it. */
#ifndef VMCONFORM_RUNNER_SIMHOST_H
#define VMCONFORM_RUNNER_SIMHOST_H

#include <jansson.h>
#include <stddef.h>

#include "components/host.h"
#include "sim/kubelet/kubelet.h"
#include "sim/world.h"

/* user: identity of API requests. mounts: what the process sees of the file system (a pod); none
 * for controllers. All borrowed for the host's life but the mounts, which are copied. The host
 * lives until its last task has released it. */
struct host *simhost_create(struct world *w, struct process *p, const char *user,
                            const struct pod_mount *mounts, size_t mount_count);
/* One more reference, to be released. */
void simhost_hold(struct host *h);
/* The creator's own reference; tasks hold theirs. */
void simhost_release(struct host *h);
/* Program runs are appended to this array (borrowed): {program, args, exit, by}. */
void simhost_record_programs(struct host *h, json_t *programs);
/* What it logs, but for what is for debugging, is appended to this array (borrowed), up to
 * HISTORY_LOG_MAX lines: {by, level, message, time}. */
void simhost_record_log(struct host *h, json_t *log);

#endif
