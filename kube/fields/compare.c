/* What differs between two objects of a type: paths that came, went, or hold another value. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"

/* The three sets of one level while they are built. */
struct level {
    struct set_builder removed, modified, added;
};
/* What was found at one path. */
struct found {
    bool modified;
    struct comparison below;
};

static void compare(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                    unsigned depth, struct found *ret);

static struct level level_in(struct pool *p)
{
    return (struct level){{.pool = p}, {.pool = p}, {.pool = p}};
}

static void level_add(struct level *out, const struct element *e, bool removed, bool added,
                      const struct found *f)
{
    set_add(&out->removed, e, removed, f->below.removed);
    set_add(&out->modified, e, f->modified, f->below.modified);
    set_add(&out->added, e, added, f->below.added);
}

static void level_built(struct level *of, struct comparison *ret)
{
    *ret = (struct comparison){set_built(&of->removed), set_built(&of->modified),
                               set_built(&of->added)};
}

static void compare_member(struct pool *p, const char *key, const json_t *l, const json_t *r,
                           struct typed of, unsigned depth, struct level *out)
{
    struct found f = {0};
    struct element e = element_field(key);
    compare(p, l, r, of, depth + 1, &f);
    level_add(out, &e, !r, !l, &f);
}

static void compare_maps(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                         const struct typed_info *info, unsigned depth, struct comparison *ret)
{
    struct level out = level_in(p);
    const char *key;
    json_t *value;
    bool named;
    json_object_foreach((json_t *)l, key, value) compare_member(
        p, key, value, json_object_get(r, key), member_type(t, info, key, &named), depth, &out);
    json_object_foreach((json_t *)r, key, value)
    {
        if (!json_object_get(l, key))
            compare_member(p, key, NULL, value, member_type(t, info, key, &named), depth, &out);
    }
    level_built(&out, ret);
}

/* ---- lists ---- */

/* One item of either list. */
struct item {
    struct element e;
    const json_t *value;
    size_t at;
    bool right;
};

static int item_order(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = element_compare(&x->e, &y->e);
    if (!order)
        order = x->right - y->right;
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static size_t collect(struct pool *p, const json_t *list, bool right, struct typed t,
                      const struct typed_info *info, struct item *items)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct item *it = &items[count];
        *it = (struct item){.value = json_array_get(list, i), .at = i, .right = right};
        AUTO(str) char *why = element_of_item(p, t, info, it->value, &it->e);
        if (!why)
            count++;
    }
    return count;
}

static bool same_runs(const struct item *l, size_t ln, const struct item *r, size_t rn)
{
    if (ln != rn)
        return false;
    for (size_t i = 0; i < ln; i++)
        if (!json_same(l[i].value, r[i].value))
            return false;
    return true;
}

/* All items of one step: `l` of the old list, then those of the new one. Steps that stand several
 * times are compared as a whole. */
static void compare_run(struct pool *p, const struct item *items, size_t ln, size_t rn,
                        struct typed of, unsigned depth, struct level *out)
{
    const struct item *l = items, *r = items + ln;
    struct found f = {0};
    if (ln >= 2 && rn >= 2) {
        f.modified = !same_runs(l, ln, r, rn);
        level_add(out, &items->e, false, false, &f);
    } else if (ln >= 2) {
        if (rn)
            compare(p, NULL, r->value, of, depth + 1, &f);
        level_add(out, &items->e, true, rn, &f);
    } else if (rn >= 2) {
        if (ln)
            compare(p, l->value, NULL, of, depth + 1, &f);
        level_add(out, &items->e, ln, true, &f);
    } else {
        compare(p, ln ? l->value : NULL, rn ? r->value : NULL, of, depth + 1, &f);
        level_add(out, &items->e, !rn, !ln, &f);
    }
}

static void compare_lists(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                          const struct typed_info *info, unsigned depth, struct comparison *ret)
{
    struct level out = level_in(p);
    size_t room = json_array_size(l) + json_array_size(r) + 1;
    struct item *items = pool_alloc(p, room * sizeof(*items));
    size_t count = collect(p, l, false, t, info, items);
    count += collect(p, r, true, t, info, items + count);
    qsort(items, count, sizeof(*items), item_order);
    struct typed of = typed_item(t);
    for (size_t i = 0; i < count;) {
        size_t ln = 0, rn = 0;
        while (i + ln + rn < count && element_compare(&items[i].e, &items[i + ln + rn].e) == 0)
            items[i + ln + rn].right ? rn++ : ln++;
        compare_run(p, items + i, ln, rn, of, depth, &out);
        i += ln + rn;
    }
    level_built(&out, ret);
}

/* ---- any value ---- */

static bool is_container(const json_t *v, enum typed_shape shape)
{
    return shape == TYPED_OBJECT ? json_is_object(v) : json_is_array(v);
}

static bool is_filled(const json_t *v)
{
    return json_object_size(v) || json_array_size(v);
}

/* As a leaf, and as what it holds: values of unknown type may change from one to the other. */
static void compare(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                    unsigned depth, struct found *ret)
{
    if (l == r)
        return; /* shared: nothing below can differ */
    struct typed_info info = typed_info_of(t);
    enum typed_shape ls = shape_for(&info, l ? l : r), rs = shape_for(&info, r ? r : l);
    enum typed_shape whole = ls == TYPED_SCALAR ? rs : ls;
    const json_t *lc = is_container(l, whole) ? l : NULL, *rc = is_container(r, whole) ? r : NULL;
    bool descend = whole != TYPED_SCALAR && !info.atomic && depth < JSON_DEPTH_MAX &&
                   (is_filled(lc) || is_filled(rc));
    bool leaf = !descend || ls == TYPED_SCALAR || rs == TYPED_SCALAR;

    ret->modified = leaf && l && r && !json_same(l, r);
    if (descend && whole == TYPED_OBJECT)
        compare_maps(p, lc, rc, t, &info, depth, &ret->below);
    else if (descend)
        compare_lists(p, lc, rc, t, &info, depth, &ret->below);
}

void compare_objects(struct pool *p, const json_t *old, const json_t *object, struct typed t,
                     struct comparison *ret)
{
    struct found f = {0};
    compare(p, old, object, t, 0, &f);
    *ret = f.below;
}
