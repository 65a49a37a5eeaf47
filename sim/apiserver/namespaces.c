#include "sim/apiserver/namespaces.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/due_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/store.h"
#include "sim/client.h"
#include "sim/world.h"

#define GRACE_NS (5 * NS_PER_S) /* from the event to the first pass */
#define FINALIZER_ESTIMATE_S 15 /* what items with finalizers are thought to take */
#define RETRY_FIRST_NS (5 * NS_PER_MS)
#define RETRY_MAX_NS (60 * NS_PER_S)

struct item {
    struct due due; /* waits: for a change in the namespace (or, when refused, anywhere) */
    char *name;
    unsigned failures;
    uint64_t changes; /* of the namespace's content, by anybody */
    bool refused;
};

struct nsctl {
    struct cluster *cluster;
    struct sched *sched;
    struct waitcell *cell;
    struct prng order;
    struct strmap *items; /* by name */
};

/* Parts of a message, in any order until they are joined. */
struct texts {
    char **items;
    size_t count, cap;
};

/* What one pass over a namespace found. */
struct pass {
    struct nsctl *n;
    const struct item *item;
    const char *ns;
    struct texts remaining, errors;
    struct strmap *finalizers; /* name -> count as a pointer-sized number */
    int64_t estimate_s;
    uint64_t changes; /* of the item when the first remaining things were listed */
    bool transient, crashed;
};

/* ---- texts ---- */

static void texts_take(struct texts *t, char *text)
{
    assert(text);
    t->items = mem_grow(t->items, &t->cap, t->count + 1, sizeof(*t->items));
    t->items[t->count++] = text;
}

/* Sorted, so that a pass which found the same says the same: kinds come in any order. New. */
static char *texts_join(struct texts *t)
{
    AUTO(strbuf) struct strbuf out = {0};
    if (t->count)
        qsort(t->items, t->count, sizeof(*t->items), text_order);
    for (size_t i = 0; i < t->count; i++)
        strbuf_addf(&out, "%s%s", i ? ", " : "", t->items[i]);
    return strbuf_take(&out);
}

static void texts_finish(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i]);
    free(t->items);
}

/* ---- requests ---- */

static int ask(struct nsctl *n, struct api_request *req, struct api_response *ret)
{
    struct err e = {0};
    req->user = NAMESPACE_USER;
    if (sim_request(n->cluster, req, ret, &e) < 0) {
        err_clear(&e);
        return 0;
    }
    return ret->code;
}

static bool is_refusal(int code)
{
    return code >= 400 && code < 500 && code != 409 && code != 429;
}

static void note_error(struct pass *p, int code, const char *message)
{
    if (sched_crashed(p->n->sched))
        p->crashed = true;
    texts_take(&p->errors, mem_strdup(message));
    p->transient |= !is_refusal(code);
}

/* ---- content ---- */

static bool has_content(const struct pass *p, const struct rtype *t)
{
    AUTO(str) char *prefix = mem_printf("%s/", p->ns);
    struct store_pos pos = store_seek(&t->table, prefix);
    const struct store_entry *e = store_next(&t->table, &pos);
    return e && strncmp(e->key, prefix, strlen(prefix)) == 0;
}

static void count_finalizers(struct pass *p, const json_t *object)
{
    const json_t *list = json_at(object, "metadata", "finalizers", NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        uintptr_t count = (uintptr_t)strmap_get(p->finalizers, name) + 1;
        strmap_put(p->finalizers, name, (void *)count);
    }
}

static void estimate(struct pass *p, const json_t *object)
{
    int64_t seconds = json_int(object, "metadata.deletionGracePeriodSeconds", 0);
    if (json_array_size(json_at(object, "metadata", "finalizers", NULL)) > 0 &&
        seconds < FINALIZER_ESTIMATE_S)
        seconds = FINALIZER_ESTIMATE_S;
    if (seconds > p->estimate_s)
        p->estimate_s = seconds;
}

