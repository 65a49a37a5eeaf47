/* Running one case of a scenario: a fresh world, the story, the verdict. */
#ifndef VMCONFORM_RUNNER_CASE_H
#define VMCONFORM_RUNNER_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "reports/result.h"
#include "runner/scenario.h"

struct case_options {
    uint64_t seed;
    bool trace;
    const char *dir; /* a folder of this case's own for real files, or NULL */
    bool can_mount;
    const char *keep; /* where images are copied at the end, or NULL */
    bool has_qemu_img;
    int64_t crash_point; /* crash the acting component at its n-th write (1..), 0: never */
    int crash_moment;    /* enum request_moment */
    uint64_t events_max; /* 0: the default */
};
#define CASE_EVENTS_MAX UINT64_C(50000000)

struct case_outcome {
    struct result_case *result; /* new */
    struct strbuf trace;        /* when asked for */
    uint64_t crash_points;      /* writes by components that a crash could fall on */
};
/* values: the matrix case (borrowed). Never fails: what goes wrong is in the result. */
void run_case(const struct unit *u, const json_t *values, const struct case_options *options,
              struct case_outcome *ret);
/* A result with all names filled in and nothing decided. New. */
struct result_case *case_blank_result(const struct unit *u, const json_t *values, uint64_t seed);
/* The command that runs the case again, quoted for a shell. crash: what --crash gets, or NULL. New.
 */
char *case_replay(const struct unit *u, const char *name, uint64_t seed, const char *crash);
void case_outcome_finish(struct case_outcome *o);

#endif
