/* One store, several APIs: how a stored object looks in another version of its kind, or in another
 * group that serves it under other names of fields. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/selector.h"
#include "sim/apiserver/apiserver.h"
#include "sim/apiserver/call_priv.h"
#include "sim/apiserver/kinds_priv.h"
#include "sim/apiserver/managed_fields_priv.h"
#include "sim/apiserver/rtype_priv.h"
#include "sim/apiserver/schema.h"

/* The members with an alias, which may stand behind a prefix, get their other name. */
static void rename_members(json_t *object, const struct kind_view *view, const char *prefix,
                           bool to_shown)
{
    for (size_t i = 0; i < view->alias_count; i++) {
        const struct field_alias *alias = &view->aliases[i];
        AUTO(str) char *stored = mem_printf("%s%s", prefix, alias->stored);
        AUTO(str) char *shown = mem_printf("%s%s", prefix, alias->shown);
        const char *from = to_shown ? stored : shown;
        json_t *value = json_object_get(object, from);
        if (!value)
            continue;
        json_object_set(object, to_shown ? shown : stored, value);
        json_object_del(object, from);
    }
}

/* ---- objects ---- */

/* Of definitions, conversion strategy None: another apiVersion, then that version's schema. */
static void convert(const struct rversion *to, json_t *object)
{
    char api_version[API_VERSION_TEXT];
    api_version_of(to->group, to->name, api_version, sizeof(api_version));
    json_put_str(object, "apiVersion", api_version);
    if (to->schema)
        schema_normalise(to->schema, object);
}

json_t *version_view(const struct rtype *t, const struct rversion *v, json_t *stored)
{
    if (v == rtype_storage(t))
        return json_incref(stored);
    json_t *copy = json_copy_of(stored);
    convert(v, copy);
    if (v->view)
        rename_members(copy, v->view, "", /* to_shown= */ true);
    return copy;
}

bool apiserver_equivalent(const struct apiserver *a, const struct api_resource *r, size_t i,
                          struct api_resource *ret)
{
    const struct rtype *t = rtype_find(a, r->group, r->plural);
    for (size_t k = 0; t && k < t->version_count; k++) {
        if (!t->versions[k].served || i-- > 0)
            continue;
        *ret = (struct api_resource){t->versions[k].group, t->versions[k].name, t->plural};
        return true;
    }
    return false;
}

json_t *apiserver_convert(const struct apiserver *a, const struct api_resource *from,
                          const struct api_resource *to, const json_t *object)
{
    const struct rtype *t = rtype_find(a, from->group, from->plural);
    const struct rversion *source = t ? rtype_version(t, from->group, from->version) : NULL;
    const struct rversion *target = t ? rtype_version(t, to->group, to->version) : NULL;
    assert(source && target);
    AUTO(json) json_t *stored = json_copy_of(object);
    version_store(t, source, stored);
    return version_view(t, target, stored);
}

void version_store(const struct rtype *t, const struct rversion *v, json_t *object)
{
    if (v == rtype_storage(t))
        return;
    convert(rtype_storage(t), object);
    if (v->view)
        rename_members(object, v->view, "", /* to_shown= */ false);
}

bool version_selects(const struct rtype *t, const struct rversion *v,
                     const struct field_selector *s, const json_t *stored)
{
    if (!v->view && t->builtin && t->builtin->field_value)
        return field_selector_matches_by(s, stored, t->builtin->field_value);
    if (!v->view)
        return field_selector_matches(s, stored);
    AUTO(json) json_t *shown = version_view(t, v, (json_t *)stored);
    return field_selector_matches(s, shown);
}

/* ---- owners of fields ---- */

/* Entries of the other API, between the names of fields there and those of the request's. New. */
static json_t *translate(const struct call *c, const json_t *entries, bool to_shown)
{
    const struct kind_view *view = c->t->builtin->view;
    char own[API_VERSION_TEXT];
    api_version_of(c->v->group, c->v->name, own, sizeof(own));
    json_t *out = json_copy_of(entries);
    size_t i;
    json_t *entry;
    json_array_foreach(out, i, entry)
    {
        if (strcmp(json_str_or_empty(entry, "apiVersion"), own) != 0)
            rename_members(json_object_get(entry, "fieldsV1"), view, "f:", to_shown);
    }
    return out;
}

static bool has_view(const struct call *c)
{
    return c->t->builtin && c->t->builtin->view;
}

json_t *entries_shown(const struct call *c, const json_t *object)
{
    const json_t *entries = json_at(object, "metadata", "managedFields", NULL);
    if (!entries || !has_view(c))
        return json_incref((json_t *)object);
    json_t *out = json_copy_parts(object, "metadata", NULL);
    json_object_set_new(json_object_get(out, "metadata"), "managedFields",
                        translate(c, entries, c->v->view != NULL));
    return out;
}

void entries_kept(const struct call *c, json_t *object)
{
    const json_t *entries = json_at(object, "metadata", "managedFields", NULL);
    if (entries && has_view(c))
        json_object_set_new(json_object_get(object, "metadata"), "managedFields",
                            translate(c, entries, c->v->view == NULL));
}
