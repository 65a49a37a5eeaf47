/* The registry: which resource types the server serves, by group and plural, by kind, by any word a
 * user may write. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/strmap.h"
#include "kube/meta.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/commit_priv.h"
#include "sim/apiserver/crd.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/schema.h"
#include "sim/apiserver/server_priv.h"
#include "sim/apiserver/store.h"
#include "sim/apiserver/virtual_priv.h"

/* ---- versions ---- */
void api_version_of(const char *group, const char *version, char *out, size_t size)
{
    size_t at = strlen(group), len = strlen(version);
    assert(at + 1 + len < size);
    if (at) {
        memcpy(out, group, at);
        out[at++] = '/';
    }
    memcpy(out + at, version, len + 1);
}

/* ---- the table by group and plural ---- */

static size_t hash_name(const char *group, const char *plural)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const char *p = plural; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    h = (h ^ '.') * UINT64_C(1099511628211);
    for (const char *p = group; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return (size_t)(h ^ (h >> 32));
}

static const struct kind_view *view_of(const struct rtype *t)
{
    return t->builtin ? t->builtin->view : NULL;
}

static void hash_put(struct apiserver *a, const char *group, struct rtype *t)
{
    assert(a->hash_count * 2 <= a->hash_cap); /* so that a search ends */
    size_t i = hash_name(group, t->plural);
    while (a->hash[i & (a->hash_cap - 1)])
        i++;
    a->hash[i & (a->hash_cap - 1)] = t;
}

static void hash_type(struct apiserver *a, struct rtype *t)
{
    hash_put(a, t->group, t);
    if (view_of(t))
        hash_put(a, view_of(t)->group, t);
}

static bool in_group(const struct rtype *t, const char *group)
{
    return strcmp(t->group, group) == 0 || (view_of(t) && strcmp(view_of(t)->group, group) == 0);
}

static struct rtype *find_any_state(const struct apiserver *a, const char *group,
                                    const char *plural)
{
    if (a->hash_cap == 0)
        return NULL;
    for (size_t i = hash_name(group, plural);; i++) {
        struct rtype *t = a->hash[i & (a->hash_cap - 1)];
        if (!t)
            return NULL;
        if (strcmp(t->plural, plural) == 0 && in_group(t, group))
            return t;
    }
}

static void type_add(struct apiserver *a, struct rtype *t)
{
    assert(!find_any_state(a, t->group, t->plural));
    a->types = mem_grow(a->types, &a->type_cap, a->type_count + 1, sizeof(struct rtype *));
    a->types[a->type_count++] = t;
    a->hash_count += view_of(t) ? 2 : 1;
    if (a->hash_count * 2 <= a->hash_cap) {
        hash_type(a, t);
        return;
    }
    free(a->hash);
    a->hash_cap = a->hash_cap ? a->hash_cap * 2 : 256;
    while (a->hash_count * 2 > a->hash_cap)
        a->hash_cap *= 2;
    a->hash = mem_zalloc(a->hash_cap * sizeof(struct rtype *));
    for (size_t i = 0; i < a->type_count; i++)
        hash_type(a, a->types[i]);
}

size_t rtype_count(const struct apiserver *a)
{
    return a->type_count;
}

struct rtype *rtype_at(const struct apiserver *a, size_t i)
{
    assert(i < a->type_count);
    return a->types[i];
}

struct rtype *rtype_find(const struct apiserver *a, const char *group, const char *plural)
{
    struct rtype *t = find_any_state(a, group ? group : "", plural);
    return t && t->registered ? t : NULL;
}

static struct rtype *rtype_find_kind(const struct apiserver *a, const char *group, const char *kind)
{
    for (size_t i = 0; i < a->type_count; i++) {
        struct rtype *t = a->types[i];
        if (t->registered && strcmp(t->kind, kind) == 0 && in_group(t, group))
            return t;
    }
    return NULL;
}

