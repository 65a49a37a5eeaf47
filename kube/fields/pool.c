/* Memory that goes at once. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/fields/fields_priv.h"

#define POOL_BLOCK 8192u

struct pool_block {
    struct pool_block *next;
    max_align_t bytes[];
};

void *pool_alloc(struct pool *p, size_t bytes)
{
    const size_t unit = sizeof(max_align_t);
    bytes = (bytes + unit - 1) / unit * unit;
    if (!p->blocks || p->size - p->used < bytes) {
        p->size = bytes > POOL_BLOCK ? bytes : POOL_BLOCK;
        struct pool_block *b = mem_alloc(sizeof(*b) + p->size);
        b->next = p->blocks;
        p->blocks = b;
        p->used = 0;
    }
    assert(p->used + bytes <= p->size);
    char *at = (char *)p->blocks->bytes + p->used;
    p->used += bytes;
    return at;
}

void *pool_grow(struct pool *p, void *list, size_t count, size_t *cap, size_t item_bytes)
{
    if (count < *cap)
        return list;
    *cap = *cap ? *cap * 2 : 8;
    assert(item_bytes > 0);
    assert(count < *cap);
    void *more = pool_alloc(p, *cap * item_bytes);
    if (count)
        memcpy(more, list, count * item_bytes);
    return more;
}

char *pool_strdup(struct pool *p, const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(pool_alloc(p, size), s, size);
}

json_t *pool_hold(struct pool *p, json_t *v)
{
    assert(v);
    p->held = mem_grow(p->held, &p->held_cap, p->held_count + 1, sizeof(json_t *));
    p->held[p->held_count++] = v;
    return v;
}

void pool_finish(struct pool *p)
{
    for (size_t i = 0; i < p->held_count; i++)
        json_decref(p->held[i]);
    free(p->held);
    while (p->blocks) {
        struct pool_block *next = p->blocks->next;
        free(p->blocks);
        p->blocks = next;
    }
    *p = (struct pool){0};
}
