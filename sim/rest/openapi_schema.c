/* Schemas of the built-in kinds, from the types table. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/rest/openapi_priv.h"

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."
#define EXTENSIONS "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."

static const struct {
    const char *name, *v3, *v2; /* v2 NULL: the same */
} leaves[LEAF_COUNT] = {
    [LEAF_DURATION] = {META "Duration", "{\"type\":\"string\"}", NULL},
    [LEAF_FIELDS] = {META "FieldsV1", "{\"type\":\"object\"}", NULL},
    [LEAF_INT_OR_STRING] = {"io.k8s.apimachinery.pkg.util.intstr.IntOrString",
                            "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}],"
                            "\"format\":\"int-or-string\"}",
                            "{\"type\":\"string\",\"format\":\"int-or-string\"}"},
    [LEAF_JSON] = {EXTENSIONS "JSON", "{}", NULL},
    [LEAF_MICRO_TIME] = {META "MicroTime", "{\"type\":\"string\",\"format\":\"date-time\"}", NULL},
    [LEAF_PATCH] = {META "Patch", "{\"type\":\"object\"}", NULL},
    [LEAF_QUANTITY] = {"io.k8s.apimachinery.pkg.api.resource.Quantity",
                       "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
                       "{\"type\":\"string\"}"},
    [LEAF_RAW] = {"io.k8s.apimachinery.pkg.runtime.RawExtension", "{\"type\":\"object\"}", NULL},
    [LEAF_SCHEMA_OR_ARRAY] = {EXTENSIONS "JSONSchemaPropsOrArray", "{}", NULL},
    [LEAF_SCHEMA_OR_BOOL] = {EXTENSIONS "JSONSchemaPropsOrBool", "{}", NULL},
    [LEAF_SCHEMA_OR_STRINGS] = {EXTENSIONS "JSONSchemaPropsOrStringArray", "{}", NULL},
    [LEAF_TIME] = {META "Time", "{\"type\":\"string\",\"format\":\"date-time\"}", NULL},
};

void openapi_init(struct openapi *o, struct strbuf *out, bool v2, const struct apiserver *a)
{
    size_t count;
    const struct kube_type *const *all = kube_types_all(&count);
    *o = (struct openapi){.w = {.out = out}, .v2 = v2, .server = a};
    o->base = all[0];
    for (size_t i = 1; i < count; i++)
        if (all[i] < o->base)
            o->base = all[i];
    o->wanted = mem_zalloc(count);
}

void openapi_finish(struct openapi *o)
{
    for (size_t i = 0; i < o->custom_count; i++) {
        free(o->customs[i].kind);
        free(o->customs[i].list_kind);
    }
    free(o->customs);
    free(o->queue);
    free(o->wanted);
}

/* ---- references ---- */

static void enqueue(struct openapi *o, const struct kube_type *t)
{
    o->queue = mem_grow(o->queue, &o->queue_cap, o->queue_count + 1, sizeof *o->queue);
    o->queue[o->queue_count++] = t;
}

static void want_type(struct openapi *o, const struct kube_type *t)
{
    size_t i = (size_t)(t - o->base);
    if (o->wanted[i])
        return;
    o->wanted[i] = 1;
    enqueue(o, t);
}

void openapi_ref_name(struct openapi *o, const char *name)
{
    char text[512];
    snprintf(text, sizeof text, "%s%s", o->v2 ? "#/definitions/" : "#/components/schemas/", name);
    jsonw_string(&o->w, "$ref", text);
}

void openapi_ref_type(struct openapi *o, const struct kube_type *t)
{
    want_type(o, t);
    openapi_ref_name(o, t->name);
}

void openapi_ref_leaf(struct openapi *o, enum openapi_leaf leaf)
{
    o->leaves[leaf] = true;
    openapi_ref_name(o, leaves[leaf].name);
}

char *openapi_name_kind(struct openapi *o, const struct catalog_type *type, const char *group,
                        const char *version, const char *kind)
{
    const struct kube_type *t = kube_type_find(group, version, kind);
    bool own = strcmp(group, type->resource.group) == 0 &&
               (strcmp(kind, type->kind) == 0 || strcmp(kind, type->list_kind) == 0);
    if (own && !type->builtin) {
        openapi_note_custom(o, type);
        return openapi_custom_name(group, version, kind);
    }
    if (!t)
        return NULL;
    want_type(o, t);
    return mem_strdup(t->name);
}

void openapi_gvk(struct jsonw *w, const char *key, const char *group, const char *version,
                 const char *kind)
{
    jsonw_open(w, key, '{');
    jsonw_string(w, "group", group);
    jsonw_string(w, "kind", kind);
    jsonw_string(w, "version", version);
    jsonw_close(w, '}');
}

