/* vmconform component: becomes vmconform-component, which has libcurl. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runner/commands.h"
#include "runner/remote/front.h"

int cmd_component(int argc, char **argv)
{
    AUTO(str) char *program = front_program();

    (void)argc;
    if (!program) {
        fputs("vmconform: error: vmconform-component is not beside this program\n", stderr);
        return EXIT_CANNOT_TELL;
    }
    execv(program, argv);
    fprintf(stderr, "vmconform: error: cannot run %s: %s\n", program, strerror(errno));
    return EXIT_CANNOT_TELL;
}
