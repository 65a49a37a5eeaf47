/* See services.h. Names, and the service's side of an exchange. */
#include "runner/services.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/services_priv.h"
#include "runner/simhost.h"
#include "runner/simhost_priv.h"

/* ---- life ---- */

static void service_destroy(void *arg)
{
    struct service *s = arg;

    free(s->name);
    free(s);
}

static void services_end(void *part)
{
    struct services *all = part;

    assert(TAILQ_EMPTY(&all->exchanges)); /* their tasks and callers have unwound */
    strmap_destroy(all->by_name, service_destroy);
    json_decref(all->calls);
    json_decref(all->made);
    free(all);
}

struct services *services_of(struct world *w)
{
    struct services *all = world_part(w, "services");

    if (all)
        return all;
    all = mem_zalloc(sizeof *all);
    all->world = w;
    all->by_name = strmap_create();
    all->calls = json_array();
    all->made = json_object();
    TAILQ_INIT(&all->exchanges);
    world_attach(w, "services", all, services_end);
    return all;
}

void services_on_call(struct services *all, call_hook_fn *fn, unsigned (*mark_of)(void *cookie),
                      void *cookie)
{
    all->hook = fn;
    all->mark_of = mark_of;
    all->hook_cookie = cookie;
}

/* ---- names ---- */

static bool serves(const struct service *s)
{
    return s->host && !process_crashed(s->process);
}

int services_open(struct services *all, struct host *h, struct process *p, const char *service,
                  host_service_fn *fn, void *cookie, struct err *reterr)
{
    struct service *s = strmap_get(all->by_name, service);

    if (process_crashed(p))
        return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
    if (s && serves(s))
        return err_set(reterr, ERR_INVALID, NO_POS, "'%s' is served already, by %s", service,
                       process_name(s->process));
    if (!s) {
        s = mem_zalloc(sizeof *s);
        s->all = all;
        s->name = mem_strdup(service);
        s->link = true;
        strmap_put(all->by_name, service, s);
    }
    s->host = h;
    s->process = p;
    s->fn = fn;
    s->cookie = cookie;
    return 0;
}

void services_forget(struct world *w, const struct host *h)
{
    struct services *all = world_part(w, "services");
    size_t i = 0;
    const char *name;
    void *value;

    while (all && strmap_each(all->by_name, &i, &name, &value)) {
        struct service *s = value;

        if (s->host == h)
            s->host = NULL;
    }
}

bool services_set_link(struct services *all, const char *service, bool up)
{
    struct service *s = strmap_get(all->by_name, service);
    struct host_exchange *x;

    if (!s)
        return false;
    s->link = up;
    TAILQ_FOREACH(x, &all->exchanges, link)
    if (x->service == s)
        waitcell_signal(x->cell);
    return true;
}

/* ---- an exchange ---- */

static void copy_request(struct host_exchange *x, const struct http_request *req)
{
    x->method = mem_strdup(req->method);
    x->target = mem_strdup(req->target);
    for (size_t i = 0; i < req->header_count; i++)
        http_reply_add(&x->texts, req->headers[i].name, req->headers[i].value);
    if (req->body)
        http_reply_body(&x->texts, req->body, req->body_len);
    x->fields = mem_zalloc((req->header_count + 1) * sizeof *x->fields);
    for (size_t i = 0; i < req->header_count; i++)
        x->fields[i] = (struct http_field){x->texts.headers[i].name, x->texts.headers[i].value};
    x->request = (struct http_request){.method = x->method,
                                       .target = x->target,
                                       .headers = x->fields,
                                       .header_count = x->texts.header_count,
                                       .body = x->texts.body,
                                       .body_len = x->texts.body_len};
}

void exchange_release(struct host_exchange *x)
{
    if (--x->refs > 0)
        return;
    TAILQ_REMOVE(&x->service->all->exchanges, x, link);
    waitcell_destroy(x->cell);
    http_reply_finish(&x->texts);
    http_reply_finish(&x->reply);
    strbuf_finish(&x->data);
    free(x->fields);
    free(x->method);
    free(x->target);
    free(x);
}

static void run_exchange(void *arg)
{
    struct host_exchange *x = arg;
    struct service *s = x->service;

    x->actor = actor_self(world_sched(s->all->world));
    if (!process_crashed(x->process)) /* else what the cookie points to may be gone */
        s->fn(s->cookie, x->host, x, &x->request);
    x->actor = NULL;
    x->ended = true;
    waitcell_signal(x->cell);
    simhost_release(x->host);
    exchange_release(x);
}

