/* Running an outside program and waiting for it, with limits. Blocks the whole process: virtual
 * time stands still meanwhile. */
#ifndef VMCONFORM_RUNNER_PROGRAM_H
#define VMCONFORM_RUNNER_PROGRAM_H

#include "components/host.h"

/* argv and dir hold real paths here. Same contract as host_program_run(). */
int program_run(const char *const *argv, const char *dir, const struct host_program *limits,
                struct host_program_result *ret, struct err *reterr);
/* Whether a program of this name can be found in PATH. */
bool program_exists(const char *name);

#endif
