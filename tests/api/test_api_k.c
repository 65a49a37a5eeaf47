/* K. Faults: what a client meets, and what must be true afterwards. */
#include "sim/client.h"
#include "sim/simwatch.h"
#include "tests/api/harness.h"

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"
#define JSON_BODY "Content-Type: application/json"
#define SECRETS DEFAULT_NS "secrets"

static void fault(const char *verb, const char *action, unsigned times)
{
    add_fault("{'name':'f','point':'api','match':{'verb':'%s','plural':'configmaps'},'times':%u,"
              "'action':%s}",
              verb, times, action);
}

/* ---- a client that keeps what it sees ---- */

struct informer {
    json_t *objects; /* name: resourceVersion */
    int64_t seen;
    struct watch *watch;
    unsigned lists;
};

static void informer_list(struct informer *c)
{
    const struct answer *a = get(SECRETS "?limit=500&resourceVersion=0");
    size_t i;
    const json_t *item;

    want_code(a, 200);
    json_decref(c->objects);
    c->objects = json_object();
    json_array_foreach((json_t *)pick(a->json, "items"), i, item)
        json_object_set(c->objects, json_str_or_empty(item, "metadata.name"),
                        (json_t *)json_path(item, "metadata.resourceVersion"));
    c->seen = rv(a);
    c->lists++;
}

static void informer_watch(struct informer *c)
{
    c->watch = watch_open(SECRETS "?watch=true&allowWatchBookmarks=true&resourceVersion=%" PRId64,
                          c->seen);
}

/* One event. false: it was an ERROR. */
static bool informer_take(struct informer *c)
{
    const struct answer *ev = next_event(c->watch);
    const char *name = str(ev, "object.metadata.name"), *type = str(ev, "type");

    if (strcmp(type, "ERROR") == 0) {
        want_num(ev, "object.code", 410);
        want_str(ev, "object.reason", "Expired");
        return false;
    }
    if (strcmp(type, "DELETED") == 0)
        json_object_del(c->objects, name);
    else
        json_object_set(c->objects, name,
                        (json_t *)pick(ev->json, "object.metadata.resourceVersion"));
    c->seen = strtoll(str(ev, "object.metadata.resourceVersion"), NULL, 10);
    return true;
}

static void informer_check(const struct informer *c)
{
    const struct answer *a = get(SECRETS);
    size_t i;
    const json_t *item;

    want(json_object_size(c->objects) == count(a, "items"), "%zu objects are known, %zu are there",
         json_object_size(c->objects), count(a, "items"));
    json_array_foreach((json_t *)pick(a->json, "items"), i, item)
        want(json_equal(json_object_get(c->objects, json_str_or_empty(item, "metadata.name")),
                        json_path(item, "metadata.resourceVersion")),
             "%s is not known as it is", json_str_or_empty(item, "metadata.name"));
}

static void informer_finish(struct informer *c)
{
    json_decref(c->objects);
}

static void add_secret(const char *name)
{
    want_code(post(SECRETS, "{'metadata':{'name':'%s'}}", name), 201);
}

static void touch_secret(const char *name, const char *value)
{
    want_code(merge_patch(text(SECRETS "/%s", name), "{'metadata':{'labels':{'l':'%s'}}}", value),
              200);
}

/* Some of everything. */
static void change_secrets(void)
{
    add_secret("c");
    touch_secret("a", "1");
    want_code(del(SECRETS "/b"), 200);
    touch_secret("a", "2");
}

/* ---- rows ---- */

static void k01(void)
{
    unsigned tries;
    const struct answer *a;

    fault("create", "{'answer':429}", 2);
    a = ask("POST", CMS, JSON_BODY, "{'metadata':{'name':'a'},'data':{'k':'v'}}");
    want_code(a, 429);
    want_header(a, "Retry-After", "1");
    want_header(a, "Content-Type", "text/plain; charset=utf-8");
    want(strcmp(strbuf_str(&a->body), "Too many requests, please try again later.\n") == 0, "%s",
         strbuf_str(&a->body));
    want_code(get(CMS "/a"), 404);
    fault_remove(world_faults(cluster_world(the_cluster())), "f");
    fault("create", "{'answer':429}", 2);
    a = ask_retrying("POST", CMS, "{'metadata':{'name':'a'},'data':{'k':'v'}}", &tries);
    want_code(a, 201);
    want(tries == 3, "%u tries", tries);
    want_json(get(CMS "/a"), "data", "{'k':'v'}");
}

static bool stored(const char *name)
{
    return apiserver_peek(the_server(), "", "configmaps", "default", name) != NULL;
}

