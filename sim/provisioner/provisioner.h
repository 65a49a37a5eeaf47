/* Who makes the VM of a ComputeInstance: in OSAC an outside provisioning job, never the operator.
 * Watches ComputeInstances on one cluster and keeps a VirtualMachine (with its claim and boot disk)
 * for each on another, by spec.runStrategy; removes it when the operator's deprovision job asks.
 *
 * Protocol, through the instance's status.provisioningJobs (newest last):
 *   - the operator appends {jobID, type: provision|deprovision, state: Pending, configVersion,
 * timestamp};
 *   - the provisioner takes unfinished jobs oldest first, sets state Running, works (2 s), then
 * sets Succeeded, or Failed with a message. It changes nothing but state and message, by reading
 * the instance again and writing its status.
 *   - provision: in the namespace named by the annotation
 * osac.openshift.io/subnet-target-namespace, else by osac.openshift.io/tenant, else the instance's
 * own: the namespace, the claim <instance>-root (and <instance>-disk-N for additional disks), and a
 *     VirtualMachine called like the instance. All carry the label
 * osac.openshift.io/computeinstance. On a machine that exists: its run strategy, and a restart when
 * spec.restartRequestedAt is later than status.lastRestartedAt.
 *   - deprovision: deletes the machine, waits until it is gone, deletes the labelled claims.
 *   - A machine that was provisioned follows spec.runStrategy without a job; while KubeVirt refuses
 * (snapshot or restore in progress), the wish is kept. */
#ifndef VMCONFORM_SIM_PROVISIONER_PROVISIONER_H
#define VMCONFORM_SIM_PROVISIONER_PROVISIONER_H

#include "base/err.h"
#include "sim/world.h"

/* hub and workload may be the same cluster. */
int provisioner_start(struct cluster *hub, struct cluster *workload, struct err *reterr);

#endif
