/* Tables: objects as rows for people, when the Accept header asks for them. */
#include <string.h>

#include "sim/rest/rest_priv.h"
#include "sim/rest/table_priv.h"

enum include { INCLUDE_METADATA, INCLUDE_NONE, INCLUDE_OBJECT };

struct table_options {
    struct sched *sched;
    bool v1beta1;
    enum include include;
    struct catalog_type type;
    const struct table_printer *printer; /* of the type, or NULL */
    json_t *definition;                  /* held for the columns, whose strings are its */
    struct table_customs *customs;       /* of a defined kind */
};

static const struct table_printers *const families[] = {
    &table_pod_printers,     &table_work_printers,    &table_net_printers,
    &table_storage_printers, &table_cluster_printers, &table_admission_printers};

const struct table_printer *table_find_printer(const char *group, const char *kind)
{
    for (size_t f = 0; f < ARRAY_LEN(families); f++)
        for (size_t i = 0; i < families[f]->count; i++) {
            const struct table_printer *p = &families[f]->items[i];
            if (strcmp(p->kind, kind) == 0 && strcmp(p->group, group) == 0)
                return p;
        }
    return NULL;
}

/* ---- options ---- */

bool table_supported(const struct rest_call *c)
{
    return c->known && !c->type.is_virtual;
}

static int read_include(struct rest_call *c, enum include *ret, struct api_response *error)
{
    static const struct {
        const char *word;
        enum include include;
    } known[] = {{"", INCLUDE_METADATA},
                 {"Metadata", INCLUDE_METADATA},
                 {"None", INCLUDE_NONE},
                 {"Object", INCLUDE_OBJECT}};
    const char *word = query_get(&c->query, "includeObject");
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(word ? word : "", known[i].word) != 0)
            continue;
        *ret = known[i].include;
        return 0;
    }
    return status_bad_request(error,
                              "Unable to convert to Table as requested: includeObject: Invalid "
                              "value: \"%s\": must be 'Metadata', 'Object', 'None', or empty",
                              word);
}

static void read_definition(struct table_options *o, const struct apiserver *a)
{
    const struct api_resource *r = &o->type.resource;
    AUTO(str) char *name = mem_printf("%s.%s", r->plural, r->group);
    json_t *crd =
        apiserver_peek(a, "apiextensions.k8s.io", "customresourcedefinitions", NULL, name);
    const json_t *versions = json_path(crd, "spec.versions"), *version = NULL;
    for (size_t i = 0; i < json_array_size(versions) && !version; i++)
        if (strcmp(json_str_or_empty(json_array_get(versions, i), "name"), r->version) == 0)
            version = json_array_get(versions, i);
    o->definition = json_incref(crd);
    o->customs = table_customs_create(version);
}

struct table_options *table_options_create(struct rest_call *c, struct api_response *error)
{
    enum include include = INCLUDE_METADATA;
    if (read_include(c, &include, error) < 0)
        return NULL;
    struct table_options *o = mem_zalloc(sizeof *o);
    o->sched = c->r->config.sched;
    o->v1beta1 = c->accept.v1beta1;
    o->include = include;
    o->type = c->type;
    if (o->type.builtin)
        o->printer = table_find_printer(o->type.resource.group, o->type.kind);
    else
        read_definition(o, c->r->server);
    return o;
}

void table_options_destroy(struct table_options *o)
{
    if (!o)
        return;
    table_customs_destroy(o->customs);
    json_decref(o->definition);
    free(o);
}

/* ---- columns ---- */

static const struct table_column plain_columns[] = {
    COLUMN_NAME, {"Created At", "date", "", "When the object was created.", 0}};

static void plain_fill(struct table_row *row, const json_t *object)
{
    row_name(row, object);
    row_str(row, object, "metadata.creationTimestamp", "<unknown>");
}

static const struct table_printer plain_printer = PRINTER("", "", plain_columns, plain_fill);

/* A subresource may answer another kind than its resource. */
static const struct table_printer *printer_for(const struct table_options *o, const json_t *object)
{
    const char *kind = meta_kind(object);
    char group[256];
    if (*kind && strcmp(kind, o->type.kind) != 0 &&
        meta_split_api_version(meta_api_version(object), group, sizeof group, NULL, 0)) {
        const struct table_printer *p = table_find_printer(group, kind);
        return p ? p : &plain_printer;
    }
    if (o->customs)
        return NULL;
    return o->printer ? o->printer : &plain_printer;
}

