#include "runner/pod_store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "components/host.h"
#include "sim/storage/objectstore.h"
#include "sim/world.h"

#define CONNECTIONS_MAX 32
#define HEAD_MAX (16u << 10)
#define PIECE (256u << 10)
/* A client that takes nothing for so long has gone. */
#define SEND_MS 10000

struct connection {
    int fd; /* -1: free */
    char head[HEAD_MAX + 1];
    size_t len;
};

struct pod_store {
    struct host *h;
    struct world *world;
    int listener;
    char *url, *piece;
    struct connection connections[CONNECTIONS_MAX];
};

/* ---- one request ---- */

struct request {
    bool head;          /* HEAD: no body */
    char *bucket, *key; /* decoded, owned */
    bool ranged;
    uint64_t first, last; /* inclusive; last UINT64_MAX: to the end */
    bool suffix;          /* the last `first` bytes */
};

static void request_finish(struct request *r)
{
    free(r->bucket);
    free(r->key);
}

static int hex_digit(char c)
{
    const char *at = c ? strchr("0123456789abcdef", c | 0x20) : NULL;

    return at ? (int)(at - "0123456789abcdef") : -1;
}

/* "%2F" and the like. New; NULL when it is no text. */
static char *decoded(const char *text, size_t len)
{
    char *out = mem_zalloc(len + 1), *to = out;

    for (size_t i = 0; i < len; i++) {
        int high = -1, low = -1;

        if (text[i] != '%') {
            *to++ = text[i];
            continue;
        }
        if (i + 2 < len) {
            high = hex_digit(text[i + 1]);
            low = hex_digit(text[i + 2]);
        }
        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            free(out);
            return NULL;
        }
        *to++ = (char)(high * 16 + low);
        i += 2;
    }
    return out;
}

/* "bytes=A-B", "bytes=A-", "bytes=-N"; anything else is as if it were not there, as HTTP has it. */
static void read_range(const char *value, struct request *ret)
{
    char *end;

    if (strncasecmp(value, "bytes=", 6) != 0)
        return;
    value += 6;
    ret->suffix = *value == '-';
    ret->first = strtoull(value + ret->suffix, &end, 10);
    if (end == value + ret->suffix)
        return;
    ret->last = UINT64_MAX;
    if (!ret->suffix && *end == '-' && end[1] >= '0' && end[1] <= '9')
        ret->last = strtoull(end + 1, &end, 10);
    ret->ranged = true;
}

/* The value of a header, up to the end of its line; NULL when it is not there. Borrowed. */
static const char *header(const char *head, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
            return line + 2 + len + 1 + strspn(line + 2 + len + 1, " \t");
    return NULL;
}

/* An HTTP status; 0: it can be answered. */
static int parse(const char *head, struct request *ret)
{
    const char *target = strchr(head, ' '), *end = target ? strpbrk(target + 1, " ?\r") : NULL;
    const char *slash, *range = header(head, "Range");

    if (!target || !end || target[1] != '/')
        return 400;
    ret->head = strncmp(head, "HEAD ", 5) == 0;
    if (!ret->head && strncmp(head, "GET ", 4) != 0)
        return 405;
    target += 2;
    slash = memchr(target, '/', (size_t)(end - target));
    if (!slash || *end == '?')
        return 501; /* lists of a bucket */
    ret->bucket = decoded(target, (size_t)(slash - target));
    ret->key = decoded(slash + 1, (size_t)(end - slash - 1));
    if (!ret->bucket || !ret->key)
        return 400;
    if (range)
        read_range(range, ret);
    return 0;
}

/* ---- one answer ---- */

static bool send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        struct pollfd p = {fd, POLLOUT, 0};

        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (n < 0 && errno == EAGAIN && poll(&p, 1, SEND_MS) <= 0)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static const char *status_words(int status)
{
    switch (status) {
    case 200:
        return "200 OK";
    case 206:
        return "206 Partial Content";
    case 400:
        return "400 Bad Request";
    case 404:
        return "404 Not Found";
    case 405:
        return "405 Method Not Allowed";
    case 416:
        return "416 Range Not Satisfiable";
    case 501:
        return "501 Not Implemented";
    default:
        return "500 Internal Server Error";
    }
}

static void send_error(int fd, int status, const char *code, bool head)
{
    AUTO(str)
    char *body = mem_printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<Error><Code>%s</Code></Error>\n",
                            code);
    AUTO(str)
    char *text = mem_printf("HTTP/1.1 %s\r\nContent-Type: application/xml\r\nContent-Length: "
                            "%zu\r\nConnection: close\r\n\r\n%s",
                            status_words(status), strlen(body), head ? "" : body);

    send_all(fd, text, strlen(text));
}

static bool send_head(int fd, const struct request *r, uint64_t from, uint64_t len, uint64_t size)
{
    AUTO(strbuf) struct strbuf out = {0};

    strbuf_addf(&out,
                "HTTP/1.1 %s\r\nContent-Type: binary/octet-stream\r\nAccept-Ranges: bytes\r\n",
                status_words(r->ranged ? 206 : 200));
    strbuf_addf(&out, "Content-Length: %" PRIu64 "\r\nConnection: close\r\n", len);
    if (r->ranged)
        strbuf_addf(&out, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", from,
                    from + len - 1, size);
    strbuf_addstr(&out, "\r\n");
    return send_all(fd, strbuf_str(&out), out.len);
}

