/* Lists under strategic merge patch: scalars that unite, objects found by their merge key. */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "kube/gotext.h"
#include "kube/strategic_priv.h"

/* ---- one type for all ---- */

/* Refuses lists of lists, and lists of several types; *ret_objects tells what is left. */
static int check_types(const json_t *a, const json_t *b, bool *ret_objects, struct err *reterr)
{
    const json_t *const lists[] = {a, b};
    const char *type = NULL;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < json_array_size(lists[k]); i++) {
            const json_t *one = json_array_get(lists[k], i);
            const char *have = gotext_type(one);
            if (json_is_null(one))
                return err_set(reterr, ERR_INTERNAL, NO_POS, "a null stands in a list that merges");
            if (!type && json_is_array(one))
                return err_set(reterr, ERR_INVALID, NO_POS, "lists of lists are not supported");
            if (type && strcmp(type, have) != 0) {
                AUTO(strbuf) struct strbuf x = {0}, y = {0};
                gotext_value(&x, a);
                gotext_value(&y, b);
                return err_set(reterr, ERR_INTERNAL, NO_POS,
                               "list element types are not identical: [%s %s]",
                               a ? strbuf_str(&x) : "[]", b ? strbuf_str(&y) : "[]");
            }
            type = have;
            *ret_objects = json_is_object(one);
        }
    if (!type)
        return err_set(reterr, ERR_INTERNAL, NO_POS, "no elements in any of the given slices");
    return 0;
}

/* ---- scalars ---- */

static json_t *without_elements(const json_t *list, const json_t *gone, struct err *reterr)
{
    struct strmap *places = smp_places_of(gone, NULL, /* lenient= */ false, reterr);
    if (!places)
        return NULL;
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!smp_place_in(places, json_array_get(list, i), NULL))
            json_array_append(out, json_array_get(list, i));
    strmap_destroy(places, NULL);
    return out;
}

static json_t *united(const json_t *a, const json_t *b)
{
    const json_t *const lists[] = {a, b};
    struct strmap *seen = strmap_create();
    json_t *out = json_array();
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < json_array_size(lists[k]); i++) {
            json_t *one = json_array_get(lists[k], i);
            AUTO(str) char *text = smp_value_text(one);
            if (!text || strmap_get(seen, text))
                continue;
            strmap_put(seen, text, one);
            json_array_append(out, one);
        }
    strmap_destroy(seen, NULL);
    return out;
}

/* ---- objects ---- */

struct elements {
    const struct smp_list *how;
    json_t *stored; /* new array, changes */
    json_t *patch;  /* without elements that carry a directive */
    struct strmap *gone;
    bool replace;
};

static int take_directive(struct elements *e, const json_t *one, struct err *reterr)
{
    const json_t *directive = json_object_get(one, DIRECTIVE);
    const char *word = json_string_value(directive);
    if (word && strcmp(word, "replace") == 0) {
        e->replace = true;
        return 0;
    }
    if (word && strcmp(word, "merge") == 0)
        return err_set(reterr, ERR_INTERNAL, NO_POS,
                       "merging lists cannot yet be specified in the patch");
    if (word && strcmp(word, "delete") == 0) {
        if (!json_object_get(one, e->how->key))
            return smp_no_key(one, e->how->key, reterr);
        AUTO(str) char *text = smp_element_text(one, e->how->key, reterr);
        if (!text)
            return -1;
        strmap_put(e->gone, text, e);
        return 0;
    }
    return smp_unknown_directive(directive, one, reterr);
}

static void drop_gone(struct elements *e)
{
    if (strmap_count(e->gone) == 0)
        return;
    json_t *left = json_array();
    for (size_t i = 0; i < json_array_size(e->stored); i++) {
        json_t *one = json_array_get(e->stored, i);
        AUTO(str) char *text = smp_element_text(one, e->how->key, NULL);
        if (!text || !strmap_get(e->gone, text))
            json_array_append(left, one);
    }
    json_decref(e->stored);
    e->stored = left;
}

/* Deletes and replaces first; what is left of the patch are elements to merge. */
static int take_directives(struct elements *e, const json_t *patch, struct err *reterr)
{
    for (size_t i = 0; i < json_array_size(patch); i++) {
        json_t *one = json_array_get(patch, i);
        if (!json_object_get(one, DIRECTIVE))
            json_array_append(e->patch, one);
        else if (take_directive(e, one, reterr) < 0)
            return -1;
    }
    drop_gone(e);
    if (e->replace) {
        json_decref(e->stored);
        e->stored = TAKE(e->patch);
        e->patch = json_array();
    }
    return 0;
}

static int merge_elements(struct elements *e, struct err *reterr)
{
    const char *key = e->how->key;
    struct strmap *places = smp_places_of(e->stored, key, /* lenient= */ true, reterr);
    if (!places)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(e->patch); i++) {
        json_t *one = json_array_get(e->patch, i);
        AUTO(str) char *text = smp_element_text(one, key, reterr);
        size_t place = text ? (size_t)(uintptr_t)strmap_get(places, text) : 0;
        if (!text) {
            rc = -1;
        } else if (place) {
            AUTO(json) json_t *have = json_incref(json_array_get(e->stored, place - 1));
            json_t *merged = smp_merge_object(&e->how->element, have, one, reterr);
            rc = merged ? json_array_set_new(e->stored, place - 1, merged) : -1;
        } else {
            json_array_append(e->stored, one);
            strmap_put(places, text, (void *)(uintptr_t)json_array_size(e->stored));
        }
    }
    strmap_destroy(places, NULL);
    return rc;
}

