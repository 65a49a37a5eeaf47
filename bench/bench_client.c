/* What a request costs a controller under test: through its client, with scheduling points, schema,
 * watchers that read every event, and the garbage collector at work. */
#include <stdint.h>
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "kube/meta.h"
#include "sim/client.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/simwatch.h"
#include "sim/world.h"

enum { OBJECTS = 10000 };

struct bench {
    struct world *world;
    struct cluster *cluster;
    json_t *stored[OBJECTS];
    unsigned watchers;
};

static const char vm_text[] =
    "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\","
    "\"metadata\":{\"name\":\"vm\",\"namespace\":\"default\",\"labels\":{\"app\":\"bench\"}},"
    "\"spec\":{\"runStrategy\":\"Halted\",\"template\":{\"spec\":{\"domain\":{\"devices\":{"
    "\"disks\":[{\"name\":\"root\",\"disk\":{\"bus\":\"virtio\"}}]}},"
    "\"volumes\":[{\"name\":\"root\",\"dataVolume\":{\"name\":\"root\"}}]}}}}";

static json_t *exchange(struct bench *b, const struct api_request *req)
{
    AUTO(err) struct err e = {0};
    AUTO(response) struct api_response res = {0};

    if (sim_request(b->cluster, req, &res, &e) < 0 || !api_ok(&res)) {
        fprintf(stderr, "bench_client: %s: %s\n", api_verb_name(req->verb),
                e.msg ? e.msg : api_message(&res));
        exit(1);
    }
    return json_incref(res.body);
}

static struct api_request request(enum api_verb verb, const char *name, const json_t *body)
{
    return (struct api_request){.verb = verb,
                                .resource = {"kubevirt.io", "v1", "virtualmachines"},
                                .ns = "default",
                                .name = name,
                                .body = body};
}

static void report(const char *what, uint64_t count, int64_t begin_ns)
{
    int64_t spent_ns = wall_monotonic_ns() - begin_ns;

    printf("%-40s %10.2f us each, %9.0f /s\n", what, (double)spent_ns / 1e3 / (double)count,
           (double)count * 1e9 / (double)spent_ns);
}

static void create_all(struct bench *b, const char *what)
{
    AUTO(json) json_t *vm = json_read(vm_text, sizeof vm_text - 1, "vm", NULL);
    int64_t begin_ns = wall_monotonic_ns();

    for (unsigned i = 0; i < OBJECTS; i++) {
        AUTO(json) json_t *one = json_copy_of(vm);
        AUTO(str) char *name = mem_printf("vm-%u", i);
        json_put_str(one, "metadata.name", name);
        struct api_request req = request(API_CREATE, NULL, one);
        json_decref(b->stored[i]);
        b->stored[i] = exchange(b, &req);
    }
    report(what, OBJECTS, begin_ns);
}

static void get_all(struct bench *b)
{
    int64_t begin_ns = wall_monotonic_ns();

    for (unsigned i = 0; i < OBJECTS; i++) {
        struct api_request req = request(API_GET, meta_name(b->stored[i]), NULL);
        json_decref(exchange(b, &req));
    }
    report("get", OBJECTS, begin_ns);
}

static void update_all(struct bench *b)
{
    int64_t begin_ns = wall_monotonic_ns();

    for (unsigned i = 0; i < OBJECTS; i++) {
        AUTO(json) json_t *edited = json_copy_of(b->stored[i]);
        json_put_str(edited, "spec.runStrategy", "Always");
        struct api_request req = request(API_UPDATE, meta_name(edited), edited);
        json_t *now = exchange(b, &req);
        json_decref(b->stored[i]);
        b->stored[i] = now;
    }
    report("update", OBJECTS, begin_ns);
}

static void patch_status(struct bench *b)
{
    AUTO(json) json_t *patch = json_pack("{s:{s:s}}", "status", "printableStatus", "Stopped");
    int64_t begin_ns = wall_monotonic_ns();

    for (unsigned i = 0; i < OBJECTS; i++) {
        struct api_request req = request(API_PATCH, meta_name(b->stored[i]), patch);
        req.patch = PATCH_MERGE;
        req.subresource = "status";
        json_decref(exchange(b, &req));
    }
    report("merge patch of the status", OBJECTS, begin_ns);
}

static void list_all(struct bench *b)
{
    enum { LISTS = 20 };
    int64_t begin_ns = wall_monotonic_ns();

    for (unsigned i = 0; i < LISTS; i++) {
        struct api_request req = request(API_LIST, NULL, NULL);
        req.label_selector = "app=bench";
        json_decref(exchange(b, &req));
    }
    report("list of 10000, per object", (uint64_t)LISTS * OBJECTS, begin_ns);
}

static void delete_all(struct bench *b)
{
    int64_t begin_ns = wall_monotonic_ns();

    for (unsigned i = 0; i < OBJECTS; i++) {
        struct api_request req = request(API_DELETE, meta_name(b->stored[i]), NULL);
        json_decref(exchange(b, &req));
    }
    report("delete", OBJECTS, begin_ns);
}

static void story(void *arg)
{
    struct bench *b = arg;

    create_all(b, "create");
    get_all(b);
    update_all(b);
    patch_status(b);
    list_all(b);
    delete_all(b);
}

/* Reads every event, as an informer does. */
static void watcher(void *arg)
{
    struct bench *b = arg;
    struct api_request req = request(API_WATCH, NULL, NULL);
    AUTO(response) struct api_response refused = {0};
    AUTO(simwatch) struct simwatch *w = sim_watch(b->cluster, &req, &refused, NULL);
    struct api_event event;
    bool ended = false;

    while (w && !ended &&
           simwatch_next(w, world_now(b->world) + 1000000000, &event, &ended) == SCHED_OK)
        ;
}

int main(void)
{
    struct bench b = {.world = world_create(&(struct world_config){.seed = 1})};
    AUTO(err) struct err e = {0};

    json_init();
    b.cluster = kcm_add_cluster(b.world, "main", &e);
    if (!b.cluster) {
        fprintf(stderr, "bench_client: %s\n", e.msg);
        return 1;
    }
    struct process *p = process_create(world_sched(b.world), "bench");
    for (unsigned i = 0; i < 3; i++)
        actor_spawn(p, "watcher", watcher, &b);
    actor_spawn(p, "story", story, &b);
    int64_t begin_ns = wall_monotonic_ns();
    /* The story takes no virtual time; what comes after it is not measured. */
    sched_run(world_sched(b.world), WORLD_START_NS + INT64_C(600) * 1000000000);
    printf("%-40s %10.2f s\n", "all of it, with 3 watchers",
           (double)(wall_monotonic_ns() - begin_ns) / 1e9);
    for (unsigned i = 0; i < OBJECTS; i++)
        json_decref(b.stored[i]);
    world_destroy(b.world);
    return 0;
}
