/* From what the command line names to one chain: files, oldest first, or a backup's manifest. */
#ifndef VMCONFORM_RUNNER_QCOW2_LAYERS_H
#define VMCONFORM_RUNNER_QCOW2_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "fixtures/backup.h"
#include "qcow2/chain.h"

struct layers_request {
    char **operands; /* FILE, raw:FILE or qcow2:FILE; used when manifest is NULL */
    size_t count;
    const char *manifest, *disk;
    size_t open_already; /* files of another side, for the limit of open files */
    bool detect_raw;     /* a lone file that does not begin as qcow2 does is a raw disk */
    bool ignore_backing; /* the first layer may name a backing file */
    bool only_look;      /* accepts what may be looked at, though not restored */
};

struct layers {
    struct qcow2_chain *chain;
    bool raw; /* a raw disk, seen as a chain of one */
    size_t count;
    char **names; /* the files, without a prefix; owned */
    struct qcow2_image **images;
    struct backup_chain backup;
    const char *manifest; /* borrowed from the request */
};

enum layers_result {
    LAYERS_OK,
    LAYERS_CANNOT_OPEN, /* the command line or the system is to blame */
    LAYERS_REFUSED,     /* what is declared, a header, or the chain as such */
    LAYERS_TABLES,      /* the mapping tables of an image */
};

/* Zeroed or not, *l can be finished afterwards, whatever the result. */
enum layers_result layers_open(struct layers *l, const struct layers_request *r,
                               struct qcow2_fault *retfault);
/* Prints the fault of a result that is not LAYERS_OK, as command_refusal() does, and clears it.
 * Returns the exit status: 2 or 1. */
int layers_fault(enum layers_result result, const struct layers *l, bool json,
                 struct qcow2_fault *f);
void layers_finish(struct layers *l);
static inline void cleanup_layers(struct layers *l)
{
    layers_finish(l);
}

/* The file of a layer, to show: as it stands on the command line or in the backup. Borrowed. */
const char *layers_name(const struct layers *l, uint32_t layer);
/* Whether this is the file (or the device) of a layer: writing there would destroy it. */
bool layers_hold(const struct layers *l, const struct stat *st);

struct operands;
/* The request's operands, borrowed: there is something to open, and only one. Returns -1: go on;
 * else the exit status, after the mistake was told. */
int layers_take_operands(struct layers_request *r, const struct operands *o);

/* Opens one operand for reading. *ret_path (borrowed from it) is what follows the prefix, *ret_raw
 * what the prefix says; detect_raw: without one, what the file begins with. New; NULL on failure.
 */
struct qcow2_io *layers_open_operand(const char *operand, bool detect_raw, const char **ret_path,
                                     bool *ret_raw, struct qcow2_fault *retfault);
#endif
