/* Inside qcow2/ only: sorted lists of extents. */
#ifndef VMCONFORM_QCOW2_MAP_H
#define VMCONFORM_QCOW2_MAP_H

#include <assert.h>

#include "base/mem.h"
#include "qcow2/chain.h"

struct qcow2_map {
    struct qcow2_extent *items;
    size_t count, cap;
};

static inline uint64_t qcow2_extent_end(const struct qcow2_extent *e)
{
    return e->start + e->len;
}

/* What is left of e from `at` on. A compressed extent keeps its descriptor: its cluster begins
 * where the layer's clusters do. */
static inline struct qcow2_extent qcow2_extent_from(struct qcow2_extent e, uint64_t at)
{
    uint64_t gone = at - e.start;
    e.start = at;
    e.len -= gone;
    if (e.kind == QCOW2_EXTENT_DATA)
        e.host += gone;
    return e;
}

static inline bool qcow2_extent_continues(const struct qcow2_extent *a,
                                          const struct qcow2_extent *b)
{
    if (a->start + a->len != b->start || a->layer != b->layer || a->kind != b->kind)
        return false;
    if (a->kind == QCOW2_EXTENT_DATA)
        return a->host + a->len == b->host;
    return a->kind == QCOW2_EXTENT_ZERO;
}

/* Adds an extent behind the last one, or makes that one longer when the two are one piece. In a
 * header, since this is what opening a chain consists of. */
static inline void qcow2_map_append(struct qcow2_map *map, struct qcow2_extent extent)
{
    assert(extent.len > 0);
    if (map->count > 0) {
        struct qcow2_extent *last = &map->items[map->count - 1];
        assert(qcow2_extent_end(last) <= extent.start);
        if (qcow2_extent_continues(last, &extent)) {
            last->len += extent.len;
            return;
        }
    }
    if (map->count == map->cap)
        map->items = mem_grow(map->items, &map->cap, map->count + 1, sizeof(*map->items));
    map->items[map->count++] = extent;
}

void qcow2_map_finish(struct qcow2_map *map);
/* What a reader sees of `lower` under `upper`. Empties both; at most twice as many extents come out
 * as went in. */
struct qcow2_map qcow2_map_overlay(struct qcow2_map *lower, struct qcow2_map *upper);
/* The first extent that ends behind offset; count when there is none. */
size_t qcow2_map_find(const struct qcow2_map *map, uint64_t offset);

/* Lists of layers, pushed base first and merged on the way: a list on top of another is less than
 * half as long, or the two become one. So every extent is moved log(extents) times, few are held at
 * once, and the stack is never deeper than the bits of a count. Zeroed: empty. */
#define QCOW2_MAP_STACK_MAX 64
struct qcow2_map_stack {
    struct qcow2_map maps[QCOW2_MAP_STACK_MAX];
    size_t count;
};
/* Empties map. */
void qcow2_map_stack_push(struct qcow2_map_stack *s, struct qcow2_map *map);
/* In all lists together. */
uint64_t qcow2_map_stack_extents(const struct qcow2_map_stack *s);
/* All of them as one. Empties s. */
struct qcow2_map qcow2_map_stack_take(struct qcow2_map_stack *s);
void qcow2_map_stack_finish(struct qcow2_map_stack *s);
static inline void cleanup_qcow2_map_stack(struct qcow2_map_stack *s)
{
    qcow2_map_stack_finish(s);
}

/* table.c: reads and checks every L2 table of an image. */
int qcow2_table_map(struct qcow2_image *image, uint32_t layer, struct qcow2_map *map,
                    struct qcow2_fault *retfault);

/* raw.c: the same for a raw disk, from the holes of its file. */
int qcow2_raw_map(struct qcow2_image *image, uint32_t layer, struct qcow2_map *map,
                  struct qcow2_fault *retfault);

/* inflate.c: where a compressed cluster's bytes are, and the cluster itself. */
void qcow2_compressed_place(const struct qcow2_image *image, uint64_t descriptor,
                            uint64_t *ret_offset, uint64_t *ret_len);
int qcow2_compressed_read(struct qcow2_image *image, uint64_t descriptor, void *out,
                          struct qcow2_fault *retfault);
/* The same for many clusters, one thread at a time: room is kept for the longest compressed cluster
 * met (at most two clusters) and for the decompressors. New. */
struct qcow2_inflater;
struct qcow2_inflater *qcow2_inflater_create(void);
int qcow2_inflater_read(struct qcow2_inflater *inflater, struct qcow2_image *image,
                        uint64_t descriptor, void *out, struct qcow2_fault *retfault);
void qcow2_inflater_destroy(struct qcow2_inflater *inflater);
DEFINE_CLEANUP(struct qcow2_inflater, qcow2_inflater, qcow2_inflater_destroy);

#endif
