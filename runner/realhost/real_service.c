/* A service of the real host: an HTTP server on the loop. Each request is answered by a task. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_server.h"
#include "runner/realhost/realhost_priv.h"

struct real_service {
    struct realhost *host;
    struct http_server *server;
    char *name;
    host_service_fn *fn;
    void *cookie;
};

/* Its task holds it, and, while it streams, the server does. */
struct host_exchange {
    struct real_service *service;
    struct http_exchange *http; /* NULL: answered whole, or the client has gone */
    unsigned refs;
    struct http_reply texts; /* what the request points into, */
    struct http_field *fields;
    char *method, *target;
    bool begun, ended, streams;
    struct host_event *idle; /* its task waits for it, and hears that the client goes; or NULL */
    struct strbuf data;      /* that the client has not got yet */
};

static void exchange_release(struct host_exchange *x)
{
    if (--x->refs > 0)
        return;
    http_reply_finish(&x->texts);
    strbuf_finish(&x->data);
    free(x->fields);
    free(x->method);
    free(x->target);
    free(x);
}

/* ---- requests ---- */

static void copy_headers(struct host_exchange *x)
{
    size_t count;
    const struct http_header *headers = http_headers(x->http, &count);

    for (size_t i = 0; i < count && x->texts.header_count < HTTP_HEADERS_MAX; i++) {
        AUTO(str) char *name = mem_strdup(headers[i].name);

        for (char *p = name; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        if (!http_of_transport(name))
            http_reply_add(&x->texts, name, headers[i].value);
    }
    x->fields = mem_zalloc((x->texts.header_count + 1) * sizeof *x->fields);
    for (size_t i = 0; i < x->texts.header_count; i++)
        x->fields[i] = (struct http_field){x->texts.headers[i].name, x->texts.headers[i].value};
}

static void run_exchange(void *arg)
{
    struct host_exchange *x = arg;
    const struct http_request req = {.method = x->method,
                                     .target = x->target,
                                     .headers = x->fields,
                                     .header_count = x->texts.header_count,
                                     .body = x->texts.body,
                                     .body_len = x->texts.body_len};

    x->service->fn(x->service->cookie, &x->service->host->host, x, &req);
    x->ended = true;
    if (x->http && x->streams)
        http_stream_wake(x->http);
    else if (x->http)
        http_abort(TAKE(x->http)); /* it had nothing to say */
    exchange_release(x);
}

static void forget_client(void *cookie)
{
    struct host_exchange *x = cookie;

    x->http = NULL;
    if (x->idle)
        host_event_signal(&x->service->host->host, x->idle);
}

static void handle(void *cookie, struct http_exchange *http)
{
    struct real_service *s = cookie;
    struct host_exchange *x;
    const char *body;
    size_t len;

    if (http_body_too_large(http)) {
        http_reply(http, 413, NULL, 0, NULL, 0);
        return;
    }
    x = mem_zalloc(sizeof *x);
    x->service = s;
    x->http = http;
    x->refs = 1;
    x->method = mem_strdup(http_method(http));
    x->target = mem_strdup(http_target(http));
    copy_headers(x);
    body = http_body(http, &len);
    if (len)
        http_reply_body(&x->texts, body, len);
    http_on_abandoned(http, forget_client, x);
    actor_spawn(s->host->process, "http", run_exchange, x);
}

/* ---- answers ---- */

static int may_answer(struct host *h, const struct host_exchange *x, struct err *reterr)
{
    if (host_crashed(h))
        return err_set(reterr, ERR_CRASHED, NO_POS, "the component was stopped");
    return x->http ? 0 : err_set(reterr, ERR_IO, NO_POS, "the caller has gone");
}

static size_t head_of(const struct http_reply *r, struct http_header *ret)
{
    for (size_t i = 0; i < r->header_count; i++)
        ret[i] = (struct http_header){r->headers[i].name, r->headers[i].value};
    return r->header_count;
}

int real_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
               struct err *reterr)
{
    struct http_header headers[HTTP_HEADERS_MAX];

    if (may_answer(h, x, reterr) < 0)
        return -1;
    http_on_abandoned(x->http, NULL, NULL);
    http_reply(TAKE(x->http), r->code, headers, head_of(r, headers), r->body, r->body_len);
    return 0;
}

static int pull(void *cookie, struct strbuf *out, size_t max)
{
    struct host_exchange *x = cookie;
    size_t len = x->data.len < max ? x->data.len : max;

    if (!len)
        return x->ended ? -1 : 0;
    strbuf_add(out, x->data.data, len);
    memmove(x->data.data, x->data.data + len, x->data.len - len);
    x->data.len -= len;
    x->data.data[x->data.len] = '\0';
    return 1;
}

static void closed(void *cookie)
{
    struct host_exchange *x = cookie;

    forget_client(x);
    exchange_release(x);
}

int real_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                     struct err *reterr)
{
    static const struct http_stream_ops ops = {pull, closed};
    struct http_header headers[HTTP_HEADERS_MAX];

    if (may_answer(h, x, reterr) < 0)
        return -1;
    http_on_abandoned(x->http, NULL, NULL);
    x->streams = true;
    x->refs++;
    http_reply_stream(x->http, head->code, headers, head_of(head, headers), &ops, x);
    return 0;
}

int real_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                    struct err *reterr)
{
    if (may_answer(h, x, reterr) < 0)
        return -1;
    if (len > HTTP_BODY_MAX - x->data.len)
        return err_set(reterr, ERR_LIMIT, NO_POS, "the caller does not read what is sent");
    strbuf_add(&x->data, data, len);
    http_stream_wake(x->http);
    return 0;
}

enum host_wait real_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                               int64_t until_ns, bool *ret_gone)
{
    enum host_wait got = HOST_OK;

    x->idle = e;
    if (x->http)
        got = host_event_wait(h, e, until_ns);
    x->idle = NULL;
    *ret_gone = !x->http;
    return got;
}

/* ---- life ---- */

int real_service_open(struct host *h, const char *service, host_service_fn *fn, void *cookie,
                      struct err *reterr)
{
    struct realhost *r = realhost_of(h);
    struct real_service *s = mem_zalloc(sizeof *s);
    struct http_config config = {.loop = r->loop,
                                 .address = r->config.listen,
                                 .limits = {.body_max = HTTP_BODY_MAX},
                                 .handle = handle,
                                 .cookie = s};

    *s = (struct real_service){.host = r, .name = mem_strdup(service), .fn = fn, .cookie = cookie};
    if (r->service)
        err_set(reterr, ERR_INVALID, NO_POS, "'%s' is served already", r->service->name);
    else if (!config.address && err_set(reterr, ERR_UNSUPPORTED, NO_POS,
                                        "the component serves '%s', and has no address", service))
        err_hint(reterr, "--listen ADDR gives it one");
    else if ((s->server = http_server_create(&config, reterr))) {
        r->service = s;
        host_log(h, LOG_INFO, "'%s' is served at http://%s", service,
                 http_server_address(s->server));
        return 0;
    }
    free(s->name);
    free(s);
    return -1;
}

void real_service_end(struct realhost *r)
{
    if (!r->service)
        return;
    http_server_destroy(r->service->server);
    free(r->service->name);
    free(r->service);
    r->service = NULL;
}

const char *realhost_address(const struct realhost *r)
{
    return r->service ? http_server_address(r->service->server) : NULL;
}
