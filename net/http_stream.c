/* Answers that go on: what the producer has is asked for as the client takes it.
 *
 * A client that keeps up is asked for by libmicrohttpd: it wants bytes, pull() gives them, and when
 * there are none the connection is suspended until the stream is woken. A client that lags is
 * asked for by the producer: each wake moves what is new into our buffer, up to its limit. When the
 * buffer is full, the client has a while to take half of it, or it is cut off.
 *
 * Woken streams are served in rounds (http_pace.h): requests do not wait for a thousand of them,
 * and what happens meanwhile goes out in one piece. Sending each event alone costs ten times as
 * much. */
#include <string.h>

#include "base/wall.h"
#include "net/http_priv.h"

#define PULL_BYTES (64u << 10)
#define BLOCK_BYTES 512u        /* chunks do not pass through it: only for clients of HTTP/1.0 */
#define KEEP_BYTES (256u << 10) /* an empty buffer larger than this is given up */

static size_t pending(const struct http_exchange *x)
{
    return x->out.len - x->out_taken;
}

/* One buffer goes from stream to stream while clients take at once what there is: it stays in the
 * processor's cache, and a stream that waits holds none. */
static void borrow_buffer(struct http_exchange *x)
{
    if (!x->out.data) {
        x->out = x->conn->server->spare;
        x->conn->server->spare = (struct strbuf){NULL, 0, 0};
    }
}

static void return_buffer(struct http_exchange *x)
{
    struct strbuf *spare = &x->conn->server->spare;

    x->out_taken = 0;
    if (spare->data || x->out.cap > KEEP_BYTES) {
        strbuf_finish(&x->out);
        return;
    }
    strbuf_reset(&x->out);
    *spare = x->out;
    x->out = (struct strbuf){NULL, 0, 0};
}

static void make_room(struct http_exchange *x)
{
    size_t left = pending(x);

    if (x->out_taken == 0 || x->out_taken < left)
        return;
    memmove(x->out.data, x->out.data + x->out_taken, left);
    x->out.len = left;
    x->out.data[left] = '\0';
    x->out_taken = 0;
}

static void fill(struct http_exchange *x, size_t until)
{
    borrow_buffer(x);
    make_room(x);
    while (!x->ended && pending(x) < until) {
        size_t before = x->out.len;
        int r = x->ops->pull(x->stream_cookie, &x->out, until - pending(x));

        if (r < 0)
            x->ended = true;
        x->dry = r == 0 || x->out.len == before;
        if (x->dry)
            return;
    }
}

static void set_full(struct http_exchange *x, bool full)
{
    struct http_server *s = x->conn->server;

    if (x->full == full)
        return;
    x->full = full;
    if (!full) {
        TAILQ_REMOVE(&s->full, x, of_full);
        return;
    }
    x->full_since = wall_monotonic_ns();
    TAILQ_INSERT_TAIL(&s->full, x, of_full);
}

static void resume(struct http_exchange *x)
{
    if (!x->suspended)
        return;
    x->suspended = false;
    http_conn_resume(x->conn);
}

/* Whether what is new can wait for its round. One that still catches up takes what it can. */
static bool awaits_round(const struct http_exchange *x)
{
    return x->woken && x->dry && x->conn->server->pace.hold_max_ns > 0;
}

/* libmicrohttpd wants the next bytes. */
static ssize_t read_stream(void *cookie, uint64_t at, char *bytes, size_t max)
{
    struct http_exchange *x = cookie;
    size_t n;

    (void)at;
    if (x->gone)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (pending(x) == 0 && !awaits_round(x))
        fill(x, PULL_BYTES);
    n = pending(x) < max ? pending(x) : max;
    if (n > 0) {
        memcpy(bytes, x->out.data + x->out_taken, n);
        x->out_taken += n;
        if (pending(x) == 0)
            return_buffer(x);
        if (pending(x) <= x->conn->server->limits.stream_backlog / 2)
            set_full(x, false);
        return (ssize_t)n;
    }
    return_buffer(x);
    if (x->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    x->suspended = true;
    http_conn_suspend(x->conn);
    return 0;
}

void http_reply_stream(struct http_exchange *x, int code, const struct http_header *headers,
                       size_t count, const struct http_stream_ops *ops, void *cookie)
{
    struct MHD_Response *r =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, x, NULL);

    x->state = EXCHANGE_STREAMING;
    x->ops = ops;
    x->stream_cookie = cookie;
    x->ended = x->conn->server->ending;
    http_exchange_send(x, code, headers, count, r);
}

void http_stream_wake(struct http_exchange *x)
{
    if (x->woken || x->state != EXCHANGE_STREAMING)
        return;
    x->woken = true;
    TAILQ_INSERT_TAIL(&x->conn->server->woken, x, of_woken);
    x->conn->server->woken_count++;
}

static void unwake(struct http_exchange *x)
{
    if (!x->woken)
        return;
    x->woken = false;
    TAILQ_REMOVE(&x->conn->server->woken, x, of_woken);
    x->conn->server->woken_count--;
}

static void serve_wake(struct http_exchange *x)
{
    size_t limit = x->conn->server->limits.stream_backlog;

    if (x->gone)
        return;
    if (x->suspended) {
        x->dry = false;
        resume(x); /* libmicrohttpd asks */
        return;
    }
    fill(x, limit);
    if (pending(x) >= limit)
        set_full(x, true);
}

int64_t http_stream_wait(const struct http_server *s)
{
    return s->woken_count ? pace_wait(&s->pace, s->woken_count, wall_monotonic_ns()) : INT64_MAX;
}

int64_t http_stream_idle(struct http_server *s)
{
    int64_t allowed = s->limits.stall_ms * NS_PER_MS;
    size_t share = s->woken_count ? pace_share(&s->pace, s->woken_count, wall_monotonic_ns()) : 0;
    struct http_exchange *x;

    for (; share > 0 && (x = TAILQ_FIRST(&s->woken)); share--) {
        unwake(x);
        serve_wake(x);
    }
    while ((x = TAILQ_FIRST(&s->full))) {
        int64_t left = x->full_since + allowed - wall_monotonic_ns();
        if (left > 0)
            return left;
        set_full(x, false);
        http_conn_close(x->conn);
    }
    return INT64_MAX;
}

void http_stream_end_all(struct http_server *s)
{
    struct http_conn *c;

    LIST_FOREACH(c, &s->conns, link)
    {
        struct http_exchange *x = c->exchange;
        if (!x || x->state != EXCHANGE_STREAMING)
            continue;
        fill(x, s->limits.stream_backlog);
        x->ended = true;
        resume(x);
    }
}

void http_stream_finish(struct http_exchange *x)
{
    unwake(x);
    set_full(x, false);
    x->state = EXCHANGE_ANSWERED;
    if (x->ops->closed)
        x->ops->closed(x->stream_cookie);
    strbuf_finish(&x->out);
}
