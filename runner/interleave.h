/* A case with a race is run in every order of its turns, or in a sample of them. Visible inside
 * runner/ only. */
#ifndef VMCONFORM_RUNNER_INTERLEAVE_H
#define VMCONFORM_RUNNER_INTERLEAVE_H

#include "runner/case.h"

#define INTERLEAVINGS_MAX 200u

/* Runs the case once more. */
typedef void interleave_run_fn(void *cookie, const struct case_options *options,
                               struct case_outcome *ret);
/* first: the outcome of the first run, whose race had turns. In its place comes what the case came
 * to: the first run that did not pass, or the last. `sometimes` holds over all of them. */
void interleave(const struct case_options *base, interleave_run_fn *run, void *cookie,
                struct case_outcome *first);

/* What a case that was run in one order alone tells: which. */
void interleave_tell_one(struct case_outcome *o);

#endif
