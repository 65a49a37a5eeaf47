/* Fields that a type does not know. Recursion follows the object, which is at most JSON_DEPTH_MAX
 * deep. */
#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "kube/types/types.h"

#define FOUND_MAX 100 /* Go tells no more */

struct pruner {
    struct strbuf path;
    void (*found)(void *cookie, const char *path);
    void *cookie;
    unsigned told, depth;
    bool silent; /* inside of what Go decodes apart */
};

static void prune_message(struct pruner *p, const struct kube_type *t, json_t *object);

static void cut(struct pruner *p, size_t len)
{
    p->path.len = len;
    if (p->path.data)
        p->path.data[len] = '\0';
}

static void tell(struct pruner *p)
{
    if (p->found && !p->silent && p->told++ < FOUND_MAX)
        p->found(p->cookie, strbuf_str(&p->path));
}

static void add_name(struct pruner *p, const char *name)
{
    if (p->path.len)
        strbuf_addch(&p->path, '.');
    strbuf_addstr(&p->path, name);
}

static void prune_list(struct pruner *p, const struct kube_type *t, json_t *list)
{
    size_t len = p->path.len, i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        strbuf_addf(&p->path, "[%zu]", i);
        prune_message(p, t, item);
        cut(p, len);
    }
}

static void prune_map(struct pruner *p, const struct kube_type *t, json_t *map)
{
    size_t len = p->path.len;
    const char *key;
    json_t *value;

    json_object_foreach(map, key, value)
    {
        add_name(p, key);
        prune_message(p, t, value);
        cut(p, len);
    }
}

static void prune_field(struct pruner *p, const struct kube_field *f, json_t *value)
{
    bool silent = p->silent;

    if (!f->type)
        return;
    p->silent |= f->scalar != KUBE_MESSAGE;
    if (f->map)
        prune_map(p, f->type, value);
    else if (json_is_array(value)) /* of a schema-or-list too */
        prune_list(p, f->type, value);
    else
        prune_message(p, f->type, value);
    p->silent = silent;
}

static void prune_message(struct pruner *p, const struct kube_type *t, json_t *object)
{
    size_t len = p->path.len;
    const char *key;
    json_t *value;
    void *next;

    if (!json_is_object(object) || p->depth == JSON_DEPTH_MAX)
        return;
    p->depth++;
    json_object_foreach_safe(object, next, key, value)
    {
        const struct kube_field *f = kube_field_find(t, key);

        add_name(p, key);
        if (f) {
            prune_field(p, f, value);
        } else {
            tell(p);
            json_object_del(object, key);
        }
        cut(p, len);
    }
    p->depth--;
}

void kube_type_prune(const struct kube_type *t, json_t *object,
                     void (*found)(void *cookie, const char *path), void *cookie)
{
    struct pruner p = {.found = found, .cookie = cookie};

    prune_message(&p, t, object);
    strbuf_finish(&p.path);
}
