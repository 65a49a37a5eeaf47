/* Admission by policies that are objects of the cluster: ValidatingAdmissionPolicy and its bindings
 * (delete-protection.md section 1).
 *
 * A cluster that has it holds every write of a stored resource against them, once the object is
 * what would be stored. Policies become active as they are committed; a fault at the point
 * `policies` makes them lag, as they do behind the informers of a real server. */
#ifndef VMCONFORM_SIM_ADMISSION_ADMISSION_H
#define VMCONFORM_SIM_ADMISSION_ADMISSION_H

#include <jansson.h>

#include "sim/world.h"

#define ADMISSION_GROUP "admissionregistration.k8s.io"

/* Attaches it to the cluster, for as long as the world lives. */
void admission_start(struct cluster *c);

/* What the API server's audit log holds so far of the cluster: array of {user, verb, resource,
 * namespace, name, annotations}, of the requests alone that policies annotated (section 1.11).
 * Borrowed until the next write. */
const json_t *admission_audited(const struct cluster *c);

#endif
