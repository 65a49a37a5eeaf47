/* What there is, as clients discover it (kube-apiserver.md 1.3). */
#include <string.h>

#include "sim/rest/discovery.h"
#include "sim/rest/rest_priv.h"

static json_t *new_document(const char *kind, bool versioned)
{
    json_t *out = json_object();
    json_put_str(out, "kind", kind);
    if (versioned)
        json_put_str(out, "apiVersion", "v1");
    return out;
}

/* ---- /api ---- */

static int answer_core(struct rest_call *c)
{
    const char *host =
        c->req->server_address ? c->req->server_address : rest_header(c->req, "Host");
    AUTO(str) char *address = utf8_clean(host ? host : "", strlen(host ? host : ""));
    json_t *body = new_document("APIVersions", /* versioned= */ false);
    json_put_take(body, "versions", json_pack("[s]", "v1"));
    json_put_take(body, "serverAddressByClientCIDRs",
                  json_pack("[{s:s, s:s}]", "clientCIDR", "0.0.0.0/0", "serverAddress", address));
    return answer_document(c, 200, body);
}

/* ---- groups ---- */

static json_t *version_entry(const char *group, const char *version)
{
    AUTO(str) char *both = mem_printf("%s/%s", group, version);
    return json_pack("{s:s, s:s}", "groupVersion", both, "version", version);
}

static void put_group(json_t *out, const struct catalog_group *g)
{
    json_t *versions = json_array();
    for (size_t i = 0; i < g->version_count; i++)
        json_array_append_new(versions, version_entry(g->name, g->versions[i]));
    json_put_str(out, "name", g->name);
    json_put_take(out, "versions", versions);
    json_put_take(out, "preferredVersion", version_entry(g->name, g->versions[0]));
}

static int answer_groups(struct rest_call *c, const struct catalog_groups *groups)
{
    json_t *body = new_document("APIGroupList", /* versioned= */ true);
    json_t *list = json_array();
    for (size_t i = 0; i < groups->count; i++) {
        if (!*groups->items[i].name)
            continue;
        json_t *one = json_object();
        put_group(one, &groups->items[i]);
        json_array_append_new(list, one);
    }
    json_object_set_new(body, "groups", list);
    return answer_document(c, 200, body);
}

static int answer_group(struct rest_call *c, const struct catalog_group *g)
{
    json_t *body = new_document("APIGroup", /* versioned= */ true);
    put_group(body, g);
    return answer_document(c, 200, body);
}

/* ---- resources of one version ---- */

static json_t *words_of(const char *const *words)
{
    json_t *out = json_array();
    for (; *words; words++)
        json_array_append_new(out, json_string(*words));
    return out;
}

static void add_resource(void *cookie, const struct catalog_entry *e)
{
    json_t *one = json_object();
    const char *plural = e->type.resource.plural;
    AUTO(str)
    char *name = e->subresource ? mem_printf("%s/%s", plural, e->subresource) : mem_strdup(plural);
    json_put_str(one, "name", name);
    json_put_str(one, "singularName", e->singular);
    json_put_take(one, "namespaced", json_boolean(e->type.namespaced));
    if (e->group) {
        json_put_str(one, "group", e->group);
        json_put_str(one, "version", e->version);
    }
    json_put_str(one, "kind", e->kind);
    json_put_take(one, "verbs", words_of(e->verbs));
    if (e->short_names)
        json_put_take(one, "shortNames", words_of(e->short_names));
    if (e->categories)
        json_put_take(one, "categories", words_of(e->categories));
    if (e->storage_hash)
        json_put_str(one, "storageVersionHash", e->storage_hash);
    json_array_append_new(cookie, one);
}

static int answer_resources(struct rest_call *c, const struct catalog_group *g, const char *version)
{
    AUTO(str)
    char *both = *g->name ? mem_printf("%s/%s", g->name, version) : mem_strdup(version);
    json_t *body = new_document("APIResourceList", /* versioned= */ *g->name != '\0');
    json_t *list = json_array();
    catalog_each(c->r->server, g->name, version, add_resource, list);
    json_put_str(body, "groupVersion", both);
    json_object_set_new(body, "resources", list);
    return answer_document(c, 200, body);
}

/* ---- paths ---- */

static const struct catalog_group *find_group(const struct catalog_groups *groups, const char *name,
                                              size_t len)
{
    for (size_t i = 0; i < groups->count; i++)
        if (strlen(groups->items[i].name) == len && memcmp(groups->items[i].name, name, len) == 0)
            return &groups->items[i];
    return NULL;
}

static const char *find_version(const struct catalog_group *g, const char *name)
{
    for (size_t i = 0; i < g->version_count; i++)
        if (strcmp(g->versions[i], name) == 0)
            return g->versions[i];
    return NULL;
}

/* rest: what stands behind /apis/. */
static int answer_named(struct rest_call *c, const struct catalog_groups *groups, const char *rest)
{
    size_t len = strcspn(rest, "/");
    const struct catalog_group *g = len ? find_group(groups, rest, len) : NULL;
    if (!g)
        return 1;
    if (rest[len] == '\0')
        return answer_group(c, g);
    const char *version = find_version(g, rest + len + 1);
    return version ? answer_resources(c, g, version) : 1;
}

static int refuse_method(struct rest_call *c)
{
    struct api_response resp = {0};
    fail_status(&resp, 405, "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
                /* with_details= */ true);
    return answer_response(c, &resp);
}

int document_discovery(struct rest_call *c)
{
    const char *rest;
    bool core = path_below(c->route.path, "/api", &rest);
    if (!core && !path_below(c->route.path, "/apis", &rest))
        return 1;
    AUTO(catalog_groups) struct catalog_groups groups = {0};
    catalog_groups(c->r->server, &groups);
    if (core && *rest && strcmp(rest, "v1") != 0)
        return 1;
    if (c->method != METHOD_GET && c->method != METHOD_HEAD)
        return refuse_method(c);
    if (!*rest) {
        int rc = discovery_aggregated(c, core);
        if (rc <= 0)
            return rc;
    }
    if (core && !*rest)
        return answer_core(c);
    if (core)
        return answer_resources(c, find_group(&groups, "", 0), "v1");
    return *rest ? answer_named(c, &groups, rest) : answer_groups(c, &groups);
}
