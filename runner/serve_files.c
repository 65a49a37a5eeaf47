/* Objects as files give them: YAML documents, each an object or a List of objects. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/meta.h"
#include "runner/manifest.h"
#include "runner/serve.h"

#define FILE_BYTES_MAX (64u << 20)

/* ---- reading ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Whether a line begins a document, whose first words may follow on it. */
static bool is_separator(const char *line, size_t len)
{
    return len >= 3 && strncmp(line, "---", 3) == 0 && (len == 3 || is_space(line[3]));
}

/* Apart from the separator that it begins with. */
static bool is_blank(const char *text, size_t len)
{
    if (len >= 3 && is_separator(text, len > 3 && text[3] == '\n' ? 3 : len)) {
        text += 3;
        len -= 3;
    }
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t line = end ? (size_t)(end - text) : len, i = 0;

        while (i < line && is_space(text[i]))
            i++;
        if (i < line && text[i] != '#')
            return false;
        text += end ? line + 1 : line;
        len -= end ? line + 1 : line;
    }
    return true;
}

static void add_object(struct manifests *m, json_t *object, struct src_pos pos)
{
    size_t i;
    json_t *item;

    if (strcmp(meta_kind(object), "List") == 0) {
        json_array_foreach(json_object_get(object, "items"), i, item)
            add_object(m, json_incref(item), pos);
        json_decref(object);
        return;
    }
    m->items = mem_grow(m->items, &m->cap, m->count + 1, sizeof *m->items);
    m->items[m->count] = (struct manifest){object, pos};
    m->count++;
}

/* Places in a document as places in its file. */
static void shift_lines(struct diags *d, uint32_t lines)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->items[i].err.pos.line)
            d->items[i].err.pos.line += lines;
}

static void add_document(struct manifests *m, const char *path, const char *text, size_t len,
                         uint32_t lines_before, struct diags *diags)
{
    struct diags found = {0};
    AUTO(yaml) struct yaml_doc *doc = NULL;
    struct src_pos pos;
    json_t *object;

    if (is_blank(text, len))
        return;
    doc = yaml_parse(text, len, path, &found);
    if (doc)
        manifest_check(doc, yaml_node(doc, 0), /* holes= */ false, &found);
    shift_lines(&found, lines_before);
    for (size_t i = 0; i < found.count; i++)
        diags_take(diags, &found.items[i].err);
    diags_finish(&found);
    if (!doc)
        return;
    pos = yaml_node(doc, 0)->pos;
    pos.line += lines_before;
    if (yaml_node(doc, 0)->type != YAML_MAP) {
        diags_add(diags, DIAG_ERROR, pos, "expected an object, found %s",
                  yaml_type_name(yaml_node(doc, 0)->type));
        return;
    }
    object = yaml_to_json(doc, yaml_node(doc, 0));
    if (strcmp(meta_kind(object), "Scenario") == 0 &&
        strncmp(meta_api_version(object), "vmconform.dev/", 14) == 0) {
        if (m->scenario && m->scenario != path)
            diags_add(diags, DIAG_ERROR, pos, "'%s' is a scenario already, and one can be served",
                      m->scenario);
        m->scenario = path;
        json_decref(object);
        return;
    }
    add_object(m, object, pos);
}

static void add_file(struct manifests *m, const char *path, struct diags *diags)
{
    AUTO(strbuf) struct strbuf text = {0};
    const char *file = err_intern_file(path), *p, *from, *end;
    struct err e = {0};
    uint32_t line = 0, from_line = 0;

    if (file_read(path, FILE_BYTES_MAX, &text, &e) < 0) {
        diags_take(diags, &e);
        return;
    }
    end = strbuf_str(&text) + text.len;
    for (p = from = strbuf_str(&text); p; line++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));

        if (is_separator(p, (size_t)((newline ? newline : end) - p))) {
            add_document(m, file, from, (size_t)(p - from), from_line, diags);
            from = p;
            from_line = line;
        }
        p = newline ? newline + 1 : NULL;
    }
    add_document(m, file, from, (size_t)(end - from), from_line, diags);
}

int manifests_load(struct manifests *m, const struct option_list *files)
{
    AUTO(diags) struct diags diags = {0};

    for (size_t i = 0; i < files->count; i++)
        add_file(m, files->items[i], &diags);
    print_diags(&diags);
    return diags.errors ? -1 : 0;
}

