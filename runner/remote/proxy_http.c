/* API requests of a process, and its watches. A request comes by HTTP, passes the REST interface,
 * and is performed on the simulated host by the actor of the task that made it; the events of a
 * watch are read by that actor too, and go out on the stream that the request opened. */
#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/status.h"
#include "runner/remote/front_priv.h"

/* The two differ in name alone, so that neither folder knows the other. */
_Static_assert(sizeof(struct http_header) == sizeof(struct rest_header) &&
                   offsetof(struct http_header, name) == offsetof(struct rest_header, name) &&
                   offsetof(struct http_header, value) == offsetof(struct rest_header, value),
               "headers are passed on as they are");

/* ---- a request with strings of its own: its client may die while it is under way ---- */

static void keep_request(const struct http_exchange *x, struct rest_request *ret)
{
    size_t count, len;
    const struct http_header *headers = http_headers(x, &count);
    const char *body = http_body(x, &len);
    struct rest_header *copies = mem_reallocarray(NULL, count + 1, sizeof *copies);

    for (size_t i = 0; i < count; i++)
        copies[i] = (struct rest_header){mem_strdup(headers[i].name), mem_strdup(headers[i].value)};
    *ret = (struct rest_request){.method = mem_strdup(http_method(x)),
                                 .target = mem_strdup(http_target(x)),
                                 .headers = copies,
                                 .header_count = count,
                                 .body = mem_dup(body, len + 1),
                                 .body_len = len};
    if (http_body_too_large(x))
        ret->body_len = REST_BODY_MAX + 1; /* its bytes were not kept, and are not looked at */
}

static void drop_request(struct rest_request *req)
{
    for (size_t i = 0; i < req->header_count; i++) {
        free((char *)req->headers[i].name);
        free((char *)req->headers[i].value);
    }
    free((void *)req->headers);
    free((char *)req->method);
    free((char *)req->target);
    free((char *)req->body);
}

/* ---- watches ---- */

struct source {
    struct remote_watch *watch; /* NULL: closed by its task */
    struct api_event *events;   /* that the stream has not taken; objects are ours */
    size_t count, cap, taken;
    bool ended;
    void (*fn)(void *cookie);
    void *cookie;
};

struct remote_watch {
    struct host_watch *watch;
    struct source *source; /* NULL: the client has hung up */
};

static void drop_taken(struct source *s)
{
    for (size_t i = 0; i < s->taken; i++)
        json_decref(s->events[i].object);
    memmove(s->events, s->events + s->taken, (s->count - s->taken) * sizeof *s->events);
    s->count -= s->taken;
    s->taken = 0;
}

static bool source_next(void *source, struct api_event *ret)
{
    struct source *s = source;

    if (s->taken)
        drop_taken(s);
    if (s->count == 0)
        return false;
    *ret = s->events[s->taken++];
    return true;
}

static bool source_ended(const void *source)
{
    return ((const struct source *)source)->ended;
}

static void source_on_event(void *source, void (*fn)(void *cookie), void *cookie)
{
    struct source *s = source;

    s->fn = fn;
    s->cookie = cookie;
}

static void source_close(void *source)
{
    struct source *s = source;

    if (s->watch)
        s->watch->source = NULL;
    s->taken = s->count;
    if (s->taken)
        drop_taken(s);
    free(s->events);
    free(s);
}

static const struct rest_source_ops source_ops = {source_next, source_ended, source_on_event,
                                                  source_close};

static void wake(struct source *s)
{
    if (s->fn)
        s->fn(s->cookie);
}

static void push(struct source *s, const struct api_event *event)
{
    s->events = mem_grow(s->events, &s->cap, s->count + 1, sizeof *s->events);
    s->events[s->count++] = (struct api_event){event->type, json_incref(event->object)};
    wake(s);
}

static void end_source(struct source *s)
{
    s->ended = true;
    wake(s);
}

void remote_watch_close(struct host *h, struct remote_watch *w)
{
    if (w->source) {
        w->source->watch = NULL;
        end_source(w->source);
    }
    host_watch_close(h, w->watch);
    free(w);
}

int proxy_watch_next(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct remote_watch *w = slot_get(p->remote, json_int(m->json, "id", 0), SLOT_WATCH);
    struct api_event event;
    bool ended = false;
    enum host_wait got;

    if (!w)
        return proxy_nonsense(p, m);
    got = host_watch_next(p->remote->host, w->watch, json_int(m->json, "until", 0), &event, &ended);
    reply_put(ret, "wait", json_integer(got));
    reply_put(ret, "ended", json_boolean(ended));
    reply_put(ret, "event", json_boolean(got == HOST_OK && !ended));
    if (got != HOST_OK)
        return 0;
    if (!w->source) {
        remote_fail(p->remote, "has hung up on a watch that it reads");
        return -1;
    }
    if (ended)
        end_source(w->source);
    else
        push(w->source, &event);
    return 0;
}

int proxy_watch_close(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct remote_watch *w = slot_take(p->remote, json_int(m->json, "id", 0), SLOT_WATCH);

    (void)ret;
    if (!w)
        return proxy_nonsense(p, m);
    remote_watch_close(p->remote->host, w);
    return 0;
}

