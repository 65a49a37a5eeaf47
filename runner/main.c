/* vmconform: one program, one table of commands. */
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "runner/commands.h"

/* Most commands need no TLS, and do not wait for it to get ready: who needs it calls
 * gnutls_global_init(). */
GNUTLS_SKIP_GLOBAL_INIT

struct command {
    const char *name;
    int (*fn)(int argc, char **argv);
    const char *help;
};
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
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n'vmconform COMMAND --help' shows the options of a command.\n", out);
}

static int unknown_command(const char *word)
{
    const char *names[ARRAY_LEN(commands)];
    AUTO(err) struct err e = {0};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i].name;
    err_set(&e, ERR_INVALID, NO_POS, "unknown command '%s'", word);
    err_suggest(&e, word, names, ARRAY_LEN(commands), "'vmconform --help' lists the commands");
    err_print(stderr, &e, NULL, 0);
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
    json_init();
    if (argc < 2) {
        usage(stderr);
        return EXIT_CANNOT_TELL;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("vmconform %s\n", VMCONFORM_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return check_output(commands[i].fn(argc - 1, argv + 1));
    return unknown_command(argv[1]);
}
