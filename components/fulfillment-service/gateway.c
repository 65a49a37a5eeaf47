/* HTTP and JSON in front of the methods, as grpc-gateway translates them, and beside it every
 * method by its full name: POST /osac.public.v1.ComputeInstances/List. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "components/fulfillment-service/call.h"
#include "components/fulfillment-service/descriptors.h"
#include "components/fulfillment-service/target.h"
#include "components/fulfillment-service/watch.h"
#include "components/runtime/config.h"

/* One request on its way in. */
struct gate {
    struct call *call;
    const struct http_request *req;
    struct target target;
    bool rest;      /* by path; else by full name */
    const char *id; /* of the path; NULL: none */
    json_t *wire;   /* the body; NULL: there is none */
};

/* ---- which method ---- */

static int not_found(struct gate *g)
{
    return call_fail(g->call, RPC_NOT_FOUND, "Not Found");
}

static int not_allowed(struct gate *g)
{
    return call_fail(g->call, RPC_UNIMPLEMENTED, "Method Not Allowed");
}

static const char *segment(const struct gate *g, size_t i)
{
    return i < g->target.count ? g->target.segments[i] : "";
}

static int find_watch(struct gate *g)
{
    g->call->verb = VERB_WATCH;
    g->call->resource = NULL;
    return strcmp(g->req->method, "GET") == 0 ? 0 : not_allowed(g);
}

static int find_rows(struct gate *g)
{
    g->call->verb = VERB_ROWS;
    g->call->resource = NULL;
    return strcmp(g->req->method, "GET") == 0 ? 0 : not_allowed(g);
}

/* /api/fulfillment/v1/COLLECTION[/ID], /api/private/v1/COLLECTION[/ID] */
static int find_by_path(struct gate *g)
{
    static const struct {
        const char *method;
        bool with_id;
        enum verb verb;
    } routes[] = {{"GET", false, VERB_LIST},
                  {"POST", false, VERB_CREATE},
                  {"GET", true, VERB_GET},
                  {"PATCH", true, VERB_UPDATE},
                  {"DELETE", true, VERB_DELETE}};
    struct call *c = g->call;
    size_t count = g->target.count;
    const char *name = segment(g, 3);
    bool with_id = count == 5;
    c->is_private = strcmp(segment(g, 1), "private") == 0;
    if (count < 4 || count > 5 || strcmp(segment(g, 0), "api") != 0 ||
        strcmp(segment(g, 2), "v1") != 0 ||
        (!c->is_private && strcmp(segment(g, 1), "fulfillment") != 0))
        return not_found(g);
    if (!with_id && strcmp(name, "events") == 0)
        return find_watch(g);
    if (!with_id && c->is_private && strcmp(name, "rows") == 0)
        return find_rows(g);
    c->resource = resource_find(c->service->version, c->is_private, name, strlen(name), true);
    if (!c->resource)
        return not_found(g);
    g->id = with_id ? segment(g, 4) : NULL;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        c->verb = routes[i].verb;
        if (routes[i].with_id == with_id && strcmp(routes[i].method, g->req->method) == 0)
            return resource_has(c->resource, c->is_private, c->verb) ? 0 : not_allowed(g);
    }
    return not_allowed(g);
}

static int unknown_service(struct gate *g)
{
    return call_fail(g->call, RPC_UNIMPLEMENTED, "unknown service %.128s", segment(g, 0));
}

static int find_verb(struct gate *g, const char *name)
{
    struct call *c = g->call;
    for (enum verb v = VERB_LIST; v < VERB_COUNT; v++) {
        c->verb = v;
        if (strcmp(verb_name(v), name) == 0 &&
            (c->resource ? resource_has(c->resource, c->is_private, v) : v == VERB_WATCH))
            return 0;
    }
    return call_fail(c, RPC_UNIMPLEMENTED, "unknown method %.64s for service %.128s", name,
                     segment(g, 0));
}

