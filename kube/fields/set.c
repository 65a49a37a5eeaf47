/* Arithmetic of path sets. Two sorted arrays are walked side by side; a small one against a large
 * one is looked up instead, so that many small sets against one large change stay cheap. Depth is
 * that of the objects and of FieldsV1, at most JSON_DEPTH_MAX. */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/fields/fields_priv.h"

/* ---- building ---- */

void set_add(struct set_builder *b, const struct element *e, bool member, const struct set *below)
{
    if (!member && !below)
        return;
    b->items = pool_grow(b->pool, b->items, b->count, &b->cap, sizeof(*b->items));
    if (b->count && element_compare(&b->items[b->count - 1].e, e) >= 0)
        b->unsorted = true;
    b->items[b->count++] = (struct set_item){*e, member, below};
}

static int item_order(const void *a, const void *b)
{
    return element_compare(&((const struct set_item *)a)->e, &((const struct set_item *)b)->e);
}

const struct set *set_built(struct set_builder *b)
{
    if (!b->count)
        return NULL;
    size_t count = 1;
    if (b->unsorted) {
        qsort(b->items, b->count, sizeof(*b->items), item_order);
        for (size_t i = 1; i < b->count; i++) {
            struct set_item *last = &b->items[count - 1], *it = &b->items[i];
            if (element_compare(&last->e, &it->e) != 0) {
                b->items[count++] = *it;
                continue;
            }
            last->member |= it->member;
            last->below = set_union(b->pool, last->below, it->below);
        }
    } else {
        count = b->count;
    }
    struct set *s = pool_alloc(b->pool, sizeof(*s));
    assert(count > 0);
    assert(count <= b->count);
    *s = (struct set){count, b->items};
    return s;
}

/* A builder with room for all that can come, whose items come in order. */
static struct set_builder builder_for(struct pool *p, size_t room)
{
    struct set_builder b = {.pool = p, .cap = room};
    b.items = pool_alloc(p, room * sizeof(*b.items));
    return b;
}

static void put(struct set_builder *b, const struct element *e, bool member,
                const struct set *below)
{
    assert(b->count < b->cap || (!member && !below));
    assert(!b->count ||
           element_compare(&b->items[b->count - 1].e, e) < 0); /* in order, each once */
    if (member || below)
        b->items[b->count++] = (struct set_item){*e, member, below};
}

const struct set *set_of_path(struct pool *p, ...)
{
    const char *names[8];
    size_t count = 0;
    va_list ap;
    va_start(ap, p);
    while (count < ARRAY_LEN(names) && (names[count] = va_arg(ap, const char *)))
        count++;
    va_end(ap);
    const struct set *s = NULL;
    for (size_t i = count; i-- > 0;) {
        struct set_builder b = builder_for(p, 1);
        struct element e = element_field(names[i]);
        put(&b, &e, i + 1 == count, s);
        s = set_built(&b);
    }
    return s;
}

/* ---- looking ---- */

