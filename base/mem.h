/* Allocation that does not fail: out of memory ends the process, since a tool gains nothing from
 * limping on. Sizes that come from hostile input are checked by the caller against a limit before
 * they get here. */
#ifndef VMCONFORM_BASE_MEM_H
#define VMCONFORM_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#define MEM_RETURNS __attribute__((returns_nonnull, warn_unused_result))

void *mem_alloc(size_t bytes) MEM_RETURNS;
void *mem_zalloc(size_t bytes) MEM_RETURNS;
/* alignment: a power of two, at least that of a pointer. Freed like any other. */
void *mem_alloc_aligned(size_t alignment, size_t bytes) MEM_RETURNS;
/* Begins with a page of MEM_PAGE bytes: the kernel copies to and from such memory in half the time.
 * Freed like any other. */
#define MEM_PAGE 4096u
void *mem_alloc_pages(size_t bytes) MEM_RETURNS;
void *mem_realloc(void *p, size_t bytes) MEM_RETURNS;
/* count * size, with the overflow checked. */
void *mem_reallocarray(void *p, size_t count, size_t size) MEM_RETURNS;
char *mem_strdup(const char *s) MEM_RETURNS;
char *mem_strndup(const char *s, size_t len) MEM_RETURNS;
void *mem_dup(const void *p, size_t bytes) MEM_RETURNS;
/* A new string, as printf would print it. */
char *mem_printf(const char *fmt, ...) MEM_RETURNS __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list ap) MEM_RETURNS __attribute__((format(printf, 1, 0)));

/* Grows *cap so that at least `need` elements fit and returns the (moved) array. */
void *mem_grow(void *array, size_t *cap, size_t need, size_t elem_size) MEM_RETURNS;

#endif
