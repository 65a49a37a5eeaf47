/* The way between an actor and the server: scheduling points, faults, crashes, hooks, links, and
 * watches with trouble. */
#include "sim/simwatch.h"
#include "tests/unit/sim/kit.h"

#include "kube/time.h"
#include "sched/fault.h"
#include "tests/unit/suite.h"

struct job {
    struct kit *k;
    void (*fn)(struct job *j);
    struct process *process;
    int code; /* of the answer; -1: none */
    enum err_code err;
    struct strbuf seen; /* events */
    int64_t at_ns;
    bool ended;
};

static void run_job(void *arg)
{
    struct job *j = arg;
    j->fn(j);
    j->ended = true;
}

static void start(struct kit *k, struct job *j, const char *process, void (*fn)(struct job *))
{
    j->k = k;
    j->fn = fn;
    j->process = process_create(world_sched(k->world), process);
    actor_spawn(j->process, "job", run_job, j);
}

static void add_fault(struct kit *k, json_t *rule /* taken */)
{
    AUTO(json) json_t *held = rule;
    struct err e = {0};
    ck_assert_msg(fault_add(world_faults(k->world), held, &e) > 0, "%s", e.msg ? e.msg : "");
}

static void create_map(struct job *j)
{
    AUTO(json) json_t *body = config_map("a", "v");
    struct api_request req = kit_req(API_CREATE, "configmaps", "default", NULL, body);
    req.user = "tester";
    struct api_response ret = {0};
    struct err e = {0};
    j->code = sim_request(j->k->cluster, &req, &ret, &e) < 0 ? -1 : ret.code;
    j->err = e.code;
    j->at_ns = world_now(j->k->world);
    err_clear(&e);
    api_response_finish(&ret);
}

static bool stored(const struct kit *k)
{
    return apiserver_peek(k->server, "", "configmaps", "default", "a") != NULL;
}

/* ---- faults ---- */

static const struct fault_case {
    const char *action;
    int code;
    bool stored;
} fault_cases[] = {
    {"{'answer':409}", 409, false},       {"{'answer':429}", 429, false},
    {"{'answer':500}", 500, false},       {"{'answer':503}", 503, false},
    {"{'answer':'timeout'}", 504, false}, {"{'answer':'lost'}", 504, true},
    {"{'answer':403}", 403, false},       {"{'delay':5000000000}", 201, true},
};

START_TEST(api_faults)
{
    const struct fault_case *f = &fault_cases[_i];
    AUTO(kit) struct kit k = kit_create();
    add_fault(&k, js("{'name':'f','point':'api','match':{'verb':'create','kind':'ConfigMap','by':'"
                     "mine','ns':'default','name':'a','cluster':'main'},'action':%s}",
                     f->action));
    struct job j = {0};
    start(&k, &j, "mine", create_map);
    kit_settle(&k);
    ck_assert_int_eq(j.code, f->code);
    ck_assert(stored(&k) == f->stored);
    ck_assert_uint_eq(fault_fired(world_faults(k.world), "f"), 1);
    if (strstr(f->action, "delay"))
        ck_assert_int_eq(j.at_ns - WORLD_START_NS, 5 * NS_PER_S);
}
END_TEST

/* ---- hooks and crashes ---- */

struct hook {
    struct job *j;
    int moments[3];
    int crash_at; /* -1: never */
};

static void on_request(void *cookie, enum request_moment moment, const struct request_info *info)
{
    struct hook *h = cookie;
    if (strcmp(info->by, "mine") != 0)
        return;
    h->moments[moment]++;
    ck_assert_str_eq(info->kind, "ConfigMap");
    ck_assert((info->response == NULL) == (moment == REQUEST_BEFORE));
    if ((int)moment == h->crash_at)
        process_crash(h->j->process);
}

START_TEST(crash_points)
{
    AUTO(kit) struct kit k = kit_create();
    struct job j = {0};
    struct hook h = {.j = &j, .crash_at = _i - 1};
    world_on_request(k.world, on_request, &h);
    start(&k, &j, "mine", create_map);
    kit_settle(&k);
    ck_assert(j.ended);
    static const struct {
        int before, committed, after, code;
        bool stored;
    } want[] = {
        {1, 1, 1, 201, true}, {1, 0, 0, -1, false}, {1, 1, 0, -1, true}, {1, 1, 1, -1, true}};
    ck_assert_int_eq(h.moments[REQUEST_BEFORE], want[_i].before);
    ck_assert_int_eq(h.moments[REQUEST_COMMITTED], want[_i].committed);
    ck_assert_int_eq(h.moments[REQUEST_AFTER], want[_i].after);
    ck_assert_int_eq(j.code, want[_i].code);
    ck_assert(stored(&k) == want[_i].stored);
    if (j.code < 0)
        ck_assert_int_eq(j.err, ERR_CRASHED);
}
END_TEST

