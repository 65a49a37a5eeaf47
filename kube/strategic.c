/* Objects under strategic merge patch. The order of work inside one object can be seen in results:
 * directive, $retainKeys, $setElementOrder, then member by member. */
#include "kube/strategic.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/gotext.h"
#include "kube/patch_priv.h"
#include "kube/strategic_priv.h"

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

int smp_expected(const char *what, const json_t *have, struct err *reterr)
{
    return err_set(reterr, ERR_INTERNAL, NO_POS, "expected a %s, but received a %s", what,
                   gotext_type(have));
}

int smp_unknown_directive(const json_t *directive, const json_t *map, struct err *reterr)
{
    AUTO(strbuf) struct strbuf text = {0}, word = {0};
    gotext_value(&text, map);
    gotext_value(&word, directive);
    if (json_is_string(directive))
        return err_set(reterr, ERR_INTERNAL, NO_POS, "unknown patch type: %s in map: %s",
                       strbuf_str(&word), strbuf_str(&text));
    /* What Go prints for a number where a text was meant. */
    return err_set(reterr, ERR_INTERNAL, NO_POS, "unknown patch type: %%!s(%s=%s) in map: %s",
                   gotext_type(directive), strbuf_str(&word), strbuf_str(&text));
}

/* ---- what is known of a field ---- */

static const char *short_name(const struct kube_type *t)
{
    const char *dot = strrchr(t->name, '.');
    return dot ? dot + 1 : t->name;
}

static struct smp_place place_of(const struct kube_field *f)
{
    switch (f->scalar) {
    case KUBE_MESSAGE:
        return (struct smp_place){.type = f->type};
    case KUBE_RAW:
        return (struct smp_place){.go_kind = "struct", .go_name = "RawExtension"};
    case KUBE_FIELDS_V1:
        return (struct smp_place){.go_kind = "struct", .go_name = "FieldsV1"};
    case KUBE_QUANTITY:
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
    case KUBE_DURATION:
    case KUBE_INT_OR_STRING:
    case KUBE_STRING_LIST:
    case KUBE_SCHEMA_OR_ARRAY:
    case KUBE_SCHEMA_OR_BOOL:
    case KUBE_SCHEMA_OR_STRINGS:
        return (struct smp_place){.go_kind = "struct", .go_name = "Value"};
    case KUBE_BOOL:
        return (struct smp_place){.go_kind = "bool"};
    case KUBE_STRING:
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_UINT32:
    case KUBE_UINT64:
    case KUBE_DOUBLE:
    case KUBE_BYTES:
        break;
    }
    return (struct smp_place){.go_kind = "string"};
}

int smp_field(const struct smp_place *at, const char *name, const struct kube_field **ret_field,
              struct smp_place *ret, struct err *reterr)
{
    if (!at->type && !at->go_name)
        return err_set(reterr, ERR_INTERNAL, NO_POS,
                       "merging an object in json but data type is not struct, instead is: %s",
                       at->go_kind);
    const struct kube_field *f = at->type ? kube_field_find(at->type, name) : NULL;
    if (!f)
        return err_set(reterr, ERR_INTERNAL, NO_POS,
                       "unable to find api field in struct %s for the json field \"%s\"",
                       at->type ? short_name(at->type) : at->go_name, name);
    *ret_field = f;
    if (f->map)
        *ret = (struct smp_place){.go_kind = "map"};
    else if (f->repeated)
        *ret = (struct smp_place){.go_kind = "slice"};
    else
        *ret = place_of(f);
    return 0;
}

int smp_list_field(const struct smp_place *at, const char *name, struct smp_list *ret,
                   struct err *reterr)
{
    const struct kube_field *f;
    struct smp_place place;
    if (smp_field(at, name, &f, &place, reterr) < 0)
        return -1;
    if (!f->repeated)
        return err_set(reterr, ERR_INTERNAL, NO_POS,
                       "expected slice or array type, but got: struct");
    *ret = (struct smp_list){.element = place_of(f), .key = f->merge_key, .merge = f->patch_merge};
    return 0;
}

