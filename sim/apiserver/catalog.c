/* What is served, as discovery tells it. */
#include "sim/apiserver/catalog.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/subresource_priv.h"

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* ---- one resource ---- */

static void type_of(const struct rtype *t, const struct rversion *v, struct catalog_type *ret)
{
    *ret = (struct catalog_type){.resource = {v->group, v->name, t->plural},
                                 .kind = t->kind,
                                 .list_kind = t->list_kind,
                                 .namespaced = t->namespaced,
                                 .builtin = t->builtin != NULL,
                                 .terminating = t->terminating};
}

static void type_of_virtual(const struct virtual_resource *v, struct catalog_type *ret)
{
    *ret = (struct catalog_type){.resource = v->resource,
                                 .kind = v->kind,
                                 .list_kind = "",
                                 .namespaced = v->namespaced,
                                 .builtin = true,
                                 .is_virtual = true};
}

bool catalog_find(const struct apiserver *a, const struct api_resource *r, struct catalog_type *ret)
{
    const struct rtype *t = rtype_find(a, r->group, r->plural);
    const struct rversion *v = t ? rtype_version(t, r->group, r->version) : NULL;
    if (v) {
        type_of(t, v, ret);
        return true;
    }
    for (size_t i = 0; i < apiserver_virtual_count(a); i++) {
        const struct virtual_resource *x = apiserver_virtual_at(a, i);
        if (!same_text(x->resource.group, r->group) ||
            !same_text(x->resource.version, r->version) ||
            !same_text(x->resource.plural, r->plural))
            continue;
        type_of_virtual(x, ret);
        return true;
    }
    return false;
}

size_t catalog_stored_count(const struct apiserver *a)
{
    return rtype_count(a);
}

bool catalog_stored_at(const struct apiserver *a, size_t i, struct catalog_stored *ret)
{
    const struct rtype *t = rtype_at(a, i);
    if (!t->registered)
        return false;
    *ret = (struct catalog_stored){.resource = {t->group, rtype_storage(t)->name, t->plural},
                                   .kind = t->kind,
                                   .namespaced = t->namespaced,
                                   .goes_first = !t->builtin || t->builtin->rank};
    return true;
}

/* ---- verbs ---- */

#define VERBS_MAX (API_VERB_COUNT + 1)

