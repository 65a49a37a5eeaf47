#include "sim/admission/review_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"

static bool same_resource(const struct api_resource *a, const struct api_resource *b)
{
    return strcmp(a->group, b->group) == 0 && strcmp(a->version, b->version) == 0;
}

void review_begin(struct review *r, struct admission *a, const struct admission_review *in)
{
    const struct api_request *req = in->request;
    const char *named = req->name ? req->name : json_str(req->body, "metadata.name");
    *r = (struct review){.admission = a, .in = in};
    r->operation = !in->object ? "DELETE" : in->old ? "UPDATE" : "CREATE";
    r->is_namespace = strcmp(req->resource.plural, "namespaces") == 0 && !*req->resource.group;
    /* A collection's body holds options, not an object. */
    r->name = !req->name && !in->object ? "" : named ? named : "";
    r->ns = r->is_namespace ? r->name : in->namespaced && req->ns ? req->ns : "";
    r->identity = auth_identity_of_request(req, &r->storage);
}

void review_finish(struct review *r)
{
    for (size_t i = 0; i < r->shape_count; i++) {
        json_decref(r->shapes[i].object);
        json_decref(r->shapes[i].old);
        json_decref(r->shapes[i].request);
    }
    free(r->shapes);
    auth_identity_finish(&r->storage);
    *r = (struct review){0};
}

const json_t *review_namespace(const struct review *r)
{
    if (r->is_namespace || !*r->ns)
        return NULL;
    return apiserver_peek(r->admission->server, "", "namespaces", NULL, r->ns);
}

/* ---- the variable `request` ---- */

/* The options of the request as an object of their kind. */
static json_t *options_of(const struct review *r)
{
    const struct api_request *req = r->in->request;
    bool deletes = !r->in->object;
    json_t *out = deletes && json_is_object(req->body) ? json_copy_of(req->body) : json_object();
    AUTO(str)
    char *kind = mem_printf("%c%sOptions", r->operation[0],
                            deletes                  ? "elete"
                            : r->operation[0] == 'C' ? "reate"
                                                     : "pdate");
    json_put_str(out, "kind", kind);
    json_put_str(out, "apiVersion", "meta.k8s.io/v1");
    if (r->in->dry_run)
        json_object_set_new(out, "dryRun", json_pack("[s]", "All"));
    if (!deletes && req->field_manager)
        json_put_str(out, "fieldManager", req->field_manager);
    if (deletes && req->propagation_policy && !json_object_get(out, "propagationPolicy"))
        json_put_str(out, "propagationPolicy", req->propagation_policy);
    return out;
}

static json_t *kind_json(const struct api_resource *as, const char *kind)
{
    return json_pack("{s:s, s:s, s:s}", "group", as->group, "version", as->version, "kind", kind);
}

static json_t *resource_json(const struct api_resource *as)
{
    return json_pack("{s:s, s:s, s:s}", "group", as->group, "version", as->version, "resource",
                     as->plural);
}

/* As AdmissionRequest's JSON is: what is empty is not there. */
static json_t *request_json(const struct review *r, const struct api_resource *as)
{
    const struct api_request *req = r->in->request;
    json_t *out = json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:o}", "kind", kind_json(as, r->in->kind), "resource",
        resource_json(as), "requestKind", kind_json(&req->resource, r->in->kind), "requestResource",
        resource_json(&req->resource), "operation", r->operation, "userInfo",
        auth_user_info(r->identity), "dryRun", r->in->dry_run, "options", options_of(r));
    if (req->subresource) {
        json_put_str(out, "subResource", req->subresource);
        json_put_str(out, "requestSubResource", req->subresource);
    }
    if (*r->name)
        json_put_str(out, "name", r->name);
    if (*r->ns)
        json_put_str(out, "namespace", r->ns);
    return out;
}

/* ---- shapes ---- */

static json_t *shown(const struct review *r, const struct api_resource *as, const json_t *object)
{
    const struct api_resource *own = review_resource(r);
    if (!object)
        return json_null();
    if (same_resource(as, own))
        return json_incref((json_t *)object);
    return apiserver_convert(r->admission->server, own, as, object);
}

const struct shape *review_shape(struct review *r, const struct api_resource *as)
{
    for (size_t i = 0; i < r->shape_count; i++)
        if (same_resource(&r->shapes[i].as, as))
            return &r->shapes[i];
    r->shapes = mem_grow(r->shapes, &r->shape_cap, r->shape_count + 1, sizeof(*r->shapes));
    struct shape *s = &r->shapes[r->shape_count++];
    *s = (struct shape){.as = *as,
                        .object = shown(r, as, r->in->object),
                        .old = shown(r, as, r->in->old),
                        .request = request_json(r, as)};
    return s;
}
