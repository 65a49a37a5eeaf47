#include "sim/controller/ctl.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "kube/time.h"
#include "sim/client.h"

static struct api_resource resource_of(const struct kind *k)
{
    return (struct api_resource){.group = k->group, .version = k->version, .plural = k->plural};
}

static int exchange(const struct ctl *c, struct api_request *req, json_t **ret, struct err *reterr)
{
    __attribute__((cleanup(cleanup_response))) struct api_response res = {0};
    req->user = c->user;
    if (sim_request(c->cluster, req, &res, reterr) < 0)
        return -1;
    if (!api_ok(&res)) {
        enum err_code code = res.code == 404 ? ERR_NOT_FOUND : ERR_INVALID;
        err_set(reterr, code, NO_POS, "%s", api_message(&res));
        return -res.code;
    }
    if (ret)
        *ret = TAKE(res.body);
    return 0;
}

static const char *ns_of(const json_t *obj)
{
    const char *ns = meta_namespace(obj);
    return *ns ? ns : NULL;
}

int ctl_create(const struct ctl *c, const struct kind *k, const json_t *obj, json_t **ret,
               struct err *reterr)
{
    struct api_request req = {
        .verb = API_CREATE, .resource = resource_of(k), .ns = ns_of(obj), .body = obj};
    return exchange(c, &req, ret, reterr);
}

int ctl_ensure(const struct ctl *c, const struct kind *k, const json_t *obj, bool *ret_new,
               struct err *reterr)
{
    int rc = ctl_create(c, k, obj, NULL, reterr);
    if (ret_new)
        *ret_new = rc == 0;
    if (rc != -409)
        return rc;
    AUTO(json) json_t *have = ctl_peek(c, k, ns_of(obj), meta_name(obj));
    if (!have)
        return rc;
    err_clear(reterr);
    return 0;
}

int ctl_update(const struct ctl *c, const struct kind *k, const char *subresource,
               const json_t *obj, struct err *reterr)
{
    struct api_request req = {.verb = API_UPDATE,
                              .resource = resource_of(k),
                              .ns = ns_of(obj),
                              .name = meta_name(obj),
                              .subresource = subresource,
                              .body = obj};
    return exchange(c, &req, NULL, reterr);
}

int ctl_patch(const struct ctl *c, const struct kind *k, const char *ns, const char *name,
              const char *subresource, enum api_patch_type type, const json_t *patch,
              struct err *reterr)
{
    struct api_request req = {.verb = API_PATCH,
                              .resource = resource_of(k),
                              .ns = ns && *ns ? ns : NULL,
                              .name = name,
                              .subresource = subresource,
                              .body = patch,
                              .patch = type};
    return exchange(c, &req, NULL, reterr);
}

int ctl_delete(const struct ctl *c, const struct kind *k, const char *ns, const char *name,
               const char *uid, struct err *reterr)
{
    AUTO(json) json_t *options = NULL;
    if (uid)
        options = json_pack("{s:s, s:s, s:{s:s}}", "kind", "DeleteOptions", "apiVersion", "v1",
                            "preconditions", "uid", uid);
    struct api_request req = {.verb = API_DELETE,
                              .resource = resource_of(k),
                              .ns = ns && *ns ? ns : NULL,
                              .name = name,
                              .body = options};
    int rc = exchange(c, &req, NULL, reterr);
    if (rc == -404) {
        err_clear(reterr);
        return 0;
    }
    return rc;
}

static int patch_finalizers(const struct ctl *c, const struct kind *k, const json_t *obj,
                            const json_t *changed, struct err *reterr)
{
    const json_t *before = json_at(obj, "metadata", "finalizers", NULL);
    const json_t *after = json_at(changed, "metadata", "finalizers", NULL);
    AUTO(json) json_t *patch = json_array();
    AUTO(json)
    json_t *test = json_pack("{s:s, s:s, s:o}", "op", "test", "path", "/metadata/finalizers",
                             "value", before ? json_copy_of(before) : json_null());
    json_array_append(patch, test);
    AUTO(json)
    json_t *replace = json_pack("{s:s, s:s, s:o}", "op", "replace", "path", "/metadata/finalizers",
                                "value", after ? json_copy_of(after) : json_array());
    json_array_append(patch, replace);
    return ctl_patch(c, k, meta_namespace(obj), meta_name(obj), NULL, PATCH_JSON, patch, reterr);
}

