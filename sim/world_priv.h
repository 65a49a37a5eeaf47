/* The insides of a world that the client side (client.c, simwatch.c) shares with world.c. */
#ifndef VMCONFORM_SIM_WORLD_PRIV_H
#define VMCONFORM_SIM_WORLD_PRIV_H

#include "sim/world.h"

struct simwatch;

/* Open watches, so that a removed fault or a cut link wakes them. */
void world_add_watch(struct world *w, struct simwatch *watch);
void world_remove_watch(struct world *w, struct simwatch *watch);
/* The running actor's process, "" outside of any. */
const char *world_acting(const struct world *w);
/* Whether a request of this process crosses the cluster's link: its own controllers and pods do
 * not. */
bool cluster_crosses_link(const struct cluster *c, const char *by);
/* simwatch.c: what holds an event back may have changed. */
void simwatch_wake(struct simwatch *watch);

#endif
