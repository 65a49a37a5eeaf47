/* From an object to the set of its fields, and to the steps of its lists. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"

struct typed member_type(struct typed t, const struct typed_info *info, const char *name,
                         bool *ret_named)
{
    struct typed of;
    *ret_named = typed_member(t, name, &of);
    if (*ret_named)
        return of;
    return info->open ? typed_item(t) : typed_any();
}

enum typed_shape shape_for(const struct typed_info *info, const json_t *v)
{
    if (info->shape != TYPED_ANY)
        return info->shape;
    if (info->atomic)
        return TYPED_SCALAR;
    /* null takes any form: that of a map comes first. */
    if (!v || json_is_object(v) || json_is_null(v))
        return TYPED_OBJECT;
    return TYPED_SCALAR; /* lists of unknown type are atomic: leaves like scalars */
}

/* Returns what is below; *ret_self: the path itself is a member. */
static const struct set *extract(struct pool *p, const json_t *v, struct typed t, unsigned depth,
                                 bool *ret_self);

static const struct set *extract_map(struct pool *p, const json_t *object, struct typed t,
                                     const struct typed_info *info, unsigned depth)
{
    struct set_builder b = {.pool = p};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        bool self, named;
        struct typed of = member_type(t, info, key, &named);
        const struct set *below = extract(p, value, of, depth + 1, &self);
        bool hollow =
            json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0);
        struct element e = element_field(key);
        set_add(&b, &e, self || hollow || !named, below);
    }
    return set_built(&b);
}

/* Items whose step stands twice are members without anything below. */
static const struct set *extract_list(struct pool *p, const json_t *list, struct typed t,
                                      const struct typed_info *info, unsigned depth)
{
    size_t size = json_array_size(list), count = 0;
    struct element *steps = pool_alloc(p, (size + 1) * sizeof(*steps));
    const json_t **values = pool_alloc(p, (size + 1) * sizeof(*values));
    for (size_t i = 0; i < size; i++) {
        values[count] = json_array_get(list, i);
        AUTO(str) char *why = element_of_item(p, t, info, values[count], &steps[count]);
        if (!why)
            count++;
    }
    size_t *numbers = pool_alloc(p, (count + 1) * sizeof(*numbers));
    size_t distinct = element_numbers(p, steps, count, numbers);
    size_t *seen = pool_alloc(p, (distinct + 1) * sizeof(*seen));
    memset(seen, 0, distinct * sizeof(*seen));
    for (size_t i = 0; i < count; i++)
        seen[numbers[i]]++;

    struct set_builder b = {.pool = p};
    struct typed of = typed_item(t);
    for (size_t i = 0; i < count; i++) {
        bool self;
        const struct set *below = NULL;
        if (seen[numbers[i]] == 1)
            below = extract(p, values[i], of, depth + 1, &self);
        set_add(&b, &steps[i], true, below);
    }
    return set_built(&b);
}

static const struct set *extract(struct pool *p, const json_t *v, struct typed t, unsigned depth,
                                 bool *ret_self)
{
    struct typed_info info = typed_info_of(t);
    enum typed_shape shape = shape_for(&info, v);
    *ret_self = false;
    if (!info.atomic && depth < JSON_DEPTH_MAX) {
        if (shape != TYPED_SCALAR && json_is_null(v))
            return NULL;
        if (shape == TYPED_OBJECT && json_is_object(v))
            return extract_map(p, v, t, &info, depth);
        if (shape == TYPED_LIST && json_is_array(v))
            return extract_list(p, v, t, &info, depth);
    }
    *ret_self = true;
    return NULL;
}

const struct set *extract_set(struct pool *p, const json_t *object, struct typed t)
{
    bool self;
    return extract(p, object, t, 0, &self);
}
