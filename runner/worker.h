/* The child side of the pool: runs cases as it is told to. Visible inside runner/ only. */
#ifndef VMCONFORM_RUNNER_WORKER_H
#define VMCONFORM_RUNNER_WORKER_H

#include "runner/pool.h"

void worker_main(const struct collection *c, const struct pool_options *options, int from, int to)
    __attribute__((noreturn));
/* The folder of one worker below that of the run. New. */
char *worker_dir(const char *run_dir, long pid);
/* A result with all names filled in and nothing decided. New. */
struct result_case *worker_blank_result(const struct planned_case *c,
                                        const struct pool_options *options);

#endif
