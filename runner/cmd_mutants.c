#include <stdio.h>

#include "runner/commands.h"

int cmd_mutants(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs("vmconform: error: no mutants here\n", stderr);
    return EXIT_CANNOT_TELL;
}
