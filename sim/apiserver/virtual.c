/* Resources without a store: reviews, and the subresources of aggregated APIs. */
#include "sim/apiserver/virtual_priv.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "kube/status.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/server_priv.h"

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Every request asks whether it is for one of them: the few groups that have any tell quickly. */
static void note_group(struct apiserver *a, const char *group)
{
    size_t at = a->virtual_count;
    for (size_t i = 0; i < a->virtual_group_count; i++) {
        if (!same_text(a->virtual_groups[i].name, group))
            continue;
        a->virtual_groups[i].last = at;
        return;
    }
    a->virtual_groups = mem_grow(a->virtual_groups, &a->virtual_group_cap,
                                 a->virtual_group_count + 1, sizeof(*a->virtual_groups));
    a->virtual_groups[a->virtual_group_count++] =
        (struct virtual_group){.name = group ? group : "", .first = at, .last = at};
}

void apiserver_add_virtual(struct apiserver *a, const struct virtual_resource *r)
{
    note_group(a, r->resource.group);
    a->virtuals = mem_grow(a->virtuals, &a->virtual_cap, a->virtual_count + 1, sizeof(*r));
    a->virtuals[a->virtual_count++] = *r;
    a->catalog_generation++;
}

size_t apiserver_virtual_count(const struct apiserver *a)
{
    return a->virtual_count;
}

const struct virtual_resource *apiserver_virtual_at(const struct apiserver *a, size_t i)
{
    assert(i < a->virtual_count);
    return &a->virtuals[i];
}

static bool is_for(const struct virtual_resource *v, const struct api_request *req)
{
    return same_text(v->resource.group, req->resource.group) &&
           same_text(v->resource.version, req->resource.version) &&
           same_text(v->resource.plural, req->resource.plural) &&
           same_text(v->subresource, req->subresource);
}

const char *virtual_kind(const struct apiserver *a, const struct api_resource *r)
{
    for (size_t i = 0; i < a->virtual_count; i++) {
        const struct virtual_resource *v = &a->virtuals[i];
        if (v->kind && same_text(v->resource.group, r->group) &&
            same_text(v->resource.plural, r->plural))
            return v->kind;
    }
    return "";
}

static const struct virtual_resource *find(const struct apiserver *a, const struct api_request *req)
{
    for (size_t g = 0; g < a->virtual_group_count; g++) {
        if (!same_text(a->virtual_groups[g].name, req->resource.group))
            continue;
        for (size_t i = a->virtual_groups[g].first; i <= a->virtual_groups[g].last; i++)
            if (is_for(&a->virtuals[i], req))
                return &a->virtuals[i];
        return NULL;
    }
    return NULL;
}

bool virtual_handle(struct apiserver *a, const struct api_request *req, struct api_response *ret,
                    int *ret_rc)
{
    const struct virtual_resource *found = find(a, req);
    if (!found)
        return false;
    /* By value: the function may add another one. */
    struct virtual_resource v = *found;
    bool has_ns = req->ns && *req->ns;
    if (has_ns != v.namespaced)
        *ret_rc = status_no_resource(ret);
    else if (!(v.verbs & 1u << req->verb))
        *ret_rc = status_method_not_allowed(ret, &req->resource, api_verb_name(req->verb));
    else
        *ret_rc = v.fn(v.cookie, req, ret);
    return true;
}
