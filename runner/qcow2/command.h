/* The subcommands of `vmconform qcow2`, and what they share: reading options, exit statuses,
 * showing text that comes from outside.
 *
 * Each subcommand gets argv from its own name on and returns the exit status: 0 sound or same, 1
 * defective or different, 2 usage or I/O; compare has those of `qemu-img compare`. */
#ifndef VMCONFORM_RUNNER_QCOW2_COMMAND_H
#define VMCONFORM_RUNNER_QCOW2_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "qcow2/fault.h"
#include "runner/options.h"

int qcow2_info_command(int argc, char **argv);
int qcow2_check_command(int argc, char **argv);
int qcow2_map_command(int argc, char **argv);
int qcow2_flatten_command(int argc, char **argv);
int qcow2_compare_command(int argc, char **argv);
int qcow2_create_chain(int argc, char **argv);

#define EXIT_DEFECTIVE 1

#define HELP_OPTION(target)                                                                        \
    {                                                                                              \
        "--help", 'h', OPTION_FLAG, target, NULL, "show this"                                      \
    }
#define END_OF_OPTIONS                                                                             \
    {                                                                                              \
        NULL, 0, OPTION_FLAG, NULL, NULL, NULL                                                     \
    }

/* What options_parse_split() left of the command line. */
struct operands {
    char **items;
    size_t count;
    int split; /* how many stand before the "--"; -1: there is none */
};
/* Reads the options after the subcommand's name. Returns -1: go on; else the exit status: the help
 * was shown, or a mistake was told. `usage` is the help's text before the options; the last of
 * `specs` is HELP_OPTION(help). */
int command_options(const char *usage, const struct option_spec *specs, const bool *help, int argc,
                    char **argv, struct operands *ret);
/* Tells a mistake on the command line (hint may be NULL). Returns EXIT_CANNOT_TELL. */
int command_mistake(const char *hint, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints the error and clears it. */
void command_error(struct err *e);

/* 2 when the system or the command line is to blame, 1 when the images are. */
int defect_status(enum qcow2_defect defect);
/* "Q_HDR_SHORT"; NULL for an error of a document, which is not one of an image. */
const char *fault_code(const struct qcow2_fault *f);
/* The sentence, and the code behind it: "x.qcow2: at byte 8: ... [Q_L2_ENTRY]". New. */
char *fault_text(const struct qcow2_fault *f);
/* Prints the fault with its code, clears it, and returns its status. */
int command_fault(struct qcow2_fault *f);
/* The same; with `json` it is told on standard output too: {"error": {"code", "message", "file",
 * "offset"}}, with null for what is not known. `files` (some may be NULL) are those that the
 * command was about; the one that the sentence begins with is named. */
int command_refusal(bool json, const char *const *files, size_t count, struct qcow2_fault *f);

/* Bytes from outside as qcow2_quote() shows them, uncut. New. */
char *quoted(const void *text, size_t len);
char *quoted_name(const char *name);
/* "64 MiB", "1.5 GiB", "700 bytes". New. */
char *size_text(uint64_t bytes);
/* "1 leak", "2 leaks". New. */
char *count_text(uint64_t n, const char *noun);
/* UTF-8 stays as it is, other bytes as quoted() has them. New. */
json_t *json_name(const void *text, size_t len);
/* New; a number, or its digits as text when no JSON integer holds it. */
json_t *json_u64(uint64_t v);
/* Indented, with a newline. Steals. */
void print_json_take(json_t *v);

/* Threads when none are asked for: what pays without taking the machine over. */
unsigned threads_default(void);
int threads_check(const struct option_number *threads, struct err *reterr);

/* Progress on standard error. */
struct progress {
    bool shown;
    const char *what;
    uint64_t last; /* in tenths of a percent, and one; 0: nothing was shown yet */
};
struct progress_options {
    bool on, off; /* --progress, --no-progress; neither: on a terminal only */
};
#define PROGRESS_OPTIONS(o)                                                                        \
    {"--progress", 0,    OPTION_FLAG,                                                              \
     &(o)->on,     NULL, "show how far it is (on standard error; default: on a terminal)"},        \
    {                                                                                              \
        "--no-progress", 0, OPTION_FLAG, &(o)->off, NULL, "do not"                                 \
    }
struct progress progress_start(const struct progress_options *o, const char *what);
/* The callback of qcow2/flatten.h and qcow2/compare.h; arg is the struct progress. */
void progress_show(void *arg, uint64_t done, uint64_t total);
/* Wipes the line. */
void progress_end(struct progress *p);

#endif
