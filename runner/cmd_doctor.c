/* vmconform doctor */
#include <stdio.h>
#include <string.h>

#include "runner/commands.h"
#include "runner/program.h"
#include "runner/sandbox.h"

static void line(bool there, const char *what, const char *costs)
{
    printf("%-8s %-28s %s\n", there ? "ok" : "missing", what, there ? "" : costs);
}

int cmd_doctor(int argc, char **argv)
{
    struct abilities a;

    if (argc > 1) {
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
            puts("usage: vmconform doctor\n\nTells what this machine lacks, and what that costs.");
            return 0;
        }
        fprintf(stderr, "vmconform: error: doctor takes no arguments, found '%s'\n", argv[1]);
        return EXIT_CANNOT_TELL;
    }
    sandbox_probe(&a);
    line(a.qemu_img, "qemu-img", "scenarios that restore images are skipped (package qemu-utils)");
    line(a.tmpfs, "size-limited volumes",
         "scenarios of full volumes are skipped (user namespaces)");
    line(a.root, "root", "scenarios with loop devices are skipped");
    line(program_exists("cc") || program_exists("gcc"), "a C compiler",
         "'vmconform mutants' cannot run");
    return 0;
}
