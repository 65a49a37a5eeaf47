/* See services.h. The caller's side: faults, moments, the trace, what is remembered. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/time.h"
#include "runner/services_priv.h"
#include "runner/simhost_priv.h"

/* ---- texts ---- */

char *http_path(const char *target)
{
    return mem_strndup(target, strcspn(target, "?"));
}

json_t *http_body_json(const char *body, size_t len)
{
    json_t *v = body ? json_read(body, len, "body", NULL) : json_null();

    return v ? v : json_stringn(body, len) ?: json_string("(no text)");
}

/* ---- one call ---- */

struct calling {
    struct services *all;
    struct call_info info;
    char *path;
    const char *query; /* in the target; "" */
};

static void calling_init(struct calling *c, struct services *all, const char *service,
                         const struct service_caller *who, const struct http_request *req)
{
    const char *mark = strchr(req->target, '?');

    *c = (struct calling){.all = all,
                          .info = {.service = service, .caller = *who, .request = req},
                          .path = http_path(req->target),
                          .query = mark ? mark + 1 : ""};
}

static void notify(struct calling *c, enum request_moment moment)
{
    if (c->all->hook)
        c->all->hook(c->all->hook_cookie, moment, &c->info);
}

static int crashed(struct err *reterr)
{
    return err_set(reterr, ERR_CRASHED, NO_POS, "the process has crashed");
}

static struct sched *sched_of(const struct calling *c)
{
    return world_sched(c->all->world);
}

/* ---- what is told of it ---- */

static json_t *call_json(const struct calling *c)
{
    const struct http_request *req = c->info.request;
    const struct http_reply *r = c->info.reply;
    char time[TIME_TEXT];

    time_format(world_now(c->all->world), time);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o, s:o}", "service",
                     c->info.service, "method", req->method, "path", c->path, "query", c->query,
                     "by", c->info.caller.by, "user", c->info.caller.user, "code", r ? r->code : 0,
                     "time", time, "request", http_body_json(req->body, req->body_len), "response",
                     http_body_json(r ? r->body : NULL, r ? r->body_len : 0));
}

static void trace_call(const struct calling *c, const json_t *call)
{
    struct trace *t = world_trace(c->all->world);

    if (!trace_on(t))
        return;
    trace_begin(t, world_now(c->all->world), "call");
    trace_str(t, "service", c->info.service);
    trace_str(t, "by", c->info.caller.by);
    trace_str(t, "user", *c->info.caller.user ? c->info.caller.user : NULL);
    trace_str(t, "method", c->info.request->method);
    trace_str(t, "path", c->path);
    trace_str(t, "query", *c->query ? c->query : NULL);
    trace_int(t, "code", json_int(call, "code", 0));
    if (c->info.request->body)
        trace_json(t, "request", json_object_get(call, "request"));
    if (c->info.reply && c->info.reply->body)
        trace_json(t, "response", json_object_get(call, "response"));
    trace_end(t);
}

static size_t body_bytes(const struct calling *c)
{
    return c->info.request->body_len + (c->info.reply ? c->info.reply->body_len : 0);
}

static void remember_made(struct services *all, const json_t *call)
{
    json_t *answer = json_object_get(call, "response");
    int64_t code = json_int(call, "code", 0);

    if (strcmp(json_str_or_empty(call, "method"), "POST") == 0 && (code == 200 || code == 201) &&
        strcmp(json_str_or_empty(call, "by"), "scenario") == 0 && json_str(answer, "id") &&
        json_str(answer, "metadata.name"))
        json_object_set(all->made, json_str(answer, "metadata.name"), answer);
}

/* As soon as it is known what came of it; code 0: no answer. */
static void tell(struct calling *c)
{
    json_t *call = call_json(c);

    trace_call(c, call);
    c->all->bytes += body_bytes(c);
    if (json_array_size(c->all->calls) < SERVICE_CALLS_MAX &&
        c->all->bytes <= SERVICE_CALLS_BYTES_MAX) {
        remember_made(c->all, call);
        json_array_append_new(c->all->calls, call);
        c->info.told = call;
        return;
    }
    c->all->forgot = true;
    json_decref(call);
}

