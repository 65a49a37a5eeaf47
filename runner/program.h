/* Running an outside program and waiting for it, with limits. Blocks the whole process: virtual
 * time stands still meanwhile. */
#ifndef VMCONFORM_RUNNER_PROGRAM_H
#define VMCONFORM_RUNNER_PROGRAM_H

#include "components/host.h"

/* argv and dir hold real paths here. Same contract as host_program_run(). */
int program_run(const char *const *argv, const char *dir, const struct host_program *limits,
                struct host_program_result *ret, struct err *reterr);
/* The same in two steps: the first starts it, the second waits for its end, and may run on a thread
 * of its own. NULL with *reterr when it cannot be started. */
struct running_program;
struct running_program *program_start(const char *const *argv, const char *dir,
                                      const struct host_program *limits, struct err *reterr);
int program_finish(struct running_program *p, struct host_program_result *ret, struct err *reterr);
/* Makes its end come now; while it is waited for, from any thread. */
void program_kill(const struct running_program *p);
/* Whether a program of this name can be found in PATH. */
bool program_exists(const char *name);

#endif
