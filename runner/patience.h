/* `afterCrash`: what a claim allows when the crash of `--crash every-write` has fallen before it
 * was judged. Without that crash it allows nothing. */
#ifndef VMCONFORM_RUNNER_PATIENCE_H
#define VMCONFORM_RUNNER_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#define PATIENCE_EXCUSED "excused"

struct patience {
    int64_t ns;   /* how much longer it may take */
    bool excused; /* it need not hold at all: its moment may have passed unseen */
};

/* Reads a duration or `excused`. false: it is neither, *ret is as it was. */
bool patience_parse(const char *text, struct patience *ret);
/* The words for that, printf's arguments: the text that was found. */
#define PATIENCE_WANTED                                                                            \
    "'afterCrash' must be a duration such as 2h, at most 87600h, or 'excused', found '%s'"

#endif
