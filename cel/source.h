/* The text of an expression and where it stands in its file: turns byte offsets into positions. */
#ifndef VMCONFORM_CEL_SOURCE_H
#define VMCONFORM_CEL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/src_run.h"

/* A mistake, as it was told: not cut, not placed. */
struct source_issue {
    char *msg; /* owned by whoever asked */
    size_t offset;
};

struct source {
    const char *text;
    size_t len;
    struct src_pos pos;
    bool one_line; /* columns are pos.col + offset; else the position stays and the message names
                      line and column */
    /* Where each part of it stands, when that is known: then neither is asked. */
    const struct src_run *runs;
    size_t run_count;
    struct source_issue *issue; /* NULL: nobody asks */
};

void source_init(struct source *s, const char *text, size_t len, struct src_pos pos);
struct src_pos source_pos(const struct source *s, size_t offset);
/* Sets *reterr at the offset and returns -1. */
int source_fail(const struct source *s, struct err *reterr, enum err_code code, size_t offset,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
int source_failv(const struct source *s, struct err *reterr, enum err_code code, size_t offset,
                 const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

/* "ERROR: <input>:LINE:COLUMN: MSG" and the line with a mark, as cel-go prints it. New. */
char *source_show(const struct source *s, const char *msg, size_t offset);

#endif
