/* What this machine lets a worker do. */
#ifndef VMCONFORM_RUNNER_SANDBOX_H
#define VMCONFORM_RUNNER_SANDBOX_H

#include <stdbool.h>

struct abilities {
    bool qemu_img, tmpfs, root;
    const char *why_no_tmpfs; /* static text, NULL when it is there */
};

/* Enters a user and mount namespace of its own (uid mapped to itself) when that is needed for
 * mounting; must come before any thread. Tries a mount in `dir`. */
void sandbox_enter(const char *dir, struct abilities *ret);
/* The folder is in memory from now on, where that can be had: a case makes and removes hundreds of
 * files, which costs a disk's file system more than the case itself. Nobody else sees it. */
void sandbox_work_in_memory(const char *dir, const struct abilities *a);
/* Called outside, when the process that entered with `dir` has ended: takes down what it may have
 * left there. */
void sandbox_leave(const char *dir);
/* The same without lasting effect, in a child. */
void sandbox_probe(struct abilities *ret);

#endif