/* /osac.public.v1.SERVICE/METHOD */
static int find_by_name(struct gate *g)
{
    struct call *c = g->call;
    const char *service = segment(g, 0);
    c->is_private = strncmp(service, "osac.private.v1.", 16) == 0;
    if (!c->is_private && strncmp(service, "osac.public.v1.", 15) != 0)
        return unknown_service(g);
    service += c->is_private ? 16 : 15;
    if (strcmp(g->req->method, "POST") != 0)
        return not_allowed(g);
    c->resource =
        resource_find(c->service->version, c->is_private, service, strlen(service), false);
    if (!c->resource && strcmp(service, "Events") != 0)
        return unknown_service(g);
    return find_verb(g, segment(g, 1));
}

/* It is known before any method is looked for: g->call->response is the answer then. */
static bool is_reflection(struct gate *g)
{
    if (strcmp(g->req->target, DESCRIPTORS_TARGET) != 0 || strcmp(g->req->method, "GET") != 0)
        return false;
    g->call->response = descriptors(g->call->service->version);
    return true;
}

static int find_method(struct gate *g)
{
    AUTO(err) struct err e = {0};
    if (target_read(&g->target, g->req->target, &e) < 0)
        return call_fail(g->call, RPC_INVALID_ARGUMENT, "%s", e.msg);
    g->rest = g->target.count != 2 || strncmp(segment(g, 0), "osac.", 5) != 0;
    return g->rest ? find_by_path(g) : find_by_name(g);
}

/* ---- what it is called with ---- */

/* Also null is nothing. */
static int read_body(struct gate *g)
{
    AUTO(err) struct err e = {0};
    if (g->req->body_len > HTTP_BODY_MAX)
        return call_fail(g->call, RPC_RESOURCE_EXHAUSTED, "body is longer than %u bytes",
                         HTTP_BODY_MAX);
    if (!g->req->body || g->req->body_len == 0)
        return 0;
    AUTO(json) json_t *body = json_read(g->req->body, g->req->body_len, "body", &e);
    if (!body)
        return call_fail(g->call, RPC_INVALID_ARGUMENT, "%s", e.msg);
    if (!json_is_null(body))
        g->wire = TAKE(body);
    return 0;
}

static int copy_query(struct gate *g, json_t *wire, const char *name)
{
    json_t *value = json_object_get(g->target.query, name);
    if (json_is_array(value))
        return call_fail(g->call, RPC_INVALID_ARGUMENT, "too many values for field '%s'", name);
    if (value)
        json_object_set(wire, name, value);
    return 0;
}