static void note_remaining(struct pass *p, const struct api_resource *r, const json_t *items)
{
    size_t count = json_array_size(items);
    if (count == 0)
        return;
    if (p->remaining.count == 0)
        p->changes = p->item->changes;
    texts_take(&p->remaining,
               mem_printf("%s.%s has %zu resource instances", r->plural, r->group, count));
    for (size_t i = 0; i < count; i++) {
        count_finalizers(p, json_array_get(items, i));
        estimate(p, json_array_get(items, i));
    }
    if (p->estimate_s == 0) {
        AUTO(str)
        char *text =
            mem_printf("unexpected items still remain in namespace: %s for gvr: %s/%s, Resource=%s",
                       p->ns, r->group, r->version, r->plural);
        note_error(p, 500, text);
    }
}

static void empty_type(struct pass *p, const struct rtype *t)
{
    if (!has_content(p, t))
        return; /* nothing to be told from an empty answer */
    const struct api_resource r = {t->group, rtype_storage(t)->name, t->plural};
    AUTO(json)
    json_t *options = json_pack("{s:s, s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1",
                                "propagationPolicy", "Background");
    struct api_request req = {
        .verb = API_DELETE_COLLECTION, .resource = r, .ns = p->ns, .body = options};
    struct api_response res = {0};
    int code = ask(p->n, &req, &res);
    if (code != 200)
        note_error(p, code, code ? api_message(&res) : "connection refused");
    api_response_finish(&res);
    if (code != 200)
        return;
    struct api_request list = {.verb = API_LIST, .resource = r, .ns = p->ns};
    code = ask(p->n, &list, &res);
    if (code == 200)
        note_remaining(p, &r, json_object_get(res.body, "items"));
    else
        note_error(p, code, code ? api_message(&res) : "connection refused");
    api_response_finish(&res);
}

/* Upstream walks a Go map: any order may come. */
static void shuffle(struct pass *p, struct rtype **types, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)prng_below(&p->n->order, i);
        struct rtype *swap = types[i - 1];
        types[i - 1] = types[k];
        types[k] = swap;
    }
}

/* Kinds without a rank count only where they have content. */
static size_t pick_types(const struct pass *p, const struct apiserver *a, bool ranked,
                         struct rtype **out)
{
    size_t count = 0;
    for (size_t i = 0; i < rtype_count(a); i++) {
        struct rtype *t = rtype_at(a, i);
        bool pods = !*t->group && strcmp(t->plural, "pods") == 0;
        bool has_rank = !t->builtin || t->builtin->rank;
        if (t->registered && t->namespaced && !pods && has_rank == ranked &&
            (ranked || has_content(p, t)))
            out[count++] = t;
    }
    return count;
}

static void empty_others(struct pass *p)
{
    const struct apiserver *a = cluster_server(p->n->cluster);
    struct rtype **types = mem_zalloc((rtype_count(a) + 1) * sizeof(struct rtype *));
    size_t ranked = pick_types(p, a, true, types);
    size_t count = ranked + pick_types(p, a, false, types + ranked);
    assert(count <= rtype_count(a));
    shuffle(p, types, ranked);
    shuffle(p, types + ranked, count - ranked);
    for (size_t i = 0; i < count && !p->crashed; i++)
        if (types[i]->registered)
            empty_type(p, types[i]);
    free(types);
}

/* ---- conditions ---- */

static char *finalizer_text(const struct pass *p)
{
    struct texts found = {0};
    size_t i = 0;
    const char *name;
    void *count;
    while (strmap_each(p->finalizers, &i, &name, &count))
        texts_take(&found,
                   mem_printf("%s in %zu resource instances", name, (size_t)(uintptr_t)count));
    char *text = texts_join(&found);
    texts_finish(&found);
    return text;
}