/* ---- values taken as they are ---- */

json_t *smp_without_directives(json_t *v)
{
    const char *key;
    json_t *value;
    void *next;
    if (json_is_array(v)) {
        json_t *kept = json_array();
        for (size_t i = 0; i < json_array_size(v); i++) {
            json_t *one = smp_without_directives(json_array_get(v, i));
            if (one)
                json_array_append_new(kept, one);
        }
        return kept;
    }
    if (json_is_object(v) && json_object_get(v, DIRECTIVE))
        return NULL;
    json_object_foreach_safe(v, next, key, value)
    {
        json_t *one = smp_without_directives(value);
        if (one)
            json_object_set_new_nocheck(v, key, one);
        else
            json_object_del(v, key);
    }
    return json_incref(v);
}

static void take_value(json_t *original, const char *key, json_t *value, bool with_nulls)
{
    AUTO(json) json_t *held = json_incref(value);
    if (!with_nulls)
        json_drop_nulls(held);
    json_t *kept = smp_without_directives(held);
    if (kept)
        json_object_set_new_nocheck(original, key, kept);
    else
        json_object_del(original, key);
}

/* ---- directives of an object ---- */

static json_t *directed(const json_t *directive, json_t *patch, struct err *reterr)
{
    const char *word = json_string_value(directive);
    if (word && strcmp(word, "replace") == 0) {
        json_object_del(patch, DIRECTIVE);
        return json_incref(patch);
    }
    if (word && strcmp(word, "delete") == 0)
        return json_object();
    smp_unknown_directive(directive, patch, reterr);
    return NULL;
}

static int retain_keys(json_t *original, json_t *patch, struct err *reterr)
{
    AUTO(json) json_t *list = json_incref(json_object_get(patch, RETAIN_KEYS));
    if (!list)
        return 0;
    json_object_del(patch, RETAIN_KEYS);
    if (!json_is_array(list))
        return err_set(reterr, ERR_SYNTAX, NO_POS, "invalid patch format of retainKeys");
    AUTO(json) json_t *kept = json_object();
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            json_object_set_new(kept, json_string_value(json_array_get(list, i)), json_true());
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach(patch, key, value)
    {
        if (!json_is_null(value) && !starts_with(key, DELETE_LIST) &&
            !starts_with(key, ELEMENT_ORDER) && !json_object_get(kept, key))
            return err_set(reterr, ERR_SYNTAX, NO_POS, "invalid patch format of retainKeys");
    }
    json_object_foreach_safe(original, next, key, value)
    {
        if (!json_object_get(kept, key))
            json_object_del(original, key);
    }
    return 0;
}

/* ---- orders of lists ---- */

static int order_field(const struct smp_place *at, json_t *original, json_t *patch,
                       const char *directive, const json_t *order, struct err *reterr)
{
    if (!json_is_array(order))
        return smp_expected("[]interface {}", order, reterr);
    const char *field = directive + strlen(ELEMENT_ORDER);
    if (*field++ != '/')
        return err_set(reterr, ERR_SYNTAX, NO_POS, "invalid patch format of setElementOrder list");
    json_t *have = json_object_get(original, field), *change = json_object_get(patch, field);
    if (have && !json_is_array(have))
        return smp_expected("[]interface {}", have, reterr);
    if (change && !json_is_array(change))
        return smp_expected("[]interface {}", change, reterr);
    struct smp_list how;
    if (smp_list_field(at, field, &how, reterr) < 0)
        return -1;
    if (!have && !change)
        return 0;
    json_t *merged = smp_order_list(&how, have, change, order, reterr);
    if (!merged)
        return -1;
    json_object_set_new_nocheck(original, field, merged);
    json_object_del(patch, field);
    return 0;
}

