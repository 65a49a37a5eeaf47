/* A pass over a ComputeInstanceSnapshot, and its steps. */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_SNAPSHOT_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_SNAPSHOT_H

#include "components/osac-operator/pass.h"

void osac_snapshot_set(struct pass *p, const char *phase, const char *reason, const char *message);

/* ---- snapshot_capture.c ---- */
/* Our VirtualMachineSnapshots, in whatever namespace: by label, and by the recorded reference.
 * *ret: new array, empty also when the workload cluster definitely has no such kind. */
enum pass_step osac_snapshot_find(struct pass *p, json_t **ret, struct err *reterr);
/* The same, but content with the recorded one: a list per look would cost the square of the number
 * of snapshots. */
enum pass_step osac_snapshot_find_recorded(struct pass *p, json_t **ret, struct err *reterr);
/* The first capture: checks the parent, and creates the VirtualMachineSnapshot. */
enum pass_step osac_snapshot_capture(struct pass *p, struct err *reterr);

#endif