int ctl_add_finalizer(const struct ctl *c, const struct kind *k, const json_t *obj,
                      const char *finalizer, struct err *reterr)
{
    if (meta_has_finalizer(obj, finalizer))
        return 0;
    AUTO(json) json_t *changed = json_copy_parts(obj, "metadata", NULL);
    meta_add_finalizer(changed, finalizer);
    return patch_finalizers(c, k, obj, changed, reterr);
}

int ctl_remove_finalizer(const struct ctl *c, const struct kind *k, const json_t *obj,
                         const char *finalizer, struct err *reterr)
{
    if (!meta_has_finalizer(obj, finalizer))
        return 0;
    AUTO(json) json_t *changed = json_copy_parts(obj, "metadata", NULL);
    meta_remove_finalizer(changed, finalizer);
    int rc = patch_finalizers(c, k, obj, changed, reterr);
    if (rc == -404) {
        err_clear(reterr);
        return 0;
    }
    return rc;
}

json_t *ctl_peek(const struct ctl *c, const struct kind *k, const char *ns, const char *name)
{
    return json_incref(apiserver_peek(cluster_server(c->cluster), k->group, k->plural, ns, name));
}

json_t *ctl_peek_all(const struct ctl *c, const struct kind *k, const char *ns)
{
    return apiserver_peek_all(cluster_server(c->cluster), k->group, k->plural, ns);
}

int64_t ctl_now(const struct ctl *c)
{
    return world_now(cluster_world(c->cluster));
}

int64_t ctl_created(const json_t *obj)
{
    int64_t ns = 0;
    const char *text = json_str(obj, "metadata.creationTimestamp");
    return text && time_parse(text, &ns) ? ns : 0;
}

json_t *ctl_object(const struct kind *k, const char *ns, const char *name)
{
    AUTO(str)
    char *api_version =
        *k->group ? mem_printf("%s/%s", k->group, k->version) : mem_strdup(k->version);
    json_t *obj = json_object();
    json_put_str(obj, "apiVersion", api_version);
    json_put_str(obj, "kind", k->kind);
    json_put_str(obj, "metadata.name", name);
    if (ns && *ns)
        json_put_str(obj, "metadata.namespace", ns);
    return obj;
}

/* ---- conditions, KubeVirt's own type ---- */

static json_t *find_condition(const json_t *holder, const char *type, size_t *ret_index)
{
    size_t i;
    json_t *cond;
    json_array_foreach(json_object_get(holder, "conditions"), i, cond)
    {
        if (!strcmp(json_str_or_empty(cond, "type"), type)) {
            *ret_index = i;
            return cond;
        }
    }
    return NULL;
}

bool ctl_drop_condition(json_t *holder, const char *type)
{
    size_t i;
    if (!find_condition(holder, type, &i))
        return false;
    json_array_remove(json_object_get(holder, "conditions"), i);
    return true;
}

bool ctl_set_condition(json_t *holder, const char *type, const char *status, const char *reason,
                       const char *message, int64_t now_ns)
{
    size_t i = 0;
    json_t *old = find_condition(holder, type, &i);
    if (old && !strcmp(json_str_or_empty(old, "status"), status) &&
        !strcmp(json_str_or_empty(old, "reason"), reason ? reason : "") &&
        !strcmp(json_str_or_empty(old, "message"), message ? message : ""))
        return false;
    char when[TIME_TEXT];
    time_format(now_ns, when);
    AUTO(json)
    json_t *cond = json_pack("{s:s, s:s, s:n, s:s}", "type", type, "status", status,
                             "lastProbeTime", "lastTransitionTime", when);
    if (reason && *reason)
        json_put_str(cond, "reason", reason);
    if (message && *message)
        json_put_str(cond, "message", message);
    json_t *list = json_object_get(holder, "conditions");
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(holder, "conditions", list);
    }
    if (old)
        json_array_set(list, i, cond);
    else
        json_array_append(list, cond);
    return true;
}