/* Lists with an order asked for are merged here and leave the patch. */
static int order_fields(const struct smp_place *at, json_t *original, json_t *patch,
                        struct err *reterr)
{
    const char *key;
    json_t *value;
    void *next;
    AUTO(json) json_t *orders = NULL;
    json_object_foreach_safe(patch, next, key, value)
    {
        if (!starts_with(key, ELEMENT_ORDER))
            continue;
        if (!orders)
            orders = json_object();
        json_object_set_nocheck(orders, key, value);
        json_object_del(patch, key);
    }
    json_object_foreach(orders, key, value)
    {
        if (order_field(at, original, patch, key, value, reterr) < 0)
            return -1;
    }
    return 0;
}

/* ---- member by member ---- */

static bool same_go_type(const json_t *a, const json_t *b)
{
    return strcmp(gotext_type(a), gotext_type(b)) == 0;
}

static json_t *merge_objects_at(const struct smp_place *at, const char *key, json_t *have,
                                json_t *change, struct err *reterr)
{
    const struct kube_field *f;
    struct smp_place place;
    if (smp_field(at, key, &f, &place, reterr) < 0)
        return NULL;
    return f->patch_replace ? json_incref(change) : smp_merge_object(&place, have, change, reterr);
}

static json_t *merge_lists_at(const struct smp_place *at, const char *key, json_t *have,
                              json_t *change, bool delete_all, struct err *reterr)
{
    struct smp_list how;
    if (smp_list_field(at, key, &how, reterr) < 0)
        return NULL;
    if (!how.merge && !delete_all)
        return json_incref(change);
    return smp_merge_list(&how, have, change, delete_all, reterr);
}

static int merge_member(const struct smp_place *at, json_t *original, const char *key,
                        json_t *change, struct err *reterr)
{
    bool delete_all = starts_with(key, DELETE_LIST);
    if (delete_all) {
        key += strlen(DELETE_LIST);
        if (*key++ != '/')
            return err_set(reterr, ERR_SYNTAX, NO_POS, "invalid patch format of primitive list");
    }
    if (json_is_null(change)) {
        json_object_del(original, key);
        return 0;
    }
    json_t *have = json_object_get(original, key);
    if (!have || !same_go_type(have, change)) {
        if (!delete_all)
            take_value(original, key, change, /* with_nulls= */ false);
        return 0;
    }
    if (!json_is_object(have) && !json_is_array(have)) {
        take_value(original, key, change, /* with_nulls= */ true);
        return 0;
    }
    AUTO(json) json_t *held = json_incref(have);
    json_t *merged = json_is_object(have)
                         ? merge_objects_at(at, key, held, change, reterr)
                         : merge_lists_at(at, key, held, change, delete_all, reterr);
    if (!merged)
        return -1;
    json_object_set_new_nocheck(original, key, merged);
    return 0;
}

json_t *smp_merge_object(const struct smp_place *at, json_t *original, json_t *patch,
                         struct err *reterr)
{
    const json_t *directive = json_object_get(patch, DIRECTIVE);
    if (directive)
        return directed(directive, patch, reterr);
    if (retain_keys(original, patch, reterr) < 0 || order_fields(at, original, patch, reterr) < 0)
        return NULL;
    const char *key;
    json_t *value;
    json_object_foreach(patch, key, value)
    {
        if (merge_member(at, original, key, value, reterr) < 0)
            return NULL;
    }
    return json_incref(original);
}

json_t *patch_strategic(const struct kube_type *t, const json_t *object, const json_t *patch,
                        struct err *reterr)
{
    if (!json_is_object(patch)) {
        err_set(reterr, ERR_SYNTAX, NO_POS, "invalid JSON document");
        return NULL;
    }
    if (patch_depth(patch, JSON_DEPTH_MAX) > JSON_DEPTH_MAX) {
        err_set(reterr, ERR_LIMIT, NO_POS, "patch is nested deeper than %d levels", JSON_DEPTH_MAX);
        return NULL;
    }
    AUTO(json) json_t *to = json_is_object(object) ? json_copy_of(object) : json_object();
    AUTO(json) json_t *from = json_copy_of(patch);
    const struct smp_place root = {.type = t};
    return smp_merge_object(&root, to, from, reterr);
}
