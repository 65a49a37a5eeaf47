/* A small HTTP/1.1 client on the loop of the server that it talks to. */
#include <errno.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/wall.h"
#include "tests/api/harness_priv.h"
#include "tests/client_socket.h"

#define PATIENCE_NS INT64_C(20000000000)

struct conn {
    int fd;
    struct loop_fd *watch;
    struct strbuf got;
    size_t at; /* what lies before has been understood */
    bool eof, chunked_end;
};

/* ---- the loop ---- */

struct waiting {
    bool (*done)(void *cookie);
    void *cookie;
    int64_t until_ns;
    unsigned turns;
    bool impatient;
};

static int64_t look(void *cookie)
{
    struct waiting *w = cookie;

    w->impatient = w->done && wall_monotonic_ns() > w->until_ns;
    if (w->impatient || (w->done ? w->done(w->cookie) : w->turns-- == 0)) {
        loop_stop(stage.serve.loop);
        return 0;
    }
    return w->done ? PATIENCE_NS : 0;
}

static void run(struct waiting *w)
{
    struct err e = {0};

    w->until_ns = wall_monotonic_ns() + PATIENCE_NS;
    loop_on_idle(stage.serve.loop, look, w);
    want(loop_run(stage.serve.loop, false, &e) == 0, "the loop: %s", e.msg);
    loop_not_idle(stage.serve.loop, look, w);
}

void loop_turns(unsigned turns)
{
    struct waiting w = {.turns = turns};

    run(&w);
}

bool loop_until(bool (*done)(void *cookie), void *cookie)
{
    struct waiting w = {.done = done, .cookie = cookie};

    run(&w);
    return !w.impatient;
}

/* ---- a connection ---- */

static void readable(void *cookie, uint32_t events)
{
    struct conn *c = cookie;

    (void)events;
    if (client_socket_read(c->fd, &c->got))
        return;
    c->eof = true;
    loop_forget_fd(TAKE(c->watch));
}

struct conn *conn_open(void)
{
    struct conn *c = mem_zalloc(sizeof *c);

    c->fd = client_socket_open(stage.path);
    want(c->fd >= 0, "connect: %s", strerror(errno));
    c->watch = loop_watch_fd(stage.serve.loop, c->fd, EPOLLIN, readable, c);
    return c;
}

void conn_close(struct conn *c)
{
    if (!c)
        return;
    if (c->watch)
        loop_forget_fd(c->watch);
    close(c->fd);
    strbuf_finish(&c->got);
    free(c);
}

static void two_turns(void *cookie)
{
    (void)cookie;
    loop_turns(2);
}

static void conn_send(struct conn *c, const void *bytes, size_t len)
{
    client_socket_send(c->fd, bytes, len, two_turns, NULL);
}

/* ---- answers ---- */

static const char *line_end(const struct conn *c, size_t at)
{
    return c->got.len > at ? memmem(c->got.data + at, c->got.len - at, "\r\n", 2) : NULL;
}

/* The head of an answer, when it is whole. */
static bool read_head(struct conn *c, struct answer *a)
{
    const char *from = strbuf_str(&c->got) + c->at, *end = strstr(from, "\r\n\r\n"), *line;

    if (!end)
        return false;
    want(strncmp(from, "HTTP/1.1 ", 9) == 0, "no answer: %.40s", from);
    a->code = (int)strtol(from + 9, NULL, 10);
    for (line = strstr(from, "\r\n") + 2; line < end + 2; line = strstr(line, "\r\n") + 2) {
        strbuf_add(&a->head, line, (size_t)(strstr(line, "\r\n") - line));
        strbuf_addch(&a->head, '\n');
    }
    c->at = (size_t)(end + 4 - c->got.data);
    return true;
}

/* One chunk, when it is whole. */
static bool read_chunk(struct conn *c, struct strbuf *out)
{
    const char *end = line_end(c, c->at);
    size_t size, from;

    if (!end || c->chunked_end)
        return false;
    size = strtoul(c->got.data + c->at, NULL, 16);
    from = (size_t)(end + 2 - c->got.data);
    if (c->got.len < from + size + 2)
        return false;
    want(memcmp(c->got.data + from + size, "\r\n", 2) == 0, "a chunk does not end");
    strbuf_add(out, c->got.data + from, size);
    c->at = from + size + 2;
    c->chunked_end = size == 0;
    return true;
}

