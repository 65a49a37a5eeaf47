/* The result model: all that report writers see. One result per case, in scenario order, never in
 * order of completion. */
#ifndef VMCONFORM_REPORTS_RESULT_H
#define VMCONFORM_REPORTS_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum result_status {
    RESULT_PASSED,
    RESULT_FAILED,  /* the implementation broke a promise */
    RESULT_ERROR,   /* the tool could not tell; error_type says why */
    RESULT_VACUOUS, /* nothing that should have been possible ever happened */
    RESULT_SKIPPED,
    RESULT_STATUS_COUNT
};
const char *result_status_name(
    enum result_status s); /* "passed", "failed", "error", "vacuous", "skipped" */

struct result_case {
    char *name;  /* "restore-happy[own=3]" */
    char *suite; /* folder: "osac/restore" */
    char *file;  /* as given on the command line, below it */
    uint32_t line;
    char **requirements; /* NULL-terminated */
    uint64_t seed;
    char *engine; /* what restored its images; NULL: it has none */
    char *replay; /* a command line */
    enum result_status status;
    char *error_type; /* RESULT_ERROR: "stage", "scenario", "crash", "timeout", "settle", "limit",
                         "environment"; else NULL */
    char *headline;   /* first line: FILE:LINE:COL: what broke; NULL when passed. For skipped: the
                         reason */
    char *details;    /* more lines, may be NULL */
    char **checked;   /* NULL-terminated: what was checked (laws and assertions by name) */
    int64_t virtual_ns;
    int64_t wall_ns;
    bool observed; /* an outside controller, with a clock of its own: another run may differ */
    bool expected; /* a failure that --expected-failures lists */
};
struct result_case *result_case_create(void);
void result_case_destroy(struct result_case *r);
DEFINE_CLEANUP(struct result_case, result_case, result_case_destroy);

/* The same as JSON, for the pipe between a worker and the runner and for the JSON report. New /
 * new. */
json_t *result_case_to_json(const struct result_case *r);
struct result_case *result_case_from_json(const json_t *v, struct err *reterr);

struct result_run {
    const struct result_case *const *cases;
    size_t count;
    const char *version; /* of vmconform */
    uint64_t seed;
    bool interrupted; /* SIGTERM or SIGINT came first: cases that did not run are skipped with that
                         reason */
    bool fail_on_skip;
    int64_t wall_ns;
};
struct result_totals {
    size_t by_status[RESULT_STATUS_COUNT];
    size_t observed;
    size_t expected; /* of the failed ones */
};
struct result_totals result_count(const struct result_run *run);
/* design: 0 all passed; else the smallest of 1 failed, 2 error (or a skip under fail_on_skip, or
 * nothing ran, or interrupted), 3 vacuous. */
int result_exit_code(const struct result_run *run);

#endif
