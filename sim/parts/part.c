#include "sim/parts/part.h"

bool part_runs(const struct cluster *c, const char *name)
{
    return cluster_part(c, name) != NULL;
}

void part_attach(struct cluster *c, const char *name, void *part, void (*destroy)(void *part))
{
    cluster_attach(c, name, part, destroy);
}
