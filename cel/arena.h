/* Memory with one lifetime: a program's tree, or everything one evaluation makes. Blocks are handed
 * out from chunks and freed together. Under AddressSanitizer a reset block is poisoned, so a value
 * that outlives its evaluation is found at once. */
#ifndef VMCONFORM_CEL_ARENA_H
#define VMCONFORM_CEL_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* Zero-initialise. */
struct arena {
    struct arena_chunk *first, *last;
    size_t bytes; /* handed out since the last reset */
};

struct arena_mark {
    struct arena_chunk *last;
    size_t used, bytes;
};

/* 16-byte aligned, not cleared, never NULL. */
void *arena_alloc(struct arena *a, size_t bytes);
/* The same, cleared. */
void *arena_zalloc(struct arena *a, size_t bytes);
/* A NUL-terminated copy. */
char *arena_copy(struct arena *a, const char *s, size_t len);

struct arena_mark arena_mark(const struct arena *a);
/* Gives back what was handed out since the mark. */
void arena_release(struct arena *a, struct arena_mark mark);
/* Gives back everything, and keeps the first chunk for the next use. */
void arena_reset(struct arena *a);
void arena_finish(struct arena *a);

#endif
