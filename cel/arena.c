/* See arena.h. */
#include "cel/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define CHUNK_FIRST 8192u
#define CHUNK_MAX (256u << 10)
#define ALIGNMENT 16u

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used;
    alignas(ALIGNMENT) char data[];
};

static struct arena_chunk *add_chunk(struct arena *a, size_t need)
{
    size_t size = a->last ? a->last->size * 2 : CHUNK_FIRST;
    struct arena_chunk *chunk;

    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size < need)
        size = need;
    chunk = mem_alloc(sizeof *chunk + size);
    chunk->next = NULL;
    chunk->size = size;
    chunk->used = 0;
    ASAN_POISON_MEMORY_REGION(chunk->data, size);
    if (a->last)
        a->last->next = chunk;
    else
        a->first = chunk;
    a->last = chunk;
    return chunk;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    struct arena_chunk *chunk = a->last;
    size_t need = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    char *p;

    assert(need >= bytes);
    if (!chunk || chunk->size - chunk->used < need)
        chunk = add_chunk(a, need);
    p = chunk->data + chunk->used;
    chunk->used += need;
    a->bytes += need;
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    return p;
}

void *arena_zalloc(struct arena *a, size_t bytes)
{
    return memset(arena_alloc(a, bytes), 0, bytes);
}

char *arena_copy(struct arena *a, const char *s, size_t len)
{
    char *p = arena_alloc(a, len + 1);

    if (len > 0)
        memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->last, a->last ? a->last->used : 0, a->bytes};
}

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;

        ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->size);
        free(chunk);
        chunk = next;
    }
}

void arena_release(struct arena *a, struct arena_mark mark)
{
    if (!mark.last) {
        arena_reset(a);
        return;
    }
    assert(mark.used <= mark.last->used); /* what was released is not released again */
    assert(mark.bytes <= a->bytes);
    free_chunks(mark.last->next);
    mark.last->next = NULL;
    ASAN_POISON_MEMORY_REGION(mark.last->data + mark.used, mark.last->size - mark.used);
    mark.last->used = mark.used;
    a->last = mark.last;
    a->bytes = mark.bytes;
}

void arena_reset(struct arena *a)
{
    if (!a->first)
        return;
    arena_release(a, (struct arena_mark){a->first, 0, 0});
}

void arena_finish(struct arena *a)
{
    free_chunks(a->first);
    *a = (struct arena){0};
}
