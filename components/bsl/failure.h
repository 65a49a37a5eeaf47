/* Failures with a stable code in front of the text ("E-CHAIN-DUP: ..."), as people and tests match
 * them. */
#ifndef VMCONFORM_COMPONENTS_BSL_FAILURE_H
#define VMCONFORM_COMPONENTS_BSL_FAILURE_H

#include "base/err.h"

#define FAILURE_NO_SPACE "E-ENOSPC"

/* Sets "TAG: text" and returns -1. */
int failure_set(struct err *e, enum err_code code, const char *tag, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Puts "TAG: text: " in front of a pending error and returns -1. ENOSPC keeps a code of its own
 * whatever was being done; a crash stays as it is. */
int failure_wrap(struct err *e, const char *tag, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds "; text" of `more` to a pending error, or makes it the error, and empties `more`. Returns -1
 * when one is pending afterwards. */
int failure_join(struct err *e, struct err *more);

/* The text as a status message: one line of at most FAILURE_TEXT_MAX bytes. What documents say may
 * be part of it, and they may say anything. New. */
#define FAILURE_TEXT_MAX 2048
char *failure_plain(const char *text);

#endif
