/* One pass over a namespace: what it holds is deleted, what stays is counted, and both become its
 * conditions. Every request may let others run. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/strbuf.h"
#include "kube/meta.h"
#include "sim/apiserver/catalog.h"
#include "sim/controllermanager/namespaces_priv.h"

#define FINALIZER_ESTIMATE_S 15 /* what items with finalizers are thought to take */

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

/* ---- content ---- */

static bool is_refusal(int code)
{
    return code >= 400 && code < 500 && code != 409 && code != 429;
}

static void note_error(struct ns_pass *p, int code, const char *message)
{
    if (sched_crashed(p->n->sched))
        p->crashed = true;
    texts_take(&p->errors, mem_strdup(message));
    p->transient |= !is_refusal(code);
}

static void count_finalizers(struct ns_pass *p, const json_t *object)
{
    const json_t *list = json_at(object, "metadata", "finalizers", NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        uintptr_t count = (uintptr_t)strmap_get(p->finalizers, name) + 1;
        strmap_put(p->finalizers, name, (void *)count);
    }
}

static void estimate(struct ns_pass *p, const json_t *object)
{
    int64_t seconds = json_int(object, "metadata.deletionGracePeriodSeconds", 0);
    if (json_array_size(json_at(object, "metadata", "finalizers", NULL)) > 0 &&
        seconds < FINALIZER_ESTIMATE_S)
        seconds = FINALIZER_ESTIMATE_S;
    if (seconds > p->estimate_s)
        p->estimate_s = seconds;
}

static void note_remaining(struct ns_pass *p, const struct api_resource *r, const json_t *items)
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

static bool has_content(const struct ns_pass *p, const struct api_resource *r)
{
    return apiserver_has_any(cluster_server(p->n->cluster), r->group, r->plural, p->ns);
}

static void empty_type(struct ns_pass *p, const struct api_resource *resource)
{
    if (!has_content(p, resource))
        return; /* nothing to be told from an empty answer */
    const struct api_resource r = *resource;
    AUTO(json)
    json_t *options = json_pack("{s:s, s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1",
                                "propagationPolicy", "Background");
    struct api_request req = {
        .verb = API_DELETE_COLLECTION, .resource = r, .ns = p->ns, .body = options};
    struct api_response res = {0};
    int code = nsctl_ask(p->n, &req, &res);
    if (code != 200)
        note_error(p, code, code ? api_message(&res) : "connection refused");
    api_response_finish(&res);
    if (code != 200)
        return;
    struct api_request list = {.verb = API_LIST, .resource = r, .ns = p->ns};
    code = nsctl_ask(p->n, &list, &res);
    if (code == 200)
        note_remaining(p, &r, json_object_get(res.body, "items"));
    else
        note_error(p, code, code ? api_message(&res) : "connection refused");
    api_response_finish(&res);
}

/* Upstream walks a Go map: any order may come. */
static void shuffle(struct ns_pass *p, size_t *kinds, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)prng_below(&p->n->order, i);
        size_t swap = kinds[i - 1];
        kinds[i - 1] = kinds[k];
        kinds[k] = swap;
    }
}

static bool is_pods(const struct api_resource *r)
{
    return !*r->group && strcmp(r->plural, "pods") == 0;
}

/* Positions in the catalog. Kinds that do not go first count only where they have content. */
static size_t pick_kinds(const struct ns_pass *p, const struct apiserver *a, bool first,
                         size_t *out)
{
    size_t count = 0;
    struct catalog_stored t;
    for (size_t i = 0; i < catalog_stored_count(a); i++)
        if (catalog_stored_at(a, i, &t) && t.namespaced && !is_pods(&t.resource) &&
            t.goes_first == first && (first || has_content(p, &t.resource)))
            out[count++] = i;
    return count;
}

static void empty_others(struct ns_pass *p)
{
    const struct apiserver *a = cluster_server(p->n->cluster);
    size_t *kinds = mem_zalloc((catalog_stored_count(a) + 1) * sizeof(*kinds));
    size_t first = pick_kinds(p, a, true, kinds);
    size_t count = first + pick_kinds(p, a, false, kinds + first);
    assert(count <= catalog_stored_count(a));
    shuffle(p, kinds, first);
    shuffle(p, kinds + first, count - first);
    for (size_t i = 0; i < count && !p->crashed; i++) {
        struct catalog_stored t;
        if (catalog_stored_at(a, kinds[i], &t)) /* its definition may have gone meanwhile */
            empty_type(p, &t.resource);
    }
    free(kinds);
}

void ns_pass_run(struct ns_pass *ret, struct nsctl *n, const struct ns_item *item)
{
    static const struct api_resource pods = {"", "v1", "pods"};
    *ret = (struct ns_pass){.n = n, .item = item, .ns = item->name, .finalizers = strmap_create()};
    empty_type(ret, &pods);
    if (ns_pass_found_nothing(ret))
        empty_others(ret);
}

void ns_pass_finish(struct ns_pass *p)
{
    texts_finish(&p->remaining);
    texts_finish(&p->errors);
    strmap_destroy(p->finalizers, NULL);
}

/* ---- conditions ---- */

static char *finalizer_text(const struct ns_pass *p)
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

bool ns_pass_tell(struct ns_pass *p, json_t *object)
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