/* The first item that is not before e. */
static size_t lower_bound(const struct set *s, size_t lo, const struct element *e)
{
    size_t hi = s->count;
    assert(lo <= hi);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (element_compare(&s->items[mid].e, e) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct set_item *set_find(const struct set *s, const struct element *e)
{
    if (!s)
        return NULL;
    size_t at = lower_bound(s, 0, e);
    return at < s->count && element_compare(&s->items[at].e, e) == 0 ? &s->items[at] : NULL;
}

/* The item of s that equals e, for e's that come in order: *at moves on. */
static const struct set_item *follow(const struct set *s, size_t *at, const struct element *e,
                                     bool sparse)
{
    if (sparse) {
        *at = lower_bound(s, *at, e);
    } else {
        while (*at < s->count && element_compare(&s->items[*at].e, e) < 0)
            ++*at;
    }
    return *at < s->count && element_compare(&s->items[*at].e, e) == 0 ? &s->items[*at] : NULL;
}

static bool is_sparse(const struct set *few, const struct set *many)
{
    assert(few->count > 0); /* the empty set is NULL */
    return few->count * 8 < many->count;
}

bool set_same(const struct set *a, const struct set *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct set_item *x = &a->items[i], *y = &b->items[i];
        if (x->member != y->member || element_compare(&x->e, &y->e) != 0 ||
            !set_same(x->below, y->below))
            return false;
    }
    return true;
}

size_t set_size(const struct set *s)
{
    size_t n = 0;
    for (size_t i = 0; s && i < s->count; i++)
        n += s->items[i].member + set_size(s->items[i].below);
    return n;
}

/* ---- arithmetic ---- */

const struct set *set_union(struct pool *p, const struct set *a, const struct set *b)
{
    if (!a || a == b)
        return b;
    if (!b)
        return a;
    struct set_builder out = builder_for(p, a->count + b->count);
    size_t i = 0, k = 0;
    while (i < a->count && k < b->count) {
        const struct set_item *x = &a->items[i], *y = &b->items[k];
        int order = element_compare(&x->e, &y->e);
        if (order < 0) {
            put(&out, &x->e, x->member, x->below);
        } else if (order > 0) {
            put(&out, &y->e, y->member, y->below);
        } else {
            put(&out, &x->e, x->member || y->member, set_union(p, x->below, y->below));
        }
        i += order <= 0;
        k += order >= 0;
    }
    for (; i < a->count; i++)
        put(&out, &a->items[i].e, a->items[i].member, a->items[i].below);
    for (; k < b->count; k++)
        put(&out, &b->items[k].e, b->items[k].member, b->items[k].below);
    return set_built(&out);
}

const struct set *set_intersect(struct pool *p, const struct set *a, const struct set *b)
{
    if (!a || !b)
        return NULL;
    if (a == b)
        return a;
    bool swap = a->count > b->count;
    const struct set *few = swap ? b : a, *many = swap ? a : b;
    bool sparse = is_sparse(few, many);
    struct set_builder out = builder_for(p, few->count);
    for (size_t i = 0, at = 0; i < few->count; i++) {
        const struct set_item *x = &few->items[i], *y = follow(many, &at, &x->e, sparse);
        if (y)
            put(&out, &x->e, x->member && y->member, set_intersect(p, x->below, y->below));
    }
    return set_built(&out);
}

static const struct set *subtract(struct pool *p, const struct set *a, const struct set *b,
                                  bool trees)
{
    if (!a || !b)
        return a;
    bool sparse = is_sparse(a, b);
    struct set_builder out = builder_for(p, a->count);
    for (size_t i = 0, at = 0; i < a->count; i++) {
        const struct set_item *x = &a->items[i], *y = follow(b, &at, &x->e, sparse);
        if (!y)
            put(&out, &x->e, x->member, x->below);
        else if (!trees || !y->member)
            put(&out, &x->e, x->member && !y->member, subtract(p, x->below, y->below, trees));
    }
    return set_built(&out);
}

const struct set *set_subtract(struct pool *p, const struct set *a, const struct set *b)
{
    return subtract(p, a, b, false);
}

const struct set *set_subtract_trees(struct pool *p, const struct set *a, const struct set *b)
{
    return subtract(p, a, b, true);
}

const struct set *set_with_parents(struct pool *p, const struct set *s, struct typed t)
{
    if (!s)
        return NULL;
    struct typed_info info = typed_info_of(t);
    struct set_builder out = builder_for(p, s->count);
    for (size_t i = 0; i < s->count; i++) {
        const struct set_item *x = &s->items[i];
        bool named = false;
        struct typed below = typed_any();
        if (!x->below) {
            put(&out, &x->e, x->member, NULL);
            continue;
        }
        if (x->e.kind == ELEMENT_FIELD)
            below = member_type(t, &info, x->e.name, &named);
        else if (x->e.kind == ELEMENT_KEY && info.shape == TYPED_LIST)
            below = typed_item(t);
        put(&out, &x->e, x->member || named, set_with_parents(p, x->below, below));
    }
    return set_built(&out);
}
