/* An object without the fields of a set. */
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"

struct remover {
    struct pool *pool;
    bool drop;
};

/* New; NULL: nothing is left. */
static json_t *without(const struct remover *m, const json_t *v, const struct set *s,
                       struct typed t);

/* Adds what remains of a value to the container that `out` is; key NULL for lists. */
static void keep(const struct remover *m, json_t *out, const char *key, const json_t *v,
                 const struct set_item *hit, struct typed of)
{
    if (hit && hit->member)
        return;
    json_t *rest = hit ? without(m, v, hit->below, of) : json_copy_of(v);
    if (!rest && !m->drop)
        rest = json_null();
    if (!rest)
        return;
    if (key)
        json_object_set_new_nocheck(out, key, rest);
    else
        json_array_append_new(out, rest);
}

static json_t *map_without(const struct remover *m, const json_t *object, const struct set *s,
                           struct typed t, const struct typed_info *info)
{
    AUTO(json) json_t *out = json_object();
    const char *key;
    json_t *value;
    bool named;
    json_object_foreach((json_t *)object, key, value)
    {
        struct element e = element_field(key);
        keep(m, out, key, value, set_find(s, &e), member_type(t, info, key, &named));
    }
    return json_object_size(out) ? TAKE(out) : NULL;
}

static json_t *list_without(const struct remover *m, const json_t *list, const struct set *s,
                            struct typed t, const struct typed_info *info)
{
    AUTO(json) json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        struct element e;
        AUTO(str) char *why = element_of_item(m->pool, t, info, v, &e);
        keep(m, out, NULL, v, why ? NULL : set_find(s, &e), typed_item(t));
    }
    return json_array_size(out) ? TAKE(out) : NULL;
}

static json_t *without(const struct remover *m, const json_t *v, const struct set *s,
                       struct typed t)
{
    struct typed_info info = typed_info_of(t);
    enum typed_shape shape = shape_for(&info, v);
    if (info.shape == TYPED_SCALAR ||
        (info.shape == TYPED_ANY && !json_is_object(v) && !json_is_array(v)))
        return json_copy_of(v);
    /* What is replaced as a whole has no parts that could stay. */
    if (info.atomic || shape == TYPED_SCALAR)
        return NULL;
    if (shape == TYPED_OBJECT)
        return json_is_object(v) ? map_without(m, v, s, t, &info) : NULL;
    return json_is_array(v) ? list_without(m, v, s, t, &info) : NULL;
}

json_t *remove_fields(struct pool *p, const json_t *object, const struct set *s, struct typed t,
                      bool drop)
{
    struct remover m = {p, drop};
    json_t *v = without(&m, object, s, t);
    return v ? v : json_object();
}
