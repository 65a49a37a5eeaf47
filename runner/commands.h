/* The commands of the program. Each gets argv from the command's own name on, prints to stdout and
 * stderr, returns the exit status. */
#ifndef VMCONFORM_RUNNER_COMMANDS_H
#define VMCONFORM_RUNNER_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct command {
    const char *name;
    int (*fn)(int argc, char **argv);
    const char *help;
};

/* Whether the usage is all that is wanted, or all that can be told: it was shown, and this is the
 * exit status. */
bool command_shows_usage(int argc, char **argv, void (*usage)(FILE *out), int *ret_status);
/* NULL: none is called so. */
const struct command *command_find(const struct command *commands, size_t count, const char *word);
/* Tells of a word that is none of their names, a `what`, with the one that was meant, or else
 * `otherwise`, as the hint. Returns the exit status. */
int command_unknown(const struct command *commands, size_t count, const char *what,
                    const char *word, const char *otherwise);
/* Names and helps, for a usage text; the helps stand below each other. */
void command_list(const struct command *commands, size_t count, FILE *out);

int cmd_run(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_expand(int argc, char **argv);
int cmd_grammar(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_qcow2(int argc, char **argv);
int cmd_cel(int argc, char **argv);
int cmd_mutants(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_component(int argc, char **argv);

/* Exit status of bad usage and of everything that the tool could not tell. */
#define EXIT_CANNOT_TELL 2

#endif
