#include "sim/parts/part.h"

#include "base/mem.h"

bool part_runs(const struct cluster *c, const char *name)
{
    AUTO(str) char *full = mem_printf("%s/%s", name, cluster_name(c));

    return world_part(cluster_world(c), full) != NULL;
}

void part_attach(struct cluster *c, const char *name, void *part, void (*destroy)(void *part))
{
    AUTO(str) char *full = mem_printf("%s/%s", name, cluster_name(c));

    world_attach(cluster_world(c), full, part, destroy);
}
