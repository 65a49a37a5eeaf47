/* A world behind a REST interface: whose watches end with their processes. */
#include "runner/bridge_world.h"

#include "base/json.h"
#include "tests/unit/suite.h"

struct opener {
    struct cluster *cluster;
    struct rest_source source;
};

static void open_watch(void *arg)
{
    struct opener *o = arg;
    const struct api_request req = {
        .verb = API_WATCH, .resource = {"", "v1", "configmaps"}, .ns = "default"};
    struct api_response refused = {0};

    o->source = bridge_watch(o->cluster, &req, &refused);
    api_response_finish(&refused);
}

static void count(void *cookie)
{
    ++*(unsigned *)cookie;
}

/* Nothing happens in the world any more: the crash itself must tell. */
START_TEST(watch_of_a_crashed_process)
{
    AUTO(world) struct world *w = world_create(&(struct world_config){.seed = 1});
    struct opener o = {.cluster = world_add_cluster(w, "main", NULL)};
    struct process *p = process_create(world_sched(w), "client");
    unsigned told = 0;
    struct api_event event;

    actor_spawn(p, "request", open_watch, &o);
    sched_run(world_sched(w), SCHED_NEVER);
    ck_assert_ptr_nonnull(o.source.ops);
    o.source.ops->on_event(o.source.source, count, &told);
    ck_assert(!o.source.ops->next(o.source.source, &event));
    ck_assert(!o.source.ops->ended(o.source.source));
    if (_i == 1) {
        /* Closed before: nobody is told. */
        o.source.ops->close(o.source.source);
        process_crash(p);
        ck_assert_uint_eq(told, 0);
        return;
    }
    process_crash(p);
    ck_assert_uint_eq(told, 1);
    ck_assert(o.source.ops->ended(o.source.source));
    o.source.ops->close(o.source.source);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("runner.bridge",
                      SUITE_CASE("bridge", RANGE(watch_of_a_crashed_process, 0, 2)));
}
