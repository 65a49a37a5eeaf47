#include "qcow2/map.h"

#include <assert.h>

#include "base/mem.h"

void qcow2_map_finish(struct qcow2_map *map)
{
    free(map->items);
    *map = (struct qcow2_map){0};
}

static bool continues(const struct qcow2_extent *a, const struct qcow2_extent *b)
{
    if (a->start + a->len != b->start || a->layer != b->layer || a->kind != b->kind)
        return false;
    if (a->kind == QCOW2_EXTENT_DATA)
        return a->host + a->len == b->host;
    return a->kind == QCOW2_EXTENT_ZERO;
}

void qcow2_map_append(struct qcow2_map *map, struct qcow2_extent extent)
{
    assert(extent.len > 0);
    if (map->count > 0) {
        struct qcow2_extent *last = &map->items[map->count - 1];
        assert(last->start + last->len <= extent.start);
        if (continues(last, &extent)) {
            last->len += extent.len;
            return;
        }
    }
    map->items = mem_grow(map->items, &map->cap, map->count + 1, sizeof(*map->items));
    map->items[map->count++] = extent;
}

/* A compressed extent keeps its descriptor: its cluster begins where the layer's clusters do. */
static struct qcow2_extent extent_from(struct qcow2_extent e, uint64_t at)
{
    uint64_t gone = at - e.start;
    e.start = at;
    e.len -= gone;
    if (e.kind == QCOW2_EXTENT_DATA)
        e.host += gone;
    return e;
}

static struct qcow2_extent extent_until(struct qcow2_extent e, uint64_t at)
{
    e.len = at - e.start;
    return e;
}

static uint64_t extent_end(const struct qcow2_extent *e)
{
    return e->start + e->len;
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
        bool whole = extent_end(&c->now) <= at;
        if (out)
            qcow2_map_append(out, whole ? c->now : extent_until(c->now, at));
        if (!whole) {
            c->now = extent_from(c->now, at);
            return;
        }
        cursor_next(c);
    }
}

struct qcow2_map qcow2_map_overlay(struct qcow2_map *lower, struct qcow2_map *upper)
{
    struct qcow2_map out = {0};
    struct cursor low = {.map = lower};
    cursor_next(&low);
    for (size_t i = 0; i < upper->count; i++) {
        const struct qcow2_extent *u = &upper->items[i];
        cursor_advance(&low, u->start, &out);
        cursor_advance(&low, extent_end(u), NULL);
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
        if (extent_end(&map->items[mid]) <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