void manifests_finish(struct manifests *m)
{
    for (size_t i = 0; i < m->count; i++)
        json_decref(m->items[i].object);
    free(m->items);
}

/* ---- creating ---- */

static int refused(const struct manifest *m, const struct api_response *res, struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, m->pos, "the API server refused %s '%s': %d %s: %s",
                   meta_kind(m->object), meta_name(m->object), res->code, api_reason(res),
                   api_message(res));
}

/* Creating drops the status; a file that has one means it. */
static int put_status(struct apiserver *server, const struct manifest *m,
                      const struct api_request *created, const char *name, struct err *reterr)
{
    AUTO(json)
    json_t *patch = json_pack("{s:O}", "status", json_object_get(m->object, "status"));
    AUTO(response) struct api_response res = {0};
    struct api_request req = {.verb = API_PATCH,
                              .resource = created->resource,
                              .ns = created->ns,
                              .name = name,
                              .subresource = "status",
                              .patch = PATCH_MERGE,
                              .body = patch};

    apiserver_handle(server, &req, &res);
    return api_ok(&res) ? 0 : refused(m, &res, reterr);
}

/* Every cluster has namespaces and a node, and so has every dump of one. */
static bool is_there_anyway(struct apiserver *server, const struct manifest *m,
                            const struct api_request *created)
{
    const char *kind = meta_kind(m->object), *name = meta_name(m->object);

    return !*created->resource.group &&
           (strcmp(kind, "Namespace") == 0 || strcmp(kind, "Node") == 0) && *name &&
           apiserver_peek(server, "", created->resource.plural, NULL, name);
}

/* What the file says of it is added. */
static int add_to(struct apiserver *server, const struct manifest *m,
                  const struct api_request *created, struct err *reterr)
{
    AUTO(json) json_t *patch = json_pack("{s:{}}", "metadata");
    AUTO(response) struct api_response res = {0};
    struct api_request req = {.verb = API_PATCH,
                              .resource = created->resource,
                              .name = meta_name(m->object),
                              .patch = PATCH_MERGE,
                              .body = patch,
                              .field_manager = created->field_manager};
    static const char *const members[] = {"labels", "annotations"};

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *value = json_at(m->object, "metadata", members[i], NULL);

        if (value)
            json_object_set(json_object_get(patch, "metadata"), members[i], (json_t *)value);
    }
    if (strcmp(meta_kind(m->object), "Node") == 0 && json_object_get(m->object, "spec"))
        json_object_set(patch, "spec", json_object_get(m->object, "spec"));
    apiserver_handle(server, &req, &res);
    return api_ok(&res) ? 0 : refused(m, &res, reterr);
}

static int create_one(struct apiserver *server, const struct manifest *m, struct err *reterr)
{
    struct resource_info info;
    AUTO(response) struct api_response res = {0};
    struct api_request req = {.verb = API_CREATE, .body = m->object};
    const char *ns = meta_namespace(m->object);

    if (!apiserver_find_kind(server, meta_api_version(m->object), meta_kind(m->object), &info))
        return err_set(reterr, ERR_NOT_FOUND, m->pos, "the cluster does not know %s, kind '%s'",
                       meta_api_version(m->object), meta_kind(m->object));
    req.resource = info.resource;
    req.ns = !info.namespaced ? NULL : *ns ? ns : "default";
    req.field_manager = "kubectl-create";
    if (is_there_anyway(server, m, &req))
        return add_to(server, m, &req, reterr);
    apiserver_handle(server, &req, &res);
    if (!api_ok(&res))
        return refused(m, &res, reterr);
    if (!info.has_status || !json_object_get(m->object, "status"))
        return 0;
    return put_status(server, m, &req, meta_name(res.body), reterr);
}

/* What others need is there before them, wherever it stands. */
static int rank(const struct manifest *m)
{
    const char *kind = meta_kind(m->object);

    return strcmp(kind, "CustomResourceDefinition") == 0 ? 0
           : strcmp(kind, "Namespace") == 0              ? 1
                                                         : 2;
}

int manifests_create(const struct manifests *m, struct apiserver *server, struct err *reterr)
{
    for (int turn = 0; turn <= 2; turn++)
        for (size_t i = 0; i < m->count; i++)
            if (rank(&m->items[i]) == turn && create_one(server, &m->items[i], reterr) < 0)
                return -1;
    return 0;
}
