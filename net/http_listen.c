/* Sockets that clients connect to. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wall.h"
#include "net/http_priv.h"

#define ACCEPTS_AT_ONCE 64
#define PAUSE_NS (100 * NS_PER_MS)

/* ---- clients ---- */

/* Says why, if it fits: nobody waits for a client that was not let in. */
static void refuse(struct http_server *s, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 26\r\n"
                                 "Retry-After: 1\r\n"
                                 "Connection: close\r\n\r\n"
                                 "too many open connections\n";
    char unread[4096];

    if (!s->tls && send(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        shutdown(fd, SHUT_WR);
        /* What is left unread would turn the answer into a reset. */
        while (recv(fd, unread, sizeof unread, MSG_DONTWAIT) > 0)
            ;
    }
    close(fd);
}

static void add_client(struct http_server *s, int fd, const struct sockaddr *address, socklen_t len)
{
    int on = 1;

    if (s->conn_count >= s->limits.connections) {
        refuse(s, fd);
        return;
    }
    if (!s->unix_path)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    MHD_add_connection(s->mhd, fd, address, len); /* closes fd when it fails */
}

static void pause_listening(struct http_server *s)
{
    loop_change_fd(s->listener_fd, 0);
    s->listen_again = wall_monotonic_ns() + PAUSE_NS;
}

static void accept_clients(void *cookie, uint32_t events)
{
    struct http_server *s = cookie;

    (void)events;
    for (unsigned i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof address;
        int fd =
            accept4(s->listener, (struct sockaddr *)&address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0)
            add_client(s, fd, (struct sockaddr *)&address, len);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            pause_listening(s); /* the client stays in line; asking again at once would spin */
        if (fd < 0 && errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

int64_t http_listen_idle(struct http_server *s)
{
    int64_t left;

    if (!s->listen_again || !s->listener_fd)
        return INT64_MAX;
    left = s->listen_again - wall_monotonic_ns();
    if (left > 0)
        return left;
    s->listen_again = 0;
    loop_change_fd(s->listener_fd, EPOLLIN);
    return INT64_MAX;
}

/* ---- addresses ---- */

/* "HOST:PORT" or "[HOST]:PORT" into its halves. */
static int split_address(const char *text, char **ret_host, char **ret_port, struct err *reterr)
{
    const char *colon = strrchr(text, ':'), *from = text, *to = colon;

    if (colon && *text == '[' && colon > text + 1 && colon[-1] == ']') {
        from++;
        to--;
    } else if (colon && memchr(text, ':', (size_t)(colon - text))) {
        colon = NULL; /* IPv6 without brackets: where does the port begin? */
    }
    if (!colon || to == from || !colon[1] || strlen(colon + 1) > 5 ||
        colon[1 + strspn(colon + 1, "0123456789")]) {
        err_set(reterr, ERR_INVALID, NO_POS, "an address is HOST:PORT or [HOST]:PORT, found '%s'",
                text);
        return -1;
    }
    *ret_host = mem_strndup(from, (size_t)(to - from));
    *ret_port = mem_strdup(colon + 1);
    return 0;
}

static int resolve(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len,
                   struct err *reterr)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    AUTO(str) char *host = NULL;
    AUTO(str) char *port = NULL;
    long number;

    if (split_address(text, &host, &port, reterr) < 0)
        return -1;
    number = strtol(port, NULL, 10);
    if (number > 65535)
        return err_set(reterr, ERR_INVALID, NO_POS, "a port is at most 65535, found '%s'", port);
    if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &hints, &found) != 0)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "the host must be an IP address or 'localhost', found '%s'", host);
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    *ret_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

/* What the system made of it, with the port that it chose. */
static char *address_text(int fd)
{
    union {
        struct sockaddr_storage storage;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {0};
    socklen_t len = sizeof a;
    char host[INET6_ADDRSTRLEN] = "";

    getsockname(fd, (struct sockaddr *)&a, &len);
    if (a.storage.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof host);
        return mem_printf("[%s]:%u", host, ntohs(a.in6.sin6_port));
    }
    inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof host);
    return mem_printf("%s:%u", host, ntohs(a.in.sin_port));
}

