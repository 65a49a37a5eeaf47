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
    c->v = rtype_version(c->t, req->resource.group, req->resource.version);
    if (!c->v)
        return status_no_resource(c->ret);
    /* Of defined kinds, nobody deletes those of all namespaces at once. */
    bool sweeps = req->verb == API_DELETE_COLLECTION && !c->t->builtin;
    bool needs_ns = c->t->namespaced && (req->name || req->verb == API_CREATE || sweeps);
    bool has_ns = req->ns && *req->ns;
    if ((has_ns && !c->t->namespaced) || (needs_ns && !has_ns))
        return status_no_resource(c->ret);
    return 0;
}

/* ---- subresources ---- */

static int dispatch(struct call *c);

static bool has_status(const struct call *c)
{
    return c->v->has_status;
}

static bool has_scale(const struct call *c)
{
    return c->v->scale != NULL;
}

static bool is_core(const struct call *c, const char *plural)
{
    return c->t->builtin && !*c->t->group && strcmp(c->t->plural, plural) == 0;
}

static bool is_namespace(const struct call *c)
{
    return is_core(c, "namespaces");
}

static bool is_pod(const struct call *c)
{
    return is_core(c, "pods");
}

/* Pods have no containers to talk to. */
static int refuse_stream(struct call *c)
{
    if (!store_find(&c->t->table, c->key))
        return status_not_found(c->ret, call_resource(c), c->req->name);
    AUTO(str)
    char *why = mem_printf("%s: the containers of pods are not simulated", c->req->subresource);
    return status_denied(c->ret, 501, "NotImplemented", why);
}

#define STREAM_VERBS (1u << API_GET | 1u << API_CREATE)

/* What stands below an object: who has it, what may be done with it, who does it. */
static const struct subresource {
    const char *name;
    unsigned verbs; /* bits 1u << API_GET, ... */
    bool (*served)(const struct call *c);
    int (*handle)(struct call *c);
} subresources[] = {
    {"status", 1u << API_GET | 1u << API_UPDATE | 1u << API_PATCH, has_status, dispatch},
    {"scale", 1u << API_GET | 1u << API_UPDATE | 1u << API_PATCH, has_scale, call_scale},
    {"finalize", 1u << API_UPDATE, is_namespace, dispatch},
    {"binding", 1u << API_CREATE, is_pod, call_bind},
    {"eviction", 1u << API_CREATE, is_pod, call_evict},
    {"log", 1u << API_GET, is_pod, refuse_stream},
    {"exec", STREAM_VERBS, is_pod, refuse_stream},
    {"attach", STREAM_VERBS, is_pod, refuse_stream},
    {"portforward", STREAM_VERBS, is_pod, refuse_stream},
};

static const struct subresource *find_subresource(const struct call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(subresources); i++)
        if (strcmp(subresources[i].name, c->req->subresource) == 0)
            return subresources[i].served(c) ? &subresources[i] : NULL;
    return NULL;
}

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
    const struct subresource *sub = c->req->subresource ? find_subresource(c) : NULL;
    if (c->req->subresource && !sub)
        return status_no_resource(c->ret);
    bool allowed = sub ? c->req->name && (sub->verbs & 1u << c->req->verb) : verb_allowed(c);
    if (c->req->verb != API_WATCH && !allowed)
        return status_method_not_allowed(c->ret, call_resource(c), api_verb_name(c->req->verb));
    if (c->req->name && !store_key(c->key, c->t->namespaced ? c->req->ns : NULL, c->req->name))
        return status_not_found(c->ret, call_resource(c), c->req->name);
    if (write_check_options(c) < 0)
        return -1;
    return sub ? sub->handle(c) : dispatch(c);
}

void apiserver_handle(struct apiserver *a, const struct api_request *req, struct api_response *ret)
{
    assert(!ret->body);
    struct call c = {.a = a, .req = req, .ret = ret};
    a->depth++;
    handle(&c);
    a->depth--;
    assert(ret->body);
    assert(ret->code >= 200 && ret->code < 600);
    if (c.v && c.v->warning)
        api_response_warn(ret, "%s", c.v->warning);
    if ((a->crds_to_finish || a->crds_to_settle) && a->depth == 0)
        crd_objects_run(a);
}
