/* Paths and operations of one group and version: what may be sent where, and which parameters it
 * takes. kubectl reads from here whether a server knows fieldValidation and dryRun, and which
 * patches a kind takes (kube-apiserver.md 1.2). */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "sim/rest/openapi_priv.h"

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."

/* ---- parameters ---- */

struct parameter {
    const char *name, *type;
};
static const struct parameter dry_run = {"dryRun", "string"};
static const struct parameter list_parameters[] = {{"allowWatchBookmarks", "boolean"},
                                                   {"continue", "string"},
                                                   {"fieldSelector", "string"},
                                                   {"labelSelector", "string"},
                                                   {"limit", "integer"},
                                                   {"resourceVersion", "string"},
                                                   {"resourceVersionMatch", "string"},
                                                   {"sendInitialEvents", "boolean"},
                                                   {"timeoutSeconds", "integer"},
                                                   {"watch", "boolean"}};
static const struct parameter write_parameters[] = {{"fieldManager", "string"},
                                                    {"fieldValidation", "string"}};
static const struct parameter delete_parameters[] = {{"gracePeriodSeconds", "integer"},
                                                     {"orphanDependents", "boolean"},
                                                     {"propagationPolicy", "string"}};
static const struct parameter force = {"force", "boolean"};

static void write_parameter(struct openapi *o, const struct parameter *p, const char *in)
{
    struct jsonw *w = &o->w;
    jsonw_open(w, NULL, '{');
    jsonw_string(w, "name", p->name);
    jsonw_string(w, "in", in);
    if (strcmp(in, "path") == 0)
        jsonw_bool(w, "required", true);
    if (!o->v2)
        jsonw_open(w, "schema", '{');
    jsonw_string(w, "type", p->type);
    jsonw_bool(w, "uniqueItems", true);
    if (!o->v2)
        jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void write_parameters_of(struct openapi *o, const struct parameter *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        write_parameter(o, &list[i], "query");
}

/* ---- operations ---- */

struct operation {
    const char *verb;      /* as discovery names it */
    const char *method;    /* key of the path item */
    const char *action;    /* x-kubernetes-action */
    const char *id;        /* how operationId begins */
    bool collection, list; /* where it stands; answers a list */
};
static const struct operation operations[] = {
    {"list", "get", "list", "list", true, true},
    {"create", "post", "post", "create", true, false},
    {"deletecollection", "delete", "deletecollection", "deleteCollection", true, false},
    {"get", "get", "get", "read", false, false},
    {"update", "put", "put", "replace", false, false},
    {"patch", "patch", "patch", "patch", false, false},
    {"delete", "delete", "delete", "delete", false, false},
};

/* What the paths of one catalog entry have in common. */
struct place {
    struct openapi *o;
    const char *group, *version;
    const struct catalog_entry *e;
    const char *kind_group, *kind_version;
    char *body, *list; /* schema names, or NULL */
    bool all_namespaces, in_namespace;
};

static void capital(struct strbuf *out, const char *word, size_t len)
{
    if (!len)
        return;
    strbuf_addch(out, (char)toupper((unsigned char)*word));
    strbuf_add(out, word + 1, len - 1);
}

/* "rbac.authorization.k8s.io" -> "RbacAuthorization" */
static void camel_group(struct strbuf *out, const char *group)
{
    size_t len = strlen(group), tail = strlen(".k8s.io");
    if (len == 0)
        group = "core", len = 4;
    if (len > tail && strcmp(group + len - tail, ".k8s.io") == 0)
        len -= tail;
    while (len > 0) {
        const char *dot = memchr(group, '.', len);
        size_t part = dot ? (size_t)(dot - group) : len;
        capital(out, group, part);
        group += part + (dot != NULL);
        len -= part + (dot != NULL);
    }
}

static void write_operation_id(struct place *p, const struct operation *op)
{
    AUTO(strbuf) struct strbuf id = {0};
    const char *sub = p->e->subresource;
    strbuf_addstr(&id, op->id);
    camel_group(&id, p->group);
    capital(&id, p->version, strlen(p->version));
    if (op->collection && strcmp(op->verb, "deletecollection") == 0)
        strbuf_addstr(&id, "Collection");
    if (p->in_namespace)
        strbuf_addstr(&id, "Namespaced");
    strbuf_addstr(&id, p->e->type.kind);
    if (sub)
        capital(&id, sub, strlen(sub));
    if (p->all_namespaces)
        strbuf_addstr(&id, "ForAllNamespaces");
    jsonw_string(&p->o->w, "operationId", strbuf_str(&id));
}

static void write_schema_ref(struct openapi *o, const char *name)
{
    jsonw_open(&o->w, "schema", '{');
    if (name)
        openapi_ref_name(o, name);
    else
        jsonw_string(&o->w, "type", "object");
    jsonw_close(&o->w, '}');
}

/* ---- bodies ---- */

static const char *const patch_types[] = {
    "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
    "application/strategic-merge-patch+json"};
static const char *const media_types[] = {"application/json", "application/yaml",
                                          "application/vnd.kubernetes.protobuf"};

static bool is_patch(const struct operation *op)
{
    return strcmp(op->verb, "patch") == 0;
}

static size_t request_media(const struct place *p, const struct operation *op,
                            const char *const **ret)
{
    bool builtin = p->e->type.builtin;
    *ret = is_patch(op) ? patch_types : media_types;
    return (is_patch(op) ? ARRAY_LEN(patch_types) : ARRAY_LEN(media_types)) - (builtin ? 0 : 1);
}

static bool has_body(const struct operation *op)
{
    return strcmp(op->method, "get") != 0;
}

static void write_body_schema(struct place *p, const struct operation *op)
{
    if (strncmp(op->verb, "delete", 6) == 0) {
        jsonw_open(&p->o->w, "schema", '{');
        openapi_ref_type(p->o, kube_type_named(META "DeleteOptions"));
        jsonw_close(&p->o->w, '}');
    } else if (is_patch(op)) {
        jsonw_open(&p->o->w, "schema", '{');
        openapi_ref_leaf(p->o, LEAF_PATCH);
        jsonw_close(&p->o->w, '}');
    } else {
        write_schema_ref(p->o, p->body);
    }
}

/* The same schema under each media type. */
static void write_content(struct place *p, const struct operation *op, const char *const *media,
                          size_t count,
                          void (*write_schema)(struct place *p, const struct operation *op))
{
    struct jsonw *w = &p->o->w;
    jsonw_open(w, "content", '{');
    for (size_t i = 0; i < count; i++) {
        jsonw_open(w, media[i], '{');
        write_schema(p, op);
        jsonw_close(w, '}');
    }
    jsonw_close(w, '}');
}

static void write_v3_body(struct place *p, const struct operation *op)
{
    struct jsonw *w = &p->o->w;
    const char *const *media;
    size_t count = request_media(p, op, &media);
    bool required = strncmp(op->verb, "delete", 6) != 0;
    jsonw_open(w, "requestBody", '{');
    if (required)
        jsonw_bool(w, "required", true);
    write_content(p, op, media, count, write_body_schema);
    jsonw_close(w, '}');
}

static void write_v2_body(struct place *p, const struct operation *op)
{
    struct jsonw *w = &p->o->w;
    jsonw_open(w, NULL, '{');
    jsonw_string(w, "name", "body");
    jsonw_string(w, "in", "body");
    if (strncmp(op->verb, "delete", 6) != 0)
        jsonw_bool(w, "required", true);
    write_body_schema(p, op);
    jsonw_close(w, '}');
}

static void write_media(struct jsonw *w, const char *key, const char *const *media, size_t count)
{
    jsonw_open(w, key, '[');
    for (size_t i = 0; i < count; i++)
        jsonw_string(w, NULL, media[i]);
    jsonw_close(w, ']');
}

/* ---- answers ---- */

static void write_answer_schema(struct place *p, const struct operation *op)
{
    if (op->list) {
        write_schema_ref(p->o, p->list);
    } else if (strncmp(op->verb, "delete", 6) == 0) {
        jsonw_open(&p->o->w, "schema", '{');
        openapi_ref_type(p->o, kube_type_named(META "Status"));
        jsonw_close(&p->o->w, '}');
    } else {
        write_schema_ref(p->o, p->body);
    }
}

static void write_answer(struct place *p, const struct operation *op, const char *code,
                         const char *text)
{
    struct jsonw *w = &p->o->w;
    size_t count = ARRAY_LEN(media_types) - (p->e->type.builtin ? 0 : 1);
    jsonw_open(w, code, '{');
    jsonw_string(w, "description", text);
    if (p->o->v2)
        write_answer_schema(p, op);
    else
        write_content(p, op, media_types, count, write_answer_schema);
    jsonw_close(w, '}');
}

static void write_answers(struct place *p, const struct operation *op)
{
    bool creates = strcmp(op->verb, "create") == 0, deletes = strcmp(op->verb, "delete") == 0;
    struct jsonw *w = &p->o->w;
    jsonw_open(w, "responses", '{');
    write_answer(p, op, "200", "OK");
    if (creates || strcmp(op->verb, "update") == 0 || is_patch(op))
        write_answer(p, op, "201", "Created");
    if (creates || deletes)
        write_answer(p, op, "202", "Accepted");
    jsonw_open(w, "401", '{');
    jsonw_string(w, "description", "Unauthorized");
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

/* ---- one operation ---- */

static void write_operation_parameters(struct place *p, const struct operation *op)
{
    struct openapi *o = p->o;
    jsonw_open(&o->w, "parameters", '[');
    if (o->v2 && has_body(op))
        write_v2_body(p, op);
    if (op->list || strcmp(op->verb, "deletecollection") == 0)
        write_parameters_of(o, list_parameters, ARRAY_LEN(list_parameters));
    if (has_body(op))
        write_parameter(o, &dry_run, "query");
    if (strncmp(op->verb, "delete", 6) == 0)
        write_parameters_of(o, delete_parameters, ARRAY_LEN(delete_parameters));
    else if (has_body(op))
        write_parameters_of(o, write_parameters, ARRAY_LEN(write_parameters));
    if (is_patch(op))
        write_parameter(o, &force, "query");
    jsonw_close(&o->w, ']');
}

static void write_operation(struct place *p, const struct operation *op)
{
    struct jsonw *w = &p->o->w;
    const char *const *media;
    size_t count = request_media(p, op, &media);
    AUTO(str)
    char *tag = mem_printf("%.*s_%s", *p->group ? (int)strcspn(p->group, ".") : 4,
                           *p->group ? p->group : "core", p->version);
    jsonw_open(w, op->method, '{');
    write_media(w, "tags", (const char *const[]){tag}, 1);
    write_operation_id(p, op);
    if (p->o->v2 && has_body(op))
        write_media(w, "consumes", media, count);
    if (p->o->v2)
        write_media(w, "produces", media_types, ARRAY_LEN(media_types));
    write_operation_parameters(p, op);
    if (!p->o->v2 && has_body(op))
        write_v3_body(p, op);
    write_answers(p, op);
    jsonw_string(w, "x-kubernetes-action", op->action);
    openapi_gvk(w, "x-kubernetes-group-version-kind", p->kind_group, p->kind_version, p->e->kind);
    jsonw_close(w, '}');
}

/* ---- one path ---- */

static bool has_verb(const struct catalog_entry *e, const char *verb)
{
    for (size_t i = 0; e->verbs[i]; i++)
        if (strcmp(e->verbs[i], verb) == 0)
            return true;
    return false;
}

enum where { AT_ALL, AT_COLLECTION, AT_ITEM };

/* Whether the operation stands at the path. All that a subresource can do stands at its one path.
 */
static bool stands_at(const struct place *p, const struct operation *op, enum where where)
{
    if (!has_verb(p->e, op->verb))
        return false;
    if (p->e->subresource)
        return true;
    if (where == AT_ALL)
        return op->list;
    return op->collection == (where == AT_COLLECTION);
}

static void write_path_parameters(struct place *p, enum where where)
{
    static const struct parameter name = {"name", "string"}, ns = {"namespace", "string"},
                                  pretty = {"pretty", "string"};
    jsonw_open(&p->o->w, "parameters", '[');
    if (where == AT_ITEM)
        write_parameter(p->o, &name, "path");
    if (p->in_namespace)
        write_parameter(p->o, &ns, "path");
    write_parameter(p->o, &pretty, "query");
    jsonw_close(&p->o->w, ']');
}

static void write_path(struct place *p, enum where where)
{
    const char *sub = p->e->subresource;
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        any |= stands_at(p, &operations[i], where);
    if (!any)
        return;
    p->all_namespaces = where == AT_ALL;
    p->in_namespace = where != AT_ALL && p->e->type.namespaced;
    AUTO(str)
    char *path =
        mem_printf("%s%s/%s/%s%s%s%s%s", *p->group ? "/apis/" : "/api", p->group, p->version,
                   p->in_namespace ? "namespaces/{namespace}/" : "", p->e->type.resource.plural,
                   where == AT_ITEM ? "/{name}" : "", sub ? "/" : "", sub ? sub : "");
    jsonw_open(&p->o->w, path, '{');
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        if (stands_at(p, &operations[i], where))
            write_operation(p, &operations[i]);
    write_path_parameters(p, where);
    jsonw_close(&p->o->w, '}');
}

static void write_entry(void *cookie, const struct catalog_entry *e)
{
    struct place p = *(struct place *)cookie;
    p.e = e;
    p.kind_group = e->group ? e->group : p.group;
    p.kind_version = e->group ? e->version : p.version;
    p.body = openapi_name_kind(p.o, &e->type, p.kind_group, p.kind_version, e->kind);
    if (!e->subresource && has_verb(e, "list"))
        p.list = openapi_name_kind(p.o, &e->type, p.group, p.version, e->type.list_kind);
    if (e->type.namespaced && !e->subresource)
        write_path(&p, AT_ALL);
    if (!e->subresource)
        write_path(&p, AT_COLLECTION);
    write_path(&p, AT_ITEM);
    free(p.body);
    free(p.list);
}

void openapi_paths(struct openapi *o, const char *group, const char *version)
{
    struct place p = {.o = o, .group = group, .version = version};
    catalog_each(o->server, group, version, write_entry, &p);
}
