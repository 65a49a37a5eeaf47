#include "sim/apiserver/subresource_priv.h"

#include <string.h>

#include "base/mem.h"
#include "kube/api.h"
#include "kube/status.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/store.h"

static bool has_status(const struct rtype *t, const struct rversion *v)
{
    (void)t;
    return v->has_status;
}

static bool has_scale(const struct rtype *t, const struct rversion *v)
{
    (void)t;
    return v->scale != NULL;
}

static bool is_core(const struct rtype *t, const char *plural)
{
    return t->builtin && !*t->group && strcmp(t->plural, plural) == 0;
}

static bool is_namespace(const struct rtype *t, const struct rversion *v)
{
    (void)v;
    return is_core(t, "namespaces");
}

static bool is_pod(const struct rtype *t, const struct rversion *v)
{
    (void)v;
    return is_core(t, "pods");
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

#define STATE_VERBS (1u << API_GET | 1u << API_UPDATE | 1u << API_PATCH)
#define STREAM_VERBS (1u << API_GET | 1u << API_CREATE)

static const struct subresource subresources[] = {
    {.name = "status", .verbs = STATE_VERBS, .served = has_status},
    {"scale", STATE_VERBS, has_scale, call_scale, "autoscaling", "v1", "Scale"},
    {.name = "finalize", .verbs = 1u << API_UPDATE, .served = is_namespace},
    {"binding", 1u << API_CREATE, is_pod, call_bind, .kind = "Binding"},
    /* kubectl drain looks whether it is there. */
    {"eviction", 1u << API_CREATE, is_pod, call_evict, "policy", "v1", "Eviction"},
    {"log", 1u << API_GET, is_pod, refuse_stream, .kind = "Pod"},
    {"exec", STREAM_VERBS, is_pod, refuse_stream, .kind = "PodExecOptions"},
    {"attach", STREAM_VERBS, is_pod, refuse_stream, .kind = "PodAttachOptions"},
    {"portforward", STREAM_VERBS, is_pod, refuse_stream, .kind = "PodPortForwardOptions"},
};

const struct subresource *subresource_next(const struct rtype *t, const struct rversion *v,
                                           size_t *at)
{
    while (*at < ARRAY_LEN(subresources)) {
        const struct subresource *s = &subresources[(*at)++];
        if (s->served(t, v))
            return s;
    }
    return NULL;
}

const struct subresource *subresource_find(const struct rtype *t, const struct rversion *v,
                                           const char *name)
{
    const struct subresource *s;
    for (size_t at = 0; (s = subresource_next(t, v, &at));)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}
