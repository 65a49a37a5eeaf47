/* A scene for the rows of measured qemu-img behaviour: files that qemu-img and qemu-io make, what
 * qemu-img does with them, and our answer beside it.
 *
 * A disk is a text: one letter for each cluster of 64 KiB, '0' for zeros that hide the layer below,
 * '.' for nothing. */
#ifndef VMCONFORM_TESTS_QCOW2_ROWS_H
#define VMCONFORM_TESTS_QCOW2_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "qcow2/flatten.h"
#include "qcow2/resolve.h"
#include "tests/unit/qcow2/support.h"

struct Suite;

#define ROWS_CS 65536u
#define ROWS_F "AAAAAAAAAAAA...."
#define ROWS_I1 "..BB..BB..00...B"
#define ROWS_I2 "...CC.C........C"
#define ROWS_RIGHT "AABCCACBAA00...C" /* F, I1, I2 */

/* Every path that was asked for, kept until the end. */
struct scene {
    char *folder;
    char **paths;
    size_t count, cap;
    /* What remember() saw. */
    struct scene_file {
        char *name;
        uint64_t length;
        char sha256[DIGEST_HEX];
    } files[8];
    size_t file_count;
};

/* A folder; with F, I1 and I2 as three standalone images in it. */
struct scene scene_empty(void);
struct scene scene_create(void);
void scene_finish(struct scene *s);

/* The path of a name in the folder. Borrowed from the scene. */
const char *at(struct scene *s, const char *name);

/* ---- qemu ---- */

/* A qcow2 image with that layout; options as for -o, NULL: cluster_size=64k. Standalone. */
void draw(struct scene *s, const char *name, const char *options, const char *layout);
/* `rebase -u -f qcow2 -F qcow2 -b PARENT`; the exit code. */
int rebase(struct scene *s, const char *name, const char *parent);
/* I1 on F, I2 on I1. */
void rebase_chained(struct scene *s);
/* `convert -f qcow2 -O raw` to out.raw; the exit code. */
int convert(struct scene *s, const char *name);
/* `info -f qcow2` and `check -f qcow2`. */
int info(struct scene *s, const char *name);
int check(struct scene *s, const char *name);

/* A raw file of that layout, and whether one is. */
void write_raw(struct scene *s, const char *name, const char *layout);
bool shows(struct scene *s, const char *name, const char *layout);
/* The first byte of each cluster, as a text, for a file whose clusters each hold one letter. New.
 */
char *shown(struct scene *s, const char *name);
/* Writes bytes over a file; cuts it. */
void poke(struct scene *s, const char *name, uint64_t offset, const void *bytes, size_t len);
void cut(struct scene *s, const char *name, uint64_t len);

/* ---- ours ---- */

/* From here on lengths and digests of these files are declared. */
void remember(struct scene *s, const char *name);
/* Resolves files and flattens them to memory. `list`: "F I1<F I2<I1", each file's id is its name,
 * with its declared parent behind '<'; "? F I1": nothing is declared. QCOW2_OK: the bytes are those
 * of `want`, or the test fails; NULL: no bytes are expected. */
enum qcow2_defect answer(struct scene *s, const char *list, const char *want);
/* The same as an open chain. New; NULL: *retfault. */
struct qcow2_chain *open_list(struct scene *s, const char *list, struct qcow2_fault *retfault);
/* Fails unless the answer to the list is the fault; and unless it is right bytes. */
void refused(struct scene *s, const char *list, enum qcow2_defect want);
void right(struct scene *s, const char *list, const char *want);
/* Fails unless it is the bytes of out.raw. */
void as_qemu(struct scene *s, const char *list);

/* ---- the rows ---- */

void rows_of_chains(struct Suite *s);
void rows_of_images(struct Suite *s);
void rows_of_targets(struct Suite *s);

#endif
