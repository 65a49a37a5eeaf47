/* The commands of the program. Each gets argv from the command's own name on, prints to stdout and
 * stderr, returns the exit status. */
#ifndef VMCONFORM_RUNNER_COMMANDS_H
#define VMCONFORM_RUNNER_COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_expand(int argc, char **argv);
int cmd_grammar(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_qcow2(int argc, char **argv);
int cmd_mutants(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_component(int argc, char **argv);

/* Exit status of bad usage and of everything that the tool could not tell. */
#define EXIT_CANNOT_TELL 2

#endif
