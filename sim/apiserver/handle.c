/* Routing: from a request to the resource type, the version and the verb. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/apiserver/server_priv.h"

static int route(struct call *c)
{
    const struct api_request *req = c->req;
    c->t = rtype_find(c->a, req->resource.group, req->resource.plural);
    if (!c->t)
        return status_no_resource(c->ret);
    c->v = rtype_version(c->t, req->resource.version ? req->resource.version : "");
    if (!c->v)
        return status_no_resource(c->ret);
    bool needs_ns = c->t->namespaced && (req->name || req->verb == API_CREATE);
    bool has_ns = req->ns && *req->ns;
    if ((has_ns && !c->t->namespaced) || (needs_ns && !has_ns))
        return status_no_resource(c->ret);
    return 0;
}

static bool subresource_known(const struct call *c)
{
    const char *sub = c->req->subresource;
    if (!sub)
        return true;
    if (strcmp(sub, "status") == 0)
        return c->v->has_status;
    bool core = c->t->builtin && !*c->t->group;
    if (strcmp(sub, "finalize") == 0)
        return core && strcmp(c->t->plural, "namespaces") == 0;
    if (strcmp(sub, "binding") == 0)
        return core && strcmp(c->t->plural, "pods") == 0;
    return false;
}

static bool verb_allowed(const struct call *c)
{
    const struct api_request *req = c->req;
    const char *sub = req->subresource;
    switch (req->verb) {
    case API_GET:
        return req->name && (!sub || strcmp(sub, "status") == 0);
    case API_UPDATE:
        return req->name && (!sub || strcmp(sub, "binding") != 0);
    case API_PATCH:
        return req->name && (!sub || strcmp(sub, "status") == 0);
    case API_DELETE:
        return req->name && !sub;
    case API_CREATE:
        return sub ? req->name && strcmp(sub, "binding") == 0 : !req->name;
    case API_LIST:
        return !req->name && !sub;
    case API_DELETE_COLLECTION:
        return !req->name && !sub && !(c->t->builtin && c->t->builtin->no_collection) &&
               !(c->t->builtin && c->t->namespaced && !(req->ns && *req->ns));
    case API_WATCH:
    case API_VERB_COUNT:
        break;
    }
    return false;
}

/* GET's resourceVersion only asks for "at least": a revision that is not there yet cannot be waited
 * for here. */
static int check_get_revision(struct call *c)
{
    const char *text = c->req->resource_version;
    if (!text || !*text)
        return 0;
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || *end || n < 0 || *text == '+' || *text == '-' || *text == ' ')
        return untyped_error(c->ret, 500,
                             "resourceVersion: Invalid value: \"%s\": strconv.ParseUint: parsing "
                             "\"%s\": invalid syntax",
                             text, text);
    if (n <= c->a->revision)
        return 0;
    AUTO(str)
    char *message = mem_printf("Timeout: Too large resource version: %lld, current: %" PRId64, n,
                               c->a->revision);
    status_timeout(c->ret, message);
    json_put_str(c->ret->body, "message", message);
    json_put_take(c->ret->body, "details",
                  json_pack("{s:[{s:s, s:s}], s:i}", "causes", "reason", "ResourceVersionTooLarge",
                            "message", "Too large resource version", "retryAfterSeconds", 1));
    return -1;
}

static int call_get(struct call *c)
{
    if (check_get_revision(c) < 0)
        return -1;
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (!e)
        return status_not_found(c->ret, call_resource(c), c->req->name);
    respond(c, 200, version_view(c->t, c->v, e->object));
    return 0;
}

static int dispatch(struct call *c)
{
    switch (c->req->verb) {
    case API_GET:
        return call_get(c);
    case API_LIST:
        return call_list(c);
    case API_CREATE:
        return call_create(c);
    case API_UPDATE:
        return call_update(c);
    case API_PATCH:
        return call_patch(c);
    case API_DELETE:
        return call_delete(c);
    case API_DELETE_COLLECTION:
        return call_delete_collection(c);
    case API_WATCH:
    case API_VERB_COUNT:
        break;
    }
    return status_bad_request(c->ret, "a watch needs a stream");
}

static int handle(struct call *c)
{
    if (route(c) < 0)
        return -1;
    if (c->req->subresource && !subresource_known(c))
        return status_no_resource(c->ret);
    if (c->req->verb != API_WATCH && !verb_allowed(c))
        return status_method_not_allowed(c->ret, call_resource(c), api_verb_name(c->req->verb));
    if (c->req->name && !store_key(c->key, c->t->namespaced ? c->req->ns : NULL, c->req->name))
        return status_not_found(c->ret, call_resource(c), c->req->name);
    return dispatch(c);
}

void apiserver_handle(struct apiserver *a, const struct api_request *req, struct api_response *ret)
{
    assert(!ret->body);
    struct call c = {.a = a, .req = req, .ret = ret};
    a->depth++;
    handle(&c);
    a->depth--;
    assert(ret->body);
    if (a->crds_to_finish && a->depth == 0)
        crd_objects_finish(a);
}
