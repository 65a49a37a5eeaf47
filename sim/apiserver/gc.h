/* The garbage collector: an actor beside the API server that deletes what its owners left behind
 * (delete-protection.md section 6.2).
 *
 * It keeps a graph of all objects by uid, brought up to date at each commit, and works through it
 * with real requests under its own identity: live reads before every verdict, preconditions on
 * every delete. It waits for events; an idle world has none of it. */
#ifndef VMCONFORM_SIM_APISERVER_GC_H
#define VMCONFORM_SIM_APISERVER_GC_H

#define GC_USER "system:serviceaccount:kube-system:generic-garbage-collector"

struct cluster;
struct gc;

/* Takes in what is there and starts the actor in the cluster's process "kube-controller-manager".
 */
struct gc *gc_start(struct cluster *c);
void gc_destroy(struct gc *g);

#endif
