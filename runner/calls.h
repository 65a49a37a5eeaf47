/* Calls of services, as a case sees them. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_CALLS_H
#define VMCONFORM_RUNNER_CALLS_H

#include "runner/casework.h"

void calls_install(struct casework *cw);

#endif
