/* RE2 for C. Linear time and bounded memory are part of CEL's contract, which no backtracking
 * engine keeps. */
#ifndef VMCONFORM_CEL_RE2_SHIM_H
#define VMCONFORM_CEL_RE2_SHIM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

#ifdef __cplusplus
extern "C" {
#define REGEX_NOEXCEPT noexcept
#else
#define REGEX_NOEXCEPT
#endif

struct regex;

/* NULL when the pattern is refused; the reason (cut to size) is in why. */
struct regex *regex_create(const char *pattern, size_t len, char *why,
                           size_t why_size) REGEX_NOEXCEPT;
void regex_destroy(struct regex *re) REGEX_NOEXCEPT;
/* Looks for the first match (not anchored) at or after `from`. ret_start and ret_end are byte
 * offsets; both may be NULL together, which is faster. */
bool regex_find(const struct regex *re, const char *text, size_t len, size_t from,
                size_t *ret_start, size_t *ret_end) REGEX_NOEXCEPT;

#ifdef __cplusplus
}
#endif

DEFINE_CLEANUP(struct regex, regex, regex_destroy);

#endif
