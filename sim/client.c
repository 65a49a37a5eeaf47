/* One request of an actor: what can go wrong on the way to the server and back lies here, so that
 * the server itself stays exact. */
#include "sim/client.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "sim/client_priv.h"
#include "sim/world_priv.h"

static int crashed(struct err *reterr)
{
    return err_set(reterr, ERR_CRASHED, NO_POS, "the process has crashed");
}

/* A scheduling point; outside of actors (setup) there is nobody to let by. */
static bool pass(struct sched *s, const char *what)
{
    if (!actor_self(s))
        return true;
    return sched_point(s, what) == SCHED_OK && !sched_crashed(s);
}

/* ---- faults ---- */

const json_t *client_fault(const struct request_info *info)
{
    const struct api_request *req = info->request;
    const struct fault_attr attrs[] = {
        {"verb", api_verb_name(req->verb)},
        {"group", req->resource.group},
        {"kind", info->kind},
        {"plural", req->resource.plural},
        {"ns", req->ns},
        {"name", req->name                 ? req->name
                 : req->verb == API_CREATE ? meta_name(req->body)
                                           : NULL},
        {"subresource", req->subresource},
        {"by", info->by},
        {"cluster", cluster_name(info->cluster)},
    };
    return fault_hit(world_faults(cluster_world(info->cluster)), "api", attrs, ARRAY_LEN(attrs));
}

/* As a missing right is answered (kube-apiserver.md 7.3). */
static void answer_forbidden(const struct api_request *req, const char *name,
                             struct api_response *ret)
{
    const struct api_resource *r = &req->resource;
    AUTO(str)
    char *where = req->ns ? mem_printf("in the namespace \"%s\"", req->ns)
                          : mem_strdup("at the cluster scope");
    AUTO(str)
    char *why = mem_printf("User \"%s\" cannot %s resource \"%s%s%s\" in API group \"%s\" %s",
                           req->user ? req->user : "", api_verb_name(req->verb), r->plural,
                           req->subresource ? "/" : "", req->subresource ? req->subresource : "",
                           r->group, where);
    status_forbidden(ret, r, name, why);
}

bool client_fault_answer(const json_t *action, const struct api_request *req,
                         struct api_response *ret)
{
    const char *name = req->name ? req->name : "";
    switch (json_integer_value(json_object_get(action, "answer"))) {
    case 403:
        answer_forbidden(req, name, ret);
        return true;
    case 409:
        status_modified(ret, &req->resource, name);
        return true;
    case 429:
        status_too_many_requests(ret, 1, "Too many requests, please try again later.");
        return true;
    case 500:
        status_internal(ret, "etcdserver: leader changed");
        return true;
    case 503:
        status_unavailable(ret, "the server is currently unable to handle the request");
        return true;
    default:
        return false;
    }
}

static bool fault_says(const json_t *action, const char *word)
{
    const char *answer = json_str(action, "answer");
    return answer && strcmp(answer, word) == 0;
}

static void answer_timeout(struct api_response *ret)
{
    api_response_finish(ret);
    status_timeout(ret, "request did not complete within requested timeout - context deadline "
                        "exceeded");
}

/* ---- the trace ---- */

/* What a reader of the trace may know: a TokenReview shows a token that opens the server. */
static bool tells_body(const struct api_request *req)
{
    if (req->verb == API_GET || req->verb == API_LIST || req->verb == API_WATCH)
        return false;
    return !req->resource.plural || strcmp(req->resource.plural, "tokenreviews") != 0;
}

void client_trace(const struct request_info *info)
{
    const struct api_request *req = info->request;
    struct world *w = cluster_world(info->cluster);
    struct trace *t = world_trace(w);
    const char *name = req->name                          ? req->name
                       : *meta_name(info->response->body) ? meta_name(info->response->body)
                                                          : NULL;
    trace_begin(t, world_now(w), "request");
    trace_str(t, "cluster", cluster_name(info->cluster));
    trace_str(t, "by", info->by);
    trace_str(t, "user", req->user);
    trace_str(t, "verb", api_verb_name(req->verb));
    trace_str(t, "group", req->resource.group && *req->resource.group ? req->resource.group : NULL);
    trace_str(t, "resource", req->resource.plural);
    trace_str(t, "subresource", req->subresource);
    trace_str(t, "ns", req->ns);
    trace_str(t, "name", name);
    trace_int(t, "code", info->response->code);
    if (!api_ok(info->response))
        trace_str(t, "reason", api_reason(info->response));
    const char *rv = meta_resource_version(info->response->body);
    trace_str(t, "rv", *rv ? rv : NULL);
    if (tells_body(req))
        trace_json(t, "body", req->body);
    trace_end(t);
}

/* ---- the exchange ---- */

/* The way to the server and its answer. -1: no answer. */
static int exchange(struct request_info *info, struct api_response *ret, bool *ret_lost,
                    struct err *reterr)
{
    struct world *w = cluster_world(info->cluster);
    struct sched *s = world_sched(w);
    if (cluster_cuts_off(info->cluster, info->owner))
        return err_set(reterr, ERR_IO, NO_POS, "cluster '%s': no route to host",
                       cluster_name(info->cluster));
    const json_t *action = client_fault(info);
    int64_t delay_ns = json_int(action, "delay", 0);
    if (delay_ns > 0 && actor_self(s) && sched_sleep(s, delay_ns) != SCHED_OK)
        return crashed(reterr);
    if (fault_says(action, "timeout")) {
        answer_timeout(ret);
        return 0;
    }
    if (client_fault_answer(action, info->request, ret))
        return 0;
    apiserver_handle(cluster_server(info->cluster), info->request, ret);
    *ret_lost = fault_says(action, "lost");
    return 0;
}

int sim_request(struct cluster *c, const struct api_request *req, struct api_response *ret,
                struct err *reterr)
{
    struct world *w = cluster_world(c);
    struct sched *s = world_sched(w);
    assert(!ret->body);
    assert(req->verb < API_VERB_COUNT);
    assert(req->verb != API_WATCH); /* sim_watch() */
    if (sched_crashed(s))
        return crashed(reterr);
    struct request_info info = {
        .cluster = c, .request = req, .by = world_acting(w), .owner = world_acting_owner(w)};
    info.kind = apiserver_kind_of(cluster_server(c), &req->resource);
    world_notify_request(w, REQUEST_BEFORE, &info);
    if (sched_crashed(s) || !pass(s, "request"))
        return crashed(reterr);

    struct api_response answer = {0};
    bool lost = false;
    if (exchange(&info, &answer, &lost, reterr) < 0)
        return -1;
    assert(answer.body);
    assert(answer.code >= 200 && answer.code < 600);
    info.response = &answer;
    if (trace_on(world_trace(w)))
        client_trace(&info);
    world_notify_request(w, REQUEST_COMMITTED, &info);
    if (!sched_crashed(s) && pass(s, "reply")) {
        if (lost)
            answer_timeout(&answer);
        world_notify_request(w, REQUEST_AFTER, &info);
    }
    if (sched_crashed(s)) {
        api_response_finish(&answer);
        return crashed(reterr);
    }
    assert(answer.body);
    *ret = answer;
    return 0;
}
