/* Objects as Go has them once it read and wrote them: null in a list or a map is the zero value, a
 * field that omitempty leaves out is gone. Recursion follows the object, which is at most
 * JSON_DEPTH_MAX deep. */
#include "base/json.h"
#include "kube/types/decode_priv.h"

static void settle_message(const struct kube_type *t, json_t *object, unsigned depth);

/* What stands for null in a container at this depth; the objects of it must find a place. */
static json_t *element_zero(const struct kube_field *f, unsigned depth)
{
    bool holds = f->scalar == KUBE_MESSAGE || f->scalar == KUBE_STRING_LIST;

    return holds && depth >= JSON_DEPTH_MAX ? json_null() : zero_of_element(f);
}

static void settle_strings(json_t *list)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (json_is_null(item))
        json_array_set_new(list, i, json_string_nocheck(""));
}

/* A schema, or the schemas of a list; a bool is settled as it is. */
static void settle_schema_or(const struct kube_field *f, json_t *value, unsigned depth)
{
    json_t *item;
    size_t i;

    if (f->scalar == KUBE_SCHEMA_OR_STRINGS)
        settle_strings(value);
    json_array_foreach(value, i, item)
    {
        if (json_is_null(item) && depth < JSON_DEPTH_MAX)
            json_array_set_new(value, i, json_object());
        else
            settle_message(f->type, item, depth + 1);
    }
    settle_message(f->type, value, depth);
}

/* One value, which stands at this depth. */
static void settle_value(const struct kube_field *f, json_t *value, unsigned depth)
{
    if (f->scalar == KUBE_MESSAGE)
        settle_message(f->type, value, depth);
    else if (f->scalar == KUBE_STRING_LIST)
        settle_strings(value);
    else if (f->type)
        settle_schema_or(f, value, depth);
}

static void settle_elements(const struct kube_field *f, json_t *list, unsigned depth)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (json_is_null(item))
            json_array_set_new(list, i, element_zero(f, depth));
        else
            settle_value(f, item, depth + 1);
    }
}

static void settle_members(const struct kube_field *f, json_t *map, unsigned depth)
{
    for (void *i = json_object_iter(map); i; i = json_object_iter_next(map, i)) {
        json_t *item = json_object_iter_value(i);

        if (json_is_null(item))
            json_object_iter_set_new(map, i, element_zero(f, depth));
        else
            settle_value(f, item, depth + 1);
    }
}

static bool is_empty(const json_t *v)
{
    return json_is_array(v) ? json_array_size(v) == 0
                            : json_is_object(v) && json_object_size(v) == 0;
}

/* False when Go leaves the field out. */
static bool settle_field(const struct kube_field *f, json_t *value, unsigned depth)
{
    if (f->repeated)
        settle_elements(f, value, depth);
    else if (f->map)
        settle_members(f, value, depth);
    else
        settle_value(f, value, depth);
    if (f->repeated || f->map)
        return !f->omit_empty || !is_empty(value);
    return !zero_left_out(f, value);
}

/* The object stands at this depth: 1 for the root. */
static void settle_message(const struct kube_type *t, json_t *object, unsigned depth)
{
    const char *key;
    json_t *value;
    void *next;

    if (!json_is_object(object) || depth > JSON_DEPTH_MAX)
        return;
    json_object_foreach_safe(object, next, key, value)
    {
        const struct kube_field *f = kube_field_find(t, key);
        json_t *zero = f && json_is_null(value) ? zero_of_field(f) : NULL;

        if (!f)
            continue;
        if (zero)
            json_object_set_new_nocheck(object, key, zero);
        else if (json_is_null(value) || !settle_field(f, value, depth + 1))
            json_object_del(object, key);
    }
}

void kube_type_settle(const struct kube_type *t, json_t *object)
{
    settle_message(t, object, 1);
}
