/* Requests and watches of a sealed process: HTTP over the world's socket. The world is told first
 * that the next call comes that way; its resume then says what to expect there. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/remote/guest_priv.h"

/* ---- starting ---- */

static struct transfer *begin(struct guest *g, const char *cluster, const struct api_request *req)
{
    AUTO(api_call) struct api_call call = {0};
    AUTO(str) char *task = mem_printf("X-Vmconform-Task: %s.%u", g->tag, g->running->id);
    const char *const headers[] = {task, NULL};
    struct transfer_server server = g->server;
    struct transfer *x;
    struct err e = {0};

    api_call_make(req, &call);
    guest_send(g, WIRE_HTTP, cluster ? json_pack("{s:s}", "cluster", cluster) : json_object(), NULL,
               0);
    server.headers = headers;
    x = transfer_start(g->transfers, &server, &call, &e);
    if (!x)
        guest_die(&e);
    transfers_step(g->transfers);
    return x;
}

static bool is_refused(const struct task *t)
{
    return json_object_get(t->resume.json, "error") != NULL;
}

static bool has_answer(const struct task *t)
{
    return is_refused(t) || transfer_done(t->transfer);
}

static bool is_open(const struct task *t)
{
    return json_object_get(t->resume.json, "watch") || has_answer(t);
}

static bool has_event(const struct task *t)
{
    return !json_bool(t->resume.json, "event", false) || transfer_has_line(t->transfer) ||
           transfer_done(t->transfer);
}

/* The world has answered, and it must be there. */
static void must_be_there(int result, const struct err *e)
{
    if (result < 0)
        guest_die(e);
}

/* ---- one exchange ---- */

int guest_request(struct host *h, const char *cluster, const struct api_request *req,
                  struct api_response *ret, struct err *reterr)
{
    struct guest *g = guest_of(h);
    AUTO(transfer) struct transfer *x = begin(g, cluster, req);
    const struct wire_message *reply = guest_wait(g, has_answer, x);
    struct err e = {0};

    if (wire_take_error(reply, reterr) < 0)
        return -1;
    must_be_there(transfer_answer(x, ret, &e), &e);
    return 0;
}

/* ---- watches ---- */

struct host_watch {
    struct transfer *transfer;
    int64_t id;   /* the world's */
    json_t *last; /* the object that the component reads */
};

static void read_event(struct transfer *x, struct api_event *ret)
{
    struct err e = {0};
    size_t len = 0;
    const char *line = transfer_line(x, &len);

    if (!line && err_set(&e, ERR_IO, NO_POS, "a watch ended before its event came"))
        guest_die(&e);
    must_be_there(api_event_read(line, len, ret, &e), &e);
}

/* Errors of the past or the future are told inside a stream: to a component they are a watch that
 * was refused. */
static void read_refusal(struct transfer *x, struct api_response *ret)
{
    struct api_event event = {0};
    struct err e = {0};

    if (transfer_code(x) != 200) {
        must_be_there(transfer_answer(x, ret, &e), &e);
        return;
    }
    must_be_there(transfer_check(x, &e), &e);
    read_event(x, &event);
    ret->body = event.object;
    ret->code = (int)json_int(event.object, "code", 500);
}

struct host_watch *guest_watch_open(struct host *h, const char *cluster,
                                    const struct api_request *req, struct api_response *ret_error,
                                    struct err *reterr)
{
    struct guest *g = guest_of(h);
    AUTO(transfer) struct transfer *x = begin(g, cluster, req);
    const struct wire_message *reply = guest_wait(g, is_open, x);
    int64_t id = json_int(reply->json, "watch", 0);
    struct host_watch *w;

    if (wire_take_error(reply, reterr) < 0)
        return NULL;
    if (!id) {
        read_refusal(x, ret_error);
        return NULL;
    }
    w = mem_zalloc(sizeof *w);
    w->transfer = TAKE(x);
    w->id = id;
    return w;
}

enum host_wait guest_watch_next(struct host *h, struct host_watch *w, int64_t until_ns,
                                struct api_event *ret, bool *ret_ended)
{
    struct guest *g = guest_of(h);
    const struct wire_message *reply;

    guest_send(g, WIRE_WATCH_NEXT,
               json_pack("{s:I, s:I}", "id", (json_int_t)w->id, "until", (json_int_t)until_ns),
               NULL, 0);
    reply = guest_wait(g, has_event, w->transfer);
    *ret_ended = json_bool(reply->json, "ended", false);
    if (json_bool(reply->json, "event", false)) {
        read_event(w->transfer, ret);
        json_decref(w->last);
        w->last = ret->object;
    }
    return (enum host_wait)json_int(reply->json, "wait", HOST_CRASHED);
}

void guest_watch_close(struct host *h, struct host_watch *w)
{
    guest_call(guest_of(h), WIRE_WATCH_CLOSE, json_pack("{s:I}", "id", (json_int_t)w->id), NULL, 0);
    transfer_end(w->transfer);
    json_decref(w->last);
    free(w);
}
