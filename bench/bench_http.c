/* `vmconform serve` as its clients see it: how soon it answers, how many requests a second, how
 * long a thousand watchers take for a thousand events, and what objects and watches cost in memory.
 * Beside etcd, when it is installed: what a real API server keeps its objects in.
 *
 * bench_http PROGRAM [--only PART] [FOLDER...] - PART is start, requests, watches or memory. etcd's
 * data goes to a new folder in each FOLDER in turn. The server has processor 0, the client another
 * one. The time of the processor is the server's own: where the machine has other work, it is the
 * figure to look at. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/folder.h"
#include "base/mem.h"
#include "base/wall.h"
#include "bench/http_client.h"

enum { STARTS = 15, CONNS = 64, NAMES = 1000, GETS = 100000, POSTS = 50000, PUTS = 20000 };
enum { WATCHERS = 1000, EVENTS = 1000, OBJECTS = 10000 };

#define CM "/api/v1/namespaces/default/configmaps"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"

static char *program;
static char work[] = "/tmp/bench-http-XXXXXX";
static char kilobyte[1025];

/* ---- our server ---- */

/* The first token of the kubeconfig. */
static void read_token(struct served *s, const char *path)
{
    AUTO(file) FILE *f = fopen(path, "re");
    char line[4096], token[1000];

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, " token: \"%999[^\"]\"", token) == 1 ||
            sscanf(line, " token: %999s", token) == 1) {
            snprintf(s->authorization, sizeof s->authorization, "Bearer %s", token);
            return;
        }
    fprintf(stderr, "bench_http: no token in %s\n", path);
    exit(1);
}

/* Until it says that it is ready. An account in the kubeconfig gives a token over TLS too. */
static struct served start_ours(bool tls)
{
    AUTO(str) char *config = mem_printf("%s/kubeconfig", work);
    char *argv[] = {program,
                    "serve",
                    "--address",
                    "127.0.0.1:0",
                    "--tls",
                    tls ? "true" : "false",
                    "--kubeconfig",
                    config,
                    "--as",
                    "admin=system:masters",
                    "--connections",
                    "16384",
                    NULL};
    struct served s = {.tls = tls};
    char line[512] = "";
    const char *port;
    int out;

    s.pid = served_spawn(argv, &out);
    AUTO(file) FILE *f = fdopen(out, "re");
    if (!f || !fgets(line, sizeof line, f) || !(port = strstr(line, "127.0.0.1:"))) {
        fputs("bench_http: vmconform serve did not start\n", stderr);
        exit(1);
    }
    s.port = (unsigned)strtoul(port + strlen("127.0.0.1:"), NULL, 10);
    read_token(&s, config);
    return s;
}

/* ---- the peer ---- */

static bool etcd_installed(void)
{
    return system("command -v etcd >/dev/null 2>&1") == 0;
}

static struct served start_etcd(const char *data)
{
    struct served s = {.port = served_free_port()};
    AUTO(str) char *client = mem_printf("http://127.0.0.1:%u", s.port);
    AUTO(str) char *peer = mem_printf("http://127.0.0.1:%u", served_free_port());
    AUTO(str) char *cluster = mem_printf("default=%s", peer);
    char *argv[] = {"etcd",       "--data-dir",
                    (char *)data, "--listen-client-urls",
                    client,       "--advertise-client-urls",
                    client,       "--listen-peer-urls",
                    peer,         "--initial-advertise-peer-urls",
                    peer,         "--initial-cluster",
                    cluster,      NULL};
    struct conn c;

    s.pid = served_spawn(argv, NULL);
    while (!conn_open(&c, &s))
        poll(NULL, 0, 1);
    while (conn_ask(&c, &s, "GET", "/health", NULL) != 200)
        poll(NULL, 0, 1);
    conn_close(&c);
    return s;
}

/* ---- requests ---- */

static size_t configmap(char *out, size_t max, const char *prefix, size_t i, const char *data)
{
    return (size_t)snprintf(out, max,
                            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                            "\"%s-%zu\",\"labels\":{\"app\":\"bench\"}},\"data\":{\"key\":\"%s\"}}",
                            prefix, i, data);
}

static size_t post(const struct served *s, size_t i, char *out, size_t max)
{
    char body[4096];

    configmap(body, sizeof body, "a", i, "a text of some forty characters, or so it is");
    return request_text(s, out, max, "POST", CM, body);
}

static size_t post_large(const struct served *s, size_t i, char *out, size_t max)
{
    char body[4096];

    configmap(body, sizeof body, "large", i, kilobyte);
    return request_text(s, out, max, "POST", CM, body);
}

static size_t post_lease(const struct served *s, size_t i, char *out, size_t max)
{
    char body[256];

    snprintf(body, sizeof body,
             "{\"metadata\":{\"name\":\"l-%zu\"},\"spec\":{\"holderIdentity\":\"somebody\","
             "\"leaseDurationSeconds\":15}}",
             i);
    return request_text(s, out, max, "POST", LEASES, body);
}

