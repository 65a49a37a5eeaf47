/* Objects as answers: only what the message has, of the type it has, in its order. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "components/fulfillment-service/message.h"
#include "kube/time.h"

/* The name, or a number that nobody has named; NULL: 0, or a name of another version. */
static json_t *encode_enum(const struct enumeration *e, enum version v, const json_t *value)
{
    if (json_is_integer(value)) {
        const char *name = enum_name(e, v, json_integer_value(value));
        return json_integer_value(value) == 0 ? NULL
               : name                         ? json_of_text(name)
                                              : json_integer(json_integer_value(value));
    }
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    for (size_t i = 1; e->values[i].name; i++)
        if (strcmp(e->values[i].name, text) == 0 && enum_name(e, v, e->values[i].number))
            return json_of_text(text);
    return NULL;
}

static json_t *shared(const json_t *value)
{
    return json_incref((json_t *)(uintptr_t)value);
}

/* NULL: not of the field's type. */
static json_t *encode_value(const struct field *f, enum version v, const json_t *value)
{
    int64_t seconds, nanos;
    switch (f->type) {
    case FIELD_STRING:
    case FIELD_INT64:
        return json_is_string(value) ? shared(value) : NULL;
    case FIELD_BOOL:
        return json_is_boolean(value) ? shared(value) : NULL;
    case FIELD_INT32:
        return json_is_integer(value) ? shared(value) : NULL;
    case FIELD_ENUM:
        return encode_enum(f->values, v, value);
    case FIELD_TIME:
        return json_is_string(value) &&
                       time_parse_seconds(json_string_value(value), &seconds, &nanos)
                   ? shared(value)
                   : NULL;
    case FIELD_ANY:
        return json_is_object(value) ? json_copy_of(value) : NULL;
    case FIELD_MASK:
        return NULL;
    case FIELD_MESSAGE:
        break;
    }
    return json_is_object(value) ? message_encode(f->message, v, value) : NULL;
}

static json_t *encode_list(const struct field *f, enum version v, const json_t *value)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = encode_value(f, v, json_array_get(value, i));
        if (item)
            json_array_append_new(list, item);
    }
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

/* Keys sorted: a map has no order of its own. */
static json_t *encode_map(const struct field *f, enum version v, const json_t *value)
{
    if (json_object_size(value) == 0)
        return NULL;
    json_t *map = json_object();
    const char **keys = json_sorted_keys(value);
    for (size_t i = 0; i < json_object_size(value); i++) {
        json_t *item = encode_value(f, v, json_object_get(value, keys[i]));
        if (item)
            json_object_set_new_nocheck(map, keys[i], item);
    }
    free(keys);
    return map;
}

static bool is_zero(const struct field *f, const json_t *v)
{
    if (f->shape != SHAPE_ONE || f->type == FIELD_MESSAGE)
        return false;
    return json_is_false(v) || (json_is_string(v) && !*json_string_value(v)) ||
           (f->type == FIELD_INT32 && json_integer_value(v) == 0);
}

json_t *message_encode(const struct message *m, enum version v, const json_t *object)
{
    json_t *answer = json_object();
    for (size_t i = 0; i < m->count; i++) {
        const struct field *f = &m->fields[i];
        const json_t *value = f->since <= v ? json_object_get(object, f->name) : NULL;
        if (!value || json_is_null(value))
            continue;
        json_t *out = f->shape == SHAPE_LIST  ? encode_list(f, v, value)
                      : f->shape == SHAPE_MAP ? encode_map(f, v, value)
                                              : encode_value(f, v, value);
        if (out && is_zero(f, out))
            json_decref(out);
        else if (out)
            json_object_set_new_nocheck(answer, f->name, out);
    }
    return answer;
}
