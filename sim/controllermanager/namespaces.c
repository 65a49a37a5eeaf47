/* The queue of namespaces that are being deleted, and the actor that works through it. */
#include "sim/controllermanager/namespaces_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"

#define GRACE_NS (5 * NS_PER_S) /* from the event to the first pass */
#define RETRY_FIRST_NS (5 * NS_PER_MS)
#define RETRY_MAX_NS (60 * NS_PER_S)

/* ---- requests ---- */

int nsctl_ask(struct nsctl *n, struct api_request *req, struct api_response *ret)
{
    return kcm_ask(n->kcm, KCM_NAMESPACE_USER, req, ret);
}

/* Writes status (subresource "status") or spec.finalizers ("finalize"). The code of the answer. */
static int put_namespace(struct nsctl *n, const json_t *object, const char *subresource)
{
    struct api_request req = {.verb = API_UPDATE,
                              .resource = {"", "v1", "namespaces"},
                              .name = meta_name(object),
                              .subresource = subresource,
                              .body = object};
    struct api_response res = {0};
    int code = nsctl_ask(n, &req, &res);
    api_response_finish(&res);
    return code;
}

static json_t *read_namespace(struct nsctl *n, const char *name)
{
    struct api_request req = {.verb = API_GET, .resource = {"", "v1", "namespaces"}, .name = name};
    struct api_response res = {0};
    json_t *object = NULL;
    if (nsctl_ask(n, &req, &res) == 200)
        object = json_copy_of(res.body);
    api_response_finish(&res);
    return object;
}

static bool is_kubernetes(const json_t *finalizer)
{
    const char *text = json_string_value(finalizer);
    return text && strcmp(text, "kubernetes") == 0;
}

static bool has_kubernetes(const json_t *object)
{
    const json_t *list = json_path(object, "spec.finalizers");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (is_kubernetes(json_array_get(list, i)))
            return true;
    return false;
}

static int finalize(struct nsctl *n, const char *name)
{
    AUTO(json) json_t *object = read_namespace(n, name);
    if (!object)
        return sched_crashed(n->sched) ? 0 : 200;
    json_t *list = json_array();
    const json_t *old = json_path(object, "spec.finalizers");
    for (size_t i = 0; i < json_array_size(old); i++)
        if (!is_kubernetes(json_array_get(old, i)))
            json_array_append(list, json_array_get(old, i));
    json_put_take(object, "spec.finalizers", list);
    return put_namespace(n, object, "finalize");
}

/* ---- one pass ---- */

/* What to do with the item after a pass that did not finish the namespace. */
static void come_back(struct nsctl *n, struct ns_item *i, const struct ns_pass *p,
                      bool changed_meanwhile)
{
    assert(!ns_pass_found_nothing(p));
    if (p->errors.count > 0) {
        i->failures++;
        i->due.at_ns = sched_now(n->sched) + due_delay(i->failures, RETRY_FIRST_NS, RETRY_MAX_NS);
        i->refused = !p->transient && !changed_meanwhile;
        i->due.waits = i->refused;
        return;
    }
    i->failures = 0;
    i->due.at_ns = sched_now(n->sched) + (p->estimate_s / 2 + 1) * NS_PER_S;
    i->refused = false;
    /* What changed since it was listed will not tell us again. */
    i->due.waits = i->changes == p->changes;
}

static void retry_soon(struct nsctl *n, struct ns_item *i)
{
    i->failures++;
    i->due.at_ns = sched_now(n->sched) + due_delay(i->failures, RETRY_FIRST_NS, RETRY_MAX_NS);
    i->due.waits = i->refused = false;
}

/* true: the item is done with. */
static bool finish_pass(struct nsctl *n, struct ns_item *i, struct ns_pass *p, json_t *object,
                        int64_t seen)
{
    if (ns_pass_tell(p, object)) {
        seen++; /* our own write */
        int code = put_namespace(n, object, "status");
        if (code != 200 && code != 404 && !ns_pass_found_nothing(p)) {
            retry_soon(n, i);
            return false;
        }
    }
    if (!ns_pass_found_nothing(p)) {
        come_back(n, i, p, apiserver_revision(cluster_server(n->cluster)) != seen);
        return false;
    }
    int code = finalize(n, i->name);
    if (code == 200 || code == 404)
        return true;
    retry_soon(n, i);
    return false;
}

static bool work_on(struct nsctl *n, struct ns_item *i)
{
    AUTO(json) json_t *object = read_namespace(n, i->name);
    if (!object) {
        const json_t *there =
            apiserver_peek(cluster_server(n->cluster), "", "namespaces", NULL, i->name);
        if (!there || sched_crashed(n->sched))
            return true;
        retry_soon(n, i);
        return false;
    }
    if (!meta_deleting(object) || !has_kubernetes(object))
        return true;
    struct ns_pass p;
    int64_t seen = apiserver_revision(cluster_server(n->cluster));
    ns_pass_run(&p, n, i);
    bool done = p.crashed || finish_pass(n, i, &p, object, seen);
    ns_pass_finish(&p);
    return done;
}

/* ---- the actor ---- */

static void item_free(void *p)
{
    struct ns_item *i = p;
    free(i->name);
    free(i);
}

static void run(void *arg)
{
    struct nsctl *n = arg;
    while (!sched_crashed(n->sched)) {
        int64_t at;
        struct ns_item *i = due_first(n->items, sched_now(n->sched), &at);
        if (i) {
            if (work_on(n, i)) {
                strmap_remove(n->items, i->name);
                item_free(i);
            }
        } else if (waitcell_wait(n->cell, at) == SCHED_CRASHED) {
            return;
        }
    }
}

static void wake_items(struct nsctl *n, const char *ns)
{
    size_t at = 0;
    const char *key;
    void *value;
    while (strmap_each(n->items, &at, &key, &value)) {
        struct ns_item *i = value;
        bool inside = strcmp(i->name, ns) == 0;
        i->changes += inside;
        if (i->due.waits && (i->refused || inside)) {
            i->due.waits = false;
            waitcell_signal(n->cell);
        }
    }
}

static void observe(void *cookie, const struct store_change *change)
{
    struct nsctl *n = cookie;
    bool is_namespace = !*change->group && strcmp(change->plural, "namespaces") == 0;
    if (strmap_count(n->items) > 0)
        wake_items(n, is_namespace ? change->name : change->ns);
    if (!is_namespace || change->type == EVENT_DELETED || !meta_deleting(change->object) ||
        !has_kubernetes(change->object) || strmap_get(n->items, change->name))
        return;
    struct ns_item *i = mem_zalloc(sizeof(*i));
    i->name = mem_strdup(change->name);
    i->due.at_ns = sched_now(n->sched) + GRACE_NS;
    strmap_put(n->items, change->name, i);
    waitcell_signal(n->cell);
}

struct nsctl *nsctl_start(const struct kcm *k)
{
    struct cluster *c = k->cluster;
    struct nsctl *n = mem_zalloc(sizeof(*n));
    n->kcm = k;
    n->cluster = c;
    n->sched = k->sched;
    AUTO(str) char *name = mem_printf("%s/namespace-controller", cluster_name(c));
    n->cell = waitcell_create(n->sched, name);
    sched_prng(n->sched, name, &n->order);
    n->items = strmap_create();
    apiserver_observe(cluster_server(c), observe, n);
    actor_spawn(cluster_process(c, "kube-controller-manager"), "namespace-controller", run, n);
    return n;
}

void nsctl_destroy(struct nsctl *n)
{
    if (!n)
        return;
    strmap_destroy(n->items, item_free);
    waitcell_destroy(n->cell);
    free(n);
}