static const char *const builtin_verbs[] = {
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch", NULL};
static const char *const lone_verbs[] = {"create", "delete", "get",   "list",
                                         "patch",  "update", "watch", NULL};
static const char *const crd_verbs[] = {"delete", "deletecollection", "get",   "list", "patch",
                                        "create", "update",           "watch", NULL};
static const char *const dying_verbs[] = {"delete", "deletecollection", "get", "list", "watch",
                                          NULL};

static const char *const *verbs_of(const struct rtype *t)
{
    if (t->builtin)
        return t->builtin->no_collection ? lone_verbs : builtin_verbs;
    return t->terminating ? dying_verbs : crd_verbs;
}

/* In alphabetical order, as the verbs of compiled kinds are told. */
static void verbs_of_bits(unsigned bits, const char *out[VERBS_MAX])
{
    static const enum api_verb order[] = {API_CREATE, API_DELETE, API_DELETE_COLLECTION,
                                          API_GET,    API_LIST,   API_PATCH,
                                          API_UPDATE, API_WATCH};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (bits & 1u << order[i])
            out[n++] = api_verb_name(order[i]);
    out[n] = NULL;
}

/* ---- entries of one version ---- */

struct entry {
    char *name; /* "pods/status": what they are sorted by */
    struct catalog_entry e;
    const char *verbs[VERBS_MAX];
    const char **categories;
    char hash[16];
};
struct entries {
    struct entry *items;
    size_t count, cap;
};

static struct entry *add_entry(struct entries *list, const struct catalog_type *type,
                               const char *subresource)
{
    list->items = mem_grow(list->items, &list->cap, list->count + 1, sizeof(*list->items));
    struct entry *e = &list->items[list->count++];
    *e = (struct entry){.e = {.type = *type, .subresource = subresource, .singular = ""}};
    e->name = subresource ? mem_printf("%s/%s", type->resource.plural, subresource)
                          : mem_strdup(type->resource.plural);
    return e;
}

/* The first eight bytes of a digest of what is stored, in base64. */
static void storage_hash(const struct rtype *t, char out[16])
{
    char hex[DIGEST_HEX];
    unsigned char bytes[8];
    AUTO(str) char *text = mem_printf("%s/%s/%s", t->group, rtype_storage(t)->name, t->kind);
    digest_of(text, strlen(text), hex);
    hex[2 * sizeof(bytes)] = '\0';
    uint64_t bits = strtoull(hex, NULL, 16);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(bits >> (56 - 8 * i));
    AUTO(strbuf) struct strbuf hash = {0};
    base64_add(&hash, bytes, sizeof(bytes));
    memcpy(out, hash.data, hash.len + 1);
}

/* Compiled kinds that people know by a common word. */
static bool in_all(const struct rtype *t)
{
    static const char *const kinds[] = {"Pod",        "Service",     "Deployment",
                                        "ReplicaSet", "StatefulSet", "DaemonSet",
                                        "Job",        "CronJob",     "ReplicationController"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (t->builtin && strcmp(t->kind, kinds[i]) == 0 && !strchr(t->group, '.'))
            return true;
    return false;
}

/* Kinds that change what the API is. */
static bool extends_api(const struct rtype *t)
{
    static const char *const groups[] = {"admissionregistration.k8s.io", "apiextensions.k8s.io",
                                         "apiregistration.k8s.io"};
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (t->builtin && strcmp(t->group, groups[i]) == 0)
            return true;
    return false;
}

static const char **categories_of(const struct rtype *t)
{
    size_t count = 0, n = 0;
    while (t->categories && t->categories[count])
        count++;
    const char **out = mem_zalloc((count + 3) * sizeof(*out));
    if (in_all(t))
        out[n++] = "all";
    if (extends_api(t))
        out[n++] = "api-extensions";
    for (size_t i = 0; i < count; i++)
        out[n++] = t->categories[i];
    return out;
}

static void add_type(struct entries *list, const struct rtype *t, const struct rversion *v)
{
    struct catalog_type type;
    type_of(t, v, &type);
    struct entry *e = add_entry(list, &type, NULL);
    e->e.singular = t->singular;
    e->e.short_names = t->short_names && t->short_names[0] ? t->short_names : NULL;
    e->e.verbs = verbs_of(t);
    e->categories = categories_of(t);
    storage_hash(t, e->hash);
    const struct subresource *s;
    for (size_t at = 0; (s = subresource_next(t, v, &at));) {
        struct entry *below = add_entry(list, &type, s->name);
        verbs_of_bits(s->verbs, below->verbs);
        below->e.group = s->group;
        below->e.version = s->version;
        below->e.kind = s->kind;
    }
}

static void add_virtual(struct entries *list, const struct apiserver *a,
                        const struct virtual_resource *v)
{
    struct catalog_type type;
    /* A subresource of a stored kind belongs to that kind. */
    if (!v->subresource || !catalog_find(a, &v->resource, &type) || type.is_virtual)
        type_of_virtual(v, &type);
    struct entry *e = add_entry(list, &type, v->subresource);
    if (!v->subresource && v->singular)
        e->e.singular = v->singular;
    e->e.kind = v->kind;
    if (v->subresource && same_text(v->kind, "TokenRequest")) {
        e->e.group = "authentication.k8s.io";
        e->e.version = "v1";
    }
    verbs_of_bits(v->verbs, e->verbs);
}

/* By name; the subresources of a definition's kind are told in the order of its code: status, then
 * scale. */
static int entry_order(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    int order = strcmp(a->name, b->name);
    bool defined = a->e.subresource && b->e.subresource && !a->e.type.builtin;
    if (!defined || strcmp(a->e.type.resource.plural, b->e.type.resource.plural) != 0)
        return order;
    bool own = (same_text(a->e.subresource, "status") && same_text(b->e.subresource, "scale")) ||
               (same_text(b->e.subresource, "status") && same_text(a->e.subresource, "scale"));
    return own ? -order : order;
}

static void collect(const struct apiserver *a, const char *group, const char *version,
                    struct entries *list)
{
    for (size_t i = 0; i < rtype_count(a); i++) {
        const struct rtype *t = rtype_at(a, i);
        const struct rversion *v = t->registered ? rtype_version(t, group, version) : NULL;
        if (v)
            add_type(list, t, v);
    }
    for (size_t i = 0; i < apiserver_virtual_count(a); i++) {
        const struct virtual_resource *x = apiserver_virtual_at(a, i);
        if (same_text(x->resource.group, group) && same_text(x->resource.version, version))
            add_virtual(list, a, x);
    }
    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), entry_order);
}

/* Pointers into the entry itself are set once it has come to rest. */
static void settle(struct entry *e)
{
    if (!e->e.verbs)
        e->e.verbs = e->verbs;
    if (!e->e.kind)
        e->e.kind = e->e.type.kind;
    if (e->categories && e->categories[0])
        e->e.categories = e->categories;
    if (*e->hash)
        e->e.storage_hash = e->hash;
}

void catalog_each(const struct apiserver *a, const char *group, const char *version, catalog_fn *fn,
                  void *cookie)
{
    struct entries list = {0};
    collect(a, group, version, &list);
    for (size_t i = 0; i < list.count; i++) {
        struct entry *e = &list.items[i];
        settle(e);
        fn(cookie, &e->e);
        free(e->name);
        free(e->categories);
    }
    free(list.items);
}

/* ---- groups ---- */

