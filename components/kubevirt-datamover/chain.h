/* The chain of images that makes one disk of one backup: rules over the manifest's list of
 * checkpoints and the VM's index (datamover.md 4.2, 5.4). Controller and downloader use the same
 * code, so that a chain that is refused is refused before anything is made for it.
 *
 * Order and parentage come from these documents alone, and each checkpoint occurs once: a cycle of
 * backing files cannot arise. */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_CHAIN_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_CHAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* More layers than qemu-img opens in reasonable time. */
#define CHAIN_LAYERS_MAX 1000

struct chain_file {
    char *checkpoint, *filename, *object_path; /* owned */
    char *sha256;                              /* owned; NULL when the index has none */
    int64_t size;                              /* as the index tells it: may be negative */
    bool has_size;                             /* old indexes have none */
};

/* Base first. */
struct chain {
    struct chain_file *files;
    size_t count;
};
void chain_finish(struct chain *c);
static inline void cleanup_chain(struct chain *c)
{
    chain_finish(c);
}

/* ids: the manifest's list of checkpoint ids. Errors begin with the code of the broken rule. */
int chain_resolve(const json_t *index, const json_t *ids, const char *ns, const char *vm,
                  const char *disk, struct chain *ret, struct err *reterr);

/* The index's entries by id, the first one of each. New. */
json_t *chain_entries(const json_t *index);

/* The disk (volume) name that belongs to a claim: the newest checkpoint of the chain that names the
 * claim decides, also when what it says is malformed. New; NULL on failure. */
char *chain_disk_of_claim(const json_t *index, const json_t *ids, const char *claim,
                          struct err *reterr);

#endif
