/* Routing: from a request to the resource type, the version and the verb. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/status.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/crd_object_priv.h"
#include "sim/apiserver/managed_fields_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/store.h"
#include "sim/apiserver/subresource_priv.h"
#include "sim/apiserver/virtual_priv.h"

/* ---- answers ---- */

void respond(struct call *c, int code, json_t *body)
{
    assert(!c->ret->body); /* one answer to a request */
    assert(body);
    assert(code >= 200 && code < 300);
    c->ret->code = code;
    c->ret->body = body;
}

int untyped_error(struct api_response *ret, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    AUTO(str) char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    assert(!ret->body);
    assert(code >= 400);
    ret->code = code;
    ret->body = json_pack("{s:s, s:s, s:{}, s:s, s:s, s:i}", "kind", "Status", "apiVersion", "v1",
                          "metadata", "status", "Failure", "message", text, "code", code);
    return -1;
}

static int route(struct call *c)
{
    const struct api_request *req = c->req;
    c->t = rtype_find(c->a, req->resource.group, req->resource.plural);
    if (!c->t)
        return status_no_resource(c->ret);
    c->v = rtype_version(c->t, req->resource.group, req->resource.version);
    if (!c->v)
        return status_no_resource(c->ret);
    assert(c->t->registered);
    assert(c->v->served);
    /* Of defined kinds, nobody deletes those of all namespaces at once. */
    bool sweeps = req->verb == API_DELETE_COLLECTION && !c->t->builtin;
    bool needs_ns = c->t->namespaced && (req->name || req->verb == API_CREATE || sweeps);
    bool has_ns = req->ns && *req->ns;
    if ((has_ns && !c->t->namespaced) || (needs_ns && !has_ns))
        return status_no_resource(c->ret);
    return 0;
}

/* ---- verbs ---- */

static bool verb_allowed(const struct call *c)
{
    const struct api_request *req = c->req;
    switch (req->verb) {
    case API_GET:
    case API_UPDATE:
    case API_PATCH:
    case API_DELETE:
        return req->name;
    case API_CREATE:
    case API_LIST:
        return !req->name;
    case API_DELETE_COLLECTION:
        return !req->name && !(c->t->builtin && c->t->builtin->no_collection) &&
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
    return status_too_large(c->ret, n, c->a->revision);
}

static int call_get(struct call *c)
{
    if (check_get_revision(c) < 0)
        return -1;
    assert(*c->key);
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
    int rc;
    if (call_authorize(c->a, c->req, c->req->verb, c->ret) < 0)
        return -1;
    if (virtual_handle(c->a, c->req, c->ret, &rc))
        return rc;
    if (route(c) < 0)
        return -1;
    const struct subresource *sub =
        c->req->subresource ? subresource_find(c->t, c->v, c->req->subresource) : NULL;
    if (c->req->subresource && !sub)
        return status_no_resource(c->ret);
    bool allowed = sub ? c->req->name && (sub->verbs & 1u << c->req->verb) : verb_allowed(c);
    if (c->req->verb != API_WATCH && !allowed)
        return status_method_not_allowed(c->ret, call_resource(c), api_verb_name(c->req->verb));
    if (c->req->name && !store_key(c->key, c->t->namespaced ? c->req->ns : NULL, c->req->name))
        return status_not_found(c->ret, call_resource(c), c->req->name);
    if (write_check_options(c) < 0)
        return -1;
    return sub && sub->handle ? sub->handle(c) : dispatch(c);
}

void apiserver_handle(struct apiserver *a, const struct api_request *req, struct api_response *ret)
{
    assert(!ret->body);
    assert(req->verb < API_VERB_COUNT);
    struct call c = {.a = a, .req = req, .ret = ret};
    a->depth++;
    handle(&c);
    assert(a->depth > 0);
    a->depth--;
    assert(ret->body);
    assert(ret->code >= 200 && ret->code < 600);
    if (c.v && c.v->warning)
        api_response_warn(ret, "%s", c.v->warning);
    if ((a->crds_to_finish || a->crds_to_settle) && a->depth == 0)
        crd_objects_run(a);
}
