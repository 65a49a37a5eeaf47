/* The two engines of the tests that make chains: qemu-img over a graph that is spelled out, and our
 * resolve and flatten. */
#ifndef VMCONFORM_TESTS_QCOW2_ENGINES_H
#define VMCONFORM_TESTS_QCOW2_ENGINES_H

#include <stddef.h>

#include "qcow2/resolve.h"
#include "tests/unit/qcow2/support.h"

/* "json:{...}": each file as the backing of the next, the last one on top, nothing below the first:
 * no name inside an image is followed. New. */
char *qemu_graph(const char *const *paths, size_t count);
/* `qemu-img convert -O raw` of that graph; its exit code. */
int qemu_flatten(const char *const *paths, size_t count, const char *raw);

/* What the chain reads as, through qcow2_flatten() and a memory sink. -1: *retfault. */
int flatten_bytes(struct qcow2_chain *chain, struct bytes *ret, struct qcow2_fault *retfault);
/* qcow2_resolve() over bytes in memory (borrowed), then flatten_bytes(). QCOW2_OK, or the first
 * fault's code, and then its sentence in *ret_text (may be NULL; new). */
enum qcow2_defect answer_bytes(const struct qcow2_declared *declared, const struct bytes *layers,
                               size_t count, struct bytes *ret, char **ret_text);

/* Fails the running test unless qcow2_check() calls the image sound. */
void must_be_sound(const struct bytes *image, const char *what);
/* Whether it does. */
bool is_sound(const struct bytes *image);
/* Fails the running test with the first place where they differ. */
void must_be_same(const struct bytes *got, const struct bytes *want, const char *what);

#endif
