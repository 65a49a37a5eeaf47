/* What the tests of qcow2/ share: images in memory, a scratch folder, the outside tools. */
#ifndef VMCONFORM_TESTS_QCOW2_SUPPORT_H
#define VMCONFORM_TESTS_QCOW2_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qcow2/chain.h"
#include "qcow2/layer.h"
#include "qcow2/writer.h"

/* Bytes of an image, changeable. */
struct bytes {
    unsigned char *data;
    size_t len;
};
static inline void cleanup_bytes(struct bytes *b)
{
    free(b->data);
}

/* An image of `clusters` guest clusters in which the letters of `layout` say what each holds: '.'
 * nothing, '0' zero, '@' data that are zeros, a letter: data of that byte. Letters are put in the
 * order of the alphabet, so the file order is up to the test. */
struct bytes make_image(uint32_t cluster_bits, const char *layout,
                        const struct qcow2_writer_options *more);
struct bytes make_layer(const struct disk_moment *from, const struct disk_moment *to,
                        const struct qcow2_layer_options *options);
/* Opens a memory image; the bytes are borrowed. NULL on failure. */
struct qcow2_image *open_bytes(const struct bytes *b, const char *name,
                               struct qcow2_fault *retfault);
/* An image of one cluster with subclusters, and the two words of its L2 entry. */
struct bytes make_subclusters(uint64_t word, uint64_t bitmap);
/* The chain reads as the raw file does; the test fails otherwise. */
void same_as_raw(struct qcow2_chain *chain, const char *raw, const char *what);
/* Opens and maps: QCOW2_OK or the first defect. */
enum qcow2_defect judge(const struct bytes *b);

/* A new folder below TMPDIR; removed with all its files by scratch_remove(). New text. */
char *scratch_create(void);
void scratch_remove(char *folder);
/* Files of a folder whose names end with ".partial". */
size_t leftovers(const char *folder);
void write_file(const char *path, const void *data, size_t len);
struct bytes read_file(const char *path);

/* Runs argv (NULL-terminated; output dropped) and returns its exit code; 127: not installed. */
int run_tool(const char *const *argv);
bool have_qemu(void);
/* Says that a program is skipped: it then ends with SKIPPED. */
#define SKIPPED 77
bool skip_without_qemu(void);

#endif
