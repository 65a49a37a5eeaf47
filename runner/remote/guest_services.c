/* Services of a sealed process, and its calls of services. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/remote/guest_priv.h"
#include "runner/remote/wire_http.h"

struct guest_service {
    char *name;
    host_service_fn *fn;
    void *cookie;
    struct guest_service *next;
};

void guest_services_finish(struct guest *g)
{
    while (g->services) {
        struct guest_service *s = g->services;

        g->services = s->next;
        free(s->name);
        free(s);
    }
}

/* ---- serving ---- */

/* A number of the world's. */
struct host_exchange {
    int64_t id;
};

static struct guest_service *find_service(const struct guest *g, const char *name)
{
    struct guest_service *s = g->services;

    while (s && strcmp(s->name, name) != 0)
        s = s->next;
    return s;
}

/* Of a task; the message is its own, since its first call takes the resume away. */
struct served {
    struct guest *guest;
    struct wire_message message;
};

static void run_served(void *arg)
{
    struct served *me = arg;
    struct host_exchange x = {.id = json_int(me->message.json, "exchange", 0)};
    const struct guest_service *s =
        find_service(me->guest, json_str_or_empty(me->message.json, "service"));
    struct wire_request q;
    struct err e = {0};

    if ((!s || !wire_take_request(&me->message, &q)) &&
        err_set(&e, ERR_CORRUPT, NO_POS, "the world sent a request that is none"))
        guest_die(&e);
    s->fn(s->cookie, &me->guest->host, &x, &q.request);
    wire_finish(&me->message);
    free(me);
}

struct task *guest_serve(struct guest *g, const struct wire_message *m)
{
    struct served *s = mem_zalloc(sizeof *s);

    s->guest = g;
    s->message.json = json_incref(m->json);
    s->message.blob_len = m->blob_len;
    s->message.blob = m->blob_len ? mem_strndup("", 0) : NULL;
    if (m->blob_len) {
        s->message.blob = mem_realloc(s->message.blob, m->blob_len + 1);
        memcpy(s->message.blob, m->blob, m->blob_len);
        s->message.blob[m->blob_len] = '\0';
    }
    return guest_add_task(g, "http", run_served, s);
}

int guest_service_open(struct host *h, const char *service, host_service_fn *fn, void *cookie,
                       struct err *reterr)
{
    struct guest *g = guest_of(h);
    struct guest_service *s = find_service(g, service);

    if (!s) {
        s = mem_zalloc(sizeof *s);
        s->name = mem_strdup(service);
        s->next = g->services;
        g->services = s;
        s->fn = fn;
        s->cookie = cookie;
    }
    return wire_take_error(guest_call(g, WIRE_SERVICE_OPEN,
                                      json_pack("{s:o}", "service", wire_text(service)), NULL, 0),
                           reterr);
}

static json_t *exchange_json(const struct host_exchange *x)
{
    return json_pack("{s:I}", "exchange", (json_int_t)x->id);
}

static int answer(struct host *h, enum wire_op op, const struct host_exchange *x,
                  const struct http_reply *r, struct err *reterr)
{
    json_t *json = exchange_json(x);

    wire_put_reply(json, r);
    return wire_take_error(guest_call(guest_of(h), op, json, r->body, r->body_len), reterr);
}

int guest_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
                struct err *reterr)
{
    return answer(h, WIRE_REPLY, x, r, reterr);
}

int guest_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                      struct err *reterr)
{
    return answer(h, WIRE_REPLY_BEGIN, x, head, reterr);
}

int guest_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                     struct err *reterr)
{
    return wire_take_error(guest_call(guest_of(h), WIRE_REPLY_MORE, exchange_json(x), data, len),
                           reterr);
}

enum host_wait guest_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                                int64_t until_ns, bool *ret_gone)
{
    json_t *json = exchange_json(x);
    const struct wire_message *m;

    json_object_set_new(json, "id", json_integer(guest_event_id(e)));
    json_object_set_new(json, "until", json_integer(until_ns));
    m = guest_call(guest_of(h), WIRE_REPLY_WAIT, json, NULL, 0);
    *ret_gone = json_bool(m->json, "gone", false);
    return (enum host_wait)json_int(m->json, "wait", HOST_CRASHED);
}

/* ---- calling ---- */

static const struct wire_message *ask(struct host *h, enum wire_op op, const char *service,
                                      const struct http_request *req)
{
    json_t *json = json_pack("{s:o}", "service", wire_text(service));

    wire_put_request(json, req);
    return guest_call(guest_of(h), op, json, req->body, req->body_len);
}

static int take_reply(const struct wire_message *m, struct http_reply *ret, struct err *reterr)
{
    if (wire_take_reply(m, ret))
        return 0;
    return err_set(reterr, ERR_CORRUPT, NO_POS, "the world gave an answer that is none");
}

int guest_service_call(struct host *h, const char *service, const struct http_request *req,
                       struct http_reply *ret, struct err *reterr)
{
    const struct wire_message *m = ask(h, WIRE_SERVICE_CALL, service, req);

    return wire_take_error(m, reterr) < 0 ? -1 : take_reply(m, ret, reterr);
}

struct host_stream {
    int64_t id;
    char *last; /* what the caller has */
};

struct host_stream *guest_service_stream(struct host *h, const char *service,
                                         const struct http_request *req,
                                         struct http_reply *ret_error, struct err *reterr)
{
    const struct wire_message *m = ask(h, WIRE_STREAM_OPEN, service, req);
    struct host_stream *s;

    if (wire_take_error(m, reterr) < 0)
        return NULL;
    if (!json_object_get(m->json, "id")) {
        take_reply(m, ret_error, reterr);
        return NULL;
    }
    s = mem_zalloc(sizeof *s);
    s->id = json_int(m->json, "id", 0);
    return s;
}

enum host_wait guest_stream_next(struct host *h, struct host_stream *s, int64_t until_ns,
                                 const char **ret, size_t *ret_len)
{
    const struct wire_message *m = guest_call(
        guest_of(h), WIRE_STREAM_NEXT,
        json_pack("{s:I, s:I}", "id", (json_int_t)s->id, "until", (json_int_t)until_ns), NULL, 0);
    enum host_wait got = (enum host_wait)json_int(m->json, "wait", HOST_CRASHED);

    free(TAKE(s->last));
    if (got == HOST_OK && !json_bool(m->json, "ended", true) && m->blob_len) {
        *ret = s->last = mem_dup(m->blob, m->blob_len);
        *ret_len = m->blob_len;
    }
    return got;
}

void guest_stream_close(struct host *h, struct host_stream *s)
{
    guest_call(guest_of(h), WIRE_STREAM_CLOSE, json_pack("{s:I}", "id", (json_int_t)s->id), NULL,
               0);
    free(s->last);
    free(s);
}
