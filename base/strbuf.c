#include "base/strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The first memory that a buffer gets: texts shorter than this are rare, and growing costs. */
#define FIRST_BYTES 56u

static void grow(struct strbuf *b, size_t extra)
{
    assert(b->len == 0 || b->data);
    if (!b->data && extra < FIRST_BYTES) {
        b->data = mem_alloc(FIRST_BYTES);
        b->cap = FIRST_BYTES;
    } else {
        b->data = mem_grow(b->data, &b->cap, b->len + extra + 1, 1);
    }
}

static inline void reserve(struct strbuf *b, size_t extra)
{
    assert(b->len <= b->cap);
    if (b->cap - b->len <= extra)
        grow(b, extra);
}

void strbuf_add(struct strbuf *b, const void *bytes, size_t len)
{
    reserve(b, len);
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void strbuf_addstr(struct strbuf *b, const char *s)
{
    strbuf_add(b, s, strlen(s));
}

void strbuf_addch(struct strbuf *b, char c)
{
    reserve(b, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}

void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
    char small[256], *text;
    va_list again;
    int len;

    va_copy(again, ap);
    len = vsnprintf(small, sizeof small, fmt, ap);
    if (len >= 0 && (size_t)len < sizeof small) {
        strbuf_add(b, small, (size_t)len);
    } else {
        text = mem_vprintf(fmt, again);
        strbuf_addstr(b, text);
        free(text);
    }
    va_end(again);
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    strbuf_vaddf(b, fmt, ap);
    va_end(ap);
}

void strbuf_reset(struct strbuf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

const char *strbuf_str(const struct strbuf *b)
{
    return b->data ? b->data : "";
}

char *strbuf_take(struct strbuf *b)
{
    char *text = b->data ? b->data : mem_strdup("");

    assert(text[b->len] == '\0');
    *b = (struct strbuf){0};
    return text;
}

void strbuf_finish(struct strbuf *b)
{
    free(b->data);
    *b = (struct strbuf){0};
}
