/* What a scenario's `given` can start on a cluster: `given: [{NAME: CLUSTER}]`.
 *
 * Adding one: a constant of this type in a file of this folder, its line in parts.list. Something
 * larger gets a folder of its own in sim/, and the file here starts it: sim_NAME is linked where
 * there is such a library. */
#ifndef VMCONFORM_SIM_PARTS_PART_H
#define VMCONFORM_SIM_PARTS_PART_H

#include "base/err.h"
#include "sim/world.h"

struct sim_part {
    const char *name;
    const char *says; /* for the page, as Markdown: "storage and kubelet alone" */
    /* Starts it, and whatever it stands on that does not run yet. Called once for each item: a
     * cluster may have it already. */
    int (*start)(struct cluster *c, struct err *reterr);
    /* Its processes are called CLUSTER/NAME, for these names (NULL ends); NULL: one, called as the
     * part. */
    const char *const *processes;
};

#define PART(name, file) extern const struct sim_part part_##name;
#include "sim/parts/parts.list"
#undef PART

/* Whether the cluster has the part (cluster_attach()). */
bool part_runs(const struct cluster *c, const char *name);
/* cluster_attach(): every part of a cluster is found by part_runs(). */
void part_attach(struct cluster *c, const char *name, void *part, void (*destroy)(void *part));

#endif
