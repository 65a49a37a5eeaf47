/* What Go's JSON writes for fields that nobody set. */
#include "kube/types/decode_priv.h"

/* As deep as types hold each other by value, which the table bounds: Go could not have them
 * otherwise. */
json_t *kube_type_zero(const struct kube_type *t)
{
    json_t *object = json_object();

    for (size_t i = 0; i < t->field_count; i++) {
        const struct kube_field *f = &t->fields[i];
        json_t *value = zero_of_field(f);

        if (value && !*f->name) {
            json_object_update(object, value);
            json_decref(value);
        } else if (value) {
            json_object_set_new_nocheck(object, f->name, value);
        }
    }
    return object;
}

json_t *zero_of_element(const struct kube_field *f)
{
    switch (f->scalar) {
    case KUBE_STRING:
    case KUBE_BYTES:
        return json_string_nocheck("");
    case KUBE_BOOL:
        return json_false();
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_UINT32:
    case KUBE_UINT64:
    case KUBE_DOUBLE:
    case KUBE_INT_OR_STRING:
        return json_integer(0);
    case KUBE_QUANTITY:
        return json_string_nocheck("0");
    case KUBE_DURATION:
        return json_string_nocheck("0s");
    case KUBE_MESSAGE:
        return kube_type_zero(f->type);
    case KUBE_SCHEMA_OR_BOOL:
        return json_false();
    case KUBE_STRING_LIST:
        return json_array();
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
    case KUBE_RAW:
    case KUBE_FIELDS_V1:
    case KUBE_SCHEMA_OR_ARRAY:
    case KUBE_SCHEMA_OR_STRINGS:
        break;
    }
    return json_null();
}

/* Go's structs are never empty to omitempty. */
static bool is_struct(enum kube_scalar scalar)
{
    return scalar > KUBE_BYTES && scalar != KUBE_STRING_LIST;
}

/* Whether null stands for nothing there. */
static bool may_be_nil(const struct kube_field *f)
{
    return f->pointer || f->repeated || f->map || f->scalar == KUBE_BYTES ||
           f->scalar == KUBE_STRING_LIST;
}

bool kube_field_always(const struct kube_field *f)
{
    return !f->omit_zero && !(f->omit_empty && (may_be_nil(f) || !is_struct(f->scalar)));
}

json_t *zero_of_field(const struct kube_field *f)
{
    if (!kube_field_always(f))
        return NULL;
    return may_be_nil(f) ? json_null() : zero_of_element(f);
}

json_t *kube_field_zero(const struct kube_field *f)
{
    return zero_of_field(f);
}

bool zero_left_out(const struct kube_field *f, const json_t *value)
{
    if (f->pointer || f->repeated || f->map)
        return false;
    if (f->omit_zero && json_is_null(value))
        return true;
    if (!f->omit_empty || is_struct(f->scalar))
        return false;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_string_length(value) == 0;
    case JSON_INTEGER:
        return json_integer_value(value) == 0;
    case JSON_REAL:
        return json_real_value(value) == 0;
    case JSON_FALSE:
    case JSON_NULL:
        return true;
    case JSON_ARRAY:
        return json_array_size(value) == 0;
    case JSON_TRUE:
    case JSON_OBJECT:
        break;
    }
    return false;
}
