/* What the qcow2 fuzz targets share: limits that fit a fuzzer, and what must hold of every answer.
 */
#ifndef VMCONFORM_FUZZ_QCOW2_FUZZ_H
#define VMCONFORM_FUZZ_QCOW2_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "fuzz/qcow2_input.h"
#include "qcow2/chain.h"

/* Disks up to this size are read whole. */
#define FUZZ_READ_MAX (UINT64_C(256) << 10)

struct qcow2_policy fuzz_policy(unsigned flags);
struct qcow2_chain_options fuzz_chain_options(unsigned flags);
/* NULL: refused, and the refusal was looked at; ret_defect (may be NULL) tells why. */
struct qcow2_image *fuzz_open(const struct fuzz_layer *layer, unsigned flags,
                              enum qcow2_defect *ret_defect);

/* Ends the process with a word, which makes a finding. */
_Noreturn void fuzz_fail(const char *what, uint64_t a, uint64_t b);
static inline void fuzz_expect(bool holds, const char *what, uint64_t a, uint64_t b)
{
    if (!holds)
        fuzz_fail(what, a, b);
}
/* Nothing but printable ASCII. */
bool fuzz_is_plain(const char *text);
/* r of a call that fills f on failure: a fault is there just then, it has a sentence of one line
 * in plain ASCII, and is cleared. Returns r. */
int fuzz_answer(int r, struct qcow2_fault *f);

/* The images of an input that opened, base first, owned; and the chain when they make one. */
struct fuzz_chain {
    struct qcow2_image *images[FUZZ_LAYERS_MAX];
    size_t count;
    struct qcow2_chain *chain; /* NULL: refused */
    enum qcow2_defect defect;  /* why the last one did not open, or the chain */
};
void fuzz_chain_open(struct fuzz_chain *c, const struct fuzz_input *input);
void fuzz_chain_finish(struct fuzz_chain *c);
static inline void cleanup_fuzz_chain(struct fuzz_chain *c)
{
    fuzz_chain_finish(c);
}

/* Extents are sorted, do not overlap, lie on the disk, and lead into their files. */
void fuzz_check_extents(struct qcow2_chain *chain);
/* Reads all of a small disk, or the beginnings of extents of a larger one. New: the bytes, NULL
 * when some could not be read or the disk is larger than FUZZ_READ_MAX. */
uint8_t *fuzz_read(struct qcow2_chain *chain);

#endif
