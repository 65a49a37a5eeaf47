/* vmconform-component: one component as a process of its own, sealed in a world or on its own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/json.h"
#include "runner/realhost/cmd_component.h"
#include "runner/remote/guest.h"

#define EXIT_USAGE 2

/* Sealed in a world: whoever runs the world gives the control socket, and its end is ours. */
static int run_sealed(const char *descriptor)
{
    char *end;
    long fd = strtol(descriptor, &end, 10);
    struct err e = {0};

    if (end == descriptor || *end || fd < 0 || fd > 1 << 20) {
        fprintf(stderr, "vmconform-component: error: --sealed wants a descriptor, found '%s'\n",
                descriptor);
        return EXIT_USAGE;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (guest_run((int)fd, &e) == 0)
        return 0;
    fprintf(stderr, "vmconform-component: error: %s\n", e.msg);
    fflush(stderr);
    _exit(3); /* tasks that still wait hold memory, which is no leak of theirs */
}

int main(int argc, char **argv)
{
    json_init();
    if (argc == 3 && strcmp(argv[1], "--sealed") == 0)
        return run_sealed(argv[2]);
    return real_component(argc, argv);
}
