/* The namespace controller: an actor that empties namespaces that are being deleted, then lets them
 * go (delete-protection.md section 6.3).
 *
 * Pods go first; then every other kind, in an order drawn from the seed. What remains is looked at
 * again after upstream's delay, but only once something in the namespace has changed: a namespace
 * that is stuck costs nothing. */
#ifndef VMCONFORM_SIM_APISERVER_NAMESPACES_H
#define VMCONFORM_SIM_APISERVER_NAMESPACES_H

#define NAMESPACE_USER "system:serviceaccount:kube-system:namespace-controller"

struct cluster;
struct nsctl;

struct nsctl *nsctl_start(struct cluster *c);
void nsctl_destroy(struct nsctl *n);

#endif
