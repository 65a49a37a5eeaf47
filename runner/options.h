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
    OPTION_SIZE,     /* uint64_t bytes: a number, then nothing, or k, M, G, T, KiB, MiB, GiB, TiB;
                        all of them powers of 1024, as qemu-img has them */
    OPTION_NUMBER,   /* struct option_number: as OPTION_COUNT */
    OPTION_BYTES,    /* struct option_number: as OPTION_SIZE */
    OPTION_LIST,     /* struct option_list: may be given again and again */
};

/* For options whose default is no number that could be given. */
struct option_number {
    uint64_t value; /* 0 when it was not given */
    bool given;
};
/* Whether it was not given, or lies in [least, most]. */
int option_number_check(const char *name, const struct option_number *n, uint64_t least,
                        uint64_t most, struct err *reterr);

/* Values in the order in which they were given; each borrowed from argv. */
struct option_list {
    const char **items;
    size_t count, cap;
};
void option_list_finish(struct option_list *l);
static inline void cleanup_option_list(struct option_list *l)
{
    option_list_finish(l);
}

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
/* The same; *ret_split tells how many operands stand before the "--", -1: there was none. */
int options_parse_split(const struct option_spec *specs, int argc, char **argv, int *ret_operands,
                        int *ret_split, struct err *reterr);
void options_help(const struct option_spec *specs);

#endif