static json_t *column_definitions(const struct table_options *o, const struct table_printer *p)
{
    const struct table_column *columns = p ? p->columns : NULL;
    size_t count = p ? p->count : table_customs_columns(o->customs, &columns);
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", columns[i].name,
                                             "type", columns[i].type, "format", columns[i].format,
                                             "description", columns[i].description, "priority",
                                             columns[i].priority));
    return out;
}

/* ---- rows ---- */

/* Items of built-in lists do not say what they are; here each stands alone. */
static json_t *whole_object(const struct table_options *o, const json_t *object)
{
    const struct api_resource *r = &o->type.resource;
    if (*meta_kind(object))
        return json_incref((json_t *)object);
    json_t *out = json_object();
    AUTO(str)
    char *version = *r->group ? mem_printf("%s/%s", r->group, r->version) : mem_strdup(r->version);
    json_put_str(out, "kind", o->type.kind);
    json_put_str(out, "apiVersion", version);
    json_object_update_missing(out, (json_t *)object);
    return out;
}

static json_t *row_of(const struct table_options *o, const struct table_printer *p,
                      const json_t *object)
{
    struct table_row row = {.cells = json_array(), .now_ns = sched_now(o->sched)};
    json_t *out = json_object();
    if (p)
        p->fill(&row, object);
    else
        table_customs_fill(o->customs, &row, object);
    json_object_set_new(out, "cells", row.cells);
    if (row.conditions)
        json_object_set_new(out, "conditions", row.conditions);
    if (o->include == INCLUDE_METADATA)
        json_object_set_new(out, "object", partial_object(object, o->v1beta1));
    else
        json_object_set_new(out, "object",
                            o->include == INCLUDE_NONE ? json_null() : whole_object(o, object));
    return out;
}

static json_t *table_meta(const json_t *body, bool is_list)
{
    static const char *const fields[] = {"resourceVersion", "continue", "remainingItemCount"};
    json_t *out = json_object();
    for (size_t i = 0; i < (is_list ? ARRAY_LEN(fields) : 1); i++) {
        json_t *v = json_object_get(json_object_get(body, "metadata"), fields[i]);
        if (v && !(json_is_string(v) && json_string_length(v) == 0))
            json_object_set(out, fields[i], v);
    }
    return out;
}

static json_t *table_of(const struct table_options *o, const json_t *body, bool columns)
{
    const json_t *items = json_object_get(body, "items");
    bool is_list =
        json_is_array(items) && !json_object_get(json_object_get(body, "metadata"), "uid");
    const struct table_printer *p = NULL;
    json_t *out = json_object(), *rows = json_array();
    if (is_list)
        p = o->customs ? NULL : o->printer ? o->printer : &plain_printer;
    else
        p = printer_for(o, body);
    json_put_str(out, "kind", "Table");
    json_put_str(out, "apiVersion", o->v1beta1 ? "meta.k8s.io/v1beta1" : "meta.k8s.io/v1");
    json_object_set_new(out, "metadata", table_meta(body, is_list));
    json_object_set_new(out, "columnDefinitions", columns ? column_definitions(o, p) : json_null());
    for (size_t i = 0; is_list && i < json_array_size(items); i++)
        json_array_append_new(rows, row_of(o, p, json_array_get(items, i)));
    if (!is_list)
        json_array_append_new(rows, row_of(o, p, body));
    json_object_set_new(out, "rows", rows);
    return out;
}

int table_make(struct rest_call *c, const json_t *body, bool columns, json_t **ret,
               struct api_response *error)
{
    struct table_options *o = table_options_create(c, error);
    if (!o)
        return -1;
    *ret = table_of(o, body, columns);
    table_options_destroy(o);
    return 0;
}

static bool is_status(const json_t *object)
{
    return strcmp(meta_kind(object), "Status") == 0 && strcmp(meta_api_version(object), "v1") == 0;
}

json_t *table_of_event(struct table_options *o, const json_t *object, bool columns)
{
    return is_status(object) ? json_incref((json_t *)object) : table_of(o, object, columns);
}
