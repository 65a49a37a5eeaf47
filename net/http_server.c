#include "net/http_server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/wall.h"
#include "net/http_priv.h"

/* ---- driving libmicrohttpd ---- */

static void run_mhd(void *cookie, uint32_t events)
{
    struct http_server *s = cookie;

    (void)events;
    MHD_run(s->mhd);
}

/* Without a thread of its own, nothing tells libmicrohttpd that a connection was resumed, nor its
 * epoll descriptor that it left something for later. */
static bool has_work(struct http_server *s, int64_t *ret_wait_ns)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;

    *ret_wait_ns = INT64_MAX;
    if (s->resumed)
        return true;
    if (MHD_get_timeout(s->mhd, &ms) != MHD_YES)
        return false;
    if (ms < INT64_MAX / NS_PER_MS)
        *ret_wait_ns = (int64_t)ms * NS_PER_MS;
    return ms == 0;
}

static int64_t idle(void *cookie)
{
    struct http_server *s = cookie;
    int64_t stream_ns = http_stream_idle(s), listen_ns = http_listen_idle(s), mhd_ns;
    int64_t wait = stream_ns < listen_ns ? stream_ns : listen_ns, woken_ns;

    if (has_work(s, &mhd_ns)) {
        s->resumed = false;
        MHD_run(s->mhd);
        if (has_work(s, &mhd_ns))
            return 0;
    }
    woken_ns = http_stream_wait(s);
    if (woken_ns < wait)
        wait = woken_ns;
    return mhd_ns < wait ? mhd_ns : wait;
}

/* Targets reach the handler as they were written. */
static size_t keep_escapes(void *cookie, struct MHD_Connection *mhd, char *text)
{
    (void)cookie;
    (void)mhd;
    return strlen(text);
}

/* ---- life ---- */

static struct http_limits limits_or_defaults(const struct http_limits *l)
{
    return (struct http_limits){
        .connections = l->connections ? l->connections : 4096,
        .body_max = l->body_max ? l->body_max : 3u << 20,
        .bodies_max = l->bodies_max ? l->bodies_max : 64u << 20,
        .header_max = l->header_max ? l->header_max : 64u << 10,
        .idle_timeout_s = l->idle_timeout_s ? l->idle_timeout_s : 120,
        .stream_backlog = l->stream_backlog ? l->stream_backlog : 1u << 20,
        .stall_ms = l->stall_ms ? l->stall_ms : 10000,
        .hold_ms = l->hold_ms,
    };
}

/* Headers share the memory of their connection with what libmicrohttpd notes about each of them,
 * and with its buffers. */
static size_t connection_memory(const struct http_limits *l)
{
    return l->header_max + l->header_max / 4 + (4u << 10);
}

static struct MHD_Daemon *start_mhd(struct http_server *s, const struct http_tls *tls)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     (tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem options[16];
    size_t n = 0;

    if (tls) {
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)tls->key_pem};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)tls->cert_pem};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                               "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"};
    }
    if (tls && tls->client_ca_pem)
        options[n++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)tls->client_ca_pem};
    options[n++] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_exchange_access, s, MHD_OPTION_URI_LOG_CALLBACK,
        http_exchange_begin, s, MHD_OPTION_NOTIFY_COMPLETED, http_exchange_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, http_conn_notify, s, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, s, MHD_OPTION_CONNECTION_LIMIT, s->limits.connections + 64,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory(&s->limits),
        MHD_OPTION_CONNECTION_TIMEOUT, s->limits.idle_timeout_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static int start(struct http_server *s, const struct http_config *config, struct err *reterr)
{
    const union MHD_DaemonInfo *info;

    s->mhd = start_mhd(s, config->tls);
    if (!s->mhd)
        return err_set(reterr, ERR_INVALID, NO_POS, "the HTTP server cannot start%s",
                       config->tls ? ": its certificate or key is refused" : "");
    info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    assert(info && info->epoll_fd >= 0);
    s->mhd_fd = loop_watch_fd(s->loop, info->epoll_fd, EPOLLIN, run_mhd, s);
    loop_on_idle(s->loop, idle, s);
    return http_listen(s, config, reterr);
}

struct http_server *http_server_create(const struct http_config *config, struct err *reterr)
{
    AUTO(http_server) struct http_server *s = mem_zalloc(sizeof *s);

    s->loop = config->loop;
    s->limits = limits_or_defaults(&config->limits);
    s->pace.hold_max_ns = s->limits.hold_ms * NS_PER_MS;
    s->handle = config->handle;
    s->cookie = config->cookie;
    s->tls = config->tls != NULL;
    s->listener = -1;
    LIST_INIT(&s->conns);
    TAILQ_INIT(&s->woken);
    TAILQ_INIT(&s->full);
    if (start(s, config, reterr) < 0)
        return NULL;
    return TAKE(s);
}

static void close_all(struct http_server *s)
{
    struct http_conn *c, *next;

    for (c = LIST_FIRST(&s->conns); c; c = next) {
        next = LIST_NEXT(c, link);
        http_conn_close(c);
    }
}

void http_server_destroy(struct http_server *s)
{
    if (!s)
        return;
    s->ending = true;
    http_listen_stop(s);
    if (s->mhd) {
        close_all(s);
        loop_not_idle(s->loop, idle, s);
        loop_forget_fd(s->mhd_fd);
        MHD_stop_daemon(s->mhd);
    }
    assert(s->conn_count == 0);
    strbuf_finish(&s->spare);
    free(s->address);
    free(s->unix_path);
    free(s);
}

const char *http_server_address(const struct http_server *s)
{
    return s->address;
}

size_t http_server_connections(const struct http_server *s)
{
    return s->conn_count;
}

/* ---- the end ---- */

/* Who waits for the connections of a server to end. */
struct ending {
    struct http_server *server;
    int64_t until_ns; /* by the wall */
};

static int64_t look_at_ending(void *cookie)
{
    struct ending *e = cookie;
    int64_t left = e->until_ns - wall_monotonic_ns();

    if (e->server->conn_count == 0 || left <= 0) {
        loop_stop(e->server->loop);
        return INT64_MAX;
    }
    return left;
}

void http_server_shutdown(struct http_server *s, int64_t grace_ns)
{
    struct ending e = {s, wall_monotonic_ns() + grace_ns};
    struct http_conn *c, *next;
    struct err err = {0};

    s->ending = true;
    http_listen_stop(s);
    http_stream_end_all(s);
    for (c = LIST_FIRST(&s->conns); c; c = next) {
        next = LIST_NEXT(c, link);
        if (!c->exchange)
            http_conn_end(c);
    }
    loop_on_idle(s->loop, look_at_ending, &e);
    if (loop_run(s->loop, false, &err) < 0)
        err_clear(&err); /* the world is at its end: so are we */
    loop_not_idle(s->loop, look_at_ending, &e);
    close_all(s);
}