/* Upstream merges in the memory of the stored list: what remains of it is in its first elements,
 * then what was added, as far as it was long. A later order goes by that. */
static json_t *first_elements(const json_t *list, size_t n)
{
    json_t *out = json_array();
    for (size_t i = 0; i < n && i < json_array_size(list); i++)
        json_array_append(out, json_array_get(list, i));
    return out;
}

/* *ret_server (may be NULL): the stored list as a later order sees it. */
static json_t *merge_objects(const struct smp_list *how, const json_t *original,
                             const json_t *patch, json_t **ret_server, struct err *reterr)
{
    if (!how->key) {
        err_set(reterr, ERR_INTERNAL, NO_POS, "cannot merge lists without merge key for struct");
        return NULL;
    }
    struct elements e = {.how = how,
                         .stored = json_copy((json_t *)original),
                         .patch = json_array(),
                         .gone = strmap_create()};
    json_t *out = NULL;
    if (take_directives(&e, patch, reterr) == 0) {
        AUTO(json) json_t *server = json_copy(e.stored);
        if (merge_elements(&e, reterr) == 0)
            out = smp_order_merged(how->key, e.stored, e.patch, server, reterr);
        if (ret_server)
            *ret_server =
                first_elements(e.replace ? original : e.stored, json_array_size(original));
    }
    json_decref(e.stored);
    json_decref(e.patch);
    strmap_destroy(e.gone, NULL);
    return out;
}

static json_t *merge_list(const struct smp_list *how, json_t *original, json_t *patch,
                          bool delete_all, json_t **ret_server, struct err *reterr)
{
    bool objects = false;
    if (json_array_size(original) == 0 && json_array_size(patch) == 0)
        return json_incref(original);
    if (check_types(original, patch, &objects, reterr) < 0)
        return NULL;
    if (objects)
        return merge_objects(how, original, patch, ret_server, reterr);
    if (delete_all)
        return without_elements(original, patch, reterr);
    AUTO(json) json_t *all = united(original, patch);
    return smp_order_merged(NULL, all, patch, original, reterr);
}

json_t *smp_merge_list(const struct smp_list *how, json_t *original, json_t *patch, bool delete_all,
                       struct err *reterr)
{
    return merge_list(how, original, patch, delete_all, NULL, reterr);
}

/* ---- $setElementOrder ---- */

/* The patch's elements must stand in the order that the patch asks for. */
static int check_order(const struct smp_list *how, const json_t *patch, const json_t *order,
                       struct err *reterr)
{
    size_t at = 0, n = json_array_size(order);
    if (n == 0)
        return 0;
    for (size_t i = 0; i < json_array_size(patch); i++) {
        const json_t *one = json_array_get(patch, i);
        if (how->key && !json_is_object(one))
            return smp_expected("map[string]interface {}", one, reterr);
        if (json_object_get(one, DIRECTIVE))
            continue;
        AUTO(str) char *text = smp_element_text(one, how->key, at < n ? reterr : NULL);
        if (!text && at < n)
            return -1;
        bool found = false;
        while (at < n && !found) {
            AUTO(str) char *there = smp_element_text(json_array_get(order, at++), how->key, reterr);
            if (!there)
                return -1;
            found = strcmp(there, text) == 0;
        }
        if (found)
            continue;
        AUTO(strbuf) struct strbuf have = {0}, want = {0};
        gotext_value(&have, patch);
        gotext_value(&want, order);
        return err_set(reterr, ERR_INTERNAL, NO_POS,
                       "The order in patch list:\n%s\n doesn't match $setElementOrder list:\n%s\n",
                       strbuf_str(&have), strbuf_str(&want));
    }
    return 0;
}

json_t *smp_order_list(const struct smp_list *how, json_t *original, json_t *patch,
                       const json_t *order, struct err *reterr)
{
    bool objects;
    AUTO(json) json_t *merged = NULL;
    AUTO(json) json_t *server = NULL;
    AUTO(json) json_t *stored = original ? json_copy(original) : json_array();
    if (check_order(how, patch, order, reterr) < 0)
        return NULL;
    if (original && patch)
        merged = how->merge ? merge_list(how, original, patch, false, &server, reterr)
                            : json_incref(patch);
    else
        merged = original ? json_incref(original) : smp_without_directives(patch);
    if (!merged || check_types(stored, patch, &objects, reterr) < 0)
        return NULL;
    if (!server)
        server = json_incref(stored);
    if (objects && !how->key) {
        err_set(reterr, ERR_INTERNAL, NO_POS, "objects without a merge key cannot be ordered");
        return NULL;
    }
    return smp_order_merged(how->key, merged, order, server, reterr);
}
