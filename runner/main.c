/* vmconform: one program, one table of commands. */
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "runner/commands.h"

/* Most commands need no TLS, and do not wait for it to get ready: who needs it calls
 * gnutls_global_init(). */
GNUTLS_SKIP_GLOBAL_INIT

static const struct command commands[] = {
    {"run", cmd_run, "run scenarios and report"},
    {"list", cmd_list, "list the cases of scenarios"},
    {"lint", cmd_lint, "check scenarios without running them"},
    {"expand", cmd_expand, "show each case with its values, its steps unrolled"},
    {"serve", cmd_serve, "a simulated cluster over HTTPS, for kubectl and other clients"},
    {"component", cmd_component, "run a component against real clusters"},
    {"qcow2", cmd_qcow2,
     "images and chains of them: info, check, map, flatten, compare, create-chain"},
    {"mutants", cmd_mutants, "prove that known-wrong variants are caught"},
    {"doctor", cmd_doctor, "what this machine lacks, and what that costs"},
};

static void usage(FILE *out)
{
    fputs("vmconform: a conformance simulator for software that snapshots, backs up, restores and "
          "protects KubeVirt VMs\n\nusage: vmconform COMMAND [OPTIONS] [PATH...]\n\n",
          out);
    command_list(commands, ARRAY_LEN(commands), out);
    fputs("\n'vmconform COMMAND --help' shows the options of a command.\n", out);
}

static int unknown_command(const char *word)
{
    const char *near = command_nearest(commands, ARRAY_LEN(commands), word);

    fprintf(stderr, "vmconform: error: unknown command '%s'\n", word);
    if (near)
        fprintf(stderr, "  hint: did you mean '%s'?\n", near);
    else
        fprintf(stderr, "  hint: 'vmconform --help' lists the commands\n");
    return EXIT_CANNOT_TELL;
}

/* Output that nobody can read is no success. */
static int check_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("vmconform: error: the output could not be written\n", stderr);
    return status ? status : EXIT_CANNOT_TELL;
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
    const struct command *c = command_find(commands, ARRAY_LEN(commands), argv[1]);
    return c ? check_output(c->fn(argc - 1, argv + 1)) : unknown_command(argv[1]);
}