static void k02(void)
{
    struct pending *p;
    const struct answer *a;
    const char *uid;

    p = ask_begin("POST", CMS, JSON_BODY, "{'metadata':{'name':'a'},'data':{'k':'v'}}");
    for (int i = 0; i < 1000 && !stored("a"); i++)
        settle();
    want(stored("a"), "nothing is committed");
    ask_cut(p);
    settle();
    uid = str(get(CMS "/a"), "metadata.uid");
    a = post(CMS, "{'metadata':{'name':'a'},'data':{'k':'v'}}");
    want_status(a, 409, "AlreadyExists", "configmaps 'a' already exists");
    want_str(get(CMS "/a"), "metadata.uid", uid);
}

static void k03(void)
{
    const struct answer *old = create_cm("a"), *a;

    fault("update", "{'answer':'lost'}", 1);
    a = put_changed(CMS "/a", old, "data.k", "'new'");
    want_status(a, 504, "Timeout",
                "Timeout: request did not complete within requested timeout - context deadline "
                "exceeded");
    a = put_changed(CMS "/a", old, "data.k", "'new'");
    want_status(a, 409, "Conflict",
                "Operation cannot be fulfilled on configmaps 'a': the object has been modified; "
                "please apply your changes to the latest version and try again");
    want_str(get(CMS "/a"), "data.k", "new");
    /* and one that never arrived */
    fault_remove(world_faults(cluster_world(the_cluster())), "f");
    fault("update", "{'answer':'timeout'}", 1);
    old = get(CMS "/a");
    want_code(put_changed(CMS "/a", old, "data.k", "'newer'"), 504);
    want_str(get(CMS "/a"), "data.k", "new");
    want_code(put_changed(CMS "/a", old, "data.k", "'newer'"), 200);
}

static void k04(void)
{
    struct informer c = {.seen = 0};

    add_secret("a");
    add_secret("b");
    informer_list(&c);
    informer_watch(&c);
    touch_secret("a", "0");
    want(informer_take(&c), "an error");
    watch_close(c.watch); /* the outage */
    change_secrets();
    apiserver_compact(the_server(), apiserver_revision(the_server()));
    informer_watch(&c);
    want(!informer_take(&c), "no 410");
    want_end(c.watch);
    informer_list(&c);
    informer_check(&c);
    informer_watch(&c);
    touch_secret("c", "1");
    want(informer_take(&c), "an error");
    informer_check(&c);
    informer_finish(&c);
}

static void k05(void)
{
    struct informer c = {.seen = 0};

    add_secret("a");
    add_secret("b");
    informer_list(&c);
    informer_watch(&c);
    touch_secret("a", "1");
    want(informer_take(&c), "an error");
    touch_secret("a", "2"); /* its line is not read to its end: what is left of it goes */
    settle();
    watch_close(c.watch);
    settle();
    touch_secret("b", "1");
    informer_watch(&c);
    want(informer_take(&c), "an error");
    want(informer_take(&c), "an error");
    want_silence(c.watch);
    informer_check(&c);
    want(c.lists == 1, "%u lists", c.lists);
    informer_finish(&c);
}

static void k06(void)
{
    struct informer one = {.seen = 0}, two = {.seen = 0};
    struct informer *const both[] = {&one, &two};

    add_secret("a");
    add_secret("b");
    for (size_t i = 0; i < 2; i++) {
        informer_list(both[i]);
        informer_watch(both[i]);
    }
    change_secrets();
    restart();
    apiserver_compact(the_server(), apiserver_revision(the_server()));
    for (size_t i = 0; i < 2; i++) {
        watch_close(both[i]->watch);
        informer_watch(both[i]);
        want(!informer_take(both[i]), "no 410");
        informer_list(both[i]);
        informer_check(both[i]);
        informer_watch(both[i]);
    }
    touch_secret("a", "3");
    for (size_t i = 0; i < 2; i++) {
        want(informer_take(both[i]), "an error");
        informer_check(both[i]);
        want(both[i]->lists == 2, "%u lists", both[i]->lists);
        informer_finish(both[i]);
    }
}

static void k07(void)
{
    const struct answer *a;
    struct watch *w;
    int64_t n;

    for (int i = 0; i < 20; i++)
        add_secret(text("s%d", i));
    n = rv(get(SECRETS));
    start_over();
    a = get(SECRETS "?resourceVersion=%" PRId64, n);
    want_code(a, 504);
    want_str(a, "reason", "Timeout");
    want_cause(a, "ResourceVersionTooLarge", NULL, "Too large resource version");
    want_header(a, "Retry-After", "1");
    w = watch_open(SECRETS "?watch=true&resourceVersion=%" PRId64, n);
    add_secret("a");
    want_silence(w);
    a = get(SECRETS "?resourceVersion=");
    want_code(a, 200);
    want(rv(a) < n, "revision");
    want(strcmp(names(a), "a") == 0, "items %s", names(a));
}