/* ---- what one value is ---- */

static const struct {
    const char *type, *format, *zero;
} scalars[] = {
    [KUBE_STRING] = {"string", NULL, "\"\""},  [KUBE_BOOL] = {"boolean", NULL, "false"},
    [KUBE_INT32] = {"integer", "int32", "0"},  [KUBE_INT64] = {"integer", "int64", "0"},
    [KUBE_UINT32] = {"integer", "int64", "0"}, [KUBE_UINT64] = {"integer", "int64", "0"},
    [KUBE_DOUBLE] = {"number", "double", "0"}, [KUBE_BYTES] = {"string", "byte", NULL},
};

static enum openapi_leaf leaf_of(const struct kube_field *f)
{
    switch (f->scalar) {
    case KUBE_QUANTITY:
        return LEAF_QUANTITY;
    case KUBE_TIME:
        return LEAF_TIME;
    case KUBE_MICRO_TIME:
        return LEAF_MICRO_TIME;
    case KUBE_DURATION:
        return LEAF_DURATION;
    case KUBE_INT_OR_STRING:
        return LEAF_INT_OR_STRING;
    case KUBE_RAW:
        return strstr(f->go_type, "v1.JSON") ? LEAF_JSON : LEAF_RAW;
    case KUBE_FIELDS_V1:
        return LEAF_FIELDS;
    case KUBE_SCHEMA_OR_ARRAY:
        return LEAF_SCHEMA_OR_ARRAY;
    case KUBE_SCHEMA_OR_BOOL:
        return LEAF_SCHEMA_OR_BOOL;
    case KUBE_SCHEMA_OR_STRINGS:
        return LEAF_SCHEMA_OR_STRINGS;
    case KUBE_STRING:
    case KUBE_BOOL:
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_UINT32:
    case KUBE_UINT64:
    case KUBE_DOUBLE:
    case KUBE_BYTES:
    case KUBE_STRING_LIST:
    case KUBE_MESSAGE:
        break;
    }
    return LEAF_COUNT;
}

static void write_ref(struct openapi *o, const struct kube_field *f)
{
    if (f->scalar == KUBE_MESSAGE)
        openapi_ref_type(o, f->type);
    else
        openapi_ref_leaf(o, leaf_of(f));
}

/* Beside a reference nothing may stand in OpenAPI 3, so it hides in allOf then. */
static void write_guarded_ref(struct openapi *o, const struct kube_field *f, bool alone)
{
    if (alone || o->v2) {
        write_ref(o, f);
        return;
    }
    jsonw_open(&o->w, "allOf", '[');
    jsonw_open(&o->w, NULL, '{');
    write_ref(o, f);
    jsonw_close(&o->w, '}');
    jsonw_close(&o->w, ']');
}

static void write_strings(struct openapi *o)
{
    jsonw_string(&o->w, "type", "array");
    jsonw_raw(&o->w, "items", "{\"type\":\"string\",\"default\":\"\"}");
}

/* The members of the schema of one value. value: it is held as such, so that it is never absent
 * (Go's zero is its default); company: members of the field's own follow. */
static void write_value(struct openapi *o, const struct kube_field *f, bool value, bool company)
{
    if (f->scalar == KUBE_STRING_LIST) {
        write_strings(o);
        return;
    }
    if (f->scalar > KUBE_BYTES) {
        bool zero = value && f->scalar == KUBE_MESSAGE;
        write_guarded_ref(o, f, !zero && !company);
        if (zero)
            jsonw_raw(&o->w, "default", "{}");
        return;
    }
    jsonw_string(&o->w, "type", scalars[f->scalar].type);
    if (scalars[f->scalar].format)
        jsonw_string(&o->w, "format", scalars[f->scalar].format);
    if (value && scalars[f->scalar].zero)
        jsonw_raw(&o->w, "default", scalars[f->scalar].zero);
}

/* ---- fields ---- */

static void write_list_kind(struct openapi *o, const struct kube_field *f)
{
    static const char *const names[] = {
        [KUBE_LIST_ATOMIC] = "atomic", [KUBE_LIST_SET] = "set", [KUBE_LIST_MAP] = "map"};
    if (f->list_type == KUBE_LIST_MAP) {
        jsonw_open(&o->w, "x-kubernetes-list-map-keys", '[');
        for (size_t i = 0; f->list_keys && f->list_keys[i]; i++)
            jsonw_string(&o->w, NULL, f->list_keys[i]);
        jsonw_close(&o->w, ']');
    }
    jsonw_string(&o->w, "x-kubernetes-list-type", names[f->list_type]);
}

