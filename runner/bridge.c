/* From an HTTP exchange to a REST interface and back. */
#include "runner/bridge.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/status.h"

/* The two differ in name alone, so that neither folder knows the other. */
_Static_assert(sizeof(struct http_header) == sizeof(struct rest_header) &&
                   offsetof(struct http_header, name) == offsetof(struct rest_header, name) &&
                   offsetof(struct http_header, value) == offsetof(struct rest_header, value),
               "headers are passed on as they are");

/* ---- streams ---- */

struct streaming {
    struct bridge *bridge;
    struct rest_stream *stream;
    struct http_exchange *exchange;
    bool unread; /* events wait that have not been asked for */
};

static void tell(const struct bridge *b, enum bridge_moment moment)
{
    if (b->moment)
        b->moment(b->cookie, moment);
}

static void set_unread(struct streaming *t, bool unread)
{
    if (t->unread == unread)
        return;
    t->unread = unread;
    t->bridge->unread = unread ? t->bridge->unread + 1 : t->bridge->unread - 1;
    tell(t->bridge, BRIDGE_STREAM);
}

static int pull(void *cookie, struct strbuf *out, size_t max)
{
    struct streaming *t = cookie;

    switch (rest_stream_read(t->stream, out, max)) {
    case REST_STREAM_DATA:
        set_unread(t, true);
        return 1;
    case REST_STREAM_WAIT:
        set_unread(t, false);
        return 0;
    case REST_STREAM_END:
        break;
    }
    set_unread(t, false);
    return -1;
}

static void close_stream(void *cookie)
{
    struct streaming *t = cookie;

    set_unread(t, false);
    rest_stream_close(t->stream);
    free(t);
}

static void on_data(void *cookie)
{
    struct streaming *t = cookie;

    set_unread(t, true);
    http_stream_wake(t->exchange);
}

static const struct http_stream_ops stream_ops = {pull, close_stream};

/* ---- answers ---- */

static void send_answer(struct bridge *b, struct http_exchange *x, struct rest_answer *a)
{
    const struct http_header *headers = (const struct http_header *)a->headers;
    struct streaming *t;

    if (!a->stream) {
        http_reply(x, a->code, headers, a->header_count, strbuf_str(&a->body), a->body.len);
        return;
    }
    t = mem_zalloc(sizeof *t);
    t->stream = TAKE(a->stream);
    t->bridge = b;
    t->exchange = x;
    rest_stream_on_data(t->stream, on_data, t);
    http_reply_stream(x, a->code, headers, a->header_count, &stream_ops, t);
}

static void fill_request(const struct bridge *b, const struct http_exchange *x,
                         struct rest_request *req, struct api_identity *certificate)
{
    size_t count;
    const struct http_header *headers = http_headers(x, &count);

    *req = (struct rest_request){.method = http_method(x),
                                 .target = http_target(x),
                                 .headers = (const struct rest_header *)headers,
                                 .header_count = count,
                                 .server_address = b->address};
    req->body = http_body(x, &req->body_len);
    if (http_body_too_large(x))
        req->body_len = REST_BODY_MAX + 1; /* its bytes were not kept, and are not looked at */
    *certificate = (struct api_identity){.name = NULL};
    if (http_peer(x, &certificate->name, &certificate->groups))
        req->certificate = certificate;
}

static void answer_at_once(struct bridge *b, struct http_exchange *x)
{
    struct rest_request req;
    struct api_identity certificate;
    struct rest_answer answer = {.code = 0};

    fill_request(b, x, &req, &certificate);
    rest_handle(b->rest(b->cookie, &req), &req, &answer);
    send_answer(b, x, &answer);
    rest_answer_finish(&answer);
}

/* ---- requests that take their time ---- */

/* A request with strings of its own: its client may go while it is under way. */
struct errand {
    struct bridge *bridge;
    struct rest *rest;
    struct http_exchange *exchange; /* NULL: nobody waits any more */
    struct rest_request req;
    struct api_identity certificate;
    struct strbuf text; /* all strings, one after the other */
};

static void errand_free(struct errand *e)
{
    free((void *)e->req.headers);
    free((void *)e->certificate.groups);
    strbuf_finish(&e->text);
    free(e);
}

/* Notes a string: as its offset until all are there. */
static const char *keep(struct errand *e, const void *bytes, size_t len)
{
    size_t at = e->text.len;

    strbuf_add(&e->text, bytes, len);
    strbuf_addch(&e->text, '\0');
    return (const char *)at;
}