static int query_of_list(struct gate *g, json_t *wire)
{
    static const char *const names[] = {"offset", "limit", "filter", "order"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (copy_query(g, wire, names[i]) < 0)
            return -1;
    return 0;
}

/* Go's ParseBool. */
static int parse_lock(struct gate *g, const json_t *text, json_t *wire)
{
    bool lock;
    if (!text)
        return 0;
    if (!config_parse_bool(text, &lock))
        return call_fail(g->call, RPC_INVALID_ARGUMENT, "lock: expected true or false");
    json_object_set_new(wire, "lock", json_boolean(lock));
    return 0;
}

/* The mask of the query, or that of the body's own fields. */
static int query_of_update(struct gate *g, json_t *wire)
{
    if (copy_query(g, wire, "update_mask") < 0 || copy_query(g, wire, "lock") < 0)
        return -1;
    AUTO(json) json_t *lock = json_incref(json_object_get(wire, "lock"));
    json_object_del(wire, "lock");
    return parse_lock(g, lock, wire);
}

static int decode(struct gate *g, const json_t *wire)
{
    AUTO(err) struct err e = {0};
    struct call *c = g->call;
    c->request = request_decode(c->resource, c->is_private, c->verb, c->service->version, wire, &e);
    return c->request ? 0 : call_fail(c, RPC_INVALID_ARGUMENT, "%s", e.msg);
}

/* A body is the object. Its id is that of the path. */
static int decode_object(struct gate *g, const json_t *query)
{
    AUTO(err) struct err e = {0};
    struct call *c = g->call;
    const struct message *m = call_message(c);
    if (decode(g, query) < 0)
        return -1;
    if (!g->wire && c->verb == VERB_CREATE)
        return 0;
    AUTO(json) json_t *nothing = json_object();
    const json_t *wire = g->wire ? g->wire : nothing;
    json_t *object = message_decode(m, c->service->version, wire, &e);
    if (!object)
        return call_fail(c, RPC_INVALID_ARGUMENT, "%s", e.msg);
    json_object_set_new(c->request, "object", object);
    if (c->verb != VERB_UPDATE)
        return 0;
    json_put_str(object, "id", g->id);
    if (!json_object_get(c->request, "update_mask"))
        json_object_set_new(c->request, "update_mask", mask_of_body(m, c->service->version, wire));
    return 0;
}

static int read_rest(struct gate *g)
{
    AUTO(json) json_t *wire = json_object();
    enum verb v = g->call->verb;
    if (v == VERB_LIST && query_of_list(g, wire) < 0)
        return -1;
    if (v == VERB_UPDATE && query_of_update(g, wire) < 0)
        return -1;
    if (v == VERB_GET || v == VERB_DELETE)
        json_put_str(wire, "id", g->id);
    if (v != VERB_CREATE && v != VERB_UPDATE)
        return decode(g, wire);
    return read_body(g) < 0 ? -1 : decode_object(g, wire);
}

static int read_named(struct gate *g)
{
    AUTO(json) json_t *nothing = json_object();
    return read_body(g) < 0 ? -1 : decode(g, g->wire ? g->wire : nothing);
}

static void read_headers(struct gate *g)
{
    const char *dry = http_request_header(g->req, "x-dry-run");
    g->call->authorization = http_request_header(g->req, "authorization");
    g->call->dry_run = g->call->verb == VERB_CREATE && dry && strcmp(dry, "true") == 0;
}

/* ---- the answer ---- */

static void answer(const struct gate *g, struct host *h, struct host_exchange *x)
{
    const struct call *c = g->call;
    AUTO(err) struct err e = {0};
    struct http_reply reply __attribute__((cleanup(cleanup_http_reply))) = {0};
    const json_t *object = g->rest ? json_object_get(c->response, "object") : NULL;
    AUTO(str)
    char *body = c->code == RPC_OK ? json_text(object ? object : c->response)
                                   : rpc_error_body(c->code, c->message);
    reply.code = rpc_http_status(c->code);
    reply.queries = (int64_t)c->queries;
    http_reply_add(&reply, "content-type", "application/json");
    size_t len = strlen(body);
    if (len > HTTP_BODY_MAX) {
        reply.code = rpc_http_status(RPC_RESOURCE_EXHAUSTED);
        free(body);
        body = rpc_error_body(RPC_RESOURCE_EXHAUSTED, "answer is too long: ask for fewer items");
        len = strlen(body);
    }
    http_reply_body(&reply, body, len);
    if (host_reply(h, x, &reply, &e) < 0)
        host_log(h, LOG_DEBUG, "answer not delivered: %s", e.msg);
}

static bool was_streamed(const struct call *c)
{
    return c->verb == VERB_WATCH && c->code == RPC_OK;
}

void gateway_serve(void *cookie, struct host *h, struct host_exchange *x,
                   const struct http_request *req)
{
    if (host_crashed(h))
        return; /* the cookie may be gone */
    AUTO(service) struct service *s = service_ref(cookie);
    struct call call __attribute__((cleanup(cleanup_call))) = {.service = s};
    struct gate g = {.call = &call, .req = req};
    if (!is_reflection(&g) && find_method(&g) == 0 &&
        (g.rest ? read_rest(&g) : read_named(&g)) == 0) {
        read_headers(&g);
        if (call.verb == VERB_WATCH)
            watch_run(&call, h, x);
        else
            call_run(&call);
    }
    if (!call.crashed && !was_streamed(&call))
        answer(&g, h, x);
    target_finish(&g.target);
    json_decref(g.wire);
}
