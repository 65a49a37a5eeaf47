/* A growing byte string that is always NUL-terminated. Zero-initialise it; finish or take it at the end. */
#ifndef VMCONFORM_BASE_STRBUF_H
#define VMCONFORM_BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
    char *data; /* NULL until the first byte */
    size_t len; /* without the NUL */
    size_t cap;
};

void strbuf_add(struct strbuf *b, const void *bytes, size_t len);
void strbuf_addstr(struct strbuf *b, const char *s);
void strbuf_addch(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* Empties the text, keeps the memory. */
void strbuf_reset(struct strbuf *b);
/* The text; "" when nothing was added. Borrowed until the next change. */
const char *strbuf_str(const struct strbuf *b);
/* Hands the text over (never NULL) and leaves an empty buffer. */
char *strbuf_take(struct strbuf *b);
void strbuf_finish(struct strbuf *b);

/* struct strbuf is embedded, so its cleanup takes the struct itself: AUTO(strbuf) struct strbuf b = {0}; */
static inline void cleanup_strbuf(struct strbuf *b)
{
    strbuf_finish(b);
}

#endif