/* -1: the pod has crashed. Else it is answered, as far as the store let it be: a client sees that
 * a body ends early. */
static int send_object(struct pod_store *s, int fd, const struct request *r, uint64_t from,
                       uint64_t len, uint64_t size)
{
    bool begun = false;

    for (uint64_t done = 0; done < len || !begun;) {
        size_t want = len - done < PIECE ? (size_t)(len - done) : PIECE, got = 0;
        AUTO(err) struct err e = {0};

        if (!r->head && len &&
            host_object_read(s->h, r->bucket, r->key, from + done, s->piece, want, &got, &e) < 0) {
            if (!begun && e.code != ERR_CRASHED)
                send_error(fd, 500, "InternalError", false);
            return e.code == ERR_CRASHED ? -1 : 0;
        }
        if (!begun && !send_head(fd, r, from, len, size))
            return 0;
        begun = true;
        if (r->head || got == 0 || !send_all(fd, s->piece, got))
            return 0;
        done += got;
    }
    return 0;
}

static int answer_object(struct pod_store *s, int fd, struct request *r)
{
    uint64_t size = 0, from = 0, end;

    if (!objectstore_size(objectstore_of(s->world), r->bucket, r->key, &size)) {
        send_error(fd, 404, "NoSuchKey", r->head);
        return 0;
    }
    end = size;
    if (r->ranged && r->suffix)
        from = r->first < size ? size - r->first : 0;
    else if (r->ranged) {
        from = r->first;
        end = r->last < size ? r->last + 1 : size;
    }
    if (r->ranged && from >= end) {
        send_error(fd, 416, "InvalidRange", r->head);
        return 0;
    }
    return send_object(s, fd, r, from, end - from, size);
}

static int answer(struct pod_store *s, struct connection *c)
{
    struct request r = {0};
    int status = parse(c->head, &r), result = 0;

    if (status)
        send_error(c->fd, status, status == 501 ? "NotImplemented" : "InvalidRequest", r.head);
    else
        result = answer_object(s, c->fd, &r);
    request_finish(&r);
    return result;
}

/* ---- connections ---- */

static void hang_up(struct connection *c)
{
    shutdown(c->fd, SHUT_WR);
    close(c->fd);
    c->fd = -1;
}

static void let_in(struct pod_store *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (size_t i = 0; fd >= 0 && i < CONNECTIONS_MAX; i++)
        if (s->connections[i].fd < 0) {
            s->connections[i].fd = fd;
            s->connections[i].len = 0;
            return;
        }
    if (fd >= 0)
        close(fd);
}

static int hear(struct pod_store *s, struct connection *c)
{
    ssize_t n = recv(c->fd, c->head + c->len, HEAD_MAX - c->len, 0);
    int r = 0;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        hang_up(c);
        return 0;
    }
    c->len += (size_t)n;
    c->head[c->len] = '\0';
    if (!strstr(c->head, "\r\n\r\n") && c->len < HEAD_MAX)
        return 0;
    if (strlen(c->head) < c->len || !strstr(c->head, "\r\n\r\n"))
        send_error(c->fd, 400, "InvalidRequest", false);
    else
        r = answer(s, c);
    hang_up(c);
    return r;
}

int pod_store_poll(struct pod_store *s, int wait_ms)
{
    struct pollfd fds[CONNECTIONS_MAX + 1] = {{s->listener, POLLIN, 0}};

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        fds[i + 1] = (struct pollfd){s->connections[i].fd, POLLIN, 0};
    if (poll(fds, CONNECTIONS_MAX + 1, wait_ms) <= 0)
        return 0;
    if (fds[0].revents)
        let_in(s);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (fds[i + 1].fd >= 0 && fds[i + 1].revents && hear(s, &s->connections[i]) < 0)
            return -1;
    return 0;
}

/* ---- life ---- */

static int listen_here(struct pod_store *s, struct err *reterr)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, sizeof at) < 0 ||
        listen(s->listener, CONNECTIONS_MAX) < 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &len) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot serve the object store");
    s->url = mem_printf("http://127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    return 0;
}

struct pod_store *pod_store_create(struct host *h, struct world *w, struct err *reterr)
{
    AUTO(pod_store) struct pod_store *s = mem_zalloc(sizeof *s);

    s->h = h;
    s->world = w;
    s->listener = -1;
    s->piece = mem_alloc(PIECE);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        s->connections[i].fd = -1;
    return listen_here(s, reterr) < 0 ? NULL : TAKE(s);
}

void pod_store_destroy(struct pod_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (s->connections[i].fd >= 0)
            close(s->connections[i].fd);
    if (s->listener >= 0)
        close(s->listener);
    free(s->url);
    free(s->piece);
    free(s);
}

const char *pod_store_url(const struct pod_store *s)
{
    return s->url;
}
