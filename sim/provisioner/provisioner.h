/* Who makes the VM of a ComputeInstance: in OSAC an outside provisioning job, never the operator. Watches ComputeInstances on one cluster and
 * keeps a VirtualMachine (with its claim and boot disk) for each on another, by spec.runStrategy; removes it when the
 * operator's deprovision job asks (annotation protocol in provisioner.c). */
#ifndef VMCONFORM_SIM_PROVISIONER_PROVISIONER_H
#define VMCONFORM_SIM_PROVISIONER_PROVISIONER_H

#include "base/err.h"
#include "sim/world.h"

int provisioner_start(struct cluster *hub, struct cluster *workload, struct err *reterr);

#endif
