/* Clients that mean harm, at a running `vmconform serve`: each gets the right status or is cut off,
 * memory stays within a limit, and another client's requests are answered in the meantime.
 *
 * serve_hostile PROGRAM. Nothing sleeps: whoever waits, waits for bytes, and at most PATIENCE_S. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/wall.h"

/* ASan keeps what has been freed, and needs room of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#define RSS_MAX_MIB 1024ul
#else
#define RSS_MAX_MIB 256ul
#endif

#define PATIENCE_S 60 /* a broken server is told apart from a slow machine */
#define ANSWER_MS 10000
#define CONNECTIONS 200
#define MIB (1u << 20)

#define CM "/api/v1/namespaces/default/configmaps"
#define HOST " HTTP/1.1\r\nHost: h\r\n"

static pid_t server;
static unsigned port;
static unsigned failed, count;
static size_t rss_max_mib;
static int bystander = -1;

static void fail(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail(const char *name, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("%s: ", name);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    failed++;
}

/* ---- bytes ---- */

static int dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
        perror("connect");
        exit(2);
    }
    return fd;
}

/* false: the server has closed, or does not read. */
static bool put(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool put_text(int fd, const char *text)
{
    return put(fd, text, strlen(text));
}

/* Appends an answer: its head, and as much of a body as it announces. Its code; 0: the connection
 * has ended, -1: nothing came. */
static int take_answer(int fd, struct strbuf *got)
{
    char byte[16384];
    const char *end, *length;
    size_t want = 0;

    for (;;) {
        end = got->len ? strstr(got->data, "\r\n\r\n") : NULL;
        if (end) {
            length = strcasestr(got->data, "\r\nContent-Length:");
            want = (size_t)(end + 4 - got->data) + (length ? strtoul(length + 17, NULL, 10) : 0);
            if (got->len >= want)
                return (int)strtol(got->data + 9, NULL, 10);
        }
        ssize_t n = recv(
            fd, byte, end ? (want - got->len < sizeof byte ? want - got->len : sizeof byte) : 1, 0);
        if (n < 0 && errno != ECONNRESET)
            return -1;
        if (n <= 0)
            return 0;
        strbuf_add(got, byte, (size_t)n);
    }
}

/* The code of the next answer. */
static int code_of(int fd)
{
    AUTO(strbuf) struct strbuf got = {0};

    return take_answer(fd, &got);
}

static void add_many(struct strbuf *b, const char *text, size_t times)
{
    while (times-- > 0)
        strbuf_addstr(b, text);
}

/* ---- what must hold all the time ---- */

static size_t rss_mib(void)
{
    AUTO(str) char *path = mem_printf("/proc/%d/statm", (int)server);
    AUTO(file) FILE *f = fopen(path, "re");
    unsigned long pages = 0;

    if (!f || fscanf(f, "%*u %lu", &pages) != 1)
        return 0;
    return pages * (size_t)sysconf(_SC_PAGESIZE) / MIB;
}

static void check(const char *name)
{
    int64_t begin_ns = wall_monotonic_ns();
    size_t mib;
    int code = 0;

    count++;
    if (put_text(bystander, "GET " CM "/mine" HOST "\r\n"))
        code = code_of(bystander);
    if (code != 200)
        fail(name, "another client's request is answered with %d, want 200", code);
    else if (wall_monotonic_ns() - begin_ns > ANSWER_MS * INT64_C(1000000))
        fail(name, "another client waits for %lld ms",
             (long long)(wall_monotonic_ns() - begin_ns) / 1000000);
    mib = rss_mib();
    if (mib > rss_max_mib)
        rss_max_mib = mib;
    if (mib == 0 || mib > RSS_MAX_MIB)
        fail(name, "the server holds %zu MiB, want at most %lu", mib, RSS_MAX_MIB);
}

/* ---- one request each ---- */

static const struct {
    const char *name, *send;
    int want; /* 0: closed without an answer is right as well */
} rows[] = {
    {"no HTTP at all", "\x16\x03\x01\x02garbage\r\n\r\n", 0},
    {"a version from nowhere", "GET / HTTP/9.9\r\nHost: h\r\n\r\n", 505},
    {"a path that climbs", "GET /api/v1/../../etc/passwd" HOST "\r\n", 404},
    {"a path that climbs, escaped", "GET /api/v1/namespaces/%2e%2e/%2e%2e/configmaps" HOST "\r\n",
     404},
    {"a name that climbs", "GET " CM "/%2e%2e" HOST "\r\n", 400},
    {"a name with a slash", "GET " CM "/..%2f..%2fetc" HOST "\r\n", 400},
    {"a NUL in a path", "GET " CM "/a%00b" HOST "\r\n", 400},
    {"a bad escape", "GET " CM "/%zz" HOST "\r\n", 400},
    {"a fragment of UTF-8", "GET " CM "/%ff%fe" HOST "\r\n", 404},
    {"no JSON", "POST " CM HOST "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{]}]{",
     400},
    {"bytes for JSON",
     "POST " CM HOST "Content-Type: application/json\r\nContent-Length: 3\r\n\r\n\xff\xfe\x80",
     400},
    {"a length that is none", "POST " CM HOST "Content-Length: -1\r\n\r\n", 400},
    {"a length beyond all", "POST " CM HOST "Content-Length: 99999999999999999999999\r\n\r\n", 413},
    {"a chunk that is none", "POST " CM HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
    {"a selector that is none", "GET " CM "?labelSelector=((((" HOST "\r\n", 400},
    {"a token that is none", "GET " CM HOST "Authorization: Bearer ....\r\n\r\n", 401},
};

static void send_row(const char *name, const char *text, size_t len, int want)
{
    int fd = dial(), code;

    /* Who stops reading has answered, or has closed. */
    put(fd, text, len);
    shutdown(fd, SHUT_WR);
    code = code_of(fd);
    if (code != want && !(want == 0 && code == 400))
        fail(name, "code %d, want %d", code, want);
    close(fd);
    check(name);
}

static void single_requests(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        send_row(rows[i].name, rows[i].send, strlen(rows[i].send), rows[i].want);
}

static void send_body(const char *name, const char *path, const struct strbuf *body, int want)
{
    AUTO(strbuf) struct strbuf b = {0};

    strbuf_addf(&b, "POST %s" HOST "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                path, body->len);
    strbuf_add(&b, body->data, body->len);
    send_row(name, b.data, b.len, want);
}

static void large_requests(void)
{
    AUTO(strbuf) struct strbuf headers = {0};
    AUTO(strbuf) struct strbuf deep = {0};
    AUTO(strbuf) struct strbuf deep_yaml = {0};
    AUTO(strbuf) struct strbuf large = {0};

    strbuf_addstr(&headers, "GET " CM HOST "X-A: ");
    add_many(&headers, "0123456789abcdef", (64u << 10) / 16);
    strbuf_addstr(&headers, "\r\n\r\n");
    send_row("headers of 64 KiB", headers.data, headers.len, 431);
    strbuf_addstr(&deep, "{\"data\":");
    add_many(&deep, "[", MIB);
    send_body("JSON as deep as a mebibyte", CM, &deep, 400);
    add_many(&deep_yaml, "{\"a\":", MIB / 8);
    send_body("objects as deep", CM, &deep_yaml, 400);
    add_many(&large, "                ", 3 * MIB / 16 + 1);
    send_body("a body over 3 MiB", CM, &large, 413);
}

/* ---- crowds ---- */

static void dial_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fds[i] = dial();
}

static void hang_up(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

static void pipelined(void)
{
    enum { REQUESTS = 500 };
    AUTO(strbuf) struct strbuf b = {0};
    int fd = dial(), good = 0;

    add_many(&b, "GET " CM "/mine" HOST "\r\n", REQUESTS);
    put(fd, b.data, b.len);
    check("many requests on one connection");
    while (good < REQUESTS && code_of(fd) == 200)
        good++;
    if (good != REQUESTS)
        fail("many requests on one connection", "%d answers, want %d", good, REQUESTS);
    close(fd);
}

static void idle_crowd(void)
{
    int fds[CONNECTIONS + 50], refused = 0;

    dial_all(fds, ARRAY_LEN(fds));
    check("more connections than the limit");
    /* The last ones are beyond the limit, since ours is among those within. */
    for (size_t i = CONNECTIONS; i < ARRAY_LEN(fds); i++)
        refused += code_of(fds[i]) == 503;
    if (refused != 50)
        fail("more connections than the limit", "%d are refused with 503, want 50", refused);
    hang_up(fds, ARRAY_LEN(fds));
    /* Whoever is accepted has taken the place of one that has gone. */
    for (int code = 503; code != 200;) {
        int fd = dial();

        put_text(fd, "GET /readyz" HOST "\r\n");
        code = code_of(fd);
        if (code != 200 && code != 503) {
            fail("after the crowd", "code %d, want 200", code);
            code = 200;
        }
        close(fd);
    }
}

/* Half a request each, in its headers or in its body. */
static void slow_writers(void)
{
    int fds[100];

    dial_all(fds, ARRAY_LEN(fds));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        put_text(fds[i], i % 2 ? "GET " CM "/mi" : "POST " CM HOST "Content-Length: 1000\r\n\r\n{");
    check("half requests");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        put_text(fds[i], i % 2 ? "ne" HOST : "\"a\"");
    check("slow writers");
    for (size_t i = 1; i < ARRAY_LEN(fds); i += 2) {
        int code = put_text(fds[i], "\r\n") ? code_of(fds[i]) : 0;
        if (code != 200)
            fail("slow writers", "code %d, want 200", code);
    }
    hang_up(fds, ARRAY_LEN(fds));
}

#define HELD (3 * MIB - 1024)

/* 40 bodies of almost 3 MiB, the ends of which are long in coming: there is room for some. */
static void held_bodies(void)
{
    AUTO(strbuf) struct strbuf b = {0};
    AUTO(strbuf) struct strbuf small = {0};
    int fds[40], kept = 0, refused = 0;

    strbuf_addf(&b, "POST " CM HOST "Content-Type: application/json\r\nContent-Length: %u\r\n\r\n",
                HELD + 1);
    add_many(&b, "                ", HELD / 16);
    dial_all(fds, ARRAY_LEN(fds));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (!put(fds[i], b.data, b.len))
            fail("held bodies", "the server does not read");
        check("held bodies");
    }
    strbuf_addstr(&small, "{\"metadata\":{\"name\":\"small\"}}");
    send_body("a small body", CM, &small, 201);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        int code = put_text(fds[i], " ") ? code_of(fds[i]) : 0;

        kept += code == 400; /* blanks are no object */
        refused += code == 503;
    }
    if (kept < 10 || refused < 10 || kept + refused != 40)
        fail("held bodies", "%d were kept and %d refused with 503, want 10 of each, and 40", kept,
             refused);
    hang_up(fds, ARRAY_LEN(fds));
    check("held bodies have gone");
}

/* Watches and lists that nobody reads. */
static void slow_readers(void)
{
    AUTO(strbuf) struct strbuf data = {0};
    int fds[60];

    dial_all(fds, ARRAY_LEN(fds));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        put_text(fds[i], i % 2 ? "GET " CM "?watch=1" HOST "\r\n" : "GET " CM HOST "\r\n");
    add_many(&data, "0123456789abcdef", 6 * 1024);
    for (int i = 0; i < 20; i++) {
        AUTO(strbuf) struct strbuf body = {0};

        strbuf_addf(&body, "{\"metadata\":{\"name\":\"large-%d\"},\"data\":{\"k\":\"%s\"}}", i,
                    data.data);
        send_body("events that nobody reads", CM, &body, 201);
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        put_text(fds[i], i % 2 ? "" : "GET " CM HOST "\r\nGET " CM HOST "\r\nGET " CM HOST "\r\n");
    check("slow readers");
    hang_up(fds, ARRAY_LEN(fds));
    check("slow readers have gone");
}

/* ---- the server ---- */

static void start(const char *program)
{
    static char work[] = "/tmp/vmconform-hostile-XXXXXX";
    int out[2];
    char line[512] = "", limit[16];
    const char *at;

    snprintf(limit, sizeof limit, "%d", CONNECTIONS);
    if (!mkdtemp(work) || pipe(out) < 0 || (server = fork()) < 0) {
        perror("starting");
        exit(2);
    }
    AUTO(str) char *config = mem_printf("%s/kubeconfig", work);
    if (server == 0) {
        dup2(out[1], 1);
        execl(program, program, "serve", "--address", "127.0.0.1:0", "--tls", "false",
              "--anonymous", "--connections", limit, "--kubeconfig", config, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    AUTO(file) FILE *f = fdopen(out[0], "r");
    if (!f || !fgets(line, sizeof line, f) || !(at = strstr(line, "127.0.0.1:"))) {
        puts("the server did not start");
        exit(2);
    }
    port = (unsigned)strtoul(at + 10, NULL, 10);
    unlink(config);
    rmdir(work);
}

static void stop(void)
{
    int status;

    count++;
    kill(server, SIGTERM);
    waitpid(server, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail("the end", "the server ended with status %#x, want 0", (unsigned)status);
}

int main(int argc, char **argv)
{
    struct strbuf mine = {0};

    if (argc != 2)
        return 2;
    start(argv[1]);
    bystander = dial();
    strbuf_addstr(&mine, "{\"metadata\":{\"name\":\"mine\"}}");
    put_text(bystander,
             "POST " CM HOST "Content-Type: application/json\r\nContent-Length: 28\r\n\r\n");
    put(bystander, mine.data, mine.len);
    if (code_of(bystander) != 201)
        fail("the beginning", "no object of our own");
    strbuf_finish(&mine);
    single_requests();
    large_requests();
    pipelined();
    idle_crowd();
    slow_writers();
    held_bodies();
    slow_readers();
    stop();
    printf("%u checks, %u failed, at most %zu MiB\n", count, failed, rss_max_mib);
    return failed ? 1 : 0;
}
