/* Steps of a path: their order, where they come from, how they are printed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"
#include "kube/status_priv.h"

/* ---- order ---- */

/* Numbers, texts, booleans, lists, maps, null. */
static int value_rank(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_INTEGER:
    case JSON_REAL:
        return 0;
    case JSON_STRING:
        return 1;
    case JSON_TRUE:
    case JSON_FALSE:
        return 2;
    case JSON_ARRAY:
        return 3;
    case JSON_OBJECT:
        return 4;
    case JSON_NULL:
        break;
    }
    return 5;
}

static int compare_numbers(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    double x = json_number_value(a), y = json_number_value(b);
    return (x > y) - (x < y);
}

static int compare_values(const json_t *a, const json_t *b)
{
    int order = value_rank(a) - value_rank(b);
    if (order || a == b)
        return order;
    if (json_is_number(a))
        return compare_numbers(a, b);
    if (json_is_string(a))
        return strcmp(json_string_value(a), json_string_value(b));
    if (json_is_boolean(a))
        return json_is_true(a) - json_is_true(b);
    if (json_is_null(a) || json_same(a, b))
        return 0;
    /* Lists and maps are no legal steps; entries that clients wrote may hold them all the same. */
    AUTO(strbuf) struct strbuf x = {0};
    AUTO(strbuf) struct strbuf y = {0};
    json_write_sorted(&x, a, JSON_TIGHT);
    json_write_sorted(&y, b, JSON_TIGHT);
    return strcmp(strbuf_str(&x), strbuf_str(&y));
}

static int compare_keys(const struct element *a, const struct element *b)
{
    for (size_t i = 0; i < a->key_count && i < b->key_count; i++) {
        int order = strcmp(a->keys[i].name, b->keys[i].name);
        if (!order)
            order = compare_values(a->keys[i].value, b->keys[i].value);
        if (order)
            return order;
    }
    return (a->key_count > b->key_count) - (a->key_count < b->key_count);
}

int element_compare(const struct element *a, const struct element *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case ELEMENT_FIELD:
        return a->name == b->name ? 0 : strcmp(a->name, b->name);
    case ELEMENT_KEY:
        return compare_keys(a, b);
    case ELEMENT_VALUE:
        return compare_values(a->value, b->value);
    case ELEMENT_INDEX:
        break;
    }
    return (a->index > b->index) - (a->index < b->index);
}

/* ---- of items ---- */

struct element element_field(const char *name)
{
    return (struct element){.kind = ELEMENT_FIELD, .name = name};
}

static size_t key_length(const struct typed_info *info)
{
    size_t n = 0;
    while (info->list_keys && info->list_keys[n])
        n++;
    return n;
}

static void sort_keys(struct element_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k && strcmp(keys[k].name, keys[k - 1].name) < 0; k--) {
            struct element_key swap = keys[k];
            keys[k] = keys[k - 1];
            keys[k - 1] = swap;
        }
}

static char *no_keys(const struct typed_info *info)
{
    AUTO(strbuf) struct strbuf names = {0};
    for (size_t i = 0; i < key_length(info); i++) {
        if (i)
            strbuf_addch(&names, ' ');
        status_quote(&names, info->list_keys[i], strlen(info->list_keys[i]));
    }
    return mem_printf("associative list with keys has an element that omits all key fields [%s] "
                      "(and doesn't have default values for any key fields)",
                      strbuf_str(&names));
}

static char *keyed_element(struct pool *p, struct typed list, const struct typed_info *info,
                           const json_t *item, struct element *ret)
{
    if (json_is_null(item))
        return mem_strdup("associative list with keys may not have a null element");
    if (!json_is_object(item))
        return mem_strdup("associative list with keys may not have non-map elements");
    size_t count = key_length(info), found = 0;
    struct element_key *keys = pool_alloc(p, count * sizeof(*keys));
    struct typed of = typed_item(list);
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_object_get(item, info->list_keys[i]);
        if (!v)
            v = typed_default_of(of, info->list_keys[i]);
        if (v)
            keys[found++] = (struct element_key){info->list_keys[i], v};
    }
    if (count && !found)
        return no_keys(info);
    sort_keys(keys, found);
    *ret = (struct element){.kind = ELEMENT_KEY, .key_count = found, .keys = keys};
    return NULL;
}

char *element_of_item(struct pool *p, struct typed list, const struct typed_info *info,
                      const json_t *item, struct element *ret)
{
    if (info->list_type == KUBE_LIST_MAP && info->list_keys && info->list_keys[0])
        return keyed_element(p, list, info, item, ret);
    switch (json_typeof(item)) {
    case JSON_OBJECT:
        return mem_strdup("associative list without keys has an element that's a map type");
    case JSON_ARRAY:
        return mem_strdup("not supported: associative list with lists as elements");
    case JSON_NULL:
        return mem_strdup("associative list without keys has an element that's an explicit null");
    case JSON_STRING:
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
        break;
    }
    *ret = (struct element){.kind = ELEMENT_VALUE, .value = item};
    return NULL;
}

struct numbered {
    const struct element *e;
    size_t at;
};

static int numbered_order(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    int order = element_compare(x->e, y->e);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

size_t element_numbers(struct pool *p, const struct element *list, size_t count, size_t *numbers)
{
    struct numbered *sorted = pool_alloc(p, (count + 1) * sizeof(*sorted));
    size_t number = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct numbered){&list[i], i};
    qsort(sorted, count, sizeof(*sorted), numbered_order);
    for (size_t i = 0; i < count; i++) {
        if (i && element_compare(sorted[i - 1].e, sorted[i].e) != 0)
            number++;
        numbers[sorted[i].at] = number;
    }
    return count ? number + 1 : 0;
}

/* ---- text ---- */

static void value_text(struct strbuf *out, const json_t *v)
{
    if (json_is_string(v))
        status_quote(out, json_string_value(v), json_string_length(v));
    else
        json_write_sorted(out, v, JSON_TIGHT);
}

void element_text(struct strbuf *out, const struct element *e)
{
    switch (e->kind) {
    case ELEMENT_FIELD:
        strbuf_addf(out, ".%s", e->name);
        return;
    case ELEMENT_KEY:
        for (size_t i = 0; i < e->key_count; i++) {
            strbuf_addf(out, "%s%s=", i ? "," : "[", e->keys[i].name);
            value_text(out, e->keys[i].value);
        }
        strbuf_addstr(out, e->key_count ? "]" : "[]");
        return;
    case ELEMENT_VALUE:
        strbuf_addstr(out, "[=");
        value_text(out, e->value);
        strbuf_addch(out, ']');
        return;
    case ELEMENT_INDEX:
        strbuf_addf(out, "[%" PRId64 "]", e->index);
        return;
    }
}