static struct process *outsider(struct kit *k, const char *name)
{
    return process_create(world_sched(k->world), name);
}

static struct process *neighbour_pod(struct kit *k, const char *name)
{
    return cluster_pod_process(world_cluster(k->world, "other"), "ns", name);
}

static struct process *neighbour(struct kit *k, const char *name)
{
    return cluster_process(world_cluster(k->world, "other"), name);
}

static struct process *pod(struct kit *k, const char *name)
{
    return cluster_pod_process(k->cluster, "ns", name);
}

static struct process *own(struct kit *k, const char *name)
{
    return cluster_process(k->cluster, name);
}

static struct process *restarted(struct kit *k, const char *name)
{
    process_crash(cluster_process(k->cluster, name));
    return cluster_process(k->cluster, name);
}

/* Whose a process is decides, and never what it is called. */
static const struct link_case {
    const char *label;
    struct process *(*make)(struct kit *k, const char *name);
    const char *name;
    bool passes;
} link_cases[] = {
    {"outside", outsider, "outside", false},
    {"called like the cluster's own", outsider, "main/outside", false},
    {"called like a pod", outsider, "pod/ns/outside", false},
    {"the neighbour's own", neighbour, "inside", false},
    {"a pod of the neighbour", neighbour_pod, "p", false},
    {"the cluster's own", own, "inside", true},
    {"the cluster's own after a restart", restarted, "inside", true},
    {"a pod", pod, "p", true},
};

START_TEST(link_down)
{
    const struct link_case *row = &link_cases[_i];
    AUTO(kit) struct kit k = kit_create();
    struct err e = {0};
    ck_assert_ptr_nonnull(world_add_cluster(k.world, "other", &e));
    cluster_set_link(k.cluster, false);
    struct job j = {.k = &k, .fn = create_map};
    actor_spawn(row->make(&k, row->name), "job", run_job, &j);
    kit_settle(&k);
    ck_assert_msg(j.code == (row->passes ? 201 : -1), "%s: %d", row->label, j.code);
    ck_assert_msg(j.err == (row->passes ? ERR_NONE : ERR_IO), "%s", row->label);
}
END_TEST

START_TEST(trace_tells)
{
    AUTO(kit) struct kit k = kit_create();
    struct job j = {0};
    start(&k, &j, "mine", create_map);
    kit_settle(&k);
    const char *text = strbuf_str(trace_text(world_trace(k.world)));
    ck_assert(
        strstr(
            text,
            "\"ev\":\"change\",\"cluster\":\"main\",\"type\":\"ADDED\",\"kind\":\"ConfigMap\"") !=
        NULL);
    ck_assert(strstr(text, "\"ev\":\"request\",\"cluster\":\"main\",\"by\":\"mine\",\"user\":"
                           "\"tester\",\"verb\":\"create\",\"resource\":\"configmaps\",\"ns\":"
                           "\"default\",\"name\":\"a\",\"code\":201") != NULL);
}
END_TEST

/* ---- watches ---- */

static void watch_maps(struct job *j)
{
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    struct api_response ret = {0};
    struct err e = {0};
    AUTO(simwatch) struct simwatch *w = sim_watch(j->k->cluster, &req, &ret, &e);
    ck_assert(w != NULL);
    int64_t until = world_now(j->k->world) + 100 * NS_PER_S;
    for (;;) {
        struct api_event ev;
        bool ended;
        enum sched_result r = simwatch_next(w, until, &ev, &ended);
        if (r != SCHED_OK || ended) {
            strbuf_addf(&j->seen, "%s",
                        r == SCHED_OK        ? "end"
                        : r == SCHED_TIMEOUT ? "timeout"
                                             : "crash");
            break;
        }
        strbuf_addf(&j->seen, "%s@%lld ", api_event_name(ev.type),
                    (long long)((world_now(j->k->world) - WORLD_START_NS) / NS_PER_S));
    }
}

