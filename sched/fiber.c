#include "sched/fiber.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "sched/sched.h"

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#else
#define FIBER_ASAN 0
#endif

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define FIBER_VALGRIND 1
#else
#define FIBER_VALGRIND 0
#endif

#if !defined(VMCONFORM_UCONTEXT) && !defined(__x86_64__) && !defined(__aarch64__)
#define VMCONFORM_UCONTEXT 1
#endif
#ifdef VMCONFORM_UCONTEXT
#include <ucontext.h>
#endif

/* Red zones and spilled temporaries make frames several times larger under ASan. */
#define STACK_BYTES ((size_t)SCHED_STACK_BYTES * (FIBER_ASAN ? 4 : 1))

/* ---- stacks ---- */

static char *stack_map(void)
{
    size_t bytes = FIBER_GUARD_BYTES + STACK_BYTES;
    char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED || mprotect(base, FIBER_GUARD_BYTES, PROT_NONE) != 0) {
        /* As in base/mem.h: no memory ends the process. */
        fprintf(stderr, "vmconform: no memory for the stack of an actor: %s\n", strerror(errno));
        abort();
    }
    return base + FIBER_GUARD_BYTES;
}

static void stack_unmap(char *stack)
{
    munmap(stack - FIBER_GUARD_BYTES, FIBER_GUARD_BYTES + STACK_BYTES);
}

/* Worlds are made by the thousand and each needs dozens of stacks: mapping, guarding and first
 * touching them would cost as much as short scenarios do. Which stack a fiber gets changes nothing
 * that it can see. */
static _Thread_local struct {
    char *stacks[FIBER_POOL_MAX];
    size_t count;
} pool;

static char *stack_take(void)
{
    return pool.count > 0 ? pool.stacks[--pool.count] : stack_map();
}

static void stack_give(char *stack)
{
#if FIBER_ASAN
    /* The frames that never returned left their red zones in the shadow. */
    __asan_unpoison_memory_region(stack, STACK_BYTES);
#endif
    if (pool.count < FIBER_POOL_MAX)
        pool.stacks[pool.count++] = stack;
    else
        stack_unmap(stack);
}

/* ---- telling the tools ---- */

/* What only a suspended stack points to is no leak. */
static void tools_stack_begins(struct fiber *f)
{
#if FIBER_ASAN
    __lsan_register_root_region(f->stack, f->stack_bytes);
#endif
#if FIBER_VALGRIND
    f->valgrind_id = VALGRIND_STACK_REGISTER(f->stack, f->stack + f->stack_bytes);
#else
    f->valgrind_id = 0;
#endif
}

static void tools_stack_ends(struct fiber *f)
{
#if FIBER_ASAN
    __lsan_unregister_root_region(f->stack, f->stack_bytes);
#endif
#if FIBER_VALGRIND
    VALGRIND_STACK_DEREGISTER(f->valgrind_id);
#endif
    f->valgrind_id = 0;
}

static inline void tools_before_switch(struct fiber *from, struct fiber *to, bool last)
{
    to->from = from;
#if FIBER_ASAN
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->bounds, to->stack_bytes);
#else
    (void)last;
#endif
}

/* On the stack of f, which has just been switched to. */
static inline void tools_after_switch(struct fiber *f)
{
#if FIBER_ASAN
    /* Where the loop's stack lies is learnt here, from the one who left it. */
    __sanitizer_finish_switch_fiber(f->fake_stack, &f->from->bounds, &f->from->stack_bytes);
    f->fake_stack = NULL;
#else
    (void)f;
#endif
}

/* ---- the switch ---- */

__attribute__((used)) _Noreturn static void fiber_main(struct fiber *f)
{
    tools_after_switch(f);
    f->fn(f->arg);
    abort(); /* fn must leave, not return */
}

#ifdef VMCONFORM_UCONTEXT

static void ucontext_main(unsigned high, unsigned low)
{
    fiber_main((struct fiber *)(uintptr_t)((uint64_t)high << 32 | low));
}

static void context_init(struct fiber *f)
{
    ucontext_t *context = mem_zalloc(sizeof *context);
    uint64_t self = (uintptr_t)f;

    getcontext(context);
    context->uc_stack.ss_sp = f->stack;
    context->uc_stack.ss_size = f->stack_bytes;
    /* makecontext passes int arguments only. */
    makecontext(context, (void (*)(void))(uintptr_t)ucontext_main, 2, (unsigned)(self >> 32),
                (unsigned)self);
    f->sp = context;
}

static void context_finish(struct fiber *f)
{
    free(f->sp);
}

static void context_swap(struct fiber *from, struct fiber *to)
{
    ucontext_t here; /* the place of the loop lasts only as long as it waits here */
    if (!from->stack)
        from->sp = &here;
    swapcontext(from->sp, to->sp);
}

#else

/* Saves the callee-saved registers and the floating-point control state on the stack, stores the
 * stack pointer at *save, loads the other one and restores from there. */
void vmconform_context_swap(void **save, void *load);
/* Where a new fiber begins: calls the function in one saved register with the value of another. */
void vmconform_context_enter(void);