static int listen_tcp(struct http_server *s, const char *text, struct err *reterr)
{
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    int on = 1;

    if (resolve(text, &address, &len, reterr) < 0)
        return -1;
    s->listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot make a socket for '%s'", text);
    setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s->listener, (struct sockaddr *)&address, len) < 0 || listen(s->listener, SOMAXCONN))
        return err_set_errno(reterr, errno, NO_POS, "cannot listen on '%s'", text);
    s->address = address_text(s->listener);
    return 0;
}

/* ---- sockets in the file system ---- */

static int connect_to(const struct sockaddr_un *address)
{
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return errno;
    return connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
}

/* A socket that nobody listens on any more makes room; everything else stays. */
static int make_room(const char *path, const struct sockaddr_un *address, struct err *reterr)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_set_errno(reterr, errno, NO_POS, "cannot use '%s'", path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' exists and is no socket", path);
    if (connect_to(address) != ECONNREFUSED)
        return err_set(reterr, ERR_INVALID, NO_POS, "another server listens on '%s'", path);
    if (unlink(path) < 0 && errno != ENOENT)
        return err_set_errno(reterr, errno, NO_POS, "cannot replace '%s'", path);
    return 0;
}

static int bind_private(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0177);
    int r = bind(fd, (const struct sockaddr *)address, sizeof *address), saved = errno;

    umask(before);
    errno = saved;
    return r;
}

static int listen_unix(struct http_server *s, const char *path, struct err *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;

    if (!*path || strlen(path) >= sizeof address.sun_path)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "the path of a socket has 1 to %zu bytes, found %zu",
                       sizeof address.sun_path - 1, strlen(path));
    memcpy(address.sun_path, path, strlen(path));
    if (make_room(path, &address, reterr) < 0)
        return -1;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0 || bind_private(s->listener, &address) < 0 ||
        listen(s->listener, SOMAXCONN) < 0 || lstat(path, &st) < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot listen on '%s'", path);
    s->unix_path = mem_strdup(path);
    s->unix_dev = st.st_dev;
    s->unix_ino = st.st_ino;
    s->address = mem_strdup(path);
    return 0;
}

/* ---- both ---- */

int http_listener_open(const char *address, const char *unix_path, char **ret_address,
                       struct err *reterr)
{
    struct http_server s = {.listener = -1};
    int r = unix_path ? listen_unix(&s, unix_path, reterr) : listen_tcp(&s, address, reterr);

    free(s.unix_path);
    if (r == 0) {
        *ret_address = s.address;
        return s.listener;
    }
    free(s.address);
    if (s.listener >= 0)
        close(s.listener);
    return -1;
}

static int listen_copy(struct http_server *s, int listener, struct err *reterr)
{
    s->listener = fcntl(listener, F_DUPFD_CLOEXEC, 0);
    if (s->listener < 0)
        return err_set_errno(reterr, errno, NO_POS, "cannot take over a socket");
    s->address = address_text(s->listener);
    return 0;
}

int http_listen(struct http_server *s, const struct http_config *config, struct err *reterr)
{
    if ((config->listener > 0 ? listen_copy(s, config->listener, reterr)
         : config->unix_path  ? listen_unix(s, config->unix_path, reterr)
                              : listen_tcp(s, config->address, reterr)) < 0)
        return -1;
    s->listener_fd = loop_watch_fd(s->loop, s->listener, EPOLLIN, accept_clients, s);
    return 0;
}

void http_listen_stop(struct http_server *s)
{
    struct stat st;

    loop_forget_fd(TAKE(s->listener_fd));
    if (s->listener >= 0)
        close(s->listener);
    s->listener = -1;
    /* Another server may have taken the path over by now. */
    if (s->unix_path && lstat(s->unix_path, &st) == 0 && st.st_dev == s->unix_dev &&
        st.st_ino == s->unix_ino)
        unlink(s->unix_path);
}