static size_t get(const struct served *s, size_t i, char *out, size_t max)
{
    char target[128];

    snprintf(target, sizeof target, CM "/a-%zu", i % NAMES);
    return request_text(s, out, max, "GET", target, NULL);
}

static void base64(const char *text, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text);

    /* Keys and values are made to be multiples of three long. */
    for (size_t i = 0; i + 2 < len; i += 3) {
        unsigned n = (unsigned)(unsigned char)text[i] << 16 |
                     (unsigned)(unsigned char)text[i + 1] << 8 | (unsigned char)text[i + 2];

        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = digits[n >> shift & 63];
    }
    *out = '\0';
}

/* What an API server stores for the object of post(), under the key that it would have. */
static size_t etcd_put(const struct served *s, size_t i, char *out, size_t max)
{
    char key[128], value[512], key64[256], value64[1024], body[2048];

    snprintf(key, sizeof key, "/registry/configmaps/default/a-%08zu", i);
    key[strlen(key) / 3 * 3] = '\0';
    configmap(value, sizeof value, "a", i + 10000000,
              "a text of some forty characters, or so it is");
    value[strlen(value) / 3 * 3] = '\0';
    base64(key, key64);
    base64(value, value64);
    snprintf(body, sizeof body, "{\"key\":\"%s\",\"value\":\"%s\"}", key64, value64);
    return request_text(s, out, max, "POST", "/v3/kv/put", body);
}

static size_t etcd_get(const struct served *s, size_t i, char *out, size_t max)
{
    char key[128], key64[256], body[512];

    snprintf(key, sizeof key, "/registry/configmaps/default/a-%08zu", i % NAMES);
    key[strlen(key) / 3 * 3] = '\0';
    base64(key, key64);
    snprintf(body, sizeof body, "{\"key\":\"%s\"}", key64);
    return request_text(s, out, max, "POST", "/v3/kv/range", body);
}

/* ---- measurements ---- */

struct figure {
    double wall, cpu; /* requests in a second, of the wall and of the server's processor */
};