const struct rversion *rtype_version(const struct rtype *t, const char *group, const char *version)
{
    for (size_t i = 0; i < t->version_count; i++)
        if (t->versions[i].served && strcmp(t->versions[i].name, version ? version : "") == 0 &&
            strcmp(t->versions[i].group, group ? group : "") == 0)
            return &t->versions[i];
    return NULL;
}

/* ---- built-in kinds ---- */

static struct rtype *type_from_builtin(const struct kind_names *k)
{
    const struct builtin *b = k->builtin;
    struct rtype *t = mem_zalloc(sizeof(*t));
    t->builtin = b;
    t->group = b->group;
    t->plural = b->plural;
    t->kind = b->kind;
    t->list_kind = k->list_kind;
    t->singular = k->singular;
    t->short_names = k->short_names;
    t->namespaced = b->namespaced;
    t->generation = b->generation;
    t->registered = true;
    t->version_count = b->view ? 2 : 1;
    t->versions = mem_zalloc(t->version_count * sizeof(*t->versions));
    t->versions[0] = (struct rversion){.group = b->group,
                                       .name = b->version,
                                       .served = true,
                                       .has_status = b->has_status,
                                       .fields = k->fields,
                                       .scale = scale_of_builtin(b)};
    if (b->view)
        t->versions[1] = (struct rversion){.group = b->view->group,
                                           .name = b->view->version,
                                           .served = true,
                                           .fields = k->view_fields,
                                           .view = b->view};
    return t;
}

void rtypes_add_builtin(struct apiserver *a)
{
    size_t count;
    const struct kind_names *kinds = builtin_kinds(&count);
    for (size_t i = 0; i < count; i++)
        type_add(a, type_from_builtin(&kinds[i]));
}

static void type_destroy(struct rtype *t)
{
    store_finish(&t->table);
    log_finish(&t->log);
    free(t->watches);
    free(t->versions);
    free(t->names_short);
    free(t->names_categories);
    json_decref(t->names);
    crd_unref(t->crd);
    free(t);
}

/* What was worked out from the types' names is worked out anew when it is asked for again. */
static void names_changed(struct apiserver *a)
{
    a->catalog_generation++;
    free(a->kinds);
    a->kinds = NULL;
    strmap_destroy(a->words, free);
    a->words = NULL;
}

void rtypes_finish(struct apiserver *a)
{
    for (size_t i = 0; i < a->type_count; i++)
        type_destroy(a->types[i]);
    free(a->types);
    free(a->hash);
    for (size_t i = 0; i < a->retired_count; i++)
        crd_unref(a->retired[i]);
    free(a->retired);
    json_decref(a->retired_names);
    names_changed(a);
}

/* ---- defined kinds ---- */

static void retire(struct apiserver *a, struct crd *c)
{
    a->retired = mem_grow(a->retired, &a->retired_cap, a->retired_count + 1, sizeof(struct crd *));
    a->retired[a->retired_count++] = c;
}

static void fill_from_crd(struct rtype *t, struct crd *c)
{
    assert(c->version_count > 0);
    assert(c->storage < c->version_count);
    t->crd = crd_ref(c);
    t->group = c->group;
    t->plural = c->plural;
    t->kind = c->kind;
    t->list_kind = c->list_kind;
    t->singular = c->singular;
    t->short_names = c->short_names;
    t->categories = c->categories;
    t->namespaced = c->namespaced;
    t->generation = GENERATION_ALL;
    free(t->versions);
    t->versions = mem_zalloc(c->version_count * sizeof(*t->versions));
    t->version_count = c->version_count;
    t->storage = c->storage;
    for (size_t i = 0; i < c->version_count; i++)
        t->versions[i] =
            (struct rversion){.group = c->group,
                              .name = c->versions[i].name,
                              .served = c->versions[i].served,
                              .has_status = c->versions[i].has_status,
                              .schema = c->versions[i].schema,
                              .fields = c->versions[i].fields,
                              .scale = c->versions[i].has_scale ? &c->versions[i].scale : NULL,
                              .warning = c->versions[i].warning};
}