#if defined(__x86_64__)
/* clang-format off */
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl vmconform_context_swap\n"
    ".hidden vmconform_context_swap\n"
    ".type vmconform_context_swap, @function\n"
    "vmconform_context_swap:\n"
    "    pushq %rbp\n"
    "    pushq %rbx\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    subq $8, %rsp\n"
    "    stmxcsr (%rsp)\n"
    "    fnstcw 4(%rsp)\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    ldmxcsr (%rsp)\n"
    "    fldcw 4(%rsp)\n"
    "    addq $8, %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbx\n"
    "    popq %rbp\n"
    /* not ret: the return predictor would be wrong each time */
    "    popq %rcx\n"
    "    jmp *%rcx\n"
    ".size vmconform_context_swap, .-vmconform_context_swap\n"
    ".p2align 4\n"
    ".globl vmconform_context_enter\n"
    ".hidden vmconform_context_enter\n"
    ".type vmconform_context_enter, @function\n"
    "vmconform_context_enter:\n"
    "    .cfi_startproc\n"
    "    .cfi_undefined rip\n" /* unwinders stop here */
    "    movq %r13, %rdi\n"
    "    callq *%r12\n"
    "    ud2\n"
    "    .cfi_endproc\n"
    ".size vmconform_context_enter, .-vmconform_context_enter\n");
/* clang-format on */

enum { FRAME_WORDS = 8, FRAME_FN = 4, FRAME_ARG = 3, FRAME_PC = 7 };

/* The state a process begins with: whoever happens to start a fiber must not hand it his rounding.
 */
static void frame_init(uint64_t *frame)
{
    const uint32_t mxcsr = 0x1f80, fpu_control = 0x37f;

    frame[0] = (uint64_t)fpu_control << 32 | mxcsr;
}

#elif defined(__aarch64__)
/* clang-format off */
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl vmconform_context_swap\n"
    ".hidden vmconform_context_swap\n"
    ".type vmconform_context_swap, %function\n"
    "vmconform_context_swap:\n"
    "    sub sp, sp, #176\n"
    "    stp x19, x20, [sp, #0]\n"
    "    stp x21, x22, [sp, #16]\n"
    "    stp x23, x24, [sp, #32]\n"
    "    stp x25, x26, [sp, #48]\n"
    "    stp x27, x28, [sp, #64]\n"
    "    stp x29, x30, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n"
    "    stp d10, d11, [sp, #112]\n"
    "    stp d12, d13, [sp, #128]\n"
    "    stp d14, d15, [sp, #144]\n"
    "    mrs x9, fpcr\n"
    "    str x9, [sp, #160]\n"
    "    mov x9, sp\n"
    "    str x9, [x0]\n"
    "    mov sp, x1\n"
    "    ldr x9, [sp, #160]\n"
    "    msr fpcr, x9\n"
    "    ldp x19, x20, [sp, #0]\n"
    "    ldp x21, x22, [sp, #16]\n"
    "    ldp x23, x24, [sp, #32]\n"
    "    ldp x25, x26, [sp, #48]\n"
    "    ldp x27, x28, [sp, #64]\n"
    "    ldp x29, x30, [sp, #80]\n"
    "    ldp d8, d9, [sp, #96]\n"
    "    ldp d10, d11, [sp, #112]\n"
    "    ldp d12, d13, [sp, #128]\n"
    "    ldp d14, d15, [sp, #144]\n"
    "    add sp, sp, #176\n"
    "    ret\n"
    ".size vmconform_context_swap, .-vmconform_context_swap\n"
    ".p2align 4\n"
    ".globl vmconform_context_enter\n"
    ".hidden vmconform_context_enter\n"
    ".type vmconform_context_enter, %function\n"
    "vmconform_context_enter:\n"
    "    .cfi_startproc\n"
    "    .cfi_undefined x30\n" /* unwinders stop here */
    "    mov x0, x20\n"
    "    blr x19\n"
    "    brk #1\n"
    "    .cfi_endproc\n"
    ".size vmconform_context_enter, .-vmconform_context_enter\n");
/* clang-format on */

enum { FRAME_WORDS = 22, FRAME_FN = 0, FRAME_ARG = 1, FRAME_PC = 11 };

static void frame_init(uint64_t *frame)
{
    frame[20] = 0; /* fpcr, as a process begins */
}
#endif

static void context_init(struct fiber *f)
{
    /* Both ABIs want the stack pointer to be a multiple of 16 where vmconform_context_enter begins.
     */
    uint64_t *frame = (uint64_t *)(void *)(f->stack + f->stack_bytes) - FRAME_WORDS;

    memset(frame, 0, FRAME_WORDS * sizeof *frame);
    frame_init(frame);
    frame[FRAME_FN] = (uintptr_t)fiber_main;
    frame[FRAME_ARG] = (uintptr_t)f;
    frame[FRAME_PC] = (uintptr_t)vmconform_context_enter;
    f->sp = frame;
}

static void context_finish(struct fiber *f)
{
    (void)f;
}

static inline void context_swap(struct fiber *from, struct fiber *to)
{
    vmconform_context_swap(&from->sp, to->sp);
}

#endif

void fiber_init(struct fiber *f, fiber_fn *fn, void *arg)
{
    *f = (struct fiber){.stack_bytes = STACK_BYTES, .fn = fn, .arg = arg};
    f->stack = stack_take();
    f->bounds = f->stack;
    context_init(f);
    tools_stack_begins(f);
}

void fiber_finish(struct fiber *f)
{
    if (!f->stack)
        return;
    tools_stack_ends(f);
    context_finish(f);
    stack_give(f->stack);
    f->stack = NULL;
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
    assert(from != to);
    tools_before_switch(from, to, false);
    context_swap(from, to);
    tools_after_switch(from);
}

_Noreturn void fiber_leave(struct fiber *from, struct fiber *to)
{
    tools_before_switch(from, to, true);
    context_swap(from, to);
    abort();
}
