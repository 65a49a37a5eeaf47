/* The cluster roles that come with KubeVirt. */
#ifndef VMCONFORM_SIM_KUBEVIRT_ROLES_H
#define VMCONFORM_SIM_KUBEVIRT_ROLES_H

#include "sim/world.h"

/* kubevirt.io:admin, :edit, :view (which the roles admin, edit and view aggregate), :default,
 * :migrate, and instancetype.kubevirt.io:view, with their bindings, as objects. For clusters that
 * ask roles who may do what; nothing happens where KubeVirt does not run. Comes before
 * auth_create(), so that the cluster is whole at once. */
void kubevirt_roles_create(struct cluster *c);

#endif
