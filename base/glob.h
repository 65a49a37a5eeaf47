/* Shell-like patterns: '*' stands for any text, '?' for one character (a UTF-8 sequence counts as
 * one), all else for itself. */
#ifndef VMCONFORM_BASE_GLOB_H
#define VMCONFORM_BASE_GLOB_H

#include <stdbool.h>

/* True when the pattern fits all of text. Takes at most length times length steps, whatever the
 * pattern. */
bool glob_match(const char *pattern, const char *text);

#endif
