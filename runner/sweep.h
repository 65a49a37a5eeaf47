/* What `--crash` asks for: every-write, every-file-write, or each N-th of those points
 * (every-write/7). */
#ifndef VMCONFORM_RUNNER_SWEEP_H
#define VMCONFORM_RUNNER_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

struct sweep {
    bool files;    /* writes of files alone */
    uint64_t step; /* from one point to the next; 0: there is no sweep */
};

/* false: it is none of them; *ret is as it was. */
bool sweep_parse(const char *text, struct sweep *ret);

#endif