/* "v2beta1": stage 2 is GA, 1 beta, 0 alpha; false for names of another kind. */
static bool version_parts(const char *s, long *ret_major, int *ret_stage, long *ret_minor)
{
    char *end;
    if (*s != 'v' || s[1] < '1' || s[1] > '9')
        return false;
    *ret_major = strtol(s + 1, &end, 10);
    *ret_stage = 2;
    *ret_minor = 0;
    if (*end == '\0')
        return true;
    if (strncmp(end, "beta", 4) == 0)
        *ret_stage = 1, end += 4;
    else if (strncmp(end, "alpha", 5) == 0)
        *ret_stage = 0, end += 5;
    else
        return false;
    if (*end < '1' || *end > '9')
        return false;
    *ret_minor = strtol(end, &end, 10);
    return *end == '\0';
}

int catalog_compare_versions(const char *a, const char *b)
{
    long major_a, major_b, minor_a, minor_b;
    int stage_a, stage_b;
    bool ok_a = version_parts(a, &major_a, &stage_a, &minor_a);
    bool ok_b = version_parts(b, &major_b, &stage_b, &minor_b);
    if (ok_a != ok_b)
        return ok_a ? -1 : 1;
    if (!ok_a)
        return strcmp(a, b);
    if (stage_a != stage_b)
        return stage_b - stage_a;
    if (major_a != major_b)
        return major_a > major_b ? -1 : 1;
    return minor_a == minor_b ? 0 : minor_a > minor_b ? -1 : 1;
}

static int version_order(const void *x, const void *y)
{
    return catalog_compare_versions(*(const char *const *)x, *(const char *const *)y);
}

static void add_version(struct catalog_groups *g, const char *group, const char *version,
                        bool builtin)
{
    struct catalog_group *x = NULL;
    for (size_t i = 0; i < g->count && !x; i++)
        if (strcmp(g->items[i].name, group) == 0)
            x = &g->items[i];
    if (!x) {
        g->items = mem_grow(g->items, &g->cap, g->count + 1, sizeof(*g->items));
        x = &g->items[g->count++];
        *x = (struct catalog_group){.name = group, .builtin = builtin};
    }
    for (size_t i = 0; i < x->version_count; i++)
        if (strcmp(x->versions[i], version) == 0)
            return;
    x->versions = mem_reallocarray(x->versions, x->version_count + 1, sizeof(*x->versions));
    x->versions[x->version_count++] = version;
}

/* The server's priorities of its own groups; others follow by name. */
static size_t group_rank(const char *name)
{
    static const char *const order[] = {"",
                                        "apiregistration.k8s.io",
                                        "apps",
                                        "events.k8s.io",
                                        "authentication.k8s.io",
                                        "authorization.k8s.io",
                                        "autoscaling",
                                        "batch",
                                        "certificates.k8s.io",
                                        "networking.k8s.io",
                                        "policy",
                                        "rbac.authorization.k8s.io",
                                        "storage.k8s.io",
                                        "admissionregistration.k8s.io",
                                        "apiextensions.k8s.io",
                                        "scheduling.k8s.io",
                                        "coordination.k8s.io",
                                        "node.k8s.io",
                                        "discovery.k8s.io",
                                        "flowcontrol.apiserver.k8s.io"};
    size_t i = 0;
    while (i < ARRAY_LEN(order) && strcmp(order[i], name) != 0)
        i++;
    return i;
}

static int group_order(const void *x, const void *y)
{
    const char *a = ((const struct catalog_group *)x)->name;
    const char *b = ((const struct catalog_group *)y)->name;
    size_t rank_a = group_rank(a), rank_b = group_rank(b);
    if (rank_a != rank_b)
        return rank_a < rank_b ? -1 : 1;
    return strcmp(a, b);
}

void catalog_groups(const struct apiserver *a, struct catalog_groups *ret)
{
    *ret = (struct catalog_groups){0};
    for (size_t i = 0; i < rtype_count(a); i++) {
        const struct rtype *t = rtype_at(a, i);
        for (size_t k = 0; t->registered && k < t->version_count; k++)
            if (t->versions[k].served)
                add_version(ret, t->versions[k].group, t->versions[k].name, t->builtin != NULL);
    }
    for (size_t i = 0; i < apiserver_virtual_count(a); i++) {
        const struct api_resource *r = &apiserver_virtual_at(a, i)->resource;
        add_version(ret, r->group ? r->group : "", r->version, true);
    }
    if (ret->count)
        qsort(ret->items, ret->count, sizeof(*ret->items), group_order);
    for (size_t i = 0; i < ret->count; i++)
        qsort(ret->items[i].versions, ret->items[i].version_count, sizeof(char *), version_order);
}

void catalog_groups_finish(struct catalog_groups *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->items[i].versions);
    free(g->items);
    *g = (struct catalog_groups){0};
}

uint64_t catalog_generation(const struct apiserver *a)
{
    return a->catalog_generation;
}
