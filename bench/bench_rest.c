/* How many requests the REST front answers in a second, without a socket, and how long a thousand
 * watchers take for a thousand events; in time of the processor. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/controllermanager/controllermanager.h"
#include "sim/rest/rest.h"
#include "sim/world.h"

enum { NAMES = 1000, GETS = 1000000, POSTS = 200000, LISTS = 500, WATCHERS = 1000, EVENTS = 1000 };

#define CM "/api/v1/namespaces/default/configmaps"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"

/* Of this process alone: the machine may have other work. */
static int64_t cpu_ns(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
           (int64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static void tell(const char *what, int64_t begin_ns, size_t count)
{
    double ns = (double)(cpu_ns() - begin_ns) / (double)count;

    printf("%-40s %9.0f ns each, %10.0f /s\n", what, ns, 1e9 / ns);
}

/* As client-go sends it. */
static struct rest_answer ask(struct rest *r, const char *method, const char *target,
                              const char *body, int want)
{
    static const struct rest_header headers[] = {
        {"Host", "127.0.0.1:6443"},
        {"User-Agent", "manager/v0.0.0 (linux/amd64) kubernetes/$Format"},
        {"Accept", "application/json, */*"},
        {"Content-Type", "application/json"},
        {"Accept-Encoding", "gzip"}};
    const struct rest_request req = {.method = method,
                                     .target = target,
                                     .headers = headers,
                                     .header_count = ARRAY_LEN(headers),
                                     .body = body,
                                     .body_len = body ? strlen(body) : 0};
    struct rest_answer a = {0};

    rest_handle(r, &req, &a);
    if (a.code != want) {
        fprintf(stderr, "%s %s: %d %s\n", method, target, a.code, strbuf_str(&a.body));
        abort();
    }
    return a;
}

static void ask_only(struct rest *r, const char *method, const char *target, const char *body,
                     int want)
{
    struct rest_answer a = ask(r, method, target, body, want);

    rest_answer_finish(&a);
}

static char *config_map(const char *prefix, size_t i)
{
    return mem_printf("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                      "\"%s-%zu\",\"labels\":{\"app\":\"bench\",\"part\":\"%zu\"}},\"data\":"
                      "{\"key\":\"value\",\"other\":\"a text of some forty characters, or so\"}}",
                      prefix, i, i % 10);
}

static void measure_posts(struct rest *r, const char *prefix, size_t count)
{
    int64_t begin_ns = cpu_ns();

    for (size_t i = 0; i < count; i++) {
        AUTO(str) char *body = config_map(prefix, i);
        ask_only(r, "POST", CM, body, 201);
    }
    tell("POST configmap", begin_ns, count);
}

static void measure_gets(struct rest *r)
{
    char *targets[NAMES];

    for (size_t i = 0; i < NAMES; i++)
        targets[i] = mem_printf(CM "/a-%zu", i);
    int64_t begin_ns = cpu_ns();
    for (size_t i = 0; i < GETS; i++)
        ask_only(r, "GET", targets[i % NAMES], NULL, 200);
    tell("GET configmap", begin_ns, GETS);
    for (size_t i = 0; i < NAMES; i++)
        free(targets[i]);
}

static void measure_lists(struct rest *r)
{
    int64_t begin_ns = cpu_ns();

    for (size_t i = 0; i < LISTS; i++)
        ask_only(r, "GET", CM "?limit=500", NULL, 200);
    tell("LIST of 500 configmaps", begin_ns, LISTS);
}

static void measure_watches(struct rest *r)
{
    struct rest_answer *all = mem_zalloc(WATCHERS * sizeof(*all));
    AUTO(strbuf) struct strbuf out = {0};
    size_t bytes = 0;

    for (size_t i = 0; i < WATCHERS; i++)
        all[i] = ask(r, "GET", LEASES "?watch=true", NULL, 200);
    for (size_t i = 0; i < EVENTS; i++) {
        AUTO(str)
        char *body = mem_printf("{\"metadata\":{\"name\":\"l-%zu\"},\"spec\":{\"holderIdentity\":"
                                "\"somebody\",\"leaseDurationSeconds\":15}}",
                                i);
        ask_only(r, "POST", LEASES, body, 201);
    }
    int64_t begin_ns = cpu_ns();
    for (size_t i = 0; i < WATCHERS; i++) {
        while (rest_stream_read(all[i].stream, &out, 65536) == REST_STREAM_DATA) {
            bytes += out.len;
            strbuf_reset(&out);
        }
    }
    printf("%-40s %9.3f s, %zu MB\n", "1,000 watchers x 1,000 events",
           (double)(cpu_ns() - begin_ns) / 1e9, bytes >> 20);
    for (size_t i = 0; i < WATCHERS; i++)
        rest_answer_finish(&all[i]);
    free(all);
}

int main(void)
{
    const struct world_config config = {.seed = 1};

    json_init();
    AUTO(world) struct world *w = world_create(&config);
    struct cluster *c = kcm_add_cluster(w, "main", NULL);
    const struct rest_config front = {.server = cluster_server(c), .sched = world_sched(w)};
    struct rest *r = rest_create(&front);
    measure_posts(r, "a", NAMES);
    measure_gets(r);
    measure_lists(r);
    measure_watches(r);
    measure_posts(r, "b", POSTS);
    rest_destroy(r);
    return 0;
}
