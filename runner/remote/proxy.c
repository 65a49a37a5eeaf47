/* The actor that stands for one task of a process: it resumes the task, waits for its next call
 * while the world stands still, and performs that call on the simulated host. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/remote/front_priv.h"

/* ---- speaking ---- */

/* Half a message is as bad as none. */
static int piece_ms(const struct remote *r)
{
    return (int)(r->front->config.watchdog_ns / 1000000);
}

static void fail_by(struct remote *r, const struct err *e)
{
    if (e->code == ERR_NOT_FOUND)
        remote_died(r);
    else
        remote_fail(r, "cannot be understood: %s", e->msg);
}

static int resume(struct proxy *p, struct wire_message *m)
{
    struct remote *r = p->remote;
    AUTO(err) struct err e = {0};

    if (r->dead)
        return -1;
    m->task = p->task;
    m->now_ns = host_now(r->host);
    m->crashed = host_crashed(r->host);
    m->stopping = host_stopping(r->host);
    if (wire_send(r->control, m, piece_ms(r), &e) == 0)
        return 0;
    fail_by(r, &e);
    return -1;
}

static int listen_to(struct proxy *p, struct wire_message *ret)
{
    struct remote *r = p->remote;
    AUTO(err) struct err e = {0};

    if (front_wait(r->front, p) < 0)
        return -1;
    if (wire_receive(r->control, ret, piece_ms(r), &e) < 0) {
        fail_by(r, &e);
        return -1;
    }
    if (ret->task == p->task)
        return 0;
    remote_fail(r, "spoke for task %u when task %u ran", ret->task, p->task);
    return -1;
}

int proxy_nonsense(struct proxy *p, const struct wire_message *m)
{
    remote_fail(p->remote, "made a call (%d) that nobody can answer", (int)m->op);
    return -1;
}

void reply_put(struct wire_message *ret, const char *key, json_t *value)
{
    json_object_set_new(ret->json, key, value);
}

int reply_error(struct wire_message *ret, struct err *e)
{
    wire_put_error(ret, e);
    err_clear(e);
    return 0;
}

/* ---- the task ---- */

static int perform(struct proxy *p, const struct wire_message *m)
{
    AUTO(wire) struct wire_message reply = {.op = WIRE_RESUME, .json = json_object()};

    if (!proxy_calls[m->op])
        return proxy_nonsense(p, m);
    if (proxy_calls[m->op](p, m, &reply) < 0)
        return -1;
    return resume(p, &reply);
}

/* How a task says that it has ended. */
static int take_end(const struct wire_message *m, struct err *reterr)
{
    if (wire_take_error(m, reterr) < 0)
        return -1;
    return 0;
}

static int converse(struct proxy *p, struct wire_message *first, struct err *reterr)
{
    if (resume(p, first) < 0)
        return err_set(reterr, ERR_IO, NO_POS, "its process has died");
    for (;;) {
        AUTO(wire) struct wire_message m = {0};

        if (listen_to(p, &m) < 0)
            break;
        if (m.op == WIRE_END)
            return take_end(&m, reterr);
        if (perform(p, &m) < 0)
            break;
    }
    return err_set(reterr, ERR_IO, NO_POS, "its process has died");
}

int proxy_run(struct remote *r, uint32_t task, struct wire_message *first, struct err *reterr)
{
    struct front *f = r->front;
    struct proxy p = {.remote = r, .task = task};
    AUTO(wire) struct wire_message m = *first;
    int result;

    *first = (struct wire_message){0};
    r->proxies++;
    TAILQ_INSERT_TAIL(&f->proxies, &p, link);
    result = converse(&p, &m, reterr);
    TAILQ_REMOVE(&f->proxies, &p, link);
    if (p.exchange) {
        http_on_abandoned(p.exchange, NULL, NULL);
        http_abort(p.exchange);
    }
    err_clear(&p.no_answer);
    if (--r->proxies > 0)
        return result;
    slots_finish(r);
    remote_leave(r);
    return result;
}