static void k08(void)
{
    int64_t n = rv(create_cm("a"));
    struct pending *p[2];
    const struct answer *a[2];
    int winner;

    for (int i = 0; i < 2; i++)
        p[i] = ask_begin(
            "PUT", CMS "/a", JSON_BODY,
            "{'metadata':{'name':'a','resourceVersion':'%" PRId64 "'},'data':{'k':'%d'}}", n, i);
    for (int i = 0; i < 2; i++)
        a[i] = ask_end(p[i]);
    winner = a[0]->code == 200 ? 0 : 1;
    want_code(a[winner], 200);
    want_status(a[!winner], 409, "Conflict",
                "Operation cannot be fulfilled on configmaps 'a': the object has been modified; "
                "please apply your changes to the latest version and try again");
    want_str(get(CMS "/a"), "data.k", winner ? "1" : "0");
    want(rv(get(CMS "/a")) == n + 1, "more than one write");
}

/* Holds requests of one verb at one moment until it is told to let go. */
struct gate {
    enum api_verb verb;
    enum request_moment moment;
    unsigned left; /* how many to hold */
    bool held;
    struct waitcell *cell;
};

static void at_gate(void *cookie, enum request_moment moment, const struct request_info *info)
{
    struct gate *g = cookie;

    if (g->left == 0 || moment != g->moment || info->request->verb != g->verb)
        return;
    g->left--;
    g->held = true;
    waitcell_wait(g->cell, SCHED_NEVER);
}

static void gate_init(struct gate *g, enum api_verb verb, enum request_moment moment)
{
    *g = (struct gate){
        .verb = verb, .moment = moment, .left = 1, .cell = waitcell_create(the_sched(), "gate")};
    world_on_request(cluster_world(the_cluster()), at_gate, g);
}

static void gate_await(const struct gate *g)
{
    for (int i = 0; i < 1000 && !g->held; i++)
        settle();
    want(g->held, "nothing has come to the gate");
}

/* A watch within the world, which lags. */
struct laggard {
    int64_t from;
    bool opened, got;
};

static void run_laggard(void *arg)
{
    struct laggard *l = arg;
    AUTO(str) char *from = mem_printf("%" PRId64, l->from);
    const struct api_request req = {.verb = API_WATCH,
                                    .resource = {"", "v1", "configmaps"},
                                    .ns = "default",
                                    .resource_version = from};
    AUTO(response) struct api_response error = {0};
    struct err e = {0};
    struct api_event ev;
    bool ended;
    struct simwatch *w = sim_watch(the_cluster(), &req, &error, &e);

    l->opened = true;
    if (w && simwatch_next(w, SCHED_NEVER, &ev, &ended) == SCHED_OK && !ended)
        l->got = true;
    simwatch_close(w);
    err_clear(&e);
}

static void k09(void)
{
    struct gate g;
    struct pending *p;
    struct laggard late = {.from = rv(create_cm("a"))};
    struct watch *w = watch_open(CMS "?watch=true&resourceVersion=%" PRId64, late.from);

    /* the event first */
    gate_init(&g, API_CREATE, REQUEST_COMMITTED);
    p = ask_begin("POST", CMS, JSON_BODY, "{'metadata':{'name':'b'}}");
    gate_await(&g);
    want_event(w, "ADDED", "b");
    waitcell_signal(g.cell);
    want_code(ask_end(p), 201);
    /* the answer first */
    add_fault("{'name':'lag','point':'watch','match':{'plural':'configmaps'},'action':{'hold':true}"
              "}");
    late.from = rv(get(CMS "/b"));
    actor_spawn(process_create(the_sched(), "laggard"), "watch", run_laggard, &late);
    settle();
    want(late.opened, "no watch");
    want_code(post(CMS, "{'metadata':{'name':'c'}}"), 201);
    settle();
    want(!late.got, "the event came at once");
    fault_remove(world_faults(cluster_world(the_cluster())), "lag");
    settle();
    want(late.got, "the event never came");
    waitcell_destroy(g.cell);
}

static const char *lease_of(const char *holder, const char *version)
{
    return text("{'metadata':{'name':'l'%s},'spec':{'holderIdentity':'%s','leaseDurationSeconds':15"
                ",'renewTime':'2026-01-01T00:00:00.000000Z'}}",
                *version ? text(",'resourceVersion':'%s'", version) : "", holder);
}