static bool set_conditions(struct pass *p, json_t *object)
{
    int64_t now = sched_now(p->n->sched);
    bool changed =
        meta_set_condition(object, "NamespaceDeletionDiscoveryFailure", "False",
                           "ResourcesDiscovered", "All resources successfully discovered", now);
    changed |=
        meta_set_condition(object, "NamespaceDeletionGroupVersionParsingFailure", "False",
                           "ParsedGroupVersions", "All legacy kube types successfully parsed", now);
    AUTO(str) char *errors = texts_join(&p->errors);
    AUTO(str)
    char *failed = mem_printf("Failed to delete all resource types, %zu remaining: %s",
                              p->errors.count, errors);
    changed |= meta_set_condition(
        object, "NamespaceDeletionContentFailure", p->errors.count ? "True" : "False",
        p->errors.count ? "ContentDeletionFailed" : "ContentDeleted",
        p->errors.count ? failed
                        : "All content successfully deleted, may be waiting on finalization",
        now);
    AUTO(str) char *kinds = texts_join(&p->remaining);
    AUTO(str) char *left = mem_printf("Some resources are remaining: %s", kinds);
    changed |= meta_set_condition(
        object, "NamespaceContentRemaining", p->remaining.count ? "True" : "False",
        p->remaining.count ? "SomeResourcesRemain" : "ContentRemoved",
        p->remaining.count ? left : "All content successfully removed", now);
    AUTO(str) char *names = finalizer_text(p);
    AUTO(str)
    char *held = mem_printf("Some content in the namespace has finalizers remaining: %s", names);
    changed |=
        meta_set_condition(object, "NamespaceFinalizersRemaining", *names ? "True" : "False",
                           *names ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
                           *names ? held : "All content-preserving finalizers finished", now);
    return changed;
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
    int code = ask(n, &req, &res);
    api_response_finish(&res);
    return code;
}

static json_t *read_namespace(struct nsctl *n, const char *name)
{
    struct api_request req = {.verb = API_GET, .resource = {"", "v1", "namespaces"}, .name = name};
    struct api_response res = {0};
    json_t *object = NULL;
    if (ask(n, &req, &res) == 200)
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

static void pass_finish(struct pass *p)
{
    texts_finish(&p->remaining);
    texts_finish(&p->errors);
    strmap_destroy(p->finalizers, NULL);
}

/* What to do with the item after a pass that did not finish the namespace. */
static void come_back(struct nsctl *n, struct item *i, const struct pass *p, bool changed_meanwhile)
{
    assert(p->errors.count + p->remaining.count > 0);
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

static void retry_soon(struct nsctl *n, struct item *i)
{
    i->failures++;
    i->due.at_ns = sched_now(n->sched) + due_delay(i->failures, RETRY_FIRST_NS, RETRY_MAX_NS);
    i->due.waits = i->refused = false;
}

/* true: the item is done with. */
static bool finish_pass(struct nsctl *n, struct item *i, struct pass *p, json_t *object,
                        int64_t seen)
{
    if (set_conditions(p, object)) {
        seen++; /* our own write */
        int code = put_namespace(n, object, "status");
        if (code != 200 && code != 404 && p->errors.count + p->remaining.count > 0) {
            retry_soon(n, i);
            return false;
        }
    }
    if (p->errors.count + p->remaining.count > 0) {
        come_back(n, i, p, apiserver_revision(cluster_server(n->cluster)) != seen);
        return false;
    }
    int code = finalize(n, i->name);
    if (code == 200 || code == 404)
        return true;
    retry_soon(n, i);
    return false;
}

static bool work_on(struct nsctl *n, struct item *i)
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
    struct apiserver *a = cluster_server(n->cluster);
    struct pass p = {.n = n, .item = i, .ns = i->name, .finalizers = strmap_create()};
    int64_t seen = apiserver_revision(a);
    empty_type(&p, rtype_find(a, "", "pods"));
    if (p.remaining.count == 0 && p.errors.count == 0)
        empty_others(&p);
    bool done = p.crashed || finish_pass(n, i, &p, object, seen);
    pass_finish(&p);
    return done;
}

/* ---- the actor ---- */

static void item_free(void *p)
{
    struct item *i = p;
    free(i->name);
    free(i);
}

static void run(void *arg)
{
    struct nsctl *n = arg;
    while (!sched_crashed(n->sched)) {
        int64_t at;
        struct item *i = due_first(n->items, sched_now(n->sched), &at);
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
        struct item *i = value;
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
    struct item *i = mem_zalloc(sizeof(*i));
    i->name = mem_strdup(change->name);
    i->due.at_ns = sched_now(n->sched) + GRACE_NS;
    strmap_put(n->items, change->name, i);
    waitcell_signal(n->cell);
}

struct nsctl *nsctl_start(struct cluster *c)
{
    struct nsctl *n = mem_zalloc(sizeof(*n));
    n->cluster = c;
    n->sched = world_sched(cluster_world(c));
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
