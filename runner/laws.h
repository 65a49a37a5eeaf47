/* The promises of a case while it runs: judged at every change, told in the report. */
#ifndef VMCONFORM_RUNNER_LAWS_H
#define VMCONFORM_RUNNER_LAWS_H

#include "runner/happening.h"

struct inclusion;

struct active_law {
    const struct law *law;
    const struct inclusion *in;
    uint64_t evaluated;
    uint64_t upon_errors; /* how often `that` of its `upon` could not be evaluated: not selected */
};
struct sometimes_state {
    const struct condition *condition;
    const struct inclusion *in;
    bool seen;
};
struct active_laws {
    struct active_law *items;
    size_t count, cap;
    struct sometimes_state *sometimes;
    size_t sometimes_count, sometimes_cap;
};

/* The laws of the inclusion's file are in force from now on. */
void active_laws_add(struct active_laws *l, const struct inclusion *in);
void active_laws_finish(struct active_laws *l);

/* At a change, whose names are bound in the frame of every inclusion. */
void laws_judge(struct casework *cw, const struct happening *h);
/* At the end of the story; each 0, or -1 after a verdict: kinds that nobody knows, which made laws
 * and expressions "not true" each time; what happened in no moment of the run. */
int laws_judge_kinds(struct casework *cw);
int laws_judge_sometimes(struct casework *cw);
/* Of `sometimes`, what is true now has been seen. */
void look_at_sometimes(struct casework *cw);
/* Tells which laws were checked, and how often. */
void laws_tell(struct casework *cw);

#endif