static bool has_strategy(const struct kube_field *f)
{
    return f->patch_merge || f->patch_retain_keys || f->patch_replace || f->merge_key;
}

static void write_strategy(struct openapi *o, const struct kube_field *f)
{
    char text[64];
    if (f->merge_key)
        jsonw_string(&o->w, "x-kubernetes-patch-merge-key", f->merge_key);
    snprintf(text, sizeof text, "%s%s%s", f->patch_merge ? "merge," : "",
             f->patch_retain_keys ? "retainKeys," : "", f->patch_replace ? "replace," : "");
    if (!*text)
        return;
    text[strlen(text) - 1] = '\0';
    jsonw_string(&o->w, "x-kubernetes-patch-strategy", text);
}

static void write_field(struct openapi *o, const struct kube_field *f)
{
    bool lone = !f->repeated && !f->map;
    bool company = f->default_value || (lone && f->atomic) || has_strategy(f);
    bool value = !f->pointer && !f->default_value && (f->scalar == KUBE_MESSAGE || !f->omit_empty);
    jsonw_open(&o->w, f->name, '{');
    if (lone) {
        write_value(o, f, value, company);
    } else {
        jsonw_string(&o->w, "type", f->repeated ? "array" : "object");
        jsonw_open(&o->w, f->repeated ? "items" : "additionalProperties", '{');
        write_value(o, f, /* value= */ true, /* company= */ false);
        jsonw_close(&o->w, '}');
    }
    if (f->default_value)
        jsonw_value(&o->w, "default", f->default_value);
    if (f->repeated || (lone && f->scalar == KUBE_STRING_LIST))
        write_list_kind(o, f);
    else if (f->atomic)
        jsonw_string(&o->w, "x-kubernetes-map-type", "atomic");
    write_strategy(o, f);
    jsonw_close(&o->w, '}');
}

/* Inlined types' fields stand among the type's own. */
static void write_fields(struct openapi *o, const struct kube_type *t)
{
    for (size_t i = 0; i < t->field_count; i++) {
        if (*t->fields[i].name)
            write_field(o, &t->fields[i]);
        else
            write_fields(o, t->fields[i].type);
    }
}

static void write_required(struct openapi *o, const struct kube_type *t, bool *open)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct kube_field *f = &t->fields[i];
        if (!*f->name)
            write_required(o, f->type, open);
        if (!*f->name || !f->required)
            continue;
        if (!*open)
            jsonw_open(&o->w, "required", '[');
        *open = true;
        jsonw_string(&o->w, NULL, f->name);
    }
}

/* ---- types ---- */

static void write_type(struct openapi *o, const struct kube_type *t)
{
    bool open = false;
    jsonw_open(&o->w, t->name, '{');
    jsonw_string(&o->w, "type", "object");
    write_required(o, t, &open);
    if (open)
        jsonw_close(&o->w, ']');
    if (t->field_count) {
        jsonw_open(&o->w, "properties", '{');
        write_fields(o, t);
        jsonw_close(&o->w, '}');
    }
    if (t->kind) {
        jsonw_open(&o->w, "x-kubernetes-group-version-kind", '[');
        openapi_gvk(&o->w, NULL, t->group, t->version, t->kind);
        jsonw_close(&o->w, ']');
    }
    if (t->atomic)
        jsonw_string(&o->w, "x-kubernetes-map-type", "atomic");
    jsonw_close(&o->w, '}');
}

/* Whatever the types in the queue mention is mentioned, too. */
static void close_types(struct openapi *o)
{
    while (o->queue_count > 0) {
        const struct kube_type *t = o->queue[--o->queue_count];
        for (size_t i = 0; i < t->field_count; i++) {
            const struct kube_field *f = &t->fields[i];
            if (f->scalar == KUBE_MESSAGE && *f->name)
                want_type(o, f->type);
            else if (f->scalar == KUBE_MESSAGE)
                enqueue(o, f->type); /* its fields, not itself */
        }
    }
}

void openapi_schemas(struct openapi *o)
{
    size_t count;
    const struct kube_type *const *all = kube_types_all(&count);
    close_types(o);
    for (size_t i = 0; i < count; i++)
        if (o->wanted[all[i] - o->base])
            write_type(o, all[i]);
    for (unsigned i = 0; i < LEAF_COUNT; i++)
        if (o->leaves[i])
            jsonw_raw(&o->w, leaves[i].name, o->v2 && leaves[i].v2 ? leaves[i].v2 : leaves[i].v3);
}
