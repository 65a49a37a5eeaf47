/* From what a backup declares about its layers to one chain: nothing that is declared is believed
 * before it was held against the files, and nothing in the files that was not declared is followed.
 *
 * The caller opens the files (it alone knows the folder that they must not leave) and hands them
 * over base first, as the backup lists them. Everything cheap is checked first: the declarations
 * among themselves, then lengths, then digests, then the images and their tables. */
#ifndef VMCONFORM_QCOW2_RESOLVE_H
#define VMCONFORM_QCOW2_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qcow2/chain.h"

enum qcow2_declared_type {
    QCOW2_DECLARED_UNKNOWN, /* nothing is said */
    QCOW2_DECLARED_FULL,
    QCOW2_DECLARED_INCREMENT,
};

#define QCOW2_LENGTH_UNKNOWN UINT64_MAX

/* Strings are borrowed during the call. */
struct qcow2_declared {
    const char *name;   /* for sentences: the file */
    const char *id;     /* NULL: no id was declared, and then no parent is checked */
    const char *parent; /* NULL: none */
    enum qcow2_declared_type type;
    uint64_t length;    /* bytes of the file; QCOW2_LENGTH_UNKNOWN */
    const char *sha256; /* 64 hex digits of the file; NULL: not known */
};

/* The declarations alone. `known` are further ids that the backup's index has outside this chain;
 * may be NULL. One mistake breaks several rules; the first of these in order is told:
 *   QCOW2_CHAIN_EMPTY      no layer
 *   QCOW2_CHAIN_DUPLICATE  an id twice, `known` included
 *   QCOW2_CHAIN_CYCLE      parents in a circle, a layer that is its own parent included
 *   QCOW2_CHAIN_ORDER      a parent stands behind its child (two layers changed places)
 *   QCOW2_CHAIN_HEAD       the first layer is an increment or has a parent
 *   QCOW2_CHAIN_TYPE       a later one is full, or has an id and no parent
 *   QCOW2_CHAIN_PARENT     a parent is among the layers, but is not the one before
 *   QCOW2_CHAIN_GAP        a parent is not among the layers: one was left out, or it is a foreign
 *                          one. Ids cannot tell which; the sentence says whether `known` has it
 * Where the layer before has no id, a parent that nobody knows may be that one, and passes. */
int qcow2_declared_check(const struct qcow2_declared *layers, size_t count,
                         const char *const *known, size_t known_count,
                         struct qcow2_fault *retfault);

/* Length and digest of a file against its declaration. */
int qcow2_declared_check_file(const struct qcow2_declared *layer, struct qcow2_io *io,
                              struct qcow2_fault *retfault);

/* Both of the above (without `known`: who has an index calls qcow2_declared_check() before), all
 * lengths before the first digest; then opens and maps. ios[i] belongs to layers[i] and is owned by
 * the callee from now on (also on failure). One that is NULL could not be opened: retfault may say
 * why already, else it is QCOW2_CHAIN_MISSING. The result owns its images. policy and options as in
 * qcow2/image.h and qcow2/chain.h; NULL: defaults. New; NULL on failure. */
struct qcow2_chain *qcow2_resolve(const struct qcow2_declared *layers, struct qcow2_io **ios_take,
                                  size_t count, const struct qcow2_policy *policy,
                                  const struct qcow2_chain_options *options,
                                  struct qcow2_fault *retfault);

#endif
