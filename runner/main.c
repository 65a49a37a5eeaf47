/* vmconform: one program, one table of commands. */
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/commands.h"

/* Most commands need no TLS, and do not wait for it to get ready: who needs it calls
 * gnutls_global_init(). */
GNUTLS_SKIP_GLOBAL_INIT

static const struct command commands[] = {
    {"run", cmd_run, "run scenarios and report"},
    {"list", cmd_list, "list the cases of scenarios"},
    {"lint", cmd_lint, "check scenarios without running them"},
    {"expand", cmd_expand, "show each case with its values, its steps unrolled"},
    {"grammar", cmd_grammar, "what scenarios may say: verbs, functions, faults, components"},
    {"serve", cmd_serve, "a simulated cluster over HTTPS, for kubectl and other clients"},
    {"component", cmd_component, "run a component against real clusters"},
    {"qcow2", cmd_qcow2,
     "images and chains of them: info, check, map, flatten, compare, create-chain"},
    {"cel", cmd_cel, "an expression of Kubernetes' policies by itself: eval, check"},
    {"mutants", cmd_mutants, "prove that known-wrong variants are caught"},
    {"doctor", cmd_doctor, "what this machine lacks, and what that costs"},
};

static void usage(FILE *out)
{
    fputs("vmconform: a conformance simulator for software that snapshots, backs up, restores and "
          "protects KubeVirt VMs\n\nusage: vmconform COMMAND [OPTIONS] [PATH...]\n\n",
          out);
    command_list(commands, ARRAY_LEN(commands), out);
    fputs("\n'vmconform COMMAND --help' or 'vmconform help COMMAND' shows the options of a "
          "command.\n",
          out);
}

static int unknown_command(const char *word)
{
    return command_unknown(commands, ARRAY_LEN(commands), "command", word,
                           "'vmconform --help' lists the commands");
}

/* Output that nobody can read is no success. */
static int check_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("vmconform: error: the output could not be written\n", stderr);
    return status ? status : EXIT_CANNOT_TELL;
}

/* argv: the command's name first, NULL-terminated. */
static int run_command(int argc, char **argv)
{
    const struct command *c = command_find(commands, ARRAY_LEN(commands), argv[0]);

    return c ? check_output(c->fn(argc, argv)) : unknown_command(argv[0]);
}

/* `help serve` is `serve --help`, `help qcow2 map` is `qcow2 map --help`. */
static int help(int count, char **words)
{
    static char option[] = "--help";
    char **argv;
    int status;

    if (count == 0) {
        usage(stdout);
        return check_output(0);
    }
    argv = mem_zalloc(((size_t)count + 2) * sizeof *argv);
    for (int i = 0; i < count; i++)
        argv[i] = words[i];
    argv[count] = option;
    status = run_command(count + 1, argv);
    free(argv);
    return status;
}

int main(int argc, char **argv)
{
    int status;

    json_init();
    if (command_shows_usage(argc, argv, usage, &status))
        return status;
    if (strcmp(argv[1], "--version") == 0) {
        printf("vmconform %s\n", VMCONFORM_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "help") == 0)
        return help(argc - 2, argv + 2);
    return run_command(argc - 1, argv + 1);
}
