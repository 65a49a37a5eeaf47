/* Duplicates in lists of type set and map. */
#include "base/json.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "kube/status.h"
#include "sim/apiserver/schema_priv.h"

static json_t *key_tuple(const struct schema *s, const json_t *item)
{
    json_t *tuple = json_object();
    for (size_t i = 0; i < json_array_size(s->list_keys); i++) {
        const char *key = json_string_value(json_array_get(s->list_keys, i));
        json_t *value = key ? json_object_get(item, key) : NULL;
        if (value)
            json_object_set(tuple, key, value);
    }
    return tuple;
}

static void check_duplicates(const struct schema *s, struct schema_frame *f,
                             struct field_errors *errors)
{
    struct strmap *seen = strmap_create();
    for (size_t i = 0; i < json_array_size(f->value); i++) {
        json_t *item = json_array_get(f->value, i);
        AUTO(json) json_t *shown = s->list == LIST_MAP ? key_tuple(s, item) : json_incref(item);
        AUTO(strbuf) struct strbuf text = {0};
        json_write_sorted(&text, shown, JSON_TIGHT);
        if (!strmap_put(seen, strbuf_str(&text), (void *)s))
            continue;
        if (errors->truncated)
            break;
        AUTO(strbuf) struct strbuf path = {0};
        schema_frame_path(f, &path);
        strbuf_addf(&path, "[%zu]", i);
        field_errors_add(errors, FIELD_DUPLICATE, strbuf_str(&path), shown, "%s", "");
    }
    strmap_destroy(seen, NULL);
}

static void lists_in_object(const struct schema *s, struct schema_frame *f,
                            struct field_errors *errors)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)f->value, key, value)
    {
        struct schema_frame next;
        const struct schema *child = schema_frame_enter(s, f, key, &next);
        if (!child || !child->has_list_types)
            continue;
        schema_validate_lists(child, &next, errors);
    }
}

void schema_validate_lists(const struct schema *s, struct schema_frame *f,
                           struct field_errors *errors)
{
    if (!s->has_list_types || errors->truncated)
        return;
    if (json_is_object(f->value)) {
        lists_in_object(s, f, errors);
        return;
    }
    if (!json_is_array(f->value))
        return;
    if (s->list != LIST_ATOMIC && json_array_size(f->value) > 1 && !schema_frame_unchanged(f))
        check_duplicates(s, f, errors);
    if (!s->items || !s->items->has_list_types)
        return;
    for (size_t i = 0; i < json_array_size(f->value); i++) {
        const json_t *item = json_array_get(f->value, i);
        struct schema_frame next = {
            .up = f, .index = i, .value = item, .old = schema_correlate(s, item, i, f->old)};
        schema_validate_lists(s->items, &next, errors);
    }
}