/* ---- the backend of the REST interface ---- */

/* The task whose request this is. Nothing has run since it was handed over. */
static struct proxy *take_speaking(struct front *f)
{
    struct proxy *p = TAKE(f->speaking);

    assert(p);
    return p;
}

static void backend_request(void *cookie, const struct api_request *req, struct api_response *ret)
{
    struct front_cluster *c = cookie;
    struct proxy *p = take_speaking(c->front);

    if (host_request(p->remote->host, cluster_name(c->cluster), req, ret, &p->no_answer) < 0)
        status_unavailable(ret, "no answer"); /* which nobody sees */
}

static struct rest_source backend_watch(void *cookie, const struct api_request *req,
                                        struct api_response *ret_error)
{
    struct front_cluster *c = cookie;
    struct proxy *p = take_speaking(c->front);
    struct host_watch *watch =
        host_watch_open(p->remote->host, cluster_name(c->cluster), req, ret_error, &p->no_answer);
    struct remote_watch *w;

    if (!watch) {
        if (err_pending(&p->no_answer))
            status_unavailable(ret_error, "no answer");
        return (struct rest_source){NULL, NULL};
    }
    w = mem_zalloc(sizeof *w);
    w->watch = watch;
    w->source = mem_zalloc(sizeof *w->source);
    w->source->watch = w;
    p->watch = slot_add(p->remote, SLOT_WATCH, w);
    return (struct rest_source){&source_ops, w->source};
}

struct rest_backend front_backend(struct front_cluster *c)
{
    return (struct rest_backend){
        .request = backend_request, .watch = backend_watch, .cookie = c, .own_timeouts = true};
}

/* ---- streams ---- */

struct streaming {
    struct rest_stream *stream;
    struct http_exchange *exchange;
};

static int pull(void *cookie, struct strbuf *out, size_t max)
{
    struct streaming *t = cookie;

    switch (rest_stream_read(t->stream, out, max)) {
    case REST_STREAM_DATA:
        return 1;
    case REST_STREAM_WAIT:
        return 0;
    case REST_STREAM_END:
        break;
    }
    return -1;
}

static void close_stream(void *cookie)
{
    struct streaming *t = cookie;

    rest_stream_close(t->stream);
    free(t);
}

static void on_data(void *cookie)
{
    http_stream_wake(((struct streaming *)cookie)->exchange);
}

static const struct http_stream_ops stream_ops = {pull, close_stream};

/* ---- the answer ---- */

static void send_answer(struct http_exchange *x, struct rest_answer *a)
{
    const struct http_header *headers = (const struct http_header *)a->headers;
    struct streaming *t;

    http_on_abandoned(x, NULL, NULL);
    if (!a->stream) {
        http_reply(x, a->code, headers, a->header_count, strbuf_str(&a->body), a->body.len);
        return;
    }
    t = mem_zalloc(sizeof *t);
    t->stream = TAKE(a->stream);
    t->exchange = x;
    rest_stream_on_data(t->stream, on_data, t);
    http_reply_stream(x, a->code, headers, a->header_count, &stream_ops, t);
}

/* A call that was cut off has no answer: neither here nor there. */
static void answer(struct proxy *p, struct rest_answer *a, struct wire_message *ret)
{
    struct http_exchange *x = TAKE(p->exchange);

    if (p->watch)
        reply_put(ret, "watch", json_integer(p->watch));
    if (err_pending(&p->no_answer)) {
        reply_error(ret, &p->no_answer);
        if (x) {
            http_on_abandoned(x, NULL, NULL);
            http_abort(x);
        }
    } else if (x) {
        send_answer(x, a);
    }
    p->watch = 0;
}

static void perform(struct proxy *p, struct cluster *cluster, struct wire_message *ret)
{
    struct front *f = p->remote->front;
    struct rest_request req;
    struct rest_answer a = {.code = 0};

    keep_request(p->exchange, &req);
    f->speaking = p;
    rest_handle(front_cluster(f, cluster)->rest, &req, &a);
    f->speaking = NULL; /* the interface may have answered by itself */
    answer(p, &a, ret);
    rest_answer_finish(&a);
    drop_request(&req);
}

static int wait_for_request(struct proxy *p)
{
    char byte;
    int r;

    p->wants_http = true;
    r = front_wait(p->remote->front, p);
    p->wants_http = false;
    if (r < 0 || p->exchange)
        return r;
    if (recv(p->remote->control, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        remote_died(p->remote);
    else
        remote_fail(p->remote, "spoke when it had announced a request");
    return -1;
}

int proxy_http(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct front *f = p->remote->front;
    const char *name = json_str(m->json, "cluster");
    struct cluster *cluster = world_cluster(f->config.world, name);

    if (wait_for_request(p) < 0)
        return -1;
    if (!cluster) {
        err_set(&p->no_answer, ERR_NOT_FOUND, NO_POS, "no cluster is called '%s'",
                name ? name : "");
        answer(p, NULL, ret);
        return 0;
    }
    perform(p, cluster, ret);
    return 0;
}