static struct figure tell_load(const char *what, const struct served *s, size_t count,
                               request_fn *fn, int want)
{
    struct load l = load_run(s, CONNS, count, fn, want);
    struct figure f = {(double)count / l.wall_s, (double)count / l.cpu_s};

    printf("%-34s %8.0f /s of wall %8.0f /s of processor %7.1f us each\n", what, f.wall, f.cpu,
           1e6 / f.cpu);
    fflush(stdout);
    return f;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static void measure_start(bool tls)
{
    double wall[STARTS], cpu[STARTS];

    for (size_t i = 0; i < STARTS; i++) {
        int64_t begin_ns = wall_monotonic_ns();
        struct served s = start_ours(tls);
        struct conn c;

        if (!conn_open(&c, &s) ||
            conn_ask(&c, &s, "GET", "/api/v1/namespaces/default", NULL) != 200) {
            fputs("bench_http: the first request failed\n", stderr);
            exit(1);
        }
        wall[i] = (double)(wall_monotonic_ns() - begin_ns) / 1e6;
        cpu[i] = (double)served_cpu_ns(&s) / 1e6;
        conn_close(&c);
        served_stop(&s);
    }
    qsort(wall, STARTS, sizeof *wall, by_value);
    printf("start to the first answer, %-7s %8.1f ms (least %.1f), %.1f ms of processor\n",
           tls ? "TLS" : "plain", median(wall, STARTS), wall[0], median(cpu, STARTS));
    fflush(stdout);
}

static void measure_requests(struct figure *ret_get, struct figure *ret_post)
{
    struct served s = start_ours(false);

    *ret_post = tell_load("create", &s, POSTS, post, 201);
    *ret_get = tell_load("get", &s, GETS, get, 200);
    served_stop(&s);
    s = start_ours(true);
    tell_load("create over TLS", &s, POSTS, post, 201);
    tell_load("get over TLS", &s, GETS, get, 200);
    served_stop(&s);
}

static void measure_etcd(const char *folder, const struct figure *our_get,
                         const struct figure *our_post)
{
    AUTO(str) char *data = mem_printf("%s/bench-http-etcd-XXXXXX", folder);
    AUTO(str) char *what = mem_printf("etcd put, data in %s", folder);
    struct served s;
    struct figure put, range;

    if (!mkdtemp(data)) {
        perror(data);
        exit(1);
    }
    s = start_etcd(data);
    put = tell_load(what, &s, PUTS, etcd_put, 200);
    range = tell_load("etcd range of one key", &s, PUTS, etcd_get, 200);
    printf("%-34s create %.1f times as fast (%.1f by processor), get %.1f (%.1f)\n",
           "ours beside it", our_post->wall / put.wall, our_post->cpu / put.cpu,
           our_get->wall / range.wall, our_get->cpu / range.cpu);
    served_stop(&s);
    folder_remove(data);
}

/* Each writer has its share on its way at once, or one request at a time: then the server writes to
 * all watchers for each event. */
static void write_events(const struct served *s, struct conn *writers, size_t count, bool wait)
{
    char text[2048];

    for (size_t i = 0; i < EVENTS; i++) {
        struct conn *c = &writers[i % count];

        conn_send(c, text, post_lease(s, i, text, sizeof text));
        if (wait && conn_answer(c) != 201)
            exit(1);
        c->want += !wait;
    }
}

static void measure_fan_out(size_t writers, bool wait)
{
    struct served s = start_ours(false);
    struct conn *all = mem_zalloc((WATCHERS + writers) * sizeof *all);
    int64_t wall_ns, cpu_ns;

    for (size_t i = 0; i < WATCHERS; i++) {
        stream_open(&all[i], &s, LEASES "?watch=1");
        all[i].want = EVENTS;
    }
    for (size_t i = 0; i < writers; i++)
        if (!conn_open(&all[WATCHERS + i], &s))
            exit(1);
    wall_ns = wall_monotonic_ns();
    cpu_ns = served_cpu_ns(&s);
    write_events(&s, all + WATCHERS, writers, wait);
    streams_read(all, WATCHERS + (wait ? 0 : writers));
    wall_ns = wall_monotonic_ns() - wall_ns;
    cpu_ns = served_cpu_ns(&s) - cpu_ns;
    printf("%d watchers x %d events, %zu writer%s %5.2f s of wall, %.2f s of processor\n", WATCHERS,
           EVENTS, writers, writers > 1 ? "s" : "", (double)wall_ns / 1e9, (double)cpu_ns / 1e9);
    fflush(stdout);
    for (size_t i = 0; i < WATCHERS + writers; i++)
        conn_close(&all[i]);
    free(all);
    served_stop(&s);
}

static void measure_objects(void)
{
    struct served s = start_ours(false);
    size_t before = served_rss(&s), after;

    load_run(&s, 1, OBJECTS, post_large, 201);
    after = served_rss(&s);
    printf("%-34s %8.1f MiB before, %.2f KiB for each of %d configmaps of 1 KiB\n", "memory",
           (double)before / 1048576, (double)(after - before) / 1024 / OBJECTS, OBJECTS);
    fflush(stdout);
    served_stop(&s);
}

static void measure_idle(size_t count, bool tls)
{
    struct served s = start_ours(tls);
    size_t before = served_rss(&s), after;
    struct conn *watchers = mem_zalloc(count * sizeof *watchers);

    for (size_t i = 0; i < count; i++)
        stream_open(&watchers[i], &s, CM "?watch=1");
    after = served_rss(&s);
    printf("%-34s %8.1f KiB for each of %zu%s\n", "memory of an idle watch",
           (double)(after - before) / 1024 / (double)count, count, tls ? ", TLS" : "");
    fflush(stdout);
    for (size_t i = 0; i < count; i++)
        conn_close(&watchers[i]);
    free(watchers);
    served_stop(&s);
}

static size_t descriptors(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max;
}

/* ---- parts ---- */

static void part_start(char **folders)
{
    (void)folders;
    measure_start(false);
    measure_start(true);
}

static void part_requests(char **folders)
{
    struct figure our_get, our_post;

    measure_requests(&our_get, &our_post);
    if (!etcd_installed()) {
        puts("etcd not installed: no peer");
        return;
    }
    for (; *folders; folders++)
        measure_etcd(*folders, &our_get, &our_post);
}

static void part_watches(char **folders)
{
    (void)folders;
    measure_fan_out(50, false);
    measure_fan_out(1, true);
}

static void part_memory(char **folders)
{
    size_t files = descriptors();

    (void)folders;
    measure_objects();
    measure_idle(1000, false);
    measure_idle(1000, true);
    if (files > 10100)
        measure_idle(10000, false);
    else
        printf("no 10000 watches: %zu descriptors\n", files);
}

static const struct part {
    const char *name;
    void (*run)(char **folders);
} parts[] = {
    {"start", part_start},
    {"requests", part_requests},
    {"watches", part_watches},
    {"memory", part_memory},
};

static int usage(void)
{
    fputs("usage: bench_http PROGRAM [--only start|requests|watches|memory] [FOLDER...]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    bool all = argc < 3 || strcmp(argv[2], "--only") != 0, known = all;

    if (argc < 2 || (!all && argc < 4))
        return usage();
    program = argv[1];
    for (size_t i = 0; !all && i < ARRAY_LEN(parts); i++)
        known = known || strcmp(argv[3], parts[i].name) == 0;
    if (!known)
        return usage();
    descriptors();
    memset(kilobyte, 'x', sizeof kilobyte - 1);
    if (!mkdtemp(work)) {
        perror(work);
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (all || strcmp(argv[3], parts[i].name) == 0)
            parts[i].run(argv + (all ? 2 : 4));
    folder_remove(work);
    return 0;
}
