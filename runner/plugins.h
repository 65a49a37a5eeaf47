/* Plugins of the simulated Velero: each is a process of the world that is called by the server
 * (sim/velero/velero.h), with a host and an identity of its own, as components/item_action.h wants
 * it. One that has crashed is started again by the next call, as the real server does. Visible
 * inside runner/ only. */
#ifndef VMCONFORM_RUNNER_PLUGINS_H
#define VMCONFORM_RUNNER_PLUGINS_H

#include "components/component.h"
#include "runner/casework.h"

/* A new instance in r->process. -1: its settings are wrong. */
int plugin_launch(struct casework *cw, const struct component *c, struct running_component *r,
                  struct err *reterr);
/* Starts the server of a cluster as a running component called "velero". */
int velero_stage(struct casework *cw, struct cluster *c, struct err *reterr);

#endif