static void k11(void)
{
    struct gate g;
    struct pending *renewal;
    const struct answer *a, *seen;

    a = post(LEASES, "%s", lease_of("first", ""));
    want_code(a, 201);
    gate_init(&g, API_UPDATE, REQUEST_BEFORE);
    renewal = ask_begin("PUT", LEASES "/l", JSON_BODY, "%s",
                        lease_of("first", str(a, "metadata.resourceVersion")));
    gate_await(&g);
    seen = get(LEASES "/l");
    want_str(seen, "spec.holderIdentity", "first");
    advance_ms(16000);
    a = get(LEASES "/l");
    want(rv(a) == rv(seen), "it was renewed"); /* for longer than it lasts: the second may */
    a = put(LEASES "/l", "%s", lease_of("second", str(a, "metadata.resourceVersion")));
    want_code(a, 200);
    waitcell_signal(g.cell);
    a = ask_end(renewal);
    want_status(a, 409, "Conflict",
                "Operation cannot be fulfilled on leases.coordination.k8s.io 'l': the object has "
                "been modified; please apply your changes to the latest version and try again");
    want_str(get(LEASES "/l"), "spec.holderIdentity", "second"); /* so the first exits */
    waitcell_destroy(g.cell);
}

static void k12(void)
{
    struct informer c = {.seen = 0};
    int64_t backoff = 800;

    add_secret("a");
    informer_list(&c);
    for (int i = 0; i < 5; i++) {
        informer_watch(&c);
        if (i > 0)
            want(informer_take(&c), "an error");
        rest_end_streams(the_rest()); /* a very short watch */
        want_end(c.watch);
        watch_close(c.watch);
        add_secret(text("s%d", i)); /* while it waits */
        advance_ms(backoff);
        backoff = backoff * 2 > 30000 ? 30000 : backoff * 2;
    }
    informer_watch(&c);
    want(informer_take(&c), "an error");
    want_silence(c.watch);
    informer_check(&c);
    want(c.lists == 1, "%u lists", c.lists);
    informer_finish(&c);
}

static void k13(void)
{
    unsigned tries;
    const struct answer *a;

    fault("create", "{'answer':503}", 0);
    a = ask_retrying("POST", CMS, "{'metadata':{'name':'a'}}", &tries);
    want(tries == 1, "%u tries", tries);
    want_status(a, 503, "ServiceUnavailable",
                "the server is currently unable to handle the request");
    want_header(a, "Retry-After", NULL);
    want_json(a, "details.retryAfterSeconds", NULL);
    want_code(get(CMS "/a"), 404);
}

static void k14(void)
{
    const struct answer *a;
    AUTO(strbuf) struct strbuf all = {0};
    unsigned restarts = 0;
    const char *token = "";

    for (int i = 0; i < 5; i++)
        add_secret(text("s%d", i));
    do {
        a = get(SECRETS "?limit=2%s%s", *token ? "&continue=" : "", token);
        if (a->code == 410) {
            want_status(a, 410, "Expired", NULL);
            strbuf_reset(&all);
            token = "";
            restarts++;
            a = NULL;
            continue;
        }
        want_code(a, 200);
        strbuf_addf(&all, "%s%s", all.len ? "," : "", names(a));
        token = str(a, "metadata.continue");
        if (restarts == 0) { /* before page 2 */
            add_secret("new");
            apiserver_compact(the_server(), apiserver_revision(the_server()));
        }
    } while (!a || *token);
    want(restarts == 1, "%u restarts", restarts);
    want(strcmp(strbuf_str(&all), "new,s0,s1,s2,s3,s4") == 0, "items %s", strbuf_str(&all));
}

/* K10 is about webhooks, which are not served. */
static const struct row rows[] = {
    {"K01", "429 with Retry-After 1 twice: the third try succeeds", ROW_FAULTS | ROW_FAST, k01},
    {"K02", "committed, then the connection is cut: retry gets AlreadyExists", ROW_FAULTS, k02},
    {"K03", "committed, then 504 on PUT: retry gets 409", ROW_FAULTS, k03},
    {"K04", "compaction during an outage: 410, relist, cache equals store", 0, k04},
    {"K05", "cut within an event: resumed from the last whole one", 0, k05},
    {"K06", "restart with a raised floor: all informers relist", 0, k06},
    {"K07", "revisions go back: list rv=n 504 TooLarge, then rv=''", 0, k07},
    {"K08", "two writers at once: exactly one 409", ROW_FAULTS, k08},
    {"K09", "event before answer, answer before event", ROW_FAULTS, k09},
    {"K11", "a Lease's renewal comes late: the second holder has it, 409", ROW_FAULTS | ROW_FAST,
     k11},
    {"K12", "very short watches: resumed after a pause, nothing is lost", ROW_FAST, k12},
    {"K13", "503 without Retry-After: the caller is told", ROW_FAULTS, k13},
    {"K14", "page 2 of a list is 410: the list begins again", 0, k14},
};
ROWS_MAIN(rows)
