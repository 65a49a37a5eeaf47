/* Structural schemas as server-side apply sees them. */
#include <string.h>

#include "sim/apiserver/schema_priv.h"

/* Where a schema stands: as an object of its own (the root, an embedded one), or below a place that
 * keeps unknown fields, whose whole inside does then. */
enum { IS_RESOURCE = 1, KEEPS_UNKNOWN = 2 };

static const struct typed_ops schema_ops;

static struct typed at(const struct schema *s, int from)
{
    int aux = (from & KEEPS_UNKNOWN) | (s->embedded ? IS_RESOURCE : 0) |
              (s->preserve_unknown ? KEEPS_UNKNOWN : 0);
    return (struct typed){&schema_ops, s, aux};
}

static struct typed_info object_info(const struct schema *s, int aux)
{
    /* An object of which nothing is said holds anything. */
    bool free_form = !s->prop_count && !(aux & IS_RESOURCE);
    return (struct typed_info){.shape = TYPED_OBJECT,
                               .atomic = s->atomic_map,
                               .open = s->additional || s->additional_any ||
                                       (aux & KEEPS_UNKNOWN) || free_form};
}

static struct typed_info list_info(const struct schema *s)
{
    static const enum kube_list_type types[] = {
        [LIST_ATOMIC] = KUBE_LIST_ATOMIC, [LIST_SET] = KUBE_LIST_SET, [LIST_MAP] = KUBE_LIST_MAP};
    return (struct typed_info){.shape = TYPED_LIST,
                               .atomic = s->list == LIST_ATOMIC,
                               .list_type = types[s->list],
                               .list_keys = s->list_key_names};
}

static struct typed_info scalar_info(enum typed_scalar scalar)
{
    return (struct typed_info){.shape = TYPED_SCALAR, .scalar = scalar};
}

static struct typed_info schema_info(const void *node, int aux)
{
    const struct schema *s = node;
    switch (s->type) {
    case TYPE_OBJECT:
        return object_info(s, aux);
    case TYPE_ARRAY:
        return list_info(s);
    case TYPE_STRING:
        return scalar_info(TYPED_STRING);
    case TYPE_INTEGER:
    case TYPE_NUMBER:
        return scalar_info(TYPED_NUMBER);
    case TYPE_BOOLEAN:
        return scalar_info(TYPED_BOOLEAN);
    case TYPE_ANY:
        break;
    }
    if (s->prop_count || s->additional)
        return object_info(s, aux);
    if (s->int_or_string)
        return scalar_info(TYPED_UNTYPED);
    return (struct typed_info){.shape = TYPED_ANY, .open = true};
}

static bool schema_member(const void *node, int aux, const char *name, struct typed *ret)
{
    const struct schema *s = node;
    if (aux & IS_RESOURCE) {
        if (strcmp(name, "metadata") == 0) {
            *ret = typed_object_meta();
            return true;
        }
        if (strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0) {
            *ret = typed_string();
            return true;
        }
    }
    const struct schema *child = schema_prop(s, name);
    if (child)
        *ret = at(child, aux);
    return child != NULL;
}

static struct typed schema_item(const void *node, int aux)
{
    const struct schema *s = node;
    const struct schema *child = s->type == TYPE_ARRAY ? s->items : s->additional;
    return child ? at(child, aux) : typed_any();
}

static const json_t *schema_default_of(const void *node, int aux, const char *name)
{
    (void)aux;
    const struct schema *child = schema_prop(node, name);
    return child ? child->fallback : NULL;
}

static const struct typed_ops schema_ops = {.info = schema_info,
                                            .member = schema_member,
                                            .item = schema_item,
                                            .default_of = schema_default_of};

struct typed schema_typed(const struct schema *s)
{
    schema_prepare(s);
    struct typed t = at(s, 0);
    t.aux |= IS_RESOURCE;
    return t;
}
