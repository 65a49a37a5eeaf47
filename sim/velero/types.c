/* What the cluster serves, in the order in which Velero collects it: the core group first, and in
 * it pods, claims and volumes before all others. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/status.h"
#include "sim/apiserver/catalog.h"
#include "sim/client.h"
#include "sim/velero/velero_priv.h"

static bool can_list(const struct catalog_entry *e)
{
    for (size_t i = 0; e->verbs && e->verbs[i]; i++)
        if (strcmp(e->verbs[i], "list") == 0)
            return true;
    return false;
}

/* In a version that its group prefers. */
static bool is_known(const struct velero_types *t, const struct api_resource *r)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].resource.plural, r->plural) == 0 &&
            strcmp(t->items[i].resource.group, r->group) == 0)
            return true;
    return false;
}

static void add_type(void *cookie, const struct catalog_entry *e)
{
    struct velero_types *t = cookie;
    const struct api_resource *r = &e->type.resource;

    /* Events are in two groups; one is enough, as for Velero. */
    if (is_known(t, r) || e->subresource || e->type.is_virtual || e->type.terminating ||
        !can_list(e) || strcmp(r->group, "events.k8s.io") == 0)
        return;
    t->items = mem_grow(t->items, &t->cap, t->count + 1, sizeof *t->items);
    t->items[t->count++] = (struct velero_type){*r, e->type.kind, e->type.namespaced,
                                                *r->group ? mem_printf("%s.%s", r->plural, r->group)
                                                          : mem_strdup(r->plural)};
}

static unsigned rank_of(const struct velero_type *t)
{
    static const char *const first[] = {"pods", "persistentvolumeclaims", "persistentvolumes"};

    for (unsigned i = 0; i < ARRAY_LEN(first); i++)
        if (strcmp(t->name, first[i]) == 0)
            return i;
    return *t->resource.group ? ARRAY_LEN(first) + 1 : ARRAY_LEN(first);
}

/* Stable, and the lists are short. */
static void sort(struct velero_types *t)
{
    for (size_t i = 1; i < t->count; i++)
        for (size_t k = i; k > 0 && rank_of(&t->items[k]) < rank_of(&t->items[k - 1]); k--) {
            struct velero_type other = t->items[k];

            t->items[k] = t->items[k - 1];
            t->items[k - 1] = other;
        }
}

void velero_types_read(const struct velero *v, struct velero_types *ret)
{
    const struct apiserver *server = cluster_server(v->ctl.cluster);
    __attribute__((cleanup(cleanup_catalog_groups))) struct catalog_groups groups = {0};

    *ret = (struct velero_types){0};
    catalog_groups(server, &groups);
    for (size_t i = 0; i < groups.count; i++)
        for (size_t k = 0; k < groups.items[i].version_count; k++)
            catalog_each(server, groups.items[i].name, groups.items[i].versions[k], add_type, ret);
    sort(ret);
}

void velero_types_finish(struct velero_types *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i].name);
    free(t->items);
    *t = (struct velero_types){0};
}

const struct velero_type *velero_types_find(const struct velero_types *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].name, name) == 0)
            return &t->items[i];
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].resource.plural, name) == 0)
            return &t->items[i];
    return NULL;
}

/* ---- reading ---- */

static int ask(const struct velero *v, struct api_request *req, json_t **ret, struct err *reterr)
{
    AUTO(response) struct api_response res = {0};

    req->user = VELERO_USER;
    if (sim_request(v->ctl.cluster, req, &res, reterr) < 0)
        return -1;
    if (!api_ok(&res))
        return err_set(reterr, res.code == 404 ? ERR_NOT_FOUND : ERR_IO, NO_POS, "%s",
                       api_message(&res));
    *ret = TAKE(res.body);
    return 0;
}

int velero_get(const struct velero *v, const struct velero_type *t, const char *ns,
               const char *name, json_t **ret, struct err *reterr)
{
    struct api_request req = {
        .verb = API_GET, .resource = t->resource, .ns = t->namespaced ? ns : NULL, .name = name};

    return ask(v, &req, ret, reterr);
}

static json_t *with_kind(const struct velero_type *t, const json_t *item)
{
    json_t *whole = json_object();
    AUTO(str)
    char *version = *t->resource.group ? mem_printf("%s/%s", t->resource.group, t->resource.version)
                                       : mem_strdup(t->resource.version);

    json_put_str(whole, "apiVersion", version);
    json_put_str(whole, "kind", t->kind);
    json_object_update(whole, (json_t *)item);
    return whole;
}

int velero_list(const struct velero *v, const struct velero_type *t, const char *ns,
                json_t **ret_items, struct err *reterr)
{
    struct api_request req = {
        .verb = API_LIST, .resource = t->resource, .ns = t->namespaced ? ns : NULL};
    AUTO(json) json_t *list = NULL;
    size_t i;
    json_t *item;

    if (ask(v, &req, &list, reterr) < 0)
        return -1;
    *ret_items = json_array();
    json_array_foreach(json_object_get(list, "items"), i, item)
        json_array_append_new(*ret_items, with_kind(t, item));
    return 0;
}

/* ---- names ---- */

bool velero_lists(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);

        if (text && (strcmp(text, "*") == 0 || strcmp(text, name) == 0))
            return true;
    }
    return false;
}

bool velero_resources_have(const char *resources, const struct velero_type *t)
{
    for (const char *p = resources; *p;) {
        size_t len = strcspn(p, ",");

        if (strlen(t->name) == len && strncmp(t->name, p, len) == 0)
            return true;
        p += len;
        p += *p == ',';
    }
    return false;
}
