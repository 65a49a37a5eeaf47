/* What pruning would drop from a custom resource, told apart from the pruning: only requests that
 * ask for it pay. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/order.h"
#include "sim/apiserver/schema_priv.h"

/* The API server's own limit of what a decoder tells. */
#define UNKNOWN_MAX 100u

struct unknown {
    struct strbuf path;
    char *found[UNKNOWN_MAX];
    size_t count;
};

static void found(struct unknown *u)
{
    if (u->count < UNKNOWN_MAX)
        u->found[u->count++] = mem_strdup(strbuf_str(&u->path));
}

static void cut(struct unknown *u, size_t len)
{
    u->path.len = len;
    if (u->path.data)
        u->path.data[len] = '\0';
}

static bool is_type_key(const char *key)
{
    return strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0 ||
           strcmp(key, "metadata") == 0;
}

static void look(struct unknown *u, const struct schema *s, const json_t *v, bool resource);

static void look_at_member(struct unknown *u, const struct schema *s, const char *key,
                           const json_t *value)
{
    size_t len = u->path.len;
    const struct schema *child = schema_prop(s, key);
    strbuf_addf(&u->path, "%s%s", len ? "." : "", key);
    if (!child)
        child = s->additional;
    if (child)
        look(u, child, value, child->embedded);
    else if (!s->additional_any && !s->preserve_unknown)
        found(u);
    cut(u, len);
}

/* As deep as the schema is, or as the value: both are bounded. */
static void look(struct unknown *u, const struct schema *s, const json_t *v, bool resource)
{
    const char *key;
    json_t *value;
    size_t i, len = u->path.len;
    json_object_foreach((json_t *)v, key, value)
    {
        if (!resource || !is_type_key(key))
            look_at_member(u, s, key, value);
    }
    if (!s->items)
        return;
    json_array_foreach((json_t *)v, i, value)
    {
        strbuf_addf(&u->path, "[%zu]", i);
        look(u, s->items, value, s->items->embedded);
        cut(u, len);
    }
}

void schema_unknown(const struct schema *s, const json_t *object,
                    void (*tell)(void *cookie, const char *path), void *cookie)
{
    struct unknown u = {0};
    schema_prepare(s);
    look(&u, s, object, true);
    qsort(u.found, u.count, sizeof(*u.found), text_order);
    for (size_t i = 0; i < u.count; i++) {
        tell(cookie, u.found[i]);
        free(u.found[i]);
    }
    strbuf_finish(&u.path);
}
