/* Aggregated discovery: all groups with all their resources in one document, for clients whose
 * Accept header asks for it (kube-apiserver.md 1.3). */
#include <string.h>

#include "sim/rest/discovery.h"
#include "sim/rest/documents.h"
#include "sim/rest/rest_priv.h"

#define AGGREGATED_TYPE "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

/* ---- does the client want it ---- */

enum wish { WISH_OTHER, WISH_AGGREGATED };

static bool one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* The first clause that discovery can serve decides. What asks for a conversion that is not this
 * one (v2beta1 among them, which servers have left behind) is passed over. */
static bool weigh(void *cookie, const struct accept_clause *c)
{
    enum wish *wish = cookie;
    bool wild = strcmp(c->type, "*") == 0 && strcmp(c->subtype, "*") == 0;
    bool json = strcmp(c->type, "application") == 0 && one_of(c->subtype, "json", "*", "json");
    bool other = strcmp(c->type, "application") == 0 &&
                 one_of(c->subtype, "yaml", "vnd.kubernetes.protobuf", "vnd.kubernetes.protobuf");
    if (!*c->as && !*c->group && !*c->version) {
        *wish = WISH_OTHER;
        return wild || json || other;
    }
    if (!wild && !json)
        return false;
    *wish = WISH_AGGREGATED;
    return strcmp(c->group, "apidiscovery.k8s.io") == 0 && strcmp(c->version, "v2") == 0 &&
           strcmp(c->as, "APIGroupDiscoveryList") == 0;
}

bool discovery_wants_aggregated(const char *accept)
{
    enum wish wish = WISH_OTHER;
    return accept && strstr(accept, "APIGroupDiscoveryList") && accept_each(accept, weigh, &wish) &&
           wish == WISH_AGGREGATED;
}

/* ---- the document ---- */

/* Subresources stand inside their resource, but need not follow it in the catalog. */
struct resource {
    char *plural;
    struct strbuf text, subresources;
};
struct resources {
    struct resource *items;
    size_t count, cap;
};

static void add_string(struct strbuf *out, const char *text)
{
    AUTO(json) json_t *value = json_string(text);
    json_write(out, value, JSON_TIGHT);
}

/* `"name":["a","b"]`, with a comma before it; nothing for an empty list. */
static void add_list(struct strbuf *out, const char *name, const char *const *list)
{
    if (!list || !*list)
        return;
    strbuf_addf(out, ",\"%s\":[", name);
    for (size_t i = 0; list[i]; i++) {
        if (i)
            strbuf_addch(out, ',');
        add_string(out, list[i]);
    }
    strbuf_addch(out, ']');
}

static void add_response_kind(struct strbuf *out, const struct catalog_entry *e)
{
    /* Of compiled kinds, only what differs from the endpoint's own is said. */
    static const struct api_resource unsaid = {"", "", NULL};
    const struct catalog_type *t = &e->type;
    const struct api_resource *own = t->builtin && !t->is_virtual ? &unsaid : &t->resource;
    strbuf_addstr(out, ",\"responseKind\":{\"group\":");
    add_string(out, e->group ? e->group : own->group);
    strbuf_addstr(out, ",\"version\":");
    add_string(out, e->group ? e->version : own->version);
    strbuf_addstr(out, ",\"kind\":");
    add_string(out, e->kind);
    strbuf_addch(out, '}');
}

static struct resource *find_resource(struct resources *list, const char *plural)
{
    for (size_t i = list->count; i-- > 0;)
        if (strcmp(list->items[i].plural, plural) == 0)
            return &list->items[i];
    return NULL;
}

