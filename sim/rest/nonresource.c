/* Paths outside of resources: version, health, discovery, documents. */
#include <string.h>

#include "sim/rest/rest_priv.h"

/* "/": what there is, for those who look around. */
static int document_root(struct rest_call *c)
{
    static const char *const fixed[] = {"/api",   "/api/v1", "/apis",   "/healthz",
                                        "/livez", "/readyz", "/version"};
    if (strcmp(c->route.path, "/") != 0)
        return 1;
    AUTO(catalog_groups) struct catalog_groups groups = {0};
    catalog_groups(c->r->server, &groups);
    json_t *paths = json_array();
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        json_array_append_new(paths, json_string(fixed[i]));
        for (size_t k = 0; strcmp(fixed[i], "/apis") == 0 && k < groups.count; k++) {
            const struct catalog_group *g = &groups.items[k];
            if (!*g->name)
                continue;
            AUTO(str) char *path = mem_printf("/apis/%s", g->name);
            json_array_append_new(paths, json_string(path));
            for (size_t v = 0; v < g->version_count; v++) {
                AUTO(str) char *below = mem_printf("%s/%s", path, g->versions[v]);
                json_array_append_new(paths, json_string(below));
            }
        }
    }
    json_t *body = json_object();
    json_object_set_new(body, "paths", paths);
    c->accept = (struct accept){.pretty = true};
    c->settled = true;
    return answer_document(c, 200, body);
}

/* One slash at the end changes nothing. */
static void trim_path(char *path)
{
    size_t len = strlen(path);
    if (len > 1 && path[len - 1] == '/' && path[len - 2] != '/')
        path[len - 1] = '\0';
}

int call_nonresource(struct rest_call *c)
{
    static int (*const documents[])(struct rest_call * c) = {
        document_discovery, document_version, document_health, document_openapi, document_root};
    if (call_authorize_path(c) < 0)
        return -1;
    trim_path(c->route.path);
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        int rc = documents[i](c);
        if (rc <= 0)
            return rc;
    }
    return answer_error_text(c, 404, "404 page not found");
}