void conn_read_stream(struct conn *c, struct strbuf *out, int *ret_end)
{
    while (read_chunk(c, out))
        ;
    *ret_end = c->chunked_end ? 1 : c->eof ? -1 : 0;
}

struct reading {
    struct conn *conn;
    struct answer *answer;
    bool bodiless, head, is_stream;
};

static bool body_has_come(struct reading *r)
{
    struct conn *c = r->conn;
    const char *length = header(r->answer, "Content-Length");
    size_t n = length ? strtoul(length, NULL, 10) : 0;

    if (r->bodiless || r->answer->code == 304 || r->answer->code == 204)
        return true;
    if (header(r->answer, "Transfer-Encoding")) {
        while (read_chunk(c, &r->answer->body))
            ;
        return c->chunked_end || c->eof;
    }
    if (c->got.len - c->at < n)
        return c->eof;
    strbuf_add(&r->answer->body, c->got.data + c->at, n);
    c->at += n;
    return true;
}

static bool answer_has_come(void *cookie)
{
    struct reading *r = cookie;

    if (!r->head)
        r->head = read_head(r->conn, r->answer);
    if (!r->head)
        return r->conn->eof;
    return r->is_stream || body_has_come(r);
}

/* A watch is asked for on a connection of its own. */
static bool asks_for_stream(const char *target)
{
    const char *watch = strstr(target, "watch=");

    return strstr(target, "/watch/") ||
           (watch && strncmp(watch, "watch=0", 7) != 0 && strncmp(watch, "watch=false", 11) != 0);
}

static void add_request(struct strbuf *out, const char *method, const char *target,
                        const char *headers, size_t len)
{
    strbuf_addf(out, "%s %s HTTP/1.1\r\nHost: cluster\r\n", method, target);
    for (const char *p = headers; p && *p;) {
        size_t n = strcspn(p, "\n");

        strbuf_add(out, p, n);
        strbuf_addstr(out, "\r\n");
        p += n + (p[n] == '\n');
    }
    if (len > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
        strbuf_addf(out, "Content-Length: %zu\r\n", len);
    strbuf_addstr(out, "\r\n");
}

/* A connection serves one answer after the other until the server closes it. */
static struct conn *choose_conn(bool own)
{
    if (own)
        return conn_open();
    if (!stage.conn || stage.conn->eof) {
        conn_close(stage.conn);
        stage.conn = conn_open();
    }
    strbuf_reset(&stage.conn->got);
    stage.conn->at = 0;
    stage.conn->chunked_end = false;
    return stage.conn;
}

static void send_request(struct conn *c, const char *method, const char *target,
                         const char *headers, const void *body, size_t len)
{
    AUTO(strbuf) struct strbuf head = {0};

    add_request(&head, method, target, headers, len);
    conn_send(c, head.data, head.len);
    conn_send(c, body, len);
}

static void await_answer(struct reading *r)
{
    want(loop_until(answer_has_come, r), "no answer within %d s", (int)(PATIENCE_NS / 1000000000));
    want(r->head, "the connection ended without an answer");
}

void http_ask(const char *method, const char *target, const char *headers, const void *body,
              size_t len, struct answer *ret)
{
    bool own = asks_for_stream(target);
    struct conn *c = choose_conn(own);
    struct reading r = {
        .conn = c, .answer = ret, .bodiless = strcmp(method, "HEAD") == 0, .is_stream = own};

    send_request(c, method, target, headers, body, len);
    await_answer(&r);
    if (!own)
        return;
    if (ret->code == 200) {
        ret->conn = c;
        return;
    }
    r.is_stream = false;
    want(loop_until(answer_has_come, &r), "the body does not come");
    conn_close(c);
}

struct conn *http_begin(const char *method, const char *target, const char *headers,
                        const void *body, size_t len)
{
    struct conn *c = conn_open();

    send_request(c, method, target, headers, body, len);
    return c;
}

void http_end(struct conn *c, struct answer *ret)
{
    struct reading r = {.conn = c, .answer = ret};

    await_answer(&r);
    conn_close(c);
}
