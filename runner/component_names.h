/* Which components scenarios start: for names that the command line gives. Visible inside runner/
 * only. */
#ifndef VMCONFORM_RUNNER_COMPONENT_NAMES_H
#define VMCONFORM_RUNNER_COMPONENT_NAMES_H

#include "runner/collect.h"

/* Whether a case starts the component NAME of "NAME=WHAT". -1: none does; the hint says which are
 * started, and where. A scenario that computes a name may start any. */
int component_names_check(const struct collection *c, const char *text, struct err *reterr);

#endif