struct host_exchange *exchange_begin(struct service *s, const struct service_caller *who,
                                     const struct http_request *req)
{
    struct services *all = s->all;
    struct host_exchange *x = mem_zalloc(sizeof *x);

    x->service = s;
    x->refs = 2;
    x->host = s->host;
    x->process = s->process;
    x->by_scenario = strcmp(who->by, "scenario") == 0;
    x->mark = all->mark_of ? all->mark_of(all->hook_cookie) : 0;
    x->cell = waitcell_create(world_sched(all->world), "answer");
    copy_request(x, req);
    TAILQ_INSERT_TAIL(&all->exchanges, x, link);
    simhost_hold(x->host);
    actor_spawn(s->process, "http", run_exchange, x);
    return x;
}

unsigned services_acting_for(const struct services *all)
{
    const struct actor *self = actor_self(world_sched(all->world));
    const struct host_exchange *x;

    TAILQ_FOREACH(x, &all->exchanges, link)
    if (self && x->actor == self)
        return x->mark;
    return 0;
}

/* ---- answering ---- */

static int crashed(struct err *reterr)
{
    return err_set(reterr, ERR_CRASHED, NO_POS, "crashed");
}

/* That an answer goes out is an effect: a crash may fall before it and after it. */
static int answer_effect(struct host_exchange *x, enum request_moment moment, struct err *reterr)
{
    struct service *s = x->service;
    AUTO(str) char *path = http_path(x->target);
    AUTO(str) char *what = mem_printf("%s %s", x->method, path);
    struct process *p = actor_process(actor_self(world_sched(s->all->world)));
    struct effect_info info = {EFFECT_REPLY, what, process_name(p)};

    world_notify_effect(s->all->world, moment, &info);
    return process_crashed(p) ? crashed(reterr) : 0;
}

static int check_taker(const struct host_exchange *x, struct err *reterr)
{
    if (x->gone)
        return err_set(reterr, ERR_IO, NO_POS, "the caller has gone");
    return 0;
}

/* The way out is a scheduling point; the caller may be gone behind it. */
static int way_out(struct host_exchange *x, const char *what, struct err *reterr)
{
    if (answer_effect(x, REQUEST_BEFORE, reterr) < 0)
        return -1;
    if (sched_point(world_sched(x->service->all->world), what) != SCHED_OK)
        return crashed(reterr);
    return check_taker(x, reterr);
}

static void copy_head(struct host_exchange *x, const struct http_reply *r)
{
    assert(!x->begun);
    x->reply.code = r->code;
    x->reply.queries = r->queries;
    for (size_t i = 0; i < r->header_count; i++)
        http_reply_add(&x->reply, r->headers[i].name, r->headers[i].value);
    x->begun = true;
}

static int simhost_answer(struct host_exchange *x, const struct http_reply *r, bool whole,
                          struct err *reterr)
{
    if (way_out(x, "answer", reterr) < 0)
        return -1;
    copy_head(x, r);
    if (whole && r->body)
        strbuf_add(&x->data, r->body, r->body_len);
    x->whole = whole;
    waitcell_signal(x->cell);
    return answer_effect(x, REQUEST_COMMITTED, reterr);
}

int simhost_reply(struct host *h, struct host_exchange *x, const struct http_reply *r,
                  struct err *reterr)
{
    (void)h;
    return simhost_answer(x, r, true, reterr);
}

int simhost_reply_begin(struct host *h, struct host_exchange *x, const struct http_reply *head,
                        struct err *reterr)
{
    (void)h;
    return simhost_answer(x, head, false, reterr);
}

int simhost_reply_more(struct host *h, struct host_exchange *x, const void *data, size_t len,
                       struct err *reterr)
{
    (void)h;
    assert(x->begun && !x->whole);
    if (sched_point(world_sched(x->service->all->world), "more") != SCHED_OK)
        return crashed(reterr);
    if (check_taker(x, reterr) < 0)
        return -1;
    if (len > HTTP_BODY_MAX - x->data.len) {
        x->gone = true; /* as by a connection that nobody reads */
        waitcell_signal(x->cell);
        return err_set(reterr, ERR_LIMIT, NO_POS, "the caller does not read what is sent");
    }
    strbuf_add(&x->data, data, len);
    waitcell_signal(x->cell);
    return 0;
}

enum host_wait simhost_reply_wait(struct host *h, struct host_exchange *x, struct host_event *e,
                                  int64_t until_ns, bool *ret_gone)
{
    enum host_wait got = HOST_OK;

    x->idle = simhost_event_cell(e);
    if (!x->gone)
        got = host_event_wait(h, e, until_ns);
    x->idle = NULL;
    *ret_gone = x->gone;
    return got;
}
