#include "bench/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/wall.h"

#define HEAD_MAX (16u << 10)
#define REQUEST_MAX (8u << 10)
#define AT_ONCE 256

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_http: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- servers ---- */

/* The server has processor 0 alone, or what there is. */
static void pin(bool server)
{
    cpu_set_t all, mine;

    if (sched_getaffinity(0, sizeof all, &all) < 0 || CPU_COUNT(&all) < 2)
        return;
    mine = all;
    CPU_CLR(0, &mine);
    if (server) {
        CPU_ZERO(&mine);
        CPU_SET(0, &mine);
    }
    sched_setaffinity(0, sizeof mine, &mine);
}

pid_t served_spawn(char *const argv[], int *ret_out)
{
    int pipe_fds[2], quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0 || quiet < 0 || (pid = fork()) < 0)
        die("starting a server");
    if (pid == 0) {
        pin(true);
        dup2(quiet, 0);
        dup2(ret_out ? pipe_fds[1] : quiet, 1);
        if (!ret_out)
            dup2(quiet, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    pin(false);
    close(quiet);
    close(pipe_fds[1]);
    if (ret_out)
        *ret_out = pipe_fds[0];
    else
        close(pipe_fds[0]);
    return pid;
}

void served_stop(struct served *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

unsigned served_free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) < 0)
        die("a free port");
    close(fd);
    return ntohs(a.sin_port);
}

int64_t served_cpu_ns(const struct served *s)
{
    int64_t ns = wall_processor_ns(s->pid);

    if (ns < 0)
        die("the server's time");
    return ns;
}

size_t served_rss(const struct served *s)
{
    AUTO(str) char *path = mem_printf("/proc/%d/statm", (int)s->pid);
    AUTO(file) FILE *f = fopen(path, "re");
    unsigned long pages = 0;

    if (!f || fscanf(f, "%*u %lu", &pages) != 1)
        die(path);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- connections ---- */

static void begin_tls(struct conn *c)
{
    int r;

    gnutls_certificate_allocate_credentials(&c->credentials);
    gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_set_default_priority(c->tls);
    gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->credentials);
    gnutls_transport_set_int(c->tls, c->fd);
    while ((r = gnutls_handshake(c->tls)) < 0 && !gnutls_error_is_fatal(r))
        ;
    if (r < 0) {
        fprintf(stderr, "bench_http: TLS: %s\n", gnutls_strerror(r));
        exit(1);
    }
}

bool conn_open(struct conn *c, const struct served *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)s->port)};
    int on = 1;

    *c = (struct conn){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (c->fd < 0)
        die("a socket");
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) < 0) {
        close(c->fd);
        return false;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->in = mem_alloc(HEAD_MAX);
    if (s->tls)
        begin_tls(c);
    return true;
}

void conn_close(struct conn *c)
{
    if (c->tls) {
        gnutls_deinit(c->tls);
        gnutls_certificate_free_credentials(c->credentials);
    }
    close(c->fd);
    free(c->in);
}

void conn_send(struct conn *c, const char *text, size_t len)
{
    ssize_t n = c->tls ? gnutls_record_send(c->tls, text, len) : send(c->fd, text, len, 0);

    /* Requests are small, and nothing else is on its way. */
    if (n != (ssize_t)len)
        die("sending a request");
}

/* More bytes; 0: there are none now. */
static size_t receive(struct conn *c, char *to, size_t max, bool wait)
{
    ssize_t n;

    if (c->tls)
        n = gnutls_record_recv(c->tls, to, max);
    else
        n = recv(c->fd, to, max, wait ? 0 : MSG_DONTWAIT);
    if (n > 0)
        return (size_t)n;
    if (n == 0 || (c->tls ? n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED
                          : errno != EAGAIN && errno != EINTR)) {
        fputs("bench_http: the server has closed a connection\n", stderr);
        exit(1);
    }
    return 0;
}

static int head_done(struct conn *c, char *end)
{
    const char *length;
    int code;

    *end = '\0';
    length = strcasestr(c->in, "\r\nContent-Length:");
    if (sscanf(c->in, "HTTP/1.1 %d", &code) != 1 || !length) {
        fprintf(stderr, "bench_http: expected an answer with its length, found '%s'\n", c->in);
        exit(1);
    }
    c->skip = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    c->len -= (size_t)(end + 4 - c->in);
    c->skip -= c->len < c->skip ? c->len : c->skip;
    c->len = 0;
    return code;
}

/* Reads on: a code when an answer is there in whole, 0 when not yet. The code of an answer whose
 * body is still to come is kept in *ret_code. */
static int read_on(struct conn *c, int *code, bool wait)
{
    char body[64 << 10], *end;

    if (*code) {
        c->skip -= receive(c, body, c->skip < sizeof body ? c->skip : sizeof body, wait);
    } else {
        c->len += receive(c, c->in + c->len, HEAD_MAX - 1 - c->len, wait);
        c->in[c->len] = '\0';
        end = strstr(c->in, "\r\n\r\n");
        if (!end)
            return 0;
        *code = head_done(c, end);
    }
    return c->skip ? 0 : *code;
}

int conn_answer(struct conn *c)
{
    int code = 0;

    while (!read_on(c, &code, true))
        ;
    return code;
}

