/* What is there and what is applied, as one object: maps by name, granular lists by step. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/fields/fields_priv.h"

/* New, or NULL for nothing. l or r may be NULL, not both. */
static json_t *merge(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                     unsigned depth);

static void merge_member(struct pool *p, json_t *out, const char *key, const json_t *l,
                         const json_t *r, struct typed of, unsigned depth)
{
    json_t *v = merge(p, l, r, of, depth + 1);
    if (v)
        json_object_set_new_nocheck(out, key, v);
}

static json_t *merge_maps(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                          const struct typed_info *info, unsigned depth)
{
    AUTO(json) json_t *out = json_object();
    const char *key;
    json_t *value;
    bool named;
    json_object_foreach((json_t *)l, key, value) merge_member(
        p, out, key, value, json_object_get(r, key), member_type(t, info, key, &named), depth);
    json_object_foreach((json_t *)r, key, value)
    {
        if (!json_object_get(l, key))
            merge_member(p, out, key, NULL, value, member_type(t, info, key, &named), depth);
    }
    return json_object_size(out) ? TAKE(out) : NULL;
}

/* ---- lists ---- */

/* Both lists by step. Steps are numbers here; `left` and `right` say what stands at a step. */
struct lists {
    size_t *l, *r;
    const json_t **values; /* of the left items, in order */
    size_t ln, rn, steps;
    const json_t **left, **right;
    bool *merged;
    size_t *shared; /* steps of the right list that the left one has too, in the right's order */
    size_t shared_count;
};

static size_t collect(struct pool *p, const json_t *list, struct typed t,
                      const struct typed_info *info, struct element *steps, const json_t **values)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        values[count] = json_array_get(list, i);
        AUTO(str) char *why = element_of_item(p, t, info, values[count], &steps[count]);
        if (!why)
            count++;
    }
    return count;
}

/* A step that the left list has several times counts as null there: its items are replaced. */
static void number_lists(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                         const struct typed_info *info, struct lists *ret)
{
    size_t room = json_array_size(l) + json_array_size(r) + 1;
    struct element *steps = pool_alloc(p, room * sizeof(*steps));
    const json_t **values = pool_alloc(p, room * sizeof(*values));
    size_t *numbers = pool_alloc(p, room * sizeof(*numbers));
    size_t ln = collect(p, l, t, info, steps, values);
    size_t rn = collect(p, r, t, info, steps + ln, values + ln);
    size_t count = element_numbers(p, steps, ln + rn, numbers), right = 0;

    *ret = (struct lists){.l = numbers, .r = numbers + ln, .values = values, .ln = ln};
    ret->steps = count;
    ret->left = pool_alloc(p, (count + 1) * sizeof(*ret->left));
    ret->right = pool_alloc(p, (count + 1) * sizeof(*ret->right));
    ret->merged = pool_alloc(p, (count + 1) * sizeof(*ret->merged));
    ret->shared = pool_alloc(p, (rn + 1) * sizeof(*ret->shared));
    memset(ret->left, 0, count * sizeof(*ret->left));
    memset(ret->right, 0, count * sizeof(*ret->right));
    memset(ret->merged, 0, count * sizeof(*ret->merged));
    for (size_t i = 0; i < ln; i++)
        ret->left[ret->l[i]] = ret->left[ret->l[i]] ? json_null() : values[i];
    for (size_t i = 0; i < rn; i++) {
        size_t step = ret->r[i];
        if (ret->right[step])
            continue;
        ret->right[step] = values[ln + i];
        ret->r[right++] = step;
        if (ret->left[step])
            ret->shared[ret->shared_count++] = step;
    }
    ret->rn = right;
}

static void put(json_t *out, json_t *v)
{
    if (v)
        json_array_append_new(out, v);
}

/* The applied list gives the order of what it names; the rest stays between its neighbours, as far
 * as that goes. */
static json_t *merge_lists(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                           const struct typed_info *info, unsigned depth)
{
    struct lists m;
    struct typed of = typed_item(t);
    number_lists(p, l, r, t, info, &m);
    AUTO(json) json_t *out = json_array();
    size_t next = 0; /* of m.shared */
    for (size_t li = 0, ri = 0; li < m.ln || ri < m.rn;) {
        if (li < m.ln && ri < m.rn) {
            size_t step = m.l[li];
            if (step == m.r[ri]) {
                m.merged[step] = true;
                put(out, merge(p, m.left[step], m.right[step], of, depth + 1));
                li++;
                ri++;
                next += next < m.shared_count;
                continue;
            }
            if (m.right[step] && next < m.shared_count && m.shared[next] != step) {
                li++; /* its turn comes with the right list */
                continue;
            }
        }
        if (li < m.ln) {
            size_t step = m.l[li];
            if (!m.right[step]) {
                put(out, merge(p, m.values[li], NULL, of, depth + 1));
                li++;
                continue;
            }
            if (m.merged[step])
                li++;
        }
        if (ri < m.rn) {
            size_t step = m.r[ri++];
            m.merged[step] = true;
            put(out, merge(p, m.left[step], m.right[step], of, depth + 1));
            next += next < m.shared_count && m.shared[next] == step;
        }
    }
    return json_array_size(out) ? TAKE(out) : NULL;
}

/* ---- any value ---- */

static const json_t *container(const json_t *v, enum typed_shape shape)
{
    if (shape == TYPED_OBJECT ? json_is_object(v) : json_is_array(v))
        return json_object_size(v) || json_array_size(v) ? v : NULL;
    return NULL;
}

static json_t *merge(struct pool *p, const json_t *l, const json_t *r, struct typed t,
                     unsigned depth)
{
    struct typed_info info = typed_info_of(t);
    enum typed_shape shape = shape_for(&info, r ? r : l);
    if (shape != TYPED_SCALAR && !info.atomic && depth < JSON_DEPTH_MAX) {
        const json_t *lc = container(l, shape), *rc = container(r, shape);
        if ((lc || rc) && shape == TYPED_OBJECT)
            return merge_maps(p, lc, rc, t, &info, depth);
        if (lc || rc)
            return merge_lists(p, lc, rc, t, &info, depth);
    }
    return json_copy_of(r ? r : l);
}

json_t *merge_objects(struct pool *p, const json_t *live, const json_t *applied, struct typed t)
{
    json_t *v = merge(p, live, applied, t, 0);
    return v ? v : json_object();
}
