/* Fibers: a stack and a saved place to go on from. Inside sched/ only; everybody else sees actors.
 *
 * The switch is a few lines of assembly on x86-64 and aarch64 (swapcontext makes two system calls
 * each time), ucontext elsewhere or with -DVMCONFORM_UCONTEXT. Sanitizers are told about every
 * switch and every stack. */
#ifndef VMCONFORM_SCHED_FIBER_H
#define VMCONFORM_SCHED_FIBER_H

#include <stdbool.h>
#include <stddef.h>

/* A PROT_NONE region under each stack, wider than one page so that a large frame cannot step over
 * it. */
#define FIBER_GUARD_BYTES (64u << 10)
/* Free stacks that a thread keeps for reuse, over the ends of schedulers; more go back to the
 * system. */
#define FIBER_POOL_MAX 64u

typedef void fiber_fn(void *arg);

/* Embedded by its owner. A zeroed struct is the place of a caller that is no fiber (the loop). */
struct fiber {
    void *sp;           /* saved stack pointer while suspended; with ucontext, the context */
    char *stack;        /* lowest usable byte; NULL for the loop */
    size_t stack_bytes; /* usable size; the sanitizer tells that of the loop */
    const void *bounds; /* what the sanitizer is told as the bottom of the stack */
    void *fake_stack;   /* the sanitizer's own state while suspended */
    struct fiber *from; /* who switched here last */
    unsigned valgrind_id;
    fiber_fn *fn;
    void *arg;
};

/* Prepares fn(arg) to run at the first switch to f. fn never returns: it ends with fiber_leave().
 */
void fiber_init(struct fiber *f, fiber_fn *fn, void *arg);
/* Gives the stack back. Not while running on it. */
void fiber_finish(struct fiber *f);
/* Suspends `from`, which is running, and goes on in `to`. Returns when somebody switches back. */
void fiber_switch(struct fiber *from, struct fiber *to);
/* The last switch out of `from`: it never goes on. */
_Noreturn void fiber_leave(struct fiber *from, struct fiber *to);

#endif
