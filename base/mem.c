#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
    if (!p) {
        fputs("vmconform: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_alloc(size_t bytes)
{
    return checked(malloc(bytes ? bytes : 1));
}

void *mem_zalloc(size_t bytes)
{
    return checked(calloc(1, bytes ? bytes : 1));
}

void *mem_alloc_aligned(size_t alignment, size_t bytes)
{
    void *p = NULL;

    if (posix_memalign(&p, alignment, bytes ? bytes : 1) != 0)
        return checked(NULL);
    return p;
}

void *mem_alloc_pages(size_t bytes)
{
    return mem_alloc_aligned(MEM_PAGE, bytes);
}

void *mem_realloc(void *p, size_t bytes)
{
    return checked(realloc(p, bytes ? bytes : 1));
}

void *mem_reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return checked(NULL);
    return mem_realloc(p, bytes);
}

char *mem_strdup(const char *s)
{
    return checked(strdup(s));
}

char *mem_strndup(const char *s, size_t len)
{
    return checked(strndup(s, len));
}

void *mem_dup(const void *p, size_t bytes)
{
    void *copy = mem_alloc(bytes);

    if (bytes)
        memcpy(copy, p, bytes);
    return copy;
}

char *mem_vprintf(const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    return checked(text);
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    return text;
}

void *mem_grow(void *array, size_t *cap, size_t need, size_t elem_size)
{
    size_t want = *cap ? *cap : 8;

    if (need <= *cap && array)
        return array;
    while (want < need)
        want = want > SIZE_MAX / 2 ? need : want * 2;
    assert(want >= need);
    assert(elem_size > 0);
    array = mem_reallocarray(array, want, elem_size);
    *cap = want;
    return array;
}
