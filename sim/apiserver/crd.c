#include "sim/apiserver/crd.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/meta.h"
#include "sim/apiserver/catalog.h"

void crd_default(json_t *object)
{
    json_t *names = json_at_mut(object, "spec", "names", NULL);
    if (!json_is_object(names))
        return;
    const char *kind = json_str(names, "kind");
    if (kind && !json_object_get(names, "singular")) {
        AUTO(str) char *lower = mem_strdup(kind);
        for (char *p = lower; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        json_put_str(names, "singular", lower);
    }
    if (kind && !json_object_get(names, "listKind")) {
        AUTO(str) char *list = mem_printf("%sList", kind);
        json_put_str(names, "listKind", list);
    }
    if (!json_path(object, "spec.conversion"))
        json_put_str(object, "spec.conversion.strategy", "None");
    if (json_is_false(json_path(object, "spec.preserveUnknownFields")))
        json_drop(object, "spec.preserveUnknownFields"); /* Go leaves it out */
}

/* ---- compiling ---- */

const char **crd_strings(const json_t *list)
{
    size_t n = json_array_size(list), kept = 0;
    const char **out = mem_zalloc((n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        const char *s = json_string_value(json_array_get(list, i));
        if (s)
            out[kept++] = s;
    }
    return out;
}

static const char **fields_of(const json_t *list)
{
    size_t n = json_array_size(list), kept = 0;
    const char **out = mem_zalloc((n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        const char *s = json_str(json_array_get(list, i), "jsonPath");
        if (s && *s == '.')
            out[kept++] = s + 1;
    }
    return out;
}

static void compile_scale(struct crd_version *v, const json_t *src)
{
    const json_t *scale = json_path(src, "subresources.scale");
    const char *selector = json_str_or_empty(scale, "labelSelectorPath");
    v->has_scale = json_is_object(scale);
    v->scale = (struct scale_paths){.spec = json_str_or_empty(scale, "specReplicasPath"),
                                    .status = json_str_or_empty(scale, "statusReplicasPath"),
                                    .selector = *selector == '.' ? selector : NULL};
}

/* Versions with one schema have its mistakes in common, too: they are told once. */
static void compile_schema(struct crd *c, size_t i, const json_t *src, bool common,
                           struct field_errors *errors)
{
    const json_t *schema = json_path(src, "schema.openAPIV3Schema");
    AUTO(str) char *place = crd_place(i, "schema", common);
    AUTO(str) char *at = mem_printf("%s.openAPIV3Schema", place);
    if (!schema) {
        AUTO(str) char *missing = mem_printf("spec.versions[%zu].schema.openAPIV3Schema", i);
        field_errors_add(errors, FIELD_REQUIRED, missing, NULL, "%s", "");
        return;
    }
    struct field_errors found = {0};
    c->versions[i].schema = schema_compile(schema, at, c->versions[i].has_status, &found);
    bool told = i > 0 && common;
    for (size_t k = 0; !told && k < json_array_size(found.causes); k++) {
        if (!errors->causes)
            errors->causes = json_array();
        json_array_append(errors->causes, json_array_get(found.causes, k));
    }
    errors->truncated |= found.truncated;
    field_errors_finish(&found);
}

/* errors NULL: it is known to be valid. */
static void compile_version(struct crd *c, size_t i, const json_t *src, bool common,
                            struct field_errors *errors)
{
    struct crd_version *v = &c->versions[i];
    v->name = json_str_or_empty(src, "name");
    v->served = json_bool(src, "served", false);
    v->has_status = json_is_object(json_path(src, "subresources.status"));
    v->fields = fields_of(json_object_get(src, "selectableFields"));
    compile_scale(v, src);
    if (json_bool(src, "storage", false))
        c->storage = i;
    if (errors)
        compile_schema(c, i, src, common, errors);
    else
        v->schema = schema_compile_later(json_path(src, "schema.openAPIV3Schema"), v->has_status);
}

static json_t *kept_parts(const json_t *object)
{
    json_t *out = json_object();
    json_put_str(out, "apiVersion", "apiextensions.k8s.io/v1");
    json_put_str(out, "kind", "CustomResourceDefinition");
    json_put_str(out, "metadata.name", json_str_or_empty(object, "metadata.name"));
    static const char *const maps[] = {"labels", "annotations"};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        const json_t *map = json_at(object, "metadata", maps[i], NULL);
        if (map)
            json_object_set_new(json_object_get(out, "metadata"), maps[i], json_copy_of(map));
    }
    json_object_set_new(out, "spec", json_copy_of(json_object_get(object, "spec")));
    return out;
}

static struct crd *make(json_t *object_take, struct field_errors *errors)
{
    struct crd *c = mem_zalloc(sizeof(*c));
    c->refs = 1;
    c->object = object_take;
    const json_t *o = c->object;
    c->name = json_str_or_empty(o, "metadata.name");
    c->group = json_str_or_empty(o, "spec.group");
    c->plural = json_str_or_empty(o, "spec.names.plural");
    c->singular = json_str_or_empty(o, "spec.names.singular");
    c->kind = json_str_or_empty(o, "spec.names.kind");
    c->list_kind = json_str_or_empty(o, "spec.names.listKind");
    c->short_names = crd_strings(json_path(o, "spec.names.shortNames"));
    c->categories = crd_strings(json_path(o, "spec.names.categories"));
    c->namespaced = strcmp(json_str_or_empty(o, "spec.scope"), "Namespaced") == 0;
    const json_t *versions = json_path(o, "spec.versions");
    c->version_count = json_array_size(versions);
    bool common = crd_is_common(o, "schema");
    c->versions = mem_zalloc((c->version_count + 1) * sizeof(*c->versions));
    for (size_t i = 0; i < c->version_count; i++)
        compile_version(c, i, json_array_get(versions, i), common, errors);
    for (size_t i = 0; i < c->version_count; i++)
        c->versions[i].warning = crd_version_warning(c, i);
    return c;
}

struct crd *crd_compile_new(const json_t *object, struct field_errors *errors)
{
    if (!json_is_object(json_object_get(object, "spec"))) {
        field_errors_add(errors, FIELD_REQUIRED, "spec", NULL, "%s", "");
        return NULL;
    }
    crd_validate_spec(object, errors);
    AUTO(crd) struct crd *c = make(kept_parts(object), errors);
    return field_errors_any(errors) ? NULL : TAKE(c);
}

struct crd *crd_trusted(json_t *object_take)
{
    return make(object_take, NULL);
}

struct crd *crd_ref(struct crd *c)
{
    c->refs++;
    return c;
}

void crd_unref(struct crd *c)
{
    if (!c || --c->refs > 0)
        return;
    for (size_t i = 0; i < c->version_count; i++) {
        schema_destroy(c->versions[i].schema);
        free(c->versions[i].fields);
        free(c->versions[i].warning);
    }
    free(c->versions);
    free(c->short_names);
    free(c->categories);
    json_decref(c->object);
    json_decref(c->established.status);
    free(c);
}

/* ---- updates ---- */

static void immutable(const json_t *object, const json_t *old, const char *path,
                      struct field_errors *errors)
{
    const json_t *a = json_path(object, path), *b = json_path(old, path);
    if (b && a && !json_same(a, b))
        field_errors_add(errors, FIELD_INVALID, path, a, "field is immutable");
}

static bool has_version(const json_t *object, const char *name)
{
    const json_t *versions = json_path(object, "spec.versions");
    for (size_t i = 0; i < json_array_size(versions); i++)
        if (strcmp(json_str_or_empty(json_array_get(versions, i), "name"), name) == 0)
            return true;
    return false;
}

static void check_stored(const json_t *object, struct field_errors *errors)
{
    const json_t *stored = json_path(object, "status.storedVersions");
    for (size_t i = 0; i < json_array_size(stored); i++) {
        const char *name = json_string_value(json_array_get(stored, i));
        if (!name || has_version(object, name))
            continue;
        AUTO(str) char *at = mem_printf("status.storedVersions[%zu]", i);
        field_errors_add(errors, FIELD_INVALID, at, json_array_get(stored, i),
                         "missing from spec.versions; %s was previously a storage version, and "
                         "must remain in spec.versions until a storage migration ensures no data "
                         "remains persisted in %s and removes %s from status.storedVersions",
                         name, name, name);
    }
}

void crd_check_update(const json_t *object, const json_t *old, struct field_errors *errors)
{
    /* Names that nobody uses yet may still be corrected, as after a conflict. */
    if (strcmp(meta_condition_status(old, "Established"), "True") == 0) {
        immutable(object, old, "spec.scope", errors);
        immutable(object, old, "spec.names.kind", errors);
    }
    immutable(object, old, "spec.group", errors);
    immutable(object, old, "spec.names.plural", errors);
    check_stored(object, errors);
}
