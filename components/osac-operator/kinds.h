/* The kinds, keys and words that the operator shares with the rest of the system
 * (compute-instance-snapshots.md 1.5 to 1.8). */
#ifndef VMCONFORM_COMPONENTS_OSAC_OPERATOR_KINDS_H
#define VMCONFORM_COMPONENTS_OSAC_OPERATOR_KINDS_H

#include "components/runtime/client.h"

extern const struct kind osac_kind_instance; /* ComputeInstance */
extern const struct kind osac_kind_snapshot; /* ComputeInstanceSnapshot */
extern const struct kind osac_kind_tenant;
extern const struct kind osac_kind_subnet;
extern const struct kind osac_kind_vm;
extern const struct kind osac_kind_vmi;
extern const struct kind osac_kind_vms; /* VirtualMachineSnapshot */
extern const struct kind osac_kind_vmr; /* VirtualMachineRestore */

/* Shared keys. */
#define KEY_INSTANCE "osac.openshift.io/computeinstance" /* label of VMs; also the finalizer */
#define KEY_INSTANCE_UUID "osac.openshift.io/computeinstance-uuid"
#define KEY_SNAPSHOT "osac.openshift.io/computeinstancesnapshot"
#define KEY_SNAPSHOT_UUID "osac.openshift.io/computeinstancesnapshot-uuid"
#define KEY_TENANT "osac.openshift.io/tenant"
#define KEY_MANAGEMENT "osac.openshift.io/management-state"
#define KEY_VM_NAMESPACE "osac.openshift.io/subnet-target-namespace"
#define INSTANCE_FINALIZER KEY_INSTANCE
#define SNAPSHOT_FINALIZER "osac.openshift.io/computeinstancesnapshot-finalizer"
#define INSTANCE_FEEDBACK_FINALIZER "osac.openshift.io/computeinstance-feedback"
#define SNAPSHOT_FEEDBACK_FINALIZER "osac.openshift.io/computeinstancesnapshot-feedback-finalizer"

/* Private to this operator. Annotations, because a time is no label value. */
#define KEY_REQUESTED_AT                                                                           \
    "osac.openshift.io/restore-requested-at" /* on a VMR: the request it answers */
#define KEY_ACTIVE_AT                                                                              \
    "osac.openshift.io/restore-active-at" /* on an instance: the request last taken up */
#define KEY_CONSUMED_AT "osac.openshift.io/restore-consumed-at" /* the last request that failed */
#define KEY_CONSUMED_REASON "osac.openshift.io/restore-consumed-reason"
#define KEY_CONSUMED_MESSAGE "osac.openshift.io/restore-consumed-message"
#define KEY_SNAPSHOT_UID "osac.openshift.io/computeinstancesnapshot-uid" /* on a VMS */
/* On an instance, where the writer of a restore request can say which snapshot it means; checked
 * when present. */
#define KEY_RESTORE_FROM_UUID "osac.openshift.io/restore-from-snapshot-uuid"

/* Reason of a condition that has nothing to tell; metav1.Condition demands one. */
#define REASON_EXPECTED "AsExpected"

#define CONFLICT_REQUEUE_NS (INT64_C(20) * 1000000)

#endif
