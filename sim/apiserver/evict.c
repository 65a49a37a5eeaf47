/* pods/eviction: a delete that asks the disruption budgets first (section 4.3). Budgets are what
 * their status says; whoever plays the disruption controller keeps it. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "kube/status.h"
#include "kube/time.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/names_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/store.h"

#define EVICTION_RETRY_S 10

static struct rtype *budgets_of(const struct call *c)
{
    return rtype_find(c->a, "policy", "poddisruptionbudgets");
}

static bool covers(const json_t *budget, const json_t *pod)
{
    const json_t *written = json_path(budget, "spec.selector");
    struct err e = {0};
    AUTO(selector)
    struct selector *s = written ? selector_from_label_selector(written, &e) : NULL;
    err_clear(&e);
    return s && selector_matches(s, json_at(pod, "metadata", "labels", NULL));
}

/* The budget of the pod; *ret_count tells how many there are. Borrowed. */
static const struct store_entry *find_budget(const struct call *c, const json_t *pod,
                                             size_t *ret_count)
{
    char prefix[STORE_KEY_MAX];
    const struct store_entry *e, *found = NULL;
    const struct rtype *t = budgets_of(c);
    *ret_count = 0;
    if (!store_key(prefix, c->req->ns, ""))
        return NULL;
    struct store_pos pos = store_seek(&t->table, prefix);
    while ((e = store_next(&t->table, &pos)) && strncmp(e->key, prefix, strlen(prefix)) == 0) {
        if (!covers(e->object, pod))
            continue;
        found = e;
        ++*ret_count;
    }
    return found;
}

static int refuse(struct call *c, const char *why, int retry_s)
{
    status_too_many_requests(c->ret, retry_s,
                             "Cannot evict pod as it would violate the pod's disruption budget.");
    json_put_take(c->ret->body, "details.causes",
                  json_pack("[{s:s, s:s}]", "reason", "DisruptionBudget", "message", why));
    return -1;
}

static int check_budget(struct call *c, const json_t *budget)
{
    AUTO(str) char *why = NULL;
    int64_t seen = json_int(budget, "status.observedGeneration", 0);
    if (seen < meta_generation(budget)) {
        why = mem_printf("The disruption budget %s is still being processed by the server.",
                         meta_name(budget));
        return refuse(c, why, EVICTION_RETRY_S);
    }
    if (json_int(budget, "status.disruptionsAllowed", 0) > 0)
        return 0;
    why = mem_printf("The disruption budget %s needs %" JSON_INTEGER_FORMAT
                     " healthy pods and has %" JSON_INTEGER_FORMAT " currently",
                     meta_name(budget), (json_int_t)json_int(budget, "status.desiredHealthy", 0),
                     (json_int_t)json_int(budget, "status.currentHealthy", 0));
    return refuse(c, why, 0);
}

/* One disruption is used up before the pod goes, so that two evictions never share one. */
static void use_up(struct call *c, const struct store_entry *e, const char *pod)
{
    const struct api_request req = {.verb = API_UPDATE,
                                    .resource = {"policy", "v1", "poddisruptionbudgets"},
                                    .ns = c->req->ns,
                                    .name = meta_name(e->object),
                                    .subresource = "status",
                                    .user = SERVER_USER};
    AUTO(str) char *key = mem_strdup(e->key);
    char now[TIME_TEXT];
    json_t *budget = json_copy_of(e->object);
    int64_t left = json_int(budget, "status.disruptionsAllowed", 0) - 1;
    time_format(apiserver_now(c->a), now);
    json_put_take(budget, "status.disruptionsAllowed", json_integer(left));
    json_t *gone = json_at_mut(budget, "status", "disruptedPods", NULL);
    if (!gone)
        json_put_take(budget, "status.disruptedPods", gone = json_object());
    json_object_set_new(gone, pod, json_string(now));
    commit_put(c->a, &req, budgets_of(c), key, budget);
}

/* Pods that are over, or never ran, disturb nobody. */
static bool needs_budget(const json_t *pod)
{
    const char *phase = json_str_or_empty(pod, "status.phase");
    return !meta_deleting(pod) && strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0 &&
           strcmp(phase, "Pending") != 0;
}

static int ask_budget(struct call *c, const json_t *pod, bool dry_run)
{
    size_t count;
    const struct store_entry *e = find_budget(c, pod, &count);
    if (count > 1)
        return status_internal(c->ret, "This pod has more than one PodDisruptionBudget, which the "
                                       "eviction subresource does not support.");
    if (!e)
        return 0;
    if (check_budget(c, e->object) < 0)
        return -1;
    if (!dry_run)
        use_up(c, e, meta_name(pod));
    return 0;
}

static int check_body(struct call *c)
{
    if (call_needs_object(c, "Eviction") < 0)
        return -1;
    const char *name = meta_name(c->req->body), *kind = meta_kind(c->req->body);
    if (*kind && strcmp(kind, "Eviction") != 0)
        return status_bad_request(c->ret,
                                  "Eviction in version \"v1\" cannot be handled as a %s: no kind "
                                  "\"%s\" is registered for this endpoint",
                                  kind, kind);
    if (strcmp(name, c->req->name) != 0)
        return status_bad_request(c->ret, "name in URL does not match name in Eviction object");
    return 0;
}

int call_evict(struct call *c)
{
    const struct store_entry *e = store_find(&c->t->table, c->key);
    if (check_body(c) < 0)
        return -1;
    if (!e)
        return status_not_found(c->ret, call_resource(c), c->req->name);
    AUTO(json) json_t *pod = json_incref(e->object);
    const json_t *options = json_object_get(c->req->body, "deleteOptions");
    struct api_request req = *c->req;
    struct call gone = *c;
    req.verb = API_DELETE;
    req.subresource = NULL;
    req.body = options;
    req.dry_run = c->req->dry_run || json_array_size(json_object_get(options, "dryRun")) > 0;
    gone.req = &req;
    if (needs_budget(pod) && ask_budget(c, pod, req.dry_run) < 0)
        return -1;
    if (call_delete(&gone) < 0)
        return -1;
    /* Its warnings stay, what it answers does not. */
    json_decref(c->ret->body);
    c->ret->body = NULL;
    return call_created(c);
}
