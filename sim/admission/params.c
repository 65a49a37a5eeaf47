/* The params of a policy under a binding (delete-protection.md 1.12). */
#include <string.h>

#include "base/json.h"
#include "kube/meta.h"
#include "kube/selector.h"
#include "sim/admission/policy_priv.h"

static json_t *one_null(void)
{
    return json_pack("[n]");
}

static int find_kind(const struct review *r, const struct policy *p, struct resource_info *ret,
                     struct err *reterr)
{
    const char *api_version = json_str_or_empty(p->object, "spec.paramKind.apiVersion");
    const char *kind = json_str_or_empty(p->object, "spec.paramKind.kind");
    if (apiserver_find_kind(r->admission->server, api_version, kind, ret))
        return 0;
    return err_set(reterr, ERR_NOT_FOUND, NO_POS,
                   "failed to find resource referenced by paramKind: '%s%s, Kind=%s'",
                   strchr(api_version, '/') ? "" : "/", api_version, kind);
}

/* NULL for cluster-scoped kinds. */
static int find_namespace(const struct review *r, const struct resource_info *kind,
                          const json_t *ref, const char **ret, struct err *reterr)
{
    const char *ns = json_str(ref, "namespace");
    *ret = NULL;
    if (!kind->namespaced && ns && *ns)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
    if (!kind->namespaced)
        return 0;
    *ret = ns && *ns ? ns : r->ns;
    if (!**ret)
        return err_set(reterr, ERR_INVALID, NO_POS,
                       "cannot use namespaced paramRef in policy binding that matches "
                       "cluster-scoped resources");
    return 0;
}

/* Those that the reference names, in the order of their names. New. */
static json_t *look_up(const struct review *r, const struct resource_info *kind, const json_t *ref,
                       const char *ns)
{
    const struct api_resource *res = &kind->resource;
    struct apiserver *a = r->admission->server;
    json_t *out = json_array();
    const char *name = json_str(ref, "name");
    if (name && *name) {
        json_t *object = apiserver_peek(a, res->group, res->plural, ns, name);
        if (object)
            json_array_append(out, object);
        return out;
    }
    struct err e = {0};
    AUTO(selector)
    struct selector *s = selector_from_label_selector(json_object_get(ref, "selector"), &e);
    AUTO(json) json_t *all = apiserver_peek_all(a, res->group, res->plural, ns);
    size_t i;
    json_t *object;
    err_clear(&e);
    json_array_foreach(all, i, object)
    {
        if (s && selector_matches(s, json_at(object, "metadata", "labels", NULL)))
            json_array_append(out, object);
    }
    return out;
}

json_t *params_collect(const struct review *r, const struct policy *p, const struct binding *b,
                       bool *ret_policy, struct err *reterr)
{
    struct resource_info kind;
    const json_t *ref = json_path(b->object, "spec.paramRef");
    const char *ns;
    *ret_policy = false;
    if (!p->has_params)
        return one_null();
    if (find_kind(r, p, &kind, reterr) < 0) {
        *ret_policy = true;
        return NULL;
    }
    if (!json_is_object(ref))
        return one_null();
    if (find_namespace(r, &kind, ref, &ns, reterr) < 0)
        return NULL;
    json_t *found = look_up(r, &kind, ref, ns);
    if (json_array_size(found) > 0 ||
        strcmp(json_str_or_empty(ref, "parameterNotFoundAction"), "Deny") != 0)
        return found;
    json_decref(found);
    err_set(reterr, ERR_NOT_FOUND, NO_POS,
            "no params found for policy binding with `Deny` parameterNotFoundAction");
    return NULL;
}
