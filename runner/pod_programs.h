/* Programs of others in the place of a pod's: `--implementation ROLE=exec:COMMAND`. The program is
 * started for each pod of that role, with the pod's environment, its volumes as folders of this
 * machine, and the object store as an HTTP address; it ends with an exit status and a message.
 * docs/testing-your-datamover.md is its contract. */
#ifndef VMCONFORM_RUNNER_POD_PROGRAMS_H
#define VMCONFORM_RUNNER_POD_PROGRAMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

struct component;
struct host;
struct pod_exit;
struct pod_run;
struct world;

struct pod_program {
    const struct component *component; /* in whose place it is */
    const char *command;               /* for a shell; borrowed */
    const char *text;                  /* of the command line: ROLE=exec:COMMAND; borrowed */
};

struct pod_programs {
    struct pod_program *items; /* owned */
    size_t count, cap;
    int64_t deadline_ns; /* of wall time, for one pod */
};

/* What engine() says where a program of others restores images. */
#define POD_PROGRAMS_ENGINE "external"

/* The component of a pod that is called so, or that plays this role; NULL: none. */
const struct component *pod_programs_component(const char *name, size_t len);
void pod_programs_add(struct pod_programs *p, const struct component *c, const char *command,
                      const char *text);
void pod_programs_finish(struct pod_programs *p);
/* NULL: the component plays itself. p may be NULL. */
const struct pod_program *pod_programs_find(const struct pod_programs *p,
                                            const struct component *c);
/* The options that say so, for a shell. p may be NULL. */
void pod_programs_tell(const struct pod_programs *p, struct strbuf *out);

/* Runs the program of a pod to its end, on a fiber of the pod's process; h is the pod's. env: names
 * to texts. dir: a folder for small files. message_from_output: a failure without a message is told
 * by the last lines of the output. Virtual time stands meanwhile, but for what the object store
 * takes. */
struct pod_start {
    struct host *h;
    struct world *world;
    const struct pod_run *run;
    const json_t *env;
    const char *dir;
    bool message_from_output;
};
void pod_program_run(const struct pod_programs *p, const struct pod_program *program,
                     const struct pod_start *start, struct pod_exit *ret);

#endif
