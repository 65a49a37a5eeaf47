/* Schemas of custom resources: what their definitions say, and what the server adds. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sim/rest/openapi_priv.h"

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."

/* "example.com", "v1", "Widget" -> "com.example.v1.Widget" */
char *openapi_custom_name(const char *group, const char *version, const char *kind)
{
    AUTO(strbuf) struct strbuf out = {0};
    for (size_t end = strlen(group); end > 0;) {
        size_t start = end;
        while (start > 0 && group[start - 1] != '.')
            start--;
        strbuf_add(&out, group + start, end - start);
        strbuf_addch(&out, '.');
        end = start ? start - 1 : 0;
    }
    strbuf_addf(&out, "%s.%s", version, kind);
    return strbuf_take(&out);
}

void openapi_note_custom(struct openapi *o, const struct catalog_type *type)
{
    const struct api_resource *r = &type->resource;
    for (size_t i = 0; i < o->custom_count; i++) {
        const struct api_resource *have = &o->customs[i].resource;
        if (strcmp(have->plural, r->plural) == 0 && strcmp(have->group, r->group) == 0 &&
            strcmp(have->version, r->version) == 0)
            return;
    }
    o->customs = mem_grow(o->customs, &o->custom_cap, o->custom_count + 1, sizeof *o->customs);
    o->customs[o->custom_count++] = (struct openapi_custom){
        .resource = *r, .kind = mem_strdup(type->kind), .list_kind = mem_strdup(type->list_kind)};
}

/* ---- schemas as the definition writes them ---- */

static void write_schema(struct openapi *o, const char *key, const json_t *schema, bool embedded);

/* What every object has, where the definition does not say more about it. */
static void write_object_properties(struct openapi *o, const json_t *properties)
{
    static const char *const words[] = {"apiVersion", "kind"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!json_object_get(properties, words[i]))
            jsonw_raw(&o->w, words[i], "{\"type\":\"string\"}");
    jsonw_open(&o->w, "metadata", '{');
    openapi_ref_type(o, kube_type_named(META "ObjectMeta"));
    jsonw_close(&o->w, '}');
}

static void write_properties(struct openapi *o, const json_t *properties, bool embedded)
{
    const char *key;
    json_t *value;
    jsonw_open(&o->w, "properties", '{');
    if (embedded)
        write_object_properties(o, properties);
    json_object_foreach((json_t *)properties, key, value)
    {
        if (!embedded || strcmp(key, "metadata") != 0)
            write_schema(o, key, value, false);
    }
    jsonw_close(&o->w, '}');
}

static bool is_set(const json_t *schema, const char *key)
{
    return json_is_true(json_object_get(schema, key));
}

/* Swagger knows less, and old clients trip over what is not plain. */
static bool dropped_in_v2(const json_t *schema, const char *key)
{
    static const char *const unknown[] = {"oneOf", "anyOf", "allOf", "not", "nullable"};
    bool shape = strcmp(key, "properties") == 0 || strcmp(key, "items") == 0;
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        if (strcmp(key, unknown[i]) == 0)
            return true;
    if (strcmp(key, "type") == 0)
        return is_set(schema, "nullable") || is_set(schema, "x-kubernetes-int-or-string");
    return shape &&
           (is_set(schema, "nullable") || is_set(schema, "x-kubernetes-preserve-unknown-fields"));
}

/* Fields that may be null may not be asked for. */
static void write_v2_required(struct openapi *o, const json_t *schema, const json_t *names)
{
    AUTO(json) json_t *kept = json_array();
    for (size_t i = 0; i < json_array_size(names); i++) {
        json_t *name = json_array_get(names, i);
        const json_t *field = json_is_string(name)
                                  ? json_at(schema, "properties", json_string_value(name), NULL)
                                  : NULL;
        if (!is_set(field, "nullable"))
            json_array_append(kept, name);
    }
    if (json_array_size(kept))
        jsonw_value(&o->w, "required", kept);
}