static void write_at(struct job *j)
{
    /* One change at 1 s, one at 2 s. */
    for (int i = 0; i < 2; i++) {
        sched_sleep(world_sched(j->k->world), NS_PER_S);
        AUTO(json) json_t *body = config_map("a", i ? "w" : "v");
        struct api_request req =
            kit_req(i ? API_UPDATE : API_CREATE, "configmaps", "default", i ? "a" : NULL, body);
        struct api_response ret = {0};
        struct err e = {0};
        sim_request(j->k->cluster, &req, &ret, &e);
        err_clear(&e);
        api_response_finish(&ret);
    }
}

static void lift_hold(void *cookie)
{
    struct kit *k = cookie;
    fault_remove(world_faults(k->world), "f");
}

static void cut_link(void *cookie)
{
    struct kit *k = cookie;
    cluster_set_link(k->cluster, false);
}

static const struct watch_case {
    const char *action, *want;
    event_fn *at_10s;
} watch_cases[] = {
    {NULL, "ADDED@1 MODIFIED@2 timeout", NULL},
    {"{'lag':5000000000}", "ADDED@6 MODIFIED@7 timeout", NULL},
    {"{'drop':true}", "end", NULL},
    {"{'gone':true}", "ERROR@1 end", NULL},
    {"{'hold':true}", "timeout", NULL},
    {"{'hold':true}", "ADDED@10 MODIFIED@10 timeout", lift_hold},
    {NULL, "ADDED@1 MODIFIED@2 end", cut_link},
};

START_TEST(watch_faults)
{
    const struct watch_case *c = &watch_cases[_i];
    AUTO(kit) struct kit k = kit_create();
    if (c->action)
        add_fault(&k, js("{'name':'f','point':'watch','match':{'kind':'ConfigMap','by':'reader'},'"
                         "action':%s}",
                         c->action));
    if (c->at_10s)
        sched_post(world_sched(k.world), WORLD_START_NS + 10 * NS_PER_S, c->at_10s, &k);
    struct job reader = {0}, writer = {0};
    start(&k, &reader, "reader", watch_maps);
    start(&k, &writer, "writer", write_at);
    kit_settle(&k);
    ck_assert_msg(strcmp(strbuf_str(&reader.seen), c->want) == 0, "%d: want '%s', got '%s'", _i,
                  c->want, strbuf_str(&reader.seen));
    strbuf_finish(&reader.seen);
}
END_TEST

struct poller {
    struct kit *k;
    struct simwatch *w;
    struct strbuf seen;
};

static void poll_now(void *cookie)
{
    struct poller *p = cookie;
    struct api_event ev;

    while (simwatch_poll(p->w, &ev))
        strbuf_addf(&p->seen, "%s@%lld ", api_event_name(ev.type),
                    (long long)((world_now(p->k->world) - WORLD_START_NS) / NS_PER_S));
    if (simwatch_ended(p->w))
        strbuf_addstr(&p->seen, "end");
}

static void poll_soon(void *cookie)
{
    struct poller *p = cookie;
    sched_post(world_sched(p->k->world), 0, poll_now, p);
}

/* Without a fiber that waits, the same is seen at the same times. */
START_TEST(polled_watch)
{
    const struct watch_case *c = &watch_cases[_i];
    AUTO(kit) struct kit k = kit_create();
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    struct api_response ret = {0};
    struct err e = {0};
    struct poller p = {.k = &k};
    if (c->action)
        add_fault(&k, js("{'name':'f','point':'watch','match':{'kind':'ConfigMap'},'action':%s}",
                         c->action));
    p.w = sim_watch(k.cluster, &req, &ret, &e);
    ck_assert(p.w != NULL);
    simwatch_on_event(p.w, poll_soon, &p);
    if (c->at_10s)
        sched_post(world_sched(k.world), WORLD_START_NS + 10 * NS_PER_S, c->at_10s, &k);
    struct job writer = {0};
    start(&k, &writer, "writer", write_at);
    kit_settle(&k);
    AUTO(str) char *want = mem_strdup(c->want);
    char *timeout = strstr(want, "timeout");
    if (timeout)
        *timeout = '\0'; /* nobody waits here */
    /* A stream that is over is told so at each of the later changes. */
    ck_assert_msg(strncmp(strbuf_str(&p.seen), want, strlen(want)) == 0, "%d: want '%s', got '%s'",
                  _i, want, strbuf_str(&p.seen));
    simwatch_close(p.w);
    strbuf_finish(&p.seen);
}
END_TEST

/* A server that counts on from another one's last revision knows nothing of its history. */
START_TEST(a_later_beginning)
{
    AUTO(world)
    struct world *w = world_create(&(struct world_config){.seed = 1, .revision = 5000});
    struct cluster *c = world_add_cluster(w, "main", NULL);
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    AUTO(response) struct api_response ret = {0};
    ck_assert_int_gt(apiserver_revision(cluster_server(c)), 5000);
    req.resource_version = "4000";
    ck_assert_ptr_null(apiserver_watch(cluster_server(c), &req, &ret));
    ck_assert_int_eq(ret.code, 410);
}
END_TEST

