/* kube-controller-manager, as far as a cluster is none without it: the garbage collector and the
 * namespace controller (delete-protection.md sections 6.2, 6.3).
 *
 * Each is an actor of the cluster's process "kube-controller-manager" that waits for changes and
 * acts by requests of its own, under its own identity; an idle world has none of it. Nothing here
 * sees more of the API server than others may: apiserver.h, catalog.h, and sim/client.h for what is
 * asked. Its sight of the cluster does not lag, though, unless a rule at the point `collector` says
 * so: it observes commits and has no watch. */
#ifndef VMCONFORM_SIM_CONTROLLERMANAGER_CONTROLLERMANAGER_H
#define VMCONFORM_SIM_CONTROLLERMANAGER_CONTROLLERMANAGER_H

#include <stdbool.h>

#include "sim/world.h"

/* Whom the requests come from. */
#define KCM_ACCOUNTS "system:serviceaccount:kube-system:"
#define KCM_GC_USER KCM_ACCOUNTS "generic-garbage-collector"
#define KCM_NAMESPACE_USER KCM_ACCOUNTS "namespace-controller"
#define KCM_SHARED_USER "system:kube-controller-manager"

/* A cluster as a world has them: world_add_cluster(), and a controller manager that runs there as
 * long as the world does. NULL with *reterr. */
struct cluster *kcm_add_cluster(struct world *w, const char *name, struct err *reterr);

/* From the next request on all come from KCM_SHARED_USER, as where the real one runs without
 * --use-service-account-credentials; false: each from its own account, as from the start. */
void kcm_share_identity(struct cluster *c, bool shared);

#endif
