/* Reading a parsed YAML document: members, paths, conversion to JSON. */
#include "base/yaml_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void yaml_destroy(struct yaml_doc *doc)
{
    if (!doc)
        return;
    for (size_t i = 0; i < doc->string_count; i++)
        free(doc->strings[i]);
    free(doc->strings);
    free(doc->nodes);
    free(doc);
}

const struct yaml_node *yaml_node(const struct yaml_doc *doc, uint32_t index)
{
    return index < doc->count ? &doc->nodes[index] : NULL;
}

const struct yaml_node *yaml_first(const struct yaml_doc *doc, const struct yaml_node *parent)
{
    return yaml_node(doc, parent->first);
}

const struct yaml_node *yaml_next(const struct yaml_doc *doc, const struct yaml_node *node)
{
    return yaml_node(doc, node->next);
}

static const struct yaml_node *get_n(const struct yaml_doc *doc, const struct yaml_node *map,
                                     const char *key, size_t len)
{
    if (!map || map->type != YAML_MAP)
        return NULL;
    for (const struct yaml_node *n = yaml_first(doc, map); n; n = yaml_next(doc, n))
        if (n->key && strncmp(n->key, key, len) == 0 && n->key[len] == '\0')
            return n;
    return NULL;
}

const struct yaml_node *yaml_get(const struct yaml_doc *doc, const struct yaml_node *map,
                                 const char *key)
{
    return get_n(doc, map, key, strlen(key));
}

static const struct yaml_node *get_item(const struct yaml_doc *doc, const struct yaml_node *seq,
                                        unsigned long index)
{
    const struct yaml_node *n;

    if (seq->type != YAML_SEQ)
        return NULL;
    for (n = yaml_first(doc, seq); n && index; n = yaml_next(doc, n))
        index--;
    return n;
}

/* One step of a path at *path: ".name", "name", "[2]" or "['a.b']". Moves *path behind it. */
static const struct yaml_node *find_step(const struct yaml_doc *doc, const struct yaml_node *at,
                                         const char **path)
{
    const char *p = *path;
    size_t len;

    if (*p == '[' && (p[1] == '\'' || p[1] == '"')) {
        const char *close = strchr(p + 2, p[1]);

        if (!close || close[1] != ']')
            return NULL;
        *path = close + 2;
        return get_n(doc, at, p + 2, (size_t)(close - p - 2));
    }
    if (*p == '[') {
        char *end;
        unsigned long index = strtoul(p + 1, &end, 10);

        if (end == p + 1 || *end != ']')
            return NULL;
        *path = end + 1;
        return get_item(doc, at, index);
    }
    p += *p == '.';
    len = strcspn(p, ".[");
    *path = p + len;
    return get_n(doc, at, p, len);
}

const struct yaml_node *yaml_find(const struct yaml_doc *doc, const char *path)
{
    const struct yaml_node *at = yaml_node(doc, 0);

    while (*path) {
        const struct yaml_node *next = find_step(doc, at, &path);

        if (!next)
            break;
        at = next;
    }
    return at;
}

static json_t *map_to_json(const struct yaml_doc *doc, const struct yaml_node *node)
{
    json_t *object = json_object();

    for (const struct yaml_node *n = yaml_first(doc, node); n; n = yaml_next(doc, n))
        json_object_set_new_nocheck(object, n->key, yaml_to_json(doc, n));
    return object;
}

static json_t *seq_to_json(const struct yaml_doc *doc, const struct yaml_node *node)
{
    json_t *array = json_array();

    for (const struct yaml_node *n = yaml_first(doc, node); n; n = yaml_next(doc, n))
        json_array_append_new(array, yaml_to_json(doc, n));
    return array;
}

json_t *yaml_to_json(const struct yaml_doc *doc, const struct yaml_node *node)
{
    switch (node->type) {
    case YAML_NULL:
        return json_null();
    case YAML_BOOL:
        return json_boolean(node->value.boolean);
    case YAML_INT:
        return json_integer(node->value.integer);
    case YAML_REAL:
        return json_real(node->value.real);
    case YAML_STRING:
        return json_string_nocheck(node->text);
    case YAML_SEQ:
        return seq_to_json(doc, node);
    case YAML_MAP:
        return map_to_json(doc, node);
    }
    return NULL;
}

const char *yaml_type_name(enum yaml_type type)
{
    switch (type) {
    case YAML_NULL:
        return "null";
    case YAML_BOOL:
        return "boolean";
    case YAML_INT:
        return "integer";
    case YAML_REAL:
        return "number";
    case YAML_STRING:
        return "string";
    case YAML_SEQ:
        return "list";
    case YAML_MAP:
        return "map";
    }
    return "?";
}