json_t *services_calls(const struct services *all, const char *service, struct err *reterr)
{
    json_t *out, *call;
    size_t i;

    if (all->forgot) {
        err_set(reterr, ERR_LIMIT, NO_POS,
                "more than %u calls, or %u MiB in their bodies: not all are remembered",
                SERVICE_CALLS_MAX, SERVICE_CALLS_BYTES_MAX >> 20);
        return NULL;
    }
    out = json_array();
    json_array_foreach(all->calls, i,
                       call) if (!*service || strcmp(service, json_str_or_empty(call, "service")) ==
                                                  0) json_array_append(out, call);
    return out;
}

json_t *services_made(const struct services *all, const char *name)
{
    return json_object_get(all->made, name);
}

/* ---- faults ---- */

static const json_t *fault_of(const struct calling *c)
{
    const struct fault_attr attrs[] = {{"service", c->info.service},
                                       {"method", c->info.request->method},
                                       {"path", c->path},
                                       {"by", c->info.caller.by}};

    return fault_hit(world_faults(c->all->world), "http", attrs, ARRAY_LEN(attrs));
}

static bool says(const json_t *action, const char *word)
{
    return strcmp(json_str_or_empty(action, "answer"), word) == 0;
}

static int timed_out(const struct calling *c, struct err *reterr)
{
    return err_set(reterr, ERR_IO, NO_POS, "service '%s' has not answered for %d s",
                   c->info.service, (int)(SERVICE_PATIENCE_NS / NS_PER_S));
}

/* A service's errors are JSON. */
static void answer_with(struct http_reply *ret, int code, const char *message)
{
    AUTO(json) json_t *body = json_pack("{s:i, s:s}", "code", code, "message", message);
    AUTO(str) char *text = json_text(body);

    *ret = (struct http_reply){.code = code};
    http_reply_add(ret, "content-type", "application/json");
    if (code == 429)
        http_reply_add(ret, "retry-after", "1");
    http_reply_body(ret, text, strlen(text));
}

static bool fault_answers(const json_t *action, struct http_reply *ret)
{
    int code = (int)json_integer_value(json_object_get(action, "answer"));

    if (code)
        answer_with(ret, code, "answered by a fault of the scenario");
    return code != 0;
}

/* ---- waiting ---- */

static bool cut(const struct host_exchange *x)
{
    return !x->service->link && !x->by_scenario;
}

static int no_route(const char *service, struct err *reterr)
{
    return err_set(reterr, ERR_IO, NO_POS, "service '%s': no route to host", service);
}

/* Until the head of the answer is there, or all of it. */
static int wait_for_answer(struct calling *c, struct host_exchange *x, bool whole, int64_t until,
                           struct err *reterr)
{
    while (!(whole ? x->whole || x->ended : x->begun || x->ended)) {
        enum sched_result got;

        if (cut(x))
            return no_route(c->info.service, reterr);
        got = waitcell_wait(x->cell, until);
        if (got == SCHED_CRASHED)
            return crashed(reterr);
        if (got == SCHED_TIMEOUT)
            return timed_out(c, reterr);
    }
    if (cut(x))
        return no_route(c->info.service, reterr);
    if (!x->begun)
        return err_set(reterr, ERR_IO, NO_POS,
                       "service '%s' has closed the connection without an answer", c->info.service);
    if (!x->whole && x->ended && process_crashed(x->process) && whole)
        return err_set(reterr, ERR_IO, NO_POS, "service '%s' has broken off its answer",
                       c->info.service);
    return 0;
}

