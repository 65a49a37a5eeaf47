/* What the controllers have in common; visible in this folder only. */
#ifndef VMCONFORM_SIM_CONTROLLERMANAGER_KCM_PRIV_H
#define VMCONFORM_SIM_CONTROLLERMANAGER_KCM_PRIV_H

#include "sim/apiserver/apiserver.h"
#include "sim/controllermanager/controllermanager.h"

struct gc;
struct nsctl;
struct policy_status;

struct kcm {
    struct cluster *cluster;
    struct sched *sched;
    bool shares_identity;
    struct gc *gc;
    struct nsctl *namespaces;
    struct policy_status *policies;
};

/* One request of a controller whose own account is `user`. The answer's code; 0 when there was none
 * (then crashed or cut off). *ret is as apiserver_handle() leaves it. */
int kcm_ask(const struct kcm *k, const char *user, struct api_request *req,
            struct api_response *ret);

/* The garbage collector (gc.c). It keeps a graph of all objects by uid, brought up to date at each
 * commit, and works through it with real requests: live reads before every verdict, preconditions
 * on every delete. The manager is borrowed. */
struct gc *gc_start(const struct kcm *k);
void gc_destroy(struct gc *g);

/* The namespace controller (namespaces.c). It empties namespaces that are being deleted, then lets
 * them go. Pods go first; then every other kind, in an order drawn from the seed. What remains is
 * looked at again after upstream's delay, but only once something in the namespace has changed: a
 * namespace that is stuck costs nothing. */
struct nsctl *nsctl_start(const struct kcm *k);
void nsctl_destroy(struct nsctl *n);

/* The controller that says in the status of admission policies that they were type-checked
 * (policy_status.c). */
struct policy_status *policy_status_start(const struct kcm *k);
void policy_status_destroy(struct policy_status *s);

#endif
