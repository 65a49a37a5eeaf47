/* The insides of a world that the client side (client.c, simwatch.c) shares with world.c. */
#ifndef VMCONFORM_SIM_WORLD_PRIV_H
#define VMCONFORM_SIM_WORLD_PRIV_H

#include "sim/world.h"

struct simwatch;

/* Open watches, so that a removed fault or a cut link wakes them. */
void world_add_watch(struct world *w, struct simwatch *watch);
void world_remove_watch(struct world *w, struct simwatch *watch);
/* Whether what a process of this owner sends does not arrive, since it must cross the cluster's
 * link, which is down. The cluster's own controllers and pods do not cross it. */
bool cluster_cuts_off(const struct cluster *c, const struct process_owner *owner);
/* simwatch.c: what holds an event back may have changed. */
void simwatch_wake(struct simwatch *watch);

#endif
