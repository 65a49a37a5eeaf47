/* What is answered where nothing is: the router of compiled kinds knows its paths and methods, the
 * one of definitions hands on what it does not know (kube-apiserver.md 1.1). */
#include <string.h>

#include "sim/rest/rest_priv.h"

#define NO_RESOURCE "the server could not find the requested resource"
#define NO_METHOD "the server does not allow this method on the requested resource"

/* The compiled kinds' router owns the whole group and version. */
static bool is_compiled_group(const struct rest_call *c)
{
    AUTO(catalog_groups) struct catalog_groups groups = {0};
    catalog_groups(c->r->server, &groups);
    for (size_t i = 0; i < groups.count; i++) {
        const struct catalog_group *g = &groups.items[i];
        if (!g->builtin || strcmp(g->name, c->route.group) != 0)
            continue;
        for (size_t k = 0; k < g->version_count; k++)
            if (strcmp(g->versions[k], c->route.version) == 0)
                return true;
    }
    return false;
}

static int no_such_path(struct rest_call *c)
{
    struct api_response resp = {0};
    if (!is_compiled_group(c))
        return answer_error_text(c, 404, "404 page not found");
    status_no_resource(&resp);
    return answer_response(c, &resp);
}

static int no_such_method(struct rest_call *c)
{
    struct api_response resp = {0};
    fail_status(&resp, 405, "MethodNotAllowed", NO_METHOD, /* with_details= */ true);
    return answer_response(c, &resp);
}

/* The verb that authorisation is asked about when the method has none. */
static int authorized(struct rest_call *c, const struct api_request *req)
{
    struct api_request asked = *req;
    struct api_response denied = {0};
    if (asked.verb == API_VERB_COUNT)
        asked.verb = API_GET;
    if (apiserver_authorize(c->r->server, &asked, &denied) < 0)
        return answer_response(c, &denied);
    return 0;
}

int call_no_method(struct rest_call *c, const struct api_request *req)
{
    if (authorized(c, req) < 0)
        return -1;
    return c->known ? no_such_method(c) : no_such_path(c);
}

int call_no_route(struct rest_call *c, const struct api_request *req)
{
    struct api_response resp = {0};
    if (authorized(c, req) < 0)
        return -1;
    if (!c->known || c->type.builtin || !req->name)
        return no_such_path(c);
    status_not_found(&resp, &req->resource, req->name);
    return answer_response(c, &resp);
}

static bool says_no_resource(const struct api_response *resp)
{
    return resp->code == 404 && strcmp(api_message(resp), NO_RESOURCE) == 0;
}

int call_unrouted(struct rest_call *c, const struct api_request *req, struct api_response *resp)
{
    bool lost = says_no_resource(resp);
    if (!lost && !(resp->code == 405 && c->type.builtin))
        return answer_response(c, resp);
    api_response_finish(resp);
    if (!c->known)
        return call_no_route(c, req);
    if (!lost)
        return no_such_method(c);
    if (!c->type.builtin && req->subresource && req->name) {
        status_not_found(resp, &req->resource, req->name);
        return answer_response(c, resp);
    }
    /* The collection of all namespaces is there, for other methods. */
    if (c->type.builtin && req->verb == API_CREATE && !req->name && c->type.namespaced)
        return no_such_method(c);
    return no_such_path(c);
}
