#include "qcow2/map.h"

#include <assert.h>

#include "base/mem.h"

void qcow2_map_finish(struct qcow2_map *map)
{
    free(map->items);
    *map = (struct qcow2_map){0};
}

static struct qcow2_extent extent_until(struct qcow2_extent e, uint64_t at)
{
    e.len = at - e.start;
    return e;
}

/* A walk over a list whose current extent may have lost its head. */
struct cursor {
    const struct qcow2_map *map;
    size_t index;
    struct qcow2_extent now;
    bool live;
};

static void cursor_next(struct cursor *c)
{
    c->live = c->index < c->map->count;
    if (c->live)
        c->now = c->map->items[c->index++];
}

/* Moves to `at`, handing what lies before it to out (NULL: dropped). */
static void cursor_advance(struct cursor *c, uint64_t at, struct qcow2_map *out)
{
    while (c->live && c->now.start < at) {
        bool whole = qcow2_extent_end(&c->now) <= at;
        if (out)
            qcow2_map_append(out, whole ? c->now : extent_until(c->now, at));
        if (!whole) {
            c->now = qcow2_extent_from(c->now, at);
            return;
        }
        cursor_next(c);
    }
}

static struct qcow2_map map_move(struct qcow2_map *from, struct qcow2_map *empty)
{
    struct qcow2_map out = *from;
    *from = (struct qcow2_map){0};
    qcow2_map_finish(empty);
    return out;
}

struct qcow2_map qcow2_map_overlay(struct qcow2_map *lower, struct qcow2_map *upper)
{
    if (upper->count == 0)
        return map_move(lower, upper);
    if (lower->count == 0)
        return map_move(upper, lower);
    struct qcow2_map out = {0};
    struct cursor low = {.map = lower};
    cursor_next(&low);
    for (size_t i = 0; i < upper->count; i++) {
        const struct qcow2_extent *u = &upper->items[i];
        cursor_advance(&low, u->start, &out);
        cursor_advance(&low, qcow2_extent_end(u), NULL);
        qcow2_map_append(&out, *u);
    }
    cursor_advance(&low, UINT64_MAX, &out);
    qcow2_map_finish(lower);
    qcow2_map_finish(upper);
    return out;
}

size_t qcow2_map_find(const struct qcow2_map *map, uint64_t offset)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (qcow2_extent_end(&map->items[mid]) <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* ---- many lists ---- */

static void stack_merge(struct qcow2_map_stack *s)
{
    s->maps[s->count - 2] = qcow2_map_overlay(&s->maps[s->count - 2], &s->maps[s->count - 1]);
    s->count--;
}

void qcow2_map_stack_push(struct qcow2_map_stack *s, struct qcow2_map *map)
{
    assert(s->count < QCOW2_MAP_STACK_MAX);
    s->maps[s->count++] = *map;
    *map = (struct qcow2_map){0};
    while (s->count > 1 && s->maps[s->count - 2].count <= 2 * s->maps[s->count - 1].count)
        stack_merge(s);
}

uint64_t qcow2_map_stack_extents(const struct qcow2_map_stack *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->count; i++)
        sum += s->maps[i].count;
    return sum;
}

struct qcow2_map qcow2_map_stack_take(struct qcow2_map_stack *s)
{
    struct qcow2_map out = {0};
    while (s->count > 1)
        stack_merge(s);
    if (s->count > 0)
        out = s->maps[--s->count];
    if (out.count > 0)
        out.items = mem_reallocarray(out.items, out.count, sizeof(*out.items));
    out.cap = out.count;
    return out;
}

void qcow2_map_stack_finish(struct qcow2_map_stack *s)
{
    while (s->count > 0)
        qcow2_map_finish(&s->maps[--s->count]);
}