size_t request_text(const struct served *s, char *out, size_t max, const char *method,
                    const char *target, const char *body)
{
    int n = snprintf(out, max,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                     "User-Agent: manager/v0.0.0 (linux/amd64) kubernetes/$Format\r\n"
                     "Accept: application/json, */*\r\n%s%s%s",
                     method, target, s->port, *s->authorization ? "Authorization: " : "",
                     s->authorization, *s->authorization ? "\r\n" : "");

    if (body)
        n += snprintf(out + n, max - (size_t)n,
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      strlen(body), body);
    else
        n += snprintf(out + n, max - (size_t)n, "\r\n");
    return (size_t)n;
}

int conn_ask(struct conn *c, const struct served *s, const char *method, const char *target,
             const char *body)
{
    char text[REQUEST_MAX];

    conn_send(c, text, request_text(s, text, sizeof text, method, target, body));
    return conn_answer(c);
}

/* ---- many at once ---- */

struct lane {
    struct conn conn;
    int code;
};

struct driver {
    const struct served *s;
    struct lane *lanes;
    request_fn *fn;
    size_t asked, answered, count;
    int epoll, want;
};

static void ask_next(struct driver *d, struct lane *l)
{
    char text[REQUEST_MAX];

    l->code = 0;
    if (d->asked < d->count)
        conn_send(&l->conn, text, d->fn(d->s, d->asked++, text, sizeof text));
}

static void on_answer(struct driver *d, struct lane *l)
{
    do {
        int code = read_on(&l->conn, &l->code, false);

        if (!code)
            continue;
        if (code != d->want) {
            fprintf(stderr, "bench_http: code %d, want %d\n", code, d->want);
            exit(1);
        }
        d->answered++;
        ask_next(d, l);
    } while (l->conn.tls && gnutls_record_check_pending(l->conn.tls) > 0);
}

static void drive(struct driver *d)
{
    struct epoll_event events[AT_ONCE];

    while (d->answered < d->count) {
        int n = epoll_wait(d->epoll, events, AT_ONCE, -1);

        for (int i = 0; i < n; i++)
            on_answer(d, events[i].data.ptr);
    }
}

struct load load_run(const struct served *s, size_t conns, size_t count, request_fn *fn, int want)
{
    struct driver d = {.s = s,
                       .lanes = mem_zalloc(conns * sizeof *d.lanes),
                       .fn = fn,
                       .count = count,
                       .epoll = epoll_create1(EPOLL_CLOEXEC),
                       .want = want};
    int64_t wall_ns, cpu_ns;

    for (size_t i = 0; i < conns; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &d.lanes[i]};

        if (!conn_open(&d.lanes[i].conn, s) ||
            epoll_ctl(d.epoll, EPOLL_CTL_ADD, d.lanes[i].conn.fd, &e) < 0)
            die("connecting");
        if (s->tls)
            fcntl(d.lanes[i].conn.fd, F_SETFL, O_NONBLOCK);
    }
    wall_ns = wall_monotonic_ns();
    cpu_ns = served_cpu_ns(s);
    for (size_t i = 0; i < conns; i++)
        ask_next(&d, &d.lanes[i]);
    drive(&d);
    cpu_ns = served_cpu_ns(s) - cpu_ns;
    wall_ns = wall_monotonic_ns() - wall_ns;
    for (size_t i = 0; i < conns; i++)
        conn_close(&d.lanes[i].conn);
    free(d.lanes);
    close(d.epoll);
    return (struct load){(double)wall_ns / 1e9, (double)cpu_ns / 1e9};
}

/* ---- streams ---- */

/* Lines of HTTP's own framing end with "\r\n". */
static void count_events(struct conn *c, const char *bytes, size_t len)
{
    const char *p = bytes, *to = bytes + len;

    while ((p = memchr(p, '\n', (size_t)(to - p)))) {
        c->events += (p > bytes ? p[-1] : c->last) != '\r';
        p++;
    }
    if (len)
        c->last = bytes[len - 1];
}

void stream_open(struct conn *c, const struct served *s, const char *target)
{
    char text[REQUEST_MAX], *end = NULL;

    if (!conn_open(c, s))
        die("connecting");
    conn_send(c, text, request_text(s, text, sizeof text, "GET", target, NULL));
    while (!end) {
        c->len += receive(c, c->in + c->len, HEAD_MAX - 1 - c->len, true);
        c->in[c->len] = '\0';
        end = strstr(c->in, "\r\n\r\n");
    }
    if (strncmp(c->in, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "bench_http: expected a stream, found '%s'\n", c->in);
        exit(1);
    }
    count_events(c, end + 4, c->len - (size_t)(end + 4 - c->in));
    free(TAKE(c->in));
}

void streams_read(struct conn *conns, size_t count)
{
    static char bytes[256 << 10];
    struct epoll_event events[AT_ONCE];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    size_t done = 0;

    for (size_t i = 0; i < count; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &conns[i]};

        if (epoll_ctl(epoll, EPOLL_CTL_ADD, conns[i].fd, &e) < 0)
            die("watching");
    }
    while (done < count) {
        int n = epoll_wait(epoll, events, AT_ONCE, -1);

        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            bool was = c->events >= c->want;

            count_events(c, bytes, receive(c, bytes, sizeof bytes, false));
            done += !was && c->events >= c->want;
        }
    }
    close(epoll);
}
