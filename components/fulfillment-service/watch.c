#include "components/fulfillment-service/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/object.h"
#include "kube/time.h"

#define BATCH 100 /* events read at a time */

/* What a number would tell of other tenants' events, a digest of it does not. New. */
static char *event_id(const struct service *s, int64_t number)
{
    AUTO(str) char *text = mem_printf("event/%s/%lld", s->token_key, (long long)number);
    char hex[DIGEST_HEX];
    digest_of(text, strlen(text), hex);
    return mem_printf("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static bool is_visible(const struct call *c, const struct store_event *e)
{
    const struct resource *r = resource_of(e->table);
    if (r->since > c->service->version)
        return false;
    if (c->is_private)
        return true;
    return r->public_message && e->type != EVENT_OBJECT_SIGNALED &&
           (c->who.admin || subject_sees(&c->who, e->row.tenant));
}

/* {"result":{"event":{...}}} and a newline; new. */
static char *event_line(const struct call *c, const struct store_event *e)
{
    const struct service *s = c->service;
    const struct resource *r = resource_of(e->table);
    AUTO(str) char *id = event_id(s, e->number);
    AUTO(str) char *type = mem_printf("EVENT_TYPE_%s", store_event_name(e->type));
    AUTO(json) json_t *event = json_object();
    json_put_str(event, "id", id);
    json_put_str(event, "type", type);
    json_object_set_new(event, r->event_member,
                        object_of_row(r->private_message, s->version, &e->row));
    const struct message *m = c->is_private ? &message_event_private : &message_event_public;
    AUTO(json)
    json_t *line = json_pack("{s:{s:o}}", "result", "event", message_encode(m, s->version, event));
    AUTO(str) char *text = json_text(line);
    return mem_printf("%s\n", text);
}

/* The next events, from *after on, which moves. -1: nothing more can be read or sent. */
static int send_batch(struct call *c, struct host *h, struct host_exchange *x, int64_t *after,
                      bool *ret_more)
{
    AUTO(store_events) struct store_events batch = {0};
    AUTO(err) struct err e = {0};
    AUTO(store_txn) struct store_txn *t = NULL;
    if (store_begin(c->service->store, &t, &e) != STORE_OK ||
        store_events_after(t, *after, BATCH, &batch, &e) != STORE_OK)
        return -1;
    store_rollback(TAKE(t)); /* others must not wait for who listens slowly */
    for (size_t i = 0; i < batch.count; i++) {
        if (!is_visible(c, &batch.events[i]))
            continue;
        AUTO(str) char *line = event_line(c, &batch.events[i]);
        if (host_reply_more(h, x, line, strlen(line), &e) < 0)
            return -1;
    }
    *ret_more = batch.count == BATCH;
    *after = batch.last;
    return 0;
}

/* Who listens must not hear more than the token allows: with it the stream ends. */
static int64_t end_of(const struct call *c)
{
    const json_t *exp = json_object_get(c->who.claims, "exp");
    double seconds = exp ? json_number_value(exp) : 0;
    if (!exp || seconds >= (double)(HOST_FOREVER / NS_PER_S))
        return HOST_FOREVER;
    return (int64_t)seconds * NS_PER_S;
}

static void stream(struct call *c, struct host *h, struct host_exchange *x, struct watcher *w,
                   int64_t after)
{
    AUTO(err) struct err e = {0};
    struct http_reply head __attribute__((cleanup(cleanup_http_reply))) = {.code = 200};
    http_reply_add(&head, "content-type", "application/json");
    if (host_reply_begin(h, x, &head, &e) < 0)
        return;
    for (;;) {
        bool more = true, gone;
        while (more)
            if (send_batch(c, h, x, &after, &more) < 0)
                return;
        if (host_reply_wait(h, x, w->cell, end_of(c), &gone) != HOST_OK || gone)
            return;
    }
}

void watch_run(struct call *c, struct host *h, struct host_exchange *x)
{
    AUTO(err) struct err e = {0};
    int64_t after;
    if (call_begin(c) < 0)
        return;
    struct watcher *w = service_watch(c->service);
    if (!w) {
        call_fail(c, RPC_RESOURCE_EXHAUSTED, "too many watches");
        return;
    }
    enum store_result r = store_last_event(c->txn, &after, &e);
    store_rollback(TAKE(c->txn));
    if (r == STORE_OK)
        stream(c, h, x, w, after);
    else
        call_fail_store(c, r, "", &e);
    service_unwatch(c->service, w);
}
