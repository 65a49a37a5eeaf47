/* A resource request: from the route to the pipeline and back. */
#include <string.h>

#include "kube/types/types.h"
#include "sim/rest/rest_priv.h"

/* ---- what is asked ---- */

static enum api_verb verb_of_get(const struct rest_call *c)
{
    if (c->route.watch_prefix)
        return API_WATCH;
    if (c->route.name)
        return API_GET;
    return query_bool(&c->query, "watch", NULL) ? API_WATCH : API_LIST;
}

/* API_VERB_COUNT: none that resources know. */
static enum api_verb verb_of(const struct rest_call *c)
{
    switch (c->method) {
    case METHOD_GET:
    case METHOD_HEAD:
        return verb_of_get(c);
    case METHOD_POST:
        return API_CREATE;
    case METHOD_PUT:
        return API_UPDATE;
    case METHOD_PATCH:
        return API_PATCH;
    case METHOD_DELETE:
        return c->route.name ? API_DELETE : API_DELETE_COLLECTION;
    case METHOD_OTHER:
        break;
    }
    return API_VERB_COUNT;
}

static bool is_namespace_itself(const struct route *r)
{
    return !*r->group && strcmp(r->plural, "namespaces") == 0;
}

static void fill_request(struct rest_call *c, struct api_request *req)
{
    const struct route *r = &c->route;
    *req = (struct api_request){
        .verb = verb_of(c),
        .resource = {r->group, r->version, r->plural},
        .ns = is_namespace_itself(r) ? NULL : r->ns,
        .name = r->name,
        .subresource = r->subresource,
        .user = c->identity ? c->identity->name : NULL,
        .identity = c->identity,
    };
    if (req->verb == API_WATCH)
        req->name = NULL; /* a field selector says it */
}

int call_refuse(struct rest_call *c, const struct api_request *req, struct api_response *resp)
{
    struct api_response denied = {0};
    if (apiserver_authorize(c->r->server, req, &denied) == 0)
        return answer_response(c, resp);
    api_response_finish(resp);
    return answer_response(c, &denied);
}

/* ---- what may be answered ---- */

static bool has_protobuf(const struct rest_call *c)
{
    return c->known && c->type.builtin &&
           kube_type_find(c->type.resource.group, c->type.resource.version, c->type.kind);
}

static int negotiate(struct rest_call *c, const struct api_request *req)
{
    const char *header = rest_header(c->req, "Accept");
    struct accept_offer offer = {.table = c->known && table_supported(c)};
    struct api_response resp = {0};
    c->settled = true;
    /* JSON is what is written fastest, and what every client that prefers protobuf reads too. */
    c->negotiated = accept_negotiate(header, &offer, &c->accept);
    if (!c->negotiated && has_protobuf(c)) {
        offer.plain_protobuf = true;
        c->negotiated = accept_negotiate(header, &offer, &c->accept);
    }
    c->accept.pretty = c->accept.pretty || wants_pretty(c->req, &c->query);
    if (c->negotiated)
        return 0;
    fail_status(&resp, 406, "NotAcceptable",
                "only the following media types are accepted: application/json, application/yaml, "
                "application/vnd.kubernetes.protobuf",
                /* with_details= */ false);
    return call_refuse(c, req, &resp);
}

/* Names that no object can have, since no path could lead to it. */
static int check_name(struct rest_call *c, const struct api_request *req)
{
    const char *name = req->name, *why = NULL;
    if (!name || !c->known)
        return 0;
    if (strcmp(name, ".") == 0)
        why = "may not be '.'";
    else if (strcmp(name, "..") == 0)
        why = "may not be '..'";
    else if (strchr(name, '%'))
        why = "may not contain '%'";
    if (!why)
        return 0;
    struct api_response resp = {0};
    status_bad_request(&resp, "Name parameter invalid: \"%s\": %s", name, why);
    return call_refuse(c, req, &resp);
}

/* ---- the exchange ---- */

static void send_request(struct rest_call *c, const struct api_request *req,
                         struct api_response *resp)
{
    const struct rest_backend *b = &c->r->config.backend;
    if (b->request)
        b->request(b->cookie, req, resp);
    else
        apiserver_handle(c->r->server, req, resp);
}

int call_resource_request(struct rest_call *c)
{
    struct api_request req;
    struct api_response resp = {0};
    fill_request(c, &req);
    c->known = catalog_find(c->r->server, &req.resource, &c->type);
    if (req.verb == API_VERB_COUNT)
        return call_no_method(c, &req);
    if (negotiate(c, &req) < 0 || check_name(c, &req) < 0)
        return -1;
    /* A world hears of what leads nowhere too: its faults and its trace do. */
    if (c->route.too_deep || (!c->known && !c->r->config.backend.request))
        return call_no_route(c, &req);
    if (call_patch_type(c, &req) < 0 || call_body(c, &req) < 0 || call_options(c, &req) < 0)
        return -1;
    if (req.verb == API_WATCH)
        return call_watch(c, &req);
    send_request(c, &req, &resp);
    return call_unrouted(c, &req, &resp);
}
