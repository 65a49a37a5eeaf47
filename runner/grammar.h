/* What this program knows, told from its tables: for the pages, for editors, for people. */
#ifndef VMCONFORM_RUNNER_GRAMMAR_H
#define VMCONFORM_RUNNER_GRAMMAR_H

#include <jansson.h>

#include "base/err.h"

/* The JSON Schema of scenarios: `base` with what steps and the given may hold replaced by what this
 * program knows; all else stays as it is there. New; NULL when base is no such schema. */
json_t *grammar_schema(const json_t *base, struct err *reterr);

#endif
