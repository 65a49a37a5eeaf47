/* How a host opens a real file for a component. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_OPEN_FLAGS_H
#define VMCONFORM_RUNNER_OPEN_FLAGS_H

#include "components/host.h"

/* What open(2) gets. */
int open_flags(enum host_open_mode mode);

#endif
