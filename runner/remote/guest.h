/* The process of a component whose time belongs to a simulated world: components/host.h over the
 * control socket and HTTP. What the world does for it is in wire.h and front.h. */
#ifndef VMCONFORM_RUNNER_REMOTE_GUEST_H
#define VMCONFORM_RUNNER_REMOTE_GUEST_H

#include "base/err.h"

/* Runs the component that the world names on the control socket, to the end of its last task. 0; -1
 * when the world cannot be understood or has gone: the caller should exit with a failure. */
int guest_run(int control, struct err *reterr);

#endif
