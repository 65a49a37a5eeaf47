/* `has`: whether an object carries the members that are asked for (docs/scenario-format.md,
 * Conditions). */
#ifndef VMCONFORM_RUNNER_SUBSET_H
#define VMCONFORM_RUNNER_SUBSET_H

#include <jansson.h>
#include <stdbool.h>

#include "base/strbuf.h"

/* Called for each difference; `path` is dotted, with [i] or [type=x] for list elements; got is NULL
 * when absent. */
typedef void subset_diff_fn(void *cookie, const char *path, const json_t *want, const json_t *got);

bool subset_matches(const json_t *want, const json_t *got, subset_diff_fn *fn, void *cookie);

#endif
