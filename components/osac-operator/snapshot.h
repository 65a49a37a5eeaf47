/* One pass over a ComputeInstanceSnapshot. Results of steps as in instance.h: PASS_ON, PASS_STOP,
 * PASS_FAILED. */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_SNAPSHOT_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>

#include "components/osac-operator/instance.h"
#include "components/osac-operator/operator.h"

struct snapshot_pass {
    struct osac_operator *op;
    json_t *stored; /* as last read or written; frozen */
    json_t *own;    /* our copy: its status is what the pass wants */
    struct reconcile_result *result;
};

void osac_snapshot_set(struct snapshot_pass *p, const char *phase, const char *reason,
                       const char *message);

/* ---- snapshot_capture.c ---- */
/* Our VirtualMachineSnapshots, in whatever namespace: by label, and by the recorded reference.
 * *ret: new array, empty also when the workload cluster definitely has no such kind. */
enum pass_step osac_snapshot_find(struct snapshot_pass *p, json_t **ret, struct err *reterr);
/* The same, but content with the recorded one: a list per look would cost the square of the number
 * of snapshots. */
enum pass_step osac_snapshot_find_recorded(struct snapshot_pass *p, json_t **ret,
                                           struct err *reterr);
/* The first capture: checks the parent, and creates the VirtualMachineSnapshot. */
enum pass_step osac_snapshot_capture(struct snapshot_pass *p, struct err *reterr);

#endif
