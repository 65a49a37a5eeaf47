/* The order of a merged list: what the patch asks for, woven into what is stored. Elements are told
 * apart by the text of their key, so that long lists stay cheap. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "kube/gotext.h"
#include "kube/strategic_priv.h"

/* ---- what tells elements apart ---- */

char *smp_value_text(const json_t *v)
{
    if (json_is_string(v))
        return mem_printf("s%s", json_string_value(v));
    if (json_is_integer(v))
        return mem_printf("i%" JSON_INTEGER_FORMAT, json_integer_value(v));
    if (json_is_real(v))
        return mem_printf("f%.17g", json_real_value(v));
    if (json_is_boolean(v))
        return mem_strdup(json_is_true(v) ? "t" : "f");
    return json_is_null(v) ? mem_strdup("n") : NULL;
}

int smp_no_key(const json_t *element, const char *key, struct err *reterr)
{
    AUTO(strbuf) struct strbuf text = {0};
    gotext_value(&text, element);
    return err_set(reterr, ERR_INTERNAL, NO_POS, "map: %s does not contain declared merge key: %s",
                   strbuf_str(&text), key);
}

char *smp_element_text(const json_t *element, const char *key, struct err *reterr)
{
    const json_t *v = element;
    if (key && !json_is_object(element)) {
        smp_expected("map[string]interface {}", element, reterr);
        return NULL;
    }
    if (key && !(v = json_object_get(element, key))) {
        smp_no_key(element, key, reterr);
        return NULL;
    }
    char *text = smp_value_text(v);
    if (!text)
        err_set(reterr, ERR_INTERNAL, NO_POS, "a %s cannot be compared", gotext_type(v));
    return text;
}

struct strmap *smp_places_of(const json_t *list, const char *key, bool lenient, struct err *reterr)
{
    struct strmap *places = strmap_create();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (lenient && key && json_is_object(one) && !json_object_get(one, key))
            continue;
        AUTO(str) char *text = smp_element_text(one, key, reterr);
        if (!text) {
            strmap_destroy(places, NULL);
            return NULL;
        }
        if (!strmap_get(places, text))
            strmap_put(places, text, (void *)(uintptr_t)(i + 1));
    }
    return places;
}

size_t smp_place_in(const struct strmap *places, const json_t *element, const char *key)
{
    AUTO(str) char *text = smp_element_text(element, key, NULL);
    return text ? (size_t)(uintptr_t)strmap_get(places, text) : 0;
}

/* ---- the order of the result ---- */

struct ranked {
    json_t *element; /* borrowed */
    size_t rank, seq;
};

static int rank_order(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* Elements that a delete directive stands in go last. */
static bool is_delete(const json_t *element)
{
    return strcmp(json_str_or_empty(element, DIRECTIVE), "delete") == 0;
}

/* Upstream sorts with a comparison that calls every pair true that has an element without a rank;
 * what comes out is decided by its insertion sort. Beyond a block of that sort nobody has lists of
 * that kind; they keep their order. */
#define SORT_BLOCK 20u

static bool goes_before(const struct ranked *a, const struct ranked *b)
{
    return !a->rank || !b->rank || a->rank < b->rank;
}

static void sort_ranked(struct ranked *all, size_t n)
{
    size_t unranked = 0;
    for (size_t i = 0; i < n; i++)
        unranked += all[i].rank == 0;
    if (unranked == 0) {
        qsort(all, n, sizeof(*all), rank_order);
        return;
    }
    for (size_t i = 1; i < n && n <= SORT_BLOCK; i++)
        for (size_t k = i; k > 0 && goes_before(&all[k], &all[k - 1]); k--) {
            struct ranked swap = all[k];
            all[k] = all[k - 1];
            all[k - 1] = swap;
        }
}

struct ordering {
    const char *key;
    struct strmap *asked, *server; /* places in the order asked for, in the stored list */
    struct ranked *mine, *others;  /* elements that the order names, and the rest */
    size_t mine_count, other_count;
};

static void ordering_finish(struct ordering *o)
{
    strmap_destroy(o->asked, NULL);
    strmap_destroy(o->server, NULL);
    free(o->mine);
    free(o->others);
}

static int split(struct ordering *o, const json_t *merged, struct err *reterr)
{
    size_t n = json_array_size(merged);
    o->mine = mem_zalloc((n + 1) * sizeof(*o->mine));
    o->others = mem_zalloc((n + 1) * sizeof(*o->others));
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_array_get(merged, i);
        AUTO(str) char *text = smp_element_text(one, o->key, reterr);
        if (!text)
            return -1;
        size_t asked = (size_t)(uintptr_t)strmap_get(o->asked, text);
        size_t stored = (size_t)(uintptr_t)strmap_get(o->server, text);
        struct ranked r = {one, asked ? asked : stored, i};
        if (is_delete(one))
            r.rank = SIZE_MAX;
        if (asked)
            o->mine[o->mine_count++] = r;
        else
            o->others[o->other_count++] = r;
    }
    sort_ranked(o->mine, o->mine_count);
    sort_ranked(o->others, o->other_count);
    return 0;
}

/* What only the server has keeps its place before an element that follows it there; else the
 * patch's come first. */
static bool others_first(const struct ordering *o, const json_t *other, const json_t *mine)
{
    size_t a = smp_place_in(o->server, other, o->key), b = smp_place_in(o->server, mine, o->key);
    return a && b && a < b;
}

static json_t *weave(const struct ordering *o)
{
    json_t *out = json_array();
    size_t i = 0, k = 0;
    while (i < o->other_count || k < o->mine_count) {
        bool other =
            k == o->mine_count ||
            (i < o->other_count && others_first(o, o->others[i].element, o->mine[k].element));
        json_array_append(out, other ? o->others[i++].element : o->mine[k++].element);
    }
    return out;
}

json_t *smp_order_merged(const char *key, const json_t *merged, const json_t *asked,
                         const json_t *server, struct err *reterr)
{
    struct ordering o = {.key = key};
    json_t *out = NULL;
    if ((o.asked = smp_places_of(asked, key, /* lenient= */ false, reterr)) &&
        (o.server = smp_places_of(server, key, /* lenient= */ false, reterr)) &&
        split(&o, merged, reterr) == 0)
        out = weave(&o);
    ordering_finish(&o);
    return out;
}