static void drop_names(struct apiserver *a, struct rtype *t)
{
    free(t->names_short);
    free(t->names_categories);
    t->names_short = t->names_categories = NULL;
    if (!t->names)
        return;
    if (!a->retired_names)
        a->retired_names = json_array();
    json_array_append_new(a->retired_names, t->names);
    t->names = NULL;
}

static bool own_names(const struct crd *c, const json_t *names)
{
    return !names || json_same(names, json_path(c->object, "spec.names"));
}

/* Not all names that the definition wants were free. */
static void use_names(struct rtype *t, const json_t *names)
{
    assert(!t->names); /* dropped before */
    t->names = json_incref((json_t *)names);
    t->singular = json_str_or_empty(names, "singular");
    t->kind = json_str_or_empty(names, "kind");
    t->list_kind = json_str_or_empty(names, "listKind");
    t->short_names = t->names_short = crd_strings(json_object_get(names, "shortNames"));
    t->categories = t->names_categories = crd_strings(json_object_get(names, "categories"));
}

static void fill(struct apiserver *a, struct rtype *t, struct crd *c, const json_t *names)
{
    drop_names(a, t);
    fill_from_crd(t, c);
    if (!own_names(c, names))
        use_names(t, names);
}

/* Whether the type is that already. */
static bool serves(const struct rtype *t, const struct crd *c, const json_t *names)
{
    if (!t->registered)
        return false;
    /* Labels and annotations of a definition, and its status, say nothing about its objects. */
    if (t->crd != c &&
        !json_same(json_object_get(t->crd->object, "spec"), json_object_get(c->object, "spec")))
        return false;
    return own_names(c, names) ? !t->names : t->names && json_same(t->names, names);
}

/* Reads show what is stored through today's schema; since nothing else reads the table, it is
 * brought there at once. */
static void renormalise(struct rtype *t)
{
    struct store_pos pos = store_seek(&t->table, "");
    struct store_entry *e;
    while ((e = store_next(&t->table, &pos))) {
        AUTO(json) json_t *copy = json_copy_of(e->object);
        char api_version[API_VERSION_TEXT];
        api_version_of(t->group, rtype_storage(t)->name, api_version, sizeof(api_version));
        json_put_str(copy, "apiVersion", api_version);
        schema_normalise(rtype_storage(t)->schema, copy);
        if (json_same(copy, e->object))
            continue;
        json_decref(e->object);
        e->object = TAKE(copy);
        e->fingerprint = object_fingerprint(e->object);
    }
}

void rtype_put_crd(struct apiserver *a, struct crd *c, const json_t *names)
{
    struct rtype *t = find_any_state(a, c->group, c->plural);
    if (t && serves(t, c, names))
        return;
    names_changed(a);
    if (!t) {
        t = mem_zalloc(sizeof(*t));
        fill(a, t, c, names);
        t->registered = true;
        type_add(a, t);
        return;
    }
    assert(!t->builtin);
    watches_end(t);
    retire(a, t->crd);
    fill(a, t, c, names);
    if (!t->registered)
        t->terminating = false;
    t->registered = true;
    renormalise(t);
}

void rtype_remove(struct apiserver *a, struct rtype *t)
{
    assert(t->table.count == 0);
    assert(t->registered);
    assert(!t->builtin);
    watches_end(t);
    t->registered = false;
    t->terminating = false;
    log_finish(&t->log);
    t->log.lost_revision = a->revision; /* nobody resumes from before */
    names_changed(a);
}

bool rtype_has_field(const struct rtype *t, const struct rversion *v, const char *field)
{
    if (strcmp(field, "metadata.name") == 0)
        return true;
    if (strcmp(field, "metadata.namespace") == 0)
        return t->namespaced || t->builtin;
    for (size_t i = 0; v->fields && v->fields[i]; i++)
        if (strcmp(v->fields[i], field) == 0)
            return true;
    return false;
}

/* ---- looking up for people ---- */

static void info_of(const struct rtype *t, const struct rversion *v, struct resource_info *ret)
{
    *ret = (struct resource_info){
        .resource = {.group = v->group, .version = v->name, .plural = t->plural},
        .kind = t->kind,
        .namespaced = t->namespaced,
        .has_status = v->has_status};
}

