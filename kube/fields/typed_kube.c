/* The view over the table of built-in kinds. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "kube/fields/typed.h"

/* What a node is: a type, or one of the forms of a field. A map of lists is a field whose items are
 * lists whose items are scalars. */
enum { NODE_TYPE, NODE_FIELD, NODE_ITEM, NODE_ITEM_OF_ITEM };

static const struct typed_ops kube_ops;

static struct typed at_type(const struct kube_type *t)
{
    return (struct typed){&kube_ops, t, NODE_TYPE};
}

static struct typed at_field(const struct kube_field *f, int form)
{
    return (struct typed){&kube_ops, f, form};
}

/* ---- kinds of fields ---- */

static struct typed_info scalar_info(enum typed_scalar scalar)
{
    return (struct typed_info){.shape = TYPED_SCALAR, .scalar = scalar};
}

static struct typed_info value_info(const struct kube_field *f)
{
    switch (f->scalar) {
    case KUBE_STRING:
    case KUBE_BYTES:
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
    case KUBE_DURATION:
        return scalar_info(TYPED_STRING);
    case KUBE_BOOL:
        return scalar_info(TYPED_BOOLEAN);
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_UINT32:
    case KUBE_UINT64:
    case KUBE_DOUBLE:
        return scalar_info(TYPED_NUMBER);
    case KUBE_QUANTITY:
    case KUBE_INT_OR_STRING:
        return scalar_info(TYPED_UNTYPED);
    case KUBE_STRING_LIST:
        return (struct typed_info){.shape = TYPED_LIST, .atomic = true};
    case KUBE_MESSAGE:
        return (struct typed_info){.shape = TYPED_OBJECT, .atomic = f->atomic || f->type->atomic};
    case KUBE_RAW:
    case KUBE_FIELDS_V1:
    case KUBE_SCHEMA_OR_ARRAY:
    case KUBE_SCHEMA_OR_BOOL:
    case KUBE_SCHEMA_OR_STRINGS:
        break;
    }
    return (struct typed_info){.shape = TYPED_ANY, .atomic = true, .open = true};
}

static struct typed_info list_info(const struct kube_field *f)
{
    return (struct typed_info){.shape = TYPED_LIST,
                               .atomic = f->list_type == KUBE_LIST_ATOMIC,
                               .list_type = f->list_type,
                               .list_keys = f->list_keys};
}

static struct typed_info field_info(const struct kube_field *f, int form)
{
    if (form == NODE_FIELD && f->map)
        return (struct typed_info){.shape = TYPED_OBJECT, .open = true, .atomic = f->atomic};
    if (f->repeated && (form == NODE_FIELD || (form == NODE_ITEM && f->map)))
        return list_info(f);
    return value_info(f);
}

static struct typed_info kube_info(const void *node, int form)
{
    if (form != NODE_TYPE)
        return field_info(node, form);
    const struct kube_type *t = node;
    return (struct typed_info){.shape = TYPED_OBJECT, .atomic = t->atomic};
}

/* ---- ways down ---- */

/* The type whose fields a node has, or NULL. */
static const struct kube_type *type_of(const void *node, int form)
{
    if (form == NODE_TYPE)
        return node;
    const struct kube_field *f = node;
    bool whole = (form == NODE_FIELD && (f->map || f->repeated)) ||
                 (form == NODE_ITEM && f->map && f->repeated);
    return whole ? NULL : f->scalar == KUBE_MESSAGE ? f->type : NULL;
}

static bool kube_member(const void *node, int form, const char *name, struct typed *ret)
{
    const struct kube_type *t = type_of(node, form);
    const struct kube_field *f = t ? kube_field_find(t, name) : NULL;
    if (!f)
        return false;
    *ret = at_field(f, NODE_FIELD);
    return true;
}

static struct typed kube_item(const void *node, int form)
{
    const struct kube_field *f = node;
    if (form == NODE_FIELD && (f->map || f->repeated))
        return at_field(f, NODE_ITEM);
    if (form == NODE_ITEM && f->map && f->repeated)
        return at_field(f, NODE_ITEM_OF_ITEM);
    if (form != NODE_TYPE && f->scalar == KUBE_STRING_LIST)
        return typed_string();
    return typed_any();
}

static const json_t *kube_default_of(const void *node, int form, const char *name)
{
    const struct kube_type *t = type_of(node, form);
    const struct kube_field *f = t ? kube_field_find(t, name) : NULL;
    return f ? f->default_value : NULL;
}

static json_t *kube_zero(const void *node, int form)
{
    const struct kube_type *t = type_of(node, form);
    return t ? kube_type_zero(t) : json_object();
}

static const struct typed_ops kube_ops = {.info = kube_info,
                                          .member = kube_member,
                                          .item = kube_item,
                                          .default_of = kube_default_of,
                                          .zero = kube_zero};

struct typed typed_of_kube(const struct kube_type *t)
{
    return at_type(t);
}

struct typed typed_string(void)
{
    static const struct kube_field text = {.name = "", .scalar = KUBE_STRING};
    return at_field(&text, NODE_FIELD);
}

/* ---- metadata of what is in no table ---- */

struct typed typed_object_meta(void)
{
    const struct kube_type *t = kube_type_named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    assert(t);
    return at_type(t);
}

static struct typed_info resource_info(const void *node, int aux)
{
    (void)node;
    (void)aux;
    return (struct typed_info){.shape = TYPED_OBJECT, .open = true};
}

static bool resource_member(const void *node, int aux, const char *name, struct typed *ret)
{
    (void)node;
    (void)aux;
    if (strcmp(name, "metadata") == 0)
        *ret = typed_object_meta();
    else if (strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0)
        *ret = typed_string();
    else
        return false;
    return true;
}

struct typed typed_resource_any(void)
{
    static const struct typed_ops ops = {.info = resource_info, .member = resource_member};
    return (struct typed){.ops = &ops};
}
