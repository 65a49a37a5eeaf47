/* A pass over a ComputeInstance, and its steps. */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_INSTANCE_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_INSTANCE_H

#include "components/osac-operator/pass.h"

/* ---- instance_status.c ---- */
void osac_status_init_conditions(struct pass *p);
/* Finds the VM by label, and lets phase, reference and conditions follow it. */
enum pass_step osac_status_follow_vm(struct pass *p, struct err *reterr);
/* What a VM's printable status means; "" for "leave the phase as it is". vm NULL: none. */
const char *osac_status_phase_of_vm(const json_t *vm);

/* ---- jobs.c ---- */
/* Records whether the wanted configuration is applied, and appends, awaits or repeats provision
 * jobs. */
enum pass_step osac_jobs_provision(struct pass *p, struct err *reterr);
/* PASS_ON once the deprovision job is done. */
enum pass_step osac_jobs_deprovision(struct pass *p, struct err *reterr);

/* ---- cascade.c ---- */
/* Deletes the instance's snapshots; PASS_ON once none is left. */
enum pass_step osac_cascade_snapshots(struct pass *p, struct err *reterr);

/* ---- restore.c ---- */
enum pass_step osac_restore_step(struct pass *p, struct err *reterr);
/* After the status was written: an API server without the field drops lastRestoredAt silently.
 * Makes sure that the request is never run again, and that the loss is visible. */
enum pass_step osac_restore_verify_written(struct pass *p, struct err *reterr);

/* ---- restore_check.c ---- */
struct restore_refusal {
    const char *reason; /* NULL: nothing speaks against it */
    const char *message;
};
struct restore_source {
    char *vm, *ns, *vms; /* owned: the machine, its namespace, the KubeVirt snapshot */
    char *uid, *uuid;    /* owned: of the snapshot on the hub; NULL without */
};
void osac_restore_source_finish(struct restore_source *s);
static inline void cleanup_restore_source(struct restore_source *s)
{
    osac_restore_source_finish(s);
}
/* Fresh reads of everything a restore at `requested_s` depends on, the machine last. */
enum pass_step osac_restore_check(struct pass *p, int64_t requested_s, struct restore_source *ret,
                                  struct restore_refusal *ret_refusal, struct err *reterr);
/* The message that belongs to a reason. */
const char *osac_restore_message(const char *reason);

#endif