static struct resource *add_resource(struct resources *list, const struct catalog_entry *e)
{
    const char *plural = e->type.resource.plural;
    list->items = mem_grow(list->items, &list->cap, list->count + 1, sizeof *list->items);
    struct resource *r = &list->items[list->count++];
    *r = (struct resource){.plural = mem_strdup(plural)};
    strbuf_addstr(&r->text, "{\"resource\":");
    add_string(&r->text, plural);
    if (e->subresource)
        strbuf_addstr(&r->text,
                      ",\"responseKind\":{\"group\":\"\",\"version\":\"\",\"kind\":\"\"}");
    else
        add_response_kind(&r->text, e);
    strbuf_addf(&r->text, ",\"scope\":\"%s\",\"singularResource\":",
                e->type.namespaced ? "Namespaced" : "Cluster");
    add_string(&r->text, e->subresource ? "" : e->singular);
    if (e->subresource) {
        strbuf_addstr(&r->text, ",\"verbs\":null");
        return r;
    }
    add_list(&r->text, "verbs", e->verbs);
    add_list(&r->text, "shortNames", e->short_names);
    add_list(&r->text, "categories", e->categories);
    return r;
}

static void collect_entry(void *cookie, const struct catalog_entry *e)
{
    struct resources *list = cookie;
    struct resource *r = find_resource(list, e->type.resource.plural);
    if (!r)
        r = add_resource(list, e);
    if (!e->subresource)
        return;
    struct strbuf *out = &r->subresources;
    strbuf_addstr(out, out->len ? ",{\"subresource\":" : "{\"subresource\":");
    add_string(out, e->subresource);
    add_response_kind(out, e);
    add_list(out, "verbs", e->verbs);
    strbuf_addch(out, '}');
}

static void add_version(struct strbuf *out, const struct apiserver *a, const char *group,
                        const char *version)
{
    struct resources list = {0};
    catalog_each(a, group, version, collect_entry, &list);
    strbuf_addstr(out, "{\"version\":");
    add_string(out, version);
    strbuf_addstr(out, ",\"resources\":[");
    for (size_t i = 0; i < list.count; i++) {
        struct resource *r = &list.items[i];
        strbuf_addf(out, "%s%s", i ? "," : "", strbuf_str(&r->text));
        if (r->subresources.len)
            strbuf_addf(out, ",\"subresources\":[%s]", strbuf_str(&r->subresources));
        strbuf_addch(out, '}');
        strbuf_finish(&r->text);
        strbuf_finish(&r->subresources);
        free(r->plural);
    }
    free(list.items);
    strbuf_addstr(out, "],\"freshness\":\"Current\"}");
}

static void add_group(struct strbuf *out, const struct apiserver *a, const struct catalog_group *g)
{
    strbuf_addstr(out, "{\"metadata\":{");
    if (*g->name) {
        strbuf_addstr(out, "\"name\":");
        add_string(out, g->name);
        strbuf_addch(out, ',');
    }
    strbuf_addstr(out, "\"creationTimestamp\":null},\"versions\":[");
    for (size_t i = 0; i < g->version_count; i++) {
        if (i)
            strbuf_addch(out, ',');
        add_version(out, a, g->name, g->versions[i]);
    }
    strbuf_addstr(out, "]}");
}

static void write_aggregated(struct strbuf *out, const struct apiserver *a, bool core)
{
    AUTO(catalog_groups) struct catalog_groups groups;
    bool first = true;
    catalog_groups(a, &groups);
    strbuf_addstr(out, "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":"
                       "\"apidiscovery.k8s.io/v2\",\"metadata\":{},\"items\":[");
    for (size_t i = 0; i < groups.count; i++) {
        if ((*groups.items[i].name == '\0') != core)
            continue;
        if (!first)
            strbuf_addch(out, ',');
        first = false;
        add_group(out, a, &groups.items[i]);
    }
    strbuf_addstr(out, "]}\n");
}

int discovery_aggregated(struct rest_call *c, bool core)
{
    const char *key = core ? "aggregated core" : "aggregated";
    struct documents *kept = c->r->documents;
    if (!discovery_wants_aggregated(rest_header(c->req, "Accept")))
        return 1;
    documents_refresh(kept, catalog_generation(c->r->server));
    const struct document *d = documents_get(kept, key);
    if (!d) {
        AUTO(strbuf) struct strbuf out = {0};
        write_aggregated(&out, c->r->server, core);
        d = documents_put(kept, key, &out);
    }
    rest_answer_header(c->ret, "Vary", "Accept");
    rest_answer_header(c->ret, "Cache-Control", "public");
    return document_answer(c, d, AGGREGATED_TYPE, wants_pretty(c->req, &c->query));
}
