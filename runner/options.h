/* Command-line options: long and short, with values, strict, with hints. */
#ifndef VMCONFORM_RUNNER_OPTIONS_H
#define VMCONFORM_RUNNER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum option_type {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char *, borrowed from argv */
    OPTION_COUNT,    /* uint64_t */
    OPTION_DURATION, /* int64_t ns */
};
struct option_spec {
    const char *name; /* "--junit" */
    char letter;      /* 'l' for -l; 0 for none */
    enum option_type type;
    void *target;
    const char *value; /* how the help calls the value: "FILE" */
    const char *help;
};

/* Reads options from argv[0..argc), which begins after the command's name. Operands are left in
 * argv[0..*ret_operands).
 * "--" ends the options. A table ends with a NULL name. */
int options_parse(const struct option_spec *specs, int argc, char **argv, int *ret_operands,
                  struct err *reterr);
void options_help(const struct option_spec *specs);

#endif