static void open_only(struct job *j)
{
    struct api_request req = kit_req(API_WATCH, "configmaps", "default", NULL, NULL);
    struct api_response ret = {0};
    struct err e = {0};
    AUTO(simwatch) struct simwatch *w = sim_watch(j->k->cluster, &req, &ret, &e);
    j->code = w ? 200 : ret.code;
    api_response_finish(&ret);
    err_clear(&e);
}

START_TEST(opening_can_fail)
{
    AUTO(kit) struct kit k = kit_create();
    add_fault(&k, js("{'point':'api','match':{'verb':'watch'},'times':1,'action':{'answer':429}}"));
    struct job first = {0}, second = {0};
    start(&k, &first, "reader", open_only);
    kit_settle(&k);
    start(&k, &second, "reader", open_only);
    kit_settle(&k);
    ck_assert_int_eq(first.code, 429);
    ck_assert_int_eq(second.code, 200);
}
END_TEST

START_TEST(a_world_ends_with_open_watches)
{
    struct job reader = {0};
    {
        AUTO(kit) struct kit k = kit_create();
        start(&k, &reader, "reader", watch_maps);
        sched_run(world_sched(k.world), WORLD_START_NS + NS_PER_S);
    }
    ck_assert_str_eq(strbuf_str(&reader.seen), "crash");
    strbuf_finish(&reader.seen);
}
END_TEST

static void push(void *part)
{
    strbuf_addch(part, 'x');
}

START_TEST(parts_and_clusters)
{
    struct strbuf ended = {0};
    {
        AUTO(kit) struct kit k = kit_create();
        struct err e = {0};
        ck_assert(world_add_cluster(k.world, "main", &e) == NULL);
        err_clear(&e);
        ck_assert(world_add_cluster(k.world, "hub", &e) != NULL);
        ck_assert_uint_eq(world_cluster_count(k.world), 2);
        ck_assert(world_cluster(k.world, NULL) == k.cluster);
        ck_assert(world_cluster(k.world, "nowhere") == NULL);
        world_attach(k.world, "part", &ended, push);
        ck_assert(world_part(k.world, "part") == &ended);
        ck_assert(world_part(k.world, "other") == NULL);
        ck_assert(cluster_part(k.cluster, "part") == NULL);
        cluster_attach(k.cluster, "part", &ended, push);
        cluster_attach(world_cluster(k.world, "hub"), "part", &e, NULL);
        ck_assert(cluster_part(k.cluster, "part") == &ended);
        ck_assert(cluster_part(world_cluster(k.world, "hub"), "part") == &e);
        ck_assert(cluster_process(k.cluster, "x") == cluster_process(k.cluster, "x"));
        ck_assert_str_eq(process_name(cluster_process(k.cluster, "x")), "main/x");
    }
    ck_assert_str_eq(strbuf_str(&ended), "xx");
    strbuf_finish(&ended);
}
END_TEST

static char *trace_of_a_run(void)
{
    AUTO(kit) struct kit k = kit_create();
    struct job reader = {0}, writer = {0};
    start(&k, &reader, "reader", watch_maps);
    start(&k, &writer, "writer", write_at);
    kit_settle(&k);
    strbuf_finish(&reader.seen);
    return mem_strdup(strbuf_str(trace_text(world_trace(k.world))));
}

START_TEST(the_same_seed_gives_the_same_trace)
{
    AUTO(str) char *one = trace_of_a_run();
    AUTO(str) char *two = trace_of_a_run();
    ck_assert_str_eq(one, two);
    ck_assert(strstr(one, "\"ev\":\"watch\"") != NULL);
}
END_TEST

int main(void)
{
    json_init();
    return SUITE_MAIN("sim.client",
                      SUITE_LONG_CASE("client", 60, EACH(api_faults, fault_cases),
                                      RANGE(crash_points, 0, 4), EACH(link_down, link_cases),
                                      TEST(trace_tells), EACH(watch_faults, watch_cases),
                                      EACH(polled_watch, watch_cases), TEST(a_later_beginning),
                                      TEST(opening_can_fail), TEST(a_world_ends_with_open_watches),
                                      TEST(parts_and_clusters),
                                      TEST(the_same_seed_gives_the_same_trace)));
}
