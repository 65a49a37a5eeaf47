/* What `vmconform qcow2 create-chain` leaves in its folder beside the object store's files. */
#ifndef VMCONFORM_RUNNER_CHAIN_FOLDER_H
#define VMCONFORM_RUNNER_CHAIN_FOLDER_H

#include <stdbool.h>

#include "base/disk.h"
#include "base/err.h"
#include "fixtures/chain.h"

/* Makes the folder; one that is there and empty will do. */
int chain_folder_make(const char *path, bool *ret_made, struct err *reterr);
/* Removes everything in it, and itself when `made`. */
void chain_folder_remove(const char *path, bool made);

/* SHA256SUMS of all images as the index declares them: what `sha256sum -c` reads. */
int chain_folder_sums(const char *path, const struct chain_fixture *f, struct err *reterr);
/* A moment of a disk as a raw file with holes. */
int chain_folder_raw(const char *path, const struct disk_moment *moment, struct err *reterr);

#endif
