/* Forked workers that run batches of cases: a crash or hang of one case is an error of that case
 * alone. */
#ifndef VMCONFORM_RUNNER_POOL_H
#define VMCONFORM_RUNNER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/result.h"
#include "runner/collect.h"

struct external_options;
struct pod_programs;
struct pool_options {
    uint64_t seed;
    unsigned jobs;
    int64_t timeout_ns; /* wall time of one case */
    bool fail_fast;
    bool trace;
    const char *crash;               /* what sweep_parse() takes; NULL: none */
    const char *interleaving;        /* of races; NULL: all, or a sample */
    bool outside;                    /* components are processes of their own */
    const char *engine;              /* "qemu-img", "native": what restores images */
    const struct pod_programs *pods; /* programs of others; NULL: none */
    const char *keep;
    struct external_options *external; /* NULL: every component is ours; else one job */
    const char *dir;                   /* a folder of this run; workers make theirs below it */
    const volatile int *interrupted;   /* set by a signal handler */
    /* Called in the parent, in order of completion. */
    void (*on_result)(void *cookie, const struct result_case *r);
    void *cookie;
};

/* Results in scenario order (a crash sweep gives several for one case). Traces, when asked for, are
 * DIR/trace-INDEX files. ret_cases: new array of new results. -1 when a worker ended badly although
 * no case was running, as one does whose leak check finds something at its end. */
int pool_run(const struct collection *c, const struct pool_options *options,
             struct result_case ***ret_cases, size_t *ret_count);

#endif
