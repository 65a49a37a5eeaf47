/* What a world costs: time to make and end one, and memory while it lives. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/world.h"

enum { WORLDS = 200, ALIVE = 50 };

static void add(struct world *w, const char *name)
{
    AUTO(err) struct err e = {0};

    if (!kcm_add_cluster(w, name, &e)) {
        fprintf(stderr, "bench_world: %s\n", e.msg);
        exit(1);
    }
}

static struct world *one_cluster(uint64_t seed)
{
    struct world *w = world_create(&(struct world_config){.seed = seed});

    add(w, "main");
    sched_run(world_sched(w), WORLD_START_NS + INT64_C(60) * 1000000000);
    return w;
}

static struct world *two_clusters(uint64_t seed)
{
    struct world *w = world_create(&(struct world_config){.seed = seed});

    add(w, "hub");
    add(w, "workload");
    sched_run(world_sched(w), WORLD_START_NS + INT64_C(60) * 1000000000);
    return w;
}

/* Resident memory of this process in bytes. */
static size_t resident(void)
{
    AUTO(file) FILE *f = fopen("/proc/self/statm", "r");
    size_t total = 0, pages = 0;

    if (!f || fscanf(f, "%zu %zu", &total, &pages) != 2)
        return 0;
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void measure(const char *what, struct world *(*make)(uint64_t seed))
{
    struct world *alive[ALIVE];
    int64_t begin_ns = wall_monotonic_ns(), spent_ns;
    size_t before;

    for (uint64_t i = 0; i < WORLDS; i++)
        world_destroy(make(i));
    spent_ns = wall_monotonic_ns() - begin_ns;
    before = resident();
    for (uint64_t i = 0; i < ALIVE; i++)
        alive[i] = make(i);
    size_t after = resident();
    for (uint64_t i = 0; i < ALIVE; i++)
        world_destroy(alive[i]);
    printf("%-40s %10.2f ms each, %6.0f /s, %6zu KiB resident\n", what,
           (double)spent_ns / 1e6 / WORLDS, WORLDS * 1e9 / (double)spent_ns,
           (after > before ? after - before : 0) / ALIVE / 1024);
}

int main(void)
{
    json_init();
    world_destroy(one_cluster(0)); /* compiles the definitions, once per process */
    measure("a world of one cluster", one_cluster);
    measure("a world of two clusters", two_clusters);
    return 0;
}