static void take_answer(struct host_exchange *x, struct http_reply *ret)
{
    *ret = x->reply;
    x->reply = (struct http_reply){0};
    if (x->data.len || x->whole)
        http_reply_body(ret, strbuf_str(&x->data), x->data.len);
    strbuf_reset(&x->data);
}

static void leave(struct host_exchange *x)
{
    x->gone = true;
    if (x->idle)
        waitcell_signal(x->idle);
    exchange_release(x);
}

/* ---- the way ---- */

static struct service *find_service(struct calling *c, struct err *reterr)
{
    struct service *s = strmap_get(c->all->by_name, c->info.service);

    if (s && s->host && !process_crashed(s->process))
        return s;
    err_set(reterr, ERR_IO, NO_POS, "service '%s': connection refused", c->info.service);
    return NULL;
}

static bool is_cut(const struct calling *c)
{
    const struct service *s = strmap_get(c->all->by_name, c->info.service);

    return s && !s->link && strcmp(c->info.caller.by, "scenario") != 0;
}

/* To the service, whose task then runs. 1: *ret has an answer that is not the service's; 0: *ret_x
 * is under way; -1. */
static int go(struct calling *c, struct http_reply *ret, struct host_exchange **ret_x,
              const json_t **ret_action, struct err *reterr)
{
    struct service *s;
    int64_t delay;

    if (is_cut(c))
        return no_route(c->info.service, reterr);
    *ret_action = fault_of(c);
    delay = json_int(*ret_action, "delay", 0);
    if (delay > 0 && sched_sleep(sched_of(c), delay) != SCHED_OK)
        return crashed(reterr);
    if (says(*ret_action, "timeout")) {
        if (sched_sleep(sched_of(c), SERVICE_PATIENCE_NS) != SCHED_OK)
            return crashed(reterr);
        return timed_out(c, reterr);
    }
    if (fault_answers(*ret_action, ret))
        return 1;
    if (c->info.request->body_len > HTTP_BODY_MAX) {
        answer_with(ret, 413, "the request is too large");
        return 1;
    }
    s = find_service(c, reterr);
    if (!s)
        return -1;
    *ret_x = exchange_begin(s, &c->info.caller, c->info.request);
    return 0;
}

/* The first half: 0 with *ret, or with *ret_x whose head is known; -1. */
static int begin(struct calling *c, bool whole, struct http_reply *ret,
                 struct host_exchange **ret_x, const json_t **ret_action, struct err *reterr)
{
    int64_t until;
    int went;

    *ret_x = NULL;
    *ret_action = NULL;
    if (sched_crashed(sched_of(c)))
        return crashed(reterr);
    notify(c, REQUEST_BEFORE);
    if (sched_crashed(sched_of(c)) || sched_point(sched_of(c), "call") != SCHED_OK)
        return crashed(reterr);
    until = world_now(c->all->world) + SERVICE_PATIENCE_NS;
    went = go(c, ret, ret_x, ret_action, reterr);
    if (went != 0)
        return went < 0 ? -1 : 0;
    if (wait_for_answer(c, *ret_x, whole, until, reterr) == 0 &&
        (whole || (*ret_x)->reply.code < 300 ||
         wait_for_answer(c, *ret_x, true, until, reterr) == 0))
        return 0;
    leave(*ret_x);
    *ret_x = NULL;
    return -1;
}

/* The caller's other two moments; the answer may be lost between them. */
static int arrive(struct calling *c, const struct http_reply *r, const json_t *action,
                  struct err *reterr)
{
    c->info.reply = r;
    tell(c);
    notify(c, REQUEST_COMMITTED);
    if (sched_crashed(sched_of(c)) || sched_point(sched_of(c), "answer") != SCHED_OK)
        return crashed(reterr);
    if (says(action, "lost"))
        return err_set(reterr, ERR_IO, NO_POS, "service '%s': the connection was reset",
                       c->info.service);
    notify(c, REQUEST_AFTER);
    return sched_crashed(sched_of(c)) ? crashed(reterr) : 0;
}