static const char *keep_text(struct errand *e, const char *text)
{
    return keep(e, text, strlen(text));
}

static void settle(const struct errand *e, const char **p)
{
    *p = e->text.data + (size_t)*p;
}

static void keep_certificate(struct errand *e, const struct api_identity *from)
{
    size_t n = 0;
    const char **groups;

    while (from->groups[n])
        n++;
    groups = mem_reallocarray(NULL, n + 1, sizeof *groups);
    for (size_t i = 0; i < n; i++)
        groups[i] = keep_text(e, from->groups[i]);
    groups[n] = NULL;
    e->certificate.name = keep_text(e, from->name);
    e->certificate.groups = groups;
    e->req.certificate = &e->certificate;
}

static void settle_all(struct errand *e)
{
    struct rest_header *headers = (struct rest_header *)e->req.headers;
    const char **groups = (const char **)e->certificate.groups;

    settle(e, &e->req.method);
    settle(e, &e->req.target);
    settle(e, &e->req.body);
    settle(e, &e->req.server_address);
    for (size_t i = 0; i < e->req.header_count; i++) {
        settle(e, &headers[i].name);
        settle(e, &headers[i].value);
    }
    if (!e->req.certificate)
        return;
    settle(e, &e->certificate.name);
    for (size_t i = 0; groups[i]; i++)
        settle(e, &groups[i]);
}

static struct errand *errand_create(struct bridge *b, struct http_exchange *x)
{
    struct errand *e = mem_zalloc(sizeof *e);
    struct rest_request req;
    struct api_identity certificate;
    struct rest_header *headers;

    fill_request(b, x, &req, &certificate);
    e->bridge = b;
    e->exchange = x;
    e->req = req;
    e->req.method = keep_text(e, req.method);
    e->req.target = keep_text(e, req.target);
    e->req.server_address = keep_text(e, req.server_address);
    e->req.body = keep(e, req.body, req.body_len > REST_BODY_MAX ? 0 : req.body_len);
    headers = mem_reallocarray(NULL, req.header_count + 1, sizeof *headers);
    for (size_t i = 0; i < req.header_count; i++) {
        headers[i].name = keep_text(e, req.headers[i].name);
        headers[i].value = keep_text(e, req.headers[i].value);
    }
    e->req.headers = headers;
    e->req.certificate = NULL;
    if (req.certificate)
        keep_certificate(e, req.certificate);
    settle_all(e);
    return e;
}

static void forget_client(void *cookie)
{
    ((struct errand *)cookie)->exchange = NULL;
}

static void run_errand(void *arg)
{
    struct errand *e = arg;
    struct rest_answer answer = {.code = 0};

    rest_handle(e->rest, &e->req, &answer);
    if (e->exchange)
        send_answer(e->bridge, e->exchange, &answer);
    else if (answer.stream)
        rest_stream_close(TAKE(answer.stream));
    rest_answer_finish(&answer);
    tell(e->bridge, BRIDGE_ANSWERED);
    errand_free(e);
}

/* Nobody there to ask: a Status, as the server itself would put it. */
static void refuse(struct http_exchange *x, int code)
{
    const struct http_header headers[] = {{"Content-Type", "application/json"},
                                          {"Retry-After", "1"}};
    AUTO(response) struct api_response status = {0};
    AUTO(str) char *text = NULL;

    if (code == 404)
        status_denied(&status, code, "NotFound", "no cluster is called that");
    else
        status_unavailable(&status, "the component does not run at this point of the scenario");
    text = json_text(status.body);
    http_reply(x, code, headers, code == 404 ? 1 : 2, text, strlen(text));
}

/* ---- the handler ---- */

void bridge_handle(void *cookie, struct http_exchange *x)
{
    struct bridge *b = cookie;
    struct process *process;
    struct errand *e;

    tell(b, BRIDGE_ASKED);
    if (!b->process) {
        answer_at_once(b, x);
        return;
    }
    e = errand_create(b, x);
    e->rest = b->rest(b->cookie, &e->req);
    process = e->rest ? b->process(b->cookie, e->rest, &e->req) : NULL;
    if (!process) {
        refuse(x, e->rest ? 503 : 404);
        errand_free(e);
        return;
    }
    http_on_abandoned(x, forget_client, e);
    actor_spawn(process, "request", run_errand, e);
}