bool apiserver_find_kind(const struct apiserver *a, const char *api_version, const char *kind,
                         struct resource_info *ret)
{
    char group[256], version[64];
    if (!meta_split_api_version(api_version, group, sizeof(group), version, sizeof(version)))
        return false;
    const struct rtype *t = rtype_find_kind(a, group, kind);
    const struct rversion *v = t ? rtype_version(t, group, version) : NULL;
    if (!v)
        return false;
    info_of(t, v, ret);
    return true;
}

const char *apiserver_kind_of(const struct apiserver *a, const struct api_resource *r)
{
    const struct rtype *t = rtype_find(a, r->group, r->plural ? r->plural : "");
    return t ? t->kind : virtual_kind(a, r);
}

static bool word_is(const struct rtype *t, const char *word, size_t len)
{
    const char *const names[] = {t->kind, t->plural, t->singular};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i]) == len && strncasecmp(names[i], word, len) == 0)
            return true;
    for (size_t i = 0; t->short_names && t->short_names[i]; i++)
        if (strlen(t->short_names[i]) == len && strncasecmp(t->short_names[i], word, len) == 0)
            return true;
    return false;
}

struct word {
    const struct rtype *type; /* NULL: none has the name */
    const struct rversion *version;
    bool ambiguous;
};

/* The storage version; the view when the group asks for it. */
static const struct rversion *word_version(const struct rtype *t, const char *group)
{
    bool viewed = group && strcmp(group, t->group) != 0;
    assert(!viewed || view_of(t));
    return viewed ? rtype_version(t, group, view_of(t)->version) : rtype_storage(t);
}

static struct word word_find(const struct apiserver *a, const char *word)
{
    size_t len = strcspn(word, ".");
    const char *group = word[len] == '.' ? word + len + 1 : NULL;
    struct word found = {0};
    for (size_t i = 0; i < a->type_count; i++) {
        const struct rtype *t = a->types[i];
        if (!t->registered || !word_is(t, word, len) || (group && !in_group(t, group)))
            continue;
        if (found.type)
            found.ambiguous = true;
        else
            found = (struct word){.type = t, .version = word_version(t, group)};
    }
    return found;
}

/* Scenarios ask for few words, again after every change. */
#define WORDS_MAX 256

static const struct word *word_known(struct apiserver *a, const char *word)
{
    const struct word *known = a->words ? strmap_get(a->words, word) : NULL;
    if (known)
        return known;
    if (a->words && strmap_count(a->words) == WORDS_MAX) {
        strmap_destroy(a->words, free);
        a->words = NULL;
    }
    if (!a->words)
        a->words = strmap_create();
    assert(strmap_count(a->words) < WORDS_MAX);
    struct word found = word_find(a, word);
    struct word *kept = mem_dup(&found, sizeof(found));
    strmap_put(a->words, word, kept);
    return kept;
}

bool apiserver_find_any(const struct apiserver *a, const char *word, struct resource_info *ret,
                        bool *ret_ambiguous)
{
    /* A cache of what the types say; the server is not changed by filling it. */
    const struct word *found = word_known((struct apiserver *)a, word);
    *ret_ambiguous = found->ambiguous;
    if (!found->type)
        return false;
    info_of(found->type, found->version, ret);
    return true;
}

const char *const *apiserver_kinds(const struct apiserver *a, size_t *ret_count)
{
    /* A cache of what the types say; the server is not changed by filling it. */
    struct apiserver *w = (struct apiserver *)a;
    if (!w->kinds) {
        w->kinds = mem_zalloc((a->type_count + 1) * sizeof(*w->kinds));
        w->kind_count = 0;
        for (size_t i = 0; i < a->type_count; i++)
            if (a->types[i]->registered)
                w->kinds[w->kind_count++] = a->types[i]->kind;
        qsort(w->kinds, w->kind_count, sizeof(*w->kinds), text_order);
    }
    *ret_count = w->kind_count;
    return w->kinds;
}
