/* Where jansson's values live: a heap of small blocks.
 *
 * Half of what a simulated world does is to make and drop small pieces of JSON trees, in bursts
 * that a general allocator's caches are too small for. Blocks of one size are cut from chunks and,
 * once freed, kept in a list of their own. Chunks are never given back: a worker runs one world
 * after the other and needs them again.
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
#define HELD_MAX 256u /* longer ones come from malloc */
#define CHUNK_BYTES ((size_t)64 << 10)
#define CLASS_LARGE 0
#define CLASS_COUNT (HELD_MAX / UNIT + 2)

/* Stands before each block. A free block is linked by it and not by its own bytes, which nobody may
 * touch any more. */
union head {
    size_t class;
    void *next_free;
};

static _Thread_local void *free_blocks[CLASS_COUNT];
static _Thread_local char *last_chunk;
static _Thread_local size_t chunk_used; /* of the last chunk; where the next head goes */

static union head *head_of(void *p)
{
    return (union head *)p - 1;
}

/* A block with its head takes class * UNIT bytes. */
static size_t class_for(size_t bytes)
{
    return (bytes + HEAD + UNIT - 1) / UNIT;
}

/* A chunk begins with a link to the one before, so that leak checkers find them all. */
static void chunk_begin(void)
{
    char *chunk = mem_alloc(CHUNK_BYTES);

    *(char **)(void *)chunk = last_chunk;
    last_chunk = chunk;
    chunk_used = UNIT - HEAD;
}

static void *cut(size_t class)
{
    void *p;

    assert(class > CLASS_LARGE);
    assert(class < CLASS_COUNT);
    if (!last_chunk || chunk_used + class * UNIT > CHUNK_BYTES)
        chunk_begin(); /* what was left of the old one is less than a block */
    p = last_chunk + chunk_used + HEAD;
    chunk_used += class * UNIT;
    return p;
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
    p = free_blocks[class];
    if (p) {
        free_blocks[class] = head_of(p)->next_free;
        /* Where a large world has been, free blocks lie anywhere: the next one is on its way while
         * this one is filled. */
        if (free_blocks[class])
            __builtin_prefetch(head_of(free_blocks[class]), 1);
    } else {
        p = cut(class);
    }
    head_of(p)->class = class;
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
    head_of(p)->next_free = free_blocks[class];
    free_blocks[class] = p;
    VALGRIND_FREELIKE_BLOCK(p, 0);
}

void json_init(void)
{
    if (OWN_HEAP)
        json_set_alloc_funcs(json_heap_take, json_heap_give);
    json_object_seed(0x766d636f); /* any fixed number but 0, which would mean "random" */
}
