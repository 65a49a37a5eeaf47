/* Whole files, up to a limit. */
#ifndef VMCONFORM_BASE_FILE_H
#define VMCONFORM_BASE_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Appends the file's bytes. What is larger than max_bytes is refused, a regular file before it is
 * read: ERR_LIMIT with the file as its place. */
int file_read(const char *path, size_t max_bytes, struct strbuf *out, struct err *reterr);

#endif
