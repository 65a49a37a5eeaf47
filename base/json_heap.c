/* Where jansson's values live: a heap of small blocks.
 *
 * Half of what a simulated world does is to make and drop small pieces of JSON trees, in bursts
 * that a general allocator's caches are too small for. Blocks of one size are cut from chunks and,
 * once freed, kept in a list of their own. Memory is never given back: a worker runs one world
 * after the other and needs it again. After a large world the free blocks lie all over it, in any
 * order, and each one that is taken is a miss of every cache; json_heap_settle() makes chunks whole
 * again.
 *
 * This is mutable state outside a world, as malloc's is: nothing can be seen of it but speed. Each
 * thread has lists of its own; a block may be freed by another thread than the one that took it. */
#include "base/json_heap.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_MALLOCLIKE_BLOCK(addr, size, red_zone, is_zeroed)
#define VALGRIND_FREELIKE_BLOCK(addr, red_zone)
#endif

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define OWN_HEAP 0 /* the sanitizer wants to see each block */
#else
#define OWN_HEAP 1
#endif

#define UNIT 16u /* what any type is aligned to */
#define HEAD sizeof(union head)
#define HELD_MAX 256u                  /* longer ones come from malloc */
#define CHUNK_BYTES ((size_t)64 << 10) /* and what it is aligned to */
#define SLAB_CHUNKS 16                 /* that many come from malloc at once */
#define CLASS_LARGE 0
#define CLASS_COUNT (HELD_MAX / UNIT + 2)

/* Stands before each block. A free block is linked by it and not by its own bytes, which nobody may
 * touch any more. */
union head {
    size_t class;
    void *next_free;
};

/* Stands at the beginning of a chunk. */
struct chunk {
    struct chunk *older;      /* of the same thread */
    struct chunk *next_whole; /* none of its blocks is in use or in a list */
    const void *owner;        /* the heap that cuts it */
    size_t used; /* blocks in use; those that another thread has freed count for ever */
};

static _Thread_local struct heap {
    void *free_blocks[CLASS_COUNT];
    struct chunk *chunks, *whole;
    struct chunk *cutting; /* NULL: none */
    size_t cut;            /* bytes of it */
    char *slab;            /* where the next new chunk begins */
    size_t slab_left;      /* chunks */
} heap;

static union head *head_of(void *p)
{
    return (union head *)p - 1;
}

static struct chunk *chunk_of(void *p)
{
    return (struct chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK_BYTES - 1));
}

/* A block with its head takes class * UNIT bytes. */
static size_t class_for(size_t bytes)
{
    return (bytes + HEAD + UNIT - 1) / UNIT;
}

static struct chunk *new_chunk(void)
{
    struct chunk *c;

    if (heap.slab_left == 0) {
        heap.slab = mem_alloc_aligned(CHUNK_BYTES, SLAB_CHUNKS * CHUNK_BYTES);
        heap.slab_left = SLAB_CHUNKS;
    }
    c = (struct chunk *)(void *)heap.slab;
    heap.slab += CHUNK_BYTES;
    heap.slab_left--;
    *c = (struct chunk){.older = heap.chunks, .owner = &heap};
    heap.chunks = c;
    return c;
}

static void chunk_begin(void)
{
    struct chunk *c = heap.whole;

    if (c)
        heap.whole = c->next_whole;
    else
        c = new_chunk();
    assert(c->used == 0);
    heap.cutting = c;
    heap.cut = sizeof *c + UNIT - HEAD;
}

static void *cut(size_t class)
{
    void *p;

    assert(class > CLASS_LARGE);
    assert(class < CLASS_COUNT);
    if (!heap.cutting || heap.cut + class * UNIT > CHUNK_BYTES)
        chunk_begin(); /* what was left of the old one is less than a block */
    p = (char *)heap.cutting + heap.cut + HEAD;
    heap.cut += class * UNIT;
    return p;
}

/* Drops the free blocks of chunks that are not in use. */
static void sift(void **list)
{
    while (*list) {
        struct chunk *c = chunk_of(*list);

        if (c->owner == &heap && c->used == 0)
            *list = head_of(*list)->next_free;
        else
            list = &head_of(*list)->next_free;
    }
}

void json_heap_settle(void)
{
    for (size_t class = 0; class < CLASS_COUNT; class ++)
        sift(&heap.free_blocks[class]);
    if (heap.cutting && heap.cutting->used == 0)
        heap.cutting = NULL;
    heap.whole = NULL;
    /* The oldest comes first: they follow each other in memory. */
    for (struct chunk *c = heap.chunks; c; c = c->older) {
        if (c->used > 0)
            continue;
        c->next_whole = heap.whole;
        heap.whole = c;
    }
}

static void *take_large(size_t bytes)
{
    char *raw = bytes > SIZE_MAX - UNIT ? NULL : malloc(bytes + UNIT);

    if (!raw)
        return NULL;
    head_of(raw + UNIT)->class = CLASS_LARGE;
    return raw + UNIT;
}

void *json_heap_take(size_t bytes)
{
    size_t class;
    void *p;

    if (bytes > HELD_MAX)
        return take_large(bytes);
    class = class_for(bytes ? bytes : 1);
    p = heap.free_blocks[class];
    if (p) {
        heap.free_blocks[class] = head_of(p)->next_free;
        /* The next one is on its way while this one is filled. */
        if (heap.free_blocks[class])
            __builtin_prefetch(head_of(heap.free_blocks[class]), 1);
    } else {
        p = cut(class);
    }
    head_of(p)->class = class;
    if (chunk_of(p)->owner == &heap)
        chunk_of(p)->used++;
    VALGRIND_MALLOCLIKE_BLOCK(p, bytes, 0, 0);
    return p;
}

void json_heap_give(void *p)
{
    size_t class;

    if (!p)
        return;
    class = head_of(p)->class;
    if (class == CLASS_LARGE) {
        free((char *)p - UNIT);
        return;
    }
    assert(class < CLASS_COUNT); /* else somebody wrote before the block */
    head_of(p)->next_free = heap.free_blocks[class];
    heap.free_blocks[class] = p;
    if (chunk_of(p)->owner == &heap)
        chunk_of(p)->used--;
    VALGRIND_FREELIKE_BLOCK(p, 0);
}

void json_init(void)
{
    if (OWN_HEAP)
        json_set_alloc_funcs(json_heap_take, json_heap_give);
    json_object_seed(0x766d636f); /* any fixed number but 0, which would mean "random" */
}
