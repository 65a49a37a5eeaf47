#include "tests/unit/net/kit.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wall.h"
#include "tests/client_socket.h"

#define PATIENCE_NS INT64_C(3000000000)

/* ---- life ---- */

void kit_init(struct kit *k, struct http_config config)
{
    struct err e = {0};

    *k = (struct kit){.dir = "/tmp/vmconform-net-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(k->dir));
    k->path = mem_printf("%s/socket", k->dir);
    k->sched = sched_create(&(struct sched_config){.start_ns = 1000});
    k->loop = loop_create(k->sched, 1.0, &e);
    ck_assert_msg(k->loop, "%s", e.msg);
    if (!config.handle)
        return;
    config.loop = k->loop;
    config.unix_path = k->path;
    if (!config.cookie)
        config.cookie = k;
    k->server = http_server_create(&config, &e);
    ck_assert_msg(k->server, "%s", e.msg);
}

void kit_finish(struct kit *k)
{
    http_server_destroy(k->server);
    ck_assert_msg(access(k->path, F_OK) < 0, "the socket is left behind");
    loop_destroy(k->loop);
    sched_destroy(k->sched);
    rmdir(k->dir);
    free(k->path);
}

/* ---- the loop ---- */

struct waiting {
    struct kit *kit;
    done_fn *done;
    void *cookie;
    int64_t until_ns;
    unsigned turns;
};

static int64_t look(void *cookie)
{
    struct waiting *w = cookie;

    if (w->done ? w->done(w->cookie) : w->turns-- == 0) {
        loop_stop(w->kit->loop);
        return 0;
    }
    ck_assert_msg(wall_monotonic_ns() < w->until_ns, "nothing happens");
    return w->done ? PATIENCE_NS : 0;
}

static void run(struct waiting *w)
{
    struct err e = {0};

    w->until_ns = wall_monotonic_ns() + PATIENCE_NS;
    loop_on_idle(w->kit->loop, look, w);
    ck_assert_msg(loop_run(w->kit->loop, false, &e) == 0, "%s", e.msg);
    loop_not_idle(w->kit->loop, look, w);
}

void kit_run(struct kit *k, done_fn *done, void *cookie)
{
    struct waiting w = {.kit = k, .done = done, .cookie = cookie};

    run(&w);
}

void kit_turns(struct kit *k, unsigned turns)
{
    struct waiting w = {.kit = k, .turns = turns};

    run(&w);
}

/* ---- clients ---- */

static void readable(void *cookie, uint32_t events)
{
    struct client *c = cookie;

    (void)events;
    if (client_socket_read(c->fd, &c->got))
        return;
    c->eof = true;
    client_stop_reading(c);
}

void client_connect(struct kit *k, struct client *c)
{
    *c = (struct client){.kit = k, .fd = client_socket_open(k->path)};
    ck_assert_msg(c->fd >= 0, "connect: %s", strerror(errno));
    client_read_again(c);
}

static void two_turns(void *cookie)
{
    kit_turns(cookie, 2);
}

void client_send(struct client *c, const void *bytes, size_t len)
{
    client_socket_send(c->fd, bytes, len, two_turns, c->kit);
}

void client_send_slowly(struct client *c, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len && !c->eof; i++) {
        client_send(c, (const char *)bytes + i, 1);
        kit_turns(c->kit, 2);
    }
}

void client_stop_reading(struct client *c)
{
    loop_forget_fd(TAKE(c->watch));
}

void client_read_again(struct client *c)
{
    c->watch = loop_watch_fd(c->kit->loop, c->fd, EPOLLIN, readable, c);
}

void client_close(struct client *c)
{
    client_stop_reading(c);
    close(c->fd);
    strbuf_finish(&c->got);
}

struct text_wait {
    struct client *client;
    const char *text;
};

static bool has_text(void *cookie)
{
    struct text_wait *w = cookie;

    return w->client->eof || strstr(strbuf_str(&w->client->got), w->text);
}

void client_await(struct client *c, const char *text)
{
    struct text_wait w = {c, text};

    kit_run(c->kit, has_text, &w);
}

static bool at_eof(void *cookie)
{
    return ((struct client *)cookie)->eof;
}

void client_await_eof(struct client *c)
{
    kit_run(c->kit, at_eof, c);
}

/* ---- what came ---- */

struct answer {
    int code;
    const char *headers, *body, *end;
};

static const char *header(const struct answer *a, const char *name)
{
    for (const char *p = a->headers; p && p < a->body; p = strstr(p, "\r\n") + 2)
        if (strncasecmp(p, name, strlen(name)) == 0 && p[strlen(name)] == ':')
            return p + strlen(name) + 1 + strspn(p + strlen(name) + 1, " ");
    return NULL;
}

/* Decodes chunks; NULL when the last one is missing. */
static const char *read_chunks(const char *p, struct strbuf *out)
{
    for (;;) {
        char *after;
        unsigned long n = strtoul(p, &after, 16);

        if (after == p || strncmp(after, "\r\n", 2) != 0)
            return NULL;
        p = after + 2;
        if (n == 0)
            return strncmp(p, "\r\n", 2) == 0 ? p + 2 : NULL;
        if (strlen(p) < n + 2)
            return NULL;
        strbuf_add(out, p, n);
        p += n + 2;
    }
}

/* Reads one answer at p: its body is appended to *body. false when it is not whole. */
static bool read_answer(const char *p, bool bodiless, struct answer *a, struct strbuf *body)
{
    const char *empty = strstr(p, "\r\n\r\n"), *length;
    char *end;

    if (strncmp(p, "HTTP/1.", 7) != 0 || !empty)
        return false;
    a->code = (int)strtol(p + 9, &end, 10);
    a->headers = strstr(p, "\r\n") + 2;
    a->body = a->end = empty + 4;
    if (bodiless || a->code < 200 || a->code == 204 || a->code == 304)
        return true;
    if (header(a, "Transfer-Encoding")) {
        a->end = read_chunks(a->body, body);
        return a->end != NULL;
    }
    length = header(a, "Content-Length");
    size_t n = length ? strtoul(length, NULL, 10) : strlen(a->body);
    if (strlen(a->body) < n)
        return false;
    strbuf_add(body, a->body, n);
    a->end = a->body + n;
    return true;
}

static unsigned read_all(const struct client *c, unsigned bodiless, struct strbuf *out)
{
    const char *p = strbuf_str(&c->got);
    unsigned count = 0;

    while (*p) {
        AUTO(strbuf) struct strbuf body = {0};
        struct answer a = {.code = 0};

        if (!read_answer(p, count < bodiless, &a, &body)) {
            if (out && a.code)
                strbuf_addf(out, "%d[%s...", a.code, strbuf_str(&body));
            else if (out)
                strbuf_addstr(out, "!");
            break;
        }
        if (out)
            strbuf_addf(out, "%d[%s]", a.code, strbuf_str(&body));
        count++;
        p = a.end;
    }
    return count;
}

void client_transcript(const struct client *c, unsigned bodiless, struct strbuf *out)
{
    read_all(c, bodiless, out);
}

unsigned client_answers(const struct client *c, unsigned bodiless)
{
    return read_all(c, bodiless, NULL);
}
