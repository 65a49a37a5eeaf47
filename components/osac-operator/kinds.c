#include "components/osac-operator/kinds.h"

const struct kind osac_kind_instance = {{"osac.openshift.io", "v1alpha1", "computeinstances"},
                                        "ComputeInstance"};
const struct kind osac_kind_snapshot = {
    {"osac.openshift.io", "v1alpha1", "computeinstancesnapshots"}, "ComputeInstanceSnapshot"};
const struct kind osac_kind_tenant = {{"osac.openshift.io", "v1alpha1", "tenants"}, "Tenant"};
const struct kind osac_kind_subnet = {{"osac.openshift.io", "v1alpha1", "subnets"}, "Subnet"};
const struct kind osac_kind_vm = {{"kubevirt.io", "v1", "virtualmachines"}, "VirtualMachine"};
const struct kind osac_kind_vmi = {{"kubevirt.io", "v1", "virtualmachineinstances"},
                                   "VirtualMachineInstance"};
const struct kind osac_kind_vms = {{"snapshot.kubevirt.io", "v1beta1", "virtualmachinesnapshots"},
                                   "VirtualMachineSnapshot"};
const struct kind osac_kind_vmr = {{"snapshot.kubevirt.io", "v1beta1", "virtualmachinerestores"},
                                   "VirtualMachineRestore"};