static int call(struct calling *c, struct http_reply *ret, struct err *reterr)
{
    struct host_exchange *x;
    const json_t *action;

    if (begin(c, true, ret, &x, &action, reterr) < 0) {
        if (!sched_crashed(sched_of(c)))
            tell(c);
        return -1;
    }
    if (x) {
        take_answer(x, ret);
        leave(x);
    }
    if (arrive(c, ret, action, reterr) == 0)
        return 0;
    http_reply_finish(ret);
    return -1;
}

int services_call(struct services *all, const char *service, const struct service_caller *who,
                  const struct http_request *req, struct http_reply *ret, struct err *reterr)
{
    struct calling c;
    int r;

    calling_init(&c, all, service, who, req);
    r = call(&c, ret, reterr);
    free(c.path);
    return r;
}

/* ---- streams ---- */

struct host_stream {
    struct host_exchange *x; /* NULL: it was no stream, and last has all of it */
    char *last;              /* what the caller has, and its length */
    size_t last_len;
    bool given;
};

static struct host_stream *stream_of(struct host_exchange *x, struct http_reply *whole)
{
    struct host_stream *s = mem_zalloc(sizeof *s);

    s->x = x;
    s->last = TAKE(whole->body);
    s->last_len = whole->body_len;
    http_reply_finish(whole);
    return s;
}

static bool is_fine(int code)
{
    return code >= 200 && code < 300;
}

static struct host_stream *stream(struct calling *c, struct http_reply *ret_error,
                                  struct err *reterr)
{
    struct http_reply r = {0}, head;
    struct host_exchange *x;
    const json_t *action;

    if (begin(c, false, &r, &x, &action, reterr) < 0) {
        if (!sched_crashed(sched_of(c)))
            tell(c);
        return NULL;
    }
    if (x && !is_fine(x->reply.code)) {
        take_answer(x, &r);
        leave(TAKE(x));
    }
    head = (struct http_reply){.code = x ? x->reply.code : r.code};
    if (arrive(c, x ? &head : &r, action, reterr) < 0) {
        if (x)
            leave(x);
        http_reply_finish(&r);
        return NULL;
    }
    if (x || is_fine(r.code))
        return stream_of(x, &r);
    *ret_error = r;
    return NULL;
}

struct host_stream *services_stream(struct services *all, const char *service,
                                    const struct service_caller *who,
                                    const struct http_request *req, struct http_reply *ret_error,
                                    struct err *reterr)
{
    struct calling c;
    struct host_stream *s;

    calling_init(&c, all, service, who, req);
    s = stream(&c, ret_error, reterr);
    free(c.path);
    return s;
}

static enum host_wait give(struct host_stream *s, const char **ret, size_t *ret_len)
{
    s->given = true;
    *ret = s->last_len ? s->last : NULL;
    *ret_len = s->last_len;
    return HOST_OK;
}

enum host_wait simhost_stream_next(struct host *h, struct host_stream *s, int64_t until_ns,
                                   const char **ret, size_t *ret_len)
{
    struct host_exchange *x = s->x;

    if (host_crashed(h))
        return HOST_CRASHED;
    if (!x && !s->given)
        return give(s, ret, ret_len);
    free(TAKE(s->last));
    s->last_len = 0;
    while (x && !x->data.len && !x->ended && !x->whole && !x->gone && !cut(x)) {
        enum sched_result got = waitcell_wait(x->cell, until_ns);

        if (got != SCHED_OK)
            return got == SCHED_TIMEOUT ? HOST_TIMEOUT : HOST_CRASHED;
    }
    if (!x || cut(x) || !x->data.len)
        return HOST_OK;
    s->last_len = x->data.len;
    s->last = strbuf_take(&x->data);
    return give(s, ret, ret_len);
}

void simhost_stream_close(struct host *h, struct host_stream *s)
{
    (void)h;
    if (s->x)
        leave(s->x);
    free(s->last);
    free(s);
}
