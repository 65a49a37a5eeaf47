/* What SQLite takes for its operating system: the files of one host, one database and its journal.
 *
 * There is one process and one connection, so locks are nothing to take; there is no shared memory,
 * hence no write-ahead log; temporary files are refused (temp_store is memory). A sync of a file
 * that was just made syncs its folder too. Time and randomness are the host's. After a crash every
 * call is an error and no file is touched. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_VFS_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_STORE_VFS_H

#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/prng.h"
#include "components/host.h"

struct vfs {
    sqlite3_vfs base;
    struct host *host;
    char name[40];
    struct prng prng;
    struct err why; /* the last call that failed; SQLite only hears that one did */
};

/* Registers one under a name of its own, which is v->name. */
struct vfs *vfs_create(struct host *h);
/* All its files must be closed. Accepts NULL. */
void vfs_destroy(struct vfs *v);
DEFINE_CLEANUP(struct vfs, vfs, vfs_destroy);

#endif
