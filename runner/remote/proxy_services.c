/* Services of a process, and its calls of services, performed on the simulated host. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/remote/front_priv.h"
#include "runner/remote/wire_http.h"

/* What the process serves. */
struct remote_service {
    struct remote *remote;
    char *name;
    struct remote_service *next;
};

/* A request that one of its tasks answers. */
struct remote_exchange {
    struct host_exchange *exchange;
    bool begun, whole;
};

void remote_services_finish(struct remote *r)
{
    while (r->services) {
        struct remote_service *s = r->services;

        r->services = s->next;
        free(s->name);
        free(s);
    }
}

/* ---- serving ---- */

/* The task begins in the process when it is told of the request. */
static void serve(void *cookie, struct host *h, struct host_exchange *x,
                  const struct http_request *req)
{
    struct remote_service *s = cookie;
    struct remote *r = s->remote;
    struct remote_exchange e = {.exchange = x};
    int64_t id = slot_add(r, SLOT_EXCHANGE, &e);
    struct wire_message first = {.op = WIRE_SERVE, .blob_len = req->body_len};

    (void)h;
    first.json = json_pack("{s:o, s:I}", "service", wire_text(s->name), "exchange", (json_int_t)id);
    wire_put_request(first.json, req);
    first.blob = req->body_len ? mem_dup(req->body, req->body_len) : NULL;
    if (r->tasks < WIRE_TASKS_MAX)
        proxy_run(r, r->tasks++, &first, NULL);
    wire_finish(&first);
    slot_take(r, id, SLOT_EXCHANGE);
}

int proxy_service_open(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *name = json_str(m->json, "service");
    struct remote_service *s;
    struct err e = {0};

    if (!name || !*name)
        return proxy_nonsense(p, m);
    s = mem_zalloc(sizeof *s);
    s->remote = p->remote;
    s->name = mem_strdup(name);
    s->next = p->remote->services;
    p->remote->services = s;
    return host_service_open(p->remote->host, name, serve, s, &e) < 0 ? reply_error(ret, &e) : 0;
}

/* ---- answering ---- */

static struct remote_exchange *exchange_in(const struct proxy *p, const struct wire_message *m)
{
    return slot_get(p->remote, json_int(m->json, "exchange", 0), SLOT_EXCHANGE);
}

static int answer(struct proxy *p, const struct wire_message *m, struct wire_message *ret,
                  bool whole)
{
    struct remote_exchange *x = exchange_in(p, m);
    AUTO(http_reply) struct http_reply r = {0};
    struct err e = {0};
    int result;

    if (!x || x->begun || !wire_take_reply(m, &r) || (!whole && r.body_len))
        return proxy_nonsense(p, m);
    result = whole ? host_reply(p->remote->host, x->exchange, &r, &e)
                   : host_reply_begin(p->remote->host, x->exchange, &r, &e);
    x->begun = result == 0;
    x->whole = whole;
    return result < 0 ? reply_error(ret, &e) : 0;
}

int proxy_reply(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    return answer(p, m, ret, true);
}

int proxy_reply_begin(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    return answer(p, m, ret, false);
}

int proxy_reply_more(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct remote_exchange *x = exchange_in(p, m);
    struct err e = {0};

    if (!x || !x->begun || x->whole)
        return proxy_nonsense(p, m);
    return host_reply_more(p->remote->host, x->exchange, m->blob ? m->blob : "", m->blob_len, &e) <
                   0
               ? reply_error(ret, &e)
               : 0;
}

int proxy_reply_wait(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct remote_exchange *x = exchange_in(p, m);
    struct host_event *e = slot_get(p->remote, json_int(m->json, "id", 0), SLOT_EVENT);
    bool gone;

    if (!x || !x->begun || x->whole || !e)
        return proxy_nonsense(p, m);
    reply_put(ret, "wait",
              json_integer(host_reply_wait(p->remote->host, x->exchange, e,
                                           json_int(m->json, "until", 0), &gone)));
    reply_put(ret, "gone", json_boolean(gone));
    return 0;
}

/* ---- calling ---- */

static void give_reply(struct wire_message *ret, struct http_reply *r)
{
    wire_put_reply(ret->json, r);
    ret->blob = TAKE(r->body);
    ret->blob_len = r->body_len;
    http_reply_finish(r);
}

int proxy_service_call(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *service = json_str(m->json, "service");
    struct wire_request q;
    struct http_reply r = {0};
    struct err e = {0};

    if (!service || !*service || !wire_take_request(m, &q))
        return proxy_nonsense(p, m);
    if (host_service_call(p->remote->host, service, &q.request, &r, &e) < 0)
        return reply_error(ret, &e);
    give_reply(ret, &r);
    return 0;
}

int proxy_stream_open(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    const char *service = json_str(m->json, "service");
    struct wire_request q;
    struct http_reply r = {0};
    struct host_stream *s;
    struct err e = {0};

    if (!service || !*service || !wire_take_request(m, &q))
        return proxy_nonsense(p, m);
    s = host_service_stream(p->remote->host, service, &q.request, &r, &e);
    if (s)
        reply_put(ret, "id", json_integer(slot_add(p->remote, SLOT_STREAM, s)));
    else if (r.code)
        give_reply(ret, &r);
    else
        return reply_error(ret, &e);
    return 0;
}

int proxy_stream_next(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_stream *s = slot_get(p->remote, json_int(m->json, "id", 0), SLOT_STREAM);
    const char *bytes = NULL;
    size_t len = 0;
    enum host_wait got;

    if (!s)
        return proxy_nonsense(p, m);
    got = host_stream_next(p->remote->host, s, json_int(m->json, "until", 0), &bytes, &len);
    reply_put(ret, "wait", json_integer(got));
    reply_put(ret, "ended", json_boolean(got == HOST_OK && !bytes));
    if (got == HOST_OK && bytes) {
        ret->blob = mem_dup(bytes, len);
        ret->blob_len = len;
    }
    return 0;
}

int proxy_stream_close(struct proxy *p, const struct wire_message *m, struct wire_message *ret)
{
    struct host_stream *s = slot_take(p->remote, json_int(m->json, "id", 0), SLOT_STREAM);

    (void)ret;
    if (!s)
        return proxy_nonsense(p, m);
    host_stream_close(p->remote->host, s);
    return 0;
}
