/* How many requests an API server answers in a second, in process, and what a fresh world costs.
 * The kind is one with a real schema and rules: ComputeInstance. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/apiserver/crd.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/world.h"

enum { NAMES = 1000, GETS = 4000000, WRITES = 200000, WORLDS = 2000 };

static const struct api_resource instances = {"osac.openshift.io", "v1alpha1", "computeinstances"};

static json_t *instance(const char *name, int label)
{
    AUTO(str) char *value = mem_printf("v%d", label);

    return json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:{s:s, s:i, s:i, s:s, s:{s:i}}}", "apiVersion",
                     "osac.openshift.io/v1alpha1", "kind", "ComputeInstance", "metadata", "name",
                     name, "labels", "round", value, "spec", "templateID", "osac.templates.small",
                     "cores", 2, "memoryGiB", 4, "runStrategy", "Always", "bootDisk", "sizeGiB",
                     10);
}

static void must(const struct apiserver *a, const struct api_request *req,
                 const struct api_response *res)
{
    if (api_ok(res))
        return;
    fprintf(stderr, "%s: %s %s: %s\n", apiserver_name(a), api_verb_name(req->verb),
            req->resource.plural, api_message(res));
    abort();
}

static void ask(struct apiserver *a, enum api_verb verb, const char *name, json_t *body)
{
    const struct api_request req = {
        .verb = verb, .resource = instances, .ns = "default", .name = name, .body = body};
    AUTO(response) struct api_response res = {0};

    apiserver_handle(a, &req, &res);
    must(a, &req, &res);
}

static void tell(const char *what, int64_t begin_ns, size_t count)
{
    double ns = (double)(wall_monotonic_ns() - begin_ns) / (double)count;

    printf("%-32s %8.0f ns each, %10.0f /s\n", what, ns, 1e9 / ns);
}

/* The first round creates, the others update what is there, each time with another label. */
static void measure_writes(struct apiserver *a, char names[][16])
{
    int64_t begin_ns = wall_monotonic_ns();

    for (size_t i = 0; i < WRITES; i++) {
        const char *name = names[i % NAMES];
        AUTO(json) json_t *body = instance(name, (int)(i / NAMES));
        const json_t *stored =
            apiserver_peek(a, instances.group, instances.plural, "default", name);

        if (stored)
            json_put_str(body, "metadata.resourceVersion", meta_resource_version(stored));
        ask(a, stored ? API_UPDATE : API_CREATE, stored ? name : NULL, body);
    }
    tell("create or update, with schema", begin_ns, WRITES);
}

static void measure_gets(struct apiserver *a, char names[][16])
{
    int64_t begin_ns = wall_monotonic_ns();

    for (size_t i = 0; i < GETS; i++)
        ask(a, API_GET, names[i % NAMES], NULL);
    tell("get", begin_ns, GETS);
}

static struct world *fresh(void)
{
    struct err err = {0};
    struct world *w = world_create(&(struct world_config){.seed = 1});

    if (!kcm_add_cluster(w, "main", &err))
        abort();
    return w;
}

static void measure_worlds(void)
{
    int64_t begin_ns = wall_monotonic_ns();

    for (size_t i = 0; i < WORLDS; i++)
        world_destroy(fresh());
    tell("world with one cluster", begin_ns, WORLDS);
}

static void tell_memory(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("%-32s %8.1f MiB\n", "peak memory with one world", (double)usage.ru_maxrss / 1024);
}

int main(void)
{
    static char names[NAMES][16];
    int64_t begin_ns = wall_monotonic_ns();
    size_t count;

    json_init();
    crd_builtin_prepare();
    crd_builtin(&count);
    tell("compile a definition", begin_ns, count);
    AUTO(world) struct world *w = fresh();
    struct apiserver *a = cluster_server(world_cluster(w, NULL));

    tell_memory();
    for (size_t i = 0; i < NAMES; i++)
        snprintf(names[i], sizeof names[i], "vm-%zu", i);
    measure_worlds();
    measure_writes(a, names);
    measure_gets(a, names);
    return 0;
}