static void write_member(struct openapi *o, const json_t *schema, const char *key,
                         const json_t *value, bool embedded)
{
    if (o->v2 && dropped_in_v2(schema, key))
        return;
    if (strcmp(key, "properties") == 0 && json_is_object(value))
        write_properties(o, value, embedded);
    else if ((strcmp(key, "items") == 0 || strcmp(key, "additionalProperties") == 0) &&
             json_is_object(value))
        write_schema(o, key, value, false);
    else if (o->v2 && strcmp(key, "required") == 0)
        write_v2_required(o, schema, value);
    else
        jsonw_value(&o->w, key, value);
}

/* The members of an object's schema. Recursion is as deep as the schema, which json_read and the
 * CRD's own checks have bounded. */
static void write_members(struct openapi *o, const json_t *schema, bool embedded)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)schema, key, value)
    {
        write_member(o, schema, key, value, embedded);
    }
    bool hidden = o->v2 && dropped_in_v2(schema, "properties");
    if (embedded && !hidden && !json_object_get(schema, "properties"))
        write_properties(o, NULL, true);
}

static void write_schema(struct openapi *o, const char *key, const json_t *schema, bool embedded)
{
    if (!json_is_object(schema)) {
        jsonw_value(&o->w, key, schema);
        return;
    }
    jsonw_open(&o->w, key, '{');
    write_members(o, schema, embedded || is_set(schema, "x-kubernetes-embedded-resource"));
    jsonw_close(&o->w, '}');
}

/* ---- one kind ---- */

static void write_kind_extension(struct openapi *o, const struct openapi_custom *c,
                                 const char *kind)
{
    jsonw_open(&o->w, "x-kubernetes-group-version-kind", '[');
    openapi_gvk(&o->w, NULL, c->resource.group, c->resource.version, kind);
    jsonw_close(&o->w, ']');
}

static const json_t *schema_of(struct openapi *o, const struct openapi_custom *c)
{
    AUTO(str) char *name = mem_printf("%s.%s", c->resource.plural, c->resource.group);
    const json_t *crd =
        apiserver_peek(o->server, "apiextensions.k8s.io", "customresourcedefinitions", NULL, name);
    const json_t *versions = json_path(crd, "spec.versions");
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const json_t *v = json_array_get(versions, i);
        if (strcmp(json_str_or_empty(v, "name"), c->resource.version) == 0)
            return json_path(v, "schema.openAPIV3Schema");
    }
    return NULL;
}

static void write_kind(struct openapi *o, const struct openapi_custom *c)
{
    AUTO(str) char *name = openapi_custom_name(c->resource.group, c->resource.version, c->kind);
    const json_t *schema = schema_of(o, c);
    jsonw_open(&o->w, name, '{');
    if (!json_object_get(schema, "type"))
        jsonw_string(&o->w, "type", "object");
    write_members(o, schema, /* embedded= */ true);
    write_kind_extension(o, c, c->kind);
    jsonw_close(&o->w, '}');
}

static void write_list(struct openapi *o, const struct openapi_custom *c)
{
    AUTO(str) char *name = openapi_custom_name(c->resource.group, c->resource.version, c->kind);
    AUTO(str)
    char *list = openapi_custom_name(c->resource.group, c->resource.version, c->list_kind);
    struct jsonw *w = &o->w;
    jsonw_open(w, list, '{');
    jsonw_string(w, "type", "object");
    jsonw_raw(w, "required", "[\"items\"]");
    jsonw_open(w, "properties", '{');
    jsonw_raw(w, "apiVersion", "{\"type\":\"string\"}");
    jsonw_raw(w, "kind", "{\"type\":\"string\"}");
    jsonw_open(w, "metadata", '{');
    openapi_ref_type(o, kube_type_named(META "ListMeta"));
    jsonw_close(w, '}');
    jsonw_open(w, "items", '{');
    jsonw_string(w, "type", "array");
    jsonw_open(w, "items", '{');
    openapi_ref_name(o, name);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    write_kind_extension(o, c, c->list_kind);
    jsonw_close(w, '}');
}

void openapi_custom_schemas(struct openapi *o, size_t i)
{
    write_kind(o, &o->customs[i]);
    write_list(o, &o->customs[i]);
}
