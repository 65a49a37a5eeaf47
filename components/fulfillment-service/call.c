#include "components/fulfillment-service/call.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/handlers.h"
#include "kube/time.h"

void call_finish(struct call *c)
{
    store_rollback(c->txn);
    subject_finish(&c->who);
    json_decref(c->request);
    json_decref(c->response);
    free(c->message);
    memset(c, 0, sizeof *c);
}

int call_fail(struct call *c, enum rpc_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    free(c->message);
    c->message = mem_vprintf(fmt, ap);
    c->code = code;
    va_end(ap);
    return -1;
}

int call_fail_missing(struct call *c, const struct resource *r, const char *id)
{
    return call_fail(c, RPC_NOT_FOUND, "%s%s%s", r->missing, id, r->missing_end);
}

/* What broke is for the log: callers learn that something did. */
static int fail_inside(struct call *c, const struct err *e)
{
    host_log(c->service->host, LOG_ERROR, "store: %s", e->msg ? e->msg : "failed");
    return call_fail(c, RPC_INTERNAL, "Internal error");
}

int call_fail_store(struct call *c, enum store_result r, const char *id, struct err *e)
{
    const char *text = e->msg ? e->msg : "";
    switch (r) {
    case STORE_OK:
        return 0;
    case STORE_NOT_FOUND:
        return call_fail_missing(c, c->resource, id);
    case STORE_EXISTS:
        return call_fail(c, RPC_ALREADY_EXISTS, "%s", text);
    case STORE_IMMUTABLE:
    case STORE_INVALID:
        return call_fail(c, RPC_INVALID_ARGUMENT, "%s", text);
    case STORE_NO_PARENT:
        return call_fail(c, RPC_NOT_FOUND, "compute instance \"%s\" not found", id);
    case STORE_CONFLICT:
        return call_fail(c, RPC_ABORTED, "concurrent modification detected, please retry");
    case STORE_NO_SPACE:
        call_fail(c, RPC_UNAVAILABLE, "no space left for the database");
        return -1;
    case STORE_CRASHED:
        c->crashed = true;
        return -1;
    case STORE_FAILED:
        break;
    }
    return fail_inside(c, e);
}

const struct message *call_message(const struct call *c)
{
    return c->is_private ? c->resource->private_message : c->resource->public_message;
}

json_t *call_view(const struct call *c, const json_t *object)
{
    return message_encode(call_message(c), c->service->version, object);
}

/* ---- the pipeline ---- */

static int authenticate(struct call *c)
{
    AUTO(err) struct err e = {0};
    const struct service *s = c->service;
    if (subject_authenticate(&c->who, c->authorization, s->token_key, s->admin_groups,
                             host_now(s->host) / NS_PER_S, &e) < 0)
        return call_fail(c, RPC_UNAUTHENTICATED, "%s", e.msg);
    c->scope = subject_scope(&c->who);
    return 0;
}

/* All public methods are on the list of what clients may call: it is what resources have. */
static int authorize(struct call *c)
{
    if (!c->is_private || c->who.admin)
        return 0;
    return call_fail(c, RPC_PERMISSION_DENIED, "permission denied");
}

int call_begin(struct call *c)
{
    AUTO(err) struct err e = {0};
    if (request_check(c->resource, c->is_private, c->request, &e) < 0)
        return call_fail(c, RPC_INVALID_ARGUMENT, "%s", e.msg);
    enum store_result r = store_begin(c->service->store, &c->txn, &e);
    if (r != STORE_OK)
        return call_fail_store(c, r, "", &e);
    if (authenticate(c) < 0)
        return -1;
    return authorize(c);
}

static int handle(struct call *c)
{
    static int (*const handlers[VERB_COUNT])(struct call *) = {
        [VERB_LIST] = handle_list,     [VERB_GET] = handle_get,       [VERB_CREATE] = handle_create,
        [VERB_UPDATE] = handle_update, [VERB_DELETE] = handle_delete, [VERB_SIGNAL] = handle_signal,
        [VERB_ROWS] = handle_rows,
    };
    return handlers[c->verb](c);
}

void call_run(struct call *c)
{
    bool failed = call_begin(c) < 0 || handle(c) < 0;

    if (c->txn)
        c->queries = store_queries(c->txn);
    if (failed || c->dry_run) {
        store_rollback(TAKE(c->txn));
        return;
    }
    AUTO(err) struct err e = {0};
    enum store_result r = store_commit(TAKE(c->txn), &e);
    if (r != STORE_OK)
        call_fail_store(c, r, "", &e);
}
